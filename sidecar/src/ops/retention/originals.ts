import { and, eq, gt, isNotNull, or } from 'drizzle-orm';
import { findAsset, type AssetRow } from '../../db/assets.ts';
import { assets } from '../../db/schema.ts';
import { applyOriginalsPolicy, originalAction } from '../../pipeline/originals.ts';
import type { Place, Rule } from './rule.ts';

const PAGE = 200;

/** What the policy of the workspace (`originals`) does with originals once they are old enough (I7, I9). */
export const originals: Rule = {
	name: 'originals',
	about: 'Originals that the policy `originals` archives or lets go, after `retention.raw_days`.',
	async *find({ deps, workspaceId, settings, now }: Place) {
		for (let after = '00000000-0000-0000-0000-000000000000'; ; ) {
			const rows: AssetRow[] = await deps.db
				.select()
				.from(assets)
				.where(and(eq(assets.workspaceId, workspaceId), gt(assets.id, after), or(isNotNull(assets.originalKey), eq(assets.originalState, 'stored'))))
				.orderBy(assets.id)
				.limit(PAGE);
			for (const row of rows) {
				const todo = originalAction(row, settings, now) && (await applyOriginalsPolicy(deps, row, settings, { dryRun: true, now }));
				if (!todo) continue;
				yield {
					what: todo.key,
					bytes: todo.bytes ?? 0,
					reason: `${todo.action}: ${todo.reason}`,
					apply: async () => {
						const fresh = await findAsset(deps.db, workspaceId, row.id);
						return fresh !== null && (await applyOriginalsPolicy(deps, fresh, settings, { now })) !== null;
					},
				};
			}
			const last = rows.at(-1);
			if (!last || rows.length < PAGE) return;
			after = last.id;
		}
	},
};
