import { request as httpRequest, type ServerResponse } from 'node:http';
import express from 'express';
import { pino } from 'pino';
import type { OpenDatabase } from '../../../sidecar/src/db/database.ts';
import { listKeys, revokeKey } from '../../../sidecar/src/db/api-keys.ts';
import { createWorkspace } from '../../../sidecar/src/db/workspaces.ts';
import { eventsAfter, latestEventId, recordEvents } from '../../../sidecar/src/db/events.ts';
import { EventFeed, eventRoutes } from '../../../sidecar/src/http/events.ts';
import { startServer, type TestServer } from '../../support/http-server.ts';
import { until } from '../../support/pipeline.ts';
import { openTestDatabase } from '../../support/pglite.ts';

interface Stream {
	ids: number[];
	types: string[];
	data: Array<Record<string, unknown>>;
	close(): Promise<void>;
}

describe('GET /events', () => {
	let database: OpenDatabase;
	let feed: EventFeed;
	let server: TestServer;
	let closed: number;
	/** The latest answer. */
	let served: ServerResponse | undefined;

	beforeAll(async () => {
		database = await openTestDatabase();
		const deps = { db: database.db, log: pino({ level: 'silent' }), fileUrl: (key: string) => `http://files.test/${key}?signature=now` };
		feed = new EventFeed(deps);
		const app = express();
		app.use((request, response, next) => {
			response.locals['workspaceId'] = request.get('x-workspace') ?? 'acme';
			if (request.get('x-key')) response.locals['caller'] = { keyId: request.get('x-key') };
			response.locals['db'] = database.forWorkspace(request.get('x-workspace') ?? 'acme');
			served = response;
			response.on('close', () => (closed += 1));
			next();
		});
		app.use(eventRoutes(deps, feed, 30));
		server = await startServer(app);
	});
	afterAll(async () => {
		await server.close();
		await feed.stop();
		await database.close();
	});
	beforeEach(async () => {
		await until(() => feed.listeners === 0, 'earlier listeners are gone');
		closed = 0;
	});

	const record = async (count: number, workspaceId = 'acme', type = 'job.created') => {
		await recordEvents(database.db, Array.from({ length: count }, () => ({ workspaceId, type })));
		feed.wake();
	};
	const listen = async (after?: number, workspace = 'acme'): Promise<Stream> => {
		const leaving = new AbortController();
		const response = await fetch(`${server.url}/events`, { signal: leaving.signal, headers: { 'x-workspace': workspace, ...(after === undefined ? {} : { 'last-event-id': String(after) }) } });
		const stream: Stream = { ids: [], types: [], data: [], close: async () => (leaving.abort(), reading) };
		const reading = (async () => {
			let rest = '';
			for await (const text of response.body!.pipeThrough(new TextDecoderStream())) {
				const blocks = (rest + text).split('\n\n');
				rest = blocks.pop() ?? '';
				for (const block of blocks) {
					const [, id, type] = /^id: (\d+)\nevent: (.+)$/m.exec(block) ?? [];
					if (!id || !type) continue;
					stream.ids.push(Number(id));
					stream.types.push(type);
					stream.data.push(JSON.parse(block.slice(block.indexOf('data: ') + 6)) as Record<string, unknown>);
				}
			}
		})().catch(() => {});
		return stream;
	};

	it('begins with what happens from now on', async () => {
		await record(3);
		const stream = await listen();
		await until(() => feed.listeners === 1, 'the feed has a listener');
		await record(1, 'acme', 'asset.ready');
		await until(() => stream.ids.length === 1, 'the event');
		expect(stream.types).toEqual(['asset.ready']);
		await stream.close();
	});

	it('shows a stored file as a link that is signed now, and its key to nobody', async () => {
		const stream = await listen();
		await until(() => feed.listeners === 1, 'the feed has a listener');
		await recordEvents(database.db, [{ workspaceId: 'acme', type: 'job.preview', data: { name: 'thumbnail.jpg', storage_key: 'jobs/acme/1/thumbnail.jpg' } }]);
		feed.wake();
		await until(() => stream.ids.length === 1, 'the event');
		expect(stream.data[0]).toMatchObject({ type: 'job.preview', name: 'thumbnail.jpg', url: 'http://files.test/jobs/acme/1/thumbnail.jpg?signature=now' });
		expect(stream.data[0]).not.toHaveProperty('storage_key');
		await stream.close();
	});

	it('resumes after Last-Event-ID without loss, however much others have done meanwhile', async () => {
		await record(1);
		const last = await latestEventId(database.db);
		for (let index = 0; index < 6; index += 1) {
			await record(1000, 'other');
			await record(200);
		}
		const expected = (await eventsAfter(database.db, last, 10_000, 'acme')).map(({ id }) => id);
		const stream = await listen(last);
		await until(() => stream.ids.length >= expected.length, 'what was missed');
		await record(1, 'acme', 'asset.ready');
		await until(() => stream.types.includes('asset.ready'), 'a new event');
		expect(expected).toHaveLength(1200);
		expect(stream.ids).toEqual([...expected, await latestEventId(database.db)]);
		await stream.close();
	});

	it('sends old events before new ones, each once, although new ones happen all the time', async () => {
		await record(1);
		const last = await latestEventId(database.db);
		await record(2000);
		const other = await listen();
		const writing = (async () => {
			for (let index = 0; index < 40; index += 1) await record(5);
		})();
		const stream = await listen(last);
		await writing;
		await until(() => stream.ids.length >= 2200, 'all events');
		expect(stream.ids).toEqual((await eventsAfter(database.db, last, 10_000, 'acme')).map(({ id }) => id));
		await Promise.all([stream.close(), other.close()]);
	});

	it("shows nothing of another workspace's", async () => {
		const stream = await listen(1, 'nosy');
		await record(5);
		await record(1, 'nosy', 'asset.ready');
		await until(() => stream.ids.length > 0, 'its own event');
		expect(stream.types).toEqual(['asset.ready']);
		await stream.close();
	});

	it('ends when the key is taken back or expires, and not before', async () => {
		await createWorkspace(database.db, 'acme', 'key-of-acme-0123456789');
		const [key] = await listKeys(database.db, 'acme');
		const leaving = new AbortController();
		const response = await fetch(`${server.url}/events`, { signal: leaving.signal, headers: { 'x-key': key?.id ?? '' } });
		let text = '';
		let ended = false;
		const reading = (async () => {
			for await (const part of response.body!.pipeThrough(new TextDecoderStream())) text += part;
			ended = true;
		})().catch(() => {});
		await until(() => text.split('keep-alive').length > 4, 'it was asked several times whether the key works');
		expect(ended).toBe(false);
		await revokeKey(database.db, key?.id ?? '');
		await until(() => ended, 'the stream has ended');
		await until(() => feed.listeners === 0, 'nobody listens any more');
		leaving.abort();
		await reading;
	});

	it('forgets a client that left before it was served', async () => {
		let letGo = (): void => {};
		// The embedded database has one connection: while this transaction holds it, every query waits.
		const busy = database.db.transaction(() => new Promise<void>((resolve) => (letGo = resolve)));
		const stream = await listen();
		await stream.close();
		await until(() => closed === 1, 'the server has noticed');
		letGo();
		await busy;
		await latestEventId(database.db);
		await new Promise((resolve) => setImmediate(resolve));
		expect(feed.listeners).toBe(0);
	});

	it('cuts off a client that does not read when its key ends, and writes nothing more to it', async () => {
		await createWorkspace(database.db, 'stalled', 'key-of-stalled-0123456789');
		const [key] = await listKeys(database.db, 'stalled');
		const client = httpRequest(`${server.url}/events`, { headers: { 'x-key': key?.id ?? '', 'x-workspace': 'stalled' } }, (response) => response.pause());
		client.on('error', () => {});
		client.end();
		await until(() => feed.listeners === 1, 'the feed has a listener');
		const more = async (text: string): Promise<void> => {
			await recordEvents(database.db, [{ workspaceId: 'stalled', type: 'job.created', data: { text } }]);
			feed.wake();
		};
		// Until the kernel's buffers are full, and ours has begun to fill, but not yet so far that it is cut off for that.
		await until(async () => {
			if ((served?.writableLength ?? 0) > 200_000) return true;
			await more('x'.repeat(300_000));
			return false;
		}, 'it is behind');
		expect(closed).toBe(0);
		await revokeKey(database.db, key?.id ?? '');
		await until(() => served?.writableEnded === true, 'it is told to end');
		await more('one more');
		await until(() => closed === 1, 'the server has cut it off');
		expect(feed.listeners).toBe(0);
		client.destroy();
	});

	it('cuts off a client that does not read', async () => {
		const client = httpRequest(`${server.url}/events`, (response) => response.pause());
		client.on('error', () => {});
		client.end();
		await until(() => feed.listeners === 1, 'the feed has a listener');
		// More than the kernel's buffers of both sides take.
		for (let index = 0; index < 40; index += 1) {
			await recordEvents(database.db, [{ workspaceId: 'acme', type: 'job.created', data: { text: 'x'.repeat(500_000) } }]);
			feed.wake();
		}
		await until(() => closed === 1, 'the server has cut it off');
		expect(feed.listeners).toBe(0);
		client.destroy();
	});
});
