import { and, eq, inArray } from 'drizzle-orm';
import type { Transaction } from '../db/database.ts';
import { assets } from '../db/schema.ts';

/**
 * An asset does not have its bytes any more; `storageKey`: those of this earlier version of it. Of the copies of each of its versions the first one has
 * them now: it counts for the quota, and the others are copies of that one.
 */
export async function passOnBytes(tx: Transaction, workspaceId: string, assetId: string, storageKey?: string): Promise<void> {
	const copies = await tx
		.select({ id: assets.id, key: assets.storageKey })
		.from(assets)
		.where(and(eq(assets.workspaceId, workspaceId), eq(assets.sameAs, assetId), storageKey === undefined ? undefined : eq(assets.storageKey, storageKey)))
		.orderBy(assets.createdAt, assets.id)
		.for('update');
	for (const key of new Set(copies.map((copy) => copy.key))) {
		const [heir, ...others] = copies.flatMap((copy) => (copy.key === key ? [copy.id] : []));
		if (heir === undefined) continue;
		await tx.update(assets).set({ sameAs: null }).where(eq(assets.id, heir));
		if (others.length > 0) await tx.update(assets).set({ sameAs: heir }).where(inArray(assets.id, others));
	}
}
