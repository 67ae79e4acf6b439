import { randomBytes } from 'node:crypto';
import { jsonObject, sha256, type Call, type Emulator } from './emulator.ts';
import type { YouTubeAccount, YouTubeCaption, YouTubeVideo } from './youtube.ts';
import { imageMime, isSubtitles, relatedParts } from './youtubeRules.ts';

type Head = Pick<Call, 'headers' | 'query'>;

/** What the steps share. */
export interface YouTubeContext {
	captionConflicts: boolean;
	emulator: Emulator;
	posts: YouTubeVideo[];
	channelOf(call: Pick<Call, 'headers'>, scopes: string[]): { id: string; title: string; account: YouTubeAccount };
	/** Refuses query parameters that are not known. */
	only(call: Head, ...known: string[]): void;
	parts(call: Head, resource: string): string[];
	spend(units: number): void;
	refuse(code: number, reason: string, message?: string): never;
	own(id: string | undefined, channelId: string): YouTubeVideo;
	privacy(video: YouTubeVideo): string;
	pick(whole: Record<string, unknown>, given: string[]): Record<string, unknown>;
	/** Counts calls that make comments. */
	comments(count: number): void;
	url(): string;
}

const UPLOAD = ['youtube.upload', 'youtube', 'youtube.force-ssl', 'youtubepartner'];
const CAPTIONS = ['youtube.force-ssl', 'youtubepartner'];
const COMMENT = ['youtube.force-ssl'];
const MAX_THUMBNAIL_BYTES = 50e6;
const MAX_CAPTION_BYTES = 100e6;

/** What belongs to a video that exists: thumbnail, captions, comments (platforms.md 4.4). */
export function addExtras(context: YouTubeContext): void {
	const { emulator, posts, channelOf, only, parts, spend, own, privacy, pick, comments, url } = context;
	const refuse: YouTubeContext['refuse'] = context.refuse;

	emulator.step('thumbnail', 'post', '/upload/youtube/v3/thumbnails/set', (call) => {
		const channel = channelOf(call, UPLOAD);
		only(call, 'videoId', 'uploadType');
		const video = own(call.query['videoId'], channel.id);
		if (channel.account.verified === false) refuse(403, 'forbidden', "The authenticated user doesn't have permissions to upload and set custom video thumbnails.");
		spend(50);
		const mime = call.headers['content-type'] ?? '';
		if (call.body.length === 0) refuse(400, 'mediaBodyRequired', 'The request does not include the image content.');
		if (call.body.length > MAX_THUMBNAIL_BYTES) refuse(413, 'uploadTooLarge', 'Media is too large.');
		const found = imageMime(call.body);
		if (!['image/jpeg', 'image/png', 'application/octet-stream'].includes(mime) || !found || (mime.startsWith('image/') && mime !== found)) {
			refuse(400, 'invalidImage', 'The provided image content is invalid.');
		}
		video.thumbnail = { mime: found, sha256: sha256(call.body) };
		return { status: 200, body: { kind: 'youtube#thumbnailSetResponse', items: [{ default: { url: `${url()}/vi/${video.id}/default.jpg` } }] } };
	});

	const shownCaption = (video: YouTubeVideo, { id, language, name, isDraft, data }: YouTubeCaption) => ({
		kind: 'youtube#caption',
		id,
		snippet: { videoId: video.id, language, name, isDraft, trackKind: 'standard', ...(isSubtitles(data) ? { status: 'serving' } : { status: 'failed', failureReason: 'unknownFormat' }) },
	});

	emulator.step('captions', 'get', '/youtube/v3/captions', (call) => {
		const channel = channelOf(call, CAPTIONS);
		only(call, 'part', 'videoId');
		const given = parts(call, 'captions');
		const video = own(call.query['videoId'], channel.id);
		spend(50);
		return { status: 200, body: { kind: 'youtube#captionListResponse', items: video.captions.map((caption) => pick(shownCaption(video, caption), given)) } };
	});

	emulator.step('caption', 'post', '/upload/youtube/v3/captions', (call) => {
		const channel = channelOf(call, CAPTIONS);
		only(call, 'part', 'uploadType');
		if (call.query['part'] !== 'snippet' || call.query['uploadType'] !== 'multipart') refuse(400, 'badRequest', 'part must be snippet, uploadType multipart');
		spend(400);
		if (call.body.length > MAX_CAPTION_BYTES) refuse(413, 'uploadTooLarge', 'Media is too large.');
		const [head, file, ...more] = relatedParts(call.headers['content-type'], call.body) ?? refuse(400, 'badRequest', 'not multipart/related');
		if (!head || !file || more.length > 0 || !head.mime.startsWith('application/json')) return refuse(400, 'badRequest', 'expected JSON and a file');
		let body: unknown;
		try {
			body = JSON.parse(head.data.toString('utf8'));
		} catch {
			refuse(400, 'parseError', 'The first part is not JSON');
		}
		const { snippet, ...others } = body as { snippet?: Record<string, unknown> };
		const { videoId, language, name, isDraft = false, ...rest } = snippet ?? {};
		const unknown = [...Object.keys(others), ...Object.keys(rest)][0];
		if (unknown) refuse(400, 'invalidMetadata', `Unknown name "${unknown}"`);
		if (typeof language !== 'string' || !/^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/.test(language) || typeof name !== 'string' || typeof isDraft !== 'boolean') {
			return refuse(400, 'invalidMetadata', 'The request contains invalid metadata values.');
		}
		if (name.length > 150) refuse(400, 'nameTooLong', 'The snippet.name is too long.');
		if (file.data.length === 0) refuse(400, 'contentRequired', 'The request does not contain the caption track contents.');
		const video = own(typeof videoId === 'string' ? videoId : undefined, channel.id);
		if (context.captionConflicts && video.captions.some((caption) => caption.language === language && caption.name === name)) {
			refuse(409, 'captionExists', 'The specified video already has a caption track with the given language and name.');
		}
		const caption = { id: randomBytes(12).toString('base64url'), language, name, isDraft, data: file.data };
		video.captions.push(caption);
		return { status: 200, body: shownCaption(video, caption) };
	});

	const shownThread = (video: YouTubeVideo, { id, author, text, at }: YouTubeVideo['comments'][number]) => {
		const snippet = { videoId: video.id, textOriginal: text, textDisplay: text, authorDisplayName: '@demo', authorChannelId: { value: author }, likeCount: 0, publishedAt: at.toISOString() };
		return { kind: 'youtube#commentThread', id, snippet: { channelId: video.channelId, videoId: video.id, topLevelComment: { kind: 'youtube#comment', id, snippet } } };
	};

	emulator.step('comment', 'post', '/youtube/v3/commentThreads', (call) => {
		const channel = channelOf(call, COMMENT);
		comments(1);
		only(call, 'part');
		parts(call, 'commentThreads');
		spend(50);
		const body = jsonObject(call) ?? refuse(400, 'parseError', 'The body is not JSON');
		const { snippet, ...others } = body as { snippet?: { channelId?: unknown; videoId?: unknown; topLevelComment?: { snippet?: { textOriginal?: unknown } } } };
		const unknown = [...Object.keys(others), ...Object.keys(snippet ?? {}).filter((name) => !['channelId', 'videoId', 'topLevelComment'].includes(name))][0];
		if (unknown) refuse(400, 'invalidCommentThreadMetadata', `Unknown name "${unknown}"`);
		if (typeof snippet?.videoId !== 'string' || typeof snippet.channelId !== 'string') return refuse(400, 'channelOrVideoIdMissing');
		const text = snippet.topLevelComment?.snippet?.textOriginal;
		if (typeof text !== 'string' || text.trim() === '') return refuse(400, 'commentTextRequired');
		if (text.length > 10_000) refuse(400, 'commentTextTooLong');
		const video = posts.find((entry) => entry.id === snippet.videoId && entry.channelId === snippet.channelId) ?? refuse(404, 'videoNotFound');
		if (video.status['selfDeclaredMadeForKids'] === true || privacy(video) === 'private') refuse(403, 'commentsDisabled', 'The video has disabled comments.');
		const comment = { id: `Ug${randomBytes(18).toString('base64url')}`, author: channel.id, text, at: new Date(emulator.now()) };
		video.comments.push(comment);
		return { status: 200, body: shownThread(video, comment) };
	});

	emulator.step('comments', 'get', '/youtube/v3/commentThreads', (call) => {
		channelOf(call, COMMENT);
		only(call, 'part', 'videoId', 'order', 'maxResults', 'pageToken', 'textFormat');
		parts(call, 'commentThreads');
		const size = Number(call.query['maxResults'] ?? 20);
		if (!(size >= 1 && size <= 100)) refuse(400, 'invalidParameter', 'maxResults must be 1 to 100');
		const video = posts.find((entry) => entry.id === call.query['videoId']) ?? refuse(404, 'videoNotFound');
		if (video.status['selfDeclaredMadeForKids'] === true) refuse(403, 'commentsDisabled', 'The video has disabled comments.');
		spend(1);
		const offset = Number(call.query['pageToken'] ?? 0);
		const items = video.comments.toReversed().slice(offset, offset + size).map((comment) => shownThread(video, comment));
		return { status: 200, body: { kind: 'youtube#commentThreadListResponse', items, ...(offset + size < video.comments.length ? { nextPageToken: String(offset + size) } : {}) } };
	});

	emulator.step('comment-list', 'get', '/youtube/v3/comments', (call) => {
		channelOf(call, COMMENT);
		only(call, 'part', 'id', 'textFormat');
		parts(call, 'commentThreads');
		spend(1);
		const ids = (call.query['id'] ?? '').split(',').filter(Boolean);
		if (ids.length === 0 || ids.length > 50) refuse(400, 'invalidFilters', 'id must name 1 to 50 comments');
		const items = posts.flatMap((video) => video.comments.filter(({ id }) => ids.includes(id)).map((comment) => shownThread(video, comment).snippet.topLevelComment));
		return { status: 200, body: { kind: 'youtube#commentListResponse', items } };
	});

	emulator.step('comment-delete', 'delete', '/youtube/v3/comments', (call) => {
		const channel = channelOf(call, COMMENT);
		only(call, 'id');
		spend(50);
		const video = posts.find(({ comments }) => comments.some(({ id, author }) => id === call.query['id'] && author === channel.id)) ?? refuse(404, 'commentNotFound');
		video.comments = video.comments.filter(({ id }) => id !== call.query['id']);
		return { status: 204 };
	});
}
