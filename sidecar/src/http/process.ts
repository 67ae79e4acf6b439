import { Router } from 'express';
import { parse } from '../contract/parse.ts';
import { callbackRequestSchema, processRequestSchema } from '../contract/requests.ts';
import { findAsset } from '../db/assets.ts';
import { filesOfJobs, processJobs } from '../db/jobs.ts';
import { ERROR_KINDS, PipelineError, type ErrorCode, type PublicError } from '../errors.ts';
import { readAssetView } from '../pipeline/asset-view.ts';
import { submitProcess } from '../pipeline/process.ts';
import { acceptExternalResult } from '../pipeline/steer.ts';
import { assetView, jobView } from '../pipeline/views.ts';
import { z } from 'zod';
import type { HttpDeps } from './deps.ts';
import { bodyOf, create, dbOf, requireOperations, workspaceOf } from './request.ts';

/** POST and GET /api/media/process, POST /api/media/callback (P1, P2, P4). */
export function processRoutes(deps: HttpDeps): Router {
	const router = Router();

	router.post('/process', async (request, response) => {
		const body = bodyOf(processRequestSchema, request, response);
		await create(deps, request, response, async (tx) => {
			const { asset, jobs, message } = await submitProcess(deps, tx, workspaceOf(response), body);
			requireOperations(response, jobs.map(({ jobType }) => jobType));
			return {
				status: 202,
				body: { asset: assetView(asset, [], deps.fileUrl), jobs: jobs.map((job) => jobView(job, [], deps.fileUrl)), message },
			};
		});
	});

	router.get('/process', async (request, response) => {
		const { asset_id: id } = parse(z.object({ asset_id: z.uuid() }), request.query);
		const asset = await findAsset(dbOf(response), workspaceOf(response), id);
		if (!asset) throw new PipelineError('not_found', `There is no asset ${id} in this workspace.`);
		const jobs = await processJobs(dbOf(response), asset.id);
		const files = await filesOfJobs(dbOf(response), jobs.map((job) => job.id));
		response.json({
			asset: await readAssetView(dbOf(response), asset, deps.fileUrl),
			jobs: jobs.map((job) => jobView(job, files, deps.fileUrl)),
			progress: {
				total: jobs.length,
				completed: jobs.filter(({ status }) => status === 'completed').length,
				failed: jobs.filter(({ status }) => status === 'failed' || status === 'cancelled').length,
			},
		});
	});

	router.post('/callback', async (request, response) => {
		const body = bodyOf(callbackRequestSchema, request, response);
		await create(deps, request, response, async (tx) => {
			const job = await acceptExternalResult(deps, tx, workspaceOf(response), body.job_id, { status: body.status, output: body.output_data, error: toError(body.error) });
			return { status: 200, body: { job: jobView(job, [], deps.fileUrl) } };
		});
	});

	return router;
}

/** An external processor may send plain text, or codes of its own. */
export function toError(error: string | { code?: string | undefined; message: string } | null | undefined, fallback: ErrorCode = 'processing_failed'): PublicError | null {
	if (error === null || error === undefined) return null;
	if (typeof error === 'string') return { code: fallback, message: error };
	const known = error.code !== undefined && Object.hasOwn(ERROR_KINDS, error.code);
	return { code: known ? (error.code as ErrorCode) : fallback, message: error.message, ...(error.code !== undefined && !known ? { details: { code: error.code } } : {}) };
}
