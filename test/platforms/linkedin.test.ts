import { createHash } from 'node:crypto';
import { startLinkedInEmulator, type LinkedInEmulator } from './linkedin.ts';
import { renderLittleText } from './linkedinText.ts';

let linkedIn: LinkedInEmulator;
let now: number;
beforeEach(async () => {
	now = Date.parse('2026-11-21T10:00:00Z');
	linkedIn = await startLinkedInEmulator({ now: () => now });
});
afterEach(() => linkedIn.close());

const ME = 'urn:li:person:782bbtaQ';
const PAGE = 'urn:li:organization:2414183';
const encoded = encodeURIComponent;

interface Answer {
	status: number;
	headers: Headers;
	body: { code: string; message: string; value: Record<string, never>; status: string } | null;
}

async function call(method: string, path: string, body?: object | Buffer | null, headers: Record<string, string> = {}): Promise<Answer> {
	const raw = Buffer.isBuffer(body);
	const response = await fetch(path.startsWith('http') ? path : `${linkedIn.url}${path}`, {
		method,
		headers: {
			authorization: 'Bearer linkedin-token',
			'linkedin-version': '202609',
			'x-restli-protocol-version': '2.0.0',
			...(body && !raw ? { 'content-type': 'application/json' } : {}),
			...headers,
		},
		...(body ? { body: raw ? new Uint8Array(body) : JSON.stringify(body) } : {}),
	});
	const text = await response.text();
	return { status: response.status, headers: response.headers, body: text ? (JSON.parse(text) as Answer['body']) : null };
}
const page = { authorization: 'Bearer linkedin-page-token' };
const post = (more: object = {}, headers: Record<string, string> = {}) =>
	call(
		'POST',
		'/rest/posts',
		{
			author: ME,
			commentary: 'Hello',
			visibility: 'PUBLIC',
			distribution: { feedDistribution: 'MAIN_FEED', targetEntities: [], thirdPartyDistributionChannels: [] },
			lifecycleState: 'PUBLISHED',
			...more,
		},
		headers,
	);

interface Session {
	video: string;
	uploadToken: string;
	uploadInstructions: Array<{ uploadUrl: string; firstByte: number; lastByte: number }>;
	captionsUploadUrl: string;
	thumbnailUploadUrl: string;
}
const beginVideo = async (fileSizeBytes: number, more: object = {}, owner = ME, headers: Record<string, string> = {}) => {
	const answer = await call('POST', '/rest/videos?action=initializeUpload', { initializeUploadRequest: { owner, fileSizeBytes, uploadCaptions: false, uploadThumbnail: false, ...more } }, headers);
	return answer.body!.value as unknown as Session;
};
const finish = (session: Session, etags: string[], uploadToken = session.uploadToken) =>
	call('POST', '/rest/videos?action=finalizeUpload', { finalizeUploadRequest: { video: session.video, uploadToken, uploadedPartIds: etags } });
const putPart = async ({ uploadUrl, firstByte, lastByte }: Session['uploadInstructions'][number], bytes: Buffer) =>
	(await call('PUT', uploadUrl, bytes.subarray(firstByte, lastByte + 1), { 'content-type': 'application/octet-stream' })).headers.get('etag')!.replaceAll('"', '');

async function image(owner = ME): Promise<string> {
	const { value } = (await call('POST', '/rest/images?action=initializeUpload', { initializeUploadRequest: { owner } })).body!;
	await call('PUT', String(value['uploadUrl']), Buffer.from('picture'), { 'content-type': 'image/png' });
	return String(value['image']);
}

describe('the stand-in of LinkedIn', () => {
	it.each<[string, string, string, object | null, number]>([
		['no body', 'POST', '/rest/posts', null, 400],
		['a field that does not exist', 'POST', '/rest/posts', { author: ME, commentary: 'x', text: 'x' }, 400],
		['another author', 'POST', '/rest/posts', { author: 'urn:li:person:other', commentary: 'x' }, 403],
		['a page that is not the member\'s', 'POST', '/rest/posts', { author: PAGE, commentary: 'x' }, 403],
		['a small video', 'POST', '/rest/videos?action=initializeUpload', { initializeUploadRequest: { owner: ME, fileSizeBytes: 74_999 } }, 400],
		['a large video', 'POST', '/rest/videos?action=initializeUpload', { initializeUploadRequest: { owner: ME, fileSizeBytes: 500_000_001 } }, 400],
		['a size as text', 'POST', '/rest/videos?action=initializeUpload', { initializeUploadRequest: { owner: ME, fileSizeBytes: '100000' } }, 400],
		['an action that does not exist', 'POST', '/rest/videos?action=upload', { initializeUploadRequest: {} }, 404],
		['a URN that is not encoded', 'GET', '/rest/videos/urn:li:video:1', null, 400],
		['a path of another API', 'POST', '/v2/ugcPosts', {}, 404],
	])('refuses %s', async (_, method, path, body, status) => {
		expect((await call(method, path, body)).status).toBe(status);
		expect(linkedIn.publicCalls).toBe(path === '/rest/posts' && body && 'text' in body ? 1 : 0);
	});

	it('refuses a wrong token, a missing or ended version, and another protocol', async () => {
		expect((await call('GET', '/v2/userinfo', null, { authorization: 'Bearer other' })).status).toBe(401);
		expect((await post({}, { 'linkedin-version': '' })).status).toBe(400);
		for (const version of ['202511', '202612']) expect((await post({}, { 'linkedin-version': version })).body).toMatchObject({ status: 426, code: 'NONEXISTENT_VERSION' });
		expect((await post({}, { 'linkedin-version': '202512' })).status).toBe(201);
		expect((await post({}, { 'x-restli-protocol-version': '1.0.0' })).status).toBe(400);
	});

	it('wants the scopes: of the member, of the page, and for reading', async () => {
		linkedIn.setToken('legacy', { sub: 'old', name: 'old', scopes: ['r_liteprofile', 'w_member_social'] });
		expect((await call('GET', '/v2/userinfo', null, { authorization: 'Bearer legacy' })).status).toBe(403);
		expect((await call('GET', '/v2/me', null, { authorization: 'Bearer legacy' })).status).toBe(200);
		expect((await post({ author: PAGE }, page)).status).toBe(201);
		const { headers } = await post();
		const path = `/rest/posts/${encoded(headers.get('x-restli-id')!)}`;
		expect((await call('GET', path)).status).toBe(403);
		linkedIn.setToken('reader', { sub: '782bbtaQ', name: 'demo', scopes: ['w_member_social', 'r_member_social'] });
		expect((await call('GET', path, null, { authorization: 'Bearer reader' })).status).toBe(200);
	});

	it('lets a content administrator write for a page, but not give it a video', async () => {
		linkedIn.setToken('content', { sub: 'c', name: 'c', scopes: ['w_organization_social'], organizations: { 2414183: 'CONTENT_ADMIN' } });
		const headers = { authorization: 'Bearer content' };
		expect((await call('POST', '/rest/images?action=initializeUpload', { initializeUploadRequest: { owner: PAGE } }, headers)).status).toBe(200);
		expect((await call('POST', '/rest/videos?action=initializeUpload', { initializeUploadRequest: { owner: PAGE, fileSizeBytes: 100_000 } }, headers)).status).toBe(403);
	});

	it('gives three addresses for 10,000,000 bytes, and wants exactly their bytes', async () => {
		const session = await beginVideo(10_000_000);
		expect(session.uploadInstructions.map(({ firstByte, lastByte }) => [firstByte, lastByte])).toEqual([
			[0, 4_194_303],
			[4_194_304, 8_388_607],
			[8_388_608, 9_999_999],
		]);
		const short = await call('PUT', session.uploadInstructions[2]!.uploadUrl, Buffer.alloc(1_611_391), { 'content-type': 'application/octet-stream' });
		expect(short.status).toBe(400);
	});

	it('wants the ETags in order and without quotes, and the token; then it processes', async () => {
		const bytes = Buffer.alloc(5_000_000, 7);
		const session = await beginVideo(bytes.length);
		const [first, second] = await Promise.all(session.uploadInstructions.map((part) => putPart(part, bytes)));
		for (const etags of [[first!], [second!, first!], [`"${first!}"`, second!]]) expect((await finish(session, etags)).status).toBe(400);
		expect((await finish(session, [first!, second!], '')).status).toBe(400);
		expect((await finish(session, [first!, second!])).status).toBe(200);
		expect((await finish(session, [first!, second!])).status).toBe(400);
		const path = `/rest/videos/${encoded(session.video)}`;
		expect((await post({ content: { media: { id: session.video } } })).body).toMatchObject({ code: 'MEDIA_ASSET_WAITING_UPLOAD' });
		const seen = [];
		for (let look = 0; look < 3; look += 1) seen.push((await call('GET', path)).body!.status);
		expect(seen).toEqual(['PROCESSING', 'PROCESSING', 'AVAILABLE']);
		expect((await post({ content: { media: { id: session.video } } })).status).toBe(201);
		expect(linkedIn.posts[0]!.media[0]!.sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
	});

	it('hashes what it does not keep', async () => {
		await linkedIn.close();
		linkedIn = await startLinkedInEmulator({ now: () => now, discard: true, partBytes: 50_000, processingPolls: 0 });
		const bytes = Buffer.from(Array.from({ length: 120_001 }, (_, index) => index % 251));
		const session = await beginVideo(bytes.length);
		const etags = [];
		for (const part of [...session.uploadInstructions]) etags.push(await putPart(part, bytes));
		await putPart(session.uploadInstructions[2]!, bytes);
		await finish(session, etags);
		await call('GET', `/rest/videos/${encoded(session.video)}`);
		await post({ content: { media: { id: session.video } } });
		expect(linkedIn.posts[0]!.media[0]).toMatchObject({ sha256: createHash('sha256').update(bytes).digest('hex'), bytes: Buffer.alloc(0) });
	});

	it('refuses addresses that have run out', async () => {
		const session = await beginVideo(100_000);
		now += 86_400_000;
		expect((await call('PUT', session.uploadInstructions[0]!.uploadUrl, Buffer.alloc(100_000), { 'content-type': 'application/octet-stream' })).body).toMatchObject({ status: 403, code: 'EXPIRED_UPLOAD_URL' });
	});

	it('takes SRT and a picture with a video, when they were announced', async () => {
		const bytes = Buffer.alloc(100_000);
		const session = await beginVideo(bytes.length, { uploadCaptions: true, uploadThumbnail: true });
		const etags = [await putPart(session.uploadInstructions[0]!, bytes)];
		expect(session.uploadToken).toBe('');
		expect((await finish(session, etags)).body).toMatchObject({ code: 'CAPTIONS_MISSING' });
		expect((await call('PUT', session.captionsUploadUrl, Buffer.from('WEBVTT\n'))).status).toBe(400);
		expect((await call('PUT', session.captionsUploadUrl, Buffer.from('1\n00:00:00,000 --> 00:00:01,000\nHi\n'))).status).toBe(201);
		expect((await call('PUT', session.thumbnailUploadUrl, Buffer.from('x'), { 'content-type': 'image/webp' })).status).toBe(415);
		expect((await call('PUT', session.thumbnailUploadUrl, Buffer.from('x'), { 'content-type': 'image/jpeg' })).status).toBe(201);
		expect((await finish(session, etags)).status).toBe(200);
	});

	it('knows when an image is ready, and does not tell everybody', async () => {
		const id = await image();
		expect((await call('GET', `/rest/images/${encoded(id)}`)).status).toBe(403);
		expect((await post({ content: { media: { id, altText: 'A picture' } } })).status).toBe(422);
		now += 2_000;
		expect((await post({ content: { media: { id, altText: 'x'.repeat(4087) } } })).status).toBe(400);
		expect((await post({ content: { media: { id, altText: 'A picture' } } })).status).toBe(201);
		expect(linkedIn.posts[0]!.media[0]).toMatchObject({ mime: 'image/png', alt: 'A picture' });
	});

	it.each([1, 21])('refuses %i images together', async (count) => {
		const id = await image();
		now += 2_000;
		expect((await post({ content: { multiImage: { images: Array.from({ length: count }, () => ({ id })) } } })).status).toBe(400);
	});

	it('answers 201 with an empty body and a 64-bit id in a header', async () => {
		const { status, headers, body } = await post();
		expect([status, body]).toEqual([201, null]);
		expect(headers.get('x-restli-id')).toMatch(/^urn:li:share:\d{19}$/);
		expect(Number.isSafeInteger(Number(headers.get('x-restli-id')!.split(':')[3]))).toBe(false);
		expect((await fetch(linkedIn.posts[0]!.permalink)).status).toBe(200);
	});

	it('names the post that has the same text, also after it was deleted, for two days', async () => {
		const urn = (await post()).headers.get('x-restli-id')!;
		expect((await post()).body).toMatchObject({ status: 422, message: `Content is a duplicate of ${urn}` });
		for (let round = 0; round < 2; round += 1) expect((await call('DELETE', `/rest/posts/${encoded(urn)}`)).status).toBe(204);
		expect((await post()).status).toBe(422);
		now += 48 * 3_600_000;
		expect((await post()).status).toBe(201);
		expect({ posts: linkedIn.posts.length, publicCalls: linkedIn.publicCalls, repeats: linkedIn.repeats }).toEqual({ posts: 1, publicCalls: 2, repeats: 2 });
	});

	it('counts what readers see: 3000 characters', async () => {
		expect((await post({ commentary: '\\('.repeat(3000) })).status).toBe(201);
		expect((await post({ commentary: 'x'.repeat(3001) })).body).toMatchObject({ code: 'FIELD_LENGTH_TOO_LONG' });
	});

	it('takes comments as they are, and tells numbers to who may read', async () => {
		const urn = (await post({ author: PAGE }, page)).headers.get('x-restli-id')!;
		const path = `/rest/socialActions/${encoded(urn)}/comments`;
		expect((await call('POST', path, { actor: PAGE, object: 'urn:li:share:1', message: { text: 'x' } }, page)).status).toBe(400);
		expect((await call('POST', path, { actor: PAGE, object: urn, message: { text: 'See (here) #now' } }, page)).headers.get('x-restli-id')).toMatch(/^\d{19}$/);
		expect(linkedIn.posts[0]!.comments[0]!.text).toBe('See (here) #now');
		linkedIn.posts[0]!.likes = 3;
		expect((await call('GET', `/rest/socialMetadata/${encoded(urn)}`, null, page)).body).toMatchObject({
			reactionSummaries: { LIKE: { count: 2 }, EMPATHY: { count: 1 } },
			commentSummary: { count: 1 },
		});
		expect((await call('GET', `/rest/socialMetadata/${encoded(urn)}`)).status).toBe(403);
	});

	it('shows what was published, its card and its comments on a page', async () => {
		await post({ commentary: 'Card', content: { article: { source: 'https://example.com', title: 'An article' } } });
		expect(await (await fetch(linkedIn.url)).text()).toContain('Link: An article (https://example.com)');
	});
});

describe('little text', () => {
	it.each([
		['a \\(b\\) c', 'a (b) c'],
		['a (b) c', 'a '],
		['100\\% sure', '100'],
		['{hashtag|\\#|Café} and \\#tag', '#Café and #tag'],
		['{hashtag|\\#|two words}', ''],
		['#plain', ''],
		['by @[Acme \\(UK\\)](urn:li:organization:12) now', 'by Acme (UK) now'],
		['by @[Acme](urn:li:share:12) now', 'by '],
		['https://a.example/b_c?d_e=1 end', 'https://a.example/b_c?d_e=1 end'],
		['https://a.example/b\\_c end', 'https://a.example/b\\_c end'],
		['snake_case', 'snake'],
		['back\\\\slash', 'back\\slash'],
	])('shows %s as %s', (commentary, text) => expect(renderLittleText(commentary).text).toBe(text));
});
