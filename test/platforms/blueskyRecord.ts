import { createHash } from 'node:crypto';

/** A file that the account's server has. */
export interface Blob {
	cid: string;
	mime: string;
	size: number;
}

/** A file as it hangs on a post. */
export interface Attached {
	blob: Blob;
	alt: string | null;
	aspectRatio: { width: number; height: number } | null;
}

/** What of a record people see. */
export interface ReadPost {
	text: string;
	media: Attached[];
	card: { uri: string; title: string; description: string; thumb: Blob | null } | null;
	captions: Array<{ lang: string; blob: Blob }>;
	links: string[];
	mentions: string[];
	tags: string[];
	langs: string[];
	labels: string[];
	reply: { root: string; parent: string } | null;
}

export interface RecordContext {
	blob(cid: string): Blob | undefined;
	knowsDid(did: string): boolean;
	maxVideoBytes: number;
}

/** A record that the lexicon refuses; `error` is the name in the answer. */
export class BadRecord extends Error {
	readonly error: string;
	constructor(message: string, error = 'InvalidRequest') {
		super(message);
		this.error = error;
	}
}

type Json = Record<string, unknown>;
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
const DATETIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;
const LANGUAGE = /^(i|[a-z]{2,3})(-[a-zA-Z0-9]+)*$/;
const AT_URI = /^at:\/\/did:[a-z]+:[A-Za-z0-9._:%-]+\/[a-zA-Z.]+\/[A-Za-z0-9._~:-]+$/;
const CID = /^baf[a-z2-7]{20,}$/;
const SELF_LABELS = ['!no-unauthenticated', 'porn', 'sexual', 'nudity', 'graphic-media'];
const MAX_IMAGE_BYTES = 2_000_000;
const MAX_THUMB_BYTES = 1_000_000;
const MAX_CAPTION_BYTES = 20_000;

const fail = (path: string, why: string): never => {
	throw new BadRecord(`Invalid app.bsky.feed.post record: Record/${path} ${why}`);
};

/** Base32 as content ids have it. */
export function base32(bytes: Uint8Array): string {
	let bits = 0n;
	for (const byte of bytes) bits = (bits << 8n) | BigInt(byte);
	const digits = Math.ceil((bytes.length * 8) / 5);
	bits <<= BigInt(digits * 5 - bytes.length * 8);
	return Array.from({ length: digits }, (_, at) => 'abcdefghijklmnopqrstuvwxyz234567'[Number((bits >> BigInt((digits - 1 - at) * 5)) & 31n)]).join('');
}

/** Id of a file: CIDv1, raw, SHA-256. */
export const blobCid = (sha256: Buffer): string => `b${base32(Buffer.concat([Buffer.from([0x01, 0x55, 0x12, 0x20]), sha256]))}`;

/** Id of a record. The real one hashes DAG-CBOR; here JSON with sorted keys, which tells records apart as well. */
export const recordCid = (record: unknown): string =>
	`b${base32(Buffer.concat([Buffer.from([0x01, 0x71, 0x12, 0x20]), createHash('sha256').update(JSON.stringify(sorted(record))).digest()]))}`;

function sorted(value: unknown): unknown {
	if (Array.isArray(value)) return value.map(sorted);
	if (typeof value !== 'object' || value === null) return value;
	return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, entry]) => [key, sorted(entry)]));
}

/** Reads a record of `app.bsky.feed.post`; refuses what the lexicon refuses, and every field that it does not know. */
export function readPost(record: Json, context: RecordContext): ReadPost {
	only(record, '', ['$type', 'text', 'facets', 'embed', 'langs', 'tags', 'labels', 'reply', 'createdAt']);
	if (record['$type'] !== 'app.bsky.feed.post') throw new BadRecord(`Invalid $type: expected app.bsky.feed.post, got ${String(record['$type'])}`);
	const text = limited(record['text'], 'text', 3000, 300);
	if (typeof record['createdAt'] !== 'string' || !DATETIME.test(record['createdAt']) || Number.isNaN(Date.parse(record['createdAt']))) fail('createdAt', 'must be an valid atproto datetime');
	const langs = list(record['langs'], 'langs', 3).map((lang) => language(lang, 'langs'));
	const tags = list(record['tags'], 'tags', 8).map((tag) => limited(tag, 'tags', 640, 64));
	const facets = list(record['facets'], 'facets', 10_000).map((facet, index) => readFacet(facet, `facets/${index}`, text, context));
	const pick = (kind: 'link' | 'mention' | 'tag') => facets.flatMap((facet) => (facet.kind === kind ? [facet.value] : []));
	const embed = record['embed'] === undefined ? null : readEmbed(object(record['embed'], 'embed'), context);
	if (text === '' && !embed) fail('text', 'must not be empty without an embed');
	return {
		text,
		media: embed?.media ?? [],
		card: embed?.card ?? null,
		captions: embed?.captions ?? [],
		links: pick('link'),
		mentions: pick('mention'),
		tags: [...pick('tag'), ...tags],
		langs,
		labels: record['labels'] === undefined ? [] : readLabels(object(record['labels'], 'labels')),
		reply: record['reply'] === undefined ? null : readReply(object(record['reply'], 'reply')),
	};
}

function readFacet(value: unknown, path: string, text: string, context: RecordContext): { kind: 'link' | 'mention' | 'tag'; value: string } {
	const facet = object(value, path);
	only(facet, path, ['$type', 'index', 'features']);
	const index = object(facet['index'], `${path}/index`);
	only(index, `${path}/index`, ['$type', 'byteStart', 'byteEnd']);
	const bytes = Buffer.from(text);
	const start = integer(index['byteStart'], `${path}/index/byteStart`, 0);
	const end = integer(index['byteEnd'], `${path}/index/byteEnd`, 0);
	if (start >= end || end > bytes.length) fail(`${path}/index`, 'is outside of the text');
	const slice = bytes.subarray(start, end);
	const shown = slice.toString('utf8');
	if (!Buffer.from(shown).equals(slice)) fail(`${path}/index`, 'cuts a character in two');
	const features = list(facet['features'], `${path}/features`, 1);
	const feature = object(features[0], `${path}/features/0`);
	if (feature['$type'] === 'app.bsky.richtext.facet#link') {
		only(feature, path, ['$type', 'uri']);
		const { uri } = feature;
		if (typeof uri !== 'string' || !/^https?:\/\//.test(uri) || !URL.canParse(uri)) return fail(`${path}/features/0/uri`, 'must be a uri');
		if (uri !== shown && uri !== `https://${shown}`) fail(`${path}/index`, `shows "${shown}", not the link`);
		return { kind: 'link', value: uri };
	}
	if (feature['$type'] === 'app.bsky.richtext.facet#mention') {
		only(feature, path, ['$type', 'did']);
		const { did } = feature;
		if (typeof did !== 'string' || !context.knowsDid(did)) return fail(`${path}/features/0/did`, 'must be a valid did');
		if (!shown.startsWith('@')) fail(`${path}/index`, `shows "${shown}", not the mention`);
		return { kind: 'mention', value: did };
	}
	if (feature['$type'] === 'app.bsky.richtext.facet#tag') {
		only(feature, path, ['$type', 'tag']);
		const tag = limited(feature['tag'], `${path}/features/0/tag`, 640, 64);
		if (shown !== `#${tag}` && shown !== `＃${tag}`) fail(`${path}/index`, `shows "${shown}", not the tag`);
		return { kind: 'tag', value: tag };
	}
	return fail(`${path}/features/0`, 'is of an unknown type');
}

function readEmbed(embed: Json, context: RecordContext): Pick<ReadPost, 'media' | 'card' | 'captions'> {
	const none = { media: [], card: null, captions: [] };
	switch (embed['$type']) {
		case 'app.bsky.embed.images': {
			only(embed, 'embed', ['$type', 'images']);
			const images = list(embed['images'], 'embed/images', 4);
			return { ...none, media: images.map((image, at) => readImage(image, `embed/images/${at}`, context, false)) };
		}
		case 'app.bsky.embed.gallery': {
			only(embed, 'embed', ['$type', 'items']);
			const items = list(embed['items'], 'embed/items', 20);
			return {
				...none,
				media: items.map((item, at) => {
					if (object(item, `embed/items/${at}`)['$type'] !== 'app.bsky.embed.gallery#image') fail(`embed/items/${at}`, 'is of an unknown type');
					return readImage(item, `embed/items/${at}`, context, true);
				}),
			};
		}
		case 'app.bsky.embed.video': {
			only(embed, 'embed', ['$type', 'video', 'alt', 'captions', 'aspectRatio', 'presentation']);
			const { alt = null, presentation } = embed;
			if (alt !== null && typeof alt !== 'string') return fail('embed/alt', 'must be a string');
			if (presentation !== undefined && presentation !== 'default' && presentation !== 'gif') fail('embed/presentation', 'is not known');
			const captions = list(embed['captions'], 'embed/captions', 20).map((value, at) => {
				const caption = object(value, `embed/captions/${at}`);
				only(caption, `embed/captions/${at}`, ['$type', 'lang', 'file']);
				return { lang: language(caption['lang'], `embed/captions/${at}/lang`), blob: readBlob(caption['file'], `embed/captions/${at}/file`, context, 'text/vtt', MAX_CAPTION_BYTES) };
			});
			const blob = readBlob(embed['video'], 'embed/video', context, 'video/mp4', context.maxVideoBytes);
			return { ...none, media: [{ blob, alt, aspectRatio: readRatio(embed['aspectRatio'], 'embed/aspectRatio') }], captions };
		}
		case 'app.bsky.embed.external': {
			only(embed, 'embed', ['$type', 'external']);
			const card = object(embed['external'], 'embed/external');
			only(card, 'embed/external', ['$type', 'uri', 'title', 'description', 'thumb']);
			const { uri, title, description, thumb } = card;
			if (typeof uri !== 'string' || !URL.canParse(uri)) return fail('embed/external/uri', 'must be a uri');
			if (typeof title !== 'string') return fail('embed/external', 'must have the property "title"');
			if (typeof description !== 'string') return fail('embed/external', 'must have the property "description"');
			return { ...none, card: { uri, title, description, thumb: thumb === undefined ? null : readBlob(thumb, 'embed/external/thumb', context, 'image/', MAX_THUMB_BYTES) } };
		}
		default:
			return fail('embed', `$type must be one of the known embeds, got ${String(embed['$type'])}`);
	}
}

function readImage(value: unknown, path: string, context: RecordContext, needsRatio: boolean): Attached {
	const image = object(value, path);
	only(image, path, ['$type', 'image', 'alt', 'aspectRatio']);
	if (typeof image['alt'] !== 'string') return fail(path, 'must have the property "alt"');
	if (needsRatio && image['aspectRatio'] === undefined) fail(path, 'must have the property "aspectRatio"');
	return { blob: readBlob(image['image'], `${path}/image`, context, 'image/', MAX_IMAGE_BYTES), alt: image['alt'], aspectRatio: readRatio(image['aspectRatio'], `${path}/aspectRatio`) };
}

function readBlob(value: unknown, path: string, context: RecordContext, accept: string, maxBytes: number): Blob {
	const blob = object(value, path);
	only(blob, path, ['$type', 'ref', 'mimeType', 'size']);
	const ref = object(blob['ref'], `${path}/ref`);
	const { $link: cid } = ref;
	if (blob['$type'] !== 'blob' || typeof cid !== 'string' || !CID.test(cid)) return fail(path, 'should be a blob ref');
	if (typeof blob['mimeType'] !== 'string' || !blob['mimeType'].startsWith(accept)) fail(path, `mime type must be ${accept}, got ${String(blob['mimeType'])}`);
	const size = integer(blob['size'], `${path}/size`, 0);
	if (size > maxBytes) fail(path, `is too large: ${size} bytes, at most ${maxBytes}`);
	const known = context.blob(cid);
	if (!known) throw new BadRecord(`Could not find blob: ${cid}`, 'BlobNotFound');
	if (known.mime !== blob['mimeType']) throw new BadRecord(`Referenced MimeType does not match stored blob. Expected: ${known.mime}, Got: ${blob['mimeType'] as string}`, 'InvalidMimeType');
	if (known.size !== size) throw new BadRecord(`Referenced size does not match stored blob. Expected: ${known.size}, Got: ${size}`, 'InvalidSize');
	return known;
}

function readRatio(value: unknown, path: string): Attached['aspectRatio'] {
	if (value === undefined) return null;
	const ratio = object(value, path);
	only(ratio, path, ['$type', 'width', 'height']);
	return { width: integer(ratio['width'], `${path}/width`, 1), height: integer(ratio['height'], `${path}/height`, 1) };
}

function readLabels(labels: Json): string[] {
	only(labels, 'labels', ['$type', 'values']);
	if (labels['$type'] !== 'com.atproto.label.defs#selfLabels') fail('labels', '$type must be com.atproto.label.defs#selfLabels');
	return list(labels['values'], 'labels/values', 10).map((entry, at) => {
		const { val } = object(entry, `labels/values/${at}`);
		return typeof val === 'string' && SELF_LABELS.includes(val) ? val : fail(`labels/values/${at}/val`, 'is no label that authors may give');
	});
}

function readReply(reply: Json): { root: string; parent: string } {
	only(reply, 'reply', ['$type', 'root', 'parent']);
	const strong = (name: 'root' | 'parent') => {
		const ref = object(reply[name], `reply/${name}`);
		only(ref, `reply/${name}`, ['$type', 'uri', 'cid']);
		if (typeof ref['uri'] !== 'string' || !AT_URI.test(ref['uri'])) return fail(`reply/${name}/uri`, 'must be a valid at-uri');
		if (typeof ref['cid'] !== 'string' || !CID.test(ref['cid'])) return fail(`reply/${name}/cid`, 'must be a cid string');
		return `${ref['uri']} ${ref['cid']}`;
	};
	return { root: strong('root'), parent: strong('parent') };
}

function only(value: Json, path: string, fields: readonly string[]): void {
	const unknown = Object.keys(value).find((field) => !fields.includes(field));
	if (unknown !== undefined) fail(path, `has the unknown property "${unknown}"`);
}

function object(value: unknown, path: string): Json {
	return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : fail(path, 'must be an object');
}

function list(value: unknown, path: string, max: number): unknown[] {
	if (value === undefined) return [];
	if (!Array.isArray(value)) return fail(path, 'must be an array');
	if (value.length > max) fail(path, `must not have more than ${max} elements`);
	return value as unknown[];
}

function integer(value: unknown, path: string, min: number): number {
	return typeof value === 'number' && Number.isSafeInteger(value) && value >= min ? value : fail(path, `must be an integer of at least ${min}`);
}

function language(value: unknown, path: string): string {
	return typeof value === 'string' && LANGUAGE.test(value) ? value : fail(path, 'must be a well-formed BCP 47 language tag');
}

function limited(value: unknown, path: string, bytes: number, characters: number): string {
	if (typeof value !== 'string') return fail(path, 'must be a string');
	if (Buffer.byteLength(value) > bytes) fail(path, `must not be longer than ${bytes} characters`);
	if ([...graphemes.segment(value)].length > characters) fail(path, `must not be longer than ${characters} graphemes`);
	return value;
}
