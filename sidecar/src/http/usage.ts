import { Router } from 'express';
import { z } from 'zod';
import { moment } from '../contract/moment.ts';
import { parse } from '../contract/parse.ts';
import { holdingsOf, runningJobs } from '../db/quota.ts';
import { total, usageOf } from '../db/usage.ts';
import { PipelineError } from '../errors.ts';
import { quotasOf } from '../pipeline/quota.ts';
import { dbOf, workspaceOf } from './request.ts';

/** Days that are counted unless the request says otherwise. */
const USUAL_DAYS = 30;

const query = z.object({ from: moment.optional(), to: moment.optional() });

/** GET /api/media/usage (P12): what the workspace has used, by operation and together. GET /api/media/quota (I11): what it holds, and what it may. */
export function usageRoutes(): Router {
	const router = Router();
	router.get('/usage', async (request, response) => {
		const given = parse(query, request.query);
		const to = given.to === undefined ? new Date() : new Date(given.to);
		const from = given.from === undefined ? new Date(to.getTime() - USUAL_DAYS * 86_400_000) : new Date(given.from);
		if (from >= to) throw new PipelineError('invalid_request', `from: must be before to (given: ${from.toISOString()} and ${to.toISOString()}).`, { details: { field: 'from' } });
		const operations = await usageOf(dbOf(response), workspaceOf(response), from, to);
		response.json({ from: from.toISOString(), to: to.toISOString(), total: total(Object.values(operations)), operations });
	});
	router.get('/quota', async (_request, response) => {
		const [db, workspaceId] = [dbOf(response), workspaceOf(response)];
		const [quotas, { bytes, assets }, running] = [await quotasOf(db, workspaceId), await holdingsOf(db, workspaceId), await runningJobs(db, workspaceId)];
		response.json({
			bytes: { used: bytes, limit: quotas.max_bytes },
			assets: { used: assets, limit: quotas.max_assets },
			concurrent_jobs: { used: running, limit: quotas.max_concurrent_jobs },
		});
	});
	return router;
}
