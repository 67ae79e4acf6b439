import { Router } from 'express';
import { allows } from '../contract/scopes.ts';
import { changeSettings, settingsChangeSchema, type SettingsChange } from '../contract/workspace-change.ts';
import { settingsOf, type WorkspaceSettings } from '../contract/workspace.ts';
import type { Database } from '../db/database.ts';
import { lockStoredSettings, storeSettings } from '../db/settings.ts';
import { transact } from '../db/transact.ts';
import { DEFAULT_WORKSPACE, readSettings } from '../db/workspaces.ts';
import { PipelineError } from '../errors.ts';
import { settingsProblems } from '../pipeline/settings-problems.ts';
import type { HttpDeps } from './deps.ts';
import { bodyOf, callerOf, dbOf, workspaceOf } from './request.ts';

/** GET and PATCH /api/media/workspace/settings: what a workspace decides for itself. Its quotas are decided by the operator. */
export function workspaceRoutes(deps: HttpDeps): Router {
	const router = Router();
	router.get('/workspace/settings', async (_request, response) => {
		response.json(await readSettings(dbOf(response), workspaceOf(response)));
	});
	router.patch('/workspace/settings', async (request, response) => {
		const { workspace_id: _, ...change } = bodyOf(settingsChangeSchema, request, response);
		const isOperator = workspaceOf(response) === DEFAULT_WORKSPACE && allows(callerOf(response)?.scopes ?? [], 'platform');
		if (change.quotas !== undefined && !isOperator) {
			throw new PipelineError('forbidden', `quotas: they are set by the operator of the sidecar, with a key of the workspace "${DEFAULT_WORKSPACE}" that has the scope "platform": PATCH /api/media/workspaces/{id}/settings. Everything else can be changed here.`, { details: { field: 'quotas', scope: 'platform' } });
		}
		response.json(await applySettings(deps, dbOf(response), workspaceOf(response), change));
	});
	return router;
}

/** Answers all settings as they are then. Throws `invalid_request` for what cannot hold, `not_found` without such a workspace. */
export async function applySettings({ scanner, scanOptional = false }: Pick<HttpDeps, 'scanner' | 'scanOptional'>, db: Database, workspaceId: string, change: SettingsChange): Promise<WorkspaceSettings> {
	return transact(db, async (tx) => {
		const stored = await lockStoredSettings(tx, workspaceId);
		if (!stored) throw new PipelineError('not_found', `There is no workspace ${workspaceId.slice(0, 80)}.`);
		const next = changeSettings(stored, change);
		const complete = settingsOf(next);
		const problems = settingsProblems(complete, { configured: Boolean(scanner), optional: scanOptional });
		if (problems.length > 0) {
			throw new PipelineError('invalid_request', problems.map(({ field, problem }) => `${field}: ${problem}`).join('; '), { details: { problems } });
		}
		await storeSettings(tx, workspaceId, next);
		return complete;
	});
}
