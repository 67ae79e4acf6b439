import type { Readable } from 'node:stream';
import type { Logger } from 'pino';
import type { z } from 'zod';
import { PipelineError } from '../errors.ts';
import { kindsOf, type MediaFacts } from '../media/facts.ts';
import type { MediaPlan, PlanResult, ProducedFile, TextFile } from '../media/plan.ts';
import type { MediaInput, OpenedMedia } from './media-input.ts';

/** What every operation says of itself. One operation, one file. */
interface OperationBase<P> {
	/** Name on the wire and in the URL: `thumbnail` is `POST /thumbnail`. */
	name: string;
	/** Raised when the same parameters begin to give another result. */
	version: number;
	/** One sentence for the reference and the OpenAPI. */
	summary: string;
	/** Uses the results of these operations on the same asset, where there are any. A job waits until none of them is under way. */
	buildsOn?: readonly string[];
	/** The same, of these with these parameters. */
	alsoBuildsOn?(params: P): readonly string[];
	/** Whether it needs none of `buildsOn` with these parameters. Default: never. */
	standsAlone?(params: P): boolean;
	/** Looks at the media without making any: while it runs for POST /api/media/process, the asset is `analyzing` (P13). */
	analyses?: true;
	/**
	 * Whether the other operations that the same request asks of the asset wait for it, and end when it fails. Its output says
	 * `safe: true` where the asset may be used (pipeline/safety.ts).
	 */
	guards?(params: P): boolean;
	/**
	 * The same source bytes and parameters always give the same result, so an earlier one may be returned. Default: true for
	 * media, false for tasks. Such a task reaches further media only through parameters of the shape `mediaInput`.
	 */
	reusable?: boolean;
	/** What else the result depends on, as a short text: the fonts of this machine, say. Where it differs, earlier results are not used. */
	dependsOnMachine?(): Promise<string>;
	/** Which media it takes. `none`: it needs no asset. */
	accepts: ReadonlyArray<'video' | 'audio' | 'image'> | 'none';
	/** For kinds that it does not take: the operation that does, for the message. */
	insteadFor?: Partial<Record<MediaFacts['fileType'], string>>;
	/** Schema with defaults and a `.describe()` on every field. Strict: an unknown field is refused. */
	params: z.ZodType<P>;
	/** Parameters that the reference shows and the tests run. */
	example: Record<string, unknown>;
	/**
	 * For the reference, in Markdown: fields of output_data and files, e.g. "`scenes` (each with `start_seconds`, `end_seconds`).
	 * Files: `scenes.json`." Needed unless `plan` alone can tell, i.e. without `measure`, `inputs` and `conclude`.
	 */
	produces?: string;
}

/**
 * Decides what to make from facts and parameters alone; spawns nothing. The engine runs the plan. Operations that must know
 * more first (the loudness, where silence is) measure it in a step of its own, and then plan from what was measured.
 * `M`: what `measure` answers.
 */
export interface MediaOperation<P = unknown, M = undefined> extends OperationBase<P> {
	kind: 'media';
	/** Media beside the source, in the order in which plans name them: the first one is `[v1]` and `[a1]`. */
	inputs?(params: P): MediaInput[];
	/** Acts through its tools only. */
	measure?(tools: MeasureTools, params: P): Promise<M>;
	/** Whether anything is measured for these parameters; if not, `plan` gets `measured: undefined`. Default: always. */
	measures?(params: P): boolean;
	/** Throws `input_no_video` and the like where the source cannot serve. `known` is always given by the pipeline. */
	plan(facts: MediaFacts, params: P, known?: Known<M>): MediaPlan;
	/** Pure: what can only be said of what was made, e.g. from the texts that filters wrote. */
	conclude?(made: PlanResult, facts: MediaFacts, params: P): { output?: Record<string, unknown>; texts?: TextFile[] };
	/** Seconds it will take, roughly. Default: what the plan says. Needed where the plan depends on `known`. */
	estimateSeconds?(facts: MediaFacts, params: P): number;
}

export interface Known<M = undefined> {
	inputs: OpenedMedia[];
	measured: M;
}

/** What other operations have made of the asset. */
export interface EarlierResults {
	/**
	 * The asset's latest results of another operation (`transcribe` …), for operations that build on it; with `matching`, the latest of those
	 * that it accepts. What was stored with them is under `files`: `name`, `mime`, `storage_key`. Null: none.
	 */
	earlierOutput(jobType: string, matching?: (output: Record<string, unknown>) => boolean): Promise<Record<string, unknown> | null>;
	/** A stored file of the asset or of one of its jobs, by storage key. */
	readStored(key: string): Promise<Readable>;
}

/** What `measure` may use. */
export interface MeasureTools extends OpenedMedia, EarlierResults {
	inputs: OpenedMedia[];
	/** Private scratch folder; what is left there is removed with the job. */
	workDir: string;
	signal: AbortSignal;
	log: Logger;
	/** Runs a plan on the source, or on another file (a probe encode, say). */
	run(plan: MediaPlan, on?: OpenedMedia, options?: MeasureRun): Promise<PlanResult>;
	/** The facts of a file that was made. */
	probe(path: string): Promise<MediaFacts>;
	/** Progress of the job, 0 to 100, of what is done without `run`. */
	progress(percent: number): void;
	/** Counts the CPU seconds of what is done without `run`. */
	spend(cpuSeconds: number): void;
}

export interface MeasureRun {
	/** Further inputs of the plan. Default: those of the operation on the source, none on another file. */
	inputs?: OpenedMedia[];
	/** Part of the job's progress that this run is, in percent. Default 0 to 30. */
	progress?: readonly [number, number];
}

/** Calls something other than ffmpeg: a provider of AI, a social platform, the probe. */
export interface TaskOperation<P = unknown> extends OperationBase<P> {
	kind: 'task';
	/** Seconds it will take, roughly; null facts when the media is not known yet. */
	estimateSeconds(facts: MediaFacts | null, params: P): number;
	run(context: TaskContext, params: P): Promise<TaskResult>;
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a registry holds operations of every parameter type
export type Operation = MediaOperation<any, any> | TaskOperation<any>;

/** What a task may use. Nothing else reaches it. */
export interface TaskContext extends EarlierResults {
	jobId: string;
	workspaceId: string;
	assetId: string | null;
	/** 1 on the first try. */
	attempt: number;
	/** What an earlier try was put back for without having tried it: a call whose rate limit was used up. Absent: nothing. */
	waitedFor?: string | null;
	/** The source as a local file, and its facts. Throws when the operation takes no asset. */
	source(): Promise<OpenedMedia>;
	/** Media beside the source (an overlay, further pictures), as a local file. Only media of this workspace. */
	open(input: MediaInput): Promise<OpenedMedia>;
	/** Private scratch folder, removed when the job ends. */
	workDir: string;
	/** `secrets` of the request, decrypted. */
	secrets: Record<string, string>;
	/** Aborted on cancel, on a lost lease, and at the deadline. */
	signal: AbortSignal;
	/** 0 to 100. */
	progress(percent: number): void;
	/** Times a named step: it appears in the job's `steps`. */
	step<T>(name: string, work: () => Promise<T>): Promise<T>;
	log: Logger;
}

export interface TaskResult {
	/** Becomes the job's output_data. */
	output: Record<string, unknown>;
	/** Files in `workDir` to be stored with the job. */
	files?: ProducedFile[];
	/** e.g. `{ ai_tokens: 900, audio_seconds: 12.5 }` */
	cost?: Record<string, number>;
}

/** Throws `input_unsupported` where the media is of a kind that the operation does not take. */
export function refuseOtherKinds(
	{ name, accepts, insteadFor = {} }: Pick<Operation, 'name' | 'accepts' | 'insteadFor'>,
	facts: Pick<MediaFacts, 'fileType' | 'mime'>,
): void {
	if (accepts === 'none' || kindsOf(facts).some((kind) => accepts.includes(kind))) return;
	const instead = insteadFor[facts.fileType];
	throw new PipelineError(
		'input_unsupported',
		`${name} works on ${accepts.join(', ')}; this asset is ${facts.fileType} (${facts.mime}).${instead ? ` Use the operation ${instead} for it.` : ''}`,
		{ details: { mime: facts.mime, accepts, ...(instead ? { use_instead: instead } : {}) } },
	);
}

/** Names of the operations whose results it uses with these parameters. */
export function buildsOn(operation: Operation, params: unknown): readonly string[] {
	if (operation.standsAlone?.(params)) return [];
	return [...(operation.buildsOn ?? []), ...(operation.alsoBuildsOn?.(params) ?? [])];
}
