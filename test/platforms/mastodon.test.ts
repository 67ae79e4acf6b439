import { createHash } from 'node:crypto';
import { startMastodonEmulator, type MastodonEmulator } from './mastodon.ts';

let server: MastodonEmulator;
let now: number;
beforeEach(async () => {
	now = Date.parse('2026-11-21T10:00:00Z');
	server = await startMastodonEmulator({ now: () => now, processingPolls: 2, videoSizeLimit: 100 });
});
afterEach(() => server.close());

const call = async (method: string, path: string, body?: FormData | object | null, headers: Record<string, string> = {}) => {
	const json = body && !(body instanceof FormData);
	const response = await fetch(`${server.url}${path}`, {
		method,
		headers: { authorization: 'Bearer mastodon-token', ...(json ? { 'content-type': 'application/json' } : {}), ...headers },
		...(body ? { body: json ? JSON.stringify(body) : body } : {}),
	});
	return { status: response.status, headers: response.headers, body: (await response.json()) as { id: string; url: string | null; error: string } };
};
const file = (mime: string, bytes = 10, description?: string) => {
	const data = new FormData();
	if (description !== undefined) data.set('description', description);
	data.set('file', new Blob([Buffer.alloc(bytes)], { type: mime }), 'file');
	return data;
};
const status = (body: object, key?: string) => call('POST', '/api/v1/statuses', body, key ? { 'idempotency-key': key } : {});

describe('the stand-in of a Mastodon server', () => {
	it.each<[string, object, RegExp]>([
		['nothing', {}, /can't be blank/],
		['a long text', { status: 'a'.repeat(501) }, /limit of 500/],
		['a long warning', { status: 'a'.repeat(300), spoiler_text: 'a'.repeat(201) }, /limit of 500/],
		['a visibility', { status: 't', visibility: 'friends' }, /Visibility/],
		['a language', { status: 't', language: 'German' }, /Language/],
		['media that it does not know', { status: 't', media_ids: ['1'] }, /Media 1 not found/],
		['five media', { status: 't', media_ids: ['1', '2', '3', '4', '5'] }, /more than 4/],
		['a time too near', { status: 't', scheduled_at: '2026-11-21T10:04:59Z' }, /Scheduled at/],
		['a field', { status: 't', text: 't' }, /unknown field text/],
	])('refuses %s', async (_, body, error) => {
		const answer = await status(body);
		expect(answer.status).toBe(422);
		expect(answer.body.error).toMatch(error);
		expect(server.posts).toHaveLength(0);
	});

	it('refuses without a token and without the scope', async () => {
		expect((await call('POST', '/api/v1/statuses', { status: 't' }, { authorization: 'Bearer other' })).status).toBe(401);
		server.setToken('narrow', { id: '1', acct: 'n', scopes: ['write:media'] });
		expect((await call('POST', '/api/v1/statuses', { status: 't' }, { authorization: 'Bearer narrow' })).status).toBe(403);
		expect((await call('GET', '/api/v1/accounts/verify_credentials', null, { authorization: 'Bearer narrow' })).status).toBe(403);
		server.setToken('wide', { id: '1', acct: 'n', scopes: ['write'] });
		expect((await call('POST', '/api/v1/statuses', { status: 't' }, { authorization: 'Bearer wide' })).status).toBe(200);
	});

	it.each<[string, FormData]>([
		['a type', file('text/plain')],
		['an empty file', file('image/png', 0)],
		['a large video', file('video/mp4', 101)],
		['a long description', file('image/png', 1, 'a'.repeat(1501))],
	])('refuses to store %s', async (_, body) => expect((await call('POST', '/api/v2/media', body)).status).toBe(422));

	it('answers 202, 206, 206, 200 for a video, and takes it only then, once', async () => {
		const uploaded = await call('POST', '/api/v2/media', file('video/mp4'));
		expect([uploaded.status, uploaded.body.url]).toEqual([202, null]);
		const look = () => call('GET', `/api/v1/media/${uploaded.body.id}`).then((answer) => answer.status);
		expect(await look()).toBe(206);
		expect((await status({ media_ids: [uploaded.body.id] })).body.error).toContain('not finished processing');
		expect([await look(), await look()]).toEqual([206, 200]);
		expect((await status({ media_ids: [uploaded.body.id] })).status).toBe(200);
		expect(await look()).toBe(404);
		expect((await status({ media_ids: [uploaded.body.id] })).body.error).toContain('already attached');
	});

	it('gives the same status to the same key for an hour', async () => {
		const first = await status({ status: 'a' }, 'key');
		const second = await status({ status: 'a' }, 'key');
		expect(second.body.id).toBe(first.body.id);
		expect({ posts: server.posts.length, publicCalls: server.publicCalls, repeats: server.repeats }).toEqual({ posts: 1, publicCalls: 1, repeats: 1 });
		now += 3_600_000;
		expect((await status({ status: 'a' }, 'key')).body.id).not.toBe(first.body.id);
	});

	it('tells the end of the window as ISO time', async () => {
		expect((await call('GET', '/api/v2/instance')).headers.get('x-ratelimit-reset')).toBe('2026-11-21T10:05:00.000Z');
	});

	it('shows strangers only what is public', async () => {
		for (const visibility of ['public', 'unlisted', 'private', 'direct']) await status({ status: visibility, visibility });
		const list = (headers: Record<string, string>) => fetch(`${server.url}/api/v1/accounts/110000000000000001/statuses`, { headers }).then((answer) => answer.json() as Promise<unknown[]>);
		expect(await list({})).toHaveLength(2);
		expect(await list({ authorization: 'Bearer mastodon-token' })).toHaveLength(4);
	});

	it('answers only posts that exist', async () => {
		const first = await status({ status: 'one' });
		expect((await status({ status: 'two', in_reply_to_id: first.body.id })).body).toMatchObject({ in_reply_to_id: first.body.id });
		expect((await status({ status: 'three', in_reply_to_id: '1' })).status).toBe(404);
		expect((await status({ status: 'four', in_reply_to_id: 1 })).status).toBe(422);
	});

	it('takes a picture as the cover of a video, and nothing else', async () => {
		const withCover = (mime: string, cover: string) => {
			const data = file(mime);
			data.set('thumbnail', new Blob(['cover'], { type: cover }), 'cover');
			return call('POST', '/api/v2/media', data);
		};
		expect((await withCover('video/mp4', 'text/plain')).status).toBe(422);
		expect((await withCover('image/png', 'image/png')).status).toBe(422);
		expect((await withCover('video/mp4', 'image/png')).status).toBe(202);
	});

	it('publishes what was scheduled when its time has come, under another id', async () => {
		const { id } = (await status({ status: 'later', scheduled_at: '2026-11-21T10:10:00Z' })).body;
		expect((await call('GET', `/api/v1/scheduled_statuses/${id}`)).body).toMatchObject({ id, scheduled_at: '2026-11-21T10:10:00Z', params: { text: 'later' } });
		now += 600_000;
		expect((await call('GET', `/api/v1/scheduled_statuses/${id}`)).status).toBe(404);
		expect(server.posts.map((post) => post.text)).toEqual(['later']);
		expect(server.posts[0]!.id).not.toBe(id);
	});

	it('takes a scheduled post and a published one away', async () => {
		const { id } = (await status({ status: 'later', scheduled_at: '2026-11-21T10:10:00Z' })).body;
		expect((await call('DELETE', `/api/v1/scheduled_statuses/${id}`)).status).toBe(200);
		expect((await call('DELETE', `/api/v1/scheduled_statuses/${id}`)).status).toBe(404);
		const published = (await status({ status: 'now' })).body.id;
		expect((await call('DELETE', `/api/v1/statuses/${published}`)).status).toBe(200);
		expect((await call('GET', `/api/v1/statuses/${published}`)).status).toBe(404);
		expect([server.posts.length, server.scheduled.length]).toEqual([0, 0]);
	});

	it('tells the numbers of a post', async () => {
		const { id } = (await status({ status: 'counted' })).body;
		server.setMetrics(id, { favourites: 3, reblogs: 2, replies: 1 });
		expect((await call('GET', `/api/v1/statuses/${id}`)).body).toMatchObject({ favourites_count: 3, reblogs_count: 2, replies_count: 1 });
	});

	it('hashes uploads without keeping them when it is told to', async () => {
		await server.close();
		server = await startMastodonEmulator({ now: () => now, discard: true });
		await status({ media_ids: [(await call('POST', '/api/v2/media', file('image/png', 15))).body.id] });
		expect(server.posts[0]!.media[0]).toMatchObject({ bytes: Buffer.alloc(0), sha256: createHash('sha256').update(Buffer.alloc(15)).digest('hex') });
	});

	it('shows what was published on a page', async () => {
		await status({ status: 'Hello <world>' });
		expect(await (await fetch(server.url)).text()).toContain('Hello &lt;world&gt;');
		expect((await fetch(server.posts[0]!.permalink)).status).toBe(200);
	});
});
