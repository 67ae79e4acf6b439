import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import express, { Router } from 'express';
import { z } from 'zod';
import type { HttpDeps } from './deps.ts';
import { openApi } from './openapi.ts';
import { workspaceOf } from './request.ts';

const SETUP = "window.ui = SwaggerUIBundle({ url: '/openapi.json', dom_id: '#swagger-ui', docExpansion: 'list', deepLinking: true });";
const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Media pipeline sidecar API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css"><link rel="icon" href="/docs/favicon-32x32.png">
</head>
<body><div id="swagger-ui"></div><script src="/docs/swagger-ui-bundle.js"></script><script src="/docs/setup.js"></script></body>
</html>`;

/** Health, and the documentation: what may be read without a key. */
export function serviceRoutes(deps: HttpDeps): Router {
	const router = Router();
	const document = openApi(deps.operations.values(), deps.publicUrl, deps.version);

	router.get('/healthz', (_request, response) => {
		response.json({ status: 'ok' });
	});
	router.get('/readyz', async (_request, response) => {
		const problems = await deps.readiness();
		response.status(problems.length > 0 ? 503 : 200).json({ status: problems.length > 0 ? 'not ready' : 'ready', problems });
	});
	router.get('/openapi.json', (_request, response) => {
		response.json(document);
	});

	const assets = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
	router.get('/docs/setup.js', (_request, response) => {
		response.type('js').send(SETUP);
	});
	router.get('/docs/', (_request, response) => {
		response.type('html').send(PAGE);
	});
	router.use('/docs', express.static(assets, { index: false, redirect: false, maxAge: '1h' }));
	return router;
}

/** What needs a key: who am I, and the reference of operations. */
export function infoRoutes(deps: HttpDeps): Router {
	const router = Router();
	router.get('/whoami', (_request, response) => {
		response.json({ workspace_id: workspaceOf(response), version: deps.version });
	});
	router.get('/operations', (_request, response) => {
		response.json({
			operations: [...deps.operations.values()].map(({ name, version, summary, accepts, example, params }) => ({
				name,
				version,
				summary,
				accepts,
				example,
				params: z.toJSONSchema(params, { io: 'input', unrepresentable: 'any' }),
			})),
		});
	});
	return router;
}
