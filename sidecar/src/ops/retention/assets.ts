import { and, eq, gt, isNull, lt, sql, type SQL } from 'drizzle-orm';
import type { AssetRow } from '../../db/assets.ts';
import { assets } from '../../db/schema.ts';
import { removeAsset } from '../../pipeline/delete-asset.ts';
import type { Place, Rule } from './rule.ts';

const PAGE = 200;

/** Assets that nobody has worked on or posted for a year (I11). Public ones stay: their pages may be looked at by anyone. */
export const oldAssets: Rule = {
	name: 'old_assets',
	about: 'Assets that nobody has worked on for `retention.asset_days`, with all their files. Public ones stay.',
	find: (place) => assetsThat(place, place.settings.retention.asset_days, (days) => `nobody has worked on it for ${days} days (retention.asset_days)`, isNull(assets.publicAt)),
};

/** Assets whose bytes never came, or whose processing failed and was not tried again (I11). */
export const failedAssets: Rule = {
	name: 'failed_assets',
	about: 'Assets that failed, after `retention.failed_days`, with all their files. Public ones stay.',
	find: (place) => assetsThat(place, place.settings.retention.failed_days, (days) => `it failed more than ${days} days ago (retention.failed_days)`, and(eq(assets.status, 'failed'), isNull(assets.publicAt))),
};

/** Whether the id of an asset is written nowhere in a column of these rows. */
type NamedInNone = (column: SQL, rows: SQL) => SQL;
/** For many assets: all ids are read out of the rows once. */
const ofMany: NamedInNone = (column, rows) => sql`not exists (
	select 1 from (select (regexp_matches(lower(${column}::text), '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}', 'g'))[1] as id from ${rows}) named where named.id = ${assets.id}::text)`;
/** For one asset: reading out all ids takes four times as long as looking for the one. */
const ofOne: NamedInNone = (column, rows) => sql`not exists (select 1 from ${rows} and strpos(lower(${column}::text), ${assets.id}::text) > 0)`;

/** What counts as work: a change of it, a job, a post; a job on other media that puts it into them, as a logo is put, and a pipeline that does so. */
function untouchedSince(workspaceId: string, before: Date, namedInNone: NamedInNone): SQL {
	const recent = sql`(j.status in ('pending', 'processing') or coalesce(j.completed_at, j.created_at) >= ${before})`;
	const newest = sql`pipelines l where l.workspace_id = ${workspaceId}
		and not exists (select 1 from pipelines n where n.workspace_id = l.workspace_id and n.name = l.name and (n.version > l.version or n.deleted_at is not null))`;
	return sql`${assets.updatedAt} < ${before}
		and not exists (select 1 from jobs j where j.asset_id = ${assets.id} and ${recent})
		and not exists (select 1 from posts p where p.asset_id = ${assets.id} and p.created_at >= ${before})
		and ${namedInNone(sql`j.params`, sql`jobs j where j.workspace_id = ${workspaceId} and ${recent}`)}
		and ${namedInNone(sql`l.definition`, newest)}`;
}

async function* assetsThat({ deps, workspaceId, now }: Place, days: number | null, reason: (days: number) => string, which: SQL | undefined) {
	if (days === null) return;
	const before = new Date(now.getTime() - days * 86_400_000);
	const where = (named: NamedInNone) => and(eq(assets.workspaceId, workspaceId), which, lt(assets.createdAt, before), untouchedSince(workspaceId, before, named));
	for (let after = '00000000-0000-0000-0000-000000000000'; ; ) {
		const rows: AssetRow[] = await deps.db.select().from(assets).where(and(where(ofMany), gt(assets.id, after))).orderBy(assets.id).limit(PAGE);
		for (const { id, bytes } of rows) {
			yield {
				what: `asset ${id}`,
				bytes: bytes ?? 0,
				reason: reason(days),
				// Somebody may have come back to it since the page was read.
				apply: async () => (await removeAsset(deps, deps.db, workspaceId, id, where(ofOne))) !== null,
			};
		}
		const last = rows.at(-1);
		if (!last || rows.length < PAGE) return;
		after = last.id;
	}
}
