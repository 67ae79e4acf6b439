import { createHash } from 'node:crypto';
import { PINTEREST_SCOPES, startPinterestEmulator, type PinterestEmulator } from './pinterest.ts';

let pinterest: PinterestEmulator;
let now: number;
beforeEach(async () => {
	now = Date.parse('2026-11-21T10:00:00Z');
	pinterest = await startPinterestEmulator({ now: () => now, processingPolls: 2 });
});
afterEach(() => pinterest.close());

const BOARD = '549755813888000001';
const image = { source_type: 'image_base64', content_type: 'image/png', data: 'aGVsbG8=' };
const item = { content_type: 'image/png', data: 'aGVsbG8=' };
const pinOf = (more: object) => ({ board_id: BOARD, media_source: image, ...more });

const call = async (method: string, path: string, body?: object | null, token: string | null = 'pinterest-token') => {
	const response = await fetch(`${pinterest.apiUrl}${path}`, {
		method,
		headers: { ...(token ? { authorization: `Bearer ${token}` } : {}), ...(body ? { 'content-type': 'application/json' } : {}) },
		...(body ? { body: JSON.stringify(body) } : {}),
	});
	const text = await response.text();
	return { status: response.status, headers: response.headers, body: (text ? JSON.parse(text) : null) as Record<string, never> & { message: string; id: string; items: Array<{ id: string }>; bookmark: string | null } };
};

interface Registered {
	media_id: string;
	upload_url: string;
	upload_parameters: Record<string, string>;
}
const register = async () => (await call('POST', '/media', { media_type: 'video' })).body as unknown as Registered;
function formOf({ upload_parameters }: Registered, bytes = 10, change: Record<string, string> = {}): FormData {
	const form = new FormData();
	for (const [name, value] of Object.entries({ ...upload_parameters, ...change })) form.append(name, value);
	form.append('file', new Blob([Buffer.alloc(bytes, 7)], { type: 'video/mp4' }), 'clip.mp4');
	return form;
}
const send = async (upload: Registered, form: FormData, headers: Record<string, string> = {}) => {
	const response = await fetch(upload.upload_url, { method: 'POST', body: form, headers });
	return { status: response.status, text: await response.text() };
};
const statusOf = async (id: string) => (await call('GET', `/media/${id}`)).body['status'];
async function ready(): Promise<string> {
	const upload = await register();
	await send(upload, formOf(upload));
	for (let look = 0; look < 3; look += 1) await statusOf(upload.media_id);
	return upload.media_id;
}

describe('the stand-in of Pinterest', () => {
	it.each<[string, object, RegExp]>([
		['no board', { board_id: undefined }, /board_id/],
		['the name of a board', { board_id: 'ideas' }, /board_id/],
		['a long title', { title: 'a'.repeat(101) }, /maxLength=100/],
		['a long description', { description: 'a'.repeat(801) }, /maxLength=800/],
		['a long alternative text', { alt_text: 'a'.repeat(501) }, /maxLength=500/],
		['a link that is none', { link: 'example.com' }, /link/],
		['a field that does not exist', { note: 'n' }, /additional property 'note'/],
		['no media', { media_source: undefined }, /media_source/],
		['a kind of media', { media_source: { source_type: 'gif', url: 'https://example.com/a.gif' } }, /source_type 'gif'/],
		['a type of pictures', { media_source: { ...image, content_type: 'image/webp' } }, /image\/webp/],
		['a data URL', { media_source: { ...image, data: 'data:image/png;base64,aGVsbG8=' } }, /data/],
		['one picture as several', { media_source: { source_type: 'multiple_image_base64', items: [item] } }, /minItems=2/],
		['six pictures', { media_source: { source_type: 'multiple_image_base64', items: Array.from({ length: 6 }, () => item) } }, /maxItems=5/],
		['a video without a cover', { media_source: { source_type: 'video_id', media_id: '1' } }, /cover_image_url or/],
		['two covers', { media_source: { source_type: 'video_id', media_id: '1', cover_image_url: 'https://e.org/a.jpg', cover_image_key_frame_time: 1 } }, /only one cover/],
		['half a second', { media_source: { source_type: 'video_id', media_id: '1', cover_image_key_frame_time: 0.5 } }, /whole number/],
	])('refuses %s', async (_, more, message) => {
		const answer = await call('POST', '/pins', pinOf(more));
		expect(answer.status).toBe(400);
		expect(answer.body).toMatchObject({ code: 1, message: expect.stringMatching(message) });
		expect(pinterest.posts).toHaveLength(0);
	});

	it('refuses without a token, without a scope, with trial access, and on the board of somebody else', async () => {
		expect(await call('GET', '/user_account', null, null)).toMatchObject({ status: 401, body: { code: 2 } });
		pinterest.setToken('narrow', { id: '1', username: 'demo', scopes: ['pins:read', 'boards:read'] });
		expect(await call('GET', '/boards', null, 'narrow')).toMatchObject({ status: 200 });
		expect(await call('POST', '/pins', pinOf({}), 'narrow')).toMatchObject({ status: 401, body: { code: 3 } });
		expect(await call('GET', '/user_account', null, 'narrow')).toMatchObject({ status: 401, body: { code: 3 } });
		pinterest.setToken('trial', { id: '1', username: 'demo', scopes: PINTEREST_SCOPES, access: 'trial' });
		expect(await call('POST', '/pins', pinOf({}), 'trial')).toMatchObject({ status: 403, body: { code: 29 } });
		expect(pinterest.publicCalls).toBe(0);
		pinterest.setToken('other', { id: '2', username: 'other', scopes: PINTEREST_SCOPES });
		expect(await call('POST', '/pins', pinOf({}), 'other')).toMatchObject({ status: 404, body: { code: 40, message: 'Board not found.' } });
		expect(pinterest.publicCalls).toBe(1);
	});

	it('wants all fields of the form, the file last, and no token in the bucket', async () => {
		const upload = await register();
		const early = new FormData();
		early.append('file', new Blob(['x']), 'clip.mp4');
		for (const [name, value] of Object.entries(upload.upload_parameters)) early.append(name, value);
		expect(await send(upload, early)).toMatchObject({ status: 400, text: expect.stringContaining('as the last field') });
		expect(await send(upload, formOf(upload, 10, { policy: 'other' }))).toMatchObject({ status: 403, text: expect.stringContaining('SignatureDoesNotMatch') });
		expect(await send(upload, formOf(upload, 10, { extra: 'field' }))).toMatchObject({ status: 403 });
		expect(await send(upload, formOf(upload), { authorization: 'Bearer pinterest-token' })).toMatchObject({ status: 400, text: expect.stringContaining('Only one auth mechanism') });
		expect(await statusOf(upload.media_id)).toBe('registered');
		expect(await send(upload, formOf(upload))).toMatchObject({ status: 204, text: '' });
	});

	it('takes a form only as long as it is valid', async () => {
		const upload = await register();
		now += 3_600_000;
		expect(await send(upload, formOf(upload))).toMatchObject({ status: 403, text: expect.stringContaining('Policy expired') });
	});

	it('processes a video step by step, and takes it only when it is ready', async () => {
		const upload = await register();
		const pin = () => call('POST', '/pins', pinOf({ media_source: { source_type: 'video_id', media_id: upload.media_id, cover_image_key_frame_time: 1 } }));
		expect((await pin()).body.message).toContain('not ready: registered');
		await send(upload, formOf(upload));
		expect([await statusOf(upload.media_id), await statusOf(upload.media_id)]).toEqual(['processing', 'processing']);
		expect((await pin()).body.message).toContain('not ready: processing');
		expect(await statusOf(upload.media_id)).toBe('succeeded');
		expect((await pin()).status).toBe(201);
		expect(pinterest.posts[0]).toMatchObject({ sourceType: 'video_id', cover: { seconds: 1 }, media: [{ sha256: createHash('sha256').update(Buffer.alloc(10, 7)).digest('hex') }] });
	});

	it('tells that a video could not be processed', async () => {
		pinterest.failProcessing();
		expect(await statusOf(await ready())).toBe('failed');
		expect(await statusOf(await ready())).toBe('succeeded');
	});

	it('hashes a video without keeping it when it is told to', async () => {
		await pinterest.close();
		pinterest = await startPinterestEmulator({ now: () => now, processingPolls: 0, discard: true });
		const id = await ready();
		await call('POST', '/pins', pinOf({ media_source: { source_type: 'video_id', media_id: id, cover_image_url: 'https://example.com/a.jpg' } }));
		expect(pinterest.posts[0]!.media[0]).toMatchObject({ sha256: createHash('sha256').update(Buffer.alloc(10, 7)).digest('hex'), bytes: Buffer.alloc(0) });
	});

	it('refuses pictures of different sizes in one pin', async () => {
		const png = (width: number) => {
			const bytes = Buffer.alloc(33);
			bytes.write('\x89PNG\r\n\x1a\n', 'latin1');
			bytes.writeUInt32BE(width, 16);
			bytes.writeUInt32BE(100, 20);
			return { content_type: 'image/png', data: bytes.toString('base64') };
		};
		const pin = (...widths: number[]) => call('POST', '/pins', pinOf({ media_source: { source_type: 'multiple_image_base64', items: widths.map(png) } }));
		expect((await pin(10, 11)).body.message).toContain('same size');
		expect((await pin(10, 10)).status).toBe(201);
	});

	it('gives 19 digits as text, knows no duplicates, and lists the newest pin first', async () => {
		const first = await call('POST', '/pins', pinOf({ title: 'T', description: 'once', link: 'https://example.com/?a=1', alt_text: 'A' }));
		now += 60_000;
		const second = await call('POST', '/pins', pinOf({ title: 'T', description: 'once' }));
		expect(first.body.id).toMatch(/^\d{19}$/);
		expect(first.headers.get('x-ratelimit-limit')).toBe('100, 100;w=1, 1000;w=60');
		const list = await call('GET', `/boards/${BOARD}/pins`);
		expect(list.body.items).toEqual([
			expect.objectContaining({ id: second.body.id, created_at: '2026-11-21T10:01:00' }),
			expect.objectContaining({ id: first.body.id, created_at: '2026-11-21T10:00:00', title: 'T', description: 'once', link: 'https://example.com/?a=1', alt_text: 'A', media: { media_type: 'image' } }),
		]);
		expect({ posts: pinterest.posts.length, publicCalls: pinterest.publicCalls }).toEqual({ posts: 2, publicCalls: 2 });
	});

	it('lists page by page, and no secret board without the scope', async () => {
		pinterest.boards.push({ id: '9', name: 'Secret', owner: 'demo', privacy: 'SECRET' });
		const first = await call('GET', '/boards?page_size=1');
		const second = await call('GET', `/boards?page_size=1&bookmark=${encodeURIComponent(first.body.bookmark!)}`);
		expect([first, second].map(({ body }) => body.items[0]!.id)).toEqual([BOARD, '549755813888000002']);
		expect(second.body.bookmark).toBeNull();
		expect((await call('GET', '/boards?page_size=251')).status).toBe(400);
		expect((await call('GET', '/boards?limit=10')).status).toBe(400);
		expect((await call('GET', '/boards/9/pins')).status).toBe(404);
	});

	it('tells numbers of at most 90 days, and deletes', async () => {
		const { id } = (await call('POST', '/pins', pinOf({}))).body;
		pinterest.setMetrics(id, { IMPRESSION: 240, SAVE: 20, TOTAL_COMMENTS: 3 });
		const ask = (query: string) => call('GET', `/pins/${id}/analytics?${query}`);
		expect((await ask('start_date=2026-11-01&end_date=2026-11-21&metric_types=IMPRESSION,SAVE,TOTAL_COMMENTS')).body).toMatchObject({
			all: { summary_metrics: { IMPRESSION: 240, SAVE: 20 }, lifetime_metrics: { TOTAL_COMMENTS: 3 } },
		});
		expect((await ask('start_date=2026-08-22&end_date=2026-11-20&metric_types=IMPRESSION')).status).toBe(400);
		expect((await ask('start_date=2026-11-01&end_date=2026-11-22&metric_types=IMPRESSION')).status).toBe(400);
		expect((await ask('start_date=2026-11-01&end_date=2026-11-21&metric_types=VIDEO_MRC_VIEW')).status).toBe(400);
		expect((await ask('start_date=2026-11-01&end_date=2026-11-21')).status).toBe(400);
		expect((await call('GET', `/pins/${id}?pin_metrics=true`)).body).toMatchObject({ pin_metrics: { lifetime_metrics: { impression: 240, comment: 3, reaction: 0 } } });
		expect((await call('DELETE', `/pins/${id}`)).status).toBe(204);
		expect((await call('GET', `/pins/${id}`)).status).toBe(404);
	});

	it('shows what was published on a page', async () => {
		await call('POST', '/pins', pinOf({ title: '<b>bold</b>', alt_text: 'greeting' }));
		const page = await (await fetch(pinterest.url)).text();
		expect(page).toContain('&lt;b&gt;bold&lt;/b&gt;');
		expect(page).toContain('alt="greeting"');
		expect(await (await fetch(`${pinterest.url}/emulator/media/${pinterest.posts[0]!.media[0]!.id}`)).text()).toBe('hello');
		expect((await fetch(pinterest.posts[0]!.permalink)).status).toBe(200);
	});
});
