import { createHash } from 'node:crypto';
import { startXEmulator, type XEmulator } from './x.ts';

let x: XEmulator;
let now: number;
beforeEach(async () => {
	now = Date.parse('2026-11-21T10:00:00Z');
	x = await startXEmulator({ now: () => now, processingPolls: 2 });
});
afterEach(() => x.close());

const call = async (method: string, path: string, body?: FormData | object | null, headers: Record<string, string> = {}) => {
	const json = body && !(body instanceof FormData);
	const response = await fetch(`${x.url}${path}`, {
		method,
		headers: { authorization: 'Bearer x-token', ...(json ? { 'content-type': 'application/json' } : {}), ...headers },
		...(body ? { body: json ? JSON.stringify(body) : body } : {}),
	});
	const text = await response.text();
	return { status: response.status, headers: response.headers, body: text ? (JSON.parse(text) as { data: Record<string, never>; detail: string }) : null };
};
const form = (index: string, bytes: number) => {
	const data = new FormData();
	data.set('segment_index', index);
	data.set('media', new Blob([Buffer.alloc(bytes)]));
	return data;
};
const init = async (more: object = {}) =>
	String((await call('POST', '/2/media/upload/initialize', { media_type: 'video/mp4', total_bytes: 10, media_category: 'tweet_video', ...more })).body!.data['id']);
async function ready(more: object = {}): Promise<string> {
	const id = await init(more);
	await call('POST', `/2/media/upload/${id}/append`, form('0', 10));
	await call('POST', `/2/media/upload/${id}/finalize`, {});
	return id;
}

describe('the stand-in of X', () => {
	it.each<[string, string, string, object | null, number]>([
		['a category that does not fit', 'POST', '/2/media/upload/initialize', { media_type: 'image/png', total_bytes: 1, media_category: 'tweet_video' }, 400],
		['a size as text', 'POST', '/2/media/upload/initialize', { media_type: 'video/mp4', total_bytes: '1', media_category: 'tweet_video' }, 400],
		['a video over the limit', 'POST', '/2/media/upload/initialize', { media_type: 'video/mp4', total_bytes: 600_000_000, media_category: 'tweet_video' }, 400],
		['unknown media', 'POST', '/2/media/upload/123/finalize', {}, 404],
		['numbers for media ids', 'POST', '/2/tweets', { text: 't', media: { media_ids: [1] } }, 400],
		['five media', 'POST', '/2/tweets', { text: 't', media: { media_ids: ['1', '2', '3', '4', '5'] } }, 400],
		['a text that is too long', 'POST', '/2/tweets', { text: '語'.repeat(141) }, 400],
		['nothing', 'POST', '/2/tweets', {}, 400],
		['a field that does not exist', 'POST', '/2/tweets', { text: 't', status: 't' }, 400],
		['a page that is too large', 'GET', '/2/users/1450000000000000001/tweets?max_results=101', null, 400],
		['a time with fractions', 'GET', '/2/users/1450000000000000001/tweets?start_time=2026-11-21T10:00:00.123Z', null, 400],
		['a path that does not exist', 'POST', '/1.1/statuses/update.json', {}, 404],
	])('refuses %s', async (_, method, path, body, status) => expect((await call(method, path, body)).status).toBe(status));

	it('refuses without a token, with a wrong one, and without the scope', async () => {
		expect((await call('GET', '/2/users/me', null, { authorization: '' })).status).toBe(401);
		expect((await call('GET', '/2/users/me', null, { authorization: 'Bearer other' })).status).toBe(401);
		x.setToken('narrow', { id: '1', username: 'n', scopes: ['tweet.read', 'users.read'] });
		expect((await call('GET', '/2/users/me', null, { authorization: 'Bearer narrow' })).status).toBe(200);
		expect((await call('POST', '/2/tweets', { text: 't' }, { authorization: 'Bearer narrow' })).status).toBe(403);
		expect((await call('POST', '/2/media/upload/initialize', {}, { authorization: 'Bearer narrow' })).status).toBe(403);
		expect(x.publicCalls).toBe(0);
	});

	it('wants segments in order, small enough, complete, and JSON to finish', async () => {
		const id = await init();
		expect((await call('POST', `/2/media/upload/${id}/append`, form('1', 5))).status).toBe(400);
		expect((await call('POST', `/2/media/upload/${id}/append`, form('0', 5 * 1024 * 1024))).status).toBe(413);
		expect((await call('POST', `/2/media/upload/${id}/append`, { media: 'x', segment_index: 0 })).status).toBe(400);
		await call('POST', `/2/media/upload/${id}/append`, form('0', 6));
		expect((await call('POST', `/2/media/upload/${id}/finalize`, {})).body?.detail).toBe('6 bytes arrived, 10 were announced');
		await call('POST', `/2/media/upload/${id}/append`, form('1', 4));
		expect((await call('POST', `/2/media/upload/${id}/finalize`)).body?.detail).toBe('Request body must be a JSON object.');
		expect((await call('POST', `/2/media/upload/${id}/finalize`, {})).status).toBe(200);
		expect((await call('POST', `/2/media/upload/${id}/append`, form('2', 1))).status).toBe(400);
	});

	it('processes a video step by step, and takes it only when it is ready', async () => {
		const id = await ready();
		const post = () => call('POST', '/2/tweets', { text: 't', media: { media_ids: [id] } });
		const states = [];
		for (let look = 0; look < 3; look += 1) {
			states.push((await call('GET', `/2/media/upload?command=STATUS&media_id=${id}`)).body?.data['processing_info']?.['state']);
			if (look === 0) expect((await post()).status).toBe(400);
		}
		expect(states).toEqual(['pending', 'in_progress', 'succeeded']);
		expect((await post()).status).toBe(201);
	});

	it('knows no status of a picture, and mixes none with a video', async () => {
		const picture = await ready({ media_type: 'image/png', media_category: 'tweet_image' });
		expect((await call('GET', `/2/media/upload?command=STATUS&media_id=${picture}`)).status).toBe(400);
		const video = await ready();
		for (let look = 0; look < 3; look += 1) await call('GET', `/2/media/upload?command=STATUS&media_id=${video}`);
		expect((await call('POST', '/2/tweets', { text: 't', media: { media_ids: [picture, video] } })).status).toBe(400);
	});

	it('forgets media after a day', async () => {
		const id = await ready({ media_type: 'image/png', media_category: 'tweet_image' });
		now += 86_400_000;
		expect((await call('POST', '/2/tweets', { text: 't', media: { media_ids: [id] } })).status).toBe(400);
	});

	it('gives 19 digits as text, refuses the same text twice, and tells when the window ends', async () => {
		const first = await call('POST', '/2/tweets', { text: 'once' });
		expect(first.body?.data['id']).toMatch(/^\d{19}$/);
		expect(first.headers.get('x-rate-limit-reset')).toBe(String(now / 1000 + 900));
		expect((await call('POST', '/2/tweets', { text: 'once' })).body?.detail).toContain('duplicate');
		expect({ posts: x.posts.length, publicCalls: x.publicCalls }).toEqual({ posts: 1, publicCalls: 2 });
	});

	it('lets each account post as often as it may in a window, and tells what is left of it', async () => {
		const limited = await startXEmulator({ now: () => now, createLimit: { calls: 2, windowSeconds: 60 } });
		limited.setToken('other', { id: '2', username: 'other', scopes: ['tweet.read', 'tweet.write', 'users.read'] });
		const post = async (text: string, token = 'x-token') => {
			const { status, headers } = await fetch(`${limited.url}/2/tweets`, { method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, body: JSON.stringify({ text }) });
			return [status, ...['limit', 'remaining', 'reset'].map((name) => Number(headers.get(`x-rate-limit-${name}`)))];
		};
		const resets = now / 1000 + 60;
		expect([await post('1'), await post('2'), await post('3'), await post('3', 'other')]).toEqual([[201, 2, 1, resets], [201, 2, 0, resets], [429, 2, 0, resets], [201, 2, 1, resets]]);
		now += 59_999;
		expect(await post('3')).toEqual([429, 2, 0, resets]);
		now += 1;
		expect(await post('3')).toEqual([201, 2, 1, resets + 60]);
		expect({ posts: limited.posts.length, refused: limited.refused429 }).toEqual({ posts: 4, refused: 2 });
		await limited.close();
	});

	it.each<[string, object]>([
		['an answer to nothing', { reply: {} }],
		['a number for the answered post', { reply: { in_reply_to_tweet_id: 1 } }],
		['a group that may answer', { reply_settings: 'everyone' }],
		['a mark that is not a boolean', { made_with_ai: 'yes' }],
	])('refuses %s', async (_, more) => expect((await call('POST', '/2/tweets', { text: 't', ...more })).status).toBe(400));

	it('takes an answer to an own post, and none to a stranger', async () => {
		const first = String((await call('POST', '/2/tweets', { text: 'one' })).body?.data['id']);
		const second = await call('POST', '/2/tweets', { text: 'two', reply: { in_reply_to_tweet_id: first }, reply_settings: 'following', made_with_ai: true, paid_partnership: true });
		expect(second.status).toBe(201);
		expect(x.posts[1]).toMatchObject({ replyTo: first, replySettings: 'following', madeWithAi: true, paidPartnership: true });
		expect((await call('POST', '/2/tweets', { text: 'three', reply: { in_reply_to_tweet_id: '20' } })).status).toBe(403);
	});

	it('attaches subtitles to a video only', async () => {
		const [video, picture] = [await ready(), await ready({ media_type: 'image/png', media_category: 'tweet_image' })];
		const track = await ready({ media_type: 'text/srt', media_category: 'subtitles' });
		const attach = (id: string, more: object = {}) =>
			call('POST', '/2/media/subtitles', { id, media_category: 'TweetVideo', subtitles: { id: track, language_code: 'EN', display_name: 'English', ...more } });
		expect((await attach(picture)).status).toBe(400);
		expect((await attach(video, { language_code: 'en' })).status).toBe(400);
		expect((await attach(video, { id: video })).status).toBe(400);
		expect((await attach(video)).status).toBe(200);
		expect((await call('POST', '/2/tweets', { text: 't', media: { media_ids: [track] } })).status).toBe(400);
	});

	it('tells the numbers of posts, and which are gone', async () => {
		const id = String((await call('POST', '/2/tweets', { text: 'once' })).body?.data['id']);
		x.setMetrics(id, { likes: 3, impressions: 70, linkClicks: 2 });
		const look = async (query: string) => (await call('GET', `/2/tweets?${query}`)) as { status: number; body: { data?: object[]; errors?: object[] } | null };
		expect((await look(`ids=${id},20&tweet.fields=public_metrics,non_public_metrics`)).body).toMatchObject({
			data: [{ id, public_metrics: { like_count: 3, impression_count: 70 }, non_public_metrics: { impression_count: 70, url_link_clicks: 2 } }],
			errors: [{ value: '20', type: 'https://api.twitter.com/2/problems/resource-not-found' }],
		});
		expect((await look('ids=')).status).toBe(400);
		expect((await look(`ids=${Array.from({ length: 101 }, () => id).join()}`)).status).toBe(400);
		now += 31 * 86_400_000;
		expect((await look(`ids=${id}&tweet.fields=non_public_metrics`)).body).toEqual({ errors: [expect.objectContaining({ title: 'Field Authorization Error' })] });
		expect((await call('DELETE', `/2/tweets/${id}`)).body?.data['deleted']).toBe(true);
	});

	it('hashes uploads without keeping them when it is told to', async () => {
		await x.close();
		x = await startXEmulator({ now: () => now, discard: true });
		const id = await init({ total_bytes: 15, media_type: 'image/png', media_category: 'tweet_image' });
		for (const index of ['0', '1', '1']) await call('POST', `/2/media/upload/${id}/append`, form(index, index === '0' ? 10 : 5));
		await call('POST', `/2/media/upload/${id}/finalize`, {});
		await call('POST', '/2/tweets', { text: 't', media: { media_ids: [id] } });
		expect(x.posts[0]!.media[0]).toMatchObject({ bytes: Buffer.alloc(0), sha256: createHash('sha256').update(Buffer.alloc(15)).digest('hex') });
	});

	it('shows what was published on a page, with media that can be sought', async () => {
		const id = await ready({ media_type: 'image/png', media_category: 'tweet_image' });
		await call('POST', '/2/tweets', { text: '<b>bold</b>', media: { media_ids: [id] } });
		const page = await (await fetch(x.url)).text();
		expect(page).toContain('&lt;b&gt;bold&lt;/b&gt;');
		expect(page).toContain(`src="/emulator/media/${id}"`);
		const part = await fetch(`${x.url}/emulator/media/${id}`, { headers: { range: 'bytes=2-4' } });
		expect([part.status, part.headers.get('content-range')]).toEqual([206, 'bytes 2-4/10']);
		expect((await fetch(x.posts[0]!.permalink)).status).toBe(200);
	});
});
