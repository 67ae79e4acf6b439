import { patiently, pauseBudget } from '../../../sidecar/src/ai/patience.ts';
import { PipelineError } from '../../../sidecar/src/errors.ts';

describe('patience', () => {
	const never = new AbortController().signal;
	async function run(answers: Array<Error | string>, { signal = never, during = () => {}, budget = pauseBudget() } = {}) {
		const pauses: number[] = [];
		const left = [...answers];
		const ask = (): Promise<string> => {
			const answer = left.shift() ?? 'more than was scripted';
			return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
		};
		const sleep = (ms: number) => (during(), pauses.push(ms), Promise.resolve());
		const outcome = await patiently(ask, { signal, failures: 4, pauseMs: 100, longestMs: 5000, budget, sleep }).catch((error: unknown) => error);
		return { outcome, pauses, asked: answers.length - left.length };
	}
	const away = new PipelineError('provider_unavailable', 'away');
	const busy = (retryAfterSeconds: number) => new PipelineError('provider_rate_limited', 'busy', { retryAfterSeconds });

	it('asks again after what can pass, each time later', async () => {
		expect(await run([away, away, away, 'there'])).toEqual({ outcome: 'there', pauses: [100, 200, 400], asked: 4 });
	});

	it('waits as long as it is asked to', async () => {
		expect(await run([busy(3), 'there'])).toMatchObject({ outcome: 'there', pauses: [3000] });
	});

	it('has an end', async () => {
		expect(await run([away, away, away, away, 'too late'])).toMatchObject({ outcome: away, asked: 4 });
		expect(await run([busy(3600), 'too late'])).toMatchObject({ outcome: { retryAfterSeconds: 3600 }, pauses: [], asked: 1 });
	});

	it('has one end for many calls, where they are parts of one work', async () => {
		const budget = pauseBudget(450);
		expect(await run([away, away, 'there'], { budget })).toMatchObject({ outcome: 'there', pauses: [100, 200] });
		expect(await run([away, away, 'too late'], { budget })).toMatchObject({ outcome: away, pauses: [100] });
		expect(await run(['there'], { budget })).toMatchObject({ outcome: 'there' });
	});

	it('of one call is five minutes at most', async () => {
		const pauses: number[] = [];
		const sleep = (ms: number) => Promise.resolve(pauses.push(ms));
		await expect(patiently(() => Promise.reject(away), { signal: never, failures: 99, pauseMs: 2000, longestMs: 120_000, sleep })).rejects.toBe(away);
		expect(pauses.reduce((sum, ms) => sum + ms, 0)).toBe(246_000);
	});

	it('does not ask again for what stays wrong', async () => {
		expect(await run([new PipelineError('provider_rejected', 'no'), 'yes'])).toMatchObject({ outcome: { code: 'provider_rejected' }, asked: 1 });
		expect(await run([new TypeError('a mistake'), 'yes'])).toMatchObject({ outcome: { message: 'a mistake' }, asked: 1 });
	});

	it('ends with its job, also while it waits', async () => {
		const stop = new AbortController();
		expect(await run([away, away, 'there'], { signal: stop.signal, during: () => stop.abort(new Error('called off')) })).toMatchObject({ outcome: { message: 'called off' }, asked: 2 });
		const job = new AbortController();
		const waiting = patiently(() => Promise.reject(away), { signal: job.signal, failures: 2, pauseMs: 60_000, longestMs: 60_000 });
		job.abort(new Error('called off'));
		await expect(waiting).rejects.toThrow('called off');
	});
});
