import { randomUUID } from 'node:crypto';
import { and, asc, eq, inArray, isNotNull, isNull, ne, sql, type SQL } from 'drizzle-orm';
import type { TimedHash } from '../media/align.ts';
import { lockAsset } from './assets.ts';
import type { Database, Executor } from './database.ts';
import { assets, fingerprints } from './schema.ts';
import { transact } from './transact.ts';

type Owner = { id: string; workspaceId: string };

export interface Fingerprint {
	/** Null: none that could be told from others. */
	picture: bigint | null;
	/** Every GRID seconds, see `gridStep`. */
	frames: readonly TimedHash[];
	sound: readonly number[] | null;
}

/** Rows of one film; with 100,000 rows in a workspace that is 55 films of half an hour, or 2000 of a minute. */
const MOST_FRAMES = 1800;
/** Seconds between the frames that are stored of a film of this length. */
export const gridStep = (durationSeconds: number): number => Math.max(1, Math.ceil(durationSeconds / MOST_FRAMES));

/** Rows of one statement: each has 7 parameters, of which Postgres takes 65,535. */
const ROWS_AT_ONCE = 1000;

export type FingerprintKind = 'picture' | 'sound';

/** Those of an asset, in place of its earlier ones; of the kinds that were not looked at, the earlier ones stay. */
export async function replaceFingerprints(
	db: Database,
	{ id, workspaceId }: Owner,
	{ picture, frames, sound }: Fingerprint,
	kinds: readonly FingerprintKind[],
): Promise<void> {
	const common = { workspaceId, assetId: id };
	const rows = [
		...(picture === null ? [] : [{ ...common, id: randomUUID(), kind: 'picture' as const, hash: picture }]),
		...frames.map(({ at, hash }) => ({ ...common, id: randomUUID(), kind: 'picture' as const, atSeconds: at, hash })),
		...(sound === null ? [] : [{ ...common, id: randomUUID(), kind: 'sound' as const, sequence: [...sound] }]),
	].filter(({ kind }) => kinds.includes(kind));
	await transact(db, async (tx) => {
		// Of two jobs on one asset, the second takes away what the first has written.
		await lockAsset(tx, id);
		await tx.delete(fingerprints).where(and(eq(fingerprints.assetId, id), inArray(fingerprints.kind, [...kinds])));
		for (let from = 0; from < rows.length; from += ROWS_AT_ONCE) await tx.insert(fingerprints).values(rows.slice(from, from + ROWS_AT_ONCE));
	});
}

const others = ({ id, workspaceId }: Owner, kind: FingerprintKind): SQL | undefined =>
	and(eq(fingerprints.workspaceId, workspaceId), eq(fingerprints.kind, kind), ne(fingerprints.assetId, id));
const number64 = (hash: bigint): SQL => sql`${hash.toString()}::bigint`;
const bitsOf = (bits: SQL): SQL => sql`bit_count((${bits})::bit(64))`;
/** As `wornBits` of media/picture-hash.ts: bits that differ, and those among the ones that mean something, as if all did. */
function difference({ hash, mask }: { hash: SQL; mask: SQL }): { all: SQL; meant: SQL } {
	const differing = sql`(${fingerprints.hash} # ${hash})`;
	return { all: bitsOf(differing), meant: sql`${bitsOf(sql`${differing} & ${mask}`)} * 64.0 / ${bitsOf(mask)}` };
}

/** Those of these assets that were there before this one, i.e. of which it may be a copy. */
export async function olderOnes(db: Executor, { id, workspaceId }: Owner, ids: readonly string[]): Promise<Set<string>> {
	if (ids.length === 0) return new Set();
	const rows = await db
		.select({ id: assets.id })
		.from(assets)
		.where(
			and(
				eq(assets.workspaceId, workspaceId),
				inArray(assets.id, [...ids]),
				// Those of one request have the same time.
				sql`(${assets.createdAt}, ${assets.id}) < (select own.created_at, own.id from assets own where own.id = ${id})`,
			),
		);
	return new Set(rows.map((row) => row.id));
}

/** Other assets of the workspace with the very same bytes, the oldest first. */
export async function sameBytes(db: Executor, { id, workspaceId }: Owner, sha256: string, most: number): Promise<string[]> {
	const rows = await db
		.select({ id: assets.id })
		.from(assets)
		.where(and(eq(assets.workspaceId, workspaceId), eq(assets.sha256, sha256), ne(assets.id, id)))
		.orderBy(asc(assets.createdAt))
		.limit(most);
	return rows.map((row) => row.id);
}

/** A hash, and the bits of it that mean something. */
interface Meant {
	hash: bigint;
	mask: bigint;
}

/** Still pictures of other assets that differ in at most so many bits, the most alike first. */
export async function similarPictures(db: Executor, owner: Owner, { hash, mask }: Meant, mostBits: number, most: number): Promise<Array<{ assetId: string; bits: number }>> {
	const { all, meant } = difference({ hash: number64(hash), mask: number64(mask) });
	const bits = sql<number>`greatest(${all}, ${meant})`.mapWith(Number);
	return db
		.select({ assetId: fingerprints.assetId, bits })
		.from(fingerprints)
		.where(and(others(owner, 'picture'), isNull(fingerprints.atSeconds), sql`${all} <= ${mostBits} and ${meant} <= ${mostBits}`))
		.orderBy(asc(bits))
		.limit(most);
}

/** Hashes that are looked for in all films at once: 100,000 rows take a tenth of a second (PGlite, quiet machine). */
const PROBES_AT_ONCE = 8;

/** Other films that share frames with these, those that share the most first. */
export async function filmsLike(db: Executor, owner: Owner, frames: readonly Meant[], mostBits: number, most: number): Promise<string[]> {
	const counts = new Map<string, number>();
	const { all, meant } = difference({ hash: sql`probe.hash`, mask: sql`probe.mask` });
	// One statement after the other: an embedded database holds up everything else while one runs.
	for (let from = 0; from < frames.length; from += PROBES_AT_ONCE) {
		const probes = frames.slice(from, from + PROBES_AT_ONCE).map(({ hash, mask }) => sql`(${number64(hash)}, ${number64(mask)})`);
		const rows = await db
			.select({ assetId: fingerprints.assetId, count: sql<number>`count(distinct probe.hash)`.mapWith(Number) })
			.from(fingerprints)
			.innerJoin(sql`(values ${sql.join(probes, sql`, `)}) as probe(hash, mask)`, sql`${all} <= ${mostBits} and ${meant} <= ${mostBits}`)
			.where(and(others(owner, 'picture'), isNotNull(fingerprints.atSeconds)))
			.groupBy(fingerprints.assetId);
		for (const { assetId, count } of rows) counts.set(assetId, (counts.get(assetId) ?? 0) + count);
	}
	return [...counts]
		.toSorted(([, a], [, b]) => b - a)
		.slice(0, most)
		.map(([assetId]) => assetId);
}

/** In order of time. */
export async function framesOf(db: Executor, assetId: string): Promise<TimedHash[]> {
	const rows = await db
		.select({ at: fingerprints.atSeconds, hash: fingerprints.hash })
		.from(fingerprints)
		.where(and(eq(fingerprints.assetId, assetId), isNotNull(fingerprints.atSeconds)))
		.orderBy(asc(fingerprints.atSeconds));
	return rows.flatMap(({ at, hash }) => (at === null || hash === null ? [] : [{ at, hash }]));
}

/** Numbers that are looked for at once: an embedded database holds up everything else for as long. */
const NUMBERS_AT_ONCE = 512;

/** Other sounds that share at least one of these numbers exactly, those that share the most first. */
export async function soundsLike(db: Database, { id, workspaceId }: Owner, numbers: readonly number[], most: number): Promise<string[]> {
	const counts = new Map<string, number>();
	for (let from = 0; from < numbers.length; from += NUMBERS_AT_ONCE) {
		const list = sql`${`{${numbers.slice(from, from + NUMBERS_AT_ONCE).join(',')}}`}::integer[]`;
		// Without it the planner takes the index of the workspace and compares every sound with every number: minutes.
		const hits = sql`select asset_id, workspace_id, sequence from fingerprints where sequence && ${list}`;
		const shared = sql`(select count(*) from (select unnest(hits.sequence) intersect select unnest(${list})) as both_have)`;
		const { rows } = await transact(db, async (tx) => {
			await tx.execute(sql`set local enable_seqscan = off`);
			return tx.execute<{ asset_id: string; shared: number }>(
				sql`with hits as materialized (${hits}) select asset_id, ${shared}::integer as shared from hits where workspace_id = ${workspaceId} and asset_id <> ${id}`,
			);
		});
		for (const row of rows) counts.set(row.asset_id, (counts.get(row.asset_id) ?? 0) + row.shared);
	}
	return [...counts]
		.toSorted(([, a], [, b]) => b - a)
		.slice(0, most)
		.map(([assetId]) => assetId);
}

export async function soundOf(db: Executor, assetId: string): Promise<number[]> {
	const [row] = await db
		.select({ sequence: fingerprints.sequence })
		.from(fingerprints)
		.where(and(eq(fingerprints.assetId, assetId), eq(fingerprints.kind, 'sound')))
		.limit(1);
	return row?.sequence ?? [];
}

/** Length of an asset, seconds; 0 where it is not known. */
export async function lengthOfAsset(db: Executor, assetId: string): Promise<number> {
	const [row] = await db.select({ seconds: assets.durationSeconds }).from(assets).where(eq(assets.id, assetId));
	return row?.seconds ?? 0;
}
