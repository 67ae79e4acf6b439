import { pipeline } from 'node:stream/promises';
import { Router, type Request, type RequestHandler, type Response } from 'express';
import { eq } from 'drizzle-orm';
import type { StoredFile } from '../storage/storage.ts';
import { assertKey } from '../storage/keys.ts';
import { verifyFolderLink, verifySignedUrl } from '../storage/signed-url.ts';
import { assets, files } from '../db/schema.ts';
import { PipelineError } from '../errors.ts';
import { mimeOfName } from '../media/package.ts';
import type { HttpDeps } from './deps.ts';

/**
 * GET and HEAD /files/<key>, signed, with ranges (I10), and /packages/<permission>/<key> for everything in the folder of a
 * manifest. A file never changes under its key: the ETag is key and size.
 * Files of a job that still runs may, and are not kept by caches.
 */
export function fileRoutes(deps: HttpDeps): Router {
	const router = Router();
	const answer = async (key: string, request: Request, response: Response): Promise<void> => {
		const stored = await deps.storage.head(key);
		if (!stored) throw new PipelineError('not_found', 'This file is gone.');
		await send(deps, key, stored, await describe(deps, key), request, response);
	};
	router.use(['/files', '/packages'], fromAnyPage);
	router.get('/files/*key', async (request, response) => {
		verifySignedUrl(deps.signingKey, { method: request.method, path: request.path, query: request.query });
		await answer(assertKey(request.path.slice('/files/'.length)), request, response);
	});
	router.get('/packages/*key', async (request, response) => {
		await answer(verifyFolderLink(deps.signingKey, request.path.slice('/packages/'.length)), request, response);
	});
	return router;
}

/** A day: what a page may do with a link changes only with the program. */
const PREFLIGHT_SECONDS = 86_400;

/** Players are part of other pages and fetch with scripts. The link is the permission; cookies play no part. */
export const fromAnyPage: RequestHandler = (request, response, next) => {
	response.set({ 'Access-Control-Allow-Origin': '*', 'Access-Control-Expose-Headers': 'Accept-Ranges, Content-Length, Content-Range, ETag' });
	if (request.method !== 'OPTIONS') return next();
	response
		.set({ 'Access-Control-Allow-Methods': 'GET, HEAD', 'Access-Control-Allow-Headers': 'Range, If-Range, If-None-Match', 'Access-Control-Max-Age': String(PREFLIGHT_SECONDS) })
		.status(204)
		.end();
};

/** Type and name of a stored file; rows that share one (a reused result) say the same. */
async function describe(deps: HttpDeps, key: string): Promise<{ mime: string; name: string; growing?: boolean }> {
	const [file] = await deps.db.select({ mime: files.mime, name: files.name }).from(files).where(eq(files.storageKey, key)).limit(1);
	if (file) return { ...file, name: file.name.split('/').at(-1) ?? file.name };
	const [asset] = await deps.db.select({ mime: assets.mime }).from(assets).where(eq(assets.storageKey, key));
	const name = key.split('/').at(-1) ?? 'file';
	// Of a job that still runs: its manifests name more with every segment.
	return asset ? { mime: asset.mime ?? 'application/octet-stream', name } : { mime: mimeOfName(name), name, growing: true };
}

async function send(deps: HttpDeps, key: string, stored: StoredFile, { mime, name, growing }: Awaited<ReturnType<typeof describe>>, request: Request, response: Response): Promise<void> {
	const etag = `"${Buffer.from(`${key}:${stored.bytes}`).toString('base64url').slice(-40)}"`;
	response.set({
		'Accept-Ranges': 'bytes',
		'Cache-Control': growing ? 'no-store' : 'private, max-age=3600',
		'Content-Disposition': `inline; filename="${name}"`,
		'Content-Type': mime,
		ETag: etag,
		'Last-Modified': stored.modifiedAt.toUTCString(),
		'X-Content-Type-Options': 'nosniff',
		// Whatever the content is, opened as a page it may show itself and do nothing. (`sandbox` would keep browsers from
		// playing a video: its origin would then be none.)
		'Content-Security-Policy': "default-src 'none'; media-src 'self'; img-src 'self'; style-src 'unsafe-inline'",
		'Cross-Origin-Resource-Policy': 'cross-origin',
	});
	if (request.get('if-none-match') === etag) {
		response.status(304).end();
		return;
	}
	// A range applies only to the representation the client means (RFC 9110, 13.1.5).
	const ifRange = request.get('if-range');
	const ranges = ifRange !== undefined && ifRange !== etag && ifRange !== stored.modifiedAt.toUTCString() ? undefined : request.range(stored.bytes);
	if (ranges === -1) {
		response.status(416).set('Content-Range', `bytes */${stored.bytes}`).end();
		return;
	}
	const [range] = Array.isArray(ranges) && ranges.type === 'bytes' && ranges.length === 1 ? ranges : [];
	if (range) response.status(206).set('Content-Range', `bytes ${range.start}-${range.end}/${stored.bytes}`);
	response.set('Content-Length', String(range ? range.end - range.start + 1 : stored.bytes));
	if (request.method === 'HEAD' || stored.bytes === 0) {
		response.end();
		return;
	}
	try {
		await pipeline(await deps.storage.read(key, range), response);
	} catch (error) {
		// The client went away, or the disk failed in the middle: the headers are out, all that is left is to cut the line.
		deps.log.debug({ err: error }, 'a file was not sent whole');
		response.destroy();
	}
}
