import { createHash } from 'node:crypto';
import type { StreamCall } from './emulator.ts';

/** One field of a form that was read while it arrived. */
export interface StreamedPart {
	name: string;
	fileName: string | null;
	mime: string | null;
	size: number;
	/** Hex. */
	sha256: string;
	/** Empty for a file that was not to be kept. */
	data: Buffer;
}

/**
 * The fields of a multipart form in their order, without holding large files: with `discard`, files are hashed and dropped.
 * Null when the form is not well-formed. Throws when the connection breaks.
 */
export async function streamForm({ headers, chunks }: Pick<StreamCall, 'headers' | 'chunks'>, discard = false): Promise<StreamedPart[] | null> {
	const boundary = /^multipart\/form-data;\s*boundary="?([^";]+)"?$/.exec(headers['content-type'] ?? '')?.[1];
	const reader = new Reader(chunks);
	const parts = boundary === undefined ? null : await readParts(reader, Buffer.from(`\r\n--${boundary}`), discard);
	// Who stops reading before the end breaks the connection.
	await reader.drain();
	return parts;
}

async function readParts(reader: Reader, delimiter: Buffer, discard: boolean): Promise<StreamedPart[] | null> {
	const parts: StreamedPart[] = [];
	if ((await reader.until(delimiter))?.length !== 0) return null;
	for (;;) {
		const mark = (await reader.take(2)).toString('latin1');
		if (mark === '--') return parts;
		const head = mark === '\r\n' ? (await reader.until(Buffer.from('\r\n\r\n')))?.toString('utf8') : undefined;
		const name = head === undefined ? undefined : /\bname="([^"]*)"/.exec(head)?.[1];
		if (head === undefined || name === undefined) return null;
		const fileName = /\bfilename="([^"]*)"/.exec(head)?.[1] ?? null;
		const hash = createHash('sha256');
		let size = 0;
		const data = await reader.until(delimiter, (piece) => {
			size += piece.length;
			hash.update(piece);
			return !discard || fileName === null;
		});
		if (!data) return null;
		parts.push({ name, fileName, mime: /^content-type:\s*(\S+)/im.exec(head)?.[1] ?? null, size, sha256: hash.digest('hex'), data });
	}
}

class Reader {
	readonly #chunks: AsyncIterator<Buffer>;
	// So that the first boundary is found like the others.
	#rest: Buffer = Buffer.from('\r\n');

	constructor(chunks: AsyncIterable<Buffer>) {
		this.#chunks = chunks[Symbol.asyncIterator]();
	}

	/** The bytes before `mark`, which is consumed; of every piece `keep` says whether it is to be answered. Null: no such mark. */
	async until(mark: Buffer, keep: (piece: Buffer) => boolean = () => true): Promise<Buffer | null> {
		const kept: Buffer[] = [];
		const pass = (piece: Buffer) => void (piece.length > 0 && keep(piece) && kept.push(Buffer.from(piece)));
		for (;;) {
			const at = this.#rest.indexOf(mark);
			if (at >= 0) {
				pass(this.#rest.subarray(0, at));
				this.#rest = this.#rest.subarray(at + mark.length);
				return Buffer.concat(kept);
			}
			// The network may have cut the mark in two.
			const sure = Math.max(0, this.#rest.length - mark.length + 1);
			pass(this.#rest.subarray(0, sure));
			this.#rest = this.#rest.subarray(sure);
			if (!(await this.#more())) return null;
		}
	}

	async take(bytes: number): Promise<Buffer> {
		while (this.#rest.length < bytes && (await this.#more()));
		const taken = this.#rest.subarray(0, bytes);
		this.#rest = this.#rest.subarray(bytes);
		return taken;
	}

	async drain(): Promise<void> {
		while (await this.#more()) this.#rest = Buffer.alloc(0);
	}

	async #more(): Promise<boolean> {
		const next = await this.#chunks.next();
		if (next.done) return false;
		this.#rest = this.#rest.length === 0 ? next.value : Buffer.concat([this.#rest, next.value]);
		return true;
	}
}
