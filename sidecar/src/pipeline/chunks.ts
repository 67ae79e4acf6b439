import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findAsset } from '../db/assets.ts';
import { cancelChunks, chunksOf, deleteChunks, forgottenParents, park, servedChunks, shareProgress, unpark, workload } from '../db/chunks.ts';
import { recordEvents } from '../db/events.ts';
import { CHUNK, ENDED, filesOfJobs, insertJobs, type JobRow, type NewJob } from '../db/jobs.ts';
import { transact } from '../db/transact.ts';
import { PipelineError } from '../errors.ts';
import { canSplit, concatList, howMany, joinArguments, piecePlan, planChunks, readPackets, soundPlan, type Chunk, type Packet } from '../media/chunks.ts';
import type { MediaFacts } from '../media/facts.ts';
import { INPUT_FORMATS } from '../media/formats.ts';
import type { MediaPlan, PlannedOutput, PlanResult } from '../media/plan.ts';
import { asFileUrl, inputArguments } from '../media/probe.ts';
import { runTool } from '../media/process.ts';
import { keyOf } from './early-files.ts';
import { localFile, type Execution } from './execute.ts';
import { NotYet } from './not-yet.ts';
import { enqueue } from './requeue.ts';
import type { RunPlanRequest, WorkerDeps } from './worker-deps.ts';

/**
 * Long encodes are cut into chunks that any worker may take. The job itself gives its slot back meanwhile, and joins what
 * they made when the last one has ended. All that is known of them stands in the database: whatever dies, whoever comes next
 * goes on from there.
 */

type RunPlan = (request: RunPlanRequest) => Promise<PlanResult>;

/** Parameters of a chunk. */
interface ChunkParams {
	asset_id: string;
	plan: MediaPlan;
	/** Null: the sound. */
	chunk: Chunk | null;
	/** Seconds by which the stream begins after the file. */
	delay: number;
	/** In the first row: the plan that was split, so that what it took to make it need not be measured again. */
	whole?: MediaPlan;
}

/** Only `split` writes them. */
const chunkParams = ({ params }: Pick<JobRow, 'params'>): ChunkParams => params as Record<string, unknown> & ChunkParams;

/** The plan of a job that was split before. Null: it has none. */
export async function splitPlan(deps: WorkerDeps, job: JobRow): Promise<MediaPlan | null> {
	if (!deps.chunkSeconds || job.attempts < 2) return null;
	const [first] = await chunksOf(deps.db, job);
	return first ? (chunkParams(first).whole ?? null) : null;
}

/** Runs a plan, in chunks where that gains something. Throws NotYet while others work on them. */
export function inChunks(deps: WorkerDeps, execution: Execution, whole: RunPlan): RunPlan {
	return async (request) => {
		const { job, log, seat } = execution;
		const { plan, facts, inputs = [] } = request;
		const least = deps.chunkSeconds ?? 0;
		const inOnePiece = async (): Promise<PlanResult> => {
			// Split before, with other settings: nobody needs the pieces any more.
			if (job.attempts > 1) await transact(deps.db, (tx) => cancelChunks(tx, job.id));
			return whole(request);
		};
		const output = least > 0 && plan.estimatedCpuSeconds >= least ? canSplit(plan, facts, inputs.length) : null;
		if (!output || !job.assetId) return inOnePiece();
		const chunks = await chunksOf(deps.db, job);
		if (chunks.length === 0) {
			const rows = await split(deps, execution, request, output, least);
			if (!rows) return inOnePiece();
			seat.leave();
			await parkWith(deps, job, rows);
			log.info({ chunks: rows.length }, 'the encode was split');
			throw new NotYet('chunks are being made');
		}
		seat.leave();
		const failed = chunks.find(({ status }) => status === 'failed' || status === 'cancelled');
		if (failed) throw new ChunkFailed(failed.error?.code ?? 'processing_failed', failed.error?.message ?? 'A part of the video could not be made.', failed.error?.details ? { details: failed.error.details } : {});
		if (chunks.some(({ status }) => !ENDED.includes(status))) {
			await parkWith(deps, job, []);
			throw new NotYet('chunks are being made');
		}
		const joined = await execution.step('join', () => joinChunks(deps, execution, output, chunks));
		if (joined) return joined;
		log.error('the chunks do not add up to the video: it is encoded in one piece');
		return inOnePiece();
	};
}

/** The chunk has had its tries: another try of the whole would only meet the same failed chunk. */
class ChunkFailed extends PipelineError {
	override get retryable(): boolean {
		return false;
	}
}

async function parkWith(deps: WorkerDeps, job: JobRow, rows: NewJob[]): Promise<void> {
	await transact(deps.db, async (tx) => {
		if (!(await park(tx, job))) return;
		const inserted = await insertJobs(tx, rows);
		await enqueue(deps, tx, inserted);
		// All may have ended before it was parked.
		const parent = await unpark(tx, job.id);
		if (parent) await enqueue(deps, tx, [parent]);
	});
	deps.wake.jobs();
}

/** Rows of the chunks; null: not worth it, or impossible. */
async function split({ db, concurrency, workerId }: WorkerDeps, { job, step, signal }: Execution, request: RunPlanRequest, output: PlannedOutput, least: number): Promise<NewJob[] | null> {
	const { plan, facts } = request;
	const { waiting, own, others } = await workload(db, workerId);
	// This job's own slot is free as soon as it is split.
	const workers = concurrency - (own - 1) + others - waiting;
	const count = howMany(plan.estimatedCpuSeconds, least / 2, workers);
	if (count < 2) return null;
	const { packets, starts } = await step('split', () => readIndex(request, signal));
	const chunks = planChunks(packets, count, starts.file);
	if (chunks.length < 2) return null;
	const common = { workspaceId: job.workspaceId, jobType: CHUNK, status: 'pending' as const, priority: job.priority, afterJobId: job.id };
	const row = (index: number, params: ChunkParams): NewJob => ({
		...common,
		id: randomUUID(),
		itemIndex: index,
		params: { ...params },
		estimatedSeconds: params.plan.estimatedCpuSeconds,
	});
	const about = { asset_id: job.assetId as string };
	const rows = [
		...(facts.audio && !output.options.includes('-an') ? [row(0, { ...about, plan: soundPlan(plan, output), chunk: null, delay: starts.sound - starts.file })] : []),
		...chunks.map((chunk, index) =>
			row(index + 1, { ...about, plan: piecePlan(plan, output, chunk, packets.length, facts.video?.frameRate ?? 25), chunk, delay: starts.picture - starts.file }),
		),
	];
	return rows.map((one, index) => (index === 0 ? { ...one, params: { ...one.params, whole: plan } } : one));
}

/** A packet is a line of some 20 bytes: ten hours at 60 a second. */
const MOST_INDEX_BYTES = 64e6;
const INDEX_TIMEOUT_MS = 300_000;

interface Index {
	packets: Packet[];
	starts: { file: number; picture: number; sound: number };
}

/** Reads through the file without decoding it. */
async function readIndex({ inputPath, facts }: RunPlanRequest, signal: AbortSignal): Promise<Index> {
	const demuxer = INPUT_FORMATS[facts.mime]?.demuxer;
	if (!demuxer) return { packets: [], starts: { file: 0, picture: 0, sound: 0 } };
	const ask = async (...options: string[]): Promise<string> => {
		const { code, stdout } = await runTool('ffprobe', ['-v', 'error', ...options, ...inputArguments(demuxer), '-i', asFileUrl(inputPath)], {
			timeoutMs: INDEX_TIMEOUT_MS,
			maxOutputBytes: MOST_INDEX_BYTES,
			signal,
		});
		return code === 0 ? stdout : '';
	};
	const start = async (...options: string[]): Promise<number> => Number.parseFloat(await ask(...options, '-of', 'csv=p=0')) || 0;
	return {
		packets: readPackets(await ask('-select_streams', 'V:0', '-show_entries', 'packet=pts_time,flags', '-of', 'csv=p=0')),
		starts: {
			file: await start('-show_entries', 'format=start_time'),
			picture: await start('-select_streams', 'V:0', '-show_entries', 'stream=start_time'),
			sound: await start('-select_streams', `a:${facts.audio?.track ?? 0}`, '-show_entries', 'stream=start_time'),
		},
	};
}

/** How often a chunk says how far it is. */
const REPORT_EVERY_MS = 2000;

/** Makes one chunk. The caller stores its file. */
export async function makeChunk(deps: WorkerDeps, execution: Execution): Promise<{ output: Record<string, unknown>; files: PlanResult['files']; cost: Record<string, number> }> {
	const { job, workDir, signal, log, step, seat } = execution;
	const { asset_id: assetId, plan } = chunkParams(job);
	const asset = await findAsset(deps.db, job.workspaceId, assetId);
	if (!asset?.storageKey || !asset.facts) throw new PipelineError('input_not_found', 'The media of this job is not stored. Ingest it again.');
	const inputPath = await localFile(deps, execution, asset.storageKey, 'source');
	let told = 0;
	const onProgress = (percent: number): void => {
		if (Date.now() - told < REPORT_EVERY_MS) return;
		told = Date.now();
		void report(deps, job, percent).catch((error: unknown) => log.warn({ err: error }, 'the progress could not be stored'));
	};
	const facts: MediaFacts = asset.facts;
	const made = await step('ffmpeg', () => seat.makePlan({ inputPath, facts, plan, workDir, signal, log, onProgress }));
	return { output: made.encoder ? { encoder: made.encoder } : {}, files: made.files, cost: { cpu_seconds: made.cpuSeconds } };
}

async function report(deps: WorkerDeps, job: JobRow, percent: number): Promise<void> {
	const parent = await shareProgress(deps.db, job, Math.floor(percent));
	if (!parent) return;
	await recordEvents(deps.db, [
		{ workspaceId: parent.workspaceId, type: 'job.progress', assetId: parent.assetId, jobId: parent.id, data: { job_type: parent.jobType, percent: parent.progress, batch_id: parent.batchId } },
	]);
	deps.wake.events();
}

const JOIN_TIMEOUT_MS = 3_600_000;

/** Null: what the chunks made is not the whole film. */
async function joinChunks(deps: WorkerDeps, execution: Execution, output: PlannedOutput, chunks: JobRow[]): Promise<PlanResult | null> {
	const { workDir, signal } = execution;
	const stored = await filesOfJobs(deps.db, chunks.map(({ id }) => id));
	const pieces = await Promise.all(
		chunks.map(async ({ id, itemIndex, params, cost, output: said }) => {
			const key = stored.find(({ jobId }) => jobId === id)?.storageKey;
			if (!key) throw new PipelineError('storage_failed', 'A part of the video is not stored any more.');
			const { chunk, delay } = chunkParams({ params });
			return { chunk, delay, encoder: said?.['encoder'], cpuSeconds: cost['cpu_seconds'] ?? 0, path: await localFile(deps, execution, key, `part-${itemIndex}`) };
		}),
	);
	const sound = pieces.find(({ chunk }) => chunk === null) ?? null;
	const pictures = pieces.flatMap(({ chunk, ...piece }) => (chunk ? [{ ...piece, chunk }] : []));
	const listPath = join(workDir, 'pieces.txt');
	const outPath = join(workDir, output.name);
	await writeFile(listPath, concatList(pictures.map(({ path, chunk }) => ({ path, seconds: chunk.seconds }))));
	const delays = { picture: pictures[0]?.delay ?? 0, sound: sound?.delay ?? 0 };
	const tool = (name: 'ffmpeg' | 'ffprobe', args: string[]) => runTool(name, args, { timeoutMs: JOIN_TIMEOUT_MS, signal });
	const { code, stderr } = await tool('ffmpeg', joinArguments(output, { listPath, soundPath: sound?.path ?? null, outPath, delays }));
	if (code !== 0) throw new PipelineError('processing_failed', 'The parts of the video could not be joined. The log of the sidecar has the words of ffmpeg.', { cause: new Error(stderr) });
	const counted = await tool('ffprobe', ['-v', 'error', '-count_packets', '-select_streams', 'v:0', '-show_entries', 'stream=nb_read_packets', '-of', 'csv=p=0', asFileUrl(outPath)]);
	if (Number.parseInt(counted.stdout, 10) !== pictures.reduce((sum, { chunk }) => sum + chunk.frames, 0)) return null;
	const made = await deps.probe(outPath, { signal });
	const encoder = pictures[0]?.encoder;
	return {
		files: [
			{
				name: output.name,
				path: outPath,
				mime: output.mime,
				...(made.video ? { width: made.video.width, height: made.video.height } : {}),
				durationSeconds: made.durationSeconds,
			},
		],
		texts: {},
		cpuSeconds: pieces.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
		...(typeof encoder === 'string' ? { encoder } : {}),
	};
}

/** Wakes parents that were forgotten, and removes chunks that have served: files first, so that none is left without its row. */
export async function tidyChunks(deps: WorkerDeps): Promise<void> {
	for (const id of await forgottenParents(deps.db)) {
		await transact(deps.db, async (tx) => {
			const parent = await unpark(tx, id);
			if (parent) await enqueue(deps, tx, [parent]);
		});
		deps.wake.jobs();
	}
	const served = await servedChunks(deps.db);
	for (const chunk of served) {
		// Of every try: one that was killed between storing its file and saying so left it without a row.
		for (const { name } of chunkParams(chunk).plan.outputs) {
			for (let attempts = 1; attempts <= chunk.attempts; attempts++) await deps.storage.delete(keyOf({ ...chunk, attempts }, name));
		}
	}
	if (served.length > 0) await transact(deps.db, (tx) => deleteChunks(tx, served.map(({ id }) => id)));
}
