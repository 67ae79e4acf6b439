import type { Transaction } from '../db/database.ts';

/** A message carries an id and nothing else: the database is the truth. */
export interface QueueMessage {
	jobId: string;
	/** Higher goes first. */
	priority: number;
	/** Not before this time. */
	startAfter?: Date;
}

export interface ReceivedMessage {
	/** The engine's own id of the message, for `done`. */
	id: string;
	jobId: string;
}

/**
 * What the pipeline asks of a queue engine. Deliberately not in the contract: retries, results, states, time limits.
 * Those live in the jobs table; a message that is lost is sent again by the reconciler, one that comes twice loses the
 * claim.
 */
export interface Queue {
	readonly name: string;
	start(): Promise<void>;
	stop(): Promise<void>;
	/** Sends inside the caller's transaction where the engine shares the database; engines that cannot, send at once. */
	send(transaction: Transaction, messages: QueueMessage[]): Promise<void>;
	/** Takes up to `limit` messages, highest priority first; returns at once, empty when there are none. */
	fetch(limit: number): Promise<ReceivedMessage[]>;
	/** Forgets messages that were taken. */
	done(messages: ReceivedMessage[]): Promise<void>;
}
