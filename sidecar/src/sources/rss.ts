import { createHash } from 'node:crypto';
import { z } from 'zod';
import { PipelineError } from '../errors.ts';
import { failureOfStatus } from '../net/download.ts';
import { fileNameOf } from '../net/file-name.ts';
import { describeUrl } from '../net/guard.ts';
import { guardedRequest, type GuardedResponse, type Headers } from '../net/http.ts';
import { NetError } from '../net/net-error.ts';
import { readCursor, writeCursor } from './cursor.ts';
import { readFeedApart } from './feed-apart.ts';
import type { Feed, FeedFile, FeedItem } from './feed.ts';
import { whyNoMedia } from './media-kind.ts';
import type { ListFrom, ListPlace, SourceEntry, SourceListing } from './source.ts';

/** The longest podcast feeds have a few megabytes. */
const MAX_FEED_BYTES = 8 * 1024 * 1024;
const TIMEOUT_MS = 60_000;
const MAX_REDIRECTS = 5;
const MAX_TEXT = 5000;
/** What a cursor can remember (contract/sources.ts); the longest podcasts have some thousand episodes. */
const MOST_FILES = 20_000;

const state = z.object({
	/** For the next question, so that an unchanged feed is not sent again. Null while there is more of this one. */
	etag: z.string().max(1000).nullable(),
	modified: z.string().max(1000).nullable(),
	/** What the feed held and was given out: short hashes of the versions. */
	seen: z.array(z.string().max(20)).max(MOST_FILES),
});

const mark = (version: string): string => createHash('sha256').update(version).digest('base64url').slice(0, 11);

/** Files of the entries of a feed, those it names first (the newest, mostly) first. The cursor tells afterwards what is new. */
export const listFeed: ListFrom<Extract<ListPlace, { type: 'rss' }>> = async ({ place, cursor, limit, signal }, settings) => {
	const before = readCursor('rss', state, cursor);
	const where = describeUrl(settings.guard.check(place.url));
	const conditions: Headers = { ...(before?.etag ? { 'If-None-Match': before.etag } : {}), ...(before?.modified ? { 'If-Modified-Since': before.modified } : {}) };
	const answer = await guardedRequest({
		guard: settings.guard,
		url: place.url,
		headers: { Accept: 'application/rss+xml, application/atom+xml, application/feed+json, application/xml;q=0.9, */*;q=0.5', ...conditions },
		signal,
		timeoutMs: TIMEOUT_MS,
		maxResponseBytes: MAX_FEED_BYTES,
		maxRedirects: MAX_REDIRECTS,
	}).catch((error: unknown) => {
		signal.throwIfAborted();
		if (error instanceof NetError) throw new PipelineError('input_unreachable', `The feed was not reached: ${error.message}`, { cause: error });
		throw error;
	});
	if (answer.status === 304 && before) return { entries: [], skipped: [], cursor, hasMore: false };
	const failure = failureOfStatus(answer.status, answer.headers, where);
	if (failure) throw failure;
	if (answer.truncated) throw new PipelineError('input_too_large', `The feed at ${where} is larger than ${MAX_FEED_BYTES / 1024 / 1024} MB. Use a feed of fewer entries.`, { details: { max_bytes: MAX_FEED_BYTES } });

	const found = filesOf(await parse(answer, where, signal), answer.url);
	if (found.length > MOST_FILES) throw new PipelineError('input_too_large', `The feed at ${where} names ${found.length} files; at most ${MOST_FILES} can be kept apart. Use a feed of fewer entries.`, { details: { max_entries: MOST_FILES } });
	const seen = new Set(before?.seen);
	const fresh = found.filter(({ version }) => !seen.has(mark(version)));
	const page = fresh.slice(0, limit);
	const hasMore = fresh.length > page.length;
	const given = new Set(page.map(({ version }) => version));
	const next: z.infer<typeof state> = {
		etag: hasMore ? null : (answer.headers['etag'] ?? null),
		modified: hasMore ? null : (answer.headers['last-modified'] ?? null),
		seen: found.filter(({ version }) => given.has(version) || seen.has(mark(version))).map(({ version }) => mark(version)),
	};
	const listing: SourceListing = { entries: [], skipped: [], cursor: writeCursor('rss', next), hasMore };
	for (const one of page) {
		if ('reason' in one) listing.skipped.push({ name: one.name, reason: one.reason });
		else listing.entries.push(one);
	}
	return listing;
};

async function parse({ body, headers }: GuardedResponse, where: string, signal: AbortSignal): Promise<Feed> {
	let text: string;
	try {
		text = new TextDecoder(charsetOf(headers['content-type'] ?? '', body)).decode(body);
	} catch (error) {
		throw new PipelineError('input_unsupported', `The feed at ${where} is written in an unknown character set.`, { cause: error });
	}
	try {
		return await readFeedApart(text, signal);
	} catch (error) {
		signal.throwIfAborted();
		const isPage = /^\s*(<!doctype html|<html)/i.test(body.subarray(0, 500).toString('latin1'));
		throw new PipelineError('input_unsupported', `${where} is no feed that can be read (RSS, Atom, RDF or JSON Feed)${isPage ? ': it is a web page. Pages often name their feed in the head, as <link rel="alternate" type="application/rss+xml">' : ''}.`, { cause: error });
	}
}

/** RFC 7303: the byte order mark first (TextDecoder sees to that for UTF-8), then the header, then the XML declaration. */
function charsetOf(contentType: string, body: Buffer): string {
	const [first, second] = body;
	if (first === 0xff && second === 0xfe) return 'utf-16le';
	if (first === 0xfe && second === 0xff) return 'utf-16be';
	const declared = /^\s*<\?xml[^>]*\bencoding=["']([\w.-]+)["']/i.exec(body.subarray(0, 200).toString('latin1'));
	return /charset="?([\w.-]+)/i.exec(contentType)?.[1] ?? declared?.[1] ?? 'utf-8';
}

type Found = SourceEntry | { version: string; name: string; reason: string };

function filesOf(feed: Feed, url: URL): Found[] {
	const all = new Map<string, Found>();
	for (const item of feed.items) {
		const files = distinct(item, url);
		for (const [index, { file, address }] of files.entries()) {
			// Addresses often carry marks that change; the guid is what the publisher keeps.
			const version = item.id === null ? address : files.length > 1 ? `${item.id}#${index}` : item.id;
			if (!all.has(version)) all.set(version, describe(feed, item, file, address, version));
		}
	}
	return [...all.values()];
}

/** The files of an entry, absolute and once each; pictures that go along with a sound or video are left out. */
function distinct(item: FeedItem, url: URL): Array<{ file: FeedFile; address: string }> {
	const base = item.base && URL.canParse(item.base, url.href) ? new URL(item.base, url.href).href : url.href;
	const files = new Map<string, FeedFile>();
	for (const file of item.files) {
		if (!URL.canParse(file.url, base)) continue;
		const address = new URL(file.url, base).href;
		if (!files.has(address)) files.set(address, file);
	}
	const all = [...files].map(([address, file]) => ({ file, address }));
	const others = all.filter(({ file }) => file.medium !== 'image' && !file.mime?.startsWith('image/'));
	return others.length > 0 ? others : all;
}

function describe(feed: Feed, item: FeedItem, file: FeedFile, address: string, version: string): Found {
	const name = fileNameOf(undefined, new URL(address), 'file');
	const reason = !/^https?:/.test(address) ? 'Its address is neither http:// nor https://.' : file.medium === 'document' || file.medium === 'executable' ? `It is a ${file.medium}, not media.` : whyNot(file, name);
	if (reason) return { version, name, reason };
	const text = (value: string | null): string | null => value?.slice(0, MAX_TEXT) ?? null;
	const metadata = {
		title: text(file.title ?? item.title),
		description: text(item.description),
		author: text(item.author),
		link: webAddress(item.link, address),
		guid: text(item.id),
		feed: text(feed.title),
		duration_seconds: file.seconds,
	};
	return {
		place: { type: 'url', url: address },
		name,
		bytes: file.bytes,
		mime: file.mime,
		modifiedAt: item.at,
		version,
		metadata: Object.fromEntries(Object.entries(metadata).filter(([, value]) => value !== null)),
	};
}

/** People click on it. */
function webAddress(link: string | null, base: string): string | null {
	const url = link !== null && URL.canParse(link, base) ? new URL(link, base) : null;
	return url && /^https?:$/.test(url.protocol) ? url.href : null;
}

/** An enclosure is media by its nature: only a type that says otherwise is believed. */
const whyNot = ({ mime, medium }: FeedFile, name: string): string | null => (mime === null || medium !== null || /octet-stream/.test(mime) ? null : whyNoMedia(name, mime));
