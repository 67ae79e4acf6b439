import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Logger } from 'pino';
import { findAsset, type AssetRow } from '../db/assets.ts';
import { CHUNK, type JobRow } from '../db/jobs.ts';
import { PipelineError } from '../errors.ts';
import { isManifest } from '../media/early.ts';
import type { MediaFacts } from '../media/facts.ts';
import { asReadByFfmpeg } from '../media/picture-readers.ts';
import type { ProducedFile } from '../media/plan.ts';
import type { MediaInput, OpenedMedia } from '../operations/media-input.ts';
import { refuseOtherKinds, type Operation, type TaskResult } from '../operations/operation.ts';
import { runMedia } from '../operations/run-media.ts';
import { whyNot } from './condition.ts';
import { inChunks, makeChunk, splitPlan } from './chunks.ts';
import { earlierResults } from './earlier-results.ts';
import { keyOf, type EarlyFiles } from './early-files.ts';
import { scanInput } from './examine.ts';
import type { Outcome } from './finish.ts';
import type { Seat } from './group.ts';
import { NotYet } from './not-yet.ts';
import { assetsIn, reuse } from './reuse.ts';
import { refuseResults } from './quota.ts';
import { refuseUnsafe } from './safety.ts';
import { storedSource } from './stored-source.ts';
import type { WorkerDeps } from './worker-deps.ts';

/** One try of one job. */
export interface Execution {
	job: JobRow;
	workDir: string;
	signal: AbortSignal;
	progress(percent: number): void;
	step<T>(name: string, work: () => Promise<T>): Promise<T>;
	log: Logger;
	/** Its place in the group of jobs on the same source. */
	seat: Seat;
	early: EarlyFiles;
}

type Completed = Extract<Outcome, { status: 'completed' }>;

/** Runs the operation of a job and stores what it made. Throws NotYet. */
export async function execute(deps: WorkerDeps, execution: Execution): Promise<Completed> {
	const { job } = execution;
	if (job.jobType === CHUNK) {
		const { output, files, cost } = await makeChunk(deps, execution);
		return { status: 'completed', output, cost, files: await storeFiles(deps, execution, files) };
	}
	const operation = deps.operations.get(job.jobType);
	if (!operation) throw new PipelineError('unknown_operation', `This sidecar does not know the operation ${job.jobType}. Are all workers of the same version?`);
	const params: unknown = operation.params.parse(job.params);
	const skipped = await whySkipped(deps, job);
	if (skipped) return { status: 'completed', output: { skipped } };
	await refuseUnsafeInputs(deps, job, params);
	const earlier = await reuse(deps, job, operation);
	if (earlier) return earlier;
	const { output, files = [], cost = {} } = operation.kind === 'media' ? await runMediaOperation(deps, execution, operation) : await runTask(deps, execution, operation);
	execution.signal.throwIfAborted();
	const sizes = await Promise.all(files.map(async ({ path }) => (await stat(path)).size));
	await refuseResults(deps.db, job.workspaceId, sizes.reduce((sum, size) => sum + size, 0));
	const stored = await execution.step('store', () => storeFiles(deps, execution, files));
	const bytes = stored.reduce((sum, file) => sum + file.bytes, 0);
	return { status: 'completed', output, files: stored, cost: bytes > 0 ? { ...cost, storage_bytes: bytes } : cost };
}

/** The condition of the pipeline's step, as a reason; null: do it. */
async function whySkipped({ db }: WorkerDeps, { step, assetId, workspaceId }: Execution['job']): Promise<string | null> {
	if (!step?.when || assetId === null) return null;
	const facts = (await findAsset(db, workspaceId, assetId))?.facts;
	return facts ? whyNot(step.when, facts) : null;
}

/** A stopped asset may be looked into, but not become part of another one, which nobody would stop. Also not by an earlier result. */
async function refuseUnsafeInputs({ db }: WorkerDeps, { workspaceId, assetId }: Execution['job'], params: unknown): Promise<void> {
	for (const id of new Set(assetsIn(params))) {
		const input = id === assetId ? null : await findAsset(db, workspaceId, id);
		if (input) refuseUnsafe(input, 'params');
	}
}

async function runMediaOperation(deps: WorkerDeps, execution: Execution, operation: Extract<Operation, { kind: 'media' }>): Promise<TaskResult> {
	const { job, workDir, signal, log, step, seat, early } = execution;
	const params: unknown = operation.params.parse(job.params);
	const source = await asReadByFfmpeg(await openSource(deps, execution), execution);
	const inputs: OpenedMedia[] = [];
	for (const input of operation.inputs?.(params) ?? []) inputs.push(await asReadByFfmpeg(await openInput(deps, execution, input), execution));
	return runMedia(operation, params, { earlier: earlierResults(deps, job), source, inputs, plan: await splitPlan(deps, job), workDir, signal, log, step, onProgress: execution.progress, runPlan: seat.runPlan, makePlan: inChunks(deps, execution, (plan) => seat.makePlan({ ...plan, onEarly: early.take })), probe: deps.probe });
}

async function runTask(deps: WorkerDeps, execution: Execution, operation: Extract<Operation, { kind: 'task' }>): Promise<TaskResult> {
	const { job, workDir, signal, log, progress, step } = execution;
	let source: Promise<OpenedMedia> | null = null;
	return step(operation.name, () =>
		operation.run(
			{
				jobId: job.id,
				workspaceId: job.workspaceId,
				assetId: job.assetId,
				attempt: job.attempts,
				waitedFor: waitedFor(job),
				source: () => (source ??= openSource(deps, execution)),
				open: (input) => openInput(deps, execution, input),
				...earlierResults(deps, job),
				workDir,
				secrets: job.secret ? (JSON.parse(deps.vault.open(job.secret)) as Record<string, string>) : {},
				signal,
				progress,
				step,
				log,
			},
			operation.params.parse(job.params),
		),
	);
}

/** The call that the last try was put back for. */
function waitedFor({ error }: JobRow): string | null {
	const action = error?.code === 'platform_rate_limited' ? error.details?.['action'] : null;
	return typeof action === 'string' ? action : null;
}

/** The asset's original as a file that ffmpeg can read, and its facts. */
async function openSource(deps: WorkerDeps, execution: Execution): Promise<OpenedMedia> {
	const { job } = execution;
	const asset = job.assetId ? await findAsset(deps.db, job.workspaceId, job.assetId) : null;
	if (!asset?.facts) throw new PipelineError('input_not_found', 'The media of this job is not stored. Ingest it again.');
	const operation = deps.operations.get(job.jobType);
	if (operation) refuseOtherKinds(operation, asset.facts);
	return openStored(deps, execution, asset, asset.facts, 'source');
}

/** The original, or what stands for it where the policy of the workspace let it go. */
async function openStored(deps: WorkerDeps, execution: Execution, asset: AssetRow, facts: MediaFacts, name: string): Promise<OpenedMedia> {
	const { key, probeAgain } = await storedSource(deps.db, asset);
	const path = await localFile(deps, execution, key, name);
	return { path, facts: probeAgain ? await deps.probe(path, { signal: execution.signal }) : facts };
}

/** Media beside the source. Throws NotYet while its bytes are still on their way. */
async function openInput(deps: WorkerDeps, execution: Execution, input: MediaInput): Promise<OpenedMedia> {
	const { job, workDir, signal, step } = execution;
	const name = `input-${randomUUID()}`;
	if ('asset_id' in input) {
		const asset = await findAsset(deps.db, job.workspaceId, input.asset_id);
		if (!asset) throw new PipelineError('input_not_found', `There is no asset ${input.asset_id} in this workspace.`);
		if (asset.facts && (asset.storageKey || asset.originalState === 'deleted')) return openStored(deps, execution, asset, asset.facts, name);
		if (asset.status === 'failed') throw new PipelineError('input_not_found', `The media of asset ${asset.id} could not be stored: ${asset.error?.message ?? 'its ingest failed'}`);
		if (asset.status === 'uploading') throw new PipelineError('input_not_found', `Asset ${asset.id} is still waiting for its upload. PUT the file to its upload URL first.`);
		throw new NotYet(`asset ${asset.id} is on its way`);
	}
	const path = join(workDir, name);
	await step('fetch', () => deps.fetchSource({ place: { type: 'url', url: input.file_url }, secrets: {}, destPath: path, signal, onProgress: () => {} }));
	await scanInput(deps, execution, path);
	return { path, facts: await deps.probe(path, { signal }) };
}

/** A stored file on this machine: in place where the storage is a local disk, else copied into the scratch folder. */
export async function localFile(deps: Pick<WorkerDeps, 'storage'>, { workDir, signal, step }: Pick<Execution, 'workDir' | 'signal' | 'step'>, key: string, name: string): Promise<string> {
	const inPlace = deps.storage.localPath(key);
	if (inPlace) return inPlace;
	const path = join(workDir, name);
	await step('fetch', async () => pipeline(await deps.storage.read(key), createWriteStream(path), { signal }));
	return path;
}

/** Each is written through to the disk, which takes its time; more at once would not make the disk faster. */
const STORED_AT_ONCE = 8;

/** Manifests come last, the main one (a job's first file) at the very end: whoever reads one finds all that it names. */
async function storeFiles(deps: WorkerDeps, { job, early }: Execution, files: ProducedFile[]): Promise<NonNullable<Completed['files']>> {
	const store = async (file: ProducedFile): Promise<NonNullable<Completed['files']>[number]> => {
		const { size } = await stat(file.path);
		const storageKey = keyOf(job, file.name);
		if (!(await early.has(file, size))) {
			early.expect(file.name);
			await deps.storage.putFile(storageKey, file.path);
		}
		return {
			name: file.name,
			storageKey,
			mime: file.mime,
			bytes: size,
			width: file.width ?? null,
			height: file.height ?? null,
			durationSeconds: file.durationSeconds ?? null,
			part: file.part ?? false,
		};
	};
	const stored = new Map<ProducedFile, NonNullable<Completed['files']>[number]>();
	const others = files.filter(({ name }) => !isManifest(name));
	for (let from = 0; from < others.length; from += STORED_AT_ONCE) {
		const some = others.slice(from, from + STORED_AT_ONCE);
		// All of them, also when one fails: what is thrown away then must not be written any more.
		const ended = await Promise.allSettled(some.map(async (file) => void stored.set(file, await store(file))));
		for (const one of ended) if (one.status === 'rejected') throw one.reason;
	}
	for (const file of files.filter(({ name }) => isManifest(name)).reverse()) stored.set(file, await store(file));
	return files.flatMap((file) => stored.get(file) ?? []);
}
