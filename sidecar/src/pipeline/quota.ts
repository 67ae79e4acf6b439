import type { WorkspaceSettings } from '../contract/workspace.ts';
import type { Executor, Transaction } from '../db/database.ts';
import { holdingsOf, lockQuota, type Holdings } from '../db/quota.ts';
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

/** Bytes that still fit; null: no limit. For downloads whose size nobody tells. */
export async function bytesLeft(db: Executor, workspaceId: string): Promise<number | null> {
	const { max_bytes: limit } = await quotasOf(db, workspaceId);
	return limit === null ? null : Math.max(0, limit - (await holdingsOf(db, workspaceId)).bytes);
}
