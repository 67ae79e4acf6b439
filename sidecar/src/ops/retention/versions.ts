import { desc, eq } from 'drizzle-orm';
import { unreferencedKeys } from '../../db/reuse.ts';
import { assetVersions } from '../../db/schema.ts';
import { transact } from '../../db/transact.ts';
import { passOnBytes } from '../../pipeline/pass-on-bytes.ts';
import type { Place, Rule } from './rule.ts';

/** Superseded originals (I11: versioned raw files). */
export const versions: Rule = {
	name: 'versions',
	about: 'Superseded versions of originals: all but the newest `retention.versions`, and those older than `retention.raw_days`.',
	async *find({ deps, workspaceId, settings: { retention }, now }: Place) {
		const { raw_days: days, versions: most } = retention;
		const rows = await deps.db.select().from(assetVersions).where(eq(assetVersions.workspaceId, workspaceId)).orderBy(assetVersions.assetId, desc(assetVersions.version));
		const kept = new Map<string, number>();
		for (const row of rows) {
			const place = (kept.get(row.assetId) ?? 0) + 1;
			kept.set(row.assetId, place);
			const isOld = days !== null && now.getTime() - row.createdAt.getTime() > days * 86_400_000;
			if (place <= most && !isOld) continue;
			yield {
				what: row.storageKey,
				bytes: row.bytes ?? 0,
				reason: place > most ? `${most} superseded versions are kept (retention.versions)` : `it was superseded more than ${days} days ago (retention.raw_days)`,
				apply: async () => {
					const gone = await transact(deps.db, async (tx) => {
						const deleted = await tx.delete(assetVersions).where(eq(assetVersions.id, row.id)).returning({ id: assetVersions.id });
						if (deleted.length > 0) await passOnBytes(tx, workspaceId, row.assetId, row.storageKey);
						return deleted;
					});
					for (const key of await unreferencedKeys(deps.db, [row.storageKey])) await deps.storage.delete(key);
					return gone.length > 0;
				},
			};
		}
	},
};
