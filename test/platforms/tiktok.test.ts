import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { sha256 } from './emulator.ts';
import { startTikTokEmulator, tiktokAccount, tiktokError, type TikTokEmulator, type TikTokEmulatorOptions } from './tiktok.ts';

let tiktok: TikTokEmulator;
let now: number;
const start = async (options: TikTokEmulatorOptions = {}) => {
	now = Date.parse('2026-11-21T10:00:00Z');
	tiktok = await startTikTokEmulator({ now: () => now, minChunkBytes: 10, maxChunkBytes: 100, rateLimits: false, ...options });
};
afterEach(() => tiktok.close());

const JSON_TYPE = { 'content-type': 'application/json; charset=UTF-8' };
interface Body {
	data: { publish_id: string; upload_url: string; status: string; uploaded_bytes: number; videos: unknown[] };
	error: { code: string };
}
const call = async (path: string, body: object | null = null, headers: Record<string, string> = {}, method = 'POST') => {
	const response = await fetch(`${tiktok.url}${path}`, { method, headers: { authorization: 'Bearer tiktok-token', ...JSON_TYPE, ...headers }, ...(body ? { body: JSON.stringify(body) } : {}) });
	const text = await response.text();
	return { status: response.status, text, body: JSON.parse(text) as Body, code: (JSON.parse(text) as Body).error.code };
};
const file = (size: number, chunk = size, count = Math.floor(size / chunk)) => ({ source: 'FILE_UPLOAD', video_size: size, chunk_size: chunk, total_chunk_count: count });
const info = (more: object = {}) => ({ title: 'a video', privacy_level: 'PUBLIC_TO_EVERYONE', ...more });
const init = (source: object, post: object = info()) => call('/v2/post/publish/video/init/', { post_info: post, source_info: source });
const status = (id: string) => call('/v2/post/publish/status/fetch/', { publish_id: id });
const bytes = Buffer.from(Array.from({ length: 123 }, (_, index) => index));
const put = async (url: string, first: number, end: number, total = bytes.length, headers: Record<string, string> = {}) => {
	const response = await fetch(url, { method: 'PUT', headers: { 'content-type': 'video/mp4', 'content-range': `bytes ${first}-${end - 1}/${total}`, ...headers }, body: bytes.subarray(first, end) });
	return [response.status, response.headers.get('content-range')];
};

describe('the stand-in of TikTok', () => {
	it('publishes a video by itself once the last chunk is there, and tells its id in plain JSON', async () => {
		await start();
		const { publish_id: id, upload_url: url } = (await init(file(123, 50))).body.data;
		expect(id).toMatch(/^v_pub_file~.{1,53}$/);
		expect(await put(url, 0, 50)).toEqual([206, 'bytes 0-49/123']);
		expect((await status(id)).body.data).toMatchObject({ status: 'PROCESSING_UPLOAD', uploaded_bytes: 50 });
		expect([tiktok.posts.length, tiktok.publicCalls]).toEqual([0, 0]);
		// The last one takes the rest: 73 bytes.
		expect(await put(url, 50, 123)).toEqual([201, 'bytes 0-122/123']);
		expect([tiktok.posts[0]!.media[0]!.sha256, tiktok.publicCalls]).toEqual([sha256(bytes), 1]);
		expect((await status(id)).body.data).toMatchObject({ status: 'PROCESSING_UPLOAD', uploaded_bytes: 123 });
		expect((await status(id)).text).toContain(`"publicaly_available_post_id":[${tiktok.posts[0]!.id}]`);
		expect(tiktok.posts[0]!.id).toMatch(/^\d{19}$/);
		expect(await put(url, 50, 123)).toEqual([416, 'bytes 0-122/123']);
		expect(tiktok.publicCalls).toBe(2);
	});

	it('knows the plan of 50,000,123 bytes', async () => {
		await start({ minChunkBytes: 5 * 1024 * 1024, maxChunkBytes: 64_000_000 });
		expect((await init(file(50_000_123, 10_000_000, 5))).code).toBe('ok');
		expect((await init(file(50_000_123, 10_000_000, 6))).code).toBe('invalid_params');
		expect((await init(file(64_000_001))).code).toBe('invalid_params');
		expect((await init(file(70_000_000, 64_000_000, 1))).code).toBe('invalid_params');
		expect((await init(file(4_000_000, 2_000_000))).code).toBe('invalid_params');
		expect((await init(file(4_000_000))).code).toBe('ok');
		expect((await init(file(4_000_000_001, 10_000_000))).code).toBe('invalid_params');
	});

	it('wants ranges that follow on, says what it has, and forgets what broke off', async () => {
		await start();
		const { publish_id: id, upload_url: url } = (await init(file(123, 50))).body.data;
		expect(await put(url, 50, 123)).toEqual([416, 'bytes */123']);
		expect(await put(url, 0, 40)).toEqual([416, 'bytes */123']);
		expect(await put(url, 0, 50, 124)).toEqual([400, null]);
		expect(await put(url, 0, 50, 123, { 'content-type': 'application/octet-stream' })).toEqual([400, null]);
		tiktok.fail('chunk', { when: 'during', answer: 'drop' });
		await expect(put(url, 0, 50)).rejects.toThrow();
		expect((await status(id)).body.data.uploaded_bytes).toBe(0);
		await put(url, 0, 50);
		expect(await put(url, 0, 50)).toEqual([416, 'bytes 0-49/123']);
		expect(await put(`${url}x`, 50, 123)).toEqual([404, null]);
		now += 3_600_000;
		expect(await put(url, 50, 123)).toEqual([403, null]);
		expect(tiktok.publicCalls).toBe(0);
	});

	it('may keep what broke off, and goes on there', async () => {
		await start({ brokenChunks: 'kept' });
		const { publish_id: id, upload_url: url } = (await init(file(123, 50))).body.data;
		tiktok.fail('chunk', { when: 'during', answer: 'drop' });
		await expect(put(url, 0, 50)).rejects.toThrow();
		const has = (await status(id)).body.data.uploaded_bytes;
		expect(has).toBeGreaterThan(0);
		expect(await put(url, 0, 50)).toEqual([416, `bytes 0-${has - 1}/123`]);
	});

	it.each<[string, object, string]>([
		['no privacy', { privacy_level: undefined }, 'invalid_params'],
		['a privacy that the account does not have', { privacy_level: 'FOLLOWER_OF_CREATOR' }, 'privacy_level_option_mismatch'],
		['branded content in private', { privacy_level: 'SELF_ONLY', brand_content_toggle: true }, 'invalid_params'],
		['a title of 2201 units', { title: '😀'.repeat(1100) + 'a' }, 'invalid_params'],
		['a field of photos', { auto_add_music: true }, 'invalid_params'],
		['a switch as text', { disable_duet: 'true' }, 'invalid_params'],
		['a fraction of a millisecond', { video_cover_timestamp_ms: 0.5 }, 'invalid_params'],
	])('refuses %s', async (_, more, code) => {
		await start();
		expect((await init(file(20), info(more))).code).toBe(code);
	});

	it('refuses a wrong token, a missing scope, a wrong content type and a wrong form', async () => {
		await start();
		const path = '/v2/post/publish/creator_info/query/';
		expect(await call(path, null, { authorization: 'Bearer other' })).toMatchObject({ status: 401, code: 'access_token_invalid' });
		expect((await call(path, null, { 'content-type': 'application/json' })).code).toBe('invalid_params');
		expect((await call(path, {})).code).toBe('invalid_params');
		expect((await call('/v2/post/publish/inbox/video/init/', { post_info: {}, source_info: file(20) })).code).toBe('invalid_params');
		expect((await status('v_pub_file~1')).code).toBe('invalid_publish_id');
		tiktok.setToken('tiktok-token', tiktokAccount({ scopes: ['video.upload'] }));
		expect(await call(path)).toMatchObject({ status: 401, code: 'scope_not_authorized' });
		expect((await init(file(20))).code).toBe('scope_not_authorized');
	});

	it('lets an app without audit post to private accounts only, in private', async () => {
		await start({ audited: false });
		expect((await init(file(20), info({ privacy_level: 'SELF_ONLY' })))).toMatchObject({ status: 403, code: 'unaudited_client_can_only_post_to_private_accounts' });
		tiktok.setToken('tiktok-token', tiktokAccount({ isPrivate: true }));
		expect((await init(file(20))).code).toBe('unaudited_client_can_only_post_to_private_accounts');
		expect((await init(file(20), info({ privacy_level: 'SELF_ONLY' }))).code).toBe('ok');
	});

	it('never tells the id of a private post, and that of a public one when it was moderated', async () => {
		await start({ processingPolls: 0, moderationPolls: 1 });
		for (const [privacy, shown] of [['SELF_ONLY', false], ['PUBLIC_TO_EVERYONE', true]] as const) {
			const { publish_id: id, upload_url: url } = (await init(file(50), info({ privacy_level: privacy }))).body.data;
			await put(url, 0, 50, 50);
			expect((await status(id)).text).toContain('"status":"PUBLISH_COMPLETE"');
			expect((await status(id)).text.includes(tiktok.posts.at(-1)!.id)).toBe(shown);
		}
	});

	it('puts a draft into the inbox, five at most, until its user posts it', async () => {
		await start({ processingPolls: 0 });
		const inbox = () => call('/v2/post/publish/inbox/video/init/', { source_info: file(50) });
		const { publish_id: id, upload_url: url } = (await inbox()).body.data;
		await put(url, 0, 50, 50);
		expect((await status(id)).body.data.status).toBe('SEND_TO_USER_INBOX');
		expect([tiktok.posts.length, tiktok.drafts.length]).toEqual([0, 1]);
		for (let more = 0; more < 4; more += 1) await inbox();
		expect(await inbox()).toMatchObject({ status: 403, code: 'spam_risk_too_many_pending_share' });
		tiktok.finishDraft(id);
		expect((await status(id)).text).toContain(tiktok.posts[0]!.id);
		expect((await inbox()).code).toBe('ok');
	});

	it('cancels what is not published yet, and says why media failed', async () => {
		await start({ processingPolls: 0 });
		const first = (await init(file(50))).body.data;
		expect((await call('/v2/post/publish/cancel/', { publish_id: first.publish_id })).code).toBe('ok');
		expect((await status(first.publish_id)).body.data).toMatchObject({ status: 'FAILED', fail_reason: 'publish_cancelled' });
		const second = (await init(file(50))).body.data;
		tiktok.failProcessing('frame_rate_check_failed');
		await put(second.upload_url, 0, 50, 50);
		expect((await status(second.publish_id)).body.data).toMatchObject({ status: 'FAILED', fail_reason: 'frame_rate_check_failed' });
		expect(tiktok.posts).toEqual([]);
	});

	it('hashes large files without keeping them', async () => {
		await start({ discard: true });
		const { upload_url: url } = (await init(file(123, 50))).body.data;
		await put(url, 0, 50);
		await put(url, 50, 123);
		expect(tiktok.posts[0]!.media[0]).toMatchObject({ sha256: sha256(bytes), bytes: Buffer.alloc(0) });
	});

	it('keeps to six inits a minute, and can send an error with HTTP 200', async () => {
		await start({ rateLimits: true });
		for (let count = 0; count < 6; count += 1) expect((await init(file(50))).code).toBe('ok');
		expect(await init(file(50))).toMatchObject({ status: 429, code: 'rate_limit_exceeded' });
		now += 60_000;
		expect((await init(file(50))).code).toBe('ok');
		tiktok.fail('creator_info', { when: 'before', answer: tiktokError('spam_risk_too_many_posts', undefined, 200) });
		expect(await call('/v2/post/publish/creator_info/query/')).toMatchObject({ status: 200, code: 'spam_risk_too_many_posts' });
	});

	describe('with photos', () => {
		let files: Server;
		let origin: string;
		beforeEach(async () => {
			files = createServer((request, response) => {
				if (request.url === '/moved') return void response.writeHead(302, { location: '/photo' }).end();
				response.writeHead(200, { 'content-type': request.url === '/png' ? 'image/png' : 'image/jpeg' }).end('jpeg');
			}).listen(0, '127.0.0.1');
			await once(files, 'listening');
			origin = `http://127.0.0.1:${(files.address() as AddressInfo).port}`;
		});
		afterEach(() => void files.close());
		const photos = (urls: string[], post: object = info(), more: object = {}) =>
			call('/v2/post/publish/content/init/', { media_type: 'PHOTO', post_mode: 'DIRECT_POST', post_info: post, source_info: { source: 'PULL_FROM_URL', photo_images: urls, photo_cover_index: 0 }, ...more });

		it('fetches them, and the call to begin is the public one', async () => {
			await start();
			const { publish_id: id } = (await photos([`${origin}/1`, `${origin}/2`], info({ description: 'words' }))).body.data;
			expect(tiktok.publicCalls).toBe(1);
			expect((await status(id)).body.data.status).toBe('PROCESSING_DOWNLOAD');
			expect((await status(id)).text).toContain(tiktok.posts[0]!.id);
			expect(tiktok.posts[0]).toMatchObject({ text: 'words', title: 'a video', kind: 'photo' });
			expect(tiktok.posts[0]!.media.map((media) => media.sha256)).toEqual([sha256(Buffer.from('jpeg')), sha256(Buffer.from('jpeg'))]);
		});

		it.each([['/png'], ['/moved']])('cannot fetch %s', async (path) => {
			await start({ processingPolls: 0 });
			const { publish_id: id } = (await photos([origin + path])).body.data;
			expect((await status(id)).body.data).toMatchObject({ status: 'FAILED', fail_reason: 'photo_pull_failed' });
		});

		it('refuses hosts that are not verified, 36 photos, and titles of 91 units', async () => {
			await start();
			expect(await photos(['https://example.com/a.jpg'])).toMatchObject({ status: 403, code: 'url_ownership_unverified' });
			expect((await photos(Array.from({ length: 36 }, () => `${origin}/1`))).code).toBe('invalid_params');
			expect((await photos([`${origin}/1`], info({ title: 'x'.repeat(91) }))).code).toBe('invalid_params');
			expect((await photos([`${origin}/1`], info(), { post_mode: 'LATER' })).code).toBe('invalid_params');
		});
	});

	it('tells how often a video was seen', async () => {
		await start({ processingPolls: 0 });
		const { upload_url: url } = (await init(file(50))).body.data;
		await put(url, 0, 50, 50);
		const { id } = tiktok.posts[0]!;
		tiktok.setCounts(id, { views: 5, likes: 4, comments: 3, shares: 2 });
		const query = (fields: string) => call(`/v2/video/query/?fields=${fields}`, { filters: { video_ids: [id, '1'] } });
		expect((await query('id,view_count')).body.data.videos).toEqual([{ id, view_count: 5 }]);
		expect((await query('id,plays')).code).toBe('invalid_params');
		const page = await (await fetch(tiktok.url)).text();
		expect(page).toContain('a video');
	});
});
