import { createHash } from 'node:crypto';
import { open, rm, type FileHandle } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { PipelineError } from '../errors.ts';
import type { Headers } from './http.ts';

/** An answer that brings the file: 200 the whole, 206 the rest from the asked byte on, 416 nothing is left. */
export interface Answer {
	status: number;
	/** Lower-case names. */
	headers: Headers;
	stream: Readable;
}

export interface ReceiveOptions {
	/**
	 * Asks for the file from byte `offset` on. `validator` (an ETag or a date, for If-Range) is null on the first call.
	 * Throws PipelineError for every answer that is not the file; `input_unreachable` means that asking again may help.
	 */
	open(from: { offset: number; validator: string | null }, signal: AbortSignal): Promise<Answer>;
	destPath: string;
	maxBytes: number;
	/** Where it comes from, for messages: host or service, never a token. */
	where: string;
	signal?: AbortSignal | undefined;
	/** Bytes so far, and in all (null where unknown). Called per chunk. */
	onProgress?: ((bytes: number, total: number | null) => void) | undefined;
	/** No byte for so long: the connection counts as broken. Default 30 s. */
	stallMs?: number | undefined;
	/** A further checksum of the service's own kind: called when the file begins (anew), told each piece. */
	alsoHash?: (() => { update(chunk: Buffer): unknown }) | undefined;
	/** Before the first new try; doubles with each that brings nothing. Default 500 ms. */
	retryDelayMs?: number | undefined;
}

export interface Received {
	bytes: number;
	/** Hex. */
	sha256: string;
	/** Headers of the answer that brought the first byte. */
	headers: Headers;
}

/** New connections in a row that bring no byte, and in all: a server that breaks after each kilobyte ends, too. */
const MAX_FRUITLESS = 4;
const MAX_CONNECTIONS = 50;
const STALL_MS = 30_000;

/** Writes what arrives, remembers how far it came, and hashes on the way. */
class Target {
	bytes = 0;
	hash = createHash('sha256');
	private readonly handle: FileHandle;
	private readonly alsoHash: ReceiveOptions['alsoHash'];
	private further: { update(chunk: Buffer): unknown } | undefined;
	constructor(handle: FileHandle, alsoHash: ReceiveOptions['alsoHash']) {
		this.handle = handle;
		this.alsoHash = alsoHash;
		this.further = alsoHash?.();
	}

	async append(chunk: Buffer): Promise<void> {
		for (let done = 0; done < chunk.length; ) {
			const { bytesWritten } = await this.handle.write(chunk, done, chunk.length - done, this.bytes + done);
			done += bytesWritten;
		}
		this.hash.update(chunk);
		this.further?.update(chunk);
		this.bytes += chunk.length;
	}

	async restart(): Promise<void> {
		await this.handle.truncate(0);
		this.bytes = 0;
		this.hash = createHash('sha256');
		this.further = this.alsoHash?.();
	}
}

/**
 * Streams a file to disk, going on where a broken connection stopped. Memory stays at one chunk. On failure the file is
 * removed. Throws `input_too_large`, `input_empty`, `input_unreachable`, `storage_full`, what `open` throws, and the
 * signal's reason.
 */
export async function receive(options: ReceiveOptions): Promise<Received> {
	const handle = await open(options.destPath, 'w', 0o600);
	try {
		const received = await receiveInto(new Target(handle, options.alsoHash), options);
		await handle.close();
		return received;
	} catch (error) {
		await handle.close().catch(() => undefined);
		await rm(options.destPath, { force: true });
		options.signal?.throwIfAborted();
		if ((error as NodeJS.ErrnoException).code === 'ENOSPC') {
			throw new PipelineError(
				'storage_full',
				'The disk of the sidecar is full. Free some space, or put DATA_DIR on a larger disk.',
				{ cause: error },
			);
		}
		throw error;
	}
}

async function receiveInto(target: Target, options: ReceiveOptions): Promise<Received> {
	const { where, retryDelayMs = 500 } = options;
	let first: Headers | null = null;
	let validator: string | null = null;
	let fruitless = 0;
	for (let connection = 1; ; connection++) {
		const before = target.bytes;
		try {
			// Without an ETag or a date nobody can tell whether the file is still the same: then it begins anew.
			if (target.bytes > 0 && validator === null) await target.restart();
			const headers = await receiveOnce(target, validator, options, (answer) => {
				first ??= answer;
				validator = validatorOf(answer);
			});
			if (target.bytes === 0) throw new PipelineError('input_empty', `The file from ${where} is empty (0 bytes).`);
			return { bytes: target.bytes, sha256: target.hash.digest('hex'), headers: first ?? headers };
		} catch (error) {
			options.signal?.throwIfAborted();
			const passing = error instanceof PipelineError ? error.code === 'input_unreachable' : !isDiskError(error);
			// The first connection of all is the job's own to repeat, later and with a pause that fits.
			if (!passing || first === null) throw error;
			fruitless = target.bytes > before ? 0 : fruitless + 1;
			if (fruitless >= MAX_FRUITLESS || connection >= MAX_CONNECTIONS) {
				throw new PipelineError(
					'input_unreachable',
					`The connection to ${where} broke after ${target.bytes} bytes, and going on failed ${connection} times.`,
					{ cause: error },
				);
			}
			await wait(retryDelayMs * 2 ** fruitless, undefined, { signal: options.signal }).catch(() =>
				options.signal?.throwIfAborted(),
			);
		}
	}
}

/** One connection. Returns when the file is complete; throws otherwise. */
async function receiveOnce(
	target: Target,
	validator: string | null,
	options: ReceiveOptions,
	onAnswer: (headers: Headers) => void,
): Promise<Headers> {
	const { maxBytes, where, stallMs = STALL_MS } = options;
	const stall = new AbortController();
	const stalled = () =>
		stall.abort(new PipelineError('input_unreachable', `${where} sent nothing for ${stallMs / 1000} s.`));
	let timer = setTimeout(stalled, stallMs);
	const signal = options.signal ? AbortSignal.any([options.signal, stall.signal]) : stall.signal;
	let stream: Readable | undefined;
	const destroy = () => stream?.destroy(signal.reason instanceof Error ? signal.reason : new Error('stopped'));
	signal.addEventListener('abort', destroy, { once: true });
	try {
		const answer = await options.open({ offset: target.bytes, validator }, signal);
		stream = answer.stream;
		signal.throwIfAborted();
		// Not all servers heed If-Range: a part of another version must not be put behind what is here (RFC 9110, section 15.3.7.3).
		if (answer.status === 206 && target.bytes > 0 && validator !== null && (validatorOf(answer.headers) ?? validator) !== validator) {
			await target.restart();
			throw new PipelineError('input_unreachable', `The file from ${where} changed while it was downloaded.`);
		}
		const total = await place(target, answer, where);
		if (answer.status === 416) return answer.headers;
		onAnswer(answer.headers);
		if (total !== null && total > maxBytes) throw tooLarge(total, maxBytes, where);
		for await (const chunk of stream as AsyncIterable<Buffer>) {
			clearTimeout(timer);
			if (target.bytes + chunk.length > maxBytes) throw tooLarge(null, maxBytes, where);
			await target.append(chunk);
			options.onProgress?.(target.bytes, total);
			timer = setTimeout(stalled, stallMs);
		}
		if (total !== null && target.bytes < total) {
			throw new PipelineError('input_unreachable', `${where} sent ${target.bytes} of ${total} bytes.`);
		}
		return answer.headers;
	} catch (error) {
		throw stall.signal.aborted ? stall.signal.reason : error;
	} finally {
		clearTimeout(timer);
		signal.removeEventListener('abort', destroy);
		stream?.destroy();
	}
}

/** Sets the target to where the answer begins. Returns the size of the whole file, null where the server does not say. */
async function place(target: Target, { status, headers }: Answer, where: string): Promise<number | null> {
	const range = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(headers['content-range'] ?? '');
	const rangeTotal = range?.[2] && range[2] !== '*' ? Number(range[2]) : null;
	if (status === 200) {
		if (target.bytes > 0) await target.restart();
		const length = headers['content-length'];
		return length === undefined ? null : Number(length);
	}
	if (status === 206 && range?.[1] !== undefined && Number(range[1]) === target.bytes) return rangeTotal;
	if (status === 416 && rangeTotal === target.bytes) return rangeTotal;
	await target.restart();
	throw new PipelineError(
		'input_unreachable',
		`${where} answered with another part of the file than it was asked for.`,
	);
}

/** RFC 9110, section 13.1.5: a weak ETag must not stand in If-Range. */
function validatorOf(headers: Headers): string | null {
	const etag = headers.etag;
	return etag && !etag.startsWith('W/') ? etag : (headers['last-modified'] ?? null);
}

const DISK_ERRORS = ['ENOSPC', 'EDQUOT', 'EIO', 'EROFS', 'EBADF', 'EFBIG'];
const isDiskError = (error: unknown) => DISK_ERRORS.includes(String((error as NodeJS.ErrnoException).code));

const megabytes = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(bytes < 10_485_760 ? 2 : 0)} MB`;

export function tooLarge(bytes: number | null, maxBytes: number, where: string): PipelineError {
	const size = bytes === null ? `is larger than ${megabytes(maxBytes)}` : `has ${megabytes(bytes)}`;
	return new PipelineError(
		'input_too_large',
		`The file from ${where} ${size}. At most ${megabytes(maxBytes)} are allowed (MAX_FILE_BYTES=${maxBytes} of the sidecar). Send a smaller file or raise the limit.`,
		{ details: { ...(bytes === null ? {} : { bytes }), max_bytes: maxBytes } },
	);
}
