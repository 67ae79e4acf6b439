import { and, desc, eq, gt, ilike, lt, or, sql, type SQL } from 'drizzle-orm';
import type { AssetQuery } from '../contract/assets.ts';
import { PipelineError } from '../errors.ts';
import type { AssetRow } from './assets.ts';
import type { Executor } from './database.ts';
import { assets, assetTags } from './schema.ts';
import { plainTag } from './tags.ts';

export interface AssetPage {
	rows: AssetRow[];
	nextCursor: string | null;
}

/** Newest first. The cursor names the last row of the page before, so that new assets shift nothing. */
export async function listAssets(db: Executor, workspaceId: string, query: AssetQuery): Promise<AssetPage> {
	const { limit, cursor } = query;
	const rows = await db
		.select({ asset: assets, at: createdAtText })
		.from(assets)
		.where(and(eq(assets.workspaceId, workspaceId), ...filters(query), cursor === undefined ? undefined : before(cursor)))
		.orderBy(desc(assets.createdAt), desc(assets.id))
		.limit(limit + 1);
	const page = rows.slice(0, limit);
	const last = page.at(-1);
	return { rows: page.map(({ asset }) => asset), nextCursor: rows.length > limit && last ? Buffer.from(JSON.stringify([last.at, last.asset.id])).toString('base64url') : null };
}

/** With microseconds: a Date has milliseconds only, and of two rows within one of these the second would be passed over. */
const createdAtText = sql<string>`to_char(${assets.createdAt} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

function before(cursor: string): SQL {
	const [at, id] = decoded(cursor);
	return sql`(${assets.createdAt}, ${assets.id}) < (${at}::timestamptz, ${id}::uuid)`;
}

function decoded(cursor: string): [at: string, id: string] {
	try {
		const given: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
		if (Array.isArray(given) && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/.test(String(given[0])) && isTime(String(given[0])) && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(String(given[1]))) return [String(given[0]), String(given[1])];
	} catch {
		// Said below.
	}
	throw new PipelineError('invalid_request', 'cursor: this is none of ours. Give the next_cursor of the page before, unchanged, or leave it out for the first page.', { details: { field: 'cursor' } });
}

/** The 45th of March looks like a time as well; Postgres knows no year 0. */
const isTime = (text: string): boolean => !text.startsWith('0000') && !Number.isNaN(Date.parse(text)) && new Date(text).toISOString().slice(0, 19) === text.slice(0, 19);

function filters(query: AssetQuery): Array<SQL | undefined> {
	const named = query.name === undefined ? undefined : `%${query.name.replace(/[\\%_]/g, '\\$&')}%`;
	return [
		query.file_type && eq(assets.fileType, query.file_type),
		query.status && eq(assets.status, query.status),
		query.source && eq(assets.source, query.source),
		named === undefined ? undefined : or(ilike(assets.title, named), sql`${assets.metadata}->>'title' ilike ${named}`, sql`${assets.metadata}->>'file_name' ilike ${named}`),
		query.tag && sql`exists (select 1 from ${assetTags} where ${assetTags.assetId} = ${assets.id} and ${assetTags.tag} = ${plainTag(query.tag)})`,
		query.created_after ? gt(assets.createdAt, new Date(query.created_after)) : undefined,
		query.created_before ? lt(assets.createdAt, new Date(query.created_before)) : undefined,
	].map((one) => one || undefined);
}
