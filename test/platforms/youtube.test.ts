import { createHash } from 'node:crypto';
import { startYouTubeEmulator, type YouTubeEmulator } from './youtube.ts';
import { googleError } from './youtubeRules.ts';

let youtube: YouTubeEmulator;
let now: number;
beforeEach(async () => {
	now = Date.parse('2026-11-21T10:00:00Z');
	youtube = await startYouTubeEmulator({ now: () => now });
});
afterEach(() => youtube.close());

interface Answer {
	status: number;
	headers: Headers;
	body: { id: string; status: Record<string, unknown>; items?: Array<Record<string, Record<string, unknown>>>; error: { errors: Array<{ reason: string }> } };
}
async function call(method: string, address: string, body: object | Buffer | null = null, headers: Record<string, string> = {}): Promise<Answer> {
	const raw = body === null || Buffer.isBuffer(body);
	const response = await fetch(address.startsWith('http') ? address : `${youtube.url}${address}`, {
		method,
		redirect: 'manual',
		headers: { authorization: 'Bearer youtube-token', ...(raw ? {} : { 'content-type': 'application/json; charset=UTF-8' }), ...headers },
		...(body === null ? {} : { body: raw ? new Uint8Array(body) : JSON.stringify(body) }),
	});
	const text = await response.text();
	return { status: response.status, headers: response.headers, body: (text.startsWith('{') ? JSON.parse(text) : null) as Answer['body'] };
}
const reason = ({ body }: Answer) => body?.error.errors[0]!.reason;

const INSERT = '/upload/youtube/v3/videos?uploadType=resumable&part=snippet,status';
const announce = (total: number | string, mime = 'video/mp4') => ({ 'x-upload-content-length': String(total), 'x-upload-content-type': mime });
const begin = async (total: number, body: object = { snippet: { title: 'T' } }) => (await call('POST', INSERT, body, announce(total))).headers.get('location')!;
const put = (session: string, bytes: Buffer, start: number, total: number) =>
	call('PUT', session, bytes, { 'content-range': `bytes ${start}-${start + bytes.length - 1}/${total}` });
const probe = (session: string, total: number) => call('PUT', session, Buffer.alloc(0), { 'content-range': `bytes */${total}`, 'content-length': '0' });
async function upload(body: object = { snippet: { title: 'T' } }): Promise<string> {
	return (await put(await begin(4, body), Buffer.from('abcd'), 0, 4)).body.id;
}

describe('the stand-in of YouTube', () => {
	it.each<[string, object, string]>([
		['no title', { snippet: { description: 'd' } }, 'invalidTitle'],
		['a title of 101 characters', { snippet: { title: 'x'.repeat(101) } }, 'invalidTitle'],
		['angle brackets in the title', { snippet: { title: 'a <b>' } }, 'invalidTitle'],
		['a description of 5001 bytes', { snippet: { title: 'T', description: `${'é'.repeat(2500)}x` } }, 'invalidDescription'],
		['tags that are too long, with their quotes', { snippet: { title: 'T', tags: ['a b', 'x'.repeat(495)] } }, 'invalidTags'],
		['a category that does not exist', { snippet: { title: 'T', categoryId: '999' } }, 'invalidCategoryId'],
		['a time for a public video', { snippet: { title: 'T' }, status: { privacyStatus: 'public', publishAt: '2026-11-22T10:00:00Z' } }, 'invalidPublishAt'],
		['a time without zone', { snippet: { title: 'T' }, status: { privacyStatus: 'private', publishAt: '2026-11-22T10:00:00' } }, 'invalidPublishAt'],
		['a text for a yes or no', { snippet: { title: 'T' }, status: { selfDeclaredMadeForKids: 'false' } }, 'invalidVideoMetadata'],
		['an unknown field', { snippet: { title: 'T', hashtags: [] } }, 'badRequest'],
		['a part that was not named', { snippet: { title: 'T' }, recordingDetails: {} }, 'unexpectedPart'],
	])('refuses %s', async (_, body, expected) => {
		const answer = await call('POST', INSERT, body, announce(10));
		expect([answer.status, reason(answer)]).toEqual([400, expected]);
	});

	it('takes tags of exactly 500', async () => {
		expect((await call('POST', INSERT, { snippet: { title: 'T', tags: ['a b', 'x'.repeat(494)] } }, announce(10))).status).toBe(200);
	});

	it('wants the size, a video, JSON, and the resumable way', async () => {
		const body = { snippet: { title: 'T' } };
		expect((await call('POST', INSERT, body)).status).toBe(400);
		expect((await call('POST', INSERT, body, announce(0))).status).toBe(400);
		expect((await call('POST', INSERT, body, announce(10, 'image/png'))).status).toBe(400);
		expect((await call('POST', INSERT, body, announce(256e9 + 1))).status).toBe(413);
		expect((await call('POST', INSERT, Buffer.from('title=T'), { ...announce(10), 'content-type': 'text/plain' })).status).toBe(400);
		expect((await call('POST', '/upload/youtube/v3/videos?uploadType=media&part=snippet', body, announce(10))).status).toBe(400);
		expect(youtube.uploads).toBe(0);
	});

	it('refuses wrong tokens, missing scopes, accounts without channel and suspended ones', async () => {
		const who = (token: string) => call('GET', '/youtube/v3/channels?part=id&mine=true', null, { authorization: `Bearer ${token}` });
		expect((await who('other')).status).toBe(401);
		const channel = { id: 'UC1', title: 'C' };
		youtube.setToken('narrow', { channel, scopes: ['https://www.googleapis.com/auth/youtube.upload'] });
		expect(reason(await who('narrow'))).toBe('insufficientPermissions');
		youtube.setToken('none', { channel: null, scopes: ['youtube'] });
		expect((await who('none')).body.items).toBeUndefined();
		expect(reason(await call('POST', INSERT, { snippet: { title: 'T' } }, { ...announce(4), authorization: 'Bearer none' }))).toBe('youtubeSignupRequired');
		youtube.setToken('banned', { channel, scopes: ['youtube'], suspended: true });
		expect(reason(await who('banned'))).toBe('authenticatedUserAccountSuspended');
	});

	// platforms.md 4.2, the fixture: 2,000,000 bytes in chunks of 524,288.
	it('takes chunks in order, says what it has, and publishes with the last one', async () => {
		const total = 2_000_000;
		const bytes = Buffer.from(Array.from({ length: total }, (_, at) => at % 251));
		const session = await begin(total);
		expect((await probe(session, total)).headers.get('range')).toBeNull();
		const first = await put(session, bytes.subarray(0, 524_288), 0, total);
		expect([first.status, first.headers.get('range')]).toEqual([308, 'bytes=0-524287']);
		expect((await put(session, bytes.subarray(524_288, 600_000), 524_288, total)).status).toBe(400);
		expect((await put(session, bytes.subarray(1_048_576, 1_572_864), 1_048_576, total)).status).toBe(400);
		await put(session, bytes.subarray(524_288, 1_048_576), 524_288, total);
		await put(session, bytes.subarray(1_048_576, 1_572_864), 1_048_576, total);
		expect(youtube.publicCalls).toBe(0);
		const last = await put(session, bytes.subarray(1_572_864), 1_572_864, total);
		expect(last.status).toBe(201);
		expect(youtube.posts[0]!.media[0]!.sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
		const again = await probe(session, total);
		expect([again.status, again.body.id, youtube.publicCalls]).toEqual([201, last.body.id, 1]);
		expect((await probe(session, total - 1)).status).toBe(400);
	});

	it('keeps less than it was sent, or nothing, when it is told to', async () => {
		const total = 600_000;
		const session = await begin(total);
		youtube.shorten(0, 262_144);
		expect((await put(session, Buffer.alloc(524_288), 0, total)).headers.get('range')).toBeNull();
		expect((await put(session, Buffer.alloc(524_288), 0, total)).headers.get('range')).toBe('bytes=0-262143');
		youtube.shorten(262_144);
		const short = await put(session, Buffer.alloc(total - 262_144), 262_144, total);
		expect([short.status, short.headers.get('range'), youtube.posts]).toEqual([308, 'bytes=0-524287', []]);
	});

	it('keeps whole granules of a chunk whose connection breaks', async () => {
		const total = 3_000_000;
		const session = await begin(total);
		youtube.fail('append', { when: 'during', answer: 'drop' });
		await expect(put(session, Buffer.alloc(2_097_152), 0, total)).rejects.toThrow();
		const stored = (await probe(session, total)).headers.get('range');
		expect(stored === null || (Number(stored.slice(8)) + 1) % 262_144 === 0).toBe(true);
	});

	it('forgets sessions, and knows none of others', async () => {
		const session = await begin(4);
		youtube.setToken('second', { channel: { id: 'UC2', title: 'Second' }, scopes: ['youtube'] });
		expect((await call('PUT', session, Buffer.from('abcd'), { authorization: 'Bearer second' })).status).toBe(404);
		now += 7 * 86_400_000;
		expect((await probe(session, 4)).status).toBe(404);
		expect(youtube.publicCalls).toBe(0);
	});

	it('makes everything private where the project was not audited', async () => {
		await youtube.close();
		youtube = await startYouTubeEmulator({ unaudited: true });
		const answer = await put(await begin(4, { snippet: { title: 'T' }, status: { privacyStatus: 'public' } }), Buffer.from('abcd'), 0, 4);
		expect(answer.body.status['privacyStatus']).toBe('private');
	});

	it('publishes at the time that was given', async () => {
		const id = await upload({ snippet: { title: 'T' }, status: { privacyStatus: 'private', publishAt: '2026-11-21T11:00:00Z' } });
		const status = async () => (await call('GET', `/youtube/v3/videos?part=status&id=${id}`)).body.items![0]!['status']!;
		expect(await status()).toMatchObject({ privacyStatus: 'private', publishAt: '2026-11-21T11:00:00Z', uploadStatus: 'uploaded' });
		now += 3_600_000;
		expect(await status()).toMatchObject({ privacyStatus: 'public', uploadStatus: 'processed' });
	});

	it('stops when the quota is spent', async () => {
		await youtube.close();
		youtube = await startYouTubeEmulator({ units: 1, uploads: 1 });
		await upload();
		expect(reason(await call('POST', INSERT, { snippet: { title: 'T' } }, announce(4)))).toBe('quotaExceeded');
		expect((await call('GET', '/youtube/v3/channels?part=id&mine=true')).status).toBe(200);
		expect(reason(await call('GET', '/youtube/v3/channels?part=id&mine=true'))).toBe('quotaExceeded');
	});

	it('takes a picture of a known kind as thumbnail, of a confirmed account only', async () => {
		const id = await upload();
		const path = `/upload/youtube/v3/thumbnails/set?videoId=${id}`;
		const jpeg = Buffer.from([0xff, 0xd8, 0xff, 0xe0, 1]);
		expect((await call('POST', path, jpeg, { 'content-type': 'image/jpeg' })).status).toBe(200);
		expect(reason(await call('POST', path, jpeg, { 'content-type': 'image/webp' }))).toBe('invalidImage');
		expect(reason(await call('POST', path, Buffer.from('GIF89a'), { 'content-type': 'image/png' }))).toBe('invalidImage');
		youtube.setToken('youtube-token', { channel: { id: youtube.posts[0]!.channelId, title: 'Demo' }, scopes: ['youtube'], verified: false });
		expect(reason(await call('POST', path, jpeg, { 'content-type': 'image/jpeg' }))).toBe('forbidden');
	});

	it('takes one caption track per language and name', async () => {
		const videoId = await upload();
		const send = (snippet: object, content: string) =>
			call(
				'POST',
				'/upload/youtube/v3/captions?part=snippet&uploadType=multipart',
				Buffer.from(`--b\r\ncontent-type: application/json\r\n\r\n${JSON.stringify({ snippet })}\r\n--b\r\ncontent-type: application/octet-stream\r\n\r\n${content}\r\n--b--`),
				{ 'content-type': 'multipart/related; boundary=b' },
			);
		const track = { videoId, language: 'en', name: 'English' };
		expect((await send(track, 'WEBVTT\n\n00:00.000 --> 00:01.000\nHi')).status).toBe(200);
		expect((await send(track, 'WEBVTT')).status).toBe(409);
		expect(reason(await send({ ...track, name: 'x'.repeat(151) }, 'WEBVTT'))).toBe('nameTooLong');
		expect(reason(await send({ ...track, name: 'Empty' }, ''))).toBe('contentRequired');
		expect(reason(await send({ ...track, sync: true }, 'WEBVTT'))).toBe('invalidMetadata');
		expect((await call('GET', `/youtube/v3/captions?part=snippet&videoId=${videoId}`)).body.items![0]!['snippet']).toMatchObject({ language: 'en', name: 'English', status: 'serving' });
	});

	it('takes comments of public videos only', async () => {
		const videoId = await upload();
		const { channelId } = youtube.posts[0]!;
		const send = (snippet: object) => call('POST', '/youtube/v3/commentThreads?part=snippet', { snippet });
		const topLevelComment = { snippet: { textOriginal: 'First!' } };
		expect((await send({ channelId, videoId, topLevelComment })).status).toBe(200);
		expect(reason(await send({ channelId, videoId, topLevelComment: { snippet: { textOriginal: ' ' } } }))).toBe('commentTextRequired');
		expect(reason(await send({ videoId, topLevelComment }))).toBe('channelOrVideoIdMissing');
		const hidden = await upload({ snippet: { title: 'T' }, status: { privacyStatus: 'private' } });
		expect(reason(await send({ channelId, videoId: hidden, topLevelComment }))).toBe('commentsDisabled');
		expect(youtube.commentCalls).toBe(4);
	});

	it('lists own uploads newest first, and deletes them', async () => {
		const [first, second] = [await upload(), await upload()];
		const list = async () => (await call('GET', '/youtube/v3/playlistItems?part=contentDetails&playlistId=UUdemoDemoDemoDemoDemoDe&maxResults=50')).body.items!.map((item) => item['contentDetails']!['videoId']);
		expect(await list()).toEqual([second, first]);
		expect((await call('DELETE', `/youtube/v3/videos?id=${first}`)).status).toBe(204);
		expect(await list()).toEqual([second]);
		expect((await call('DELETE', `/youtube/v3/videos?id=${first}`)).status).toBe(404);
	});

	it('shows what was published, and errors as Google words them', async () => {
		const id = await upload();
		expect(await (await fetch(youtube.url)).text()).toContain(`/emulator/media/${id}`);
		expect((await fetch(youtube.posts[0]!.permalink)).status).toBe(200);
		expect(googleError(403, 'quotaExceeded', 'over').body).toEqual({
			error: { code: 403, message: 'over', errors: [{ message: 'over', domain: 'youtube.quota', reason: 'quotaExceeded' }], status: 'PERMISSION_DENIED' },
		});
	});

	it('hashes a large file without keeping it', async () => {
		await youtube.close();
		youtube = await startYouTubeEmulator({ discard: true });
		await upload();
		expect(youtube.posts[0]!.media[0]).toMatchObject({ bytes: Buffer.alloc(0), sha256: createHash('sha256').update('abcd').digest('hex') });
	});
});
