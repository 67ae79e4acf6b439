import { Router } from 'express';
import { changeSettings, settingsChangeSchema } from '../contract/workspace-change.ts';
import { settingsOf } from '../contract/workspace.ts';
import { lockStoredSettings, storeSettings } from '../db/settings.ts';
import { transact } from '../db/transact.ts';
import { readSettings } from '../db/workspaces.ts';
import { PipelineError } from '../errors.ts';
import { settingsProblems } from '../pipeline/settings-problems.ts';
import type { HttpDeps } from './deps.ts';
import { bodyOf, dbOf, workspaceOf } from './request.ts';

/** GET and PATCH /api/media/workspace/settings: what a workspace decides for itself. */
export function workspaceRoutes(deps: HttpDeps): Router {
	const router = Router();
	router.get('/workspace/settings', async (_request, response) => {
		response.json(await readSettings(dbOf(response), workspaceOf(response)));
	});
	router.patch('/workspace/settings', async (request, response) => {
		const { workspace_id: _, ...change } = bodyOf(settingsChangeSchema, request, response);
		const settings = await transact(dbOf(response), async (tx) => {
			const next = changeSettings(await lockStoredSettings(tx, workspaceOf(response)), change);
			const complete = settingsOf(next);
			const problems = settingsProblems(complete, { configured: Boolean(deps.scanner), optional: deps.scanOptional ?? false });
			if (problems.length > 0) {
				throw new PipelineError('invalid_request', problems.map(({ field, problem }) => `${field}: ${problem}`).join('; '), { details: { problems } });
			}
			await storeSettings(tx, workspaceOf(response), next);
			return complete;
		});
		response.json(settings);
	});
	return router;
}
