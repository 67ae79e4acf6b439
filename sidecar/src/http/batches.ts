import { Router, type Response } from 'express';
import { batchRequestSchema, distributeRequestSchema, operationRequestSchema, type BatchItem } from '../contract/requests.ts';
import { findAsset } from '../db/assets.ts';
import { batchById, findBatch } from '../db/batches.ts';
import type { Transaction } from '../db/database.ts';
import { filesOfJobs, INGEST, jobsOfBatch } from '../db/jobs.ts';
import { PipelineError } from '../errors.ts';
import { triggerDistribute } from '../pipeline/distribute.ts';
import { refusePublishing } from '../pipeline/publishable.ts';
import { submitBatch, type Submission } from '../pipeline/submit.ts';
import { batchView } from '../pipeline/views.ts';
import type { HttpDeps } from './deps.ts';
import { bodyOf, create, dbOf, requireOperations, workspaceOf } from './request.ts';

/** POST /api/media/batch, GET /api/media/batches/:id, POST /api/media/distribute: many items, one callback (P11). */
export function batchRoutes(deps: HttpDeps): Router {
	const router = Router();

	router.post('/batch', async (request, response) => {
		const body = bodyOf(batchRequestSchema, request, response);
		await create(deps, request, response, async (tx) => ({
			status: 202,
			body: await accept(deps, tx, response, {
				workspaceId: workspaceOf(response),
				kind: 'batch',
				items: body.items,
				callbackUrl: body.callback_url,
				progressUrl: body.progress_url,
				deadlineSeconds: body.deadline_seconds,
				priority: body.priority,
			}),
		}));
	});

	router.get('/batches/:id', async (request, response) => {
		const batch = await findBatch(dbOf(response), workspaceOf(response), uuidOf(request.params.id));
		if (!batch) throw new PipelineError('not_found', `There is no batch ${request.params.id} in this workspace.`);
		const jobs = await jobsOfBatch(dbOf(response), batch.id);
		response.json(batchView(batch, jobs, await filesOfJobs(dbOf(response), jobs.map(({ id }) => id)), deps.fileUrl));
	});

	router.post('/distribute', async (request, response) => {
		const body = bodyOf(distributeRequestSchema, request, response);
		await create(deps, request, response, async (tx) => {
			if (!body.posts) return { status: 202, body: await triggerDistribute(deps, tx, workspaceOf(response), body) };
			const asset = await findAsset(tx, workspaceOf(response), body.asset_id);
			if (asset) await refusePublishing(tx, asset, 'asset_id');
			const items = body.posts.map(({ secrets, ...params }): BatchItem => ({ operation: 'publish', asset_id: body.asset_id, params, secrets }));
			return {
				status: 202,
				body: await accept(deps, tx, response, {
					workspaceId: workspaceOf(response),
					kind: 'batch',
					items,
					callbackUrl: body.callback_url,
					deadlineSeconds: body.deadline_seconds,
					priority: body.priority,
				}),
			};
		});
	});

	return router;
}

async function accept(deps: HttpDeps, tx: Transaction, response: Response, submission: Submission): Promise<Record<string, unknown>> {
	const { batchId, jobs } = await submitBatch(deps, tx, submission);
	requireOperations(response, jobs.map(({ jobType }) => jobType));
	const batch = await batchById(tx, batchId);
	return {
		batch_id: batchId,
		status: batch?.completedAt ? 'completed' : 'pending',
		jobs: jobs.map((job) => ({ id: job.id, item_index: job.itemIndex, job_type: job.jobType, status: job.status, asset_id: job.assetId, estimated_duration: Math.ceil(job.estimatedSeconds) })),
	};
}

/** POST /thumbnail and its siblings, at the root (P3): one job, answered at once, whose callback is that of one job. */
export function operationRoutes(deps: HttpDeps): Router {
	const router = Router();
	for (const name of [...deps.operations.keys(), INGEST]) {
		router.post(`/${name}`, async (request, response) => {
			const body = bodyOf(operationRequestSchema, request, response);
			await create(deps, request, response, async (tx) => {
				const { job_id, asset_id, file_url, params, reuse, secrets } = body;
				const { jobs } = await submitBatch(deps, tx, {
					workspaceId: workspaceOf(response),
					kind: 'job',
					items: [{ operation: name, job_id, asset_id, file_url, params, reuse, secrets }],
					callbackUrl: body.callback_url,
					progressUrl: body.progress_url,
					deadlineSeconds: body.deadline_seconds,
					priority: body.priority,
				});
				const [job] = jobs;
				// One that was submitted before and is taken over may be of any kind.
				requireOperations(response, jobs.map(({ jobType }) => jobType));
				if (!job) throw new PipelineError('internal', 'The job was not stored.');
				return { status: 202, body: { job_id: job.id, asset_id: job.assetId, status: job.status, estimated_duration: Math.ceil(job.estimatedSeconds) } };
			});
		});
	}
	return router;
}

/** An id in a path that is no UUID is an unknown one, not a database error. */
export function uuidOf(id: string): string {
	if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id)) return id;
	throw new PipelineError('not_found', `There is nothing with the id ${JSON.stringify(id.slice(0, 60))}.`);
}
