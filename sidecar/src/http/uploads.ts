import { randomUUID } from 'node:crypto';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { PassThrough } from 'node:stream';
import { Router, type Request } from 'express';
import { signRequestSchema } from '../contract/requests.ts';
import { findAsset, insertAssets, lockAsset, updateAsset } from '../db/assets.ts';
import { insertJobs } from '../db/jobs.ts';
import { transact } from '../db/transact.ts';
import { PipelineError } from '../errors.ts';
import { safeFileName } from '../net/file-name.ts';
import { wakeAll } from '../pipeline/deps.ts';
import { ingestJob } from '../pipeline/media-reference.ts';
import { enqueue } from '../pipeline/requeue.ts';
import { assetView } from '../pipeline/views.ts';
import { incomingKey } from '../storage/keys.ts';
import { signedUrl, verifySignedUrl } from '../storage/signed-url.ts';
import type { HttpDeps } from './deps.ts';
import { bodyOf, create, workspaceOf } from './request.ts';

/** What may be uploaded; the content is checked again by its magic number once it is here. */
const MEDIA = /^(video|audio|image)\/[\w.+-]+$|^application\/(mp4|ogg|octet-stream)$/;

/** POST /api/media/sign (I2): an asset, and a link to PUT its bytes to. */
export function signRoutes(deps: HttpDeps): Router {
	const router = Router();
	router.post('/sign', async (request, response) => {
		const body = bodyOf(signRequestSchema, request, response);
		if (body.file_size > deps.maxFileBytes) throw tooLarge(deps.maxFileBytes, body.file_size);
		if (!MEDIA.test(body.mime_type)) {
			throw new PipelineError('input_unsupported', `mime_type: ${body.mime_type.slice(0, 60)} is not accepted. Expected video/…, audio/… or image/….`, { details: { field: 'mime_type' } });
		}
		await create(deps, request, response, async (tx) => {
			const workspaceId = workspaceOf(response);
			const id = randomUUID();
			const metadata = { ...body.metadata, file_name: safeFileName(body.file_name) };
			await insertAssets(tx, [{ id, workspaceId, source: 'upload', status: 'uploading', mime: body.mime_type, metadata, ingestJobId: randomUUID() }]);
			const expiresAt = new Date(Date.now() + deps.uploadUrlTtlSeconds * 1000);
			return {
				status: 201,
				body: {
					asset_id: id,
					upload_url: signedUrl(deps.signingKey, deps.publicUrl, { method: 'PUT', path: `/uploads/${workspaceId}/${id}`, expiresAt, maxBytes: body.file_size }),
					method: 'PUT',
					headers: { 'content-type': body.mime_type },
					expires_at: expiresAt.toISOString(),
				},
			};
		});
	});
	return router;
}

/** PUT to the signed link. The signature is the permission; no API key is asked for, so a browser can do it. */
export function uploadRoutes(deps: HttpDeps): Router {
	const router = Router();
	router.put('/uploads/:workspace/:asset', async (request, response) => {
		const { maxBytes } = verifySignedUrl(deps.signingKey, { method: request.method, path: request.path, query: request.query });
		const limit = maxBytes ?? deps.maxFileBytes;
		const declared = Number(request.get('content-length') ?? Number.NaN);
		if (declared > limit) throw tooLarge(limit, declared);
		const asset = await findAsset(deps.db, request.params.workspace, request.params.asset);
		if (!asset) throw new PipelineError('not_found', 'The asset of this upload link is gone.');
		if (asset.status !== 'uploading') throw used();
		// A key of its own for each try: of two uploads at once the slower one must not replace what was checked already.
		const key = incomingKey(asset.workspaceId, `${asset.id}-${randomUUID()}`);
		const stored = await receiveBody(deps, request, key, limit);
		const row = await transact(deps.db, async (tx) => {
			if ((await lockAsset(tx, asset.id))?.status !== 'uploading') return null;
			const updated = await updateAsset(tx, asset.id, { storageKey: key, bytes: stored.bytes, status: 'queued' });
			await enqueue(deps, tx, await insertJobs(tx, [ingestJob(deps.vault, asset, { type: 'upload' }, 0)]));
			return updated;
		});
		if (!row) {
			await deps.storage.delete(key);
			throw used();
		}
		wakeAll(deps);
		response.status(201).json(assetView(row, [], deps.fileUrl));
	});
	return router;
}

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
	new PipelineError('input_too_large', `The file is too large: at most ${limit} bytes are allowed here (given: ${given}). MAX_FILE_BYTES sets the limit.`, {
		details: { limit_bytes: limit, given_bytes: given },
	});
