import { startLoop, type Loop } from '../../../sidecar/src/pipeline/loop.ts';

/** Longer than any test takes: a round that comes nevertheless was woken. */
const NEVER_MS = 3_600_000;

describe('a loop', () => {
	let loop: Loop | null = null;
	afterEach(() => loop?.stop());

	/** Resolves when `round` is entered for the nth time. */
	function counting(work: (n: number) => Promise<number> | number) {
		let count = 0;
		const waiting = new Map<number, () => void>();
		return {
			round: async () => {
				count += 1;
				waiting.get(count)?.();
				return work(count);
			},
			nth: (n: number) => new Promise<void>((resolve) => (count >= n ? resolve() : waiting.set(n, resolve))),
			count: () => count,
		};
	}
	const turn = () => new Promise((resolve) => setImmediate(resolve));
	const unexpected = (error: unknown) => {
		throw error;
	};

	it('runs at once, then sleeps', async () => {
		const rounds = counting(() => NEVER_MS);
		loop = startLoop(NEVER_MS, rounds.round, unexpected);
		await rounds.nth(1);
		await turn();
		expect(rounds.count()).toBe(1);
	});

	it('runs again at once when a round answers 0, and never later than everyMs', async () => {
		const rounds = counting((n) => (n < 5 ? 0 : NEVER_MS));
		loop = startLoop(1, rounds.round, unexpected);
		await rounds.nth(7);
	});

	it('is woken from its sleep', async () => {
		const rounds = counting(() => NEVER_MS);
		loop = startLoop(NEVER_MS, rounds.round, unexpected);
		await rounds.nth(1);
		await turn();
		loop.wake();
		await rounds.nth(2);
	});

	it('runs once more when it is woken during a round, however often', async () => {
		let release = (): void => {};
		const rounds = counting((n) => (n === 1 ? new Promise((resolve) => (release = () => resolve(NEVER_MS))) : NEVER_MS));
		loop = startLoop(NEVER_MS, rounds.round, unexpected);
		await rounds.nth(1);
		for (let index = 0; index < 3; index += 1) loop.wake();
		await turn();
		expect(rounds.count()).toBe(1);
		release();
		await rounds.nth(2);
		await turn();
		expect(rounds.count()).toBe(2);
	});

	it('reports a round that throws and goes on', async () => {
		const errors: unknown[] = [];
		const rounds = counting((n) => (n === 1 ? Promise.reject(new Error('the database is away')) : NEVER_MS));
		loop = startLoop(1, rounds.round, (error) => errors.push(error));
		await rounds.nth(2);
		expect(errors).toEqual([expect.objectContaining({ message: 'the database is away' })]);
	});

	it('lets the current round end when it is stopped, and begins no other', async () => {
		let release = (): void => {};
		let ended = false;
		const rounds = counting(() => new Promise<number>((resolve) => (release = () => resolve(0))).finally(() => (ended = true)));
		loop = startLoop(NEVER_MS, rounds.round, unexpected);
		await rounds.nth(1);
		const stopped = loop.stop().then(() => expect(ended).toBe(true));
		loop.wake();
		release();
		await stopped;
		expect(rounds.count()).toBe(1);
	});

	it('stops at once while it sleeps', async () => {
		const rounds = counting(() => NEVER_MS);
		loop = startLoop(NEVER_MS, rounds.round, unexpected);
		await rounds.nth(1);
		await loop.stop();
		expect(rounds.count()).toBe(1);
	});
});
