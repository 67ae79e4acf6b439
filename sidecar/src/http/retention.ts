import { Router } from 'express';
import { cleanUpRequestSchema } from '../contract/retention.ts';
import { cleanUp } from '../ops/retention/clean-up.ts';
import type { HttpDeps } from './deps.ts';
import { bodyOf, workspaceOf } from './request.ts';

/** POST /api/media/retention: what the daily clean-up would take away, or does (I11). Of the caller's workspace. */
export function retentionRoutes(deps: HttpDeps): Router {
	const router = Router();
	router.post('/retention', async (request, response) => {
		const { dry_run: dryRun, rules } = bodyOf(cleanUpRequestSchema, request, response);
		response.json(await cleanUp(deps, { dryRun, rules, workspaceId: workspaceOf(response) }));
	});
	return router;
}
