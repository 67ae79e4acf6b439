import { Router } from 'express';
import { z } from 'zod';
import { parse } from '../contract/parse.ts';
import { jobStatusSchema } from '../contract/views.ts';
import { listCallbacks, redeliver } from '../db/callbacks.ts';
import { filesOfJobs, findJob, listJobs, type JobRow } from '../db/jobs.ts';
import type { Database, Transaction } from '../db/database.ts';
import { PipelineError } from '../errors.ts';
import { cancelJob, retryJob } from '../pipeline/steer.ts';
import { callbackView, jobView } from '../pipeline/views.ts';
import { uuidOf } from './batches.ts';
import type { HttpDeps } from './deps.ts';
import { create, dbOf, requireOperations, workspaceOf } from './request.ts';

const limit = z.coerce.number().int().min(1).max(500).default(50);
const listQuery = z.object({ status: jobStatusSchema.optional(), asset_id: z.uuid().optional(), limit });
const callbackQuery = z.object({ status: z.enum(['pending', 'delivered', 'dead', 'obsolete']).optional(), limit });
const retryBody = z.strictObject({ secrets: z.record(z.string(), z.string()).optional() });

/** Jobs and callbacks: read, cancel, retry, deliver again. */
export function jobRoutes(deps: HttpDeps): Router {
	const router = Router();
	const view = async (db: Database, job: JobRow) => jobView(job, await filesOfJobs(db, [job.id]), deps.fileUrl);

	router.get('/jobs', async (request, response) => {
		const { status, asset_id: assetId, limit: most } = parse(listQuery, request.query);
		const rows = await listJobs(dbOf(response), { workspaceId: workspaceOf(response), limit: most, ...(status ? { status } : {}), ...(assetId ? { assetId } : {}) });
		const files = await filesOfJobs(dbOf(response), rows.map(({ id }) => id));
		response.json({ jobs: rows.map((row) => jobView(row, files, deps.fileUrl)) });
	});

	router.get('/jobs/:id', async (request, response) => {
		const job = await findJob(dbOf(response), workspaceOf(response), uuidOf(request.params.id));
		if (!job) throw new PipelineError('not_found', `There is no job ${request.params.id} in this workspace.`);
		response.json(await view(dbOf(response), job));
	});

	router.post('/jobs/:id/cancel', async (request, response) => {
		const id = uuidOf(request.params.id);
		await create(deps, request, response, async (tx: Transaction) => {
			const job = await cancelJob(deps, tx, workspaceOf(response), id);
			return { status: 200, body: jobView(job, [], deps.fileUrl) };
		});
	});

	router.post('/jobs/:id/retry', async (request, response) => {
		const id = uuidOf(request.params.id);
		const { secrets = null } = parse(retryBody, request.body ?? {});
		await create(deps, request, response, async (tx: Transaction) => {
			const job = await retryJob(deps, tx, workspaceOf(response), id, secrets);
			requireOperations(response, [job.jobType]);
			return { status: 202, body: jobView(job, [], deps.fileUrl) };
		});
	});

	router.get('/callbacks', async (request, response) => {
		const { status, limit: most } = parse(callbackQuery, request.query);
		response.json({ callbacks: (await listCallbacks(dbOf(response), workspaceOf(response), status, most)).map(callbackView) });
	});

	router.post('/callbacks/:id/redeliver', async (request, response) => {
		const id = uuidOf(request.params.id);
		await create(deps, request, response, async (tx: Transaction) => {
			const row = await redeliver(tx, workspaceOf(response), id);
			if (!row) throw new PipelineError('not_found', `There is no callback ${id} in this workspace.`);
			return { status: 202, body: callbackView(row) };
		});
	});

	return router;
}
