import { startGcsEmulator, type GcsEmulator } from './gcs.ts';

describe('the emulator of Google Cloud Storage', () => {
	let gcs: GcsEmulator;
	beforeEach(async () => (gcs = await startGcsEmulator()));
	afterEach(() => gcs.close());

	const put = async (to: string, range: string, body: Buffer, headers: Record<string, string> = {}) => fetch(to, { method: 'PUT', headers: { 'content-range': range, ...headers }, body: new Uint8Array(body) });

	it('refuses calls without a token, and assertions that are not of the key', async () => {
		expect((await fetch(`${gcs.url}/storage/v1/b/${gcs.bucket}/o`)).status).toBe(401);
		const assertion = [{ alg: 'RS256' }, { iss: gcs.email }, {}].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
		const answer = await fetch(`${gcs.url}/token`, { method: 'POST', body: new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion }) });
		expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining('Invalid JWT Signature')]);
	});

	it('refuses chunks with a gap, of odd sizes, of other lengths than they say', async () => {
		const to = gcs.openSession('a.bin');
		expect((await put(to, 'bytes 262144-262147/*', Buffer.from('late'))).status).toBe(503);
		expect((await put(to, 'bytes 0-3/*', Buffer.from('odd!'))).status).toBe(400);
		expect((await put(to, 'bytes 0-9/10', Buffer.from('short'))).status).toBe(400);
		expect((await put(to, 'bytes 0-3/4', Buffer.from('good'), { 'x-goog-hash': 'crc32c=AAAAAA==' })).status).toBe(400);
		expect(gcs.objects.size).toBe(0);
		const next = gcs.openSession('a.bin');
		expect((await put(next, 'bytes 0-3/4', Buffer.from('good'))).status).toBe(200);
		expect(String(gcs.objects.get('a.bin')?.bytes)).toBe('good');
	});

	it('takes no chunks of uploads that were given up', async () => {
		const to = gcs.openSession('a.bin');
		expect((await fetch(to, { method: 'DELETE' })).status).toBe(499);
		expect((await put(to, 'bytes 0-3/4', Buffer.from('late'))).status).toBe(410);
	});
});
