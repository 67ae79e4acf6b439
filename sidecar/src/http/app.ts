import { randomUUID } from 'node:crypto';
import express, { Router, type ErrorRequestHandler, type Express } from 'express';
import { PipelineError, toPipelineError } from '../errors.ts';
import { aiRoutes } from './ai.ts';
import { batchRoutes, operationRoutes } from './batches.ts';
import type { HttpDeps } from './deps.ts';
import { eventRoutes, type EventFeed } from './events.ts';
import { fileRoutes } from './files.ts';
import { jobRoutes } from './jobs.ts';
import { pipelineRoutes } from './pipelines.ts';
import { postRoutes } from './posts.ts';
import { processRoutes } from './process.ts';
import { openRenditionRoutes, renditionRoutes } from './renditions.ts';
import { authenticate } from './request.ts';
import { searchRoutes } from './search.ts';
import { infoRoutes, serviceRoutes } from './service.ts';
import { signRoutes, uploadRoutes } from './uploads.ts';
import { usageRoutes } from './usage.ts';
import { webhookRoutes } from './webhooks.ts';

/** Requests carry references and texts, never media: a batch of 1000 items with transcripts fits. */
const MAX_JSON = '8mb';

/** Thin: parse, hand to the pipeline, answer. Express 5 passes rejected promises to the error handler by itself. */
export function createApp(deps: HttpDeps, feed: EventFeed): Express {
	const app = express();
	app.disable('x-powered-by');
	app.set('query parser', 'simple');
	app.use((request, response, next) => {
		const requestId = randomUUID();
		response.set('X-Request-Id', requestId);
		response.locals['log'] = deps.log.child({ request_id: requestId, method: request.method, path: request.path });
		next();
	});
	// Open: health, documentation, and links that carry their own permission.
	app.use(serviceRoutes(deps), fileRoutes(deps), openRenditionRoutes(deps), uploadRoutes(deps));

	const media = Router();
	// Before the routes with /assets/:id.
	media.use(searchRoutes(deps));
	media.use(infoRoutes(deps), processRoutes(deps), batchRoutes(deps), jobRoutes(deps), pipelineRoutes(deps), postRoutes(deps), webhookRoutes(deps), signRoutes(deps), renditionRoutes(deps), usageRoutes(deps), aiRoutes(deps), eventRoutes(deps, feed));
	// The key first: whoever has none cannot make the sidecar parse anything.
	const guarded = [authenticate(deps), express.json({ limit: MAX_JSON })];
	app.use('/api/media', ...guarded, media);
	app.use(...guarded, operationRoutes(deps));

	app.use((request) => {
		throw new PipelineError('not_found', `There is no ${request.method} ${request.path}. GET /docs shows what there is.`);
	});
	app.use(answerError(deps));
	return app;
}

function answerError(deps: HttpDeps): ErrorRequestHandler {
	return (thrown: unknown, _request, response, next) => {
		const error = fromExpress(thrown) ?? toPipelineError(thrown);
		const log = (response.locals['log'] as typeof deps.log | undefined) ?? deps.log;
		if (error.status >= 500) log.error({ err: error }, 'request failed');
		else log.info({ code: error.code, reason: error.message }, 'request refused');
		if (response.headersSent) return next(thrown);
		if (error.retryAfterSeconds) response.set('Retry-After', String(Math.ceil(error.retryAfterSeconds)));
		// A cache may keep a 404 or 410 by itself (RFC 9111 4.2.2): the file may be there a second later.
		response.status(error.status).set('Cache-Control', 'no-store').json({ error: error.toPublic() });
	};
}

/** express.json throws errors of its own; they are the caller's, not ours. */
function fromExpress(thrown: unknown): PipelineError | null {
	if (!(thrown instanceof Error) || !('type' in thrown) || typeof thrown.type !== 'string') return null;
	if (thrown.type === 'entity.too.large') return new PipelineError('input_too_large', `The body is larger than ${MAX_JSON}. Send links instead of content.`);
	if (thrown.type === 'entity.parse.failed') return new PipelineError('invalid_request', `The body is not valid JSON: ${thrown.message}`);
	if (thrown.type === 'encoding.unsupported' || thrown.type === 'charset.unsupported') return new PipelineError('invalid_request', thrown.message);
	return thrown.type === 'request.aborted' ? new PipelineError('invalid_request', 'The request was cut off.') : null;
}
