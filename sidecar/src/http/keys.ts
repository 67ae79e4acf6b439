import { Router } from 'express';
import { covers } from '../contract/scopes.ts';
import { keyRequestSchema, rotateRequestSchema, type ApiKeyView } from '../contract/tenancy.ts';
import { BOOTSTRAP, expireKey, insertKey, listKeys, lockKey, revokeKey, type ApiKeyRow } from '../db/api-keys.ts';
import type { Transaction } from '../db/database.ts';
import { transact } from '../db/transact.ts';
import { PipelineError } from '../errors.ts';
import { uuidOf } from './batches.ts';
import { bodyOf, callerOf, dbOf, workspaceOf } from './request.ts';
import type { Response } from 'express';

/** A workspace has a key per person and program, not one per call; lists stay readable. */
export const MAX_KEYS = 100;

export const keyView = (row: ApiKeyRow): ApiKeyView => ({
	id: row.id,
	name: row.name,
	hint: row.hint,
	scopes: row.scopes,
	last_used_at: row.lastUsedAt?.toISOString() ?? null,
	expires_at: row.expiresAt?.toISOString() ?? null,
	created_at: row.createdAt.toISOString(),
});

/** /api/media/keys: the API keys of the workspace. None is ever shown again. No Idempotency-Key: the answer would have to be stored. */
export function keyRoutes(): Router {
	const router = Router();

	router.post('/keys', async (request, response) => {
		const { name, scopes, expires_in: expiresIn } = bodyOf(keyRequestSchema, request, response);
		refuseBootstrap(name);
		refuseMore(response, scopes, 'scopes');
		const workspaceId = workspaceOf(response);
		const { row, key } = await transact(dbOf(response), async (tx) => {
			await refuseTooMany(tx, workspaceId);
			return insertKey(tx, { workspaceId, name, scopes: [...new Set(scopes)], expiresAt: expiresIn === null ? null : new Date(Date.now() + expiresIn * 1000) });
		});
		response.status(201).set('Cache-Control', 'no-store').json({ ...keyView(row), key });
	});

	router.get('/keys', async (_request, response) => {
		response.json({ keys: (await listKeys(dbOf(response), workspaceOf(response))).map(keyView) });
	});

	router.post('/keys/:id/rotate', async (request, response) => {
		const id = uuidOf(request.params.id);
		const { grace_seconds: grace } = bodyOf(rotateRequestSchema, request, response);
		const { row, key } = await transact(dbOf(response), async (tx) => {
			const old = changeable(response, await lockKey(tx, workspaceOf(response), id), id);
			// The new one would end with the grace of the old one.
			if (old.rotatedAt) throw new PipelineError('conflict', `Key ${id} was rotated already. Rotate its successor, or delete that and make a new key.`);
			await refuseTooMany(tx, workspaceOf(response));
			await expireKey(tx, id, grace);
			return insertKey(tx, { workspaceId: old.workspaceId, name: old.name, scopes: old.scopes, expiresAt: old.expiresAt });
		});
		response.status(201).set('Cache-Control', 'no-store').json({ ...keyView(row), key });
	});

	router.delete('/keys/:id', async (request, response) => {
		const id = uuidOf(request.params.id);
		await transact(dbOf(response), async (tx) => {
			changeable(response, await lockKey(tx, workspaceOf(response), id), id);
			await revokeKey(tx, id);
		});
		response.json({ id, deleted: true });
	});

	return router;
}

export function refuseBootstrap(name: string): void {
	if (name === BOOTSTRAP) throw new PipelineError('invalid_request', `name: "${BOOTSTRAP}" is the key of the operator (API_KEY). Choose another name.`, { details: { field: 'name' } });
}

export async function refuseTooMany(tx: Transaction, workspaceId: string): Promise<void> {
	if ((await listKeys(tx, workspaceId)).length < MAX_KEYS) return;
	throw new PipelineError('conflict', `This workspace has ${MAX_KEYS} keys, which is the most there can be. Delete those that nobody uses: GET /api/media/keys lists them.`);
}

/** Who has a key that may do more, may do more: nobody gets one out of a key that may less. */
function refuseMore(response: Response, scopes: string[], what: string): void {
	const own = callerOf(response)?.scopes ?? [];
	if (!covers(own, scopes)) throw new PipelineError('forbidden', `${what}: the key you ask with may do less (${own.join(', ')}) than ${scopes.join(', ')}. Ask with one that may do all of it.`, { details: { field: what, has: own } });
}

function changeable(response: Response, row: ApiKeyRow | null, id: string): ApiKeyRow {
	if (!row) throw new PipelineError('not_found', `There is no key ${id} in this workspace.`);
	if (row.name === BOOTSTRAP) throw new PipelineError('conflict', 'This is the key of the operator. Set another API_KEY and restart the sidecar: the old one then stops working.');
	refuseMore(response, row.scopes, 'id');
	return row;
}
