import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createInference, type Inference } from '../../../../sidecar/src/ai/local/infer.ts';
import { PipelineError } from '../../../../sidecar/src/errors.ts';
import type { Asked, Counted } from '../../../fixtures/infer-child.ts';
import { inFolder } from '../../../support/engine.ts';

const CHILD = new URL('../../../fixtures/infer-child.ts', import.meta.url).pathname;
const never = new AbortController().signal;

describe('an engine in a process of its own', () => {
	let engines: Inference[];
	beforeEach(() => {
		engines = [];
	});
	afterEach(async () => {
		await Promise.all(engines.map((engine) => engine.close()));
	});
	function engine({ idleMs, args = [] }: { idleMs?: number; args?: string[] } = {}): Inference {
		const made = createInference({ what: 'tests', child: CHILD, args, ...(idleMs === undefined ? {} : { idleMs }) });
		engines.push(made);
		return made;
	}
	const ask = async <Answer>(to: Inference, asked: Asked, options: { signal?: AbortSignal; timeoutMs?: number } = {}): Promise<Answer> =>
		(await to.ask<Asked, Answer>(asked, { signal: never, ...options })).answer;
	const count = (to: Inference): Promise<Counted> => ask<Counted>(to, { do: 'count' });

	it('answers, with what it took', async () => {
		const value = { text: 'שלום 👋', numbers: Float32Array.of(1, 2.5) };
		const { answer, cpuSeconds } = await engine().ask<Asked, unknown>({ do: 'echo', value }, { signal: never });
		expect(answer).toEqual(value);
		expect(cpuSeconds).toBeGreaterThan(0);
	});

	it('keeps its process for the next request, and works on one at a time', async () => {
		const one = engine();
		const all = await Promise.all([count(one), count(one), count(one)]);
		expect(new Set(all.map(({ pid }) => pid)).size).toBe(1);
		expect(all.map(({ count: nth }) => nth)).toEqual([1, 2, 3]);
		expect(all.some(({ overlapped }) => overlapped)).toBe(false);
	});

	it('ends its process after each answer where it is told to', async () => {
		const one = engine({ idleMs: 0 });
		const { pid } = await count(one);
		expect(() => process.kill(pid, 0)).toThrow('ESRCH');
		expect((await count(one)).count).toBe(1);
	});

	it('is not confused by what libraries print', async () => {
		expect(await ask(engine(), { do: 'print' })).toBe('this');
	});

	it('is not confused by messages that libraries send', async () => {
		expect(await ask(engine(), { do: 'chatter' })).toBe('answer');
	});

	it('is started once more where the operating system took its memory, after those that wait have given back theirs', async () => {
		await inFolder(async (folder) => {
			const [idle, one] = [engine(), engine()];
			const { pid } = await count(idle);
			expect(await ask<number>(one, { do: 'killed', unless: join(folder, 'once') })).toBeGreaterThan(0);
			expect(() => process.kill(pid, 0)).toThrow('ESRCH');
			expect((await count(idle)).count).toBe(1);
		});
	});

	it('says that memory ran out where that happens again', async () => {
		const one = engine();
		await expect(ask(one, { do: 'killed', unless: '' })).rejects.toMatchObject({ code: 'processing_failed', message: expect.stringMatching(/for tests .*memory ran out.*CONCURRENCY/) as string });
		expect((await count(one)).count).toBe(1);
	});

	it('fails with a code where no process can be started', async () => {
		const execPath = process.execPath;
		process.execPath = '/nowhere/node';
		try {
			await expect(count(engine())).rejects.toMatchObject({ code: 'processing_failed' });
			process.execPath = 'node\0';
			await expect(count(engine())).rejects.toMatchObject({ code: 'processing_failed' });
		} finally {
			process.execPath = execPath;
		}
	});

	it('hands on how far it is', async () => {
		const seen: number[] = [];
		await engine().ask<Asked, null>({ do: 'progress' }, { signal: never, onProgress: (percent) => seen.push(percent) });
		expect(seen).toEqual([50]);
	});

	it.each([
		['an error', { do: 'fail' }, /cannot be done/],
		['a crash', { do: 'crash' }, /SIGABRT: out of paper/],
	] as const)('fails after %s with its words in the cause, and works again', async (_what, asked, words) => {
		const one = engine();
		const error = await ask(one, asked).catch((caught: unknown) => caught);
		expect(error).toMatchObject({ code: 'processing_failed', message: expect.stringContaining('The local engine for tests failed') as string });
		expect((error as PipelineError).cause).toMatchObject({ message: expect.stringMatching(words) as string });
		expect((await count(one)).count).toBe(1);
	});

	it('says why it could not be loaded', async () => {
		await expect(count(engine({ args: ['broken'] }))).rejects.toMatchObject({ cause: { message: expect.stringContaining('no such model') as string } });
	});

	it('is killed at its deadline', async () => {
		const one = engine();
		const { pid } = await count(one);
		await expect(ask(one, { do: 'hang' }, { timeoutMs: 50 })).rejects.toMatchObject({ code: 'processing_timeout' });
		expect(() => process.kill(pid, 0)).toThrow('ESRCH');
		expect((await count(one)).count).toBe(1);
	});

	it('is killed with the job, not with the job that only waits for its turn', async () => {
		const one = engine();
		const { pid } = await count(one);
		const [job, waiting] = [new AbortController(), new AbortController()];
		const hanging = ask(one, { do: 'hang' }, { signal: job.signal });
		const gaveUp = ask(one, { do: 'count' }, { signal: waiting.signal });
		const next = count(one);
		waiting.abort(new PipelineError('cancelled', 'no more wanted'));
		await expect(gaveUp).rejects.toThrow('no more wanted');
		process.kill(pid, 0);
		job.abort();
		await expect(hanging).rejects.toMatchObject({ code: 'cancelled' });
		expect(() => process.kill(pid, 0)).toThrow('ESRCH');
		expect(await next).toMatchObject({ count: 1, overlapped: false });
	});

	it('is not started for a job that is over', async () => {
		await expect(ask(engine(), { do: 'count' }, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'cancelled' });
	});

	describe('and the sidecar', () => {
		const INFER = new URL('../../../../sidecar/src/ai/local/infer.ts', import.meta.url).href;
		/** Asks once, says the process id of the engine, and then has nothing more to do, or waits for ever. */
		const script = (then: string): string => `
			import { createInference } from '${INFER}';
			const engine = createInference({ what: 'tests', child: '${CHILD}', args: [] });
			const { answer } = await engine.ask({ do: 'count' }, { signal: new AbortController().signal });
			console.log(answer.pid);
			${then}`;
		const flags = (then: string): string[] => ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script(then)];
		async function gone(pid: number): Promise<void> {
			try {
				for (;;) {
					process.kill(pid, 0);
					await wait(10);
				}
			} catch (error) {
				expect(error).toMatchObject({ code: 'ESRCH' });
			}
		}

		it('ends with it, and does not keep it from ending', async () => {
			const { stdout } = await promisify(execFile)(process.execPath, flags(''), { timeout: 10_000 });
			await gone(Number(stdout));
		});

		it('ends with it when it is killed, in the middle of a computation, too', async () => {
			const sidecar = spawn(process.execPath, flags(`await engine.ask({ do: 'hang' }, { signal: new AbortController().signal });`), { stdio: ['ignore', 'pipe', 'inherit'] });
			const [pid] = (await once(createInterface({ input: sidecar.stdout }), 'line')) as [string];
			sidecar.kill('SIGKILL');
			await gone(Number(pid));
		});
	});
});
