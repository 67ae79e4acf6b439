import { randomUUID } from 'node:crypto';
import { and, asc, desc, eq, sql } from 'drizzle-orm';
import type { Executor, Transaction } from './database.ts';
import { pipelines } from './schema.ts';

export type PipelineRow = typeof pipelines.$inferSelect;

/** The newest version, or the one asked for. Null: there is none, or the newest one was deleted. A version that is named is found also then: jobs may refer to it. */
export async function findPipeline(db: Executor, workspaceId: string, name: string, version: number | null = null): Promise<PipelineRow | null> {
	const own = and(eq(pipelines.workspaceId, workspaceId), eq(pipelines.name, name));
	if (version !== null) {
		const [row] = await db.select().from(pipelines).where(and(own, eq(pipelines.version, version)));
		return row ?? null;
	}
	const [row] = await db.select().from(pipelines).where(own).orderBy(desc(pipelines.version)).limit(1);
	return row && row.deletedAt === null ? row : null;
}

/** The newest version of each that is not deleted, by name. */
export async function listPipelines(db: Executor, workspaceId: string): Promise<PipelineRow[]> {
	const newest = await db.selectDistinctOn([pipelines.name]).from(pipelines).where(eq(pipelines.workspaceId, workspaceId)).orderBy(asc(pipelines.name), desc(pipelines.version));
	return newest.filter(({ deletedAt }) => deletedAt === null);
}

/** Adds a version. Two that are saved at once get two numbers. */
export async function savePipeline(tx: Transaction, workspaceId: string, name: string, definition: Record<string, unknown>): Promise<PipelineRow> {
	await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`pipeline ${workspaceId} ${name}`}, 0))`);
	const [last] = await tx.select({ version: pipelines.version }).from(pipelines).where(and(eq(pipelines.workspaceId, workspaceId), eq(pipelines.name, name))).orderBy(desc(pipelines.version)).limit(1);
	const [row] = await tx.insert(pipelines).values({ id: randomUUID(), workspaceId, name, version: (last?.version ?? 0) + 1, definition }).returning();
	return row as PipelineRow;
}

/** False: there is none. Versions stay, for the jobs that name them; the next save goes on counting. */
export async function deletePipeline(tx: Transaction, workspaceId: string, name: string): Promise<boolean> {
	const found = await findPipeline(tx, workspaceId, name);
	if (!found) return false;
	await tx.update(pipelines).set({ deletedAt: sql`now()` }).where(eq(pipelines.id, found.id));
	return true;
}
