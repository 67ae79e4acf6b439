import { Router, type Response } from 'express';
import { z } from 'zod';
import { parse } from '../contract/parse.ts';
import { eventsAfter, latestEventId, type EventRow } from '../db/events.ts';
import { startLoop, type Loop } from '../pipeline/loop.ts';
import type { HttpDeps } from './deps.ts';
import { workspaceOf } from './request.ts';

/** How late an event of another process may be seen. */
const POLL_MS = 500;
/** Proxies close silent connections, often after 30 or 60 s. */
const KEEP_ALIVE_MS = 15_000;
/** Of two transactions the later id can commit first: so many earlier ids are looked at again. */
const OVERLAP = 200;

interface Listener {
	workspaceId: string;
	wants(event: EventRow): boolean;
	send(event: EventRow): void;
}

/** Reads new events once per process and hands them to everyone who listens. */
export class EventFeed {
	readonly #deps: HttpDeps;
	readonly #listeners = new Set<Listener>();
	readonly #loop: Loop;
	#seen = new Set<number>();
	#last = -1;

	constructor(deps: HttpDeps) {
		this.#deps = deps;
		this.#loop = startLoop(POLL_MS, () => this.#round(), (error) => deps.log.error({ err: error }, 'events could not be read'));
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
		const rows = await eventsAfter(this.#deps.db, Math.max(0, this.#last - OVERLAP));
		if (begin) this.#seen = new Set(rows.filter(({ id }) => id <= this.#last).map(({ id }) => id));
		const fresh = rows.filter(({ id }) => id > this.#last || !this.#seen.has(id));
		this.#seen = new Set(rows.map(({ id }) => id));
		for (const event of fresh) {
			this.#last = Math.max(this.#last, event.id);
			for (const listener of this.#listeners) {
				if (listener.workspaceId === event.workspaceId && listener.wants(event)) listener.send(event);
			}
		}
		return POLL_MS;
	}
}

const query = z.object({ asset_id: z.uuid().optional(), job_id: z.uuid().optional(), batch_id: z.uuid().optional() });

/** GET /api/media/events: server-sent events of the workspace, or of one asset, job or batch. `Last-Event-ID` resumes. */
export function eventRoutes(deps: HttpDeps, feed: EventFeed): Router {
	const router = Router();
	router.get('/events', async (request, response) => {
		const { asset_id: assetId, job_id: jobId, batch_id: batchId } = parse(query, request.query);
		const workspaceId = workspaceOf(response);
		const wants = (event: EventRow): boolean =>
			(!assetId || event.assetId === assetId) && (!jobId || event.jobId === jobId) && (!batchId || event.data['batch_id'] === batchId);
		response.status(200).set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' });
		response.write(': connected\n\n');
		const sent = new Set<number>();
		const send = (event: EventRow): void => {
			if (sent.has(event.id)) return;
			sent.add(event.id);
			if (sent.size > 2 * OVERLAP) sent.delete(Math.min(...sent));
			write(response, event);
		};
		const named = Number(request.get('last-event-id'));
		// What happens between this line and the feed's next round is caught up below: nothing falls in between.
		const since = Number.isSafeInteger(named) && named > 0 ? named : await latestEventId(deps.db);
		const leave = feed.listen({ workspaceId, wants, send });
		for (const event of await eventsAfter(deps.db, since, 5000)) if (event.workspaceId === workspaceId && wants(event)) send(event);
		const keepAlive = setInterval(() => response.write(': keep-alive\n\n'), KEEP_ALIVE_MS);
		response.on('close', () => {
			clearInterval(keepAlive);
			leave();
		});
	});
	return router;
}

function write(response: Response, { id, type, assetId, jobId, data, createdAt }: EventRow): void {
	const body = { type, asset_id: assetId, job_id: jobId, ...data, created_at: createdAt.toISOString() };
	response.write(`id: ${id}\nevent: ${type}\ndata: ${JSON.stringify(body)}\n\n`);
}
