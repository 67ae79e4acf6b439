import { signParameters } from '../../sidecar/src/storage/cloudinary/signature.ts';
import { startCloudinaryEmulator, type CloudinaryEmulator } from './cloudinary.ts';

describe('the emulator of Cloudinary', () => {
	let cloudinary: CloudinaryEmulator;
	beforeEach(async () => (cloudinary = await startCloudinaryEmulator()));
	afterEach(() => cloudinary.close());

	const now = () => Math.floor(Date.now() / 1000);
	const upload = async (parameters: Record<string, string>, file: Buffer, headers: Record<string, string> = {}) => {
		const form = new FormData();
		for (const [name, value] of Object.entries(parameters)) form.append(name, value);
		form.append('file', new Blob([new Uint8Array(file)]), 'file');
		return (await fetch(`${cloudinary.url}/v1_1/${cloudinary.account.cloud}/raw/upload`, { method: 'POST', headers, body: form })).status;
	};
	const signed = (more: Record<string, string> = {}) => signParameters(cloudinary.account, { public_id: 'public/a.txt', timestamp: String(now()), ...more });

	it('checks the signature over everything that is sent, its key and its time', async () => {
		const file = Buffer.from('text');
		expect(await upload({ ...signed(), overwrite: 'true' }, file)).toBe(401);
		expect(await upload({ ...signed(), public_id: 'public/b.txt' }, file)).toBe(401);
		expect(await upload({ ...signed(), api_key: '1' }, file)).toBe(401);
		expect(await upload(signed({ timestamp: String(now() - 4000) }), file)).toBe(400);
		expect(await upload(signed({ colour: 'red' }), file)).toBe(400);
		expect(cloudinary.assets.size).toBe(0);
		expect(await upload(signed(), file)).toBe(200);
	});

	it('refuses small chunks, chunks out of order and chunks of other sizes than they say', async () => {
		const chunk = Buffer.alloc(5_300_000, 1);
		const id = { 'x-unique-upload-id': 'one' };
		expect(await upload(signed(), Buffer.from('small'), { ...id, 'content-range': 'bytes 0-4/-1' })).toBe(400);
		expect(await upload(signed(), chunk, { ...id, 'content-range': 'bytes 0-9/-1' })).toBe(400);
		expect(await upload(signed(), chunk, { 'content-range': 'bytes 0-5299999/-1' })).toBe(400);
		expect(await upload(signed(), chunk, { ...id, 'content-range': 'bytes 0-5299999/-1' })).toBe(200);
		expect(await upload(signed(), Buffer.from('end'), { ...id, 'content-range': 'bytes 5300001-5300003/5300004' })).toBe(400);
		expect(cloudinary.assets.size).toBe(0);
		expect(await upload(signed(), Buffer.from('end'), { ...id, 'content-range': 'bytes 5300000-5300002/5300003' })).toBe(200);
		expect(cloudinary.assets.get('raw/public/a.txt')?.bytes.length).toBe(5_300_003);
	});
});
