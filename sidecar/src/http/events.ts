import { Router, type Response } from 'express';
import { z } from 'zod';
import { parse } from '../contract/parse.ts';
import { keyWorks } from '../db/api-keys.ts';
import { eventsAfter, latestEventId, type EventRow } from '../db/events.ts';
import { startLoop, type Loop } from '../pipeline/loop.ts';
import { callerOf } from './caller.ts';
import type { HttpDeps } from './deps.ts';
import { dbOf, workspaceOf } from './request.ts';

/** How late an event of another process may be seen. */
const POLL_MS = 500;
/** Proxies close silent connections, often after 30 or 60 s. So long, too, a key that was taken back still hears what happens. */
const KEEP_ALIVE_MS = 15_000;
/** Of two transactions the later id can commit first: so many earlier ids are looked at again. */
const OVERLAP = 200;

/** Events per query. */
const PAGE = 500;
/** A reader that is further behind is cut off: it comes again with its Last-Event-ID, and memory does not fill meanwhile. */
const MAX_BEHIND_BYTES = 1024 * 1024;
const MAX_BEHIND_EVENTS = 10_000;

/** What serving events needs. */
export type EventDeps = Pick<HttpDeps, 'db' | 'log'>;

interface Listener {
	workspaceId: string;
	wants(event: EventRow): boolean;
	send(event: EventRow): void;
}

/** Reads new events once per process and hands them to everyone who listens. */
export class EventFeed {
	readonly #deps: EventDeps;
	readonly #listeners = new Set<Listener>();
	readonly #loop: Loop;
	#seen = new Set<number>();
	#last = -1;

	constructor(deps: EventDeps) {
		this.#deps = deps;
		this.#loop = startLoop(POLL_MS, () => this.#round(), (error) => deps.log.error({ err: error }, 'events could not be read'));
	}

	/** How many listen now. */
	get listeners(): number {
		return this.#listeners.size;
	}

	wake(): void {
		this.#loop.wake();
	}

	listen(listener: Listener): () => void {
		this.#listeners.add(listener);
		this.#loop.wake();
		return () => this.#listeners.delete(listener);
	}

	stop(): Promise<void> {
		return this.#loop.stop();
	}

	async #round(): Promise<number> {
		if (this.#listeners.size === 0) {
			// Nobody listens: nothing needs reading, and whoever comes starts with what is new then.
			this.#last = -1;
			return POLL_MS * 4;
		}
		const begin = this.#last < 0;
		if (begin) this.#last = await latestEventId(this.#deps.db);
		const rows = await eventsAfter(this.#deps.db, Math.max(0, this.#last - OVERLAP), PAGE);
		if (begin) this.#seen = new Set(rows.filter(({ id }) => id <= this.#last).map(({ id }) => id));
		const fresh = rows.filter(({ id }) => id > this.#last || !this.#seen.has(id));
		this.#seen = new Set(rows.map(({ id }) => id));
		for (const event of fresh) {
			this.#last = Math.max(this.#last, event.id);
			for (const listener of this.#listeners) {
				if (listener.workspaceId === event.workspaceId && listener.wants(event)) listener.send(event);
			}
		}
		return rows.length === PAGE ? 0 : POLL_MS;
	}
}

const query = z.object({ asset_id: z.uuid().optional(), job_id: z.uuid().optional(), batch_id: z.uuid().optional() });

/** GET /api/media/events: server-sent events of the workspace, or of one asset, job or batch. `Last-Event-ID` resumes. */
export function eventRoutes(deps: EventDeps & Pick<HttpDeps, 'fileUrl'>, feed: EventFeed, keepAliveMs = KEEP_ALIVE_MS): Router {
	const router = Router();
	router.get('/events', async (request, response) => {
		const { asset_id: assetId, job_id: jobId, batch_id: batchId } = parse(query, request.query);
		const workspaceId = workspaceOf(response);
		const wants = (event: EventRow): boolean =>
			(!assetId || event.assetId === assetId) && (!jobId || event.jobId === jobId) && (!batchId || event.data['batch_id'] === batchId);
		response.status(200).set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' });
		response.write(': connected\n\n');
		let leave = (): unknown => null;
		const keyId = callerOf(response)?.keyId;
		const keepAlive = setInterval(() => {
			// Told to end, but its reader takes nothing: it would never close by itself, and nothing may be written after the end.
			if (response.writableEnded) return void response.destroy();
			response.write(': keep-alive\n\n');
			// While the database does not answer, there is nothing to be heard either.
			if (keyId !== undefined) keyWorks(deps.db, keyId).then((works) => works || response.end(), () => {});
		}, keepAliveMs);
		// Before the first wait: whoever leaves during it must not be served for ever.
		response.on('close', () => {
			clearInterval(keepAlive);
			leave();
		});

		const sent = new Set<number>();
		const send = (event: EventRow): void => {
			if (response.writableEnded || sent.has(event.id)) return;
			sent.add(event.id);
			if (response.writableLength > MAX_BEHIND_BYTES) response.destroy();
			else write(response, event, deps.fileUrl);
		};
		const named = Number(request.get('last-event-id'));
		// What happens between this line and the feed's next round is caught up below: nothing falls in between.
		const since = Number.isSafeInteger(named) && named > 0 ? named : await latestEventId(dbOf(response));
		if (response.destroyed) return;
		// New events wait until the old ones are sent: a client that breaks off in between would name the new one as its last.
		const fresh: EventRow[] = [];
		let live = false;
		leave = feed.listen({
			workspaceId,
			wants,
			send: (event) => {
				if (!live) {
					if (fresh.push(event) > MAX_BEHIND_EVENTS) response.destroy();
					return;
				}
				send(event);
				// Only what the feed may hand out twice need be remembered.
				for (const id of sent) {
					if (sent.size <= 2 * OVERLAP) break;
					sent.delete(id);
				}
			},
		});
		for (let after = since, more = true; more && !response.destroyed; ) {
			const page = await eventsAfter(dbOf(response), after, PAGE, workspaceId);
			page.filter(wants).forEach(send);
			after = page.at(-1)?.id ?? after;
			more = page.length === PAGE;
			if (response.writableNeedDrain && !response.destroyed) await drained(response);
		}
		fresh.forEach(send);
		live = true;
	});
	return router;
}

const drained = (response: Response): Promise<void> =>
	new Promise((resolve) => {
		const done = (): void => {
			response.off('drain', done).off('close', done);
			resolve();
		};
		response.on('drain', done).on('close', done);
	});

function write(response: Response, { id, type, assetId, jobId, data, createdAt }: EventRow, fileUrl: HttpDeps['fileUrl']): void {
	// Signed when it is sent: an event may be read long after it happened.
	const { storage_key: key, ...shown } = data;
	const body = { type, asset_id: assetId, job_id: jobId, ...shown, ...(typeof key === 'string' ? { url: fileUrl(key) } : {}), created_at: createdAt.toISOString() };
	response.write(`id: ${id}\nevent: ${type}\ndata: ${JSON.stringify(body)}\n\n`);
}
