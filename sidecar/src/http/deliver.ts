import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Request, RequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import { PipelineError } from '../errors.ts';
import { contentDisposition } from '../net/file-name.ts';
import type { Storage, StoredFile } from '../storage/storage.ts';
import { wantedRanges, type ByteRange } from './ranges.ts';
import { openLocal, type LocalFile } from './send-local.ts';

/** How bytes reach those who ask for them. Set by DELIVERY and its siblings (config.ts). */
export interface DeliverySettings {
	/** proxy: through this process. redirect: 302 to a link of the store, where it has such links. x-accel: nginx sends what lies on this disk. */
	mode: 'proxy' | 'redirect' | 'x-accel';
	/** The internal location of nginx that shows the folder of the files, with slashes around it. */
	xAccelPrefix: string;
	/** Origins whose scripts may read files; `*`: all. */
	corsOrigins: string[];
}

export interface Delivered {
	key: string;
	mime: string;
	name: string;
	attachment?: boolean;
	/** immutable: anyone may keep it for ever, its content never changes under this address. private: nobody keeps it. Else a value of Cache-Control. */
	caching: 'immutable' | 'private' | { control: string };
	/** Until when the permission lasts; links of the store itself last no longer. Absent: there is no end. */
	expiresAt?: Date;
	/** Its content names other files relative to its own address: it must keep that address. */
	stays?: boolean;
}

export type Deliver = (file: Delivered, request: Request, response: Response) => Promise<void>;

/** A year, the longest that RFC 9111's ancestors advise. */
const IMMUTABLE = 'public, max-age=31536000, immutable';
/** How long a link of the store lasts that somebody is sent to at once. A video is fetched in many requests to the same link. */
const DIRECT_SECONDS = 6 * 3600;
/** A day: what a page may do with a link changes only with the program. */
const PREFLIGHT_SECONDS = 86_400;
/** Without one byte taken. As long as nginx waits (send_timeout); players that were paused ask for the rest when they go on. */
const STALLED_MS = 60_000;
const OF_THE_FILE = ['Accept-Ranges', 'Content-Disposition', 'Content-Length', 'Content-Range', 'Content-Type', 'ETag', 'Last-Modified'];

/**
 * Sends stored files (I10): ranges, one or several; conditions; HEAD. A file never changes under its key, so its size and time tell
 * one content from another.
 */
export function createDeliver({ storage, log, delivery }: { storage: Storage; log: Logger; delivery: DeliverySettings }, stalledMs = STALLED_MS): Deliver {
	return async (file, request, response) => {
		const path = storage.localPath(file.key);
		const local = path === null ? null : await openLocal(path);
		try {
			const stored = local ? { key: file.key, bytes: local.bytes, modifiedAt: local.modifiedAt } : await storage.head(file.key);
			if (!stored) throw new PipelineError('not_found', 'This file is gone.');
			await answer(file, stored, local, request, response);
		} finally {
			local?.close();
		}
	};

	async function answer(file: Delivered, stored: StoredFile, local: LocalFile | null, request: Request, response: Response): Promise<void> {
		response.set(headersOf(file, stored));
		if (delivery.mode === 'x-accel' && local) {
			// nginx reads the conditions and ranges of the request itself, by an ETag of its own: that is the one which clients know.
			response.removeHeader('ETag');
			response.set('X-Accel-Redirect', delivery.xAccelPrefix + file.key).end();
			return;
		}
		// RFC 9110, 13.2.2: the conditions come before the range.
		if (!isMeant(request, response)) {
			for (const name of ['Content-Type', 'Content-Disposition']) response.removeHeader(name);
			response.status(412).end();
			return;
		}
		if (isFresh(request, response)) {
			response.removeHeader('Content-Type');
			response.status(304).end();
			return;
		}
		if (delivery.mode === 'redirect' && request.method === 'GET' && !file.stays) {
			const link = await directLink(storage, file);
			if (link) {
				response.removeHeader('Content-Type');
				response.set('Cache-Control', 'no-store').redirect(302, link);
				return;
			}
		}
		// Who takes nothing for so long does not keep a file open and memory filled.
		response.setTimeout(stalledMs);
		const source = async (range: ByteRange): Promise<void> => (local ? local.send(response, range) : sendStream(await storage.read(file.key, range), response, range));
		await send(source, stored, file.mime, request, response).catch((error: unknown) => {
			if (!response.headersSent && !response.destroyed) {
				// What was said of the file is not true of the error.
				for (const name of OF_THE_FILE) response.removeHeader(name);
				throw error;
			}
			// The client went away, or the disk failed in the middle: the headers are out, all that is left is to cut the line.
			log.debug({ err: error }, 'a file was not sent whole');
			response.destroy();
		});
	}
}

/**
 * What a store sends, where it is exactly the range that was announced: one byte more or less, and on a connection that is kept
 * the reader takes it for the beginning, or the next answer for the end.
 */
async function sendStream(stream: Readable, response: Response, { start, end }: ByteRange): Promise<void> {
	const wanted = end - start + 1;
	let came = 0;
	const counted = async function* (source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
		for await (const chunk of source) {
			came += chunk.length;
			if (came > wanted) break;
			yield chunk;
		}
		if (came !== wanted) throw new PipelineError('storage_failed', 'The store sent another number of bytes than it has of this file. Try again.');
	};
	await pipeline(stream, counted, response, { end: false });
}

async function directLink(storage: Storage, { key, mime, name, attachment, expiresAt }: Delivered): Promise<string | null> {
	const soon = Date.now() + DIRECT_SECONDS * 1000;
	const until = new Date(Math.min(soon, expiresAt?.getTime() ?? soon));
	return (await storage.direct(key)?.get(key, { expiresAt: until, mime, name, attachment: attachment ?? false })) ?? null;
}

function headersOf({ name, mime, attachment, caching }: Delivered, { bytes, modifiedAt }: StoredFile): Record<string, string> {
	return {
		'Accept-Ranges': 'bytes',
		'Cache-Control': caching === 'immutable' ? IMMUTABLE : caching === 'private' ? 'private, no-store' : caching.control,
		'Content-Disposition': contentDisposition(name, attachment ?? false),
		'Content-Type': mime,
		ETag: `"${bytes.toString(36)}-${Math.floor(modifiedAt.getTime()).toString(36)}"`,
		'Last-Modified': modifiedAt.toUTCString(),
		'X-Content-Type-Options': 'nosniff',
		// Whatever the content is, opened as a page it may show itself and do nothing. (`sandbox` would keep browsers from
		// playing a video: its origin would then be none.)
		'Content-Security-Policy': "default-src 'none'; media-src 'self'; img-src 'self'; style-src 'unsafe-inline'",
		'Cross-Origin-Resource-Policy': 'cross-origin',
	};
}

/** Whether it is the content that the client wants the rest of (RFC 9110, 13.1.1 and 13.1.4). */
function isMeant(request: Request, response: Response): boolean {
	const tags = request.get('if-match');
	if (tags !== undefined) return tags.split(',').some((tag) => tag.trim() === '*' || tag.trim() === response.get('ETag'));
	const since = Date.parse(request.get('if-unmodified-since') ?? '');
	return Number.isNaN(since) || since >= Date.parse(response.get('Last-Modified') ?? '');
}

/** Whether the client has it already (RFC 9110, 13.1). Not `request.fresh` of Express: it gives up at `Cache-Control: no-cache`, which speaks to caches, and which `fetch` of Node adds. */
function isFresh(request: Request, response: Response): boolean {
	const tags = request.get('if-none-match');
	if (tags !== undefined) return tags.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === response.get('ETag'));
	const since = Date.parse(request.get('if-modified-since') ?? '');
	return since >= Date.parse(response.get('Last-Modified') ?? '');
}

/** A range holds only for the content that the client means (RFC 9110, 13.1.5): by a strong ETag, or by the exact date. */
function rangeOf(request: Request, response: Response): string | undefined {
	const condition = request.get('if-range');
	return condition === undefined || condition === response.get('ETag') || condition === response.get('Last-Modified') ? request.get('range') : undefined;
}

async function send(source: (range: ByteRange) => Promise<void>, { bytes }: StoredFile, mime: string, request: Request, response: Response): Promise<void> {
	const wanted = wantedRanges(rangeOf(request, response), bytes);
	if (wanted.kind === 'none') {
		response.removeHeader('Content-Type');
		response.status(416).set({ 'Content-Range': `bytes */${bytes}`, 'Content-Length': '0' }).end();
		return;
	}
	const parts = wanted.kind === 'several' ? multipart(wanted.ranges, bytes, mime, response) : [{ before: '', range: wanted.kind === 'one' ? wanted.range : { start: 0, end: bytes - 1 } }];
	const [first] = parts;
	if (wanted.kind !== 'several' && first) {
		if (wanted.kind === 'one') response.status(206).set('Content-Range', `bytes ${first.range?.start}-${first.range?.end}/${bytes}`);
		response.set('Content-Length', String(first.range ? first.range.end - first.range.start + 1 : 0));
	}
	if (request.method === 'HEAD' || bytes === 0) {
		response.end();
		return;
	}
	for (const { before, range } of parts) {
		if (before) response.write(before);
		if (range) await source(range);
	}
	response.end();
}

/** The parts of a `multipart/byteranges` body (RFC 9110, 14.6): what stands before each, and its bytes. */
function multipart(ranges: ByteRange[], bytes: number, mime: string, response: Response): Array<{ before: string; range?: ByteRange }> {
	const boundary = randomBytes(18).toString('hex');
	const parts: Array<{ before: string; range?: ByteRange }> = ranges.map((range) => ({
		before: `\r\n--${boundary}\r\nContent-Type: ${mime}\r\nContent-Range: bytes ${range.start}-${range.end}/${bytes}\r\n\r\n`,
		range,
	}));
	parts.push({ before: `\r\n--${boundary}--\r\n` });
	const length = parts.reduce((sum, { before, range }) => sum + before.length + (range ? range.end - range.start + 1 : 0), 0);
	response.status(206).set({ 'Content-Type': `multipart/byteranges; boundary=${boundary}`, 'Content-Length': String(length) });
	return parts;
}

/** Players are part of other pages and fetch with scripts. The link is the permission; cookies play no part. */
export function crossOrigin({ corsOrigins }: Pick<DeliverySettings, 'corsOrigins'>): RequestHandler {
	const all = corsOrigins.includes('*');
	return (request, response, next) => {
		const origin = request.get('origin');
		if (!all) response.vary('Origin');
		const allowed = all ? '*' : origin !== undefined && corsOrigins.includes(origin) ? origin : null;
		if (allowed) response.set({ 'Access-Control-Allow-Origin': allowed, 'Access-Control-Expose-Headers': 'Accept-Ranges, Content-Length, Content-Range, ETag' });
		if (request.method !== 'OPTIONS') return next();
		if (allowed) response.set({ 'Access-Control-Allow-Methods': 'GET, HEAD', 'Access-Control-Allow-Headers': 'Range, If-Range, If-None-Match, If-Modified-Since', 'Access-Control-Max-Age': String(PREFLIGHT_SECONDS) });
		response.status(204).end();
	};
}
