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
