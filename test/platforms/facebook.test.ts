import { createHash } from 'node:crypto';
import { startFacebookEmulator, type FacebookEmulator } from './facebook.ts';

const PAGE = '110000000000000123';
let facebook: FacebookEmulator;
let now: number;
beforeEach(async () => {
	now = Date.parse('2026-11-21T10:00:00Z');
	facebook = await startFacebookEmulator({ now: () => now, processingPolls: 1, chunkBytes: 1024 });
});
afterEach(() => facebook.close());

interface GraphAnswer {
	id: string;
	video_id: string;
	upload_url: string;
	upload_session_id: string;
	start_offset: string;
	end_offset: string;
	access_token: string;
	permalink_url: string;
	data: Array<Record<string, unknown>>;
	status: Record<string, Record<string, unknown>>;
	error: { code: number; error_subcode?: number; message: string; error_data?: unknown };
	debug_info: { type: string };
}
const call = async (method: string, path: string, body?: FormData | object | null, { host = facebook.url, token = 'facebook-page-token' } = {}) => {
	const json = body && !(body instanceof FormData);
	const response = await fetch(`${host}/v26.0${path}`, {
		method,
		headers: { authorization: `Bearer ${token}`, ...(json ? { 'content-type': 'application/json' } : {}) },
		...(body ? { body: json ? JSON.stringify(body) : body } : {}),
	});
	return { status: response.status, headers: response.headers, body: (await response.json()) as GraphAnswer };
};
const post = (path: string, body: FormData | object, more?: { host?: string; token?: string }) => call('POST', `/${PAGE}${path}`, body, more);
const form = (values: Record<string, string>, name = 'source', mime = 'image/jpeg', bytes = 10, fileName = 'file') => {
	const data = new FormData();
	for (const [key, value] of Object.entries(values)) data.set(key, value);
	data.set(name, new Blob([Buffer.alloc(bytes, 7)], { type: mime }), fileName);
	return data;
};
const photo = async (values: Record<string, string> = {}) => (await post('/photos', form({ published: 'false', ...values }))).body.id;
const start = async (edge = 'video_reels') => (await post(`/${edge}?upload_phase=start`, {})).body;
const send = async (url: string, bytes: Buffer, offset: number, size: number) => {
	const response = await fetch(url, { method: 'POST', headers: { authorization: 'OAuth facebook-page-token', offset: String(offset), file_size: String(size) }, body: new Uint8Array(bytes) });
	return { status: response.status, body: (await response.json()) as GraphAnswer };
};
async function reel(): Promise<string> {
	const { video_id: id, upload_url: url } = await start();
	await send(url, Buffer.alloc(10), 0, 10);
	return id;
}
const finish = (id: string, values: object = { video_state: 'PUBLISHED' }) => post('/video_reels?upload_phase=finish', { video_id: id, ...values });
const status = async (id: string) => (await call('GET', `/${id}?fields=status,permalink_url`)).body.status;
const inDays = (days: number) => Math.round(now / 1000) + days * 86_400;

describe('the stand-in of Facebook Pages', () => {
	it.each<[string, string, object, number]>([
		['nothing', '/feed', {}, 100],
		['a field that does not exist', '/feed', { message: 't', text: 't' }, 100],
		['a long text', '/feed', { message: 'a'.repeat(63_207) }, 100],
		['a link that is none', '/feed', { link: 'example' }, 1_609_005],
		['a photo that it does not know', '/feed', { attached_media: [{ media_fbid: '3123' }] }, 100],
		['a number as the id of a photo', '/feed', { attached_media: [{ media_fbid: 3123 }] }, 100],
		['a time that is too near', '/feed', { message: 't', published: false, scheduled_publish_time: 1_795_255_200 + 599 }, 100],
		['a time that is too far', '/feed', { message: 't', published: false, scheduled_publish_time: 1_795_255_200 + 76 * 86_400 }, 100],
		['a time of a post that is published at once', '/feed', { message: 't', scheduled_publish_time: 1_795_255_200 + 3600 }, 100],
		['a hidden post without a time', '/feed', { message: 't', published: false }, 100],
		['the end of a reel that was never begun', '/video_reels?upload_phase=finish', { video_id: '2123', video_state: 'PUBLISHED' }, 100],
		['a phase that does not exist', '/video_reels?upload_phase=transfer', {}, -1],
	])('refuses %s', async (_, path, body, code) => {
		const answer = await post(path, body);
		expect(answer.status).toBe(code === -1 ? 404 : 400);
		if (code !== -1) expect(answer.body.error.code).toBe(code);
		expect(facebook.posts).toHaveLength(0);
	});

	it('tells a user\'s token from a Page\'s, and gives the one for the other', async () => {
		const accounts = await call('GET', '/me/accounts?fields=id,name,access_token,tasks', null, { token: 'facebook-token' });
		expect(accounts.body.data).toEqual([{ id: PAGE, name: 'demo', access_token: 'facebook-page-token', tasks: expect.arrayContaining(['CREATE_CONTENT']) }]);
		expect((await call('GET', '/me/accounts')).body.error).toMatchObject({ code: 100, message: expect.stringContaining('node type (Page)') });
		expect((await call('GET', `/${PAGE}?fields=access_token,name`, null, { token: 'facebook-token' })).body.access_token).toBe('facebook-page-token');
		expect((await post('/feed', { message: 't' }, { token: 'facebook-token' })).body.error.code).toBe(200);
	});

	it('refuses wrong tokens, old ones, scopes that lack, and versions that ended', async () => {
		expect((await post('/feed', { message: 't' }, { token: 'other' })).body.error.code).toBe(190);
		facebook.setToken('old', { id: PAGE, username: 'demo', scopes: [], kind: 'page', expired: true });
		expect((await post('/feed', { message: 't' }, { token: 'old' })).body.error).toMatchObject({ code: 190, error_subcode: 463 });
		facebook.setToken('narrow', { id: PAGE, username: 'demo', scopes: ['pages_show_list', 'pages_read_engagement'], kind: 'page' });
		expect((await post('/feed', { message: 't' }, { token: 'narrow' })).body.error.code).toBe(10);
		expect((await fetch(`${facebook.url}/v20.0/me`, { headers: { authorization: 'Bearer facebook-page-token' } })).status).toBe(400);
		expect(facebook.publicCalls).toBe(0);
	});

	it('takes photos unpublished, each for one post, and not beside a link', async () => {
		expect((await post('/photos', form({}))).body.error.code).toBe(100);
		expect((await post('/photos', form({ published: 'false' }, 'source', 'image/webp'))).body.error.code).toBe(100);
		expect((await post('/photos', form({ published: 'false' }, 'source', 'image/png', 4_000_001))).body.error.code).toBe(100);
		const ids = [await photo({ alt_text_custom: 'one' }), await photo()];
		const attached = ids.map((id) => ({ media_fbid: id }));
		expect((await post('/feed', { message: 'p', link: 'https://example.com', attached_media: attached })).body.error.code).toBe(100);
		expect((await post('/feed', { message: 'p', attached_media: attached })).body.id).toMatch(/^110000000000000123_\d{18}$/);
		expect(facebook.posts[0]!.media.map(({ alt }) => alt)).toEqual(['one', null]);
		expect((await post('/feed', { message: 'q', attached_media: attached })).body.error.code).toBe(100);
		const late = await photo();
		now += 86_400_000;
		expect((await post('/feed', { message: 'r', attached_media: [{ media_fbid: late }] })).body.error.code).toBe(100);
		const [shown] = (await call('GET', `/${PAGE}/published_posts?fields=message,attachments{target,subattachments{target}}&limit=5`)).body.data;
		expect(JSON.stringify(shown)).toContain(ids[1]);
	});

	it('schedules posts with photos that were meant for it, and lets them appear', async () => {
		const values = { message: 's', published: false, scheduled_publish_time: inDays(1), unpublished_content_type: 'SCHEDULED' };
		expect((await post('/feed', { ...values, attached_media: [{ media_fbid: await photo() }] })).body.error.code).toBe(100);
		const { body } = await post('/feed', { ...values, attached_media: [{ media_fbid: await photo({ temporary: 'true' }) }] });
		expect({ posts: facebook.posts.length, scheduled: facebook.scheduled.map(({ id }) => id) }).toEqual({ posts: 0, scheduled: [body.id] });
		expect((await call('GET', `/${PAGE}/scheduled_posts?fields=message`)).body.data).toHaveLength(1);
		now += 86_400_000;
		expect((await call('GET', `/${body.id}?fields=is_published`)).body).toMatchObject({ is_published: true });
		expect(facebook.posts.map(({ text }) => text)).toEqual(['s']);
	});

	it('refuses the same words twice with 506', async () => {
		await post('/feed', { message: 'once' });
		expect((await post('/feed', { message: 'once' })).body.error.code).toBe(506);
		expect({ posts: facebook.posts.length, publicCalls: facebook.publicCalls }).toEqual({ posts: 1, publicCalls: 2 });
	});

	it('takes a reel from where it stopped, acknowledges its end, and publishes it when it is processed', async () => {
		const { video_id: id, upload_url: url } = await start();
		expect(BigInt(id)).toBeGreaterThan(2n ** 53n);
		expect(new URL(url).origin).toBe(facebook.uploadUrl);
		expect((await send(url, Buffer.alloc(4), 0, 10)).body.debug_info.type).toBe('PartialRequestError');
		expect((await status(id))['uploading_phase']).toEqual({ status: 'in_progress', bytes_transfered: 4 });
		expect((await send(url, Buffer.alloc(10), 0, 10)).body.debug_info.type).toBe('OffsetInvalidError');
		expect((await finish(id)).body.error.code).toBe(100);
		expect((await send(url, Buffer.alloc(6), 4, 10)).status).toBe(200);
		expect((await finish(id, { video_state: 'PUBLISHED', description: 'words' })).body).toEqual({ success: true });
		expect(facebook.posts).toHaveLength(0);
		expect((await status(id))['publishing_phase']).toEqual({ status: 'not_started' });
		expect((await status(id))['publishing_phase']).toMatchObject({ status: 'complete', publish_status: 'published' });
		expect(facebook.posts).toMatchObject([{ id, kind: 'reel', text: 'words', media: [{ sha256: createHash('sha256').update(Buffer.alloc(10)).digest('hex') }] }]);
		expect((await call('GET', `/${id}?fields=permalink_url`)).body.permalink_url).toBe(`/reel/${id}/`);
		expect((await finish(id)).body.error.code).toBe(100);
		expect((await fetch(facebook.posts[0]!.permalink)).status).toBe(200);
	});

	it('says success and fails afterwards, when told to', async () => {
		const first = await reel();
		facebook.failVideo('publishing', 1_363_144, 'no');
		expect((await finish(first)).body).toEqual({ success: true });
		await status(first);
		expect((await status(first))['publishing_phase']).toMatchObject({ status: 'error', error: { code: 1_363_144 } });
		const second = await reel();
		facebook.failVideo('processing', 1_363_040, 'aspect');
		await finish(second);
		await status(second);
		expect(await status(second)).toMatchObject({ video_status: 'error', processing_phase: { error: { code: 1_363_040 } } });
		expect(facebook.posts).toHaveLength(0);
	});

	it('schedules a reel up to 29 days ahead, and allows 30 a day', async () => {
		const id = await reel();
		expect((await finish(id, { video_state: 'SCHEDULED' })).body.error.code).toBe(100);
		expect((await finish(id, { video_state: 'SCHEDULED', scheduled_publish_time: inDays(30) })).body.error.code).toBe(100);
		await finish(id, { video_state: 'SCHEDULED', scheduled_publish_time: inDays(28) });
		await status(id);
		expect((await status(id))['publishing_phase']).toMatchObject({ publish_status: 'scheduled' });
		expect([facebook.posts.length, facebook.scheduled.length]).toEqual([0, 1]);
		for (let number = 0; number < 30; number += 1) facebook.posts.push({ ...facebook.scheduled[0]!, scheduledFor: null, at: new Date(now) });
		expect((await post('/video_reels?upload_phase=start', {})).body.error.code).toBe(4);
	});

	it('takes a video of the feed in ranges at its own host, and names the offsets it expects', async () => {
		const host = facebook.videoUrl;
		expect((await post('/videos?upload_phase=start', { file_size: 2000 })).body.error.code).toBe(100);
		expect((await post('/videos?upload_phase=start', { file_size: 10 }, { host })).body.error.error_subcode).toBe(1_363_022);
		const { upload_session_id: session, video_id: id, start_offset: from, end_offset: to } = (await post('/videos?upload_phase=start', { file_size: 2000 }, { host })).body;
		expect([from, to]).toEqual(['0', '1024']);
		const transfer = (offset: string, bytes: number) => post('/videos?upload_phase=transfer', form({ upload_session_id: session, start_offset: offset }, 'video_file_chunk', 'application/octet-stream', bytes), { host });
		expect((await transfer('0', 1024)).body).toEqual({ start_offset: '1024', end_offset: '2000' });
		expect((await transfer('0', 1024)).body.error).toMatchObject({ error_subcode: 1_363_037, error_data: { start_offset: '1024', end_offset: '2000' } });
		const end = (values: object = {}) => post('/videos?upload_phase=finish', { upload_session_id: session, description: 'd', title: 't', ...values }, { host });
		expect((await end()).body.error.code).toBe(100);
		expect((await transfer('1024', 976)).body).toEqual({ start_offset: '2000', end_offset: '2000' });
		expect((await end({ published: false })).body.error.code).toBe(100);
		expect((await end()).body).toEqual({ success: true });
		await status(id);
		await status(id);
		expect(facebook.posts).toMatchObject([{ id, kind: 'video', text: 'd', title: 't' }]);
		expect((await call('POST', `/${id}/captions`, form({ default_locale: 'en_US' }, 'captions_file', 'text/plain', 10, 'x.srt'))).body.error.code).toBe(387);
		expect((await call('POST', `/${id}/thumbnails`, form({ is_preferred: 'true' }))).status).toBe(200);
		expect(facebook.posts[0]!.thumbnail).toMatch(/^[\da-f]{64}$/);
	});

	it('publishes stories of photos and of videos, lists them, and deletes only those of videos', async () => {
		const picture = await photo();
		expect((await post('/photo_stories', { photo_id: picture })).body).toMatchObject({ success: true });
		expect((await post('/photo_stories', { photo_id: picture })).body.error.code).toBe(100);
		const { video_id: id, upload_url: url } = await start('video_stories');
		await send(url, Buffer.alloc(10), 0, 10);
		await post('/video_stories?upload_phase=finish', { video_id: id });
		await status(id);
		await status(id);
		const stories = (await call('GET', `/${PAGE}/stories`)).body.data;
		expect(stories.map((story) => [story['media_type'], story['media_id']])).toEqual([['video', id], ['photo', picture]]);
		expect((await call('DELETE', `/${String(stories[1]!['post_id'])}`)).status).toBe(400);
		expect((await call('DELETE', `/${id}`)).body).toEqual({ success: true });
		expect(facebook.posts).toHaveLength(1);
	});

	it('takes comments, counts them, and forgets what is deleted', async () => {
		const { id } = (await post('/feed', { message: 'p' })).body;
		const comment = await call('POST', `/${id}/comments`, { message: 'first' });
		expect(comment.body.id).toMatch(/^5\d+_6\d+$/);
		expect((await call('GET', `/${id}/comments?order=reverse_chronological&fields=message,created_time`)).body.data).toMatchObject([{ id: comment.body.id, message: 'first', created_time: '2026-11-21T10:00:00+0000' }]);
		expect((await call('GET', `/${id}?fields=comments.summary(total_count).limit(0),shares,reactions.summary(total_count)`)).body).toEqual({
			id,
			comments: { data: [], summary: { total_count: 1 } },
			reactions: { data: [], summary: { total_count: 0 } },
		});
		expect((await call('DELETE', `/${comment.body.id}`)).status).toBe(200);
		expect((await call('DELETE', `/${id}`)).status).toBe(200);
		expect((await call('DELETE', `/${id}`)).body.error.error_subcode).toBe(33);
	});

	it('keeps nothing of large files when told to, and tells how much the app is used', async () => {
		await facebook.close();
		facebook = await startFacebookEmulator({ now: () => now, processingPolls: 0, discard: true });
		facebook.setUsage(95);
		const answer = await finish(await reel());
		expect(JSON.parse(answer.headers.get('x-app-usage')!)).toMatchObject({ call_count: 95 });
		expect(facebook.posts[0]!.media[0]).toMatchObject({ bytes: Buffer.alloc(0), sha256: createHash('sha256').update(Buffer.alloc(10)).digest('hex') });
	});
});
