import { sql } from 'drizzle-orm';
import { withoutNoise as rounded } from '../numbers.ts';
import type { Executor } from './database.ts';
import { CHUNK } from './jobs.ts';
import { assets, jobs } from './schema.ts';

export type Cost = Record<string, number>;

/** What all jobs on an asset have used together, its ingest included. */
export async function costOfAsset(db: Executor, assetId: string): Promise<Cost> {
	const { rows } = await db.execute<{ unit: string; amount: number }>(sql`
		select used.key as unit, sum(used.value::float8)::float8 as amount
		from ${jobs}, jsonb_each_text(${jobs}.cost) used
		where ${jobs}.asset_id = ${assetId}
		group by used.key order by used.key`);
	return Object.fromEntries(rows.map(({ unit, amount }) => [unit, rounded(amount)]));
}

/** Of one operation, or of all. */
export interface Usage {
	jobs: number;
	completed: number;
	failed: number;
	cancelled: number;
	/** Of the completed ones, those that returned an earlier result. */
	reused: number;
	/** Size of the sources that were worked on, reused results left out. */
	source_bytes: number;
	cost: Cost;
}

/** Jobs that ended at `from` or later and before `to`, by operation. */
export async function usageOf(db: Executor, workspaceId: string, from: Date, to: Date): Promise<Record<string, Usage>> {
	// What chunks cost is part of the cost of their job.
	const ended = sql`${jobs}.workspace_id = ${workspaceId} and ${jobs}.job_type <> ${CHUNK} and ${jobs}.completed_at >= ${from.toISOString()}::timestamptz and ${jobs}.completed_at < ${to.toISOString()}::timestamptz`;
	const reused = sql`coalesce(${jobs}.output ? 'reused_from', false)`;
	const { rows } = await db.execute<{ operation: string } & Omit<Usage, 'cost'>>(sql`
		select ${jobs}.job_type as operation, count(*)::int as jobs,
			count(*) filter (where ${jobs}.status = 'completed')::int as completed,
			count(*) filter (where ${jobs}.status = 'failed')::int as failed,
			count(*) filter (where ${jobs}.status = 'cancelled')::int as cancelled,
			count(*) filter (where ${jobs}.status = 'completed' and ${reused})::int as reused,
			coalesce(sum(${assets}.bytes) filter (where ${jobs}.status = 'completed' and not ${reused}), 0)::float8 as source_bytes
		from ${jobs} left join ${assets} on ${assets}.id = ${jobs}.asset_id
		where ${ended}
		group by 1 order by 1`);
	const costs = await db.execute<{ operation: string; unit: string; amount: number }>(sql`
		select ${jobs}.job_type as operation, used.key as unit, sum(used.value::float8)::float8 as amount
		from ${jobs}, jsonb_each_text(${jobs}.cost) used
		where ${ended}
		group by 1, 2 order by 1, 2`);
	return Object.fromEntries(
		rows.map(({ operation, ...counted }) => [
			operation,
			{ ...counted, cost: Object.fromEntries(costs.rows.filter((row) => row.operation === operation).map(({ unit, amount }) => [unit, rounded(amount)])) },
		]),
	);
}

/** Everything together. */
export function total(usages: Usage[]): Usage {
	const all: Usage = { jobs: 0, completed: 0, failed: 0, cancelled: 0, reused: 0, source_bytes: 0, cost: {} };
	for (const { cost, ...counted } of usages) {
		for (const [name, value] of Object.entries(counted) as Array<[keyof typeof counted, number]>) all[name] += value;
		for (const [unit, amount] of Object.entries(cost)) all.cost[unit] = rounded((all.cost[unit] ?? 0) + amount);
	}
	return all;
}
