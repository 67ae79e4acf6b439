import { and, eq } from 'drizzle-orm';
import { PipelineError } from '../errors.ts';
import type { Transaction } from './database.ts';
import { idempotencyKeys } from './schema.ts';

export interface IdempotentRequest {
	workspaceId: string;
	/** The caller's key; null: the request is simply done. */
	key: string | null;
	/** `POST /api/media/process` */
	route: string;
	/** SHA-256 of the body and the scopes of the caller: the same key with another body is a mistake of the caller. */
	requestHash: string;
}

export interface Answer {
	status: number;
	body: unknown;
}

/**
 * Does the work once per key. The key, the work and the answer commit together, so a crash leaves either all or nothing; a
 * second request with the same key waits for the first one's commit and gets the same answer.
 */
export async function once(tx: Transaction, request: IdempotentRequest, work: () => Promise<Answer>): Promise<Answer> {
	const { workspaceId, key, route, requestHash } = request;
	if (key === null) return work();
	const [mine] = await tx
		.insert(idempotencyKeys)
		.values({ workspaceId, key, route, requestHash })
		.onConflictDoNothing()
		.returning({ key: idempotencyKeys.key });
	const same = and(eq(idempotencyKeys.workspaceId, workspaceId), eq(idempotencyKeys.key, key));
	if (!mine) {
		const [earlier] = await tx.select().from(idempotencyKeys).where(same);
		if (!earlier || earlier.route !== route || earlier.requestHash !== requestHash) {
			throw new PipelineError(
				'idempotency_conflict',
				`The idempotency key was used before for a different request${earlier ? ` (${earlier.route})` : ''}, or with an API key of other scopes. Use a new key for a new request.`,
			);
		}
		return { status: earlier.status ?? 200, body: earlier.answer };
	}
	const answer = await work();
	await tx.update(idempotencyKeys).set({ status: answer.status, answer: answer.body }).where(same);
	return answer;
}
