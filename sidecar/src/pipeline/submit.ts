import { randomUUID } from 'node:crypto';
import { and, eq, inArray } from 'drizzle-orm';
import type { BatchItem } from '../contract/requests.ts';
import { parse } from '../contract/parse.ts';
import { lockAsset, updateAsset } from '../db/assets.ts';
import { insertBatch } from '../db/batches.ts';
import { makeObsolete } from '../db/callbacks.ts';
import type { Transaction } from '../db/database.ts';
import { recordEvents } from '../db/events.ts';
import { ENDED, findJob, INGEST, insertJobs, lockJobs, type JobRow, type NewJob } from '../db/jobs.ts';
import { jobs } from '../db/schema.ts';
import { PipelineError } from '../errors.ts';
import type { Operation } from '../operations/operation.ts';
import { sha256 } from '../secrets.ts';
import type { PipelineDeps } from './deps.ts';
import { failDependents, finishBatchIfEnded } from './finish.ts';
import { reserve } from './quota.ts';
import { insertMade, MediaReferences, type MediaReference } from './media-reference.ts';
import { fieldOfStep, readPipeline, stepOf, withDestinations, type FoundPipeline, type JobStep } from './pipelines.ts';
import { enqueue, ranked, reopen } from './requeue.ts';
import { behindGuards } from './safety.ts';

export interface Submission {
	workspaceId: string;
	kind: 'batch' | 'job';
	items: BatchItem[];
	callbackUrl?: string | undefined;
	progressUrl?: string | undefined;
	deadlineSeconds: number;
	priority: number;
}

export interface Submitted {
	batchId: string;
	/** In the order of the items. */
	jobs: JobRow[];
}

/** A thousand items with a pipeline of ten steps: about as much as one transaction should hold. */
const MAX_JOBS = 10_000;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * Turns a request into rows and messages, in the caller's transaction: all of it or nothing. The same source named by
 * several items becomes one asset. An item whose `job_id` names a job of this workspace takes that job over: a held one is
 * started, a failed one is tried again, an ended one is answered as it is.
 */
export async function submitBatch(deps: PipelineDeps, tx: Transaction, submission: Submission): Promise<Submitted> {
	const { workspaceId, items, priority } = submission;
	const batchId = randomUUID();
	const now = Date.now();
	const references = new MediaReferences(tx, deps.vault, workspaceId, priority);
	const fresh: NewJob[] = [];
	const taken: Taken[] = [];
	const pipelines = new Map<string, FoundPipeline>();
	/** Of assets that exist: the pipelines they go through. */
	const known = new Map<string, FoundPipeline[]>();

	for (const [itemIndex, item] of items.entries()) {
		const field = submission.kind === 'job' ? '' : `items.${itemIndex}.`;
		const existing = item.job_id && UUID.test(item.job_id) ? await findJob(tx, workspaceId, item.job_id) : null;
		if (existing) {
			if (existing.jobType !== item.operation) {
				throw new PipelineError('invalid_request', `${field}job_id: that job is a ${existing.jobType}, not a ${item.operation}.`);
			}
			if (taken.some(({ id }) => id === existing.id)) throw new PipelineError('invalid_request', `${field}job_id: the same job is named twice in one request.`);
			taken.push({ id: existing.id, itemIndex, secrets: item.secrets ?? null });
			continue;
		}
		const reference = await references.resolve(item, field.replace(/\.$/, '') || 'body');
		if (item.dedupe === 'version' && item.operation !== INGEST) throw new PipelineError('invalid_request', `${field}dedupe: version goes with the operation ingest only.`, { details: { field: `${field}dedupe` } });
		if (item.pipeline !== undefined && item.operation !== INGEST) throw new PipelineError('invalid_request', `${field}pipeline: goes with the operation ingest only.`, { details: { field: `${field}pipeline` } });
		fresh.push(newJob(deps, { item, itemIndex, field, batchId, workspaceId, priority, reference }));
		if (item.pipeline === undefined) continue;
		const pipeline = pipelines.get(item.pipeline) ?? (await readPipeline(tx, workspaceId, item.pipeline, `${field}pipeline`));
		pipelines.set(item.pipeline, pipeline);
		if (reference?.made) reference.made.asset.metadata = withDestinations(pipeline, reference.made.asset.metadata ?? {});
		else if (reference) known.set(reference.asset.id, [...(known.get(reference.asset.id) ?? []), pipeline]);
		for (const [index, step] of pipeline.definition.steps.entries()) {
			const { operation, params, reuse } = step;
			fresh.push({
				...newJob(deps, { item: { operation, params, reuse }, itemIndex, field: `${field}${fieldOfStep(pipeline, index)}`, batchId, workspaceId, priority, reference, step: stepOf(pipeline, step) }),
				// Jobs of one item are listed in this order for good.
				createdAt: new Date(now + fresh.length),
			});
		}
		if (fresh.length > MAX_JOBS) throw new PipelineError('invalid_request', `items: with their pipelines these are more than ${MAX_JOBS} jobs. Send fewer items at once.`);
	}

	await storeBatch(deps, tx, batchId, submission);
	await reserve(tx, workspaceId, { assets: references.made.length });
	const assetRows = await insertMade(tx, references.made);
	// In one order, so that two requests never wait for each other crosswise; into what is there now, as others write it, too.
	for (const id of [...known.keys()].sort()) {
		const asset = await lockAsset(tx, id);
		if (asset) await updateAsset(tx, id, { metadata: (known.get(id) ?? []).reduce((metadata, pipeline) => withDestinations(pipeline, metadata), asset.metadata) });
	}
	const freshIds = new Set(fresh.map(({ id }) => id));
	const hidden = references.made.map(({ ingest }) => ingest).filter(({ id }) => !freshIds.has(id));
	const inserted = await insertJobs(tx, await ranked(tx, [...hidden, ...behindGuards(deps, fresh)]));
	await enqueue(deps, tx, inserted);
	const takenRows = await takeOver(deps, tx, batchId, taken, priority);
	await recordEvents(tx, [
		...assetRows.map(({ id }) => ({ workspaceId, type: 'asset.created', assetId: id })),
		...inserted.filter(({ batchId: of }) => of !== null).map((job) => ({ workspaceId, type: 'job.created', assetId: job.assetId, jobId: job.id, data: { job_type: job.jobType } })),
	]);
	await failThoseWithFailedAssets(deps, tx, inserted);
	await finishBatchIfEnded(deps, tx, batchId);
	const all = [...inserted.filter((job) => job.batchId === batchId), ...takenRows].sort((a, b) => a.itemIndex - b.itemIndex);
	return { batchId, jobs: all };
}

interface JobPlan {
	item: BatchItem;
	itemIndex: number;
	/** Prefix of field names in error messages: `items.2.` or nothing. */
	field: string;
	batchId: string | null;
	workspaceId: string;
	priority: number;
	reference: MediaReference | null;
	/** Of a named pipeline. */
	step?: JobStep | null;
}

/** One row from one item. Throws `unknown_operation` or `invalid_request` naming the field. */
export function newJob(deps: PipelineDeps, { item, itemIndex, field, batchId, workspaceId, priority, reference, step = null }: JobPlan): NewJob {
	const common = { batchId, itemIndex, externalJobId: item.job_id ?? null };
	if (item.operation === INGEST) {
		if (!reference) throw missingMedia(field, INGEST);
		// Named by another item of the request, too: this one waits for the same ingest, below.
		if (reference.made && !reference.made.ingest.batchId) {
			return Object.assign(reference.made.ingest, common, secretsOf(deps, item));
		}
		if (reference.version) return Object.assign(reference.version, common, secretsOf(deps, item));
		return { id: randomUUID(), workspaceId, assetId: reference.asset.id, jobType: INGEST, status: 'pending', params: {}, priority, afterJobId: reference.ingestJobId, ...common };
	}
	const operation = operationNamed(deps, item.operation, `${field}operation`);
	const params = parse(operation.params, item.params, `${field}params`) as Record<string, unknown>;
	if (!reference && operation.accepts !== 'none') throw missingMedia(field, operation.name);
	return {
		id: randomUUID(),
		workspaceId,
		assetId: reference?.asset.id ?? null,
		jobType: operation.name,
		status: 'pending',
		params,
		step,
		reuse: item.reuse ?? true,
		priority,
		afterJobId: reference?.ingestJobId ?? null,
		estimatedSeconds: estimate(operation, reference, params),
		...common,
		...secretsOf(deps, item),
	};
}

export function operationNamed(deps: Pick<PipelineDeps, 'operations'>, name: string, field: string): Operation {
	const operation = deps.operations.get(name);
	if (operation) return operation;
	const known = [...deps.operations.keys(), INGEST].sort();
	throw new PipelineError('unknown_operation', `${field}: there is no operation "${name.slice(0, 60)}". Known: ${known.join(', ')}.`, {
		details: { field, given: name.slice(0, 60), allowed: known },
	});
}

const missingMedia = (field: string, operation: string) =>
	new PipelineError('invalid_request', `${field}asset_id: ${operation} needs media. Give asset_id, file_url or source.`, { details: { field: `${field}asset_id` } });

function secretsOf(deps: PipelineDeps, item: BatchItem): Partial<NewJob> {
	if (!item.secrets || Object.keys(item.secrets).length === 0) return {};
	return { secret: deps.vault.seal(JSON.stringify(item.secrets)), needsSecret: true };
}

/** Seconds, roughly; 0 while nothing is known of the media. */
function estimate(operation: Operation, reference: MediaReference | null, params: Record<string, unknown>): number {
	const facts = reference?.asset.facts ?? null;
	if (operation.kind === 'task') return operation.estimateSeconds(facts, params);
	if (!facts) return 0;
	try {
		return operation.estimateSeconds?.(facts, params) ?? operation.plan(facts, params).estimatedCpuSeconds;
	} catch {
		// The source does not suit the operation: the job itself will say so, through the batch's own callback.
		return 0;
	}
}

async function storeBatch(deps: PipelineDeps, tx: Transaction, batchId: string, submission: Submission): Promise<void> {
	const { callbackUrl, progressUrl } = submission;
	const urlHash = callbackUrl ? sha256(callbackUrl) : null;
	// n8n resumes one execution at one node only once: a new submission for the same resume URL proves that the earlier
	// callback was received (n8n-facts, "Delivering a callback"). Other URLs may rightly be used many times.
	if (callbackUrl && urlHash && new URL(callbackUrl).pathname.includes('/webhook-waiting/')) {
		await makeObsolete(tx, submission.workspaceId, urlHash, 'The workflow went on and submitted again from the same node.');
	}
	await insertBatch(tx, {
		id: batchId,
		workspaceId: submission.workspaceId,
		kind: submission.kind,
		callbackUrl: callbackUrl ? deps.vault.seal(callbackUrl) : null,
		callbackUrlHash: urlHash,
		progressUrl: progressUrl ? deps.vault.seal(progressUrl) : null,
		deadlineAt: new Date(Date.now() + submission.deadlineSeconds * 1000),
	});
}

interface Taken {
	id: string;
	itemIndex: number;
	/** Fresh tokens, where the request brings some. */
	secrets: Record<string, string> | null;
}

/** Jobs that existed before move into this batch; the batch they came from no longer waits for them. */
async function takeOver(deps: PipelineDeps, tx: Transaction, batchId: string, taken: Taken[], priority: number): Promise<JobRow[]> {
	const rows: JobRow[] = [];
	const left = new Set<string>();
	const wanted = new Map(taken.map((one) => [one.id, one]));
	for (const job of await lockJobs(tx, [...wanted.keys()])) {
		const { itemIndex, secrets = null } = wanted.get(job.id) ?? {};
		const fresh = secrets && !ENDED.includes(job.status) ? { secret: deps.vault.seal(JSON.stringify(secrets)), needsSecret: true } : {};
		const [row] = await tx.update(jobs).set({ batchId, itemIndex, held: false, priority, ...fresh }).where(eq(jobs.id, job.id)).returning();
		if (!row) continue;
		if (job.batchId) left.add(job.batchId);
		if (job.held) await enqueue(deps, tx, [row]);
		rows.push(job.status === 'failed' || job.status === 'cancelled' ? ((await reopen(deps, tx, [row], ({ id }) => (id === row.id ? secrets : null)))[0] ?? row) : row);
	}
	await startThoseBefore(deps, tx, rows);
	for (const id of [...left].sort()) await finishBatchIfEnded(deps, tx, id);
	return rows;
}

/** A workflow may start the jobs one by one, in any order: what they wait for must not wait for n8n itself. */
async function startThoseBefore(deps: PipelineDeps, tx: Transaction, rows: JobRow[]): Promise<void> {
	for (let of = rows; of.length > 0; ) {
		const ids = of.flatMap(({ afterJobId }) => afterJobId ?? []);
		of = ids.length > 0 ? await tx.update(jobs).set({ held: false }).where(and(inArray(jobs.id, ids), eq(jobs.held, true))).returning() : [];
		await enqueue(deps, tx, of);
	}
}

/** Work on an asset whose bytes never came fails at once, with the reason for which they did not. */
async function failThoseWithFailedAssets(deps: PipelineDeps, tx: Transaction, inserted: JobRow[]): Promise<void> {
	const before = [...new Set(inserted.flatMap(({ afterJobId }) => afterJobId ?? []))];
	if (before.length === 0) return;
	// Asked at once: of a thousand items each may wait for an ingest of its own.
	const failed = await tx.select({ id: jobs.id }).from(jobs).where(and(inArray(jobs.id, before), inArray(jobs.status, ['failed', 'cancelled'])));
	for (const { id } of failed) await failDependents(deps, tx, id);
}

