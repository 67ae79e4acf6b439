import { Refusal } from './emulator.ts';

export interface TikTokAccount {
	openId: string;
	username: string;
	scopes: string[];
	/** What creator_info says. */
	privacyLevels: string[];
	maxVideoSeconds: number;
	commentDisabled: boolean;
	duetDisabled: boolean;
	stitchDisabled: boolean;
	/** True: the profile is private, which an app that was not audited needs. */
	isPrivate: boolean;
}

export interface TikTokRules {
	/** False: the app has not passed TikTok's audit. */
	audited: boolean;
	/** Bytes, the stricter reading of 5 and 64 MB. */
	minChunkBytes: number;
	maxChunkBytes: number;
	/** Hosts that the developer portal knows as the app's own. */
	verifiedHosts: readonly string[];
}

const SCOPES = ['user.info.basic', 'video.publish', 'video.upload', 'video.list'];

/** An account that may do everything. */
export const tiktokAccount = (more: Partial<TikTokAccount> = {}): TikTokAccount => ({
	openId: '-000demoOpenId',
	username: 'demo',
	scopes: SCOPES,
	privacyLevels: ['PUBLIC_TO_EVERYONE', 'MUTUAL_FOLLOW_FRIENDS', 'SELF_ONLY'],
	maxVideoSeconds: 300,
	commentDisabled: false,
	duetDisabled: false,
	stitchDisabled: false,
	isPrivate: false,
	...more,
});

/** HTTP status of each error code, platforms.md 3.6. */
const STATUSES: Record<string, number> = {
	invalid_param: 400,
	invalid_params: 400,
	invalid_publish_id: 400,
	token_not_authorized_for_specified_publish_id: 400,
	publish_not_cancellable: 400,
	access_token_invalid: 401,
	scope_not_authorized: 401,
	rate_limit_exceeded: 429,
	internal_error: 500,
};

export const envelope = (data: unknown, code = 'ok', message = '') => ({ data, error: { code, message, log_id: '20261121100000A1B2C3D4E5F6' } });

/** An answer as TikTok refuses with; at creator_info some codes come with HTTP 200. */
export const tiktokError = (code: string, message = code.replaceAll('_', ' '), status = STATUSES[code] ?? 403) => ({ status, body: envelope({}, code, message) });

export function refuse(code: string, message?: string): never {
	throw new Refusal(tiktokError(code, message));
}

type Fields = Record<string, unknown>;

export const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);

function only(given: Fields, allowed: readonly string[], where: string): void {
	const unknown = Object.keys(given).find((field) => !allowed.includes(field));
	if (unknown) refuse('invalid_params', `unknown field ${where}.${unknown}`);
}

function optional(given: Fields, field: string, type: 'string' | 'boolean' | 'number'): void {
	const value = given[field];
	if (value !== undefined && typeof value !== type) refuse('invalid_params', `${field} must be a ${type}`);
}

const VIDEO_INFO = ['title', 'privacy_level', 'disable_duet', 'disable_stitch', 'disable_comment', 'video_cover_timestamp_ms', 'brand_content_toggle', 'brand_organic_toggle', 'is_aigc'];
const PHOTO_INFO = ['title', 'description', 'privacy_level', 'disable_comment', 'auto_add_music', 'brand_content_toggle', 'brand_organic_toggle'];

/** `post_info` of a post, or of photos that go to the inbox. */
export function checkPostInfo(given: unknown, kind: 'video' | 'photo', direct: boolean, account: TikTokAccount, { audited }: TikTokRules): Fields {
	if (!isFields(given)) return refuse('invalid_params', 'post_info is missing');
	only(given, kind === 'video' ? VIDEO_INFO : PHOTO_INFO, 'post_info');
	for (const field of ['title', 'description', 'privacy_level']) optional(given, field, 'string');
	for (const field of ['disable_duet', 'disable_stitch', 'disable_comment', 'auto_add_music', 'brand_content_toggle', 'brand_organic_toggle', 'is_aigc']) optional(given, field, 'boolean');
	optional(given, 'video_cover_timestamp_ms', 'number');
	const { title = '', description = '', privacy_level: privacy } = given as { title?: string; description?: string; privacy_level?: string };
	if (title.length > (kind === 'video' ? 2200 : 90)) refuse('invalid_params', 'title is too long');
	if (description.length > 4000) refuse('invalid_params', 'description is too long');
	if (!Number.isInteger(given['video_cover_timestamp_ms'] ?? 0)) refuse('invalid_params', 'video_cover_timestamp_ms must be an integer');
	if (!direct) return given;
	if (privacy === undefined) return refuse('invalid_params', 'privacy_level is missing');
	if (!audited && (privacy !== 'SELF_ONLY' || !account.isPrivate)) refuse('unaudited_client_can_only_post_to_private_accounts');
	if (!account.privacyLevels.includes(privacy)) refuse('privacy_level_option_mismatch');
	if (given['brand_content_toggle'] === true && privacy === 'SELF_ONLY') refuse('invalid_params', 'branded content cannot be private');
	return given;
}

export interface Upload {
	size: number;
	chunkSize: number;
	chunks: number;
}

/** `source_info` of a video that is sent in chunks, platforms.md 3.3. */
export function checkFileUpload(given: unknown, { minChunkBytes, maxChunkBytes }: TikTokRules): Upload {
	if (!isFields(given)) return refuse('invalid_params', 'source_info is missing');
	only(given, ['source', 'video_size', 'chunk_size', 'total_chunk_count'], 'source_info');
	if (given['source'] !== 'FILE_UPLOAD') refuse('invalid_params', 'source must be FILE_UPLOAD');
	const { video_size: size, chunk_size: chunkSize, total_chunk_count: chunks } = given;
	const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isInteger(value) && value > 0;
	if (!isCount(size) || !isCount(chunkSize) || !isCount(chunks)) return refuse('invalid_params', 'video_size, chunk_size and total_chunk_count must be positive integers');
	if (size > 4e9) refuse('invalid_params', 'the video is too large');
	if (chunks > 1000 || chunks !== Math.floor(size / chunkSize)) refuse('invalid_params', 'The total chunk count is invalid');
	const whole = chunks === 1 && chunkSize === size && size <= maxChunkBytes;
	if (!whole && (chunks === 1 || chunkSize < minChunkBytes || chunkSize > maxChunkBytes)) refuse('invalid_params', 'The chunk size is invalid');
	return { size, chunkSize, chunks };
}

/** `source_info` of photos, which TikTok fetches. */
export function checkPhotos(given: unknown, { verifiedHosts }: TikTokRules): string[] {
	if (!isFields(given)) return refuse('invalid_params', 'source_info is missing');
	only(given, ['source', 'photo_images', 'photo_cover_index'], 'source_info');
	if (given['source'] !== 'PULL_FROM_URL') refuse('invalid_params', 'source must be PULL_FROM_URL');
	const { photo_images: urls, photo_cover_index: cover = 0 } = given;
	if (!Array.isArray(urls) || urls.length < 1 || urls.length > 35 || !urls.every((url): url is string => typeof url === 'string' && URL.canParse(url))) {
		return refuse('invalid_params', 'photo_images must be 1 to 35 addresses');
	}
	if (typeof cover !== 'number' || !Number.isInteger(cover) || cover < 0 || cover >= urls.length) refuse('invalid_params', 'photo_cover_index is not in photo_images');
	// The stand-in listens on loopback only, where there is no https.
	const isOwn = (url: URL) => (url.protocol === 'https:' || ['127.0.0.1', 'localhost'].includes(url.hostname)) && verifiedHosts.includes(url.hostname);
	if (!urls.every((url) => isOwn(new URL(url)))) refuse('url_ownership_unverified');
	return urls;
}
