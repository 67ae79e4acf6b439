import { Router } from 'express';
import type { HttpDeps } from './deps.ts';

/** Who serves each task of AI now, and why others cannot. */
export function aiRoutes(deps: HttpDeps): Router {
	const router = Router();
	router.get('/ai', (_request, response) => {
		response.json(deps.aiReport());
	});
	return router;
}
