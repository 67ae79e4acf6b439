import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { PipelineError } from '../errors.ts';
import type { MediaFacts } from '../media/facts.ts';
import type { MediaPlan, PlanResult, ProducedFile, TextFile } from '../media/plan.ts';
import type { OpenedMedia } from './media-input.ts';
import type { EarlierResults, Known, MediaOperation, TaskResult } from './operation.ts';

/** Everything around a plan: measuring before it, concluding after it. */
export interface MediaRun {
	source: OpenedMedia;
	/** What `operation.inputs` asked for, in its order. */
	inputs: OpenedMedia[];
	/** What other operations have made of the asset. Default: nothing. */
	earlier?: EarlierResults;
	workDir: string;
	signal: AbortSignal;
	/** 0 to 100 */
	onProgress(percent: number): void;
	/** What an earlier try has planned already. Default: it is measured and planned now. */
	plan?: MediaPlan | null;
	step<T>(name: string, work: () => Promise<T>): Promise<T>;
	log: Logger;
	runPlan(request: {
		inputPath: string;
		facts: MediaFacts;
		inputs: OpenedMedia[];
		plan: MediaPlan;
		workDir: string;
		signal: AbortSignal;
		onProgress(percent: number): void;
		log: Logger;
	}): Promise<PlanResult>;
	/** Runs the plan that makes the result, perhaps together with others on the same source. Default: `runPlan`. */
	makePlan?: MediaRun['runPlan'];
	probe(path: string, options: { signal?: AbortSignal }): Promise<MediaFacts>;
}

/** A plan that is ready to run: alone, or together with others on the same source. */
export interface Prepared {
	plan: MediaPlan;
	inputs: OpenedMedia[];
	/** CPU seconds that measuring took. */
	cpuSeconds: number;
}

const NOTHING_EARLIER: EarlierResults = {
	earlierOutput: () => Promise.resolve(null),
	readStored: (key) => Promise.reject(new PipelineError('input_not_found', `There is no stored file ${key}.`)),
};

/** The larger part of the progress belongs to what is made, not to what is measured. */
const MEASURING = [0, 30] as const;

/** Measures what the operation must know, and plans. */
export async function prepareMedia<P, M>(operation: MediaOperation<P, M>, params: P, run: MediaRun): Promise<Prepared> {
	const { source, inputs, workDir, signal, log } = run;
	let cpuSeconds = 0;
	const { measure } = operation;
	const measured = measure && (operation.measures?.(params) ?? true)
		? await run.step('measure', () =>
				measure.call(
					operation,
					{
						...source,
						...(run.earlier ?? NOTHING_EARLIER),
						inputs,
						workDir,
						signal,
						log,
						probe: (path) => run.probe(path, { signal }),
						progress: (percent) => run.onProgress(percent),
						spend: (seconds) => void (cpuSeconds += seconds),
						run: async (plan, on, { inputs: further = on ? [] : inputs, progress: [begin, end] = MEASURING } = {}) => {
							const made = await run.runPlan({
								inputPath: (on ?? source).path,
								facts: (on ?? source).facts,
								inputs: further,
								plan,
								workDir,
								signal,
								log,
								onProgress: (percent) => run.onProgress(begin + (percent / 100) * (end - begin)),
							});
							cpuSeconds += made.cpuSeconds;
							return made;
						},
					},
					params,
				),
			)
		: (undefined as M);
	const known: Known<M> = { inputs, measured };
	return { plan: operation.plan(source.facts, params, known), inputs, cpuSeconds };
}

/** Runs one media operation from the beginning to its result. */
export async function runMedia<P, M>(operation: MediaOperation<P, M>, params: P, run: MediaRun): Promise<TaskResult> {
	const prepared = run.plan ? { plan: run.plan, inputs: run.inputs, cpuSeconds: 0 } : await prepareMedia(operation, params, run);
	const { plan, inputs } = prepared;
	const { source, workDir, signal, log } = run;
	// An operation that can measure need not have done so.
	const from = prepared.cpuSeconds > 0 ? MEASURING[1] : 0;
	const onProgress = (percent: number): void => run.onProgress(from + (percent * (100 - from)) / 100);
	const made: PlanResult =
		plan.outputs.length > 0
			? await run.step('ffmpeg', () => (run.makePlan ?? run.runPlan)({ inputPath: source.path, facts: source.facts, inputs, plan, workDir, signal, onProgress, log }))
			: { files: [], texts: {}, cpuSeconds: 0 };
	return concludeMedia(operation, params, source.facts, prepared, made, workDir);
}

/** The result of a job from what became of its plan. */
export async function concludeMedia<P, M>(
	operation: MediaOperation<P, M>,
	params: P,
	facts: MediaFacts,
	{ plan, cpuSeconds }: Prepared,
	made: PlanResult,
	workDir: string,
): Promise<TaskResult> {
	const { output = {}, texts = [] } = operation.conclude?.(made, facts, params) ?? {};
	const written = await writeTexts([...(plan.texts ?? []), ...texts], workDir);
	return {
		output: { ...plan.facts, ...(made.encoder ? { encoder: made.encoder } : {}), ...output, ...(plan.reason ? { reason: plan.reason } : {}) },
		files: [...(plan.made ?? []), ...made.files, ...written],
		cost: { cpu_seconds: Math.round((cpuSeconds + made.cpuSeconds) * 1000) / 1000 },
	};
}

async function writeTexts(texts: TextFile[], workDir: string): Promise<ProducedFile[]> {
	return Promise.all(
		texts.map(async ({ name, mime, content }) => {
			const path = join(workDir, name);
			await writeFile(path, content);
			return { name, path, mime };
		}),
	);
}
