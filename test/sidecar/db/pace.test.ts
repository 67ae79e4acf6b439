import { randomUUID } from 'node:crypto';
import type { OpenDatabase } from '../../../sidecar/src/db/database.ts';
import { createPace } from '../../../sidecar/src/db/pace.ts';
import { openTestDatabase } from '../social/support.ts';

let database: OpenDatabase;
beforeAll(async () => {
	database = await openTestDatabase();
});
afterAll(() => database.close());

const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1) + seconds * 1000);
const fresh = () => createPace(database.db, `x||${randomUUID()}`);

describe('the rate limits of an account', () => {
	it('let the first call go alone while nothing is known, and the others as soon as it has been answered', async () => {
		const pace = fresh();
		expect([await pace.take('create', at(0)), await pace.take('create', at(0)), await pace.take('create', at(1))]).toEqual([0, 250, 250]);
		await pace.report('create', at(1), { limit: 3, remaining: 2, resetsAt: at(59) });
		expect([await pace.take('create', at(1)), await pace.take('create', at(1)), await pace.take('create', at(1))]).toEqual([0, 0, 59_000]);
	});

	it('hold nobody up for long where no answer tells them', async () => {
		const pace = fresh();
		await pace.take('create', at(0));
		for (let call = 0; call < 20; call += 1) expect(await pace.take('create', at(2))).toBe(0);
	});

	it('let through what is left, and nobody more before the window is over', async () => {
		const pace = fresh();
		expect(await pace.take('create', at(0))).toBe(0);
		await pace.report('create', at(0), { limit: 3, remaining: 2, resetsAt: at(60) });
		expect([await pace.take('create', at(1)), await pace.take('create', at(2))]).toEqual([0, 0]);
		// A second more than the platform says: clocks differ.
		expect(await pace.take('create', at(3))).toBe(58_000);
		expect(await pace.take('create', at(61))).toBe(0);
	});

	it('are shared by all workers, of which only as many get through as there are places', async () => {
		const account = randomUUID();
		const workers = Array.from({ length: 8 }, () => createPace(database.db, account));
		await workers[0]!.take('create', at(0));
		await workers[0]!.report('create', at(0), { limit: 5, remaining: 4, resetsAt: at(60) });
		const waits = await Promise.all(workers.map((worker) => worker.take('create', at(1))));
		expect(waits.filter((wait) => wait === 0)).toHaveLength(4);
	});

	it('count calls that are under way, which the platform has not counted yet', async () => {
		const pace = fresh();
		await pace.take('create', at(0));
		await pace.report('create', at(0), { limit: 5, remaining: 4, resetsAt: at(60) });
		for (let call = 0; call < 3; call += 1) await pace.take('create', at(0));
		// The answer of the first of the three.
		await pace.report('create', at(1), { limit: 5, remaining: 3, resetsAt: at(60) });
		expect([await pace.take('create', at(1)), await pace.take('create', at(1))]).toEqual([0, 60_000]);
	});

	it('begin anew when the window is over, as long as the last one until an answer says better', async () => {
		const pace = fresh();
		await pace.take('create', at(0));
		await pace.report('create', at(0), { limit: 2, remaining: 1, resetsAt: at(60) });
		await pace.take('create', at(1));
		expect([await pace.take('create', at(70)), await pace.take('create', at(71)), await pace.take('create', at(72))]).toEqual([0, 0, 59_000]);
	});

	it('are not read from an answer whose window is over when it comes', async () => {
		const pace = fresh();
		await pace.take('create', at(0));
		await pace.report('create', at(0), { limit: 2, remaining: 1, resetsAt: at(60) });
		expect([await pace.take('create', at(62)), await pace.take('create', at(62))]).toEqual([0, 0]);
		await pace.report('create', at(63), { limit: 2, remaining: 0, resetsAt: at(60) });
		expect(await pace.take('create', at(63))).toBe(60_000);
	});

	it('are known beforehand where the platform documents them', async () => {
		const pace = fresh();
		const rate = { limit: 2, windowSeconds: 60 };
		expect([await pace.take('init', at(0), rate), await pace.take('init', at(1), rate), await pace.take('init', at(2), rate)]).toEqual([0, 0, 58_000]);
		expect(await pace.take('init', at(60), rate)).toBe(0);
	});

	it('hold everybody up while the platform refuses', async () => {
		const pace = fresh();
		await pace.take('create', at(0));
		await pace.block('create', at(0), at(30));
		expect([await pace.take('create', at(10)), await pace.take('create', at(31))]).toEqual([20_000, 0]);
	});

	it('are counted apart for each kind of calls and each account', async () => {
		const pace = fresh();
		await pace.take('create', at(0));
		await pace.report('create', at(0), { limit: 1, remaining: 0, resetsAt: at(60) });
		expect([await pace.take('create', at(1)), await pace.take('upload', at(1)), await fresh().take('create', at(1))]).toEqual([60_000, 0, 0]);
	});

	it('tell each who waits the window in which its turn will be, so that not all come back at once', async () => {
		const pace = fresh();
		await pace.take('create', at(0));
		await pace.report('create', at(0), { limit: 2, remaining: 0, resetsAt: at(59) });
		const waits: number[] = [];
		for (let caller = 0; caller < 6; caller += 1) waits.push(await pace.take('create', at(0)));
		expect(waits.map((wait) => wait / 1000)).toEqual([60, 60, 120, 120, 180, 180]);
		// Two get through when the window is over; who comes new is sent behind those who wait still.
		expect([await pace.take('create', at(61)), await pace.take('create', at(61))]).toEqual([0, 0]);
		expect((await pace.take('create', at(61))) / 1000).toBe(180);
	});

	it('keep the turn of those who wait and come back a little early, because a window began late', async () => {
		const pace = fresh();
		await pace.take('create', at(0));
		await pace.report('create', at(0), { limit: 1, remaining: 0, resetsAt: at(59) });
		const waits: number[] = [];
		for (let caller = 0; caller < 3; caller += 1) waits.push(await pace.take('create', at(0)));
		expect(waits).toEqual([60_000, 120_000, 180_000]);
		expect(await pace.take('create', at(63), undefined, true)).toBe(0);
		expect(await pace.take('create', at(120), undefined, true)).toBe(3_000);
		expect(await pace.take('create', at(123), undefined, true)).toBe(0);
	});

	it('forget those who waited for a window and did not come', async () => {
		const pace = fresh();
		await pace.take('create', at(0));
		await pace.report('create', at(0), { limit: 1, remaining: 0, resetsAt: at(59) });
		for (let caller = 0; caller < 10; caller += 1) await pace.take('create', at(0));
		// Ten windows later.
		expect(await pace.take('create', at(661))).toBe(0);
		expect(await pace.take('create', at(661))).toBe(60_000);
	});
});
