import { transact } from '../../sidecar/src/db/transact.ts';
import type { OpenDatabase } from '../../sidecar/src/db/database.ts';
import { openPostgres } from '../../sidecar/src/db/open.ts';
import { createPgBossQueue } from '../../sidecar/src/queue/pg-boss.ts';
import type { Queue } from '../../sidecar/src/queue/queue.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { openTestDatabase } from '../support/pglite.ts';

/** What every queue engine must do. A further engine is a further row. */
const engines: Array<{ name: string; open(): Promise<{ database: OpenDatabase; queue: Queue; close(): Promise<void> }> }> = [
	{
		name: 'pg-boss on PGlite',
		async open() {
			const database = await openTestDatabase();
			return { database, queue: createPgBossQueue({ database, onError: fail }), close: () => database.close() };
		},
	},
	{
		name: 'pg-boss on Postgres',
		async open() {
			const server: TestPostgres = await startPostgres();
			const database = await openPostgres({ url: server.url });
			return {
				database,
				queue: createPgBossQueue({ database, onError: fail }),
				close: async () => {
					await database.close();
					await server.stop();
				},
			};
		},
	},
];

function fail(error: Error): never {
	throw error;
}

describe.each(engines)('the queue $name', ({ open }) => {
	let opened: Awaited<ReturnType<(typeof engines)[number]['open']>>;
	beforeAll(async () => {
		opened = await open();
		await opened.queue.start();
	});
	afterAll(async () => {
		await opened.queue.stop();
		await opened.close();
	});

	const send = (...messages: Parameters<Queue['send']>[1]) => transact(opened.database.db, (tx) => opened.queue.send(tx, messages));
	const drain = async (): Promise<string[]> => {
		const messages = await opened.queue.fetch(1000);
		await opened.queue.done(messages);
		return messages.map(({ jobId }) => jobId);
	};
	afterEach(drain);

	it('is empty at first, and answers so at once', async () => {
		expect(await opened.queue.fetch(10)).toEqual([]);
	});

	it('gives a message once, to one of many who ask', async () => {
		await send(...Array.from({ length: 40 }, (_, index) => ({ jobId: `job-${index}`, priority: 0 })));
		const taken = (await Promise.all([1, 2, 3, 4].map(() => opened.queue.fetch(15)))).flat();
		expect(taken).toHaveLength(40);
		expect(new Set(taken.map(({ jobId }) => jobId)).size).toBe(40);
		await opened.queue.done(taken);
	});

	it('gives the most urgent first', async () => {
		await send({ jobId: 'later', priority: 0 }, { jobId: 'first', priority: 10 }, { jobId: 'second', priority: 5 });
		const order: string[] = [];
		for (let index = 0; index < 3; index += 1) {
			const [message] = await opened.queue.fetch(1);
			order.push(message!.jobId);
			await opened.queue.done([message!]);
		}
		expect(order).toEqual(['first', 'second', 'later']);
	});

	it('keeps a message back until its time', async () => {
		await send({ jobId: 'tomorrow', priority: 0, startAfter: new Date(Date.now() + 86_400_000) }, { jobId: 'yesterday', priority: 0, startAfter: new Date(Date.now() - 1000) });
		expect(await drain()).toEqual(['yesterday']);
	});

	it('sends nothing when the transaction does not commit', async () => {
		const undone = transact(opened.database.db, async (tx) => {
			await opened.queue.send(tx, [{ jobId: 'never', priority: 0 }]);
			throw new Error('changed my mind');
		});
		await expect(undone).rejects.toThrow('changed my mind');
		expect(await drain()).toEqual([]);
	});

	it('takes no message for none', async () => {
		await send();
		await opened.queue.done([]);
		expect(await drain()).toEqual([]);
	});
});
