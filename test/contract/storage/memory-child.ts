import { createHash, randomFillSync } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Storage } from '../../../sidecar/src/storage/storage.ts';

/**
 * In a process of its own: stores a stream of unknown length and reads it back. Prints how far the memory of the process grew
 * over what it took after a small file, how many bytes went in and came out, and whether they are the same.
 */
const { module, create, options, bytes } = JSON.parse(process.argv[2] ?? '') as { module: string; create: string; options: unknown; bytes: number };
const made = (await import(`../../../sidecar/src/storage/${module}`)) as Record<string, (options: unknown) => Storage>;
const storage = made[create]?.(options);
if (!storage) throw new Error(`${module} has no ${create}`);

/** Different in every megabyte: parts in the wrong order would be found. */
function* content(length: number, hash: ReturnType<typeof createHash>): Generator<Buffer> {
	const noise = randomFillSync(Buffer.alloc(65_536));
	for (let sent = 0; sent < length; sent += noise.length) {
		const piece = Buffer.from(noise.subarray(0, Math.min(noise.length, length - sent)));
		piece.writeUInt32BE(sent / 65_536);
		hash.update(piece);
		yield piece;
	}
}

async function roundTrip(key: string, length: number): Promise<{ same: boolean; storedBytes: number | undefined; readBytes: number }> {
	const [sent, read] = [createHash('sha256'), createHash('sha256')];
	const stored = await storage?.putStream(key, Readable.from(content(length, sent), { objectMode: false }));
	let readBytes = 0;
	await pipeline((await storage?.read(key)) ?? Readable.from([]), async (source: AsyncIterable<Buffer>) => {
		for await (const piece of source) {
			readBytes += piece.length;
			read.update(piece);
		}
	});
	return { same: sent.digest('hex') === read.digest('hex'), storedBytes: stored?.bytes, readBytes };
}

await roundTrip('raw/default/small.bin', 20 * 1024 ** 2);
const before = process.memoryUsage.rss();
let most = before;
const watch = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 20);
const told = await roundTrip('raw/default/big.bin', bytes);
clearInterval(watch);
process.stdout.write(JSON.stringify({ ...told, grownBytes: most - before }));
process.exit(0);
