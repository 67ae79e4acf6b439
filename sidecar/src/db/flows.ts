import { sql } from 'drizzle-orm';
import type { Executor, Transaction } from './database.ts';
import { jobs, queueFlows } from './schema.ts';

/** The largest rank that was claimed so far (pipeline/fairness.ts). Written out, so that it matches the partial index `jobs_rank`. */
const claimed = sql`coalesce((select max(started.rank) from ${jobs} started where started.started_at is not null), 0)`;

export async function virtualTime(db: Executor): Promise<number> {
	const { rows } = await db.execute<{ at: number }>(sql`select ${claimed}::float8 as at`);
	return rows[0]?.at ?? 0;
}

/**
 * Moves a flow on by `distance` from where it stands, or from the virtual time where that is further; in one statement, so that
 * requests at the same moment get ranks of their own. `advance` of fairness.ts, in SQL.
 */
export async function advanceFlow(tx: Transaction, { workspaceId, priority }: { workspaceId: string; priority: number }, distance: number): Promise<{ lastTag: number; virtualTime: number }> {
	const { rows } = await tx.execute<{ last_tag: number; at: number }>(sql`
		insert into ${queueFlows} as flow (workspace_id, priority, last_tag)
		values (${workspaceId}, ${priority}, ${claimed} + ${distance}::float8)
		on conflict (workspace_id, priority) do update set last_tag = greatest(flow.last_tag + ${distance}::float8, excluded.last_tag)
		returning flow.last_tag, ${claimed}::float8 as at`);
	return { lastTag: rows[0]?.last_tag ?? 0, virtualTime: rows[0]?.at ?? 0 };
}

/** Stores the ranks of jobs that were inserted without. */
export async function storeRanks(tx: Transaction, ranked: Array<{ id: string; rank: number }>): Promise<void> {
	if (ranked.length === 0) return;
	await tx.execute(sql`update ${jobs} set rank = given.rank from jsonb_to_recordset(${JSON.stringify(ranked)}::jsonb) as given(id uuid, rank float8) where ${jobs}.id = given.id`);
}
