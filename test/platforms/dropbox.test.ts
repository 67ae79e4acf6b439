import { createHash } from 'node:crypto';
import { contentHash, startDropbox, type DropboxEmulator } from './dropbox.ts';

const sha = (content: Buffer): Buffer => createHash('sha256').update(content).digest();

describe('the stand-in of Dropbox', () => {
	let dropbox: DropboxEmulator;
	beforeAll(async () => {
		dropbox = await startDropbox();
		dropbox.files.set('/Films/a.mp4', { content: Buffer.from('0123456789') });
		dropbox.files.set('/Films/b.mp4', { content: Buffer.from('b') });
		dropbox.files.set('/Notes.paper', { content: Buffer.from('x'), isDownloadable: false });
		dropbox.links.set('/scl/fi/1/a.mp4', { path: '/Films/a.mp4' });
		dropbox.links.set('/scl/fi/2/a.mp4', { path: '/Films/a.mp4', restricted: true });
		dropbox.links.set('/scl/fo/3/Films', { path: '/Films' });
		dropbox.tokens.set('narrow', ['files.metadata.read']);
	});
	afterAll(() => dropbox.close());
	const call = async (path: string, { headers = {}, body }: { headers?: Record<string, string>; body?: unknown } = {}) => {
		const response = await fetch(`${dropbox.url}${path}`, {
			method: 'POST',
			headers: { authorization: 'Bearer valid-token', ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
			...(body === undefined ? {} : { body: JSON.stringify(body) }),
		});
		return { status: response.status, text: await response.text(), result: response.headers.get('dropbox-api-result'), range: response.headers.get('content-range') };
	};
	const download = (path: unknown, headers: Record<string, string> = {}) => call('/2/files/download', { headers: { 'dropbox-api-arg': JSON.stringify({ path }), ...headers } });
	const shared = (argument: unknown) => call('/2/sharing/get_shared_link_file', { headers: { 'dropbox-api-arg': JSON.stringify(argument) } });
	const list = (body: unknown) => call('/2/files/list_folder', { body });

	it('computes the content hash as it is documented: of blocks of 4 MiB', () => {
		const block = Buffer.alloc(4 * 1024 * 1024, 1);
		const rest = Buffer.from('rest');
		expect(contentHash(Buffer.concat([block, rest]))).toBe(sha(Buffer.concat([sha(block), sha(rest)])).toString('hex'));
		expect(contentHash(block)).toBe(sha(sha(block)).toString('hex'));
	});

	it('wants a token that may do what is asked', async () => {
		expect((await download('/Films/a.mp4', { authorization: 'Bearer old' })).text).toContain('expired_access_token');
		expect(await download('/Films/a.mp4', { authorization: 'Bearer narrow' })).toMatchObject({ status: 401, text: expect.stringContaining('files.content.read') });
		expect((await call('/2/files/list_folder', { body: { path: '' }, headers: { authorization: '' } })).status).toBe(401);
	});

	it('sends files by path, whatever its case, and ranges of them', async () => {
		expect(await download('/films/A.mp4')).toMatchObject({ status: 200, text: '0123456789', result: expect.stringContaining(contentHash(Buffer.from('0123456789'))) });
		expect(await download('/Films/a.mp4', { range: 'bytes=4-' })).toMatchObject({ status: 206, text: '456789', range: 'bytes 4-9/10' });
		expect(await download('/Films/a.mp4', { range: 'bytes=10-' })).toMatchObject({ status: 416 });
	});

	it('refuses arguments that are no JSON of ASCII, bodies of another type, folders, documents and what is not there', async () => {
		expect((await call('/2/files/download')).status).toBe(400);
		expect((await download('/Films/ü.mp4', { 'content-type': 'application/octet-stream' })).status).toBe(400);
		expect((await download('/Films/a.mp4', { 'content-type': 'application/json' })).status).toBe(400);
		expect((await call('/2/files/download', { headers: { 'dropbox-api-arg': '{' } })).status).toBe(400);
		expect(await download('/Films')).toMatchObject({ status: 409, text: expect.stringContaining('path/not_file') });
		expect(await download('/Notes.paper')).toMatchObject({ status: 409, text: expect.stringContaining('unsupported_file') });
		expect(await download('/none.mp4')).toMatchObject({ status: 409, text: expect.stringContaining('path/not_found') });
	});

	it('opens shared links that are open', async () => {
		expect(await shared({ url: `${dropbox.url}/scl/fi/1/a.mp4` })).toMatchObject({ status: 200, text: '0123456789' });
		expect((await shared({ url: `${dropbox.url}/scl/fi/2/a.mp4` })).text).toContain('shared_link_access_denied');
		expect((await shared({ url: `${dropbox.url}/scl/fo/3/Films` })).text).toContain('shared_link_is_directory');
		expect((await shared({ url: `${dropbox.url}/scl/fo/3/Films`, path: '/b.mp4' })).text).toBe('b');
		expect((await shared({ url: `${dropbox.url}/scl/fi/none` })).text).toContain('shared_link_not_found');
	});

	it('lists page by page, and refuses what the API does not take', async () => {
		const first = JSON.parse((await list({ path: '/Films', limit: 1 })).text) as { cursor: string; entries: unknown[]; has_more: boolean };
		expect([first.entries.length, first.has_more]).toEqual([1, true]);
		const next = await call('/2/files/list_folder/continue', { body: { cursor: first.cursor } });
		expect(JSON.parse(next.text)).toMatchObject({ entries: [{ name: 'b.mp4' }], has_more: false });
		for (const body of [{ path: '/' }, { path: 'Films' }, { path: '', limit: 0 }, { path: '', limit: 2001 }, { path: '', what: 1 }, {}, { path: '', recursive: true, shared_link: { url: `${dropbox.url}/scl/fo/3/Films` } }]) expect((await list(body)).status).toBe(400);
		expect((await list({ path: '/none' })).text).toContain('path/not_found');
		expect((await list({ path: '/Films/a.mp4' })).text).toContain('path/not_folder');
		expect((await call('/2/files/list_folder/continue', { body: { cursor: 'x' } })).status).toBe(400);
		dropbox.resetCursors();
		expect(await call('/2/files/list_folder/continue', { body: { cursor: first.cursor } })).toMatchObject({ status: 409, text: expect.stringContaining('reset') });
		expect((await call('/2/files/upload')).status).toBe(400);
	});
});
