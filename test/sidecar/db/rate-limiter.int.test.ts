import { openPostgres } from '../../../sidecar/src/db/open.ts';
import type { OpenDatabase } from '../../../sidecar/src/db/database.ts';
import { createRateLimiter, type Counted } from '../../../sidecar/src/db/rate-limiter.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';

let postgres: TestPostgres;
let processes: OpenDatabase[];
beforeAll(async () => {
	postgres = await startPostgres();
	processes = [await openPostgres({ url: postgres.url, poolSize: 3 }), await openPostgres({ url: postgres.url, poolSize: 3 })];
});
afterAll(async () => {
	for (const one of processes) await one.close();
	await postgres.stop();
});

describe('processes on one Postgres', () => {
	it('count together, also at the same moment', async () => {
		const limiters = processes.map(createRateLimiter);
		const counted = await Promise.all(Array.from({ length: 20 }, (_, n) => (limiters[n % 2] as (typeof limiters)[number]).count('key:a', 7)));
		expect(counted.filter(({ allowed }) => allowed)).toHaveLength(7);
		expect(counted.filter(({ allowed }) => allowed).map(({ remaining }) => remaining).sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
	});

	it('go on with what was counted when one of them starts anew', async () => {
		await createRateLimiter(processes[0] as OpenDatabase).count('key:b', 3);
		expect(await createRateLimiter(processes[1] as OpenDatabase).count('key:b', 3)).toMatchObject({ allowed: true, remaining: 1 });
	});

	it('ask the database nothing while a key is over its limit', async () => {
		const database = processes[0] as OpenDatabase;
		let asked = 0;
		const limiter = createRateLimiter({ kind: 'postgres', executeSql: (text, values) => (asked++, database.executeSql(text, values)) });
		const results: Counted[] = [];
		for (let n = 0; n < 10; n++) results.push(await limiter.count('key:c', 2));
		expect(results.map(({ allowed }) => allowed)).toEqual([true, true, ...Array.from({ length: 8 }, () => false)]);
		expect(asked).toBe(3);
		// Another limit, as when the workspace gets one: what was counted stays.
		expect(await limiter.count('key:c', 100)).toMatchObject({ allowed: true, remaining: 96 });
	});

	it('open a new window when the old one has ended', async () => {
		const limiter = createRateLimiter(processes[0] as OpenDatabase);
		await limiter.count('key:d', 1);
		await processes[0]?.executeSql("update rate_limits set expire = 1 where key = 'key:d'");
		expect(await limiter.count('key:d', 1)).toMatchObject({ allowed: true, remaining: 0, resetSeconds: 60 });
	});
});
