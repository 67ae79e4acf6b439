import { randomUUID } from 'node:crypto';
import type { OpenDatabase } from '../../../sidecar/src/db/database.ts';
import { callbacks, events, idempotencyKeys, platformPace, type CallbackStatus } from '../../../sidecar/src/db/schema.ts';
import { prune } from '../../../sidecar/src/ops/prune.ts';
import { openTestDatabase } from '../../support/pglite.ts';

describe('pruning', () => {
	let database: OpenDatabase;
	beforeAll(async () => {
		database = await openTestDatabase();
	});
	afterAll(() => database.close());

	it('forgets old keys, events and delivered callbacks, and keeps what is young or dead, but for dead events', async () => {
		const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000);
		for (const days of [6, 8]) await database.db.insert(idempotencyKeys).values({ workspaceId: 'w', key: `key ${days}`, route: 'r', requestHash: 'h', createdAt: daysAgo(days) });
		for (const days of [29, 31]) await database.db.insert(events).values({ workspaceId: 'w', type: `event ${days}`, data: {}, createdAt: daysAgo(days) });
		const callback = (status: CallbackStatus, days: number) =>
			database.db.insert(callbacks).values({ id: randomUUID(), workspaceId: 'w', kind: 'batch', url: 'u', urlHash: `${status} ${days}`, status, createdAt: daysAgo(days) });
		for (const days of [29, 31]) for (const status of ['delivered', 'dead', 'obsolete'] as const) await callback(status, days);
		for (const days of [29, 31]) await database.db.insert(callbacks).values({ id: randomUUID(), workspaceId: 'w', kind: 'event', url: 'u', urlHash: `event ${days}`, status: 'dead', createdAt: daysAgo(days) });
		await prune(database.db);
		expect((await database.db.select().from(idempotencyKeys)).map(({ key }) => key)).toEqual(['key 6']);
		expect((await database.db.select().from(events)).map(({ type }) => type)).toEqual(['event 29']);
		expect((await database.db.select().from(callbacks)).map(({ urlHash }) => urlHash).sort()).toEqual(['dead 29', 'dead 31', 'delivered 29', 'event 29', 'obsolete 29']);
	});

	it('forgets rate limits whose window is long over', async () => {
		const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000);
		const rows: Array<[string, Date | null, Date | null]> = [['over', daysAgo(3), null], ['young', daysAgo(1), null], ['never known', null, null], ['blocked', daysAgo(3), daysAgo(-1)], ['blocked long ago', null, daysAgo(3)]];
		await database.db.insert(platformPace).values(rows.map(([key, resetsAt, blockedUntil]) => ({ key, used: 1, resetsAt, blockedUntil })));
		await prune(database.db);
		expect((await database.db.select().from(platformPace)).map(({ key }) => key).sort()).toEqual(['blocked', 'young']);
	});
});
