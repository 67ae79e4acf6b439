import { sql } from 'drizzle-orm';
import { fromDrizzle, PgBoss } from 'pg-boss';
import type { OpenDatabase, Transaction } from '../db/database.ts';
import type { Queue, QueueMessage, ReceivedMessage } from './queue.ts';

const QUEUE = 'jobs';

/**
 * A taken message that was never acknowledged (the process died) is thrown away after this time; the reconciler has sent
 * the job again long before. pg-boss' own default.
 */
const EXPIRE_SECONDS = 15 * 60;

export interface PgBossOptions {
	database: OpenDatabase;
	/** Schema of pg-boss' own tables. */
	schemaName?: string;
	onError(error: Error): void;
}

/** pg-boss on the pipeline's own database: a job and its message commit together. */
export function createPgBossQueue({ database, schemaName = 'pgboss', onError }: PgBossOptions): Queue {
	const boss = new PgBoss({
		db: { executeSql: (text: string, values?: unknown[]) => database.executeSql(text, values) },
		schema: schemaName,
		backend: database.kind === 'pglite' ? 'pglite' : 'postgres',
		schedule: false,
	});
	boss.on('error', onError);

	return {
		name: 'pg-boss',

		async start() {
			await boss.start();
			await boss.createQueue(QUEUE, { retryLimit: 0, expireInSeconds: EXPIRE_SECONDS, deleteAfterSeconds: 60 });
			// pg-boss reads a queue's settings at its first send, from the main handle. Inside a transaction on PGlite's only
			// connection that would wait for ever (n8n-facts: "Deadlock"), so it reads them now. For tomorrow: no worker takes it.
			const id = await boss.send(QUEUE, { jobId: '' }, { startAfter: 86_400 });
			if (id) await boss.deleteJob(QUEUE, id);
		},

		stop: () => boss.stop({ graceful: false }),

		async send(transaction: Transaction, messages: QueueMessage[]) {
			if (messages.length === 0) return;
			await boss.insert(
				QUEUE,
				messages.map(({ jobId, priority, startAfter }) => ({ data: { jobId, priority }, priority, ...(startAfter ? { startAfter } : {}) })),
				{ db: fromDrizzle(transaction, sql) },
			);
		},

		async fetch(limit: number): Promise<ReceivedMessage[]> {
			const messages = await boss.fetch<{ jobId: string; priority: number }>(QUEUE, { batchSize: limit });
			// The most urgent are taken, but a batch of them comes in no order.
			messages.sort((a, b) => b.data.priority - a.data.priority);
			return messages.map(({ id, data }) => ({ id, jobId: data.jobId }));
		},

		async done(messages: ReceivedMessage[]) {
			if (messages.length > 0) await boss.deleteJob(QUEUE, messages.map(({ id }) => id));
		},
	};
}
