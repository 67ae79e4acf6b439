import { randomUUID } from 'node:crypto';
import { PassThrough, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Router, type Request, type RequestHandler } from 'express';
import { findAsset } from '../db/assets.ts';
import { PipelineError } from '../errors.ts';
import { arrive } from '../pipeline/uploads.ts';
import { assetView } from '../pipeline/views.ts';
import { incomingKey } from '../storage/keys.ts';
import { verifySignedUrl } from '../storage/signed-url.ts';
import { uuidOf } from './batches.ts';
import type { HttpDeps } from './deps.ts';

/** PUT to the signed link. The signature is the permission; no API key is asked for, so a browser can do it. */
export function uploadRoutes(deps: HttpDeps): Router {
	const router = Router();
	/** By asset: requests that bring its bytes now. */
	const bringing = new Map<string, number>();
	router.use('/uploads', uploadsFromAnyPage('PUT'));
	router.put('/uploads/:workspace/:asset', async (request, response) => {
		const { maxBytes } = verifySignedUrl(deps.signingKey, { method: request.method, path: request.path, query: request.query });
		const expected = maxBytes ?? deps.maxFileBytes;
		const declared = Number(request.get('content-length') ?? Number.NaN);
		if (declared > expected) throw tooLarge(expected, declared);
		const asset = await findAsset(deps.db, request.params.workspace, uuidOf(request.params.asset));
		if (!asset) throw new PipelineError('not_found', 'The asset of this upload link is gone.');
		if (asset.status !== 'uploading') throw used();
		// A key of its own for each try: of two uploads at once the slower one must not replace what was checked already.
		const key = incomingKey(asset.workspaceId, `${asset.id}-${randomUUID()}`);
		const { bytes } = await oneOfFew(bringing, asset.id, () => receiveBody(deps, request, key, expected));
		const row = bytes === expected ? await arrive(deps, asset.id, { key, bytes }) : null;
		if (!row) {
			await deps.storage.delete(key);
			throw bytes === expected ? used() : tooShort(expected, bytes);
		}
		response.status(201).json(assetView(row, [], deps.fileUrl));
	});
	return router;
}

/** A try that hangs and one beside it. More would only fill the disk: what was promised of the quota is for one. */
const AT_ONCE = 2;

async function oneOfFew<T>(running: Map<string, number>, id: string, work: () => Promise<T>): Promise<T> {
	const others = running.get(id) ?? 0;
	if (others >= AT_ONCE) throw new PipelineError('conflict', `${others} uploads to this link are under way. Wait for them to end.`);
	running.set(id, others + 1);
	try {
		return await work();
	} finally {
		const left = (running.get(id) ?? 1) - 1;
		if (left > 0) running.set(id, left);
		else running.delete(id);
	}
}

/** A day: what a page may do with a link changes only with the program. */
const PREFLIGHT_SECONDS = 86_400;

/** Pages of any origin may upload: the link is the permission; cookies play no part. */
export const uploadsFromAnyPage =
	(method: 'PUT' | 'POST'): RequestHandler =>
	(request, response, next) => {
		response.set('Access-Control-Allow-Origin', '*');
		if (request.method !== 'OPTIONS') return next();
		response.set({ 'Access-Control-Allow-Methods': method, 'Access-Control-Allow-Headers': 'Content-Type', 'Access-Control-Max-Age': String(PREFLIGHT_SECONDS) }).status(204).end();
	};

/** Streams the body into storage and cuts it off past the limit; nothing is left of an upload that breaks. */
async function receiveBody(deps: HttpDeps, request: Request, key: string, limit: number): Promise<{ bytes: number }> {
	let bytes = 0;
	const counted = new Transform({
		transform(chunk: Buffer, _encoding, done) {
			bytes += chunk.length;
			done(bytes > limit ? tooLarge(limit, bytes) : null, chunk);
		},
	});
	const out = new PassThrough();
	// Both are awaited: the error of either side is the one the caller sees, and neither is left unhandled.
	const [received, stored] = await Promise.allSettled([pipeline(request, counted, out), deps.storage.putStream(key, out)]);
	if (received.status === 'rejected') {
		if (received.reason instanceof PipelineError) throw received.reason;
		throw new PipelineError('input_unreachable', 'The upload was cut off. Send it again to the same link.', { cause: received.reason });
	}
	if (stored.status === 'rejected') throw stored.reason;
	return { bytes: stored.value.bytes };
}

const used = () => new PipelineError('conflict', 'This upload link has been used. Ask for a new one (POST /api/media/sign).');

const tooLarge = (limit: number, given: number) =>
	new PipelineError('input_too_large', `The file is too large: this link is for ${limit} bytes (given: ${given}). Ask for a link for the size of the file (POST /api/media/sign).`, {
		details: { limit_bytes: limit, given_bytes: given },
	});

const tooShort = (expected: number, given: number) =>
	new PipelineError('input_corrupt', `The file is too short: this link is for exactly ${expected} bytes (given: ${given}). Send the whole file to the same link.`, {
		details: { expected_bytes: expected, given_bytes: given },
	});
