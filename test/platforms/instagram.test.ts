import sharp from 'sharp';
import { graphError } from './graph.ts';
import { startInstagramEmulator, type InstagramEmulator } from './instagram.ts';
import { startMediaHost, type MediaHost } from './mediaHost.ts';

const IG = '17841405309211844';
let instagram: InstagramEmulator;
let host: MediaHost;
let now: number;
let jpeg: string;
let video: string;
beforeAll(async () => {
	host = await startMediaHost();
	const picture = (width: number, height: number) => sharp({ create: { width, height, channels: 3, background: '#456' } });
	jpeg = host.serve('a.jpg', { mime: 'image/jpeg', bytes: await picture(1080, 1080).jpeg().toBuffer() });
	host.serve('tall.jpg', { mime: 'image/jpeg', bytes: await picture(400, 800).jpeg().toBuffer() });
	host.serve('a.png', { mime: 'image/jpeg', bytes: await picture(400, 400).png().toBuffer() });
	host.serve('moved.jpg', { redirect: jpeg });
	video = host.serve('v.mp4', { mime: 'video/mp4', bytes: Buffer.alloc(1000, 7) });
});
afterAll(() => host.close());
beforeEach(async () => {
	now = Date.parse('2026-11-21T10:00:00Z');
	instagram = await startInstagramEmulator({ now: () => now });
});
afterEach(() => instagram.close());

interface Answer {
	id: string;
	uri: string;
	status_code: string;
	status: string;
	data: Array<Record<string, never>>;
	error: { code: number; error_subcode?: number; error_user_msg?: string };
	video_status: { uploading_phase: { bytes_transferred: number } };
	paging: { next?: string; cursors: { after: string } };
	debug_info: { type: string };
}
const request = async (method: string, url: string, body?: Record<string, unknown>, headers: Record<string, string> = {}) => {
	const response = await fetch(url, {
		method,
		headers: {
			authorization: `Bearer ${url.includes('/facebook/') ? 'facebook' : 'instagram'}-token`,
			...(body ? { 'content-type': 'application/json' } : {}),
			...headers,
		},
		...(body ? { body: JSON.stringify(body) } : {}),
	});
	return { status: response.status, headers: response.headers, body: (await response.json()) as Answer };
};
const call = (method: string, path: string, body?: Record<string, unknown>, headers?: Record<string, string>) =>
	request(method, `${instagram.instagramUrl}/v25.0${path}`, body, headers);
const viaFacebook = (method: string, path: string, body?: Record<string, unknown>) => request(method, `${instagram.facebookUrl}/v25.0${path}`, body);
const create = async (values: Record<string, unknown>) => (await call('POST', `/${IG}/media`, values)).body.id;
const publish = (id: string) => call('POST', `/${IG}/media_publish`, { creation_id: id });
const statusOf = async (id: string) => (await call('GET', `/${id}?fields=status_code,status`)).body;
const codes = ({ status, body }: Awaited<ReturnType<typeof call>>) => [status, body.error.code, body.error.error_subcode].filter((code) => code !== undefined);
const file = (name: string) => `${host.url}/${name}`;

describe('the stand-in of Instagram', () => {
	it.each<[string, Record<string, unknown>, number[]]>([
		['PNG', { image_url: 'a.png' }, [400, 36001, 2207005]],
		['an image that is too tall', { image_url: 'tall.jpg' }, [400, 36003, 2207009]],
		['an address that redirects', { image_url: 'moved.jpg' }, [400, 9004, 2207052]],
		['an address that does not exist', { image_url: 'none.jpg' }, [400, 9004, 2207052]],
		['an address beyond ASCII', { image_url: 'ü.jpg' }, [400, 9004, 2207052]],
		['a caption of 2201 characters', { image_url: 'a.jpg', caption: 'a'.repeat(2201) }, [400, 36004, 2207010]],
		['31 hashtags', { image_url: 'a.jpg', caption: '#a '.repeat(31) }, [400, 100, 2207040]],
		['21 mentions', { image_url: 'a.jpg', caption: '@a '.repeat(21) }, [400, 100, 2207040]],
		['a story with a caption', { media_type: 'STORIES', image_url: 'a.jpg', caption: 'x' }, [400, 100]],
		['a reel with an alternative text', { media_type: 'REELS', video_url: 'v.mp4', alt_text: 'x' }, [400, 100]],
		['a reel without an address', { media_type: 'REELS' }, [400, 100]],
		['a feed video that is no reel', { media_type: 'VIDEO', video_url: 'v.mp4' }, [400, 100, 2207067]],
		['a reel in a carousel', { media_type: 'REELS', video_url: 'v.mp4', is_carousel_item: true }, [400, 100]],
		['an item with a caption', { image_url: 'a.jpg', is_carousel_item: true, caption: 'x' }, [400, 100]],
		['a carousel of one', { media_type: 'CAROUSEL', children: ['1'] }, [400, 100, 2207028]],
		['a carousel of numbers', { media_type: 'CAROUSEL', children: [1, 2] }, [400, 100]],
		['an upload of bytes with Instagram Login', { media_type: 'REELS', upload_type: 'resumable' }, [400, 100]],
		['a place with Instagram Login', { image_url: 'a.jpg', location_id: '1' }, [400, 100]],
		['an unknown parameter', { image_url: 'a.jpg', text: 'x' }, [400, 100]],
	])('refuses %s', async (_, values, expected) => {
		const body = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, name.endsWith('_url') ? file(String(value)) : value]));
		expect(codes(await call('POST', `/${IG}/media`, body))).toEqual(expected);
		expect(instagram.publicCalls).toBe(0);
	});

	it('refuses wrong tokens, expired ones, tokens in addresses, missing scopes, old versions, and the account of somebody else', async () => {
		expect(codes(await call('GET', '/me', undefined, { authorization: '' }))).toEqual([400, 104]);
		expect(codes(await call('GET', '/me', undefined, { authorization: 'Bearer facebook-token' }))).toEqual([400, 190]);
		expect(codes(await call('GET', '/me?access_token=instagram-token'))).toEqual([400, 1]);
		expect(codes(await request('GET', `${instagram.instagramUrl}/v20.0/me`))).toEqual([400, 2500]);
		expect(codes(await call('POST', '/17841400000000000/media', { image_url: jpeg }))).toEqual([400, 100, 33]);
		instagram.setToken('narrow', { id: IG, username: 'demo', login: 'instagram', scopes: ['instagram_business_basic'] });
		expect(codes(await call('POST', `/${IG}/media_publish`, { creation_id: '1' }, { authorization: 'Bearer narrow' }))).toEqual([403, 10]);
		instagram.setToken('old', { id: IG, username: 'demo', login: 'instagram', scopes: [], expired: true });
		expect(codes(await call('GET', '/me', undefined, { authorization: 'Bearer old' }))).toEqual([400, 190, 463]);
		expect(instagram.publicCalls).toBe(0);
	});

	it('tells of the account what is asked for, and the ids beyond 2^53 as text', async () => {
		expect((await call('GET', '/me?fields=user_id,username,account_type')).body).toEqual({
			id: `9${IG}`,
			user_id: IG,
			username: 'demo',
			account_type: 'BUSINESS',
		});
		expect(codes(await call('GET', '/me?fields=nothing'))).toEqual([400, 100]);
		const pages = await viaFacebook('GET', '/me/accounts?fields=name,instagram_business_account{id,username}');
		expect(pages.body.data).toEqual([{ id: '104000000000000001', name: 'Demo Page', instagram_business_account: { id: IG, username: 'demo' } }]);
		expect(pages.headers.get('x-app-usage')).toBe('{"call_count":3,"total_time":2,"total_cputime":1}');
	});

	it('publishes a reel when it is processed, once, with its cover', async () => {
		const id = await create({ media_type: 'REELS', video_url: video, caption: 'Reel', cover_url: jpeg, share_to_feed: true });
		expect(codes(await publish(id))).toEqual([400, 9007, 2207027]);
		expect((await statusOf(id)).status_code).toBe('IN_PROGRESS');
		expect((await statusOf(id)).status_code).toBe('IN_PROGRESS');
		expect((await statusOf(id)).status_code).toBe('FINISHED');
		expect((await publish(id)).body.id).toMatch(/^180\d{14}$/);
		expect((await statusOf(id)).status_code).toBe('PUBLISHED');
		expect(codes(await publish(id))).toEqual([400, 100]);
		expect(instagram.posts).toMatchObject([{ kind: 'REELS', text: 'Reel', cover: expect.stringMatching(/^[\da-f]{64}$/), options: { share_to_feed: true } }]);
		expect(instagram.publicCalls).toBe(3);
	});

	it('publishes a carousel of finished items only', async () => {
		const [picture, clip] = [
			await create({ image_url: jpeg, is_carousel_item: true, alt_text: 'Blue' }),
			await create({ media_type: 'VIDEO', video_url: video, is_carousel_item: true }),
		];
		const carousel = () => call('POST', `/${IG}/media`, { media_type: 'CAROUSEL', children: [picture, clip], caption: 'Both' });
		expect(codes(await carousel())).toEqual([400, 9007, 2207027]);
		for (let look = 0; look < 2; look += 1) await statusOf(clip);
		expect(codes(await publish(picture))).toEqual([400, 100]);
		await publish((await carousel()).body.id);
		expect(instagram.posts.map((post) => post.media.map(({ mime, alt }) => [mime, alt]))).toEqual([
			[
				['image/jpeg', 'Blue'],
				['video/mp4', null],
			],
		]);
	});

	it('lets containers end in errors, and expire', async () => {
		instagram.failProcessing(2207026);
		const broken = await create({ media_type: 'REELS', video_url: video });
		expect(await statusOf(broken)).toMatchObject({ status_code: 'ERROR', status: 'Error: Media upload has failed with error code 2207026' });
		const gone = await create({ media_type: 'REELS', video_url: file('none.mp4') });
		expect((await statusOf(gone)).status).toContain('2207077');
		const id = await create({ image_url: jpeg });
		now += 86_400_000;
		expect((await statusOf(id)).status_code).toBe('EXPIRED');
		expect(codes(await publish(id))).toEqual([400, -2, 2207020]);
	});

	it('takes bytes with Facebook Login, and goes on where they ended', async () => {
		const { body } = await viaFacebook('POST', `/${IG}/media`, { media_type: 'REELS', upload_type: 'resumable', caption: 'Bytes' });
		const send = async (offset: number, bytes: Buffer, authorization = 'OAuth facebook-token') => {
			const response = await fetch(body.uri, { method: 'POST', headers: { authorization, offset: String(offset), file_size: '1000' }, body: bytes });
			return { status: response.status, body: (await response.json()) as Answer };
		};
		expect((await send(0, Buffer.alloc(10), 'Bearer facebook-token')).status).toBe(400);
		expect((await send(0, Buffer.alloc(600, 1))).body.debug_info.type).toBe('PartialRequestError');
		expect((await send(0, Buffer.alloc(1000, 1))).body.debug_info.type).toBe('OffsetInvalidError');
		const state = (await viaFacebook('GET', `/${body.id}?fields=status_code,video_status`)).body;
		expect([state.status_code, state.video_status.uploading_phase.bytes_transferred]).toEqual(['IN_PROGRESS', 600]);
		expect((await send(600, Buffer.alloc(400, 1))).body).toMatchObject({ success: true });
		for (let look = 0; look < 2; look += 1) await viaFacebook('GET', `/${body.id}?fields=status_code`);
		await viaFacebook('POST', `/${IG}/media_publish`, { creation_id: body.id });
		expect(instagram.posts[0]!.media[0]!.bytes).toEqual(Buffer.alloc(1000, 1));
	});

	it('counts the day, lists newest first in pages, keeps stories apart, and takes comments', async () => {
		await instagram.close();
		instagram = await startInstagramEmulator({ now: () => now, quota: 2 });
		await publish(await create({ media_type: 'STORIES', image_url: jpeg }));
		const { body: first } = await publish(await create({ image_url: jpeg, caption: 'one' }));
		expect((await call('GET', `/${IG}/content_publishing_limit?fields=config,quota_usage`)).body.data).toEqual([
			{ config: { quota_total: 2, quota_duration: 86_400 }, quota_usage: 2 },
		]);
		expect(codes(await publish(await create({ image_url: jpeg, caption: 'two' })))).toEqual([400, 9, 2207042]);
		expect((await call('GET', `/${IG}/stories?fields=id`)).body.data).toHaveLength(1);
		now += 86_400_000;
		await publish(await create({ image_url: jpeg, caption: 'three' }));
		const page = (await call('GET', `/${IG}/media?fields=caption,timestamp&limit=1`)).body;
		expect([page.data[0]!['caption'], typeof page.paging.next]).toEqual(['three', 'string']);
		expect((await call('GET', `/${IG}/media?fields=caption&limit=1&after=${page.paging.cursors.after}`)).body.data[0]!['caption']).toBe('one');
		// It lived for a day.
		expect((await call('GET', `/${IG}/stories?fields=id`)).body.data).toEqual([]);
		await call('POST', `/${first.id}/comments`, { message: 'First' });
		expect((await call('GET', `/${first.id}/comments?fields=text,username`)).body.data).toMatchObject([{ text: 'First', username: 'demo' }]);
		expect((await call('GET', `/${first.id}/insights?metric=views,likes`)).body.data).toMatchObject([
			{ name: 'views', values: [{ value: 120 }] },
			{ name: 'likes' },
		]);
	});

	it('deletes with Facebook Login only', async () => {
		const { body } = await publish(await create({ image_url: jpeg }));
		expect((await call('DELETE', `/${body.id}`)).status).toBe(404);
		expect((await viaFacebook('DELETE', `/${body.id}`)).status).toBe(200);
		expect(instagram.posts).toEqual([]);
	});

	it('fails as it is told, and shows what was published', async () => {
		instagram.fail('publish', { when: 'before', answer: graphError({ message: 'Action blocked', code: 4, subcode: 2207051 }) });
		const id = await create({ image_url: jpeg, caption: '<b>bold</b>' });
		expect(codes(await publish(id))).toEqual([400, 4, 2207051]);
		await publish(id);
		const page = await (await fetch(instagram.url)).text();
		expect(page).toContain('&lt;b&gt;bold&lt;/b&gt;');
		expect((await fetch(`${instagram.url}/emulator/media/${instagram.posts[0]!.media[0]!.id}`)).headers.get('content-type')).toBe('image/jpeg');
	});
});
