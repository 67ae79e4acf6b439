import { Router } from 'express';
import { ALL } from '../contract/scopes.ts';
import { workspaceRequestSchema } from '../contract/tenancy.ts';
import { insertKey } from '../db/api-keys.ts';
import { transact } from '../db/transact.ts';
import { DEFAULT_WORKSPACE, insertWorkspace, listWorkspaces, type WorkspaceRow } from '../db/workspaces.ts';
import { PipelineError } from '../errors.ts';
import { deleteWorkspace } from '../pipeline/delete-workspace.ts';
import type { HttpDeps } from './deps.ts';
import { keyView } from './keys.ts';
import { bodyOf } from './request.ts';

const view = ({ id, name, createdAt }: WorkspaceRow) => ({ id, name, created_at: createdAt.toISOString() });

/** /api/media/workspaces: for the operator, whose keys see beyond their own workspace here and nowhere else. */
export function workspacesRoutes(deps: HttpDeps): Router {
	const router = Router();

	router.post('/workspaces', async (request, response) => {
		const { id, name = id } = bodyOf(workspaceRequestSchema, request, response);
		const made = await transact(deps.db, async (tx) => {
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

	return router;
}
