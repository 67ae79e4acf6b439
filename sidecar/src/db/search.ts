import { randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { and, desc, eq, gte, inArray, lt, sql, type SQL } from 'drizzle-orm';
import { lockAsset } from './assets.ts';
import type { Database, Executor } from './database.ts';
import { assets, assetTags, searchEntries, searchVectors } from './schema.ts';
import type { SearchQuery, SearchTerm } from './search-query.ts';
import { findPgvector, spaceIs, vectorSql } from './search-vectors.ts';
import { transact } from './transact.ts';

export type EntryKind = (typeof searchEntries.$inferSelect)['kind'];

export interface SpaceVector {
	space: string;
	values: readonly number[];
}

export interface NewEntry {
	kind: EntryKind;
	/** Null: the asset as a whole. */
	startSeconds: number | null;
	endSeconds: number | null;
	/** As `searchText` makes it. */
	text: string;
	language: string | null;
	vectors: SpaceVector[];
}

/** Rows per statement: 500 × 8 parameters. */
const ENTRIES_AT_ONCE = 500;
/** Each takes some milliseconds where there is an index, and the embedded database works in our own thread. */
const VECTORS_AT_ONCE = 16;

/** What an asset can be found by, all of it or (with `kinds`) that of these kinds, in place of what was there; readers see the old or the new. */
export async function replaceEntries(
	db: Database,
	{ id: assetId, workspaceId }: { id: string; workspaceId: string },
	entries: readonly NewEntry[],
	kinds?: EntryKind[],
): Promise<void> {
	await transact(db, async (tx) => {
		// Of two that index the same asset, the second waits, and takes the place of the first.
		await lockAsset(tx, assetId);
		const old = and(eq(searchEntries.assetId, assetId), eq(searchEntries.workspaceId, workspaceId), kinds ? inArray(searchEntries.kind, kinds) : undefined);
		await tx.delete(searchEntries).where(old);
		const rows = entries.map(({ vectors, ...entry }) => ({ row: { id: randomUUID(), workspaceId, assetId, ...entry }, vectors }));
		for (let from = 0; from < rows.length; from += ENTRIES_AT_ONCE) await tx.insert(searchEntries).values(rows.slice(from, from + ENTRIES_AT_ONCE).map(({ row }) => row));
		const vectors = rows.flatMap(({ row, vectors: own }) => own.map(({ space, values }) => ({ entryId: row.id, space, workspaceId, values: [...values] })));
		for (let from = 0; from < vectors.length; from += VECTORS_AT_ONCE) {
			await tx.insert(searchVectors).values(vectors.slice(from, from + VECTORS_AT_ONCE));
			// The embedded database answers without a turn of the event loop: all that needs no database would wait for it, too.
			await setImmediate();
		}
	});
}

/** Which assets may be found. */
export interface SearchScope {
	workspaceId: string;
	type?: 'video' | 'audio' | 'image' | undefined;
	/** All of them; as `plainTag` makes them (tags.ts). */
	tags?: readonly string[] | undefined;
	/** When the asset came: from (with) until (without). */
	from?: Date | undefined;
	to?: Date | undefined;
	/** An asset that is not to be found: the one that others are compared with. */
	except?: string | undefined;
}

export interface Hit {
	entryId: string;
	assetId: string;
	kind: EntryKind;
	startSeconds: number | null;
	endSeconds: number | null;
	text: string;
	/** Vectors: the cosine, −1 to 1. Words: how much of the query matched, 0 to 1, rare words counting more than common ones. */
	score: number;
}

const filtersAssets = ({ type, tags = [], from, to, except }: SearchScope): boolean =>
	type !== undefined || tags.length > 0 || from !== undefined || to !== undefined || except !== undefined;

/** On a row of `assets`. */
function assetConditions({ workspaceId, type, tags = [], from, to, except }: SearchScope): SQL | undefined {
	return and(
		eq(assets.workspaceId, workspaceId),
		type && eq(assets.fileType, type),
		from && gte(assets.createdAt, from),
		to && lt(assets.createdAt, to),
		except === undefined ? undefined : sql`${assets.id} <> ${except}`,
		...tags.map((tag) => sql`exists (select 1 from ${assetTags} where ${assetTags.assetId} = ${assets.id} and ${assetTags.tag} = ${tag})`),
	);
}

/** On a row of `search_entries`. Without filters the workspace alone decides, which needs no look at the asset. */
const entryConditions = (scope: SearchScope): SQL | undefined =>
	and(
		eq(searchEntries.workspaceId, scope.workspaceId),
		filtersAssets(scope) ? sql`exists (select 1 from ${assets} where ${assets.id} = ${searchEntries.assetId} and ${assetConditions(scope)})` : undefined,
	);

/**
 * So many vectors are all compared: nothing is missed, and it takes some 10 µs each in the embedded database, less elsewhere. An HNSW index
 * gives the nearest of everybody's, few of which may belong to a small workspace or pass the filters.
 */
const EXACT_MOST = 5000;
/** pgvector's default of 40 bounds how many rows come back; 100 to 200 finds more than 95 % of the true nearest (its README). */
const LEAST_EF_SEARCH = 100;
const MOST_EF_SEARCH = 1000;
/** Entries of one asset in a ranking: a long recording that is all about one thing must leave room for others. */
const MOST_PER_ASSET = 10;

/** The entries whose vectors of a space are the most alike, best first. Empty without pgvector. */
export async function nearest(db: Database, scope: SearchScope, vector: SpaceVector, limit: number, { exactMost = EXACT_MOST } = {}): Promise<Hit[]> {
	const pgvector = await findPgvector(db);
	if (!pgvector) return [];
	const own = ownVectors(scope, vector.space);
	const { rows } = await db.execute<{ n: number }>(sql`select count(*)::int as n from (select 1 ${own} limit ${exactMost + 1}) few`);
	const { distance } = vectorSql(pgvector, vector.values.length);
	const to = distance(sql`${searchVectors.values}`, vector.values);
	// Materialized: or the planner may use the index after all.
	const exactly = (): Promise<Hit[]> =>
		hitsOf(db, sql`with own as materialized (select ${searchVectors.entryId} as entry_id, ${to} as distance ${own}) select entry_id, distance from own`, limit);
	if ((rows[0]?.n ?? 0) <= exactMost) return exactly();
	const byIndex = (most: number): Promise<Hit[]> =>
		db.transaction(async (tx) => {
			await tx.execute(sql.raw(`set local hnsw.ef_search = ${Math.min(MOST_EF_SEARCH, Math.max(LEAST_EF_SEARCH, most))}`));
			if (pgvector.iterative) await tx.execute(sql.raw('set local hnsw.iterative_scan = strict_order'));
			return hitsOf(tx, sql`select ${searchVectors.entryId} as entry_id, ${to} as distance ${own} order by ${to} limit ${most}`, most, most);
		});
	const first = await byIndex(limit);
	// The scan gave up among the vectors of others (hnsw.max_scan_tuples; before 0.8 after ef_search of them).
	if (first.length < limit) return exactly();
	const mixed = fewPerAsset(first);
	if (mixed.length >= limit / 2) return mixed;
	const more = await byIndex(MOST_EF_SEARCH);
	return more.length < MOST_EF_SEARCH ? exactly() : fewPerAsset(more).slice(0, limit);
}

/** From and where: the vectors of a space that may be found. */
function ownVectors(scope: SearchScope, space: string): SQL {
	const inSpace = and(eq(searchVectors.workspaceId, scope.workspaceId), spaceIs(sql`${searchVectors.space}`, space));
	const filter = filtersAssets(scope)
		? sql` and exists (select 1 from ${searchEntries} where ${searchEntries.id} = ${searchVectors.entryId} and ${entryConditions(scope)})`
		: sql``;
	return sql`from ${searchVectors} where ${inSpace}${filter}`;
}

/** `near`: a query of `entry_id` and `distance`. */
async function hitsOf(db: Executor, near: SQL, limit: number, perAsset = MOST_PER_ASSET): Promise<Hit[]> {
	const { rows } = await db.execute<HitRow>(sql`
		select id, asset_id, kind, start_seconds, end_seconds, text, 1 - distance as score from (
			select ${hitColumns}, near.distance, row_number() over (partition by ${searchEntries.assetId} order by near.distance, ${searchEntries.id}) as place
			from (${near}) near join ${searchEntries} on ${searchEntries.id} = near.entry_id
		) ranked where place <= ${perAsset} order by distance, id limit ${limit}`);
	return rows.map(toHit);
}

/** Of hits in order. */
function fewPerAsset(hits: readonly Hit[]): Hit[] {
	const counts = new Map<string, number>();
	return hits.filter(({ assetId }) => {
		const count = (counts.get(assetId) ?? 0) + 1;
		counts.set(assetId, count);
		return count <= MOST_PER_ASSET;
	});
}

/** Words that occur in so many entries, or in this share of them, say little: they rank, but find nothing alone where there are rarer ones. */
const COMMON_FROM = 1000;
const COMMON_SHARE = 0.1;
/** In a library of a few entries every word is rare. */
const FEW_ENTRIES = 50;
/** Entries are counted up to here: how rare a word is, need not be known more exactly. */
const MOST_COUNTED = 20_000;
/** Entries that are ranked at most. */
const MOST_RANKED = 5000;

/** The entries in which words of the query occur, those with the most and the rarest first. Phrases in quotes must occur. */
export async function matching(db: Executor, scope: SearchScope, { terms, excluded }: Pick<SearchQuery, 'terms' | 'excluded'>, limit: number): Promise<Hit[]> {
	if (terms.length === 0) return [];
	const { total, counts } = await frequencies(db, scope.workspaceId, terms);
	// As in BM25.
	const idf = (count: number): number => Math.log(1 + (Math.max(0, total - count) + 0.5) / (count + 0.5));
	const all = terms.map((term, index) => ({ term, count: counts[index] ?? 0, weight: idf(counts[index] ?? 0) }));
	const whole = all.reduce((sum, { weight }) => sum + weight, 0);
	const weighed = all.filter(({ count, term }) => count > 0 || term.required);
	if (weighed.length === 0) return [];
	const required = weighed.filter(({ term }) => term.required);
	const rare = weighed.filter(({ count }) => count < COMMON_FROM && (total < FEW_ENTRIES || count < total * COMMON_SHARE));
	const anyOf = (list: typeof weighed): SQL => sql.join(list.map(({ term }) => occurs(term)), sql` or `);
	const allOf = (list: typeof weighed): SQL => sql.join(list.map(({ term }) => occurs(term)), sql` and `);
	let found: SQL;
	if (required.length > 0) found = allOf(required);
	else found = rare.length > 0 ? anyOf(rare) : allOf(weighed);
	const without = excluded.map((term) => sql` and not ${occurs(term)}`);
	const weights = weighed.map(({ term, weight }) => sql`case when ${occurs(term, sql`words`, sql`text`)} then ${weight / whole}::float8 else 0 end`);
	const queries = weighed.filter(({ term }) => !term.piece).map(({ term }) => tsquery(term));
	const rank = queries.length > 0 ? sql`ts_rank(words, ${sql.join(queries, sql` || `)}, 1)` : sql`1`;
	const { rows } = await db.execute<HitRow>(sql`
		with found as materialized (
			select ${hitColumns}, ${searchEntries.words} as words
			from ${searchEntries} where ${entryConditions(scope)} and (${found})${sql.join(without, sql``)} limit ${MOST_RANKED}
		), scored as (
			select *, ${sql.join(weights, sql` + `)} as score, ${rank} as rank from found
		)
		select id, asset_id, kind, start_seconds, end_seconds, text, score from (
			select *, row_number() over (partition by asset_id order by score desc, rank desc, id) as place from scored
		) ranked where place <= ${MOST_PER_ASSET} order by score desc, rank desc, id limit ${limit}`);
	return rows.map(toHit);
}

const hitColumns = sql`${searchEntries.id} as id, ${searchEntries.assetId} as asset_id, ${searchEntries.kind} as kind, ${searchEntries.startSeconds} as start_seconds, ${searchEntries.endSeconds} as end_seconds, ${searchEntries.text} as text`;

type HitRow = { id: string; asset_id: string; kind: EntryKind; start_seconds: number | null; end_seconds: number | null; text: string; score: number };

const toHit = (row: HitRow): Hit => ({
	entryId: row.id,
	assetId: row.asset_id,
	kind: row.kind,
	startSeconds: row.start_seconds,
	endSeconds: row.end_seconds,
	text: row.text,
	score: Number(row.score),
});

/** How many entries the workspace has, and in how many of them each term occurs, counted up to MOST_COUNTED and COMMON_FROM. */
async function frequencies(db: Executor, workspaceId: string, terms: readonly SearchTerm[]): Promise<{ total: number; counts: number[] }> {
	const own = sql`${searchEntries} where ${searchEntries.workspaceId} = ${workspaceId}`;
	const counts = terms.map((term, index) => sql`(select count(*)::int from (select 1 from ${own} and ${occurs(term)} limit ${COMMON_FROM}) few) as ${sql.raw(`n${index}`)}`);
	const total = sql`(select count(*)::int from (select 1 from ${own} limit ${MOST_COUNTED}) few) as total`;
	const { rows } = await db.execute<Record<string, number>>(sql`select ${sql.join([total, ...counts], sql`, `)}`);
	return { total: Number(rows[0]?.['total'] ?? 0), counts: terms.map((_, index) => Number(rows[0]?.[`n${index}`] ?? 0)) };
}

const occurs = (term: SearchTerm, words = sql`${searchEntries.words}`, text = sql`${searchEntries.text}`): SQL =>
	term.piece ? sql`(${text} ilike ${`%${term.text.replace(/[\\%_]/g, '\\$&')}%`})` : sql`(${words} @@ ${tsquery(term)})`;

/** No text can break it: Postgres itself parses and quotes the words. */
const tsquery = ({ text, prefix }: SearchTerm): SQL =>
	prefix
		? sql`coalesce((nullif(phraseto_tsquery('simple', ${text})::text, '') || ':*')::tsquery, ''::tsquery)`
		: sql`phraseto_tsquery('simple', ${text})`;

/** Entries of these that hold one of the excluded terms: search by meaning knows no "not". */
export async function holding(db: Executor, entryIds: readonly string[], terms: readonly SearchTerm[]): Promise<Set<string>> {
	if (entryIds.length === 0 || terms.length === 0) return new Set();
	const rows = await db
		.select({ id: searchEntries.id })
		.from(searchEntries)
		.where(and(inArray(searchEntries.id, [...entryIds]), sql`(${sql.join(terms.map((term) => occurs(term)), sql` or `)})`));
	return new Set(rows.map(({ id }) => id));
}

/** Assets of these in which, anywhere, one of the terms occurs. */
export async function assetsHolding(db: Executor, workspaceId: string, assetIds: readonly string[], terms: readonly SearchTerm[]): Promise<Set<string>> {
	if (assetIds.length === 0 || terms.length === 0) return new Set();
	const rows = await db
		.selectDistinct({ id: searchEntries.assetId })
		.from(searchEntries)
		.where(and(eq(searchEntries.workspaceId, workspaceId), inArray(searchEntries.assetId, [...assetIds]), sql`(${sql.join(terms.map((term) => occurs(term)), sql` or `)})`));
	return new Set(rows.map(({ id }) => id));
}

/** Per space the mean of the asset's vectors, of length 1: what it is about as a whole. */
export async function meanVectors(db: Executor, workspaceId: string, assetId: string): Promise<SpaceVector[]> {
	const rows = await db
		.select({ space: searchVectors.space, values: searchVectors.values })
		.from(searchVectors)
		.innerJoin(searchEntries, eq(searchEntries.id, searchVectors.entryId))
		.where(and(eq(searchEntries.assetId, assetId), eq(searchVectors.workspaceId, workspaceId)));
	const sums = new Map<string, number[]>();
	for (const { space, values } of rows) {
		const sum = sums.get(space) ?? values.map(() => 0);
		if (sum.length === values.length) sums.set(space, sum.map((value, index) => value + (values[index] ?? 0)));
	}
	return [...sums].flatMap(([space, sum]) => {
		const length = Math.hypot(...sum);
		return length > 0 ? [{ space, values: sum.map((value) => value / length) }] : [];
	});
}

/** Newest first: what a search without words answers. */
export async function newestAssets(db: Executor, scope: SearchScope, limit: number, offset: number): Promise<string[]> {
	const rows = await db.select({ id: assets.id }).from(assets).where(assetConditions(scope)).orderBy(desc(assets.createdAt), assets.id).limit(limit).offset(offset);
	return rows.map(({ id }) => id);
}

/** Whether anything of the workspace has vectors of this space. */
export async function hasSpace(db: Executor, workspaceId: string, space: string): Promise<boolean> {
	const rows = await db
		.select({ id: searchVectors.entryId })
		.from(searchVectors)
		.where(and(eq(searchVectors.workspaceId, workspaceId), eq(searchVectors.space, space)))
		.limit(1);
	return rows.length > 0;
}

/** Whether anything of the workspace can be found yet. */
export async function isIndexed(db: Executor, workspaceId: string): Promise<boolean> {
	const rows = await db.select({ id: searchEntries.id }).from(searchEntries).where(eq(searchEntries.workspaceId, workspaceId)).limit(1);
	return rows.length > 0;
}

export async function isAssetIndexed(db: Executor, { id, workspaceId }: { id: string; workspaceId: string }): Promise<boolean> {
	const rows = await db
		.select({ id: searchEntries.id })
		.from(searchEntries)
		.where(and(eq(searchEntries.assetId, id), eq(searchEntries.workspaceId, workspaceId)))
		.limit(1);
	return rows.length > 0;
}

/** Changes the texts of an asset's entries of a kind, and answers how many. Their vectors stay: a word more or less hardly moves them. */
export async function rewriteEntries(
	db: Executor,
	{ id, workspaceId }: { id: string; workspaceId: string },
	kind: EntryKind,
	rewrite: (text: string, language: string | null) => string,
): Promise<number> {
	const rows = await db
		.select({ id: searchEntries.id, text: searchEntries.text, language: searchEntries.language })
		.from(searchEntries)
		.where(and(eq(searchEntries.assetId, id), eq(searchEntries.workspaceId, workspaceId), eq(searchEntries.kind, kind)))
		.for('update');
	let changed = 0;
	for (const row of rows) {
		const text = rewrite(row.text, row.language);
		if (text === row.text) continue;
		await db.update(searchEntries).set({ text }).where(eq(searchEntries.id, row.id));
		changed += 1;
	}
	return changed;
}
