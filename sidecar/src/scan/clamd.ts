import { createReadStream } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { stat } from 'node:fs/promises';
import { PipelineError } from '../errors.ts';
import { clamdTarget, type ClamdTarget } from './address.ts';
import type { Scanner } from './scanner.ts';

export interface ClamdSettings {
	/** Path of a Unix socket, or `host:port`. */
	address: string;
	/** Largest file that clamd looks into as a whole (CLAMD_MAX_BYTES): it calls larger ones clean without having looked. */
	maxBytes: number;
	/** Longest time to connect, or without a word from clamd, in milliseconds; for tests. */
	connectMs?: number;
	silenceMs?: number;
}

/** A daemon that works takes a connection at once. */
const CONNECT_MS = 5_000;
/** clamd says nothing while it scans, and ends that by itself after MaxScanTime: 120 s by default (clamd.conf(5)); who raises it seldom goes beyond five minutes. */
const SILENCE_MS = 600_000;
/** clamd reads each piece at once; 64 kB is what a socket takes. */
const PIECE_BYTES = 64 * 1024;
/** No answer is longer; what goes on after that is not clamd. */
const MAX_ANSWER = 4096;

/**
 * ClamAV's daemon. The file is streamed (`INSTREAM`), so that clamd may run on another machine or in a container that does not see our files.
 * Spoken here and not by the package clamscan: that one writes without waiting for the socket (a file of 500 MB would lie in memory),
 * cannot be cancelled, and never settles when clamd falls silent in the middle.
 */
export function createClamd({ address, maxBytes, connectMs = CONNECT_MS, silenceMs = SILENCE_MS }: ClamdSettings): Scanner {
	const target = clamdTarget(address);
	if (!target) throw new TypeError('CLAMD names neither a socket nor host:port');
	return {
		async scan(path, { signal, onProgress }) {
			const { size } = await stat(path);
			if (size > maxBytes) throw tooLarge(size, maxBytes);
			let isAllSent = false;
			const answer = await converse(target, { connectMs, silenceMs, signal }, async (socket) => {
				await write(socket, Buffer.from('zINSTREAM\0'));
				let sent = 0;
				for await (const piece of createReadStream(path, { highWaterMark: PIECE_BYTES, signal })) {
					await write(socket, framed(piece as Buffer));
					sent += (piece as Buffer).length;
					onProgress?.((sent / Math.max(1, size)) * 100);
				}
				if (sent !== size) throw new Error('the file changed while it was scanned');
				isAllSent = true;
				await write(socket, Buffer.alloc(4));
			});
			const verdict = verdictOf(answer);
			if (verdict === null && !isAllSent) throw unavailable('it called the file clean before it had all of it');
			return verdict;
		},
		async ping() {
			const answer = await converse(target, { connectMs, silenceMs: connectMs, signal: null }, (socket) => write(socket, Buffer.from('zPING\0')));
			if (answer !== 'PONG') throw unavailable(`it answers ${JSON.stringify(answer.slice(0, 60))}, which is not what clamd says. Does CLAMD name the right port?`);
		},
	};
}

/** Pure: what clamd said of a stream. Only the one answer that means "clean" is one. */
export function verdictOf(answer: string): string | null {
	if (answer === 'stream: OK') return null;
	const signature = /^stream: (.+) FOUND$/.exec(answer)?.[1];
	if (signature?.startsWith('Heuristics.Limits.Exceeded')) {
		throw new PipelineError('scanner_unavailable', `The virus scanner did not look at all of the file (${signature}). Raise MaxFileSize, MaxScanSize and MaxScanTime in clamd.conf.`, { details: { limit: signature } });
	}
	if (signature) return signature;
	if (/size limit exceeded/i.test(answer)) {
		throw new PipelineError('scanner_unavailable', 'The virus scanner refuses files of this size, so the file was not scanned. Raise StreamMaxLength (and MaxFileSize, MaxScanSize) in clamd.conf.', { details: { limit: 'StreamMaxLength' } });
	}
	throw unavailable(answer === '' ? 'it closed the connection without an answer, as it does with files above its StreamMaxLength: raise that in clamd.conf if this file is large' : `it answered ${JSON.stringify(answer.slice(0, 120))}`);
}

const unavailable = (why: string, cause?: unknown): PipelineError =>
	new PipelineError('scanner_unavailable', `The virus scanner (CLAMD) cannot be asked: ${why}. Nothing is accepted until it answers.`, { cause });

const tooLarge = (bytes: number, most: number): PipelineError =>
	new PipelineError(
		'scanner_unavailable',
		`The file has ${bytes} bytes; the virus scanner looks into at most ${most} (CLAMD_MAX_BYTES), and what was not scanned is not accepted. Raise MaxFileSize, MaxScanSize and StreamMaxLength in clamd.conf, and CLAMD_MAX_BYTES to the same.`,
		{ details: { given_bytes: bytes, limit_bytes: most, limit: 'CLAMD_MAX_BYTES' } },
	);

/** A piece of a stream: its length in four bytes, then itself (clamd(8), INSTREAM). */
function framed(piece: Buffer): Buffer {
	const length = Buffer.alloc(4);
	length.writeUInt32BE(piece.length);
	return Buffer.concat([length, piece]);
}

/** Waits until the socket has taken it: memory stays small however slow the scanner is. */
async function write(socket: Socket, bytes: Buffer): Promise<void> {
	await new Promise<void>((done, fail) => {
		socket.write(bytes, (error) => (error ? fail(error) : done()));
	});
}

/** One command, one answer, one connection. */
async function converse(target: ClamdTarget, { connectMs, silenceMs, signal }: { connectMs: number; silenceMs: number; signal: AbortSignal | null }, say: (socket: Socket) => Promise<void>): Promise<string> {
	signal?.throwIfAborted();
	const socket = createConnection(target);
	const onAbort = (): void => void socket.destroy(new Error('aborted'));
	signal?.addEventListener('abort', onAbort, { once: true });
	try {
		const ended = answerOf(socket, { connectMs, silenceMs });
		// clamd may answer before it has all, and close: what it said counts then, not that writing failed. Nothing is sent after an answer.
		const over = (): void => void socket.destroy();
		ended.then(over, over);
		await connected(socket)
			.then(() => say(socket))
			.catch(() => socket.destroy());
		const answer = await ended;
		signal?.throwIfAborted();
		return answer;
	} catch (error) {
		signal?.throwIfAborted();
		if (error instanceof PipelineError) throw error;
		const code = typeof error === 'object' && error !== null && 'code' in error ? ` (${String(error.code)})` : '';
		const hint = /EPIPE|ECONNRESET/.test(code) ? ', as clamd does with files above its StreamMaxLength: raise that in clamd.conf if this file is large' : '';
		throw unavailable(`the connection was lost or refused${code}${hint}`, error);
	} finally {
		signal?.removeEventListener('abort', onAbort);
		socket.destroy();
	}
}

const connected = (socket: Socket): Promise<void> =>
	new Promise((done, fail) => {
		socket.once('connect', done);
		socket.once('error', fail);
		socket.once('close', () => fail(new Error('closed')));
	});

/** Everything until clamd closes the connection or ends the line. */
function answerOf(socket: Socket, { connectMs, silenceMs }: { connectMs: number; silenceMs: number }): Promise<string> {
	return new Promise((done, fail) => {
		let text = '';
		socket.setTimeout(connectMs);
		socket.once('connect', () => socket.setTimeout(silenceMs));
		socket.on('timeout', () => {
			fail(unavailable(`no word from it for ${Math.round((socket.connecting ? connectMs : silenceMs) / 1000)} s`));
			socket.destroy();
		});
		socket.on('data', (piece: Buffer) => {
			text += piece.toString('latin1');
			if (text.includes('\0') || text.length > MAX_ANSWER) finish();
		});
		const finish = (): void => done((text.split('\0')[0] ?? '').trim());
		socket.on('end', finish);
		// After `end` this changes nothing any more.
		socket.on('error', (error) => (text.includes('\0') ? finish() : fail(error)));
		socket.on('close', finish);
	});
}
