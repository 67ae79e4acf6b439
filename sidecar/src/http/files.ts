import { pipeline } from 'node:stream/promises';
import { Router, type Request, type Response } from 'express';
import { eq } from 'drizzle-orm';
import type { StoredFile } from '../storage/storage.ts';
import { assertKey } from '../storage/keys.ts';
import { verifySignedUrl } from '../storage/signed-url.ts';
import { assets, files } from '../db/schema.ts';
import { PipelineError } from '../errors.ts';
import type { HttpDeps } from './deps.ts';

/** GET and HEAD /files/<key>, signed, with ranges (I10). A file never changes under its key: the ETag is key and size. */
export function fileRoutes(deps: HttpDeps): Router {
	const router = Router();
	router.get('/files/*key', async (request, response) => {
		verifySignedUrl(deps.signingKey, { method: request.method, path: request.path, query: request.query });
		const key = assertKey(request.path.slice('/files/'.length));
		const stored = await deps.storage.head(key);
		if (!stored) throw new PipelineError('not_found', 'This file is gone.');
		await send(deps, key, stored, await describe(deps, key), request, response);
	});
	return router;
}

async function describe(deps: HttpDeps, key: string): Promise<{ mime: string; name: string }> {
	const [file] = await deps.db.select({ mime: files.mime, name: files.name }).from(files).where(eq(files.storageKey, key));
	if (file) return file;
	const [asset] = await deps.db.select({ mime: assets.mime }).from(assets).where(eq(assets.storageKey, key));
	return { mime: asset?.mime ?? 'application/octet-stream', name: key.split('/').at(-1) ?? 'file' };
}

async function send(deps: HttpDeps, key: string, stored: StoredFile, { mime, name }: { mime: string; name: string }, request: Request, response: Response): Promise<void> {
	const etag = `"${Buffer.from(`${key}:${stored.bytes}`).toString('base64url').slice(-40)}"`;
	response.set({
		'Accept-Ranges': 'bytes',
		'Cache-Control': 'private, max-age=3600',
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
