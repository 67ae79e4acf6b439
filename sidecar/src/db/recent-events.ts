import { and, eq, sql } from 'drizzle-orm';
import type { Executor } from './database.ts';
import { events } from './schema.ts';

/** Whether a workspace was told of such an event within the last `seconds`. */
export async function recentlyRecorded(db: Executor, workspaceId: string, type: string, seconds: number): Promise<boolean> {
	const [row] = await db
		.select({ id: events.id })
		.from(events)
		.where(and(eq(events.workspaceId, workspaceId), eq(events.type, type), sql`${events.createdAt} > clock_timestamp() - make_interval(secs => ${seconds})`))
		.limit(1);
	return row !== undefined;
}
