import { and, eq, ne } from 'drizzle-orm';
import type { Transaction } from '../db/database.ts';
import { assets } from '../db/schema.ts';

/** An asset has no bytes any more. Of those that were copies of it the first one has them now: it counts for the quota, and the others are copies of that one. */
export async function passOnBytes(tx: Transaction, workspaceId: string, assetId: string): Promise<void> {
	const copies = and(eq(assets.workspaceId, workspaceId), eq(assets.sameAs, assetId));
	const [heir] = await tx.select({ id: assets.id }).from(assets).where(copies).orderBy(assets.createdAt, assets.id).limit(1).for('update');
	if (!heir) return;
	await tx.update(assets).set({ sameAs: null }).where(eq(assets.id, heir.id));
	await tx.update(assets).set({ sameAs: heir.id }).where(and(copies, ne(assets.id, heir.id)));
}
