import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { createGcsStorage, type GcsOptions } from '../../../sidecar/src/storage/gcs.ts';
import { readServiceAccount } from '../../../sidecar/src/storage/gcs/service-account.ts';
import type { StoredFile } from '../../../sidecar/src/storage/storage.ts';
import { startGcsEmulator, type GcsEmulator, type GcsEmulatorOptions } from '../../platforms/gcs.ts';

describe('files in Google Cloud Storage', () => {
	let gcs: GcsEmulator;
	let waited: number[];
	const start = async (options: GcsEmulatorOptions = {}) => {
		gcs = await startGcsEmulator(options);
		waited = [];
	};
	const open = (more: Partial<GcsOptions> = {}) =>
		createGcsStorage({
			bucket: gcs.bucket,
			credentials: gcs.credentials,
			baseUrl: gcs.url,
			sleep: (ms) => Promise.resolve(waited.push(ms)),
			...more,
		});
	const listed = async (files: AsyncIterable<StoredFile>) => {
		const keys: string[] = [];
		for await (const { key } of files) keys.push(key);
		return keys.sort();
	};
	/** Not the same anywhere, so that no piece can stand for another. */
	const big = Buffer.from(new Uint8Array(20 * 1024 * 1024 + 17).map((_, index) => (index * 31 + (index >>> 8) * 7 + (index >>> 16)) & 0xff));
	const pieces = (bytes: Buffer) => Readable.from((function* () { for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536); })());

	afterEach(() => gcs.close());

	it('stores a file of several chunks and gives it back unchanged', async () => {
		await start();
		const storage = open({ prefix: '/media/' });
		const stored = await storage.putStream('raw/default/a.mp4', pieces(big), { mime: 'video/mp4', bytes: big.length });
		expect(stored).toMatchObject({ key: 'raw/default/a.mp4', bytes: big.length });
		expect(gcs.objects.get('media/raw/default/a.mp4')).toMatchObject({ contentType: 'video/mp4', storageClass: 'STANDARD' });
		expect(gcs.count('chunk')).toBe(3);
		expect((await buffer(await storage.read('raw/default/a.mp4'))).equals(big)).toBe(true);
		expect(gcs.count('token')).toBe(1);
	});

	it('stores an empty file, and one that ends with a chunk', async () => {
		await start();
		const storage = open();
		expect((await storage.putStream('raw/a/empty', Readable.from([]))).bytes).toBe(0);
		const exact = big.subarray(0, 8 * 1024 * 1024);
		expect((await storage.putStream('raw/a/exact', pieces(exact))).bytes).toBe(exact.length);
		expect(gcs.objects.get('raw/a/exact')?.bytes.equals(exact)).toBe(true);
		expect((await buffer(await storage.read('raw/a/empty'))).length).toBe(0);
	});

	it.each([
		['the connection breaks in the middle of a chunk', 'during', 'drop', 2],
		['the answer to a chunk is lost', 'after', 'drop', 1],
		['a chunk is answered with 503', 'before', { status: 503 }, 2],
	] as const)('goes on where it was when %s', async (_name, when, answer, skip) => {
		await start();
		const storage = open();
		gcs.fail('chunk', { when, answer, skip: 1 });
		// The last one too: its answer tells of the object. In between the session is asked what it has.
		gcs.fail('chunk', { when, answer, skip });
		const stored = await storage.putStream('raw/a/b.bin', pieces(big));
		expect(stored.bytes).toBe(big.length);
		expect(gcs.objects.get('raw/a/b.bin')?.bytes.equals(big)).toBe(true);
		expect(waited).toHaveLength(2);
	});

	it('gives up after five tries with a passing error, and leaves nothing behind', async () => {
		await start();
		gcs.fail('chunk', { when: 'before', answer: { status: 503 }, times: 100 });
		await expect(open().putStream('raw/a/b.bin', Readable.from(['x']))).rejects.toMatchObject({ code: 'storage_failed', retryable: true });
		expect(gcs.openSessions()).toEqual([]);
		expect(gcs.objects.size).toBe(0);
	});

	it('waits as long as Retry-After says, and leaves long waits to the queue', async () => {
		await start();
		gcs.fail('begin', { when: 'before', answer: { status: 429, headers: { 'retry-after': '7' } } });
		await open().putStream('raw/a/b.bin', Readable.from(['x']));
		expect(waited).toContain(7000);
		gcs.fail('begin', { when: 'before', answer: { status: 429, headers: { 'retry-after': '600' } } });
		await expect(open().putStream('raw/a/b.bin', Readable.from(['x']))).rejects.toMatchObject({ code: 'storage_failed', retryAfterSeconds: 600 });
	});

	it('refuses bytes that were damaged on the way, and keeps what was there', async () => {
		await start();
		const storage = open();
		await storage.putStream('raw/a/b.bin', Readable.from(['before']));
		gcs.state.damageUploads = true;
		await expect(storage.putStream('raw/a/b.bin', Readable.from(['after']))).rejects.toMatchObject({ code: 'storage_failed' });
		expect(String(gcs.objects.get('raw/a/b.bin')?.bytes)).toBe('before');
	});

	it('looks itself whether the store has what was sent, and leaves nothing else there', async () => {
		await start();
		gcs.state.damageUploads = true;
		gcs.state.ignoreChecksums = true;
		await expect(open().putStream('raw/a/b.bin', Readable.from(['content']))).rejects.toMatchObject({ code: 'storage_failed', message: expect.stringMatching(/other bytes/) as string });
		expect(gcs.objects.size).toBe(0);
	});

	it('gives up when the store takes no more bytes, and says so', async () => {
		await start();
		gcs.fail('chunk', { when: 'before', answer: { status: 308 }, times: 100 });
		await expect(open().putStream('raw/a/b.bin', Readable.from(['content']))).rejects.toMatchObject({ code: 'storage_failed', message: expect.stringMatching(/takes no more bytes/) as string });
	});

	it('sends bytes to no other host than the one that was configured', async () => {
		await start();
		gcs.state.sessionHost = 'http://storage.internal';
		expect((await open().putStream('raw/a/b.bin', pieces(big))).bytes).toBe(big.length);
	});

	it('does not end a whole file whose bytes are not those that were stored', async () => {
		await start();
		const storage = open();
		await storage.putStream('raw/a/b.bin', Readable.from(['content']));
		gcs.state.damageReads = true;
		await expect(buffer(await storage.read('raw/a/b.bin'))).rejects.toMatchObject({ code: 'storage_failed' });
	});

	it('takes up a download where it broke, of the same version only', async () => {
		await start();
		const storage = open();
		await storage.putStream('raw/a/b.bin', pieces(big));
		gcs.state.cutReadsAfter = 1_000_000;
		expect((await buffer(await storage.read('raw/a/b.bin'))).equals(big)).toBe(true);
		gcs.state.cutReadsAfter = 1_000_000;
		expect((await buffer(await storage.read('raw/a/b.bin', { start: 5, end: 9_000_000 }))).equals(big.subarray(5, 9_000_001))).toBe(true);
		gcs.state.cutReadsAfter = 1_000_000;
		const hold = gcs.hold('object', 'before', 1);
		const reading = buffer(await storage.read('raw/a/b.bin'));
		const result = expect(reading).rejects.toMatchObject({ code: 'not_found' });
		await hold.reached;
		await storage.putStream('raw/a/b.bin', Readable.from(['other']));
		hold.release();
		await result;
	});

	it('lists every page', async () => {
		await start({ pageSize: 2 });
		const storage = open({ prefix: 'media' });
		for (const name of ['raw/a/1', 'raw/a/2', 'raw/a/b/3', 'raw/ab/4', 'jobs/a/5']) await storage.putStream(name, Readable.from([name]));
		for (const name of ['elsewhere/raw/a/9', 'media/raw/a/holiday 1.mp4']) gcs.objects.set(name, { bytes: Buffer.from(''), crc32c: '', contentType: '', storageClass: 'STANDARD', generation: 1, updated: new Date() });
		expect(await listed(storage.list('raw/a/'))).toEqual(['raw/a/1', 'raw/a/2', 'raw/a/b/3']);
		expect(await listed(storage.list('raw/a'))).toEqual(['raw/a/1', 'raw/a/2', 'raw/a/b/3', 'raw/ab/4']);
		expect(await listed(storage.list(''))).toHaveLength(5);
	});

	it('copies within the store, however many calls it takes', async () => {
		await start({ rewriteCalls: 3 });
		const storage = open();
		await storage.putStream('raw/a/b.bin', Readable.from(['content']));
		expect(await storage.copy('raw/a/b.bin', 'public/a/b.bin')).toMatchObject({ key: 'public/a/b.bin', bytes: 7 });
		expect(gcs.count('rewrite')).toBe(3);
		await expect(storage.copy('raw/a/none', 'raw/a/x')).rejects.toMatchObject({ code: 'not_found' });
	});

	it('moves a file to the archive, once, reads it there at once, and brings it back', async () => {
		await start();
		const storage = open();
		await storage.putStream('raw/a/b.bin', Readable.from(['content']));
		expect(await storage.setClass('raw/a/b.bin', 'archive')).toBe(true);
		expect(await storage.setClass('raw/a/b.bin', 'archive')).toBe(true);
		expect(gcs.count('rewrite')).toBe(1);
		expect(gcs.objects.get('raw/a/b.bin')?.storageClass).toBe('ARCHIVE');
		expect(String(await buffer(await storage.read('raw/a/b.bin')))).toBe('content');
		await storage.setClass('raw/a/b.bin', 'standard');
		expect(gcs.objects.get('raw/a/b.bin')?.storageClass).toBe('STANDARD');
		await expect(storage.setClass('raw/a/none', 'archive')).rejects.toMatchObject({ code: 'not_found' });
	});

	it('signs links for reading, with name and type, that end', async () => {
		let time = Date.now();
		await start({ now: () => time });
		const storage = open({ now: () => time });
		await storage.putStream('raw/a/b.bin', Readable.from(['content']));
		const url = await storage.direct('raw/a/b.bin')!.get('raw/a/b.bin', { expiresAt: new Date(time + 60_000), mime: 'video/mp4', name: 'Ünser "Film".mp4', attachment: true });
		const answer = await fetch(url, { headers: { range: 'bytes=0-2' } });
		expect([answer.status, await answer.text(), answer.headers.get('content-type')]).toEqual([206, 'con', 'video/mp4']);
		expect(answer.headers.get('content-disposition')).toBe(`attachment; filename="_nser _Film_.mp4"; filename*=UTF-8''%C3%9Cnser%20%22Film%22.mp4`);
		expect((await fetch(url.replace('b.bin', 'c.bin'))).status).toBe(403);
		time += 61_000;
		expect((await fetch(url)).status).toBe(400);
	});

	it('signs links for writing that are bound to one key, size and type', async () => {
		await start();
		const { url, method, headers } = await open().direct('raw/a/up')!.put!('raw/a/up', { expiresAt: new Date(Date.now() + 60_000), mime: 'video/mp4', bytes: 5 });
		const put = async (to: string, body: string, more: Record<string, string> = {}) => (await fetch(to, { method, headers: { ...headers, ...more }, body })).status;
		expect(await put(url, '123456')).toBe(400);
		expect(await put(url, '12345', { 'content-type': 'text/html' })).toBe(403);
		expect(await put(url, '12345', { 'x-goog-content-length-range': '0,999' })).toBe(403);
		expect(await put(url.replace('/up?', '/other?'), '12345')).toBe(403);
		expect(gcs.objects.size).toBe(0);
		expect(await put(url, '12345')).toBe(200);
		expect(gcs.objects.get('raw/a/up')?.contentType).toBe('video/mp4');
	});

	it('asks for a new token when the old one is refused', async () => {
		await start();
		const storage = open();
		await storage.putStream('raw/a/b.bin', Readable.from(['content']));
		gcs.revokeTokens();
		expect(await storage.head('raw/a/b.bin')).toMatchObject({ bytes: 7 });
		expect(gcs.count('token')).toBe(2);
	});

	it('says at boot what is wrong, and never with the key', async () => {
		await start({ permissions: ['storage.objects.get'] });
		await expect(open({ bucket: 'other' }).prepare()).rejects.toThrow(/no bucket other.*GCS_BUCKET/);
		await expect(open().prepare()).rejects.toThrow(/may not create, delete, list .*Storage Object User/);
		gcs.state.keyRevoked = true;
		await expect(open().prepare()).rejects.toThrow(/GCS_CREDENTIALS/);
		expect(() => readServiceAccount('{"type":"authorized_user","secret":"s3cr3t"}')).toThrow(/type, client_email, private_key/);
		expect(() => readServiceAccount('{"type":"authorized_user","secret":"s3cr3t"}')).not.toThrow(/s3cr3t/);
		expect(() => readServiceAccount('/no/such/file')).toThrow(/cannot be read \(ENOENT\)/);
	});

	it('says what to do when the billing account is closed', async () => {
		await start();
		gcs.fail('begin', { when: 'before', answer: { status: 403, body: { error: { code: 403, message: 'The billing account for the owning project is disabled', errors: [{ reason: 'accountDisabled' }] } } } });
		await expect(open().putStream('raw/a/b.bin', Readable.from(['x']))).rejects.toMatchObject({ code: 'storage_full', message: expect.stringMatching(/Billing/) });
	});

	it('keeps the local file until it is stored', async () => {
		await start();
		const folder = await mkdtemp(join(tmpdir(), 'gcs-'));
		try {
			await writeFile(join(folder, 'a'), 'content');
			gcs.fail('begin', { when: 'before', answer: { status: 403, body: {} } });
			await expect(open().putFile('raw/a/b.bin', join(folder, 'a'))).rejects.toMatchObject({ code: 'storage_failed' });
			expect(await readdir(folder)).toEqual(['a']);
			await open().putFile('raw/a/b.bin', join(folder, 'a'));
			expect(await readdir(folder)).toEqual([]);
		} finally {
			await rm(folder, { recursive: true });
		}
	});
});
