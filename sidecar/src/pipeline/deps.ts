import type { Logger } from 'pino';
import type { Database } from '../db/database.ts';
import type { Operation } from '../operations/operation.ts';
import type { Queue } from '../queue/queue.ts';
import type { Vault } from '../secrets.ts';

/** What the use-cases work with. Built once in `main.ts`. */
export interface PipelineDeps {
	db: Database;
	queue: Queue;
	vault: Vault;
	/** By name. */
	operations: ReadonlyMap<string, Operation>;
	/** n8n's two webhooks; null where they are not configured. */
	triggers: { process: string | null; distribute: string | null };
	/** Tells the loops of this process that there is something new, so that they need not wait for their next round. */
	wake: { jobs(): void; callbacks(): void; events(): void };
	log: Logger;
}

/** After a transaction has committed. */
export function wakeAll({ wake }: Pick<PipelineDeps, 'wake'>): void {
	wake.jobs();
	wake.callbacks();
	wake.events();
}
