import sharp from 'sharp';
import { startMediaHost, type MediaHost } from './mediaHost.ts';
import { startThreadsEmulator, type ThreadsEmulator } from './threads.ts';
import { countThreadsText } from './threadsRules.ts';

let threads: ThreadsEmulator;
let host: MediaHost;
let now: number;
let png: string;
let video: string;
beforeAll(async () => {
	host = await startMediaHost();
	const picture = (width: number, height: number) =>
		sharp({ create: { width, height, channels: 3, background: '#456' } })
			.png()
			.toBuffer();
	png = host.serve('a.png', { mime: 'image/png', bytes: await picture(400, 400) });
	host.serve('wide.png', { mime: 'image/png', bytes: await picture(1100, 100) });
	video = host.serve('v.mp4', { mime: 'video/mp4', bytes: Buffer.alloc(1000, 7) });
});
afterAll(() => host.close());
beforeEach(async () => {
	now = Date.parse('2026-11-21T10:00:00Z');
	threads = await startThreadsEmulator({ now: () => now });
});
afterEach(() => threads.close());

interface Answer {
	id: string;
	status: string;
	data: Array<Record<string, never>>;
	error: { code: number; error_subcode?: number };
}
const call = async (method: string, path: string, form?: Record<string, string>, authorization = 'Bearer threads-token') => {
	const response = await fetch(`${threads.url}/v1.0${path}`, { method, headers: { authorization }, ...(form ? { body: new URLSearchParams(form) } : {}) });
	return { status: response.status, body: (await response.json()) as Answer };
};
const create = async (form: Record<string, string>) => (await call('POST', '/me/threads', form)).body.id;
const publish = (id: string) => call('POST', '/me/threads_publish', { creation_id: id });
const statusOf = async (id: string) => (await call('GET', `/${id}?fields=status,error_message`)).body;
const codes = ({ status, body }: Awaited<ReturnType<typeof call>>) => [status, body.error.code, body.error.error_subcode].filter((code) => code !== undefined);

describe('the stand-in of Threads', () => {
	it.each<[string, Record<string, string>]>([
		['501 letters', { media_type: 'TEXT', text: 'a'.repeat(501) }],
		['499 letters and an emoji of four bytes', { media_type: 'TEXT', text: `${'a'.repeat(499)}😀` }],
		['six links', { media_type: 'TEXT', text: [1, 2, 3, 4, 5, 6].map((number) => `https://example.com/${number}`).join(' ') }],
		['no text', { media_type: 'TEXT' }],
		['no type', { text: 'x' }],
		['an image without an address', { media_type: 'IMAGE', text: 'x' }],
		['an alternative text without media', { media_type: 'TEXT', text: 'x', alt_text: 'y' }],
		['an alternative text of 1001 letters', { media_type: 'IMAGE', image_url: 'https://example.com/a.png', alt_text: 'a'.repeat(1001) }],
		['a carousel of one', { media_type: 'CAROUSEL', children: '1' }],
		['a topic with a dot', { media_type: 'TEXT', text: 'x', topic_tag: 'a.b' }],
		['a link beside media', { media_type: 'IMAGE', image_url: 'https://example.com/a.png', link_attachment: 'https://example.com' }],
		['an unknown audience', { media_type: 'TEXT', text: 'x', reply_control: 'nobody' }],
		['bytes', { media_type: 'VIDEO', text: 'x', upload_type: 'resumable' }],
	])('refuses %s', async (_, form) => expect(codes(await call('POST', '/me/threads', form))).toEqual([400, 100]));

	it.each<[string, number]>([
		['a'.repeat(500), 500],
		['😀', 4],
		['👨‍👩‍👧‍👦', 25],
		['🇫🇷', 8],
		['1️⃣', 7],
		['日本語', 3],
		['3 × 4 # *', 9],
	])('counts %s', (text, length) => expect(countThreadsText(text)).toBe(length));

	it('takes 500 letters, and publishes words at once', async () => {
		const { body } = await publish(await create({ media_type: 'TEXT', text: 'a'.repeat(500) }));
		expect(body.id).toMatch(/^180\d{14}$/);
		expect((await call('GET', `/${body.id}?fields=permalink,text`)).body).toMatchObject({
			id: body.id,
			permalink: threads.posts[0]!.permalink,
			text: 'a'.repeat(500),
		});
		expect(threads.publicCalls).toBe(1);
	});

	it('publishes a video when it is processed, once', async () => {
		const id = await create({ media_type: 'VIDEO', video_url: video, text: 'clip', alt_text: 'A clip' });
		expect(codes(await publish(id))).toEqual([400, 24, 4279009]);
		const states = [];
		for (let look = 0; look < 3; look += 1) states.push((await statusOf(id)).status);
		expect(states).toEqual(['IN_PROGRESS', 'IN_PROGRESS', 'FINISHED']);
		await publish(id);
		expect((await statusOf(id)).status).toBe('PUBLISHED');
		expect(codes(await publish(id))).toEqual([400, 24, 4279009]);
		expect(threads.posts).toMatchObject([{ kind: 'VIDEO', media: [{ alt: 'A clip', mime: 'video/mp4' }] }]);
	});

	it('publishes a carousel of up to 20', async () => {
		const items = await Promise.all([1, 2].map(() => create({ media_type: 'IMAGE', image_url: png, is_carousel_item: 'true' })));
		expect(codes(await publish(items[0]!))).toEqual([400, 24, 4279009]);
		await publish(await create({ media_type: 'CAROUSEL', children: items.join(','), text: 'both' }));
		expect(threads.posts).toMatchObject([{ kind: 'CAROUSEL', media: [{}, {}] }]);
	});

	it('lets containers end in errors, and expire', async () => {
		expect(await statusOf(await create({ media_type: 'IMAGE', image_url: `${host.url}/wide.png` }))).toMatchObject({
			status: 'ERROR',
			error_message: 'INVALID_ASPEC_RATIO',
		});
		expect(await statusOf(await create({ media_type: 'VIDEO', video_url: `${host.url}/none` }))).toMatchObject({
			status: 'ERROR',
			error_message: 'FAILED_DOWNLOADING_VIDEO',
		});
		threads.failProcessing('INVALID_FRAME_RATE');
		expect(await statusOf(await create({ media_type: 'VIDEO', video_url: video }))).toMatchObject({ error_message: 'INVALID_FRAME_RATE' });
		const id = await create({ media_type: 'TEXT', text: 'late' });
		now += 86_400_000;
		expect((await statusOf(id)).status).toBe('EXPIRED');
		expect(codes(await publish(id))).toEqual([400, 24, 4279009]);
	});

	it('answers posts, lists answers apart, and counts both', async () => {
		const { body: root } = await publish(await create({ media_type: 'TEXT', text: 'root' }));
		expect(codes(await call('POST', '/me/threads', { media_type: 'TEXT', text: 'reply', reply_to_id: '1' }))).toEqual([400, 100, 33]);
		await publish(await create({ media_type: 'TEXT', text: 'reply', reply_to_id: root.id }));
		expect((await call('GET', '/me/threads?fields=text')).body.data.map((post) => post['text'])).toEqual(['root']);
		expect((await call('GET', `/me/replies?fields=text&since=${now / 1000 - 60}`)).body.data.map((post) => post['text'])).toEqual(['reply']);
		expect((await call('GET', `/me/threads?fields=text&since=${now / 1000 + 60}`)).body.data).toEqual([]);
		const limits = await call('GET', '/me/threads_publishing_limit?fields=quota_usage,config,reply_quota_usage,reply_config');
		expect(limits.body.data[0]).toMatchObject({ quota_usage: 1, config: { quota_total: 250 }, reply_quota_usage: 1, reply_config: { quota_total: 1000 } });
	});

	it('wants the scopes, and an own post to delete', async () => {
		threads.setToken('narrow', { id: '26084512345678901', username: 'demo', scopes: ['threads_basic', 'threads_content_publish'] });
		const { body } = await publish(await create({ media_type: 'TEXT', text: 'x' }));
		expect(codes(await call('POST', '/me/threads', { media_type: 'TEXT', text: 'y', reply_to_id: body.id }, 'Bearer narrow'))).toEqual([403, 10]);
		expect(codes(await call('DELETE', `/${body.id}`, undefined, 'Bearer narrow'))).toEqual([403, 10]);
		expect(codes(await call('DELETE', '/18010000000000001'))).toEqual([400, 100, 33]);
		expect((await call('GET', `/${body.id}/insights?metric=views,likes`)).body.data).toMatchObject([
			{ name: 'views', values: [{ value: 340 }] },
			{ name: 'likes' },
		]);
		expect((await call('DELETE', `/${body.id}`)).status).toBe(200);
		expect(threads.posts).toEqual([]);
	});
});
