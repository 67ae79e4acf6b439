import { Router } from 'express';
import { assetChangeSchema, assetQuerySchema, type AssetChange } from '../contract/assets.ts';
import { parse } from '../contract/parse.ts';
import { findAsset, lockAsset, updateAsset, type AssetRow, type NewAsset } from '../db/assets.ts';
import type { Executor } from '../db/database.ts';
import { listAssets } from '../db/list-assets.ts';
import { replaceTags } from '../db/tags.ts';
import { recordEvents } from '../db/events.ts';
import { transact } from '../db/transact.ts';
import { PipelineError } from '../errors.ts';
import { readAssetView } from '../pipeline/asset-view.ts';
import { removeAsset } from '../pipeline/delete-asset.ts';
import { columnsOfDetails } from '../pipeline/media-reference.ts';
import { uuidOf } from './batches.ts';
import type { HttpDeps } from './deps.ts';
import { bodyOf, dbOf, workspaceOf } from './request.ts';

/** GET /api/media/assets; GET, PATCH and DELETE /api/media/assets/:id (I12). */
export function assetRoutes(deps: HttpDeps): Router {
	const router = Router();
	const view = (db: Executor, asset: AssetRow) => readAssetView(db, asset, deps.fileUrl);

	router.get('/assets', async (request, response) => {
		const { rows, nextCursor } = await listAssets(dbOf(response), workspaceOf(response), parse(assetQuerySchema, filledIn(request.query)));
		response.json({ assets: await Promise.all(rows.map((row) => view(dbOf(response), row))), next_cursor: nextCursor });
	});

	router.get('/assets/:id', async (request, response) => {
		const asset = await findAsset(dbOf(response), workspaceOf(response), uuidOf(request.params.id));
		if (!asset) throw missing(request.params.id);
		response.json(await view(dbOf(response), asset));
	});

	router.patch('/assets/:id', async (request, response) => {
		const id = uuidOf(request.params.id);
		const change = bodyOf(assetChangeSchema, request, response);
		const row = await transact(dbOf(response), async (tx) => {
			const before = await lockAsset(tx, id);
			if (!before || before.workspaceId !== workspaceOf(response)) throw missing(id);
			if (change.tags) await replaceTags(tx, before, 'person', change.tags.map((tag) => ({ tag })));
			const after = await updateAsset(tx, id, columnsOf(change, before));
			await recordEvents(tx, [{ workspaceId: before.workspaceId, type: 'asset.updated', assetId: id, data: { fields: Object.keys(change) } }]);
			return after;
		});
		if (!row) throw missing(id);
		deps.wake.events();
		// What it is found by follows what it says of itself; that is stored already, and must not be undone by a model that does not answer.
		await deps.reindex(row).catch((error: unknown) => deps.log.warn({ err: error, asset_id: id }, 'an asset that was changed could not be indexed anew'));
		response.json(await view(dbOf(response), row));
	});

	router.delete('/assets/:id', async (request, response) => {
		const id = uuidOf(request.params.id);
		const removed = await removeAsset(deps, dbOf(response), workspaceOf(response), id);
		if (!removed) throw missing(id);
		response.json({ asset_id: id, deleted: true, ...removed });
	});

	return router;
}

const missing = (id: string) => new PipelineError('not_found', `There is no asset ${id} in this workspace.`);

/** A form sends all of its fields: those that are empty ask for nothing. */
const filledIn = (given: Record<string, unknown>): Record<string, unknown> => Object.fromEntries(Object.entries(given).filter(([, value]) => value !== ''));

function columnsOf({ metadata, ...details }: AssetChange, before: AssetRow): Partial<NewAsset> {
	const merged = metadata && Object.fromEntries(Object.entries({ ...before.metadata, ...metadata }).filter(([, value]) => value !== null));
	return { ...columnsOfDetails(details), ...(merged ? { metadata: merged } : {}) };
}
