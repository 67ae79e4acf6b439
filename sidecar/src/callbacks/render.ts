import { batchById } from '../db/batches.ts';
import type { CallbackRow } from '../db/callbacks.ts';
import type { Executor } from '../db/database.ts';
import { findAsset } from '../db/assets.ts';
import { filesOfJobs, jobsOfBatch, processJobs } from '../db/jobs.ts';
import { readAssetView } from '../pipeline/asset-view.ts';
import { batchJob, batchStatus, jobView, outputOf, type FileUrl } from '../pipeline/views.ts';

/** Larger results are cut: a callback carries links, not media (Standard Webhooks: keep payloads small). */
const MAX_OUTPUT_BYTES = 64 * 1024;
/** All results of a batch together, roughly: n8n takes 16 MB (N8N_PAYLOAD_SIZE_MAX), and reads them into memory. */
const MAX_BATCH_BYTES = 4 * 1024 * 1024;
/** Texts stay (a transcript of three hours has 160 kB), until a batch of very many of them would be refused by n8n. */
const MAX_BATCH_TEXT_BYTES = 12 * 1024 * 1024;

/**
 * The body of a callback, from the rows as they are now: links in it are fresh. Null when what it speaks of is gone.
 */
export async function renderCallback(db: Executor, row: CallbackRow, fileUrl: FileUrl): Promise<Record<string, unknown> | null> {
	if (row.kind === 'batch' || row.kind === 'job') return row.batchId ? renderBatch(db, row.kind, row.batchId, fileUrl) : null;
	const asset = row.assetId ? await findAsset(db, row.workspaceId, row.assetId) : null;
	if (!asset) return null;
	const jobs = await processJobs(db, asset.id);
	const files = await filesOfJobs(db, jobs.map(({ id }) => id));
	const view = await readAssetView(db, asset, fileUrl);
	const common = { asset_id: asset.id, workspace_id: asset.workspaceId, asset: view, metadata: asset.metadata };
	if (row.kind === 'process') {
		return {
			action: 'process_media',
			...common,
			source: asset.source,
			source_id: asset.sourceId,
			file_url: view.file_url ?? asset.originalUrl,
			file_type: asset.fileType,
			operations: jobs.map(({ jobType }) => jobType),
			jobs: jobs.map(({ id, jobType, params }) => ({ job_id: id, operation: jobType, params })),
		};
	}
	const views = jobs.map((job) => {
		const shown = jobView(job, files, fileUrl);
		return { ...shown, output_data: shown.output_data ? fit(shown.output_data) : null };
	});
	const outputs = Object.fromEntries(views.map(({ job_type: name, output_data: output }) => [name, output]));
	if (row.kind === 'asset') return { type: `asset.${asset.status}`, ...common, jobs: views };
	return {
		action: 'upload_media',
		...common,
		platforms: platformsOf(asset.metadata),
		text: textOf(asset.metadata, outputs),
		jobs: views,
		outputs,
		...row.payload,
	};
}

async function renderBatch(db: Executor, kind: 'batch' | 'job', batchId: string, fileUrl: FileUrl): Promise<Record<string, unknown> | null> {
	const batch = await batchById(db, batchId);
	if (!batch) return null;
	const jobs = await jobsOfBatch(db, batchId);
	const files = await filesOfJobs(db, jobs.map(({ id }) => id));
	if (kind === 'job') {
		const [job] = jobs;
		if (!job) return null;
		const output = outputOf(job, files, fileUrl);
		return { job_id: job.externalJobId ?? job.id, status: job.status, output_data: output ? fit(output) : null, error: job.error };
	}
	const each = Math.min(MAX_OUTPUT_BYTES, Math.floor(MAX_BATCH_BYTES / Math.max(1, jobs.length)));
	const views = jobs.map((job) => {
		const view = batchJob(job, files, fileUrl);
		return { ...view, status: job.status, output_data: view.output_data ? fit(view.output_data, each) : null };
	});
	const tooLong = views.reduce((sum, { output_data: output }) => sum + bytesOf(output), 0) > MAX_BATCH_TEXT_BYTES;
	const most = Math.floor(MAX_BATCH_TEXT_BYTES / Math.max(1, jobs.length));
	return {
		type: 'batch.finished',
		batch_id: batch.id,
		status: batchStatus(jobs),
		jobs: tooLong ? views.map((view) => ({ ...view, output_data: view.output_data ? fit(view.output_data, most, isText) : null })) : views,
	};
}

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value) ?? '');
/** A shorter one is a name, a link or a reason. */
const isText = (value: unknown): boolean => typeof value === 'string' && value.length > 1024;

/** Leaves out the largest lists (or what else `may` go) until it fits, and says which: they can be read from the job. */
export function fit<T extends Record<string, unknown>>(output: T, maxBytes = MAX_OUTPUT_BYTES, may: (value: unknown) => boolean = Array.isArray): T {
	const lists = Object.entries(output)
		.filter(([name, value]) => may(value) && name !== 'files' && name !== 'omitted')
		.map(([name, value]) => ({ name, bytes: bytesOf(value) }))
		.sort((a, b) => b.bytes - a.bytes);
	const before = output['omitted'];
	const omitted: string[] = Array.isArray(before) ? [...(before as string[])] : [];
	const small: Record<string, unknown> = { ...output };
	let left = bytesOf(output);
	const already = omitted.length;
	for (const { name, bytes } of lists) {
		if (left <= maxBytes) break;
		delete small[name];
		omitted.push(name);
		left -= bytes;
	}
	return (omitted.length > already ? { ...small, omitted } : output) as T;
}

const platformsOf = (metadata: Record<string, unknown>): string[] => {
	const named = metadata['platforms'] ?? metadata['target_platforms'];
	return Array.isArray(named) ? named.filter((name): name is string => typeof name === 'string') : [];
};

/** What to write: the user's own text first, then the caption made for it, else nothing. */
function textOf(metadata: Record<string, unknown>, outputs: Record<string, unknown>): string {
	if (typeof metadata['text'] === 'string') return metadata['text'];
	const captions = (outputs['caption'] as { captions?: Array<{ text?: unknown }> } | null | undefined)?.captions;
	const first = captions?.[0]?.text;
	return typeof first === 'string' ? first : '';
}
