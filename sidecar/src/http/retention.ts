import { Router } from 'express';
import { cleanUpRequestSchema } from '../contract/retention.ts';
import { PipelineError } from '../errors.ts';
import { cleanUp } from '../ops/retention/clean-up.ts';
import { whyNotByThisClock } from '../ops/retention/clock.ts';
import type { HttpDeps } from './deps.ts';
import { bodyOf, requireScope, workspaceOf } from './request.ts';

/** POST /api/media/retention: what the daily clean-up would take away, or does (I11). Of the caller's workspace. */
export function retentionRoutes(deps: HttpDeps): Router {
	const router = Router();
	router.post('/retention', async (request, response) => {
		const { dry_run: dryRun, rules, force } = bodyOf(cleanUpRequestSchema, request, response);
		// Who may change the settings need not be one who may delete.
		if (!dryRun) requireScope(response, 'delete');
		const whyNot = dryRun ? null : await whyNotByThisClock(deps.db);
		if (whyNot) throw new PipelineError('conflict', `Nothing was cleaned up: ${whyNot}, and ask again.`);
		response.json(await cleanUp(deps, { dryRun, rules, force, workspaceId: workspaceOf(response) }));
	});
	return router;
}
