import { randomUUID } from 'node:crypto';
import { eq, sql } from 'drizzle-orm';
import type { SendRequest } from '../../../sidecar/src/callbacks/outbox.ts';
import { newSecret } from '../../../sidecar/src/callbacks/sign.ts';
import { recordEvents } from '../../../sidecar/src/db/events.ts';
import type { OpenDatabase } from '../../../sidecar/src/db/database.ts';
import { openPostgres } from '../../../sidecar/src/db/open.ts';
import { callbacks, webhooks } from '../../../sidecar/src/db/schema.ts';
import { transact } from '../../../sidecar/src/db/transact.ts';
import { insertWebhook } from '../../../sidecar/src/db/webhooks.ts';
import { createTestPipeline, deliverDue, until, WORKSPACE, type TestPipeline } from '../../support/pipeline.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';

describe('events for webhooks, with several processes on one Postgres', () => {
	let server: TestPostgres;
	let databases: OpenDatabase[];
	let pipelines: TestPipeline[];
	let status = 200;
	const sent: SendRequest[] = [];
	const send = async (request: SendRequest) => {
		sent.push(request);
		return { status, contentType: 'application/json', body: '{}' };
	};

	beforeAll(async () => {
		server = await startPostgres();
		databases = [await openPostgres({ url: server.url }), await openPostgres({ url: server.url })];
		pipelines = [];
		for (const database of databases) pipelines.push(await createTestPipeline({ database, send }));
	});
	afterAll(async () => {
		for (const pipeline of pipelines) await pipeline.close();
		for (const database of databases) await database.close();
		await server.stop();
	});
	afterEach(async () => {
		await databases[0]?.db.delete(webhooks);
		sent.length = 0;
		status = 200;
	});

	const row = (change: Partial<typeof webhooks.$inferInsert> = {}) => {
		const { vault } = (pipelines[0] as TestPipeline).deps;
		return { id: randomUUID(), workspaceId: WORKSPACE, url: vault.seal('https://hooks.test/'), secret: vault.seal(newSecret()), eventTypes: ['job.*'], ...change };
	};

	it('are sent once each, whoever sends them', async () => {
		const { db } = (pipelines[0] as TestPipeline).deps;
		await db.insert(webhooks).values(row());
		await recordEvents(db, Array.from({ length: 60 }, () => ({ workspaceId: WORKSPACE, type: 'job.completed' })));
		await until(async () => {
			await Promise.all(pipelines.map(({ deps }) => deliverDue(deps)));
			return (await db.select().from(callbacks).where(eq(callbacks.status, 'pending'))).length === 0;
		}, 'all to be delivered');
		expect(sent).toHaveLength(60);
		expect(new Set(sent.map(({ headers }) => headers['webhook-id'])).size).toBe(60);
	});

	it('are held back in every process while their webhook fails', async () => {
		const [first, second] = pipelines as [TestPipeline, TestPipeline];
		await first.deps.db.insert(webhooks).values(row({ failingSince: new Date(Date.now() - 3_600_000) }));
		status = 500;
		await recordEvents(first.deps.db, [{ workspaceId: WORKSPACE, type: 'job.completed' }]);
		await deliverDue(first.deps);
		await recordEvents(first.deps.db, [{ workspaceId: WORKSPACE, type: 'job.failed' }]);
		await deliverDue(second.deps);
		expect(sent).toHaveLength(1);
	});

	it('are recorded without delay while a webhook is being deleted, with all else that happens in the transaction', async () => {
		const [first, second] = databases as [OpenDatabase, OpenDatabase];
		const [leaving, staying] = [row(), row()];
		await first.db.insert(webhooks).values([leaving, staying]);
		let [deleted, commit] = [(): void => {}, (): void => {}];
		const isDeleted = new Promise<void>((done) => (deleted = done));
		const mayCommit = new Promise<void>((done) => (commit = done));
		const deleting = second.db.transaction(async (tx) => {
			await tx.delete(webhooks).where(eq(webhooks.id, leaving.id));
			deleted();
			await mayCommit;
		});
		await isDeleted;
		let ended: unknown = null;
		const recording = transact(first.db, (tx) => recordEvents(tx, [{ workspaceId: WORKSPACE, type: 'job.completed' }])).then(() => (ended = 'recorded'), (error: unknown) => (ended = error));
		const waits = async () => (await first.db.execute(sql`select 1 from pg_locks where not granted`)).rows.length > 0;
		await until(async () => ended !== null || (await waits()), 'the event to be recorded, or to wait');
		const before = ended;
		commit();
		await deleting;
		await recording;
		expect([before, ended]).toEqual(['recorded', 'recorded']);
		expect((await first.db.select().from(callbacks)).map(({ webhookId }) => webhookId)).toEqual([staying.id]);
	});

	it('go to no more webhooks than there may be, also when they are registered at once', async () => {
		const stored = await Promise.all(Array.from({ length: 12 }, (_, index) => transact((pipelines[index % 2] as TestPipeline).deps.db, (tx) => insertWebhook(tx, row(), 5))));
		expect(stored.filter((one) => one !== null)).toHaveLength(5);
	});
});
