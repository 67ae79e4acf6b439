import { Router } from 'express';
import { PIPELINE_NAME, pipelineDefinitionSchema } from '../contract/pipelines.ts';
import { deletePipeline, savePipeline } from '../db/pipelines.ts';
import { PipelineError } from '../errors.ts';
import { allPipelines, checkPipeline, pipelineView, readPipeline } from '../pipeline/pipelines.ts';
import type { HttpDeps } from './deps.ts';
import { bodyOf, create, dbOf, workspaceOf } from './request.ts';

/** Named pipelines (P15): GET /api/media/pipelines, GET, PUT and DELETE /api/media/pipelines/:name. */
export function pipelineRoutes(deps: HttpDeps): Router {
	const router = Router();

	router.get('/pipelines', async (_request, response) => {
		response.json({ pipelines: (await allPipelines(dbOf(response), workspaceOf(response))).map(pipelineView) });
	});

	/** `podcast` or `podcast@3`. */
	router.get('/pipelines/:name', async (request, response) => {
		response.json(pipelineView(await readPipeline(dbOf(response), workspaceOf(response), request.params.name, 'name')));
	});

	router.put('/pipelines/:name', async (request, response) => {
		const name = nameOf(request.params.name);
		const definition = bodyOf(pipelineDefinitionSchema, request, response);
		checkPipeline(deps.operations, definition);
		await create(deps, request, response, async (tx) => {
			const row = await savePipeline(tx, workspaceOf(response), name, definition);
			return { status: 200, body: pipelineView({ name, version: row.version, definition, createdAt: row.createdAt }) };
		});
	});

	router.delete('/pipelines/:name', async (request, response) => {
		const name = nameOf(request.params.name);
		await create(deps, request, response, async (tx) => {
			if (await deletePipeline(tx, workspaceOf(response), name)) return { status: 200, body: { name, deleted: true } };
			throw new PipelineError('not_found', `There is no pipeline "${name}" that could be deleted in this workspace. Those that come with the program stay.`);
		});
	});

	return router;
}

function nameOf(name: string): string {
	if (PIPELINE_NAME.test(name)) return name;
	throw new PipelineError('invalid_request', 'name: a pipeline is named with lower-case letters, digits, _ and -, beginning with a letter, at most 63, e.g. podcast.', { details: { field: 'name' } });
}
