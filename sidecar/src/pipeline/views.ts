import type { AssetView, BatchCallback, BatchView, JobView } from '../contract/views.ts';
import type { AssetRow } from '../db/assets.ts';
import type { BatchRow } from '../db/batches.ts';
import type { CallbackRow } from '../db/callbacks.ts';
import type { FileRow, JobRow } from '../db/jobs.ts';

/** Signed link of a stored file. */
export type FileUrl = (storageKey: string) => string;

const iso = (time: Date | null): string | null => time?.toISOString() ?? null;

/** Rows as users see them. Pure; links are signed afresh each time. */
export function jobView(job: JobRow, files: FileRow[], fileUrl: FileUrl): JobView {
	return {
		id: job.id,
		batch_id: job.batchId,
		asset_id: job.assetId,
		job_type: job.jobType,
		status: job.status,
		progress: job.progress,
		params: job.params,
		output_data: outputOf(job, files, fileUrl),
		error: job.error,
		attempts: job.attempts,
		priority: job.priority,
		external_job_id: job.externalJobId,
		steps: job.steps,
		cost: job.cost,
		created_at: job.createdAt.toISOString(),
		started_at: iso(job.startedAt),
		completed_at: iso(job.completedAt),
	};
}

/** `files` may hold the files of other jobs as well. */
export function outputOf(job: Pick<JobRow, 'id' | 'output'>, files: FileRow[], fileUrl: FileUrl): JobView['output_data'] {
	if (!job.output) return null;
	const own = files.filter(({ jobId }) => jobId === job.id);
	if (own.length === 0) return job.output;
	const made = own.find(({ mime }) => /^(video|audio)\//.test(mime));
	const picture = own.find(({ mime }) => mime.startsWith('image/'));
	return {
		...job.output,
		files: own.map((file) => ({
			name: file.name,
			url: fileUrl(file.storageKey),
			mime: file.mime,
			bytes: file.bytes,
			...(file.width !== null ? { width: file.width } : {}),
			...(file.height !== null ? { height: file.height } : {}),
			...(file.durationSeconds !== null ? { duration_seconds: file.durationSeconds } : {}),
		})),
		...(made ? { processed_url: fileUrl(made.storageKey) } : {}),
		...(picture ? { thumbnail_url: fileUrl(picture.storageKey) } : {}),
	};
}

/** `files`: of the asset, as `filesOfAsset` sorts them. `cost` of its jobs and `tags`: none yet for a new one. */
export function assetView(
	asset: AssetRow,
	files: FileRow[],
	fileUrl: FileUrl,
	{ cost = {}, tags = [] }: Partial<Pick<AssetView, 'cost' | 'tags'>> = {},
): AssetView {
	const newest = (pattern: RegExp): string | null => {
		const file = files.find(({ mime }) => pattern.test(mime));
		return file ? fileUrl(file.storageKey) : null;
	};
	return {
		id: asset.id,
		workspace_id: asset.workspaceId,
		source: asset.source,
		source_id: asset.sourceId,
		file_type: asset.fileType,
		status: asset.status,
		original_url: asset.originalUrl,
		processed_url: newest(/^(video|audio)\//),
		thumbnail_url: newest(/^image\//),
		file_url: asset.storageKey && asset.facts ? fileUrl(asset.storageKey) : null,
		mime: asset.mime,
		duration_seconds: asset.durationSeconds,
		width: asset.width,
		height: asset.height,
		file_size_bytes: asset.bytes,
		title: asset.title,
		description: asset.description,
		language: asset.language,
		owner: asset.owner,
		version: asset.version,
		same_as: asset.sameAs,
		original_state: asset.originalState,
		public_at: iso(asset.publicAt),
		metadata: asset.metadata,
		tags: tags.map(({ tag, source, score }) => ({ tag, source, score: Math.round(score * 1000) / 1000 })),
		cost,
		error: asset.error,
		created_at: asset.createdAt.toISOString(),
		updated_at: asset.updatedAt.toISOString(),
	};
}

/** completed: all; failed: none (also when other requests took all jobs over); partial: some. */
export function batchStatus(jobs: Pick<JobRow, 'status'>[]): BatchCallback['status'] {
	const completed = jobs.filter(({ status }) => status === 'completed').length;
	if (completed === 0) return 'failed';
	return completed === jobs.length ? 'completed' : 'partial';
}

export function batchView(batch: BatchRow, jobs: JobRow[], files: FileRow[], fileUrl: FileUrl): BatchView {
	const failed = jobs.filter(({ status }) => status === 'failed' || status === 'cancelled').length;
	const completed = jobs.filter(({ status }) => status === 'completed').length;
	const percent = jobs.reduce((sum, job) => sum + (job.completedAt ? 100 : job.progress), 0) / Math.max(1, jobs.length);
	return {
		batch_id: batch.id,
		status: batch.completedAt ? batchStatus(jobs) : 'pending',
		progress: { total: jobs.length, completed, failed, percent: Math.floor(percent) },
		jobs: jobs.map((job) => ({ ...batchJob(job, files, fileUrl), status: job.status, progress: job.progress })),
	};
}

export const batchJob = (job: JobRow, files: FileRow[], fileUrl: FileUrl) => ({
	job_id: job.id,
	item_index: job.itemIndex,
	asset_id: job.assetId,
	operation: job.jobType,
	output_data: outputOf(job, files, fileUrl),
	error: job.error,
});

/** The `webhook-id` of an event, whoever is told of it. */
export const eventId = (id: number): string => `evt_${id}`;

export const callbackView = (row: CallbackRow) => ({
	id: row.id,
	kind: row.kind,
	batch_id: row.batchId,
	asset_id: row.assetId,
	webhook_id: row.webhookId,
	event_id: row.eventId === null ? null : eventId(row.eventId),
	status: row.status,
	attempts: row.attempts,
	last_http_status: row.lastHttpStatus,
	reason: row.reason,
	next_at: row.nextAt.toISOString(),
	created_at: row.createdAt.toISOString(),
	ended_at: iso(row.endedAt),
});
