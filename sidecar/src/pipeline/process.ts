import { randomUUID } from 'node:crypto';
import type { BatchItem, ProcessRequest, Source } from '../contract/requests.ts';
import { findAsset, lockAsset, updateAsset, type AssetRow } from '../db/assets.ts';
import { insertCallback } from '../db/callbacks.ts';
import type { Transaction } from '../db/database.ts';
import { recordEvents } from '../db/events.ts';
import { findJobs, INGEST, insertJobs, processJobs, type JobRow } from '../db/jobs.ts';
import { readSettings } from '../db/workspaces.ts';
import { PipelineError } from '../errors.ts';
import { sha256 } from '../secrets.ts';
import type { PipelineDeps } from './deps.ts';
import { failDependents } from './finish.ts';
import { insertMade, MediaReferences, type MediaReference } from './media-reference.ts';
import { DEFAULT_PIPELINE, fieldOfStep, readPipeline, stepOf, withDestinations, type FoundPipeline, type JobStep } from './pipelines.ts';
import { enqueue, ranked, reopen } from './requeue.ts';
import { behindGuards, isGuard, refuseUnsafe } from './safety.ts';
import { newJob, operationNamed } from './submit.ts';
import { reserve } from './quota.ts';

export interface Processed {
	asset: AssetRow;
	jobs: JobRow[];
	message: string;
}

/**
 * POST /api/media/process (P1): one asset and one job per operation, in the caller's transaction. With an n8n process
 * webhook the jobs are held and n8n starts them; without, they begin at once. The download begins at once either way.
 */
export async function submitProcess(deps: PipelineDeps, tx: Transaction, workspaceId: string, request: ProcessRequest): Promise<Processed> {
	if (request.retry_failed_only) return retryFailed(deps, tx, workspaceId, request);
	const pipeline = await pipelineOf(tx, workspaceId, request);
	const references = new MediaReferences(tx, deps.vault, workspaceId, request.priority);
	// An ingest that ends at this moment changes the same row: one after the other.
	const known = request.asset_id ? await lockAsset(tx, request.asset_id) : null;
	const reference = await resolveAsset(references, request);
	const url = deps.triggers.process;
	const now = Date.now();
	const rows = operationsOf(deps, request, pipeline).map(({ step, ...item }, itemIndex) => ({
		...newJob(deps, {
			item,
			itemIndex,
			field: pipeline ? fieldOfStep(pipeline, itemIndex) : `operations.${itemIndex}.`,
			batchId: null,
			workspaceId,
			priority: request.priority,
			reference,
			step,
		}),
		process: true,
		held: url !== null,
		// They are listed in this order for good; `itemIndex` changes when a batch of n8n takes them over.
		createdAt: new Date(now + itemIndex),
	}));
	// It would be done, and published, as if nothing had been found.
	if (known && !rows.some((row) => isGuard(deps, row))) refuseUnsafe(known, 'asset_id');
	if (reference.made) {
		await reserve(tx, reference.made.asset.workspaceId, { assets: 1 });
		await insertMade(tx, [reference.made]);
		await enqueue(deps, tx, await insertJobs(tx, [reference.made.ingest]));
	}
	const inserted = await insertJobs(tx, await ranked(tx, behindGuards(deps, rows)));
	await enqueue(deps, tx, inserted);
	const asset = await updateAsset(tx, reference.asset.id, {
		metadata: { ...withDestinations(pipeline, reference.asset.metadata ?? {}), ...request.metadata },
		status: reference.ingestJobId ? 'queued' : known?.status === 'analyzing' ? 'analyzing' : 'processing',
		callbackUrl: request.callback_url ? deps.vault.seal(request.callback_url) : null,
	});
	if (!asset) throw new PipelineError('not_found', `asset_id: there is no asset ${reference.asset.id}.`);
	await recordEvents(tx, [
		...(reference.made ? [{ workspaceId, type: 'asset.created', assetId: asset.id }] : []),
		...inserted.map((job) => ({ workspaceId, type: 'job.created', assetId: asset.id, jobId: job.id, data: { job_type: job.jobType } })),
	]);
	if (reference.ingestJobId && (await failDependents(deps, tx, reference.ingestJobId))) {
		const failed = new Map((await findJobs(tx, workspaceId, inserted.map(({ id }) => id))).map((job) => [job.id, job]));
		return {
			asset: (await findAsset(tx, workspaceId, asset.id)) ?? asset,
			jobs: inserted.map((job) => failed.get(job.id) ?? job),
			message: 'The media of this asset could not be stored, so nothing was queued. Its error says why; retry_failed_only tries again.',
		};
	}
	if (url) await insertCallback(tx, { id: randomUUID(), workspaceId, kind: 'process', assetId: asset.id, url: deps.vault.seal(url), urlHash: sha256(url) });
	return { asset, jobs: inserted, message: 'Media processing queued' };
}

/** The named pipeline that stands for the operations; null: the request names these itself. */
async function pipelineOf(tx: Transaction, workspaceId: string, { operations, pipeline }: ProcessRequest): Promise<FoundPipeline | null> {
	if (operations.length > 0) {
		if (pipeline === undefined) return null;
		throw new PipelineError('invalid_request', 'pipeline: give either operations or a pipeline. To change parameters of a pipeline, use params: {"compress": {"height": 480}}.', { details: { field: 'pipeline' } });
	}
	if (pipeline !== undefined) return readPipeline(tx, workspaceId, pipeline);
	const { pipeline: own } = await readSettings(tx, workspaceId);
	return readPipeline(tx, workspaceId, own ?? DEFAULT_PIPELINE, own === null ? 'pipeline' : 'pipeline in the settings of the workspace');
}

async function resolveAsset(references: MediaReferences, request: ProcessRequest): Promise<MediaReference> {
	if (request.asset_id !== undefined) {
		const found = await references.resolve({ asset_id: request.asset_id, details: request.details }, 'body');
		if (found) return found;
	}
	return references.create(
		sourceOf(request),
		request.metadata,
		{ details: request.details, dedupe: request.dedupe },
		{
			fileType: request.file_type,
			...(typeof request.source === 'string' ? { source: request.source } : {}),
			...(request.source_id ? { sourceId: request.source_id } : {}),
		},
	);
}

function sourceOf({ source, source_id: id, access_token: token, original_url: url }: ProcessRequest): Source {
	if (typeof source === 'object') return source;
	if (source === 'google_drive') {
		if (!id) throw new PipelineError('invalid_request', 'source_id: give the Google Drive file id.');
		if (token) return { type: 'google_drive', file_id: id, access_token: token };
		throw new PipelineError('invalid_request', 'access_token: a Google Drive file needs an OAuth token that may read it. In n8n use the node MediaIngest: it brings the token.');
	}
	if (source === 'upload') throw new PipelineError('invalid_request', 'asset_id: for an upload, call POST /api/media/sign first and give its asset_id here.');
	if (!url) throw new PipelineError('invalid_request', 'original_url: give the URL of the media (or asset_id, or source "google_drive" with source_id).');
	return { type: 'url', url };
}

interface Asked {
	operation: string;
	params?: Record<string, unknown> | undefined;
	reuse?: boolean | undefined;
	step: JobStep | null;
}

/**
 * The operations asked for, each with its parameters: `params.compress` belongs to compress, any other field goes to every
 * operation that knows it (the seed's `{ "language": "en" }`).
 */
function operationsOf(deps: PipelineDeps, { operations, params }: ProcessRequest, pipeline: FoundPipeline | null): Array<Pick<BatchItem, 'operation' | 'params' | 'reuse'> & { step: JobStep | null }> {
	const shared = Object.entries(params).filter(([name]) => !deps.operations.has(name));
	const used = new Set<string>();
	const asked = pipeline ? pipeline.definition.steps.map((step) => ({ ...step, step: stepOf(pipeline, step) })) : operations.map((entry) => ({ step: null, ...(typeof entry === 'string' ? { operation: entry } : entry) }));
	const wanted = asked.map((entry, index) => {
		const { operation: name, params: own = {}, reuse = true, step }: Asked = entry;
		if (name === INGEST) throw new PipelineError('invalid_request', `operations.${index}: ingest happens by itself, before the first operation.`);
		const operation = operationNamed(deps, name, pipeline ? `${fieldOfStep(pipeline, index)}operation` : `operations.${index}`);
		const byName = params[name];
		if (byName !== undefined && (typeof byName !== 'object' || byName === null)) throw new PipelineError('invalid_request', `params.${name}: must be an object of parameters.`);
		const known = shared.filter(([field]) => knows(operation.params, field));
		for (const [field] of known) used.add(field);
		// What a request asks for goes before what the pipeline says; within a request, what stands with the operation goes first.
		const given = byName as Record<string, unknown> | undefined;
		const merged = step ? { ...own, ...Object.fromEntries(known), ...given } : { ...Object.fromEntries(known), ...given, ...own };
		return { operation: name, params: merged, reuse, step };
	});
	const unused = shared.map(([field]) => field).filter((field) => !used.has(field));
	if (unused.length > 0) throw new PipelineError('invalid_request', `params: ${unused.join(', ')} is known to none of the operations asked for.`, { details: { fields: unused } });
	return wanted;
}

const knows = (schema: unknown, field: string): boolean =>
	typeof schema === 'object' && schema !== null && 'shape' in schema && typeof schema.shape === 'object' && schema.shape !== null && field in schema.shape;

/** P8: `{"asset_id": …, "retry_failed_only": true}`. */
async function retryFailed(deps: PipelineDeps, tx: Transaction, workspaceId: string, request: ProcessRequest): Promise<Processed> {
	if (!request.asset_id) throw new PipelineError('invalid_request', 'asset_id: retry_failed_only needs the asset whose failed jobs are to run again.');
	const asset = (await new MediaReferences(tx, deps.vault, workspaceId, 0).resolve({ asset_id: request.asset_id }, 'body'))?.asset as AssetRow;
	const all = await processJobs(tx, asset.id);
	const failed = all.filter(({ status }) => status === 'failed' || status === 'cancelled');
	const secrets = request.access_token ? { access_token: request.access_token } : null;
	const again = await reopen(deps, tx, failed, ({ jobType }) => (jobType === INGEST ? secrets : null));
	return {
		asset: (await updateAsset(tx, asset.id, {})) ?? asset,
		jobs: again,
		message: again.length > 0 ? `${again.length} failed ${again.length === 1 ? 'job' : 'jobs'} queued again` : 'No job of this asset has failed; nothing was queued',
	};
}
