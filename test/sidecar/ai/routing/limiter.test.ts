import fc from 'fast-check';
import { jest } from '@jest/globals';
import { metered, spend } from '../../../../sidecar/src/ai/meter.ts';
import { createLimiter } from '../../../../sidecar/src/ai/routing/limiter.ts';
import { PipelineError } from '../../../../sidecar/src/errors.ts';

const open = new AbortController().signal;

describe('the limits of a provider', () => {
	it('never lets more calls run at once than allowed, and does all of them in their order', async () => {
		await fc.assert(
			fc.asyncProperty(fc.integer({ min: 1, max: 5 }), fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 25 }), async (parallel, turns) => {
				const limiter = createLimiter({ parallel }, 'x');
				let running = 0;
				let most = 0;
				const begun: number[] = [];
				const results = await Promise.all(
					turns.map((count, index) =>
						limiter(async () => {
							begun.push(index);
							most = Math.max(most, ++running);
							for (let turn = 0; turn < count; turn++) await Promise.resolve();
							running--;
							return index;
						}, open),
					),
				);
				expect(results).toEqual(turns.map((_count, index) => index));
				expect(begun).toEqual(results);
				expect(most).toBeLessThanOrEqual(parallel);
			}),
		);
	});

	it('begins no more calls in a minute than allowed', async () => {
		jest.useFakeTimers();
		try {
			const limiter = createLimiter({ requestsPerMinute: 3 }, 'x');
			let begun = 0;
			const all = Promise.all(Array.from({ length: 7 }, () => limiter(async () => void begun++, open)));
			await jest.advanceTimersByTimeAsync(59_000);
			expect(begun).toBe(3);
			await jest.advanceTimersByTimeAsync(2_000);
			expect(begun).toBe(6);
			await jest.advanceTimersByTimeAsync(60_000);
			expect(begun).toBe(7);
			await all;
		} finally {
			jest.useRealTimers();
		}
	});

	it('lets a call go that is cancelled while it waits, and gives its place to the next', async () => {
		const limiter = createLimiter({ parallel: 1 }, 'x');
		let finish = (): void => {};
		const first = limiter(() => new Promise<void>((resolve) => (finish = resolve)), open);
		const stop = new AbortController();
		const second = limiter(() => Promise.resolve('never'), stop.signal);
		const third = limiter(() => Promise.resolve('third'), open);
		const reason = new Error('cancelled');
		stop.abort(reason);
		await expect(second).rejects.toBe(reason);
		finish();
		await first;
		expect(await third).toBe('third');
		await expect(limiter(() => Promise.resolve(), AbortSignal.abort(reason))).rejects.toBe(reason);
	});

	it('gives a provider the pause that it asks for: until then nothing is sent', async () => {
		let now = 1_000_000;
		let calls = 0;
		const limiter = createLimiter({}, 'openai whisper-1', () => now);
		const busy = () => {
			calls++;
			return Promise.reject(new PipelineError('provider_rate_limited', 'slow down', { retryAfterSeconds: 3600 }));
		};
		await expect(limiter(busy, open)).rejects.toMatchObject({ message: 'slow down' });
		now += 600_500;
		await expect(limiter(busy, open)).rejects.toMatchObject({ code: 'provider_rate_limited', retryAfterSeconds: 3000, message: expect.stringContaining('openai whisper-1') });
		expect(calls).toBe(1);
		now += 3_000_000;
		expect(await limiter(() => Promise.resolve('fine'), open)).toBe('fine');
	});

	describe('when a provider asks for seconds', () => {
		beforeEach(() => void jest.useFakeTimers());
		afterEach(() => void jest.useRealTimers());

		const limited = (seconds: number) => new PipelineError('provider_rate_limited', 'slow down', { retryAfterSeconds: seconds });
		/** Refuses as often as there are pauses. */
		const busy = (...pauses: number[]) => {
			const at: number[] = [];
			const begun = Date.now();
			return {
				at,
				work: () => {
					at.push((Date.now() - begun) / 1000);
					const pause = pauses.shift();
					return pause === undefined ? Promise.resolve('fine') : Promise.reject(limited(pause));
				},
			};
		};

		it('waits for it, and calls again: what is done already need not be done and paid again', async () => {
			const { at, work } = busy(2, 7);
			const called = createLimiter({ parallel: 1 }, 'x')(work, open);
			await jest.advanceTimersByTimeAsync(60_000);
			expect(await called).toBe('fine');
			expect(at).toEqual([0, 2, 9]);
		});

		it('does not wait for half a minute and more, nor for one that asks again and again', async () => {
			for (const [pauses, calls] of [[[31], 1], [[20, 20], 2], [Array<number>(99).fill(0), 31]] as const) {
				const { at, work } = busy(...pauses);
				const called = expect(createLimiter({}, 'x')(work, open)).rejects.toMatchObject({ code: 'provider_rate_limited' });
				await jest.advanceTimersByTimeAsync(60_000);
				await called;
				expect(at).toHaveLength(calls);
			}
		});

		it('lets the others wait as well, without asking for them', async () => {
			const limiter = createLimiter({}, 'x');
			const first = busy(5);
			const second = busy();
			const both = [limiter(first.work, open), limiter(async () => Promise.resolve(), open).then(() => limiter(second.work, open))];
			await jest.advanceTimersByTimeAsync(4_900);
			expect(second.at).toEqual([]);
			await jest.advanceTimersByTimeAsync(200);
			expect(await Promise.all(both)).toEqual(['fine', 'fine']);
			expect(second.at).toEqual([5]);
		});

		it('ends the wait with a cancel, and leaves nothing behind', async () => {
			const stop = new AbortController();
			const reason = new Error('cancelled');
			const { at, work } = busy(20);
			const called = expect(createLimiter({ parallel: 1 }, 'x')(work, stop.signal)).rejects.toBe(reason);
			await jest.advanceTimersByTimeAsync(1_000);
			stop.abort(reason);
			await called;
			expect([at, jest.getTimerCount()]).toEqual([[0], 0]);
		});
	});

	it('keeps what a call uses with the job that made it, whoever ended before it', async () => {
		const limiter = createLimiter({ parallel: 1 }, 'x');
		const job = async (tokens: number): Promise<number[]> => {
			const told: number[] = [];
			await metered(({ ai_tokens: used = 0 }) => void told.push(used), () =>
				limiter(async () => {
					await new Promise((resolve) => setImmediate(resolve));
					spend({ ai_tokens: tokens });
				}, open),
			);
			return told;
		};
		expect(await Promise.all([1, 2, 3].map(job))).toEqual([[1], [2], [3]]);
	});

	it('does not pause after other errors, nor without a time', async () => {
		const limiter = createLimiter({}, 'x');
		for (const error of [new PipelineError('provider_unavailable', 'down', { retryAfterSeconds: 60 }), new PipelineError('provider_rate_limited', 'slow down'), new Error('?')]) {
			await expect(limiter(() => Promise.reject(error), open)).rejects.toBe(error);
			expect(await limiter(() => Promise.resolve('fine'), open)).toBe('fine');
		}
	});
});
