import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { isSinglePicture } from '../media/early.ts';
import { writesText } from '../media/ffmpeg-arguments.ts';
import { companyFor, mergePlans, pack } from '../media/merge.ts';
import type { EarlyFile, MediaPlan, PlannedOutput, PlanResult } from '../media/plan.ts';
import type { RunPlanRequest, WorkerDeps } from './worker-deps.ts';

type RunPlan = WorkerDeps['runPlan'];

/** What one job of a group runs its ffmpeg processes through. */
export interface Seat {
	/** At once, but one process of the group at a time: a group takes one slot of the worker. */
	runPlan: RunPlan;
	/** The plan that makes the job's result. One that gains from company waits for the others, and runs together with them. */
	makePlan: RunPlan;
	/** The job will make no plan, or has ended: nobody waits for it any more. */
	leave(): void;
}

export interface Group {
	seats: Seat[];
	/** Removes what is left of it. */
	close(): Promise<void>;
}

type GroupDeps = Pick<WorkerDeps, 'runPlan' | 'workRoot'>;

/**
 * Brings the plans of jobs on one source together. Each seat's promise settles by itself: aborting one disturbs nobody else,
 * and when the common process fails, each plan is run alone, so that one of them cannot spoil the others.
 */
export function createGroup(deps: GroupDeps, size: number, log: Logger): Group {
	const workDir = join(deps.workRoot, `group-${randomUUID()}`);
	const alone = oneAtATime();
	const waiting: Waiting[] = [];
	const expected = new Set(Array.from({ length: size }, (_, seat) => seat));

	const goOnWithout = (seat: number): void => {
		if (!expected.delete(seat) || expected.size > 0) return;
		for (const plans of bySource(waiting.splice(0).sort((a, b) => a.seat - b.seat))) void alone(() => runTogether(deps, plans, join(workDir, randomUUID()), log));
	};
	const runAlone: RunPlan = (request) => {
		let waits = true;
		const made = alone(() => {
			waits = false;
			request.signal.throwIfAborted();
			return deps.runPlan(request);
		});
		// Once it runs, runPlan itself ends when ffmpeg has: until then its folder is in use.
		return untilAborted(made, request.signal, () => waits);
	};
	return {
		seats: Array.from({ length: size }, (_, seat) => ({
			runPlan: runAlone,
			makePlan: (request) => {
				if (size === 1 || companyFor(request.plan, request.facts) !== 'together') {
					// Before those who waited for it: it is done in a moment.
					const made = runAlone(request);
					goOnWithout(seat);
					return made;
				}
				const made = new Promise<PlanResult>((resolve, reject) => {
					const plan: Waiting = { ...request, seat, answered: false, resolve: (result) => ((plan.answered = true), resolve(result)), reject };
					waiting.push(plan);
				});
				goOnWithout(seat);
				return untilAborted(made, request.signal);
			},
			leave: () => goOnWithout(seat),
		})),
		// In its turn: a process that is being ended may still write.
		close: () => alone(() => rm(workDir, { recursive: true, force: true })),
	};
}

interface Waiting extends RunPlanRequest {
	/** In the order of the jobs, not of who was ready first: the same jobs become the same process. */
	seat: number;
	/** Has its result. */
	answered: boolean;
	resolve(made: PlanResult): void;
	reject(reason: unknown): void;
}

/** One process reads one source; as many outputs in each as it may make. */
const bySource = (waiting: Waiting[]): Waiting[][] =>
	[...new Set(waiting.map(({ inputPath }) => inputPath))].flatMap((path) => pack(waiting.filter(({ inputPath }) => inputPath === path)));

/** Never rejects: each plan gets its own answer. */
async function runTogether(deps: GroupDeps, plans: Waiting[], workDir: string, log: Logger): Promise<void> {
	const left = plans.filter(({ signal }) => !signal.aborted);
	const [first] = left;
	if (!first) return;
	if (left.length > 1 && (await runMerged(deps, left, first, workDir, log))) return;
	for (const plan of left) {
		if (!plan.answered && !plan.signal.aborted) await deps.runPlan(plan).then(plan.resolve, plan.reject);
	}
}

/** False: the common process failed, or could not tell of each; those that have no answer yet must be run alone. */
async function runMerged(deps: GroupDeps, plans: Waiting[], first: Waiting, workDir: string, log: Logger): Promise<boolean> {
	const merged = mergePlans(plans.map(({ plan, inputs = [] }) => ({ plan, inputs })));
	const early = plans.map(() => new Map<string, EarlyFile>());
	const unwanted = new AbortController();
	/** CPU seconds that were charged before the end. */
	let given = 0;
	// Aborted when nobody is left who waits for a result.
	const look = (): void => {
		if (plans.every(({ answered, signal }) => answered || signal.aborted)) unwanted.abort(plans.find(({ signal }) => signal.aborted)?.signal.reason);
	};
	for (const { signal } of plans) signal.addEventListener('abort', look, { once: true });
	try {
		await mkdir(workDir, { recursive: true });
		const made = await deps.runPlan({
			inputPath: first.inputPath,
			facts: first.facts,
			plan: merged.plan,
			inputs: merged.inputs,
			workDir,
			signal: unwanted.signal,
			onProgress: (percent) => plans.forEach(({ onProgress }) => onProgress(percent)),
			onEarly: (file) => {
				const { part, name } = merged.ownerOf(file.name);
				const [plan, found] = [plans[part], early[part]];
				if (!plan || !found) return;
				found.set(name, { ...file, name });
				if (!isOnlyPictures(plan.plan)) return plan.onEarly?.({ ...file, name });
				// It is done when the last of its pictures is there: it need not wait for the films. Until then they are told to
				// nobody, who might move them.
				if (plan.answered || found.size < plan.plan.outputs.length) return;
				const files = plan.plan.outputs.flatMap((output) => found.get(output.name) ?? []).map(({ final: _, ...one }) => one);
				given += plan.plan.estimatedCpuSeconds;
				plan.resolve({ files, texts: {}, cpuSeconds: plan.plan.estimatedCpuSeconds });
				look();
			},
			log,
		});
		const parts = merged.split(made);
		const left = parts.reduce((sum, { cpuSeconds }, part) => sum + (plans[part]?.answered ? 0 : cpuSeconds), 0);
		// What those that are done already were charged is not charged again.
		const scale = left > 0 ? Math.max(0, made.cpuSeconds - given) / left : 0;
		for (const [part, own] of parts.entries()) {
			const plan = plans[part];
			if (!plan || plan.answered) continue;
			// Of several outputs ffmpeg only says whether all are empty. Alone it says whether this one is, which is an error.
			if (plan.plan.outputs.some((output) => isForText(output) && own.texts[output.name] === '')) continue;
			plan.resolve({ ...own, cpuSeconds: own.cpuSeconds * scale });
		}
		return plans.every(({ answered }) => answered);
	} catch (error) {
		if (!unwanted.signal.aborted) log.warn({ err: error, jobs: plans.length }, 'the common process failed: each plan is run alone');
		return false;
	} finally {
		for (const { signal } of plans) signal.removeEventListener('abort', look);
	}
}

/** Not all of the kind `text` write one: some only show that ffmpeg is at work, and are empty at their best. */
const isForText = (output: PlannedOutput): boolean => output.kind === 'text' && writesText({ ...output, kind: 'video' });

/** Nothing but pictures of which one knows when they are whole, and no text that filters write beside them. */
const isOnlyPictures = ({ outputs }: MediaPlan): boolean => outputs.every((output) => isSinglePicture(output) && !writesText(output));

/** The promise, or the signal's reason as soon as that is aborted, where that counts. */
function untilAborted<T>(promise: Promise<T>, signal: AbortSignal, counts: () => boolean = () => true): Promise<T> {
	return new Promise((resolve, reject) => {
		const onAbort = (): void => {
			if (counts()) reject(signal.reason as Error);
		};
		if (signal.aborted) onAbort();
		signal.addEventListener('abort', onAbort, { once: true });
		promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
	});
}

/** Runs what it is given one after the other. */
function oneAtATime(): <T>(work: () => Promise<T>) => Promise<T> {
	let last: Promise<unknown> = Promise.resolve();
	return (work) => {
		const next = last.then(work);
		last = next.catch(() => {});
		return next;
	};
}
