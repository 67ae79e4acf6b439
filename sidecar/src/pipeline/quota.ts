import type { WorkspaceSettings } from '../contract/workspace.ts';
import { updateAsset, type AssetRow } from '../db/assets.ts';
import type { Database, Executor, Transaction } from '../db/database.ts';
import { holdingsOf, lockQuota, type Holdings } from '../db/quota.ts';
import { transact } from '../db/transact.ts';
import { readSettings } from '../db/workspaces.ts';
import { PipelineError } from '../errors.ts';

export type Quotas = WorkspaceSettings['quotas'];

export async function quotasOf(db: Executor, workspaceId: string): Promise<Quotas> {
	return (await readSettings(db, workspaceId)).quotas;
}

/**
 * Throws `quota_exceeded` where the workspace would hold more than it may. Whoever asks must insert, in the same transaction, what
 * counts from then on (`assets.expected_bytes`, `assets.bytes`, `files`). Costs one small query where there is no quota.
 */
export async function reserve(tx: Transaction, workspaceId: string, asked: Partial<Holdings>): Promise<void> {
	if (!asked.bytes && !asked.assets) return;
	const quotas = await quotasOf(tx, workspaceId);
	if (quotas.max_bytes === null && quotas.max_assets === null) return;
	await lockQuota(tx, workspaceId, 'holdings');
	refuseExcess(quotas, await holdingsOf(tx, workspaceId), asked);
}

/** The decision alone. */
export function refuseExcess(quotas: Pick<Quotas, 'max_bytes' | 'max_assets'>, used: Holdings, { bytes = 0, assets = 0 }: Partial<Holdings>): void {
	if (bytes > 0 && quotas.max_bytes !== null && used.bytes + bytes > quotas.max_bytes) throw exceeded('max_bytes', 'bytes', used.bytes, quotas.max_bytes, bytes);
	if (assets > 0 && quotas.max_assets !== null && used.assets + assets > quotas.max_assets) throw exceeded('max_assets', 'assets', used.assets, quotas.max_assets, assets);
}

const exceeded = (quota: string, unit: string, used: number, limit: number, asked: number) =>
	new PipelineError('quota_exceeded', `The workspace has ${used} of ${limit} ${unit}; ${asked} more do not fit. Delete what is no longer needed, or raise the quota ${quota}.`, {
		details: { quota, used, limit, asked },
	});

/**
 * Runs a download that may bring so many bytes as are left (undefined: any number): its size may not be known before. Throws `quota_exceeded`
 * where it is too large for that. What an earlier try of the same asset has set aside does not count.
 */
export async function withinQuota<T>(db: Executor, { id, workspaceId }: Pick<AssetRow, 'id' | 'workspaceId'>, download: (maxBytes: number | undefined) => Promise<T>): Promise<T> {
	const { max_bytes: limit } = await quotasOf(db, workspaceId);
	if (limit === null) return download(undefined);
	await updateAsset(db, id, { expectedBytes: null });
	const { bytes: used } = await holdingsOf(db, workspaceId);
	if (used >= limit) throw exceeded('max_bytes', 'bytes', used, limit, 1);
	try {
		return await download(limit - used);
	} catch (error) {
		if (!(error instanceof PipelineError) || error.code !== 'input_too_large' || error.details?.['max_bytes'] !== limit - used) throw error;
		const asked = error.details['bytes'];
		throw exceeded('max_bytes', 'bytes', used, limit, typeof asked === 'number' ? asked : limit - used + 1);
	}
}

/** Throws `quota_exceeded` where results of so many bytes do not fit. Nothing is set aside: jobs that end at the same moment may together go a little beyond. */
export async function refuseResults(db: Executor, workspaceId: string, bytes: number): Promise<void> {
	if (bytes <= 0) return;
	const quotas = await quotasOf(db, workspaceId);
	if (quotas.max_bytes !== null) refuseExcess(quotas, await holdingsOf(db, workspaceId), { bytes });
}

/** Sets aside what an asset will take, as soon as its size is known: of two downloads that end at once, the second one sees the first. Again: what was set aside before does not count. */
export async function reserveFor(db: Database, asset: Pick<AssetRow, 'id' | 'workspaceId'>, bytes: number): Promise<void> {
	await transact(db, async (tx) => {
		const quotas = await quotasOf(tx, asset.workspaceId);
		if (quotas.max_bytes === null) return;
		await lockQuota(tx, asset.workspaceId, 'holdings');
		await updateAsset(tx, asset.id, { expectedBytes: null });
		refuseExcess(quotas, await holdingsOf(tx, asset.workspaceId), { bytes });
		await updateAsset(tx, asset.id, { expectedBytes: bytes });
	});
}
