import { randomUUID } from 'node:crypto';
import { findAsset } from '../db/assets.ts';
import { insertCallback } from '../db/callbacks.ts';
import type { Transaction } from '../db/database.ts';
import { PipelineError } from '../errors.ts';
import { sha256 } from '../secrets.ts';
import type { PipelineDeps } from './deps.ts';
import { refusePublishing } from './publishable.ts';

export interface DistributeRequest {
	asset_id: string;
	platforms?: string[] | undefined;
	text?: string | undefined;
	metadata?: Record<string, unknown> | undefined;
}

/** Has n8n's distribute workflow publish an asset that is there already. */
export async function triggerDistribute(deps: PipelineDeps, tx: Transaction, workspaceId: string, request: DistributeRequest): Promise<{ asset_id: string; message: string }> {
	const url = deps.triggers.distribute;
	if (!url) {
		throw new PipelineError('invalid_request', 'posts: give the posts to publish, or set N8N_DISTRIBUTE_WEBHOOK_URL to have the n8n workflow do it.');
	}
	const asset = await findAsset(tx, workspaceId, request.asset_id);
	if (!asset) throw new PipelineError('not_found', `asset_id: there is no asset ${request.asset_id} in this workspace.`);
	await refusePublishing(tx, asset, 'asset_id');
	if (!asset.facts) throw new PipelineError('conflict', 'asset_id: the media of this asset is not stored yet. Wait until it is ready.');
	const { platforms, text, metadata } = request;
	await insertCallback(tx, {
		id: randomUUID(),
		workspaceId,
		kind: 'distribute',
		assetId: asset.id,
		url: deps.vault.seal(url),
		urlHash: sha256(url),
		payload: { ...(platforms ? { platforms } : {}), ...(text !== undefined ? { text } : {}), ...(metadata ? { metadata: { ...asset.metadata, ...metadata } } : {}) },
	});
	return { asset_id: asset.id, message: 'Distribution triggered in n8n' };
}
