import { Router, type Response } from 'express';
import { renditionRequestSchema } from '../contract/requests.ts';
import { findAsset } from '../db/assets.ts';
import { filesOfJobs, type JobRow } from '../db/jobs.ts';
import { PipelineError } from '../errors.ts';
import { checkRendition, isStopped, Renditions, secondsUntilTriedAnew, withdrawn } from '../pipeline/rendition.ts';
import { refuseUnsafe } from '../pipeline/safety.ts';
import { renditionLink, verifyRenditionLink } from '../storage/rendition-link.ts';
import { uuidOf } from './batches.ts';
import { crossOrigin } from './deliver.ts';
import type { HttpDeps } from './deps.ts';
import { bodyOf, dbOf, workspaceOf } from './request.ts';

/** POST /api/media/assets/:id/renditions (I13): a link to something that need not exist yet. Stores nothing, starts nothing. */
export function renditionRoutes(deps: HttpDeps): Router {
	const router = Router();
	router.post('/assets/:id/renditions', async (request, response) => {
		const body = bodyOf(renditionRequestSchema, request, response);
		const assetId = uuidOf(request.params.id);
		const asset = await findAsset(dbOf(response), workspaceOf(response), assetId);
		if (!asset) throw new PipelineError('not_found', `There is no asset ${assetId} in this workspace.`);
		refuseUnsafe(asset);
		checkRendition(deps, body);
		const expiresAt = new Date(Date.now() + body.expires_in_seconds * 1000);
		const wanted = { assetId, operation: body.operation, params: body.params, file: body.file ?? null };
		response.json({ asset_id: assetId, operation: body.operation, url: renditionLink(deps.signingKey, deps.publicUrl, wanted, expiresAt), expires_at: expiresAt.toISOString() });
	});
	return router;
}

/** GET and HEAD of such a link, open to anyone who has it. */
export function openRenditionRoutes(deps: HttpDeps): Router {
	const router = Router();
	const renditions = new Renditions(deps);
	router.use('/renditions', crossOrigin(deps.delivery));
	router.get('/renditions/*path', async (request, response) => {
		response.set('Cache-Control', 'no-store');
		const wanted = verifyRenditionLink(deps.signingKey, request.path.slice('/renditions/'.length));
		// Whoever only asks whether it is there (a crawler, a preview of a link) must not start anything.
		const job = request.method === 'HEAD' ? await renditions.find(wanted) : await renditions.get(wanted);
		if (job?.status === 'completed') return redirect(deps, job, wanted.file, response);
		if (job?.status === 'failed' || job?.status === 'cancelled') throw failure(job);
		response.status(202);
		if (job) response.set('Retry-After', String(retryAfter(job))).json({ status: job.status, progress: job.progress, job_id: job.id });
		else response.end();
	});
	return router;
}

/** To the file's own link, which answers ranges; that of a manifest is for its whole folder. */
async function redirect(deps: HttpDeps, job: JobRow, name: string | null, response: Response): Promise<void> {
	const files = await filesOfJobs(deps.db, [job.id]);
	const file = name === null ? files[0] : files.find((one) => one.name === name);
	if (!file) {
		throw new PipelineError('not_found', `This rendition has no file${name === null ? '' : ` ${JSON.stringify(name)}`}. It has: ${files.map((one) => one.name).join(', ') || 'none'}.`, {
			details: { known: files.map((one) => one.name) },
		});
	}
	response.redirect(302, deps.fileUrl(file.storageKey));
}

/** The job's own error, and when asking again makes sense. */
export function failure(job: JobRow): PipelineError {
	if (isStopped(job)) return withdrawn();
	const { code, message, details } = job.error ?? { code: 'processing_failed' as const, message: 'The rendition could not be made.' };
	return new PipelineError(code, message, { ...(details ? { details } : {}), retryAfterSeconds: Math.max(1, secondsUntilTriedAnew(job)) });
}

/** What is left of the estimate, within bounds that suit a player. */
const retryAfter = ({ estimatedSeconds, progress }: JobRow): number => Math.min(30, Math.max(2, Math.ceil(estimatedSeconds * (1 - progress / 100))));
