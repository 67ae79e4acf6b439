import { createHash } from 'node:crypto';
import type { Request, RequestHandler, Response } from 'express';
import type { z } from 'zod';
import { ALL, allows, SCOPE_TEXTS, scopeOfOperation, type Scope } from '../contract/scopes.ts';
import { parse } from '../contract/parse.ts';
import type { Database, Transaction } from '../db/database.ts';
import { once, type Answer } from '../db/idempotency.ts';
import { transact } from '../db/transact.ts';
import { insertAudit } from '../db/audit.ts';
import { callerOf as callerOfKey, keyWasUsed, type Caller } from '../db/api-keys.ts';
import { DEFAULT_WORKSPACE } from '../db/workspaces.ts';
import { PipelineError } from '../errors.ts';
import { wakeAll } from '../pipeline/deps.ts';
import { entryInTransaction, isRecorded } from './audit-calls.ts';
import { callerOf } from './caller.ts';
import type { HttpDeps } from './deps.ts';
import { calledOf } from './route.ts';

/** Set by `authenticate`. */
export const workspaceOf = (response: Response): string => response.locals['workspaceId'] as string;

/** The database as the caller's workspace sees it. Set by `authenticate`. */
export const dbOf = (response: Response): Database => response.locals['db'] as Database;

export { callerOf };

const MINUTE_MS = 60_000;

/** `Authorization: Bearer <key>` → workspace. A missing and a wrong key are answered alike, without detail. */
export function authenticate(deps: HttpDeps): RequestHandler {
	/** When each key was last written down as used, by this process. */
	const used = new Map<string, number>();
	const noteUse = ({ keyId, lastUsedAt }: Caller): void => {
		const minute = Math.floor(Date.now() / MINUTE_MS);
		if (used.get(keyId) === minute || (lastUsedAt && lastUsedAt.getTime() >= minute * MINUTE_MS)) return;
		used.set(keyId, minute);
		void keyWasUsed(deps.db, keyId).catch((error: unknown) => deps.log.warn({ err: error }, 'when a key was used could not be written down'));
	};
	return async (request, response, next) => {
		const [scheme, key] = (request.get('authorization') ?? '').split(' ');
		const caller = scheme?.toLowerCase() === 'bearer' && key ? await callerOfKey(deps.db, key) : null;
		if (!caller) throw new PipelineError('unauthorized', 'Unauthorized');
		noteUse(caller);
		response.locals['caller'] = caller;
		// What a key was answered is for nobody else: not for a cache on the way either, however it is set up.
		response.set('Cache-Control', 'private, no-store');
		response.locals['workspaceId'] = caller.workspaceId;
		response.locals['db'] = deps.database.forWorkspace(caller.workspaceId);
		next();
	};
}

/** Throws `forbidden` unless the key may do this; naming what is missing. */
export function requireScope(response: Response, scope: Scope): void {
	const caller = callerOf(response);
	if (!caller) throw new PipelineError('unauthorized', 'Unauthorized');
	if (scope === 'platform' && caller.workspaceId !== DEFAULT_WORKSPACE) {
		throw new PipelineError('forbidden', `Only keys of the workspace "${DEFAULT_WORKSPACE}", which is the operator's, can have the scope "platform" (${SCOPE_TEXTS.platform}).`, { details: { scope } });
	}
	if (allows(caller.scopes, scope)) return;
	throw new PipelineError(
		'forbidden',
		`This API key lacks the scope "${scope}" (${SCOPE_TEXTS[scope]}). It has: ${caller.scopes.join(', ') || 'none'}. Whoever manages the keys of the workspace can make one that has it: POST /api/media/keys.`,
		{ details: { scope, has: caller.scopes } },
	);
}

/** Beside what the route takes: a job that publishes takes `publish`, however it was submitted, by whatever pipeline. */
export function requireOperations(response: Response, operations: Iterable<string>): void {
	for (const scope of new Set([...operations].map(scopeOfOperation))) if (scope !== 'write') requireScope(response, scope);
}

/** After `authenticate`: the scope that the route declares in http/openapi.ts. A route that is not there is for keys that may do everything. */
export const authorize: RequestHandler = (_request, response, next) => {
	const route = calledOf(response)?.route;
	if (route?.scope === undefined) {
		if (!callerOf(response)?.scopes.includes(ALL)) throw new PipelineError('forbidden', 'This API key may do some things only, and this is none of them. GET /docs shows what there is.');
	} else if (route.scope !== 'any') requireScope(response, route.scope);
	next();
};

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

/**
 * What must be the same for an earlier answer to be given again: the body, and what the key may do. An answer is shown to nobody whose key
 * could not have asked for it; a rotated key has the scopes of the old one, and a repetition with it finds its answer.
 */
function hashOf(request: Request, response: Response): string {
	const scopes = [...(callerOf(response)?.scopes ?? [])].sort();
	return createHash('sha256').update(JSON.stringify([scopes, request.body ?? null])).digest('hex');
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
	const answer = await transact(dbOf(response), async (tx) => {
		const answered = await once(
			tx,
			{
				workspaceId: workspaceOf(response),
				key,
				route: `${request.method} ${request.baseUrl}${request.path}`,
				requestHash: hashOf(request, response),
			},
			() => work(tx),
		);
		const entry = entryInTransaction(request, response, answered);
		if (entry) await insertAudit(tx, [entry]);
		return answered;
	});
	isRecorded(response);
	wakeAll(deps);
	response.status(answer.status).json(answer.body);
}
