import express, { Router, type Request, type Response } from 'express';
import { parse } from '../contract/parse.ts';
import { partsRequestSchema } from '../contract/requests.ts';
import { findUpload, type UploadRow } from '../db/uploads.ts';
import { PipelineError } from '../errors.ts';
import { abortDirect, beginParts, completeDirect } from '../pipeline/uploads.ts';
import { assetView } from '../pipeline/views.ts';
import { verifyUploadPath } from '../storage/upload-link.ts';
import type { HttpDeps } from './deps.ts';
import { uploadsFromAnyPage } from './uploads.ts';

/** Links to parts are asked for again as they are needed; each lasts an hour (requirement I2), and never longer than the permission. */
const PART_LINK_MS = 3_600_000;

/**
 * What belongs to an upload that goes straight to the store, below /direct-uploads/<permission>/<asset>: links to its parts, its end, and giving it up.
 * The permission in the path is all that is needed.
 */
export function directUploadRoutes(deps: HttpDeps): Router {
	const router = Router();
	router.use('/direct-uploads', uploadsFromAnyPage('POST'));
	router.post('/direct-uploads/:permission/:asset/parts', express.json({ limit: '1kb' }), async (request, response) => {
		const upload = await uploadOf(deps, request);
		const { from, count } = parse(partsRequestSchema, (request.body as unknown) ?? {});
		if (upload.protocol !== 'multipart') throw new PipelineError('conflict', 'This upload was not signed for parts (protocol "multipart").');
		const { key, uploadId, store } = await beginParts(deps, upload);
		const last = Math.ceil(upload.bytes / store.partBytes);
		if (from > last) throw new PipelineError('invalid_request', `from: this upload has ${last} parts (given: ${from}).`, { details: { field: 'from' } });
		const expiresAt = new Date(Math.min(Date.now() + PART_LINK_MS, upload.expiresAt.getTime()));
		const numbers = Array.from({ length: Math.min(count, last - from + 1) }, (_, index) => from + index);
		const parts = await Promise.all(
			numbers.map(async (part) => {
				const bytes = Math.min(store.partBytes, upload.bytes - (part - 1) * store.partBytes);
				const { url, method, headers } = await store.signPart(key, uploadId, part, { expiresAt, bytes });
				return { part, upload_url: url, method, headers, bytes };
			}),
		);
		const next = from + parts.length;
		noStore(response).json({ parts, next: next > last ? null : next, expires_at: expiresAt.toISOString() });
	});
	router.post('/direct-uploads/:permission/:asset/complete', async (request, response) => {
		const { assetId } = await uploadOf(deps, request);
		noStore(response).json(assetView(await completeDirect(deps, assetId), [], deps.fileUrl));
	});
	router.post('/direct-uploads/:permission/:asset/abort', async (request, response) => {
		const { assetId } = await uploadOf(deps, request);
		noStore(response).json(assetView(await abortDirect(deps, assetId), [], deps.fileUrl));
	});
	return router;
}

async function uploadOf(deps: HttpDeps, request: Request): Promise<UploadRow> {
	const { permission = '', asset = '' } = request.params as Record<string, string>;
	const upload = await findUpload(deps.db, verifyUploadPath(deps.signingKey, 'direct', permission, asset));
	if (!upload) throw new PipelineError('not_found', 'This upload is gone.');
	return upload;
}

const noStore = (response: Response): Response => response.set('Cache-Control', 'no-store');
