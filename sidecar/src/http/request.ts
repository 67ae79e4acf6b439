import { createHash } from 'node:crypto';
import type { Request, RequestHandler, Response } from 'express';
import type { z } from 'zod';
import { parse } from '../contract/parse.ts';
import type { Database, Transaction } from '../db/database.ts';
import { once, type Answer } from '../db/idempotency.ts';
import { transact } from '../db/transact.ts';
import { workspaceOfKey } from '../db/workspaces.ts';
import { PipelineError } from '../errors.ts';
import { wakeAll } from '../pipeline/deps.ts';
import type { HttpDeps } from './deps.ts';

/** Set by `authenticate`. */
export const workspaceOf = (response: Response): string => response.locals['workspaceId'] as string;

/** The database as the caller's workspace sees it. Set by `authenticate`. */
export const dbOf = (response: Response): Database => response.locals['db'] as Database;

/** `Authorization: Bearer <key>` → workspace. A missing and a wrong key are answered alike, without detail. */
export function authenticate(deps: HttpDeps): RequestHandler {
	return async (request, response, next) => {
		const [scheme, key] = (request.get('authorization') ?? '').split(' ');
		const workspaceId = scheme?.toLowerCase() === 'bearer' && key ? await workspaceOfKey(deps.db, key) : null;
		if (!workspaceId) throw new PipelineError('unauthorized', 'Unauthorized');
		response.locals['workspaceId'] = workspaceId;
		response.locals['db'] = deps.database.forWorkspace(workspaceId);
		next();
	};
}

/** The parsed body. A `workspace_id` in it must be that of the key. */
export function bodyOf<T>(schema: z.ZodType<T>, request: Request, response: Response): T {
	if (typeof request.body !== 'object' || request.body === null) {
		throw new PipelineError('invalid_request', 'The body must be a JSON object, sent with Content-Type: application/json.');
	}
	const body = parse(schema, request.body);
	const named = (body as { workspace_id?: unknown }).workspace_id;
	if (named !== undefined && named !== workspaceOf(response)) throw new PipelineError('forbidden', 'workspace_id: this API key belongs to another workspace.');
	return body;
}

/** Longest key that is accepted; ours are hashes of 64 characters. */
const MAX_KEY_LENGTH = 255;

/**
 * Runs a request that creates something, in one transaction, once per `Idempotency-Key`; then tells the loops that there is
 * work.
 */
export async function create(deps: HttpDeps, request: Request, response: Response, work: (tx: Transaction) => Promise<Answer>): Promise<void> {
	const key = request.get('idempotency-key') ?? request.get('x-idempotency-key') ?? null;
	if (key !== null && (key.length === 0 || key.length > MAX_KEY_LENGTH)) {
		throw new PipelineError('invalid_request', `Idempotency-Key: must have 1 to ${MAX_KEY_LENGTH} characters (given: ${key.length}).`);
	}
	const answer = await transact(dbOf(response), (tx) =>
		once(
			tx,
			{
				workspaceId: workspaceOf(response),
				key,
				route: `${request.method} ${request.baseUrl}${request.path}`,
				requestHash: createHash('sha256').update(JSON.stringify(request.body ?? null)).digest('hex'),
			},
			() => work(tx),
		),
	);
	wakeAll(deps);
	response.status(answer.status).json(answer.body);
}
