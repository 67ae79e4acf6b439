import { Router } from 'express';
import { ALL } from '../contract/scopes.ts';
import { workspaceKeyRequestSchema, workspaceRequestSchema } from '../contract/tenancy.ts';
import { workspaceSettingsChangeSchema } from '../contract/workspace-change.ts';
import { settingsOf } from '../contract/workspace.ts';
import { insertKey } from '../db/api-keys.ts';
import { hasAudit } from '../db/audit.ts';
import { lockStoredSettings } from '../db/settings.ts';
import { transact } from '../db/transact.ts';
import { DEFAULT_WORKSPACE, insertWorkspace, listWorkspaces, type WorkspaceRow } from '../db/workspaces.ts';
import { PipelineError } from '../errors.ts';
import { deleteWorkspace } from '../pipeline/delete-workspace.ts';
import type { HttpDeps } from './deps.ts';
import { keyView, refuseBootstrap, refuseTooMany } from './keys.ts';
import { bodyOf, requireScope } from './request.ts';
import { applySettings } from './workspace.ts';

const view = ({ id, name, createdAt }: WorkspaceRow) => ({ id, name, created_at: createdAt.toISOString() });

/** /api/media/workspaces: for the operator, whose keys see beyond their own workspace here and nowhere else. */
export function workspacesRoutes(deps: HttpDeps): Router {
	const router = Router();

	router.post('/workspaces', async (request, response) => {
		const { id, name = id } = bodyOf(workspaceRequestSchema, request, response);
		const made = await transact(deps.db, async (tx) => {
			// It would read what its predecessor did.
			if (await hasAudit(tx, id)) throw new PipelineError('conflict', `id: a workspace ${id} was deleted, and its audit log is still kept (AUDIT_DAYS). Choose another id.`, { details: { field: 'id' } });
			const row = await insertWorkspace(tx, { id, name });
			return row && { row, first: await insertKey(tx, { workspaceId: id, name: 'first', scopes: [ALL], expiresAt: null }) };
		});
		if (!made) throw new PipelineError('conflict', `id: there is a workspace ${id} already.`, { details: { field: 'id' } });
		response.status(201).set('Cache-Control', 'no-store').json({ ...view(made.row), key: { ...keyView(made.first.row), key: made.first.key } });
	});

	router.get('/workspaces', async (_request, response) => {
		response.json({ workspaces: (await listWorkspaces(deps.db)).map(view) });
	});

	router.delete('/workspaces/:id', async (request, response) => {
		const { id } = request.params;
		if (id === DEFAULT_WORKSPACE) throw new PipelineError('conflict', `The workspace "${DEFAULT_WORKSPACE}" is the operator's and stays.`);
		await deleteWorkspace(deps, id, { force: request.query['force'] === 'true' });
		response.json({ id, deleted: true });
	});

	/** Those of another workspace, its quotas among them, which it cannot change itself. */
	router.get('/workspaces/:id/settings', async (request, response) => {
		const stored = await transact(deps.db, (tx) => lockStoredSettings(tx, request.params.id));
		response.json(settingsOf(stored ?? noSuch(request.params.id)));
	});
	router.patch('/workspaces/:id/settings', async (request, response) => {
		const { id } = request.params;
		// Of the operator's own workspace nothing more than under /workspace/settings.
		if (id === DEFAULT_WORKSPACE) requireScope(response, 'admin');
		response.json(await applySettings(deps, deps.db, id, bodyOf(workspaceSettingsChangeSchema, request, response)));
	});

	/** Whoever has lost the last key of a workspace cannot make another one. */
	router.post('/workspaces/:id/keys', async (request, response) => {
		const { id } = request.params;
		const { name, scopes, expires_in: expiresIn } = bodyOf(workspaceKeyRequestSchema, request, response);
		refuseBootstrap(name);
		// Who may make workspaces may not therefore do everything in this one.
		if (id === DEFAULT_WORKSPACE) throw new PipelineError('conflict', `The keys of the workspace "${DEFAULT_WORKSPACE}" are made by POST /api/media/keys.`);
		const { row, key } = await transact(deps.db, async (tx) => {
			if (!(await lockStoredSettings(tx, id))) noSuch(id);
			await refuseTooMany(tx, id);
			return insertKey(tx, { workspaceId: id, name, scopes: [...new Set(scopes)], expiresAt: expiresIn === null ? null : new Date(Date.now() + expiresIn * 1000) });
		});
		response.status(201).set('Cache-Control', 'no-store').json({ ...keyView(row), key });
	});

	return router;
}

function noSuch(id: string): never {
	throw new PipelineError('not_found', `There is no workspace ${id.slice(0, 80)}.`);
}
