import { execFile } from 'node:child_process';
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Storage } from '../../sidecar/src/storage/storage.ts';
import { cloudinary } from './storage/cloudinary.ts';
import { describeDirect } from './storage/direct-contract.ts';
import { disk } from './storage/disk.ts';
import { gcs } from './storage/gcs.ts';
import { s3 } from './storage/s3.ts';
import { describeIf, type Place, type StartedStage, type StorageStage } from './storage/stage.ts';
import { supabase } from './storage/supabase.ts';

/**
 * One contract for every back end. To add one: `storage/<name>.ts` beside this file (stage.ts says what it must have; disk.ts is
 * the shortest), and its name here. A back end that only serves public files runs the same tests.
 */
const STAGES: StorageStage[] = [disk, s3, gcs, supabase, cloudinary];

const MB = 1024 ** 2;
/** Far more than may stay in memory, on top of what the small file before has left there. */
const STREAM_BYTES = 112 * MB;
const MOST_GROWTH = 64 * MB;
const run = promisify(execFile);

describe.each(STAGES.map((stage) => [stage.name, stage] as const))('storage on %s', (name, { can, start }) => {
	let stage: StartedStage;
	let place: Place;
	let storage: Storage;
	let folder: string;

	beforeAll(async () => (stage = await start()));
	afterAll(() => stage.stop());
	beforeEach(async () => {
		folder = await mkdtemp(join(tmpdir(), 'storage-contract-'));
		place = await stage.place({ pageSize: 5 });
		storage = place.storage;
		await storage.prepare();
	});
	afterEach(() => rm(folder, { recursive: true, force: true }));

	let names = 0;
	const localFile = async (content: string | Buffer): Promise<string> => {
		const path = join(folder, `local-${++names}`);
		await writeFile(path, content);
		return path;
	};
	const put = (key: string, content: string | Buffer) => storage.putStream(key, Readable.from([Buffer.from(content)]));
	const content = async (key: string, range?: { start: number; end: number }): Promise<string> => String(await buffer(await storage.read(key, range)));
	const keys = async (prefix: string): Promise<string[]> => {
		const found: string[] = [];
		for await (const file of storage.list(prefix)) found.push(file.key);
		return found.sort();
	};
	/** `bytes` bytes in pieces, then it breaks. */
	const broken = (bytes: number): Readable =>
		Readable.from(
			(function* () {
				for (let sent = 0; sent < bytes; sent += 65_536) yield Buffer.alloc(Math.min(65_536, bytes - sent), 1);
				throw new Error('the source broke');
			})(),
		);

	describe('writing', () => {
		it('moves a local file under its key and gives it back unchanged', async () => {
			const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251));
			const path = await localFile(bytes);
			expect(await storage.putFile('raw/default/a.mp4', path)).toMatchObject({ key: 'raw/default/a.mp4', bytes: 300_000 });
			expect((await buffer(await storage.read('raw/default/a.mp4'))).equals(bytes)).toBe(true);
			await expect(access(path)).rejects.toMatchObject({ code: 'ENOENT' });
		});

		it('stores a stream of unknown length', async () => {
			const stored = await storage.putStream('raw/default/s.bin', Readable.from([Buffer.from('one '), Buffer.from('two')]));
			expect(stored).toMatchObject({ key: 'raw/default/s.bin', bytes: 7 });
			expect(await content('raw/default/s.bin')).toBe('one two');
		});

		it('stores a stream that is larger than one request', async () => {
			const bytes = Buffer.from(Array.from({ length: 64 }, (_, index) => index));
			const big = Buffer.concat(Array.from({ length: 12 * MB / 64 }, () => bytes));
			expect(await storage.putStream('raw/default/b.bin', Readable.from([big.subarray(0, 5_000_001), big.subarray(5_000_001)]))).toMatchObject({ bytes: 12 * MB });
			expect((await buffer(await storage.read('raw/default/b.bin'))).equals(big)).toBe(true);
			expect(await content('raw/default/b.bin', { start: 5 * MB - 2, end: 5 * MB + 1 })).toBe(String.fromCharCode(62, 63, 0, 1));
			expect(await storage.head('raw/default/b.bin')).toMatchObject({ bytes: 12 * MB });
		});

		if (can.empty === false) {
			it('refuses an empty file in words', async () => {
				await expect(storage.putStream('raw/default/empty.bin', Readable.from([]))).rejects.toMatchObject({ code: 'storage_failed', message: expect.stringMatching(/empty/) });
			});
		} else it('stores an empty file', async () => {
			expect(await storage.putStream('raw/default/empty.bin', Readable.from([]))).toMatchObject({ bytes: 0 });
			expect(await content('raw/default/empty.bin')).toBe('');
			expect(await content('raw/default/empty.bin', { start: 0, end: 0 })).toBe('');
			expect(await storage.head('raw/default/empty.bin')).toMatchObject({ bytes: 0 });
			await storage.putFile('raw/default/empty2.bin', await localFile(''));
			expect(await storage.head('raw/default/empty2.bin')).toMatchObject({ bytes: 0 });
		});

		it.each([100, 11 * MB])('leaves nothing behind when the stream fails after %i bytes', async (bytes) => {
			await expect(storage.putStream('raw/default/broken.bin', broken(bytes))).rejects.toThrow();
			expect(await storage.head('raw/default/broken.bin')).toBeNull();
			expect(await keys('')).toEqual([]);
			expect(await place.leftovers()).toEqual([]);
		});

		it.each([
			['shorter', 10],
			['longer', 3],
		])('refuses a stream that is %s than was said', async (_how, bytes) => {
			const short = Readable.from([Buffer.from('12345')]);
			await expect(storage.putStream('raw/default/short.bin', short, { bytes })).rejects.toMatchObject({ code: 'storage_failed' });
			expect(await storage.head('raw/default/short.bin')).toBeNull();
			await storage.putStream('raw/default/short.bin', Readable.from([Buffer.from('12345')]), { bytes: 5 });
			expect(await content('raw/default/short.bin')).toBe('12345');
		});

		it('keeps the old file whole until the new one is', async () => {
			await put('public/default/x.txt', 'old');
			await expect(storage.putStream('public/default/x.txt', broken(6 * MB))).rejects.toThrow();
			expect(await content('public/default/x.txt')).toBe('old');
			await storage.putFile('public/default/x.txt', await localFile('new and longer'));
			expect(await content('public/default/x.txt')).toBe('new and longer');
			expect(await storage.head('public/default/x.txt')).toMatchObject({ bytes: 14 });
		});

		it('lets one of several writers of a key win, whole', async () => {
			const writers = ['a', 'b', 'c', 'd'];
			await Promise.all(writers.map((letter) => storage.putStream('raw/default/race.bin', Readable.from([Buffer.alloc(3 * MB, letter), Buffer.alloc(3 * MB, letter)]))));
			const winner = await content('raw/default/race.bin');
			expect(winner).toHaveLength(6 * MB);
			expect(writers).toContain(winner[0]);
			expect(winner === String(winner[0]).repeat(6 * MB)).toBe(true);
			expect(await keys('raw/')).toEqual(['raw/default/race.bin']);
			expect(await place.leftovers()).toEqual([]);
		});

		it('needs no more memory for a large stream', async () => {
			const child = fileURLToPath(new URL('storage/memory-child.ts', import.meta.url));
			const { stdout } = await run(process.execPath, ['--disable-warning=MODULE_TYPELESS_PACKAGE_JSON', child, JSON.stringify({ ...place.recipe, bytes: STREAM_BYTES })], { env: { PATH: process.env['PATH'] } });
			const measured = JSON.parse(stdout) as { same: boolean; storedBytes: number; readBytes: number; grownBytes: number };
			process.stderr.write(`  ${name}: ${STREAM_BYTES / MB} MB stored and read, memory grew by ${(measured.grownBytes / MB).toFixed(1)} MB\n`);
			expect(measured).toMatchObject({ same: true, storedBytes: STREAM_BYTES, readBytes: STREAM_BYTES });
			expect(measured.grownBytes).toBeLessThan(MOST_GROWTH);
			// The emulators check every byte of it, on a machine that may have other work.
		}, 240_000);
	});

	describe('reading', () => {
		it.each([
			[0, 0, 'a'],
			[0, 7, 'abcdefgh'],
			[2, 4, 'cde'],
			[7, 7, 'h'],
			[5, 7, 'fgh'],
			// What lies beyond the end is not there.
			[6, 100, 'gh'],
			[8, 9, ''],
			[1000, 2000, ''],
		])('reads the bytes %i to %i, both included', async (first, last, expected) => {
			await put('raw/default/r.txt', 'abcdefgh');
			expect(await content('raw/default/r.txt', { start: first, end: last })).toBe(expected);
		});

		it('says not_found for a missing file, and null in head', async () => {
			await expect(storage.read('raw/default/none.mp4')).rejects.toMatchObject({ code: 'not_found' });
			await expect(storage.read('raw/default/none.mp4', { start: 0, end: 1 })).rejects.toMatchObject({ code: 'not_found' });
			expect(await storage.head('raw/default/none.mp4')).toBeNull();
		});

		it('does not take a folder for a file', async () => {
			await put('raw/default/a.txt', 'a');
			expect(await storage.head('raw/default')).toBeNull();
			await expect(storage.read('raw/default')).rejects.toMatchObject({ code: 'not_found' });
		});

		it('tells size and time of a file', async () => {
			await put('raw/default/h.txt', '12345');
			const head = await storage.head('raw/default/h.txt');
			expect(head).toMatchObject({ key: 'raw/default/h.txt', bytes: 5 });
			expect(Math.abs((head?.modifiedAt.getTime() ?? 0) - Date.now())).toBeLessThan(60_000);
		});

		it('does not mind readers that go away', async () => {
			await put('raw/default/big.bin', Buffer.alloc(2 * MB, 1));
			for (let reader = 0; reader < 20; reader++) {
				const stream = await storage.read('raw/default/big.bin');
				// Half of them after their first bytes, half before.
				if (reader % 2 === 0) await stream[Symbol.asyncIterator]().next();
				stream.destroy();
			}
			expect(await content('raw/default/big.bin')).toHaveLength(2 * MB);
		});
	});

	describe('files', () => {
		it('deletes a file, and does not mind when it is gone already', async () => {
			await put('raw/default/d.txt', 'x');
			await storage.delete('raw/default/d.txt');
			await storage.delete('raw/default/d.txt');
			await storage.delete('raw/never/was.txt');
			expect(await storage.head('raw/default/d.txt')).toBeNull();
			expect(await keys('')).toEqual([]);
		});

		it('lists what lies below a prefix, in any depth', async () => {
			for (const key of ['raw/a/1.txt', 'raw/a/b/2.txt', 'raw/ab/3.txt', 'jobs/a/4.txt']) await put(key, key);
			expect(await keys('raw/a/')).toEqual(['raw/a/1.txt', 'raw/a/b/2.txt']);
			expect(await keys('raw/')).toEqual(['raw/a/1.txt', 'raw/a/b/2.txt', 'raw/ab/3.txt']);
			expect(await keys('raw/a')).toEqual(['raw/a/1.txt', 'raw/a/b/2.txt', 'raw/ab/3.txt']);
			expect(await keys('')).toHaveLength(4);
			expect(await keys('nothing/here/')).toEqual([]);
		});

		it('lists more than one page, each file once, with sizes and times', async () => {
			const wanted = Array.from({ length: 23 }, (_, index) => `jobs/default/j${index % 3}/${index}.ts`);
			for (const key of wanted) await put(key, key);
			expect(await keys('jobs/default/')).toEqual([...wanted].sort());
			for await (const file of storage.list('jobs/default/j1/')) {
				expect(file.bytes).toBe(file.key.length);
				expect(Math.abs(file.modifiedAt.getTime() - Date.now())).toBeLessThan(60_000);
			}
		});

		it('copies a file, whatever its size', async () => {
			await put('raw/default/small.txt', 'small');
			await put('raw/default/big.bin', Buffer.alloc(11 * MB, 'x'));
			expect(await storage.copy('raw/default/small.txt', 'public/default/small.txt')).toMatchObject({ key: 'public/default/small.txt', bytes: 5 });
			expect(await storage.copy('raw/default/big.bin', 'public/default/big.bin')).toMatchObject({ bytes: 11 * MB });
			await storage.delete('raw/default/small.txt');
			await storage.delete('raw/default/big.bin');
			expect(await content('public/default/small.txt')).toBe('small');
			expect((await content('public/default/big.bin')) === 'x'.repeat(11 * MB)).toBe(true);
			await expect(storage.copy('raw/default/none.txt', 'public/default/none.txt')).rejects.toMatchObject({ code: 'not_found' });
			expect(await storage.head('public/default/none.txt')).toBeNull();
		});

		it('survives deleting and writing in one folder at once', async () => {
			await Promise.all(
				Array.from({ length: 40 }, async (_, index) => {
					const key = `jobs/default/same/${index % 4}.txt`;
					// Another one may have deleted it before the store was asked whether it is there.
					await put(key, 'x').catch((error: unknown) => expect(error).toMatchObject({ code: 'storage_failed', message: expect.stringMatching(/none of the 1 bytes/) as string }));
					await storage.delete(key);
				}),
			);
			await put('jobs/default/same/end.txt', 'end');
			for (let index = 0; index < 4; index++) await storage.delete(`jobs/default/same/${index}.txt`);
			expect(await keys('jobs/')).toEqual(['jobs/default/same/end.txt']);
		});

		it.each(['raw/default/UPPER.mp4', 'raw/default/a..b...mp4', '-/_/-.x', `raw/default/${'n'.repeat(200)}.mp4`, 'a', 'raw/default/1/2/3/4/5/6/7/8/9.ts', 'raw/default/x.mp4.part'])('knows the key %s', async (key) => {
			await put(key, 'odd');
			expect(await content(key)).toBe('odd');
			expect(await keys('')).toEqual([key]);
			await storage.copy(key, 'public/default/copy');
			await storage.delete(key);
			expect(await keys('')).toEqual(['public/default/copy']);
		});

		it.each(['../x', '/etc/passwd', 'raw/../../x', 'raw//x', 'raw/x\0.mp4', 'raw/./x', '', 'C:\\x', 'raw/.hidden', 'raw\\x', 'raw/x/', 'raw/ü.mp4', 'raw/a b', 'raw/a?b', 'raw/a%2fb'])('refuses the key %j everywhere', async (key) => {
			const refused = { code: 'invalid_request' };
			const path = await localFile('x');
			await put('raw/default/there.txt', 'there');
			await expect(storage.putFile(key, path)).rejects.toMatchObject(refused);
			await expect(storage.putStream(key, Readable.from(['x']))).rejects.toMatchObject(refused);
			await expect(storage.read(key)).rejects.toMatchObject(refused);
			await expect(storage.head(key)).rejects.toMatchObject(refused);
			await expect(storage.delete(key)).rejects.toMatchObject(refused);
			await expect(storage.copy(key, 'raw/default/x')).rejects.toMatchObject(refused);
			await expect(storage.copy('raw/default/there.txt', key)).rejects.toMatchObject(refused);
			await access(path);
		});

		it('has an archive, or says that it has none', async () => {
			await put('raw/default/old.mp4', 'old');
			expect(await storage.setClass('raw/default/old.mp4', 'archive')).toBe(can.archive);
			expect(await storage.setClass('raw/default/old.mp4', 'standard')).toBe(can.archive);
			expect(await content('raw/default/old.mp4')).toBe('old');
		});
	});

	describeIf(can.unfinished)('what killed writers leave', () => {
		it('is no file, and is taken away where it is asked for', async () => {
			for (const key of ['jobs/default/a/1.mp4', 'jobs/default/a/b/2.mp4', 'jobs/default/ab/3.mp4']) await place.leaveHalf?.(key);
			await put('jobs/default/a/whole.mp4', 'whole');
			expect(await keys('')).toEqual(['jobs/default/a/whole.mp4']);
			expect(await place.leftovers()).toHaveLength(3);
			await storage.deleteUnfinished('jobs/default/a/');
			expect(await place.leftovers()).toEqual([expect.stringContaining('jobs/default/ab/')]);
			await storage.deleteUnfinished('jobs/default/ab');
			await storage.deleteUnfinished('jobs/default/nothing/');
			expect(await place.leftovers()).toEqual([]);
			expect(await content('jobs/default/a/whole.mp4')).toBe('whole');
		});
	});

	describeDirect(can, () => place);
});
