import { and, eq, inArray, isNull, lt, or, sql } from 'drizzle-orm';
import { forgetAudit } from '../db/audit.ts';
import type { Database } from '../db/database.ts';
import { callbacks, events, idempotencyKeys, platformPace } from '../db/schema.ts';

/** A request is repeated within minutes or hours; a week covers an n8n that was down over a long weekend. */
const IDEMPOTENCY_DAYS = 7;
/** What happened is of interest for a month; results stay in the jobs. */
const EVENT_DAYS = 30;
const CALLBACK_DAYS = 30;
/** The longest window of a platform's limits is a day. One that is forgotten is learned again from the next answer. */
const PACE_DAYS = 2;

/** Forgets what nobody asks for any more, so that these tables do not grow for ever. Dead callbacks stay until somebody looks, but for events. */
export async function prune(db: Database, { auditDays }: { auditDays?: number } = {}): Promise<void> {
	const older = (days: number) => sql`now() - make_interval(days => ${days})`;
	await db.delete(idempotencyKeys).where(lt(idempotencyKeys.createdAt, older(IDEMPOTENCY_DAYS)));
	await db.delete(events).where(lt(events.createdAt, older(EVENT_DAYS)));
	const { resetsAt, blockedUntil } = platformPace;
	await db.delete(platformPace).where(and(or(isNull(resetsAt), lt(resetsAt, older(PACE_DAYS))), or(isNull(blockedUntil), lt(blockedUntil, older(PACE_DAYS)))));
	await db
		.delete(callbacks)
		.where(and(or(inArray(callbacks.status, ['delivered', 'obsolete']), and(eq(callbacks.status, 'dead'), eq(callbacks.kind, 'event'))), lt(callbacks.createdAt, older(CALLBACK_DAYS))));
	if (auditDays) await forgetAudit(db, auditDays);
}
