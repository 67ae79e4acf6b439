import type { Logger } from 'pino';
import { updateAsset } from '../db/assets.ts';
import { claimDueCallbacks, nextCallbackAt, settleCallback, type CallbackRow } from '../db/callbacks.ts';
import { recordEvents } from '../db/events.ts';
import { processJobs } from '../db/jobs.ts';
import { transact } from '../db/transact.ts';
import { PipelineError } from '../errors.ts';
import type { PipelineDeps } from '../pipeline/deps.ts';
import { finishJob } from '../pipeline/finish.ts';
import { startLoop, type Loop } from '../pipeline/loop.ts';
import type { FileUrl } from '../pipeline/views.ts';
import { classify, type Attempt, type Verdict } from './classify.ts';
import { renderCallback } from './render.ts';
import type { Sign } from './sign.ts';

export interface SendRequest {
	url: string;
	headers: Record<string, string>;
	body: string;
}
/** Sends one POST and reports what came back; never throws. */
export type Send = (request: SendRequest) => Promise<Attempt>;

export interface OutboxDeps extends PipelineDeps {
	send: Send;
	sign: Sign;
	/** Signs calls to n8n's two webhooks. */
	signTrigger: Sign;
	fileUrl: FileUrl;
}

/** At once. More receivers than this rarely wait at the same time, and each costs one socket. */
const PARALLEL = 10;
/** Longer than the sender's own time limit (Standard Webhooks: 15–30 s), so that no callback is sent by two at once. */
const LEASE_SECONDS = 60;
/** How late a callback of another process may be noticed. */
const POLL_MS = 500;

/** Delivers callbacks until stopped. */
export function startOutbox(deps: OutboxDeps): Loop {
	return startLoop(POLL_MS, () => deliverDue(deps), (error) => deps.log.error({ err: error }, 'callbacks could not be delivered'));
}

/** Delivers what is due; answers the milliseconds until something is due again. */
export async function deliverDue(deps: OutboxDeps): Promise<number> {
	const due = await claimDueCallbacks(deps.db, PARALLEL, LEASE_SECONDS);
	await Promise.all(due.map((row) => deliver(deps, row)));
	if (due.length === PARALLEL) return 0;
	const next = await nextCallbackAt(deps.db);
	return next ? Math.max(0, next.getTime() - Date.now()) : POLL_MS;
}

async function deliver(deps: OutboxDeps, row: CallbackRow): Promise<void> {
	const log = deps.log.child({ callback_id: row.id, kind: row.kind, batch_id: row.batchId, asset_id: row.assetId, attempt: row.attempts });
	const body = await renderCallback(deps.db, row, deps.fileUrl);
	if (!body) {
		await settleCallback(deps.db, row.id, { status: 'dead', httpStatus: null, reason: 'What it reports on is gone.' });
		return;
	}
	const attempt = await post(deps, row, JSON.stringify(body));
	const verdict = classify(attempt, row.attempts, Date.now() - row.createdAt.getTime());
	const httpStatus = 'status' in attempt ? attempt.status : null;
	await settle(deps, row, verdict, httpStatus, log);
}

async function post(deps: OutboxDeps, row: CallbackRow, body: string): Promise<Attempt> {
	const sign = row.kind === 'process' || row.kind === 'distribute' ? deps.signTrigger : deps.sign;
	return deps.send({ url: deps.vault.open(row.url), headers: { 'content-type': 'application/json', ...sign(row.id, body) }, body });
}

async function settle(deps: OutboxDeps, row: CallbackRow, verdict: Verdict, httpStatus: number | null, log: Logger): Promise<void> {
	if (verdict.action === 'delivered') {
		await settleCallback(deps.db, row.id, { status: 'delivered', httpStatus, reason: null });
		log.info('callback delivered');
	} else if (verdict.action === 'retry') {
		await settleCallback(deps.db, row.id, { status: 'pending', httpStatus, reason: verdict.reason, retryInMs: verdict.inMs });
		log.info({ reason: verdict.reason, retry_in_ms: Math.round(verdict.inMs) }, 'callback will be tried again');
	} else {
		log.error({ reason: verdict.reason }, 'callback is dead: see GET /api/media/callbacks?status=dead');
		await settleCallback(deps.db, row.id, { status: 'dead', httpStatus, reason: verdict.reason });
		await recordEvents(deps.db, [{ workspaceId: row.workspaceId, type: 'callback.dead', assetId: row.assetId, data: { callback_id: row.id, reason: verdict.reason } }]);
		if (row.kind === 'process' && row.assetId) await failHeld(deps, row.assetId, verdict.reason);
		deps.wake.events();
	}
}

/** n8n was to start these jobs and cannot be reached: they would wait for ever. */
async function failHeld(deps: OutboxDeps, assetId: string, reason: string): Promise<void> {
	const error = new PipelineError('n8n_unreachable', `n8n's process workflow could not be triggered: ${reason} Check N8N_WEBHOOK_URL and that the workflow is published, then retry the failed jobs.`).toPublic();
	await transact(deps.db, async (tx) => {
		for (const job of await processJobs(tx, assetId)) {
			if (job.held) await finishJob(deps, tx, job, { status: 'failed', error });
		}
		await updateAsset(tx, assetId, { status: 'failed', error });
	});
}
