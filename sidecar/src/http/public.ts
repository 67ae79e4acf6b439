import { Router } from 'express';
import type { z } from 'zod';
import { publicRequestSchema, type publicAnswerSchema } from '../contract/public.ts';
import { findAsset, type AssetRow } from '../db/assets.ts';
import { isUnderWay, type FileRow } from '../db/jobs.ts';
import { transact } from '../db/transact.ts';
import { PipelineError } from '../errors.ts';
import { wakeAll } from '../pipeline/deps.ts';
import { PUBLIC_KINDS, publicFiles, publishAsset, unpublishAsset, type PublicKind } from '../pipeline/public.ts';
import { submitBatch } from '../pipeline/submit.ts';
import { uuidOf } from './batches.ts';
import type { HttpDeps } from './deps.ts';
import { embedCode } from './player/page.ts';
import { bodyOf, dbOf, workspaceOf } from './request.ts';

/** What makes each kind, where nothing suitable is there yet. */
const MAKERS: Readonly<Record<'video' | 'audio' | 'image', Partial<Record<PublicKind, { operation: string; params: Record<string, unknown> }>>>> = {
	video: { thumb: { operation: 'thumbnail', params: { at: 'best', format: 'webp' } }, preview: { operation: 'preview', params: {} }, master: { operation: 'stream', params: {} } },
	image: { thumb: { operation: 'image_thumbnail', params: {} } },
	audio: {},
};

/** POST, GET and DELETE /api/media/assets/:id/public. Asking again brings what is public up to the newest results. */
export function publicRoutes(deps: HttpDeps): Router {
	const router = Router();
	const wanted = async (id: string, response: Parameters<typeof dbOf>[0]): Promise<AssetRow> => {
		const assetId = uuidOf(id);
		const asset = await findAsset(dbOf(response), workspaceOf(response), assetId);
		if (!asset) throw new PipelineError('not_found', `There is no asset ${assetId} in this workspace.`);
		return asset;
	};

	router.post('/assets/:id/public', async (request, response) => {
		const { make } = bodyOf(publicRequestSchema, request, response);
		const found = await wanted(request.params.id, response);
		if (!found.facts || !found.fileType) throw new PipelineError('conflict', `Asset ${found.id} is not ready: it is ${found.status}. Make it public once it is there.`);
		const { asset, shown } = await publishAsset(deps, dbOf(response), found);
		const missing: Array<{ operation: string; params: Record<string, unknown> }> = [];
		for (const kind of make ? PUBLIC_KINDS : []) {
			const maker = shown.has(kind) ? undefined : MAKERS[found.fileType][kind];
			if (maker && deps.operations.has(maker.operation) && !(await isUnderWay(dbOf(response), asset.id, [maker.operation]))) missing.push(maker);
		}
		const jobIds = missing.length === 0 ? [] : await transact(dbOf(response), async (tx) => {
			const items = missing.map((one) => ({ ...one, asset_id: asset.id, reuse: true }));
			const { jobs } = await submitBatch(deps, tx, { workspaceId: asset.workspaceId, kind: 'batch', items, deadlineSeconds: DEADLINE_SECONDS, priority: 0 });
			return jobs.map(({ id }) => id);
		});
		if (jobIds.length > 0) wakeAll(deps);
		response.json(publicView(deps, asset, shown, jobIds));
	});

	router.get('/assets/:id/public', async (request, response) => {
		const asset = await wanted(request.params.id, response);
		response.json(publicView(deps, asset, asset.publicAt ? await publicFiles(dbOf(response), asset.id) : new Map<PublicKind, FileRow>()));
	});

	router.delete('/assets/:id/public', async (request, response) => {
		const asset = await wanted(request.params.id, response);
		await unpublishAsset(deps, dbOf(response), asset);
		response.json(publicView(deps, { ...asset, publicAt: null }, new Map<PublicKind, FileRow>()));
	});
	return router;
}

/** A day: nobody waits for them. */
const DEADLINE_SECONDS = 86_400;

function publicView({ publicUrl, storage }: HttpDeps, asset: AssetRow, shown: Map<PublicKind, FileRow>, jobIds: string[] = []): z.infer<typeof publicAnswerSchema> {
	const isPublic = asset.publicAt !== null;
	const page = `${publicUrl}/watch/${asset.id}`;
	return {
		asset_id: asset.id,
		public: isPublic,
		public_at: asset.publicAt?.toISOString() ?? null,
		page_url: isPublic ? page : null,
		embed_url: isPublic ? `${publicUrl}/embed/${asset.id}` : null,
		embed_code: isPublic ? embedCode(publicUrl, asset) : null,
		oembed_url: isPublic ? `${publicUrl}/oembed?url=${encodeURIComponent(page)}` : null,
		files: Object.fromEntries([...shown].map(([kind, { storageKey }]) => [kind, storage.publicUrl?.(storageKey) ?? `${publicUrl}/${storageKey}`])),
		job_ids: jobIds,
	};
}
