import type { CallbackRow } from '../db/callbacks.ts';
import { settleCallback } from '../db/callbacks.ts';
import { recordEvents } from '../db/events.ts';
import { transact } from '../db/transact.ts';
import { disableWebhook, findWebhook, webhookFailed, webhookWorked, type WebhookRow } from '../db/webhooks.ts';
import { eventId } from '../pipeline/views.ts';
import { classifyEvent, holdMs, type Attempt, type EventVerdict } from './classify.ts';
import type { OutboxDeps } from './outbox.ts';
import { renderEvent } from './render-event.ts';
import { createSigner } from './sign.ts';

/** Tells a registered webhook of an event: signed with its own secret, and remembering how it fares. */
export async function deliverEvent(deps: OutboxDeps, row: CallbackRow): Promise<void> {
	const log = deps.log.child({ callback_id: row.id, kind: row.kind, webhook_id: row.webhookId, event_id: row.eventId, attempt: row.attempts });
	const giveUp = (reason: string, httpStatus: number | null = null) => settleCallback(deps.db, row.id, { status: 'dead', httpStatus, reason });
	const webhook = row.webhookId ? await findWebhook(deps.db, row.workspaceId, row.webhookId) : null;
	// Deleted: this row went with it.
	if (!webhook || row.eventId === null) return;
	if (webhook.status === 'disabled') return void (await giveUp('The webhook is disabled: enable it, then deliver again.'));
	const body = await renderEvent(deps.db, row.workspaceId, row.eventId, deps.fileUrl);
	if (!body) return void (await giveUp('The event is forgotten: they are kept for 30 days.'));

	const attempt = await post(deps, webhook, eventId(row.eventId), JSON.stringify(body));
	const failingMs = webhook.failingSince ? Date.now() - webhook.failingSince.getTime() : 0;
	const verdict = classifyEvent(attempt, { attempts: row.attempts, ageMs: Date.now() - row.createdAt.getTime(), failingMs });
	const httpStatus = 'status' in attempt ? attempt.status : null;
	if (verdict.action === 'delivered') {
		await settleCallback(deps.db, row.id, { status: 'delivered', httpStatus, reason: null });
		await webhookWorked(deps.db, webhook.id);
		log.info('event delivered');
		return;
	}
	await webhookFailed(deps.db, webhook.id, verdict.reason, holdMs(attempt, failingMs));
	await settleFailure(deps, row, webhook, verdict, httpStatus);
	log.warn({ reason: verdict.reason, verdict: verdict.action }, 'event not delivered');
}

async function settleFailure(deps: OutboxDeps, row: CallbackRow, webhook: WebhookRow, verdict: Exclude<EventVerdict, { action: 'delivered' }>, httpStatus: number | null): Promise<void> {
	const { reason } = verdict;
	if (verdict.action === 'retry') {
		await settleCallback(deps.db, row.id, { status: 'pending', httpStatus, reason, retryInMs: verdict.inMs });
		return;
	}
	await transact(deps.db, async (tx) => {
		await settleCallback(tx, row.id, { status: 'dead', httpStatus, reason });
		const disabled = verdict.action === 'disable' && (await disableWebhook(tx, webhook.id, reason));
		await recordEvents(tx, [
			{ workspaceId: row.workspaceId, type: 'callback.dead', data: { callback_id: row.id, webhook_id: webhook.id, reason } },
			...(disabled ? [{ workspaceId: row.workspaceId, type: 'webhook.disabled', data: { webhook_id: webhook.id, reason } }] : []),
		]);
	});
	deps.wake.events();
}

async function post(deps: OutboxDeps, webhook: WebhookRow, id: string, body: string): Promise<Attempt> {
	let url: string;
	let secret: string;
	try {
		url = deps.vault.open(webhook.url);
		secret = deps.vault.open(webhook.secret);
	} catch {
		return { failure: 'Its URL cannot be decrypted: ENCRYPTION_KEY is not the one it was stored with.' };
	}
	return deps.send({ url, headers: { 'content-type': 'application/json', ...createSigner(secret)(id, body) }, body });
}
