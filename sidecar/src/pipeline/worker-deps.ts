import type { Logger } from 'pino';
import type { Place } from '../contract/sources.ts';
import type { MediaFacts } from '../media/facts.ts';
import type { EarlyFile, MediaPlan, PlanResult } from '../media/plan.ts';
import type { OpenedMedia } from '../operations/media-input.ts';
import type { Scanner } from '../scan/scanner.ts';
import type { Storage } from '../storage/storage.ts';
import type { PipelineDeps } from './deps.ts';

export interface FetchRequest {
	place: Place;
	secrets: Record<string, string>;
	/** Whose job it is. */
	workspaceId?: string;
	destPath: string;
	/** At most so many bytes, where that is less than MAX_FILE_BYTES. */
	maxBytes?: number | undefined;
	signal: AbortSignal;
	/** 0 to 100; not called while the length is unknown. */
	onProgress(percent: number): void;
}
export interface Fetched {
	bytes: number;
	sha256: string;
	/** Safe to show; never a path. */
	fileName: string;
	/** As the server claims it; absent or null: it says nothing. */
	contentType?: string | null;
}

export interface RunPlanRequest {
	inputPath: string;
	facts: MediaFacts;
	/** Further inputs of the plan. */
	inputs?: OpenedMedia[];
	plan: MediaPlan;
	workDir: string;
	signal: AbortSignal;
	onProgress(percent: number): void;
	/** Told of files that are whole already. */
	onEarly?(file: EarlyFile): void;
	log: Logger;
}

/** What working on jobs needs beyond the use-cases: the outside world, behind functions. */
export interface WorkerDeps extends PipelineDeps {
	storage: Storage;
	fetchSource(request: FetchRequest): Promise<Fetched>;
	probe(path: string, options: { signal?: AbortSignal }): Promise<MediaFacts>;
	runPlan(request: RunPlanRequest): Promise<PlanResult>;
	/** Looks for viruses; absent or null: CLAMD is not set. */
	scanner?: Scanner | null;
	/** Whether a workspace may switch the scan off for itself (CLAMD_OPTIONAL). */
	scanOptional?: boolean;
	/** Threads of a check by decoding; absent: ffmpeg decides (FFMPEG_THREADS). */
	decodeThreads?: number | undefined;
	/** Tells a `progress_url`, best effort: never throws. */
	reportProgress(sealedUrl: string, body: Record<string, unknown>): void;
	/** Whether the result of an earlier job may be returned instead of making it again (REUSE_RESULTS). */
	reuseResults: boolean;
	/** Whether jobs that wait for the same source run in one ffmpeg process (MERGE_JOBS). */
	mergeJobs: boolean;
	/** Encodes of more CPU seconds are split between workers (CHUNK_SECONDS_MIN). Absent or 0: none. */
	chunkSeconds?: number;
	/** Scratch folders are made below it, one per try of a job. */
	workRoot: string;
	/** Unique per process. */
	workerId: string;
	/** Jobs at once. */
	concurrency: number;
	jobTimeoutSeconds: number;
}
