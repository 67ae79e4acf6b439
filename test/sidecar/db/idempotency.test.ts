import { randomUUID } from 'node:crypto';
import type { OpenDatabase } from '../../../sidecar/src/db/database.ts';
import { once, type Answer } from '../../../sidecar/src/db/idempotency.ts';
import { transact } from '../../../sidecar/src/db/transact.ts';
import { openTestDatabase } from '../../support/pglite.ts';

describe('an idempotency key', () => {
	let database: OpenDatabase;
	beforeAll(async () => {
		database = await openTestDatabase();
	});
	afterAll(() => database.close());

	const request = (change: Partial<Parameters<typeof once>[1]> = {}) => ({ workspaceId: 'acme', key: 'k', route: 'POST /x', requestHash: 'h', ...change });
	const run = (change: Parameters<typeof request>[0], work: () => Promise<Answer>) => transact(database.db, (tx) => once(tx, request(change), work));

	it('makes ten equal requests at once one piece of work with one answer', async () => {
		let worked = 0;
		const key = randomUUID();
		const answers = await Promise.all(Array.from({ length: 10 }, () => run({ key }, async () => ({ status: 202, body: { n: (worked += 1) } }))));
		expect(worked).toBe(1);
		expect(answers).toEqual(Array.from({ length: 10 }, () => ({ status: 202, body: { n: 1 } })));
	});

	it('belongs to one workspace, one route and one body', async () => {
		const key = randomUUID();
		const ok = async () => ({ status: 200, body: 'mine' });
		await run({ key }, ok);
		expect(await run({ key, workspaceId: 'other' }, async () => ({ status: 200, body: 'theirs' }))).toEqual({ status: 200, body: 'theirs' });
		await expect(run({ key, requestHash: 'other' }, ok)).rejects.toMatchObject({ code: 'idempotency_conflict' });
		await expect(run({ key, route: 'POST /y' }, ok)).rejects.toMatchObject({ code: 'idempotency_conflict' });
	});

	it('is free again when the work failed', async () => {
		const key = randomUUID();
		await expect(run({ key }, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
		expect(await run({ key }, async () => ({ status: 201, body: 1 }))).toEqual({ status: 201, body: 1 });
	});

	it('is not needed', async () => {
		let worked = 0;
		for (let index = 0; index < 2; index += 1) await run({ key: null }, async () => ({ status: 200, body: (worked += 1) }));
		expect(worked).toBe(2);
	});
});
