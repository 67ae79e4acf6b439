import type { Answer } from './emulator.ts';

/** What YouTube says of the fields of a request (platforms.md 4.3 to 4.5). Written apart from the sidecar's own checks: each checks the other. */
export interface Finding {
	reason: string;
	message: string;
}

export const GRANULE = 262_144;
export const PREFIX = 'https://www.googleapis.com/auth/';
/** Of the resources that can be read. */
export const PARTS: Record<string, string[]> = {
	channels: ['id', 'snippet', 'status', 'contentDetails', 'statistics'],
	videos: ['id', 'snippet', 'status', 'processingDetails', 'statistics', 'contentDetails'],
	captions: ['id', 'snippet'],
	playlistItems: ['id', 'snippet', 'contentDetails', 'status'],
	commentThreads: ['id', 'snippet'],
};

const FIELDS: Record<string, string[]> = {
	snippet: ['title', 'description', 'tags', 'categoryId', 'defaultLanguage', 'defaultAudioLanguage'],
	status: ['privacyStatus', 'publishAt', 'selfDeclaredMadeForKids', 'containsSyntheticMedia', 'embeddable', 'license', 'publicStatsViewable'],
	recordingDetails: ['recordingDate'],
};
/** Categories that may be given to a video, of the United States. */
const CATEGORIES = ['1', '2', '10', '15', '17', '19', '20', '22', '23', '24', '25', '26', '27', '28', '29'];
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
const LANGUAGE = /^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/;

type Fields = Record<string, unknown>;
const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Null: as it should be. */
export function findingOfVideo(body: Fields, parts: readonly string[]): Finding | null {
	const unknownPart = parts.find((part) => !(part in FIELDS));
	if (unknownPart) return { reason: 'unknownPart', message: `'${unknownPart}'` };
	for (const [part, fields] of Object.entries(body)) {
		const known = FIELDS[part];
		if (!known || !parts.includes(part)) return { reason: 'unexpectedPart', message: `'${part}'` };
		if (!isFields(fields)) return { reason: 'invalidVideoMetadata', message: `${part} must be an object` };
		const unknown = Object.keys(fields).find((field) => !known.includes(field));
		if (unknown) return { reason: 'badRequest', message: `Invalid JSON payload received. Unknown name "${unknown}" at '${part}'` };
	}
	return findingOfSnippet(body['snippet']) ?? findingOfStatus(isFields(body['status']) ? body['status'] : {});
}

function findingOfSnippet(snippet: unknown): Finding | null {
	if (!isFields(snippet)) return { reason: 'invalidTitle', message: 'The request metadata specifies an invalid or empty video title.' };
	const { title, description = '', tags = [], categoryId = '22' } = snippet;
	if (typeof title !== 'string' || title.trim() === '' || [...title].length > 100 || /[<>]/.test(title)) {
		return { reason: 'invalidTitle', message: 'The request metadata specifies an invalid or empty video title.' };
	}
	if (typeof description !== 'string' || Buffer.byteLength(description) > 5000 || /[<>]/.test(description)) {
		return { reason: 'invalidDescription', message: 'The request metadata specifies an invalid video description.' };
	}
	if (!Array.isArray(tags) || !tags.every((tag): tag is string => typeof tag === 'string' && tag !== '' && !/[<>,]/.test(tag)) || lengthOfTags(tags) > 500) {
		return { reason: 'invalidTags', message: 'The request metadata specifies invalid video keywords.' };
	}
	if (typeof categoryId !== 'string' || !CATEGORIES.includes(categoryId)) {
		return { reason: 'invalidCategoryId', message: 'The snippet.categoryId property specifies an invalid category ID.' };
	}
	for (const field of ['defaultLanguage', 'defaultAudioLanguage']) {
		const value = snippet[field];
		if (value !== undefined && (typeof value !== 'string' || !LANGUAGE.test(value))) return { reason: 'invalidVideoMetadata', message: `${field} is invalid` };
	}
	return null;
}

/** Commas between tags count, and a tag with a blank counts as if it stood in quotes. */
function lengthOfTags(tags: string[]): number {
	let length = 0;
	for (const tag of tags) length += (length > 0 ? 1 : 0) + [...tag].length + (/\s/.test(tag) ? 2 : 0);
	return length;
}

function findingOfStatus(status: Fields): Finding | null {
	const { privacyStatus = 'public', publishAt, license = 'youtube' } = status;
	if (!['public', 'unlisted', 'private'].includes(String(privacyStatus))) return { reason: 'invalidVideoMetadata', message: 'privacyStatus is invalid' };
	if (publishAt !== undefined && (typeof publishAt !== 'string' || !TIME.test(publishAt) || privacyStatus !== 'private')) {
		return { reason: 'invalidPublishAt', message: 'The request metadata specifies an invalid scheduled publishing time.' };
	}
	if (!['youtube', 'creativeCommon'].includes(String(license))) return { reason: 'invalidVideoMetadata', message: 'license is invalid' };
	for (const field of ['selfDeclaredMadeForKids', 'containsSyntheticMedia', 'embeddable', 'publicStatsViewable']) {
		if (status[field] !== undefined && typeof status[field] !== 'boolean') return { reason: 'invalidVideoMetadata', message: `${field} must be true or false` };
	}
	return null;
}

/** `bytes 0-524287/2000000`, or `bytes * /2000000` for a probe; null: neither. */
export function contentRange(header: string | undefined): { start: number; end: number; total: number } | { end: null; total: number } | null {
	const match = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+)$/.exec(header ?? '');
	if (!match) return null;
	const total = Number(match[3]);
	return match[1] === undefined ? { end: null, total } : { start: Number(match[1]), end: Number(match[2]) + 1, total };
}

export interface RelatedPart {
	mime: string;
	data: Buffer;
}

/** The parts of a multipart/related body; null when it is not a well-formed one. */
export function relatedParts(contentType: string | undefined, body: Buffer): RelatedPart[] | null {
	const boundary = /^multipart\/related;\s*boundary="?([^";]+)"?$/.exec(contentType ?? '')?.[1];
	if (!boundary) return null;
	const pieces = body.toString('latin1').split(`--${boundary}`);
	if (pieces.length < 3 || pieces[0] !== '' || !/^--\s*$/.test(pieces.at(-1)!)) return null;
	const parts: RelatedPart[] = [];
	for (const piece of pieces.slice(1, -1)) {
		const match = /^\r\n([^]*?)\r\n\r\n([^]*)\r\n$/.exec(piece);
		const mime = match && /^content-type:\s*([^\r\n]+)/im.exec(match[1]!)?.[1];
		if (!match || !mime) return null;
		parts.push({ mime: mime.trim(), data: Buffer.from(match[2]!, 'latin1') });
	}
	return parts;
}

/** SubRip or WebVTT, told by their first lines. */
export const isSubtitles = (data: Buffer): boolean => /^(\uFEFF?WEBVTT|\uFEFF?\s*\d+\r?\n\d\d:\d\d:\d\d,\d{3} --> )/.test(data.toString('utf8'));

export function imageMime(data: Buffer): string | null {
	if (data.subarray(0, 3).equals(Buffer.from([0xff, 0xd8, 0xff]))) return 'image/jpeg';
	return data.subarray(0, 8).equals(Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])) ? 'image/png' : null;
}

const STATUSES: Record<number, string> = { 400: 'INVALID_ARGUMENT', 401: 'UNAUTHENTICATED', 403: 'PERMISSION_DENIED', 404: 'NOT_FOUND', 409: 'ALREADY_EXISTS', 429: 'RESOURCE_EXHAUSTED' };

/** An error answer of Google's APIs. */
export function googleError(code: number, reason: string, message = reason, headers: Record<string, string> = {}): Answer {
	const domain = /quota|limit/i.test(reason) ? 'youtube.quota' : 'youtube.video';
	return { status: code, headers, body: { error: { code, message, errors: [{ message, domain, reason }], status: STATUSES[code] ?? 'INTERNAL' } } };
}
