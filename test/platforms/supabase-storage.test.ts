import { startSupabaseEmulator, type SupabaseEmulator } from './supabase-storage.ts';

describe('the emulator of Supabase Storage', () => {
	let supabase: SupabaseEmulator;
	beforeEach(async () => (supabase = await startSupabaseEmulator({ fileSizeLimit: 10_000_000 })));
	afterEach(() => supabase.close());

	const call = (path: string, method: string, headers: Record<string, string> = {}, body?: string | Buffer) =>
		fetch(`${supabase.url}/storage/v1${path}`, {
			method,
			headers: { authorization: `Bearer ${supabase.serviceKey}`, apikey: supabase.serviceKey, 'content-type': 'application/json', ...headers },
			...(body === undefined ? {} : { body: typeof body === 'string' ? body : new Uint8Array(body) }),
		});
	const status = async (...given: Parameters<typeof call>) => (await call(...given)).status;
	const tus = { 'tus-resumable': '1.0.0' };

	it('looks at both headers of the key, its signature and its role', async () => {
		expect(await status('/bucket/media', 'GET')).toBe(200);
		expect(await status('/bucket/media', 'GET', { apikey: '' })).toBe(401);
		expect(await status('/bucket/media', 'GET', { authorization: `Bearer ${supabase.anonKey}` })).toBe(400);
		expect(await status('/bucket/media', 'GET', { authorization: `Bearer ${supabase.serviceKey}x` })).toBe(400);
	});

	it('refuses unknown fields, and to overwrite without being told to', async () => {
		expect(await status('/object/list/media', 'POST', {}, JSON.stringify({ prefix: '', recursive: true }))).toBe(400);
		expect(await status('/object/media/a.txt', 'POST', {}, 'one')).toBe(200);
		expect(await status('/object/media/a.txt', 'POST', {}, 'two')).toBe(400);
		expect(await status('/object/media/a.txt', 'POST', { 'x-upsert': 'true' }, 'two')).toBe(200);
	});

	it('takes chunks of tus of 6 MB only, in order, and no more than was said', async () => {
		const metadata = `bucketName ${btoa('media')},objectName ${btoa('b.bin')}`;
		const begun = await call('/upload/resumable', 'POST', { ...tus, 'upload-length': '6291460', 'upload-metadata': metadata });
		const path = new URL(begun.headers.get('location') ?? '').pathname.replace('/storage/v1', '');
		const patch = (offset: number, body: Buffer, more: Record<string, string> = {}) => status(path, 'PATCH', { ...tus, 'content-type': 'application/offset+octet-stream', 'upload-offset': String(offset), ...more }, body);
		expect(await patch(0, Buffer.alloc(10), { 'tus-resumable': '0.2' })).toBe(412);
		expect(await patch(5, Buffer.alloc(10))).toBe(409);
		expect(await patch(0, Buffer.alloc(10), { 'upload-length': '10' })).toBe(400);
		expect(await patch(0, Buffer.alloc(6_291_456))).toBe(204);
		expect(await patch(6_291_456, Buffer.alloc(5))).toBe(413);
		expect(supabase.objects.size).toBe(0);
		expect(await patch(6_291_456, Buffer.alloc(4))).toBe(204);
		expect(supabase.objects.get('b.bin')?.bytes.length).toBe(6_291_460);
		expect(await status('/upload/resumable', 'POST', { ...tus, 'upload-length': '10000001', 'upload-metadata': metadata })).toBe(413);
	});
});
