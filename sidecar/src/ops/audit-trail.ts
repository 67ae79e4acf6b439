import type { Logger } from 'pino';
import { insertAudit, type NewAuditEntry } from '../db/audit.ts';
import type { Database } from '../db/database.ts';

/** Writes down who did what. */
export interface AuditTrail {
	/** Is stored when this answers; those of the same moment go in one statement. Never throws: a failure is logged. */
	write(entry: NewAuditEntry): Promise<void>;
	/** Is stored within EVERY_MS: at most so much is lost when the process is killed. */
	note(entry: NewAuditEntry): void;
	/** Stores what is left. */
	close(): Promise<void>;
}

const EVERY_MS = 100;
/** Rows of one statement, 10 parameters each. */
const AT_ONCE = 500;
/** While the database does not answer, so many are kept; those beyond go to the log of the process. */
const MOST_WAITING = 20_000;

export function createAuditTrail(db: Database, log: Logger): AuditTrail {
	let waiting: NewAuditEntry[] = [];
	let timer: NodeJS.Timeout | null = null;
	let flushing: Promise<void> = Promise.resolve();

	const flush = async (): Promise<void> => {
		while (waiting.length > 0) {
			const entries = waiting.splice(0, AT_ONCE);
			try {
				await insertAudit(db, entries);
			} catch (error) {
				log.error({ err: error, entries: entries.length }, 'the audit log could not be written');
				const room = Math.max(0, MOST_WAITING - waiting.length);
				waiting = [...entries.slice(0, room), ...waiting];
				for (const entry of entries.slice(room)) log.error({ audit: entry }, 'not in the audit log');
				return;
			}
		}
	};
	/** One after the other, so that what is written later stands later. */
	const next = (): Promise<void> => (flushing = flushing.then(flush));
	const add = (entry: NewAuditEntry): void => {
		waiting.push({ createdAt: new Date(), ...entry });
	};

	return {
		write(entry) {
			add(entry);
			return next();
		},
		note(entry) {
			add(entry);
			timer ??= setTimeout(() => {
				timer = null;
				void next();
			}, EVERY_MS).unref();
		},
		async close() {
			if (timer) clearTimeout(timer);
			timer = null;
			await next();
		},
	};
}
