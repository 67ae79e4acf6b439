import type { Logger } from 'pino';
import { lockAsset, updateAsset } from '../db/assets.ts';
import { claimDueCallbacks, msUntilDue, settleCallback, type CallbackRow } from '../db/callbacks.ts';
import { recordEvents } from '../db/events.ts';
import { processJobs } from '../db/jobs.ts';
import { transact } from '../db/transact.ts';
import { claimDueEvents } from '../db/webhooks.ts';
import { PipelineError } from '../errors.ts';
import type { PipelineDeps } from '../pipeline/deps.ts';
import { finishJob } from '../pipeline/finish.ts';
import { startLoop, type Loop } from '../pipeline/loop.ts';
import { isUnsafe } from '../pipeline/safety.ts';
import type { FileUrl } from '../pipeline/views.ts';
import { classify, type Attempt, type Verdict } from './classify.ts';
import { deliverEvent } from './event.ts';
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
	/** The same for calls to n8n's two webhooks: a signature, and a secret that n8n's Webhook node can check itself. */
	signTrigger: Sign;
	fileUrl: FileUrl;
}

/** At once. Each costs one socket, and one that never answers takes its place for 20 s (send.ts). */
const PARALLEL = 64;
/** Of one workspace, roughly: one whose receivers do not answer must not hold up the others. */
const PARALLEL_PER_WORKSPACE = 16;
/** Events have places of their own: a webhook that does not answer must not hold up what an execution waits for. */
const PARALLEL_EVENTS = 32;
const EVENTS_PER_WORKSPACE = 8;
const EVENTS_PER_WEBHOOK = 4;
/** Events need no hurry: the loop is woken for results, many times a second on a busy day. */
const EVENT_PAUSE_MS = 200;
/** Longer than the sender's own time limit (Standard Webhooks: 15–30 s), so that no callback is sent by two at once. */
const LEASE_SECONDS = 60;
/** How late a callback of another process may be noticed. */
const POLL_MS = 500;
/** A clock that is a little ahead must not make the loop spin. */
const SHORTEST_PAUSE_MS = 5;

/** Delivers callbacks until stopped; then waits for those under way. */
export function startOutbox(deps: OutboxDeps): Loop {
	const outbox = createOutbox(deps, () => loop.wake());
	const loop = startLoop(POLL_MS, () => outbox.round(), (error) => deps.log.error({ err: error }, 'callbacks could not be delivered'));
	return {
		wake: loop.wake,
		stop: async () => {
			await loop.stop();
			await outbox.settled();
		},
	};
}

export interface Outbox {
	/** Begins to deliver what is due, as far as there is room; answers the milliseconds until it should be called again. */
	round(): Promise<number>;
	/** Waits until nothing is under way. */
	settled(): Promise<void>;
}

/** `onRoom` is called after each delivery. */
export function createOutbox(deps: OutboxDeps, onRoom: () => void = () => {}): Outbox {
	const lanes = [createResultLane(deps, onRoom), createEventLane(deps, onRoom)];
	return {
		async round() {
			let wait = POLL_MS;
			for (const lane of lanes) wait = Math.min(wait, await lane.round());
			return wait;
		},
		async settled() {
			for (const lane of lanes) await lane.settled();
		},
	};
}

function createResultLane(deps: OutboxDeps, onRoom: () => void): Outbox {
	const running = createRunning(deps, onRoom);
	const busy = () => running.atLeast(PARALLEL_PER_WORKSPACE, ({ workspaceId }) => workspaceId);
	return {
		async round() {
			const room = Math.min(PARALLEL - running.size, PARALLEL_PER_WORKSPACE);
			if (room <= 0) return POLL_MS;
			const due = await claimDueCallbacks(deps.db, room, LEASE_SECONDS, busy());
			for (const row of due) running.start(row, deliver(deps, row));
			if (due.length === room) return 0;
			const wait = await msUntilDue(deps.db, busy());
			return wait === null ? POLL_MS : Math.max(SHORTEST_PAUSE_MS, wait);
		},
		settled: () => running.settled(),
	};
}

function createEventLane(deps: OutboxDeps, onRoom: () => void): Outbox {
	let notBefore = 0;
	const running = createRunning(deps, () => {
		notBefore = 0;
		onRoom();
	});
	return {
		async round() {
			const early = notBefore - Date.now();
			if (early > 0) return early;
			const room = Math.min(PARALLEL_EVENTS - running.size, EVENTS_PER_WORKSPACE);
			if (room <= 0) return POLL_MS;
			const busy = {
				workspaces: running.atLeast(EVENTS_PER_WORKSPACE, ({ workspaceId }) => workspaceId),
				webhooks: running.atLeast(EVENTS_PER_WEBHOOK, ({ webhookId }) => webhookId),
			};
			const due = await claimDueEvents(deps.db, room, EVENTS_PER_WEBHOOK, LEASE_SECONDS, busy);
			for (const row of due) running.start(row, deliverEvent(deps, row));
			if (due.length > 0) return 0;
			notBefore = Date.now() + EVENT_PAUSE_MS;
			return POLL_MS;
		},
		settled: () => running.settled(),
	};
}

interface Running {
	readonly size: number;
	start(row: CallbackRow, delivery: Promise<void>): void;
	/** Keys (workspaces, webhooks) that have as many deliveries under way. */
	atLeast(count: number, keyOf: (row: CallbackRow) => string | null): string[];
	settled(): Promise<void>;
}

/** What is under way. */
function createRunning(deps: OutboxDeps, onEnd: () => void): Running {
	const running = new Map<Promise<void>, CallbackRow>();
	return {
		get size() {
			return running.size;
		},
		start(row, delivery) {
			const work: Promise<void> = delivery
				// Its lease runs out, and it is tried again.
				.catch((error: unknown) => deps.log.error({ err: error, callback_id: row.id }, 'a callback could not be handled'))
				.then(() => {
					running.delete(work);
					onEnd();
				});
			running.set(work, row);
		},
		atLeast(least, keyOf) {
			const counts = new Map<string, number>();
			for (const row of running.values()) {
				const key = keyOf(row);
				if (key !== null) counts.set(key, (counts.get(key) ?? 0) + 1);
			}
			return [...counts].filter(([, count]) => count >= least).map(([key]) => key);
		},
		async settled() {
			while (running.size > 0) await Promise.all(running.keys());
		},
	};
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
	let url: string;
	try {
		url = deps.vault.open(row.url);
	} catch {
		return { failure: 'Its URL cannot be decrypted: ENCRYPTION_KEY is not the one it was stored with.' };
	}
	return deps.send({ url, headers: { 'content-type': 'application/json', ...sign(row.id, body) }, body });
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
		const asset = await lockAsset(tx, assetId);
		// What a scan has found stays what is wrong with it.
		await updateAsset(tx, assetId, { status: 'failed', ...(asset && isUnsafe(asset) ? {} : { error }) });
	});
}
