import { startBlueskyEmulator, type BlueskyEmulator, type BlueskyEmulatorOptions } from './bluesky.ts';

let server: BlueskyEmulator;
let now: number;
const DID = 'did:plc:ewvi7nxzyoun6zhxrhs64oiz';
const RKEY = '3m6abcdefgh22';

async function start(options: BlueskyEmulatorOptions = {}): Promise<void> {
	await server?.close();
	now = Date.parse('2026-11-21T10:00:00Z');
	server = await startBlueskyEmulator({ now: () => now, maxVideoBytes: 100, maxBlobBytes: 50, ...options });
}
beforeEach(() => start());
afterEach(() => server.close());

interface Answer {
	error?: string;
	message?: string;
	accessJwt: string;
	refreshJwt: string;
	token: string;
	jobId: string;
	cid: string;
	uri: string;
	did: string;
	state: string;
	blob: { ref: { $link: string } };
	jobStatus: { jobId: string; state: string; failureCode?: string; blob?: object };
	canUpload: boolean;
	value: object;
	posts: Array<{ likeCount: number }>;
}
async function call(url: string, { token, json, body, type }: { token?: string; json?: object; body?: Buffer; type?: string } = {}): Promise<{ status: number; headers: Headers; body: Answer }> {
	const response = await fetch(url, {
		method: json || body || type === 'none' ? 'POST' : 'GET',
		headers: { ...(token ? { authorization: `Bearer ${token}` } : {}), ...(json ? { 'content-type': 'application/json' } : {}), ...(body && type ? { 'content-type': type } : {}) },
		...(json ? { body: JSON.stringify(json) } : body ? { body } : {}),
	});
	return { status: response.status, headers: response.headers, body: (await response.json()) as Answer };
}
const login = (password = 'abcd-efgh-ijkl-mnop', identifier = 'demo.test') => call(`${server.url}/xrpc/com.atproto.server.createSession`, { json: { identifier, password } });
const access = async () => (await login()).body.accessJwt;
const pds = (method: string) => `${server.pdsUrl}/xrpc/com.atproto.${method}`;
const blobOf = async (bytes: Buffer, type: string, token: string) => (await call(pds('repo.uploadBlob'), { token, body: bytes, type })).body.blob;
const put = (token: string, record: object, more: object = {}) =>
	call(pds('repo.putRecord'), { token, json: { repo: DID, collection: 'app.bsky.feed.post', rkey: RKEY, record: { $type: 'app.bsky.feed.post', createdAt: '2026-11-21T10:00:00.000Z', text: 'Hello', ...record }, ...more } });
const serviceToken = async (token: string, { aud = `did:web:${new URL(server.pdsUrl).host.replace(':', '%3A')}`, lxm = 'com.atproto.repo.uploadBlob', exp = now / 1000 + 1800 } = {}) =>
	(await call(`${pds('server.getServiceAuth')}?${new URLSearchParams({ aud, lxm, exp: String(exp) })}`, { token })).body;
const upload = (token: string, { body = Buffer.from('video'), type = 'video/mp4', did = DID } = {}) =>
	call(`${server.videoUrl}/xrpc/app.bsky.video.uploadVideo?did=${encodeURIComponent(did)}&name=a.mp4`, { token, body, type });
const job = (id: string) => call(`${server.videoUrl}/xrpc/app.bsky.video.getJobStatus?jobId=${id}`).then(({ body }) => body.jobStatus);
const facet = (byteStart: number, byteEnd: number, feature: object) => ({ facets: [{ index: { byteStart, byteEnd }, features: [feature] }] });
const nothing = { uri: `at://${DID}/app.bsky.feed.post/${RKEY}`, cid: `bafyrei${'a'.repeat(52)}` };
const link = (uri: string) => ({ $type: 'app.bsky.richtext.facet#link', uri });

describe('the stand-in of Bluesky', () => {
	it('names the server of the account, and refuses a wrong password, a taken down account, and the 31st login in five minutes', async () => {
		expect((await login()).body).toMatchObject({ did: DID, didDoc: { service: [{ id: '#atproto_pds', serviceEndpoint: server.pdsUrl }] } });
		expect(await login('other')).toMatchObject({ status: 401, body: { error: 'AuthenticationRequired' } });
		server.accounts[0]!.status = 'takendown';
		expect(await login()).toMatchObject({ status: 401, body: { error: 'AccountTakedown' } });
		for (let more = 0; more < 27; more += 1) await login();
		const limited = await login();
		expect(limited).toMatchObject({ status: 429, body: { error: 'RateLimitExceeded' } });
		expect(limited.headers.get('ratelimit-reset')).toBe(String(now / 1000 + 300));
		now += 300_000;
		expect((await login()).status).toBe(401);
	});

	it('refreshes a session once, and not after the app password is gone', async () => {
		const first = (await login()).body;
		const refresh = (token: string) => call(pds('server.refreshSession'), { token, type: 'none' });
		now += 7_200_000;
		expect((await call(pds('server.getSession'), { token: first.accessJwt })).body.error).toBe('ExpiredToken');
		expect((await refresh(first.accessJwt)).body.error).toBe('InvalidToken');
		const second = await refresh(first.refreshJwt);
		expect(second.status).toBe(200);
		expect((await call(pds('server.getSession'), { token: second.body.accessJwt })).body.did).toBe(DID);
		expect((await refresh(first.refreshJwt)).body.error).toBe('InvalidToken');
		server.revoke('abcd-efgh-ijkl-mnop');
		expect((await refresh(second.body.refreshJwt)).body.error).toBe('ExpiredToken');
	});

	it('refuses without a token, and at the wrong host', async () => {
		expect((await call(pds('server.getSession'))).body.error).toBe('AuthMissing');
		expect((await call(`${server.url}/xrpc/com.atproto.repo.getRecord?repo=${DID}&collection=app.bsky.feed.post&rkey=${RKEY}`)).status).toBe(501);
		expect(server.misdirected).toBe(1);
	});

	it.each<[string, object, RegExp]>([
		['nothing', { text: '' }, /must not be empty/],
		['a long text', { text: 'a'.repeat(301) }, /300 graphemes/],
		['many bytes', { text: '👨‍👩‍👧‍👦'.repeat(121) }, /3000 characters/],
		['no time', { createdAt: 'today' }, /datetime/],
		['a language', { langs: ['German'] }, /BCP 47/],
		['four languages', { langs: ['en', 'de', 'fr', 'it'] }, /more than 3/],
		['nine tags', { tags: Array.from({ length: 9 }, () => 'a') }, /more than 8/],
		['a label', { labels: { $type: 'com.atproto.label.defs#selfLabels', values: [{ val: 'spam' }] } }, /no label/],
		['a field', { title: 'x' }, /unknown property "title"/],
		['a facet beyond the text', facet(0, 9, link('https://a.bc')), /outside of the text/],
		['a facet of something else', facet(0, 5, link('https://a.bc')), /shows "Hello"/],
		['a facet in a character', { text: '😀 https://a.bc', ...facet(2, 17, link('https://a.bc')) }, /in two/],
		['somebody unknown', { text: '@no.test', ...facet(0, 8, { $type: 'app.bsky.richtext.facet#mention', did: 'did:plc:no' }) }, /valid did/],
		['a reply to what is no address', { reply: { root: { uri: 'x', cid: 'y' } } }, /at-uri/],
		['a reply to nothing', { reply: { root: nothing, parent: nothing } }, /not there/],
		['an unknown file', { embed: { $type: 'app.bsky.embed.images', images: [{ alt: '', image: { $type: 'blob', ref: { $link: `bafkrei${'a'.repeat(52)}` }, mimeType: 'image/png', size: 1 } }] } }, /Could not find blob/],
		['a picture without words', { embed: { $type: 'app.bsky.embed.images', images: [{ image: {} }] } }, /"alt"/],
		['five pictures', { embed: { $type: 'app.bsky.embed.images', images: [1, 2, 3, 4, 5] } }, /more than 4/],
		['a card without a title', { embed: { $type: 'app.bsky.embed.external', external: { uri: 'https://a.bc', description: '' } } }, /"title"/],
	])('refuses %s', async (_, record, message) => {
		const answer = await put(await access(), record);
		expect(answer.status).toBe(400);
		expect(answer.body.message).toMatch(message);
		expect(server.posts).toHaveLength(0);
	});

	it('refuses a key that is none, another collection, and what belongs to somebody else', async () => {
		const token = await access();
		expect((await put(token, {}, { rkey: 'hello' })).body.message).toMatch(/record key/);
		expect((await put(token, {}, { collection: 'app.bsky.feed.like' })).status).toBe(400);
		expect((await put(token, {}, { repo: 'did:plc:other' })).status).toBe(401);
		expect(server.publicCalls).toBe(0);
	});

	it('takes links, mentions and tags at their bytes', async () => {
		const text = '😀 https://a.bc @demo.test #größe';
		const bytes = (part: string) => {
			const byteStart = Buffer.byteLength(text.slice(0, text.indexOf(part)));
			return { byteStart, byteEnd: byteStart + Buffer.byteLength(part) };
		};
		const facets = [
			{ index: bytes('https://a.bc'), features: [link('https://a.bc')] },
			{ index: bytes('@demo.test'), features: [{ $type: 'app.bsky.richtext.facet#mention', did: DID }] },
			{ index: bytes('#größe'), features: [{ $type: 'app.bsky.richtext.facet#tag', tag: 'größe' }] },
		];
		expect((await put(await access(), { text, facets })).status).toBe(200);
		expect(server.posts[0]).toMatchObject({ links: ['https://a.bc'], mentions: [DID], tags: ['größe'] });
	});

	it('gives the same record for the same record, and changes nothing that was not to be there', async () => {
		const token = await access();
		const first = await put(token, {}, { swapRecord: null });
		const second = await put(token, {}, { swapRecord: null });
		expect(second.body).toMatchObject({ uri: first.body.uri, cid: first.body.cid });
		expect({ publicCalls: server.publicCalls, repeats: server.repeats, posts: server.posts.length }).toEqual({ publicCalls: 1, repeats: 1, posts: 1 });
		expect((await put(token, { text: 'Other' }, { swapRecord: null })).body.error).toBe('InvalidSwap');
		expect(server.posts[0]!.text).toBe('Hello');
		await put(token, { text: 'Edited' });
		expect(server.posts.map(({ text }) => text)).toEqual(['Edited']);
	});

	it('reads and deletes records, and tells what people did with them', async () => {
		const token = await access();
		const { uri } = (await put(token, {})).body;
		const read = () => call(`${pds('repo.getRecord')}?repo=${DID}&collection=app.bsky.feed.post&rkey=${RKEY}`);
		expect((await read()).body.value).toMatchObject({ text: 'Hello' });
		server.engage(uri, { likeCount: 3 });
		const look = () => call(`${server.pdsUrl}/xrpc/app.bsky.feed.getPosts?uris=${encodeURIComponent(uri)}`, { token });
		expect((await look()).body.posts).toMatchObject([{ likeCount: 3, repostCount: 0 }]);
		expect((await fetch(server.posts[0]!.permalink)).status).toBe(200);
		await call(pds('repo.deleteRecord'), { token, json: { repo: DID, collection: 'app.bsky.feed.post', rkey: RKEY } });
		expect((await read()).body.error).toBe('RecordNotFound');
		expect((await look()).body.posts).toEqual([]);
	});

	it('keeps a file until it is forgotten, and only of the size and kind that was said', async () => {
		const token = await access();
		const image = await blobOf(Buffer.from('picture'), 'image/png', token);
		const images = (blob: object) => ({ embed: { $type: 'app.bsky.embed.images', images: [{ alt: '', image: blob }] } });
		expect((await put(token, images({ ...image, size: 8 }))).body.error).toBe('InvalidSize');
		expect((await put(token, images({ ...image, mimeType: 'image/gif' }))).body.error).toBe('InvalidMimeType');
		expect((await call(pds('repo.uploadBlob'), { token, body: Buffer.alloc(51), type: 'image/png' })).status).toBe(413);
		server.forgetMedia();
		expect((await put(token, images(image))).body.error).toBe('BlobNotFound');
		const again = await blobOf(Buffer.from('picture'), 'image/png', token);
		expect(again).toEqual(image);
		expect((await put(token, images(again))).status).toBe(200);
		server.forgetMedia();
		expect(await (await fetch(`${server.url}/emulator/media/${server.posts[0]!.media[0]!.sha256}`)).text()).toBe('picture');
	});

	it('takes a video with a token for exactly this, makes something of it, and knows the same bytes again', async () => {
		const token = await access();
		expect((await upload(token)).body.error).toBe('AuthMissing');
		expect((await serviceToken(token, { exp: now / 1000 + 3601 })).error).toBe('BadExpiration');
		expect((await serviceToken(token, { exp: now / 1000 - 1 })).error).toBe('BadExpiration');
		expect((await upload((await serviceToken(token, { aud: 'did:web:video.bsky.app' })).token)).body.error).toBe('BadJwtAudience');
		expect((await upload((await serviceToken(token, { lxm: 'app.bsky.video.uploadVideo' })).token)).body.error).toBe('BadJwtLexiconMethod');
		const right = (await serviceToken(token)).token;
		expect((await upload(right, { type: 'application/octet-stream' })).status).toBe(400);
		expect((await upload(right, { body: Buffer.alloc(101) })).status).toBe(413);
		const { jobId, state } = (await upload(right)).body;
		expect(state).toBe('JOB_STATE_CREATED');
		expect([(await job(jobId)).state, (await job(jobId)).state]).toEqual(['JOB_STATE_ENCODING', 'JOB_STATE_COMPLETED']);
		const { blob } = await job(jobId);
		expect(await upload(right)).toMatchObject({ status: 409, body: { error: 'already_exists', jobId, blob } });
		expect((await put(token, { text: '', embed: { $type: 'app.bsky.embed.video', video: blob, alt: 'A clip', aspectRatio: { width: 16, height: 9 } } })).status).toBe(200);
		expect(server.posts[0]!.media).toMatchObject([{ alt: 'A clip', mime: 'video/mp4' }]);
	});

	it('fails a job when it cannot process the video, or when the token has run out before the video is stored', async () => {
		const token = await access();
		server.failProcessing('validation_failure', 'too long');
		const bad = (await upload((await serviceToken(token)).token)).body.jobId;
		await job(bad);
		expect(await job(bad)).toMatchObject({ state: 'JOB_STATE_FAILED', failureCode: 'validation_failure' });
		const late = (await upload((await serviceToken(token, { exp: now / 1000 + 60 })).token)).body.jobId;
		await job(late);
		now += 61_000;
		expect(await job(late)).toMatchObject({ failureCode: 'pds_upload_failure' });
	});

	it('says beforehand whether a video may be uploaded', async () => {
		await start({ videosPerDay: 1 });
		const token = await access();
		const ask = async () => {
			const aud = `did:web:${new URL(server.videoUrl).host.replace(':', '%3A')}`;
			return (await call(`${server.videoUrl}/xrpc/app.bsky.video.getUploadLimits`, { token: (await serviceToken(token, { aud, lxm: 'app.bsky.video.getUploadLimits' })).token })).body;
		};
		expect(await ask()).toMatchObject({ canUpload: true, remainingDailyVideos: 1 });
		await upload((await serviceToken(token)).token);
		expect(await ask()).toMatchObject({ canUpload: false });
		server.accounts[0]!.emailConfirmed = false;
		expect(await ask()).toMatchObject({ canUpload: false, error: 'unconfirmed_email' });
		expect((await upload((await serviceToken(token)).token, { body: Buffer.from('more') })).body.error).toBe('unconfirmed_email');
	});

	it('limits what is written', async () => {
		await start({ writes: { points: 4, windowSeconds: 60 } });
		const token = await access();
		await put(token, {});
		await put(token, {}, { rkey: '3m6abcdefgh23' });
		const third = await put(token, {}, { rkey: '3m6abcdefgh24' });
		expect(third.status).toBe(429);
		expect(third.headers.get('ratelimit-reset')).toBe(String(now / 1000 + 60));
	});

	it('drops the bytes of files when told to', async () => {
		await start({ discard: true });
		const token = await access();
		const image = await blobOf(Buffer.from('picture'), 'image/png', token);
		await put(token, { text: '<b>', embed: { $type: 'app.bsky.embed.images', images: [{ alt: '', image }] } });
		const { sha256 } = server.posts[0]!.media[0]!;
		expect(sha256).toBe('2cea274d0bedc39ec4ab6ba9e59ec889e3ed6fb56a1cf088a64d9b383378dc97');
		expect(await (await fetch(`${server.url}/emulator/media/${sha256}`)).text()).toBe('');
		expect(await (await fetch(server.url)).text()).toContain('&lt;b&gt;');
	});
});
