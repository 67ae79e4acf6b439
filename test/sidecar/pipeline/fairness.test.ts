import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { inArray } from 'drizzle-orm';
import { advanceFlow, virtualTime } from '../../../sidecar/src/db/flows.ts';
import { jobs } from '../../../sidecar/src/db/schema.ts';
import { createWorkspace } from '../../../sidecar/src/db/workspaces.ts';
import { transact } from '../../../sidecar/src/db/transact.ts';
import { advance, messagePriority, stepOf } from '../../../sidecar/src/pipeline/fairness.ts';
import { reconcile } from '../../../sidecar/src/pipeline/reconcile.ts';
import { runJob } from '../../../sidecar/src/pipeline/run.ts';
import { cancelJob, retryJob } from '../../../sidecar/src/pipeline/steer.ts';
import { createTestPipeline, failing, noop, WORKSPACE, type TestPipeline } from '../../support/pipeline.ts';

interface Job {
	flow: string;
	rank: number;
	/** The virtual time when it came. */
	cameAt: number;
	number: number;
}

/** The queue as a model: what comes is ranked, what is claimed has the lowest rank. */
class Model {
	readonly tags = new Map<string, number>();
	waiting: Job[] = [];
	now = 0;
	number = 0;

	come(tenant: string, priority: number, count: number): void {
		const flow = `${tenant} ${priority}`;
		const { lastTag, ranks } = advance(this.tags.get(flow) ?? null, this.now, priority, count);
		this.tags.set(flow, lastTag);
		this.waiting.push(...ranks.map((rank) => ({ flow, rank, cameAt: this.now, number: this.number++ })));
	}

	claim(): Job | undefined {
		this.waiting.sort((a, b) => a.rank - b.rank || a.number - b.number);
		const job = this.waiting.shift();
		if (job) this.now = Math.max(this.now, job.rank);
		return job;
	}
}

const priorityOf = (flow: string): number => Number(flow.split(' ')[1]);
const tenant = fc.constantFrom('a', 'b', 'c', 'd');
const priority = fc.integer({ min: -10, max: 10 });
const event = fc.oneof(fc.record({ come: fc.record({ tenant, priority, count: fc.integer({ min: 1, max: 30 }) }) }), fc.record({ claim: fc.integer({ min: 1, max: 20 }) }));

describe('turns', () => {
	it('are smaller steps for every higher priority', () => {
		const steps = Array.from({ length: 21 }, (_, index) => stepOf(index - 10));
		expect(steps).toEqual([...new Set(steps)].sort((a, b) => b - a));
		expect([stepOf(10), stepOf(0), stepOf(-10)]).toEqual([2, 64, 2048]);
	});

	it('starve nobody: how many of each flow may pass a waiting job is bounded by its rank and their step', () => {
		fc.assert(
			fc.property(fc.array(event, { maxLength: 40 }), (events) => {
				const model = new Model();
				const claimed: Job[] = [];
				for (const one of events) {
					if ('come' in one) model.come(one.come.tenant, one.come.priority, one.come.count);
					else for (let left = one.claim; left > 0; left -= 1) claimed.push(...[model.claim()].filter((job) => job !== undefined));
				}
				while (model.waiting.length > 0) claimed.push(model.claim()!);
				for (const [place, job] of claimed.entries()) {
					const passed = new Map<string, number>();
					for (const other of claimed.slice(0, place)) if (other.number > job.number) passed.set(other.flow, (passed.get(other.flow) ?? 0) + 1);
					for (const [flow, count] of passed) expect(count).toBeLessThanOrEqual((job.rank - job.cameAt) / stepOf(priorityOf(flow)));
				}
			}),
		);
	});

	it('keep the order within a flow', () => {
		fc.assert(
			fc.property(fc.array(event, { maxLength: 40 }), (events) => {
				const model = new Model();
				const last = new Map<string, number>();
				const take = (job: Job | undefined): void => {
					if (!job) return;
					expect(job.number).toBeGreaterThan(last.get(job.flow) ?? -1);
					last.set(job.flow, job.number);
				};
				for (const one of events) {
					if ('come' in one) model.come(one.come.tenant, one.come.priority, one.come.count);
					else for (let left = one.claim; left > 0; left -= 1) take(model.claim());
				}
			}),
		);
	});

	it('let an urgent job pass what its tenant has waiting, but for the one that is next anyway', () => {
		fc.assert(
			fc.property(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 0, max: 50 }), fc.integer({ min: 2, max: 10 }), (waiting, begun, urgency) => {
				const model = new Model();
				model.come('other', 0, 100);
				model.come('a', 0, waiting);
				for (let left = begun; left > 0; left -= 1) model.claim();
				model.come('a', urgency, 1);
				let passed = 0;
				for (let job = model.claim(); job && priorityOf(job.flow) !== urgency; job = model.claim()) if (job.flow === 'a 0') passed += 1;
				expect(passed).toBeLessThanOrEqual(1);
			}),
		);
	});

	it('share by weight, whatever the length of the queues', () => {
		fc.assert(
			fc.property(fc.array(priority, { minLength: 2, maxLength: 5 }), fc.integer({ min: 50, max: 400 }), (priorities, claims) => {
				const model = new Model();
				priorities.forEach((level, index) => model.come(`t${index}`, level, claims + index * 300));
				const counts = new Map<string, number>();
				for (let left = claims; left > 0; left -= 1) {
					const { flow } = model.claim()!;
					counts.set(flow, (counts.get(flow) ?? 0) + 1);
				}
				const weights = priorities.map((level) => 1 / stepOf(level));
				const total = weights.reduce((sum, weight) => sum + weight, 0);
				// Within one job of each flow of what its weight gives it.
				priorities.forEach((level, index) => expect(Math.abs((counts.get(`t${index} ${level}`) ?? 0) - (claims * weights[index]!) / total)).toBeLessThanOrEqual(priorities.length));
			}),
		);
	});

	it('give no credit for idling', () => {
		const model = new Model();
		model.come('busy', 0, 100);
		for (let left = 50; left > 0; left -= 1) model.claim();
		model.come('idle', 0, 100);
		const next = Array.from({ length: 40 }, () => model.claim()!.flow);
		expect(next.filter((flow) => flow === 'idle 0')).toHaveLength(20);
	});

	it('stay in order as numbers of 32 bits', () => {
		const rank = fc.nat({ max: 2 ** 29 });
		fc.assert(
			fc.property(fc.nat({ max: 2 ** 45 }), rank, rank, (now, a, b) => {
				const [first, second] = [messagePriority(now + a, now), messagePriority(now + b, now)];
				expect(Math.sign(first - second)).toBe(Math.sign(b - a));
				expect(Number.isInteger(first) && Math.abs(first) <= 2 ** 31).toBe(true);
			}),
		);
		expect([messagePriority(2 ** 50, 0), messagePriority(0, 2 ** 50)]).toEqual([-(2 ** 31), 2 ** 31 - 1]);
	});
});

describe('turns in the database', () => {
	let pipeline: TestPipeline;
	beforeAll(async () => {
		pipeline = await createTestPipeline({ operations: [noop(), failing('flaky', 'provider_unavailable', 1)] });
		for (const id of ['big', 'small', 'third']) await createWorkspace(pipeline.deps.db, id, `key-${id}-0123456789`);
	});
	afterAll(() => pipeline.close());
	const never = new AbortController().signal;

	const submit = async (workspaceId: string, count: number, urgency = 0) =>
		(await pipeline.submit({ workspaceId, priority: urgency, items: Array.from({ length: count }, () => ({ operation: 'noop', params: {} })) })).jobs;
	/** Takes and does the next jobs, one by one; answers whose they were. */
	const work = async (count: number) => {
		const done: string[] = [];
		while (done.length < count) {
			const [message] = await pipeline.deps.queue.fetch(1);
			if (!message) break;
			await pipeline.deps.queue.done([message]);
			await runJob(pipeline.deps, message.jobId, never);
			const [job] = await pipeline.deps.db.select().from(jobs).where(inArray(jobs.id, [message.jobId]));
			done.push(job!.workspaceId);
		}
		return done;
	};
	afterEach(async () => void (await work(1000)));

	it('are what the model says', async () => {
		const workspaceId = `w-${randomUUID()}`;
		let tag: number | null = null;
		for (const [level, count] of [[0, 3], [0, 1], [0, 500]] as const) {
			const now = await virtualTime(pipeline.deps.db);
			const expected = advance(tag, now, level, count);
			const given = await transact(pipeline.deps.db, (tx) => advanceFlow(tx, { workspaceId, priority: level }, count * stepOf(level)));
			expect(given).toEqual({ lastTag: expected.lastTag, virtualTime: now });
			tag = expected.lastTag;
		}
	});

	it('go round: a long queue leaves the others their share', async () => {
		await submit('big', 60);
		expect(await work(5)).toEqual(Array(5).fill('big'));
		await submit('small', 3);
		await submit('third', 3);
		const next = await work(12);
		// Two rounds of three, and at most one job that was next already.
		expect(next.slice(0, 10).filter((one) => one === 'small')).toHaveLength(3);
		expect(next.slice(0, 10).filter((one) => one === 'third')).toHaveLength(3);
	});

	it('are taken anew by a job that is retried', async () => {
		const [job] = await submit('big', 1);
		await transact(pipeline.deps.db, (tx) => cancelJob(pipeline.deps, tx, 'big', job!.id));
		await submit('big', 3);
		await transact(pipeline.deps.db, (tx) => retryJob(pipeline.deps, tx, 'big', job!.id, null));
		const [row] = await pipeline.deps.db.select().from(jobs).where(inArray(jobs.id, [job!.id]));
		expect(row?.rank).toBe(job!.rank! + 4 * stepOf(0));
	});

	it('are kept by a job that is sent again', async () => {
		const [first] = (await pipeline.submit({ items: [{ operation: 'flaky', params: {} }] })).jobs;
		const row = async () => (await pipeline.deps.db.select().from(jobs).where(inArray(jobs.id, [first!.id])))[0]!;
		expect(first!.rank).toBeGreaterThan(0);
		await submit('big', 10);
		await work(11);
		expect(await row()).toMatchObject({ status: 'pending', attempts: 1, rank: first!.rank });
		await pipeline.deps.db.update(jobs).set({ runAt: new Date(Date.now() - 3_600_000) }).where(inArray(jobs.id, [first!.id]));
		await submit(WORKSPACE, 1);
		await reconcile(pipeline.deps);
		const [message] = await pipeline.deps.queue.fetch(1);
		expect(message?.jobId).toBe(first!.id);
		expect((await row()).rank).toBe(first!.rank);
	});
});
