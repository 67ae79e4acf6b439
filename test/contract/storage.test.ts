import { mkdtemp, rm, writeFile, access } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { createDiskStorage } from '../../sidecar/src/storage/disk.ts';
import type { Storage, StoredFile } from '../../sidecar/src/storage/storage.ts';

/** One row per back end: how to make an empty one inside a folder of the test. */
const ADAPTERS: Array<[string, (folder: string) => Storage]> = [
	['disk', (folder) => createDiskStorage({ root: join(folder, 'store') })],
];

describe.each(ADAPTERS)('storage on %s', (_name, make) => {
	let folder: string;
	let storage: Storage;

	beforeEach(async () => {
		folder = await mkdtemp(join(tmpdir(), 'storage-contract-'));
		storage = make(folder);
		await storage.prepare();
	});
	afterEach(() => rm(folder, { recursive: true, force: true }));

	const localFile = async (content: string | Buffer) => {
		const path = join(folder, `local-${Math.random().toString(36).slice(2)}`);
		await writeFile(path, content);
		return path;
	};
	const keys = async (prefix: string) => {
		const found: StoredFile[] = [];
		for await (const file of storage.list(prefix)) found.push(file);
		return found.map((file) => file.key).sort();
	};

	it('moves a local file under its key and gives it back unchanged', async () => {
		const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251));
		const path = await localFile(bytes);
		const stored = await storage.putFile('raw/default/a.mp4', path);
		expect(stored).toMatchObject({ key: 'raw/default/a.mp4', bytes: 300_000 });
		expect(await buffer(await storage.read('raw/default/a.mp4'))).toEqual(bytes);
		await expect(access(path)).rejects.toMatchObject({ code: 'ENOENT' });
	});

	it('stores a stream', async () => {
		const stored = await storage.putStream(
			'raw/default/s.bin',
			Readable.from([Buffer.from('one '), Buffer.from('two')]),
		);
		expect(stored.bytes).toBe(7);
		expect(String(await buffer(await storage.read('raw/default/s.bin')))).toBe('one two');
	});

	it('leaves nothing behind when the stream fails', async () => {
		const broken = Readable.from(
			(function* () {
				yield Buffer.from('half');
				throw new Error('the source broke');
			})(),
		);
		await expect(storage.putStream('raw/default/broken.bin', broken)).rejects.toThrow();
		expect(await storage.head('raw/default/broken.bin')).toBeNull();
		expect(await keys('')).toEqual([]);
	});

	it('keeps the old file whole until the new one is', async () => {
		await storage.putFile('public/default/x.txt', await localFile('old'));
		const broken = Readable.from(
			(function* () {
				yield Buffer.from('new but ha');
				throw new Error('the source broke');
			})(),
		);
		await expect(storage.putStream('public/default/x.txt', broken)).rejects.toThrow();
		expect(String(await buffer(await storage.read('public/default/x.txt')))).toBe('old');
		await storage.putFile('public/default/x.txt', await localFile('new'));
		expect(String(await buffer(await storage.read('public/default/x.txt')))).toBe('new');
	});

	it.each([
		[0, 0, 'a'],
		[2, 4, 'cde'],
		[5, 7, 'fgh'],
	])('reads the bytes %i to %i, both included', async (start, end, expected) => {
		await storage.putFile('raw/default/r.txt', await localFile('abcdefgh'));
		expect(String(await buffer(await storage.read('raw/default/r.txt', { start, end })))).toBe(expected);
	});

	it('says not_found for a missing file, and null in head', async () => {
		await expect(storage.read('raw/default/none.mp4')).rejects.toMatchObject({ code: 'not_found' });
		expect(await storage.head('raw/default/none.mp4')).toBeNull();
	});

	it('does not take a folder for a file', async () => {
		await storage.putFile('raw/default/a.txt', await localFile('a'));
		expect(await storage.head('raw/default')).toBeNull();
		await expect(storage.read('raw/default')).rejects.toMatchObject({ code: 'not_found' });
	});

	it('tells size and time of a file', async () => {
		await storage.putFile('raw/default/h.txt', await localFile('12345'));
		const head = await storage.head('raw/default/h.txt');
		expect(head).toMatchObject({ key: 'raw/default/h.txt', bytes: 5 });
		expect(Math.abs((head?.modifiedAt.getTime() ?? 0) - Date.now())).toBeLessThan(60_000);
	});

	it('deletes a file, and does not mind when it is gone already', async () => {
		await storage.putFile('raw/default/d.txt', await localFile('x'));
		await storage.delete('raw/default/d.txt');
		await storage.delete('raw/default/d.txt');
		expect(await storage.head('raw/default/d.txt')).toBeNull();
	});

	it('lists what lies below a prefix, in any depth', async () => {
		for (const key of ['raw/a/1.txt', 'raw/a/b/2.txt', 'raw/ab/3.txt', 'jobs/a/4.txt'])
			await storage.putFile(key, await localFile(key));
		expect(await keys('raw/a/')).toEqual(['raw/a/1.txt', 'raw/a/b/2.txt']);
		expect(await keys('raw/')).toEqual(['raw/a/1.txt', 'raw/a/b/2.txt', 'raw/ab/3.txt']);
		expect(await keys('raw/a')).toEqual(['raw/a/1.txt', 'raw/a/b/2.txt', 'raw/ab/3.txt']);
		expect(await keys('')).toHaveLength(4);
		expect(await keys('nothing/here/')).toEqual([]);
	});

	it('survives deleting and writing in one folder at once', async () => {
		await Promise.all(
			Array.from({ length: 40 }, async (_, index) => {
				const key = `jobs/default/same/${index % 4}.txt`;
				await storage.putStream(key, Readable.from([Buffer.from('x')]));
				await storage.delete(key);
			}),
		);
		await storage.putFile('jobs/default/same/end.txt', await localFile('end'));
		expect(await keys('jobs/')).toEqual(['jobs/default/same/end.txt']);
	});

	it.each([
		'../x',
		'/etc/passwd',
		'raw/../../x',
		'raw//x',
		'raw/x\0.mp4',
		'raw/./x',
		'',
		'C:\\x',
		'raw/.hidden',
		'raw\\x',
		'raw/x/',
	])('refuses the key %j everywhere', async (key) => {
		const refused = { code: 'invalid_request' };
		const path = await localFile('x');
		await expect(storage.putFile(key, path)).rejects.toMatchObject(refused);
		await expect(storage.putStream(key, Readable.from(['x']))).rejects.toMatchObject(refused);
		await expect(storage.read(key)).rejects.toMatchObject(refused);
		await expect(storage.head(key)).rejects.toMatchObject(refused);
		await expect(storage.delete(key)).rejects.toMatchObject(refused);
		await access(path);
	});
});
