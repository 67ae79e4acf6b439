import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { createCloudinaryStorage, type CloudinaryOptions } from '../../../sidecar/src/storage/cloudinary.ts';
import { readCloudinaryUrl, signParameters } from '../../../sidecar/src/storage/cloudinary/signature.ts';
import type { StoredFile } from '../../../sidecar/src/storage/storage.ts';
import { startCloudinaryEmulator, type CloudinaryEmulator, type CloudinaryEmulatorOptions } from '../../platforms/cloudinary.ts';

const png = (text = '') => Buffer.from(`\x89PNG\r\n\x1a\n${text}`, 'latin1');
const jpg = (text = '') => Buffer.from(`\xff\xd8\xff\xe0${text}`, 'latin1');

describe('public media at Cloudinary', () => {
	let cloudinary: CloudinaryEmulator;
	let waited: number[];
	const start = async (options: CloudinaryEmulatorOptions = {}) => {
		cloudinary = await startCloudinaryEmulator(options);
		waited = [];
	};
	const open = (more: Partial<CloudinaryOptions> = {}) =>
		createCloudinaryStorage({
			account: readCloudinaryUrl(cloudinary.cloudinaryUrl),
			apiBaseUrl: cloudinary.url,
			deliveryBaseUrl: cloudinary.url,
			sleep: (ms) => Promise.resolve(waited.push(ms)),
			...more,
		});
	const listed = async (files: AsyncIterable<StoredFile>) => {
		const keys: string[] = [];
		for await (const { key } of files) keys.push(key);
		return keys.sort();
	};
	const big = Buffer.from(new Uint8Array(14 * 1024 * 1024 + 17).map((_, index) => (index * 31 + (index >>> 8) * 7 + (index >>> 16)) & 0xff));
	big.write('ftypisom', 4, 'latin1');
	const pieces = (bytes: Buffer) => Readable.from((function* () { for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536); })());

	afterEach(() => cloudinary.close());

	it('keeps images, videos and other files apart, and gives them back unchanged', async () => {
		await start();
		const storage = open({ folder: 'media' });
		const files: Array<[string, Buffer, string]> = [
			['public/a/x_thumb.jpeg', jpg('1'), 'image/media/public/a/x_thumb-jpeg'],
			['public/a/x_thumb.jpg', jpg('2'), 'image/media/public/a/x_thumb-jpg'],
			['public/a/x_thumb.png', png('3'), 'image/media/public/a/x_thumb-png'],
			['public/a/x.mp4', big.subarray(0, 1000), 'video/media/public/a/x-mp4'],
			['public/a/x.vtt', Buffer.from('WEBVTT'), 'raw/media/public/a/x.vtt'],
		];
		for (const [key, bytes] of files) expect(await storage.putStream(key, Readable.from([bytes]))).toMatchObject({ key, bytes: bytes.length });
		expect([...cloudinary.assets.keys()].sort()).toEqual(files.map(([, , id]) => id).sort());
		for (const [key, bytes] of files) expect((await buffer(await storage.read(key))).equals(bytes)).toBe(true);
		expect(await listed(storage.list('public/'))).toEqual(files.map(([key]) => key).sort());
		expect(Math.abs(((await storage.head('public/a/x.vtt'))?.modifiedAt.getTime() ?? 0) - Date.now())).toBeLessThan(60_000);
	});

	it('uploads large files in chunks, one after the other', async () => {
		await start();
		const storage = open();
		expect((await storage.putStream('public/a/b.mp4', pieces(big))).bytes).toBe(big.length);
		expect(cloudinary.count('upload')).toBe(3);
		expect((await buffer(await storage.read('public/a/b.mp4'))).equals(big)).toBe(true);
	});

	it.each([
		['the connection breaks in the middle of a chunk', 'during', 'drop', 1],
		['the answer to a chunk is lost', 'after', 'drop', 1],
		['the answer to the last chunk is lost', 'after', 'drop', 2],
		['a chunk is answered with 503', 'before', { status: 503 }, 1],
	] as const)('goes on where it was when %s', async (_name, when, answer, skip) => {
		await start();
		cloudinary.fail('upload', { when, answer, skip });
		expect((await open().putStream('public/a/b.mp4', pieces(big))).bytes).toBe(big.length);
		expect(cloudinary.assets.get('video/public/a/b-mp4')?.bytes.equals(big)).toBe(true);
		expect(waited).toHaveLength(1);
	});

	it('keeps the old file whole until the new one is', async () => {
		await start();
		const storage = open();
		await storage.putStream('public/a/x.txt', Readable.from(['old']));
		const broken = Readable.from(
			(function* () {
				yield big;
				throw new Error('the source broke');
			})(),
		);
		await expect(storage.putStream('public/a/x.txt', broken)).rejects.toThrow('the source broke');
		expect(String(await buffer(await storage.read('public/a/x.txt')))).toBe('old');
		await storage.putStream('public/a/x.txt', Readable.from(['new']));
		expect(String(await buffer(await storage.read('public/a/x.txt')))).toBe('new');
	});

	it('makes the transformations of thumbnails and previews at upload, where they are asked for', async () => {
		await start();
		const storage = open({ eager: 'c_fill,w_320,h_180/f_auto|w_640' });
		for (const key of ['public/a/x_thumb.png', 'public/a/x.png']) await storage.putStream(key, Readable.from([png()]));
		expect(cloudinary.assets.get('image/public/a/x_thumb-png')?.eager).toEqual(['c_fill,w_320,h_180/f_auto', 'w_640']);
		expect(cloudinary.assets.get('image/public/a/x-png')?.eager).toEqual([]);
	});

	it('gives addresses that anyone can fetch, with transformations', async () => {
		await start();
		const storage = open();
		await storage.putStream('public/a/x.jpeg', Readable.from([jpg('picture')]));
		const url = storage.publicUrl('public/a/x.jpeg');
		expect(url).toBe(`${cloudinary.url}/demo-cloud/image/upload/v1/public/a/x-jpeg.jpg`);
		expect((await fetch(url)).status).toBe(200);
		expect(storage.publicUrl('public/a/x.jpeg', 'c_fill,w_320')).toBe(`${cloudinary.url}/demo-cloud/image/upload/c_fill,w_320/v1/public/a/x-jpeg.jpg`);
		expect(storage.publicUrl('public/a/x.vtt', 'c_fill,w_320')).toBe(`${cloudinary.url}/demo-cloud/raw/upload/v1/public/a/x.vtt`);
	});

	it('reads ranges, and takes up a download where it broke', async () => {
		await start();
		const storage = open();
		await storage.putStream('public/a/b.mp4', pieces(big));
		cloudinary.state.cutReadsAfter = 1_000_000;
		expect((await buffer(await storage.read('public/a/b.mp4', { start: 5, end: 9_000_000 }))).equals(big.subarray(5, 9_000_001))).toBe(true);
		expect(cloudinary.count('deliver')).toBe(2);
	});

	it('lists every page of every type, of this folder only', async () => {
		await start({ pageSize: 2 });
		const storage = open();
		for (const name of ['public/a/1.png', 'public/a/2.png', 'public/a/b/3.png', 'public/ab/4.png']) await storage.putStream(name, Readable.from([png()]));
		for (const name of ['public/a/1.txt', 'public/a/2.m3u8', 'public/a/3.ts']) await storage.putStream(name, Readable.from(['text']));
		cloudinary.assets.set('image/public/a/holiday', { type: 'image', publicId: 'public/a/holiday', format: 'png', bytes: png(), version: 1, eager: [] });
		expect(await listed(storage.list('public/a/'))).toEqual(['public/a/1.png', 'public/a/1.txt', 'public/a/2.m3u8', 'public/a/2.png', 'public/a/3.ts', 'public/a/b/3.png']);
		expect(await listed(storage.list('public/a/1.p'))).toEqual(['public/a/1.png']);
		expect(await listed(storage.list('public/a'))).toHaveLength(7);
		expect(await listed(storage.list(''))).toHaveLength(7);
		expect(await listed(storage.list('raw/'))).toEqual([]);
	});

	it('copies without the bytes coming here', async () => {
		await start();
		const storage = open();
		await storage.putStream('public/a/x.png', Readable.from([png('content')]));
		expect(await storage.copy('public/a/x.png', 'public/b/y.png')).toMatchObject({ key: 'public/b/y.png', bytes: 15 });
		expect(cloudinary.count('deliver')).toBe(0);
		await expect(storage.copy('public/a/none.png', 'public/b/z.png')).rejects.toMatchObject({ code: 'not_found' });
	});

	it('deletes a file, and does not mind when it is gone already', async () => {
		await start();
		const storage = open();
		await storage.putStream('public/a/x.png', Readable.from([png()]));
		await storage.delete('public/a/x.png');
		await storage.delete('public/a/x.png');
		expect(await storage.head('public/a/x.png')).toBeNull();
		await expect(storage.read('public/a/x.png')).rejects.toMatchObject({ code: 'not_found' });
	});

	it('refuses whatever is not public, in words', async () => {
		await start();
		const storage = open();
		const refused = { code: 'invalid_request', message: expect.stringContaining('PUBLIC_STORAGE') };
		await expect(storage.putStream('raw/a/x.png', Readable.from([png()]))).rejects.toMatchObject(refused);
		await expect(storage.read('jobs/a/x.png')).rejects.toMatchObject(refused);
		await storage.putStream('public/a/x.png', Readable.from([png()]));
		await expect(storage.copy('public/a/x.png', 'raw/a/x.png')).rejects.toMatchObject(refused);
	});

	it('says openly what it has not got', async () => {
		await start();
		expect(await open().setClass('public/a/x.png', 'archive')).toBe(false);
		expect([open().direct('public/a/x.png'), open().multipart('public/a/x.png'), open().localPath('public/a/x.png')]).toEqual([null, null, null]);
	});

	it('says in words what Cloudinary does not take', async () => {
		await start({ maxBytes: 20 });
		const storage = open();
		await expect(storage.putStream('public/a/x.png', Readable.from([png('x'.repeat(20))]))).rejects.toMatchObject({ code: 'storage_full', message: expect.stringContaining('20 bytes') });
		await expect(storage.putStream('public/a/x.png', Readable.from(['text']))).rejects.toMatchObject({ code: 'storage_failed', message: expect.stringMatching(/image or video/) });
		await expect(storage.putStream('public/a/x.txt', Readable.from([]))).rejects.toMatchObject({ code: 'storage_failed', message: expect.stringMatching(/empty/) });
		cloudinary.state.convertTo = 'webp';
		await expect(storage.putStream('public/a/x.png', Readable.from([png()]))).rejects.toMatchObject({ code: 'storage_failed', message: expect.stringMatching(/presets/) });
		expect(cloudinary.assets.size).toBe(0);
	});

	it('says when Cloudinary has other bytes than were sent, and leaves nothing there', async () => {
		await start();
		cloudinary.state.loseBytes = true;
		await expect(open().putStream('public/a/x.txt', Readable.from(['content']))).rejects.toMatchObject({ code: 'storage_failed', message: expect.stringContaining('6 of 7 bytes') as string });
		expect(cloudinary.assets.size).toBe(0);
	});

	it('comes again when the calls of this hour are used up', async () => {
		await start();
		cloudinary.state.adminCallsLeft = 0;
		const error: unknown = await open().head('public/a/x.png').catch((thrown: unknown) => thrown);
		expect(error).toMatchObject({ code: 'storage_failed', retryable: true });
		expect((error as { retryAfterSeconds: number }).retryAfterSeconds).toBeGreaterThan(1000);
	});

	it('says at boot what is wrong, never with the secret, and does not ask again for a while', async () => {
		await start();
		const storage = open();
		await storage.prepare();
		await storage.prepare();
		expect(cloudinary.count('ping')).toBe(1);
		await expect(open({ account: { ...cloudinary.account, apiSecret: 'wrong-secret' } }).prepare()).rejects.toThrow(/CLOUDINARY_URL/);
		expect(() => readCloudinaryUrl('cloudinary://key:s3cr3t')).toThrow(/API_KEY:API_SECRET@CLOUD_NAME/);
		expect(() => readCloudinaryUrl('cloudinary://key:s3cr3t')).not.toThrow(/s3cr3t/);
	});

	it('signs the sorted parameters with the secret behind them', () => {
		// printf '…' | sha256sum of `public_id=sample_image&timestamp=1315060510abcd`.
		const { signature } = signParameters({ cloud: 'c', apiKey: '1', apiSecret: 'abcd' }, { timestamp: '1315060510', public_id: 'sample_image' });
		expect(signature).toBe('e3c44b54e67a3ecc918f5d7236ca5faa36250ea8a8cd6cbabfd2d6bb2453acac');
	});
});
