import { randomUUID } from 'node:crypto';
import { Router } from 'express';
import { newSecret } from '../callbacks/sign.ts';
import { webhookRequestSchema, type WebhookView } from '../contract/webhooks.ts';
import { findAsset } from '../db/assets.ts';
import type { Database } from '../db/database.ts';
import { transact } from '../db/transact.ts';
import { countPending, deleteWebhook, enableWebhook, findWebhook, insertWebhook, listWebhooks, type WebhookRow } from '../db/webhooks.ts';
import { PipelineError } from '../errors.ts';
import { describeUrl } from '../net/guard.ts';
import { uuidOf } from './batches.ts';
import type { HttpDeps } from './deps.ts';
import { bodyOf, create, dbOf, workspaceOf } from './request.ts';

/** Each active one costs a row and a request per event; every n8n workflow with a trigger has one. */
export const MAX_WEBHOOKS = 100;

/** POST, GET and DELETE /api/media/webhooks: who is told of events (D6). */
export function webhookRoutes(deps: HttpDeps): Router {
	const router = Router();
	const view = async (db: Database, row: WebhookRow): Promise<WebhookView> => webhookView(deps, row, (await countPending(db, [row.id])).get(row.id) ?? 0);
	const missing = (id: string) => new PipelineError('not_found', `There is no webhook ${id} in this workspace.`);

	// No Idempotency-Key here: the answer would have to be stored, and the secret in it is shown once.
	router.post('/webhooks', async (request, response) => {
		const { url, events, asset_id: assetId, description } = bodyOf(webhookRequestSchema, request, response);
		const workspaceId = workspaceOf(response);
		await deps.checkCallbackUrl(url).catch((error: unknown) => {
			throw error instanceof PipelineError ? new PipelineError(error.code, `url: ${error.message}`, { details: { ...error.details, field: 'url' }, cause: error }) : error;
		});
		const secret = newSecret();
		const stored = await transact(dbOf(response), async (tx) => {
			if (assetId && !(await findAsset(tx, workspaceId, assetId))) throw new PipelineError('not_found', `asset_id: there is no asset ${assetId} in this workspace.`);
			const row = { id: randomUUID(), workspaceId, url: deps.vault.seal(url), secret: deps.vault.seal(secret), eventTypes: events, assetId: assetId ?? null, description };
			return insertWebhook(tx, row, MAX_WEBHOOKS);
		});
		if (!stored) throw new PipelineError('conflict', `This workspace has ${MAX_WEBHOOKS} webhooks, which is the most there can be. Delete those that nobody needs: GET /api/media/webhooks lists them.`);
		response.status(201).set('Cache-Control', 'no-store').json({ ...webhookView(deps, stored, 0), secret });
	});

	router.get('/webhooks', async (_request, response) => {
		const rows = await listWebhooks(dbOf(response), workspaceOf(response));
		const pending = await countPending(dbOf(response), rows.map(({ id }) => id));
		response.json({ webhooks: rows.map((row) => webhookView(deps, row, pending.get(row.id) ?? 0)) });
	});

	router.get('/webhooks/:id', async (request, response) => {
		const row = await findWebhook(dbOf(response), workspaceOf(response), uuidOf(request.params.id));
		if (!row) throw missing(request.params.id);
		response.json(await view(dbOf(response), row));
	});

	router.post('/webhooks/:id/enable', async (request, response) => {
		const id = uuidOf(request.params.id);
		await create(deps, request, response, async (tx) => {
			const row = await enableWebhook(tx, workspaceOf(response), id);
			if (!row) throw missing(id);
			return { status: 200, body: webhookView(deps, row, (await countPending(tx, [id])).get(id) ?? 0) };
		});
	});

	router.delete('/webhooks/:id', async (request, response) => {
		const id = uuidOf(request.params.id);
		if (!(await deleteWebhook(dbOf(response), workspaceOf(response), id))) throw missing(id);
		response.json({ id, deleted: true });
	});

	return router;
}

function webhookView({ vault }: Pick<HttpDeps, 'vault'>, row: WebhookRow, pending: number): WebhookView {
	return {
		id: row.id,
		url: shownUrl(vault, row.url),
		events: row.eventTypes,
		asset_id: row.assetId,
		description: row.description,
		status: row.status,
		disabled_reason: row.disabledReason,
		disabled_at: row.disabledAt?.toISOString() ?? null,
		failing_since: row.failingSince?.toISOString() ?? null,
		failures: row.failures,
		last_failure: row.lastFailure,
		last_delivered_at: row.lastDeliveredAt?.toISOString() ?? null,
		pending,
		created_at: row.createdAt.toISOString(),
	};
}

/** Queries hold tokens. One that was sealed with an earlier ENCRYPTION_KEY must not make the list unreadable. */
function shownUrl(vault: HttpDeps['vault'], sealed: string): string {
	try {
		const url = vault.open(sealed);
		return url.includes('?') ? `${describeUrl(url)}?…` : describeUrl(url);
	} catch {
		return '';
	}
}
