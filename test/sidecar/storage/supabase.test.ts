import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { createSupabaseStorage, type SupabaseOptions } from '../../../sidecar/src/storage/supabase.ts';
import type { StoredFile } from '../../../sidecar/src/storage/storage.ts';
import { startSupabaseEmulator, type SupabaseEmulator, type SupabaseEmulatorOptions } from '../../platforms/supabase-storage.ts';

describe('files in Supabase Storage', () => {
	let supabase: SupabaseEmulator;
	let waited: number[];
	const start = async (options: SupabaseEmulatorOptions = {}) => {
		supabase = await startSupabaseEmulator(options);
		waited = [];
	};
	const open = (more: Partial<SupabaseOptions> = {}) =>
		createSupabaseStorage({ url: supabase.url, serviceKey: supabase.serviceKey, bucket: supabase.bucket, sleep: (ms) => Promise.resolve(waited.push(ms)), ...more });
	const listed = async (files: AsyncIterable<StoredFile>) => {
		const keys: string[] = [];
		for await (const { key } of files) keys.push(key);
		return keys.sort();
	};
	const big = Buffer.from(new Uint8Array(14 * 1024 * 1024 + 17).map((_, index) => (index * 31 + (index >>> 8) * 7 + (index >>> 16)) & 0xff));
	const pieces = (bytes: Buffer) => Readable.from((function* () { for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536); })());

	afterEach(() => supabase.close());

	it('stores small files by one request, and replaces them', async () => {
		await start();
		const storage = open();
		expect(await storage.putStream('raw/a/s.txt', Readable.from(['one ', 'two']), { mime: 'text/plain' })).toMatchObject({ key: 'raw/a/s.txt', bytes: 7 });
		await storage.putStream('raw/a/s.txt', Readable.from(['three']));
		expect(String(await buffer(await storage.read('raw/a/s.txt')))).toBe('three');
		expect([supabase.count('put'), supabase.count('begin')]).toEqual([2, 0]);
	});

	it.each([['known before', big.length], ['told at the end', undefined]])('stores large files in chunks, their size %s', async (_name, bytes) => {
		await start();
		const storage = open();
		await storage.putStream('raw/a/b.mp4', Readable.from(['before']));
		expect((await storage.putStream('raw/a/b.mp4', pieces(big), { mime: 'video/mp4', bytes })).bytes).toBe(big.length);
		expect((await buffer(await storage.read('raw/a/b.mp4'))).equals(big)).toBe(true);
		expect(supabase.objects.get('raw/a/b.mp4')?.mime).toBe('video/mp4');
		expect(supabase.count('chunk')).toBe(3);
	});

	it.each([
		['the connection breaks in the middle of a chunk', 'during', 'drop'],
		['the answer to a chunk is lost', 'after', 'drop'],
		['a chunk is answered with 503', 'before', { status: 503 }],
		['another request holds the lock', 'before', { status: 423 }],
	] as const)('goes on where it was when %s', async (_name, when, answer) => {
		await start();
		supabase.fail('chunk', { when, answer, skip: 1, times: 2 });
		expect((await open().putStream('raw/a/b.bin', pieces(big))).bytes).toBe(big.length);
		expect(supabase.objects.get('raw/a/b.bin')?.bytes.equals(big)).toBe(true);
		expect(waited).toHaveLength(2);
	});

	it('leaves nothing behind when the source breaks, and keeps what was there', async () => {
		await start();
		const storage = open();
		await storage.putStream('raw/a/b.bin', Readable.from(['before']));
		const broken = Readable.from(
			(function* () {
				yield big;
				throw new Error('the source broke');
			})(),
		);
		await expect(storage.putStream('raw/a/b.bin', broken)).rejects.toThrow('the source broke');
		expect(supabase.openUploads()).toEqual([]);
		expect(String(supabase.objects.get('raw/a/b.bin')?.bytes)).toBe('before');
	});

	it('says when the store has other bytes than were sent', async () => {
		await start();
		supabase.state.loseBytes = true;
		await expect(open().putStream('raw/a/b.bin', Readable.from(['1234567']))).rejects.toMatchObject({ code: 'storage_failed', message: expect.stringContaining('6 of the 7 bytes') });
		expect(supabase.objects.size).toBe(0);
		await expect(open().putStream('raw/a/b.bin', Readable.from(['1234567']), { bytes: 8 })).rejects.toMatchObject({ code: 'storage_failed' });
	});

	it('does not say that it stored what is not there', async () => {
		await start();
		const hold = supabase.hold('put', 'after');
		const stored = open().putStream('raw/a/b.bin', Readable.from(['content']));
		const refused = expect(stored).rejects.toMatchObject({ code: 'storage_failed', message: expect.stringContaining('none of the 7 bytes') as string });
		await hold.reached;
		supabase.objects.clear();
		hold.release();
		await refused;
	});

	it.each([['small', 100, 99], ['large', big.length, big.length - 1]])('says in words that a %s file is over the limit', async (_name, size, fileSizeLimit) => {
		await start({ fileSizeLimit });
		await expect(open().putStream('raw/a/b.bin', pieces(big.subarray(0, size)), { bytes: size })).rejects.toMatchObject({ code: 'storage_full', retryable: false, message: expect.stringMatching(/50 MB/) });
		await expect(open().putStream('raw/a/b.bin', pieces(big.subarray(0, size)))).rejects.toMatchObject({ code: 'storage_full' });
	});

	it('reads ranges, and takes up a download where it broke', async () => {
		await start();
		const storage = open();
		await storage.putStream('raw/a/b.bin', pieces(big));
		expect((await buffer(await storage.read('raw/a/b.bin', { start: 3, end: 3 }))).equals(big.subarray(3, 4))).toBe(true);
		supabase.state.cutReadsAfter = 1_000_000;
		expect((await buffer(await storage.read('raw/a/b.bin', { start: 5, end: 9_000_000 }))).equals(big.subarray(5, 9_000_001))).toBe(true);
		supabase.state.cutReadsAfter = 1_000_000;
		const hold = supabase.hold('read', 'before', 1);
		const result = expect(buffer(await storage.read('raw/a/b.bin'))).rejects.toMatchObject({ code: 'not_found' });
		await hold.reached;
		await storage.putStream('raw/a/b.bin', pieces(big.subarray(1)));
		hold.release();
		await result;
	});

	it('walks through folders, page by page, also while files are deleted', async () => {
		await start();
		const storage = open();
		const object = { id: 'x', bytes: Buffer.from('x'), mime: 'text/plain', updated: new Date() };
		for (let index = 0; index < 1500; index++) supabase.objects.set(`raw/a/${String(index).padStart(4, '0')}.txt`, { ...object });
		for (const key of ['raw/a/deep/er/1.txt', 'raw/ab/3.txt', 'raw/.emptyFolderPlaceholder', 'raw/holiday 1.mp4', 'jobs/a/4.txt']) supabase.objects.set(key, { ...object });
		expect(await listed(storage.list('raw/a'))).toHaveLength(1502);
		expect(await listed(storage.list('raw/ab/'))).toEqual(['raw/ab/3.txt']);
		expect(await listed(storage.list('raw/a/de'))).toEqual(['raw/a/deep/er/1.txt']);
		expect(await listed(storage.list('nothing/here/'))).toEqual([]);
		expect(await listed(storage.list(''))).toHaveLength(1503);
		for await (const { key } of storage.list('raw/a/')) supabase.objects.delete(key);
		expect([...supabase.objects.keys()].sort()).toEqual(['jobs/a/4.txt', 'raw/.emptyFolderPlaceholder', 'raw/ab/3.txt', 'raw/holiday 1.mp4']);
	});

	it('deletes a file, and does not mind when it is gone already', async () => {
		await start();
		const storage = open();
		await storage.putStream('raw/a/b.bin', Readable.from(['x']));
		await storage.delete('raw/a/b.bin');
		await storage.delete('raw/a/b.bin');
		expect(await storage.head('raw/a/b.bin')).toBeNull();
	});

	it('copies within the store, also over what is there', async () => {
		await start();
		const storage = open();
		for (const key of ['raw/a/b.bin', 'public/a/b.bin']) await storage.putStream(key, Readable.from([key]));
		expect(await storage.copy('raw/a/b.bin', 'public/a/b.bin')).toMatchObject({ key: 'public/a/b.bin', bytes: 11 });
		expect(String(await buffer(await storage.read('public/a/b.bin')))).toBe('raw/a/b.bin');
		await expect(storage.copy('raw/a/none', 'raw/a/x')).rejects.toMatchObject({ code: 'not_found' });
	});

	it('says openly what it has not got', async () => {
		await start();
		expect(await open().setClass('raw/a/b.bin', 'archive')).toBe(false);
		expect(open().direct('raw/a/b.bin')!.put).toBeNull();
		expect(open().multipart('raw/a/b.bin')).toBeNull();
		expect(open().localPath('raw/a/b.bin')).toBeNull();
	});

	it('makes links for reading that end', async () => {
		let time = Date.now();
		await start({ now: () => time });
		const storage = open({ now: () => time });
		await storage.putStream('raw/a/b.bin', Readable.from(['content']));
		const link = (attachment: boolean) => storage.direct('raw/a/b.bin')!.get('raw/a/b.bin', { expiresAt: new Date(time + 60_000), mime: 'video/mp4', name: 'Ünser Film.mp4', attachment });
		const url = await link(false);
		const answer = await fetch(url, { headers: { range: 'bytes=0-2' } });
		expect([answer.status, await answer.text(), answer.headers.get('content-disposition')]).toEqual([206, 'con', null]);
		expect((await fetch(await link(true))).headers.get('content-disposition')).toContain('%C3%9Cnser%20Film.mp4');
		expect((await fetch(url.replace('b.bin', 'c.bin'))).status).toBe(400);
		time += 62_000;
		expect((await fetch(url)).status).toBe(400);
	});

	it('says at boot what is wrong, and never with the key', async () => {
		await start({ public: true });
		await expect(open({ serviceKey: supabase.anonKey }).prepare()).rejects.toThrow(/SUPABASE_SERVICE_KEY is the key of the role anon/);
		await expect(open({ bucket: 'other' }).prepare()).rejects.toThrow(/SUPABASE_BUCKET/);
		await expect(open({ serviceKey: 'sb_secret_wrong' }).prepare()).rejects.toThrow(/SUPABASE_SERVICE_KEY/);
		await expect(open().prepare()).rejects.toThrow(/is public/);
		await supabase.close();
		await expect(open().prepare()).rejects.toThrow(/was not reached/);
		await start();
		await open({ url: `${supabase.url}/storage/v1/` }).prepare();
	});
});
