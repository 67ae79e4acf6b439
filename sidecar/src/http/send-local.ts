import { closeSync, fstatSync, open, read } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import type { ByteRange } from './ranges.ts';

const openFile = promisify(open);

/** Read at once: every piece costs a round trip to another thread, and more memory than the caches of a processor hold costs as well (bench/delivery.ts). */
const CHUNK_BYTES = 512 * 1024;
/** Kept for the next file: fresh memory costs about as much as copying into it does. 16 MB at most. */
const MOST_SPARE = 32;
/** With more than MOST_SPARE in use, what is read at once: a thousand readers who take nothing must not take a gigabyte of memory. */
const SMALL_BYTES = 32 * 1024;
const spare: Buffer[] = [];
let inUse = 0;

/** A file of this machine's disk, open for sending. */
export interface LocalFile {
	bytes: number;
	modifiedAt: Date;
	/** Writes bytes of it. Throws when the reader goes away, or the file ends early. */
	send(response: ServerResponse, range: ByteRange): Promise<void>;
	close(): void;
}

/** Null when there is no such file. What is open and known to the kernel is asked and closed at once: handing that to a thread takes longer. */
export async function openLocal(path: string): Promise<LocalFile | null> {
	const fd = await openFile(path, 'r').catch((error: NodeJS.ErrnoException) => {
		if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
		throw error;
	});
	if (fd === null) return null;
	const found = fstatSync(fd);
	if (!found.isFile()) {
		closeSync(fd);
		return null;
	}
	return {
		bytes: found.size,
		modifiedAt: found.mtime,
		close: () => closeSync(fd),
		async send(response, { start, end }) {
			let next = readInto(fd, start, end);
			try {
				for (let position = start; position <= end; ) {
					const chunk = await next;
					position += chunk.length;
					// The next bytes are read while these are on their way.
					next = position <= end ? readInto(fd, position, end) : Promise.resolve(EMPTY);
					try {
						await write(response, chunk);
					} catch (error) {
						// Somebody may still be reading from the chunk: it is not used again.
						inUse -= 1;
						throw error;
					}
					giveBack(chunk);
				}
			} catch (error) {
				// Nothing may still be reading when the file is closed.
				await next.then(giveBack, () => undefined);
				throw error;
			}
		},
	};
}

const EMPTY = Buffer.alloc(0);

function readInto(fd: number, position: number, end: number): Promise<Buffer> {
	inUse += 1;
	const buffer = inUse > MOST_SPARE ? Buffer.allocUnsafeSlow(SMALL_BYTES) : (spare.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES));
	return new Promise((done, fail) => {
		read(fd, buffer, 0, Math.min(buffer.length, end - position + 1), position, (error, bytes) => {
			if (!error && bytes > 0) return done(buffer.subarray(0, bytes));
			giveBack(buffer);
			fail(error ?? new Error('the file is shorter than it was'));
		});
	});
}

function giveBack(chunk: Buffer): void {
	if (chunk.length === 0) return;
	inUse -= 1;
	if (chunk.buffer.byteLength === CHUNK_BYTES && spare.length < MOST_SPARE) spare.push(Buffer.from(chunk.buffer));
}

/**
 * Until the bytes have left this process: then their memory is free again. Of a response that waits behind another one on its
 * connection, Node forgets what was written when the client goes away: only `close` tells.
 */
function write(response: ServerResponse, chunk: Buffer): Promise<void> {
	return new Promise((done, fail) => {
		const closed = (): void => fail(new Error('the reader went away'));
		response.once('close', closed);
		response.write(chunk, (error) => {
			response.off('close', closed);
			if (error) fail(error);
			else done();
		});
	});
}
