import { randomUUID } from 'node:crypto';
import express, { Router, type ErrorRequestHandler, type Express } from 'express';
import { isGone } from '../db/transact.ts';
import { PipelineError, toPipelineError } from '../errors.ts';
import { withoutSecrets } from '../log.ts';
import { aiRoutes } from './ai.ts';
import { assetRoutes } from './assets.ts';
import { batchRoutes, operationRoutes } from './batches.ts';
import type { HttpDeps } from './deps.ts';
import { downloadRoutes } from './downloads.ts';
import { eventRoutes, type EventFeed } from './events.ts';
import { fileRoutes } from './files.ts';
import { apiCors, docsHeaders, securityHeaders } from './headers.ts';
import { jobRoutes } from './jobs.ts';
import { pipelineRoutes } from './pipelines.ts';
import { playerRoutes } from './player/routes.ts';
import { postRoutes } from './posts.ts';
import { processRoutes } from './process.ts';
import { publicRoutes } from './public.ts';
import { openRenditionRoutes, renditionRoutes } from './renditions.ts';
import { auditCalls } from './audit-calls.ts';
import { auditRoutes } from './audit.ts';
import { keyRoutes } from './keys.ts';
import { authenticate, authorize } from './request.ts';
import { nameRoute } from './route.ts';
import { workspacesRoutes } from './workspaces.ts';
import { limitRate, refuseGuessing } from './rate-limits.ts';
import { checkAddress, fromExpress, jsonBody } from './request-limits.ts';
import { retentionRoutes } from './retention.ts';
import { searchRoutes } from './search.ts';
import { sourceRoutes } from './sources.ts';
import { infoRoutes, serviceRoutes } from './service.ts';
import { directUploadRoutes } from './direct-uploads.ts';
import { signRoutes } from './sign.ts';
import { cutSilentBodies } from './silence.ts';
import { tusRoutes } from './tus.ts';
import { uploadRoutes } from './uploads.ts';
import { usageRoutes } from './usage.ts';
import { webhookRoutes } from './webhooks.ts';
import { workspaceRoutes } from './workspace.ts';

/** Thin: parse, hand to the pipeline, answer. Express 5 passes rejected promises to the error handler by itself. */
export function createApp(deps: HttpDeps, feed: EventFeed): Express {
	const app = express();
	app.disable('x-powered-by');
	app.set('query parser', 'simple');
	app.set('trust proxy', deps.trustProxy ?? false);
	app.use((request, response, next) => {
		const requestId = randomUUID();
		response.set('X-Request-Id', requestId);
		response.locals['log'] = deps.log.child({ request_id: requestId, method: request.method, path: withoutSecrets(request.path) });
		next();
	});
	app.use(securityHeaders(deps.publicUrl), checkAddress, cutSilentBodies(deps.bodySilenceMs));
	app.use('/docs', docsHeaders);
	app.use(nameRoute(deps.operations.values()), auditCalls(deps));
	// Open: health, documentation, and links that carry their own permission.
	app.use(serviceRoutes(deps), fileRoutes(deps), playerRoutes(deps), openRenditionRoutes(deps), uploadRoutes(deps), tusRoutes(deps), directUploadRoutes(deps));

	const media = Router();
	// Before the routes with /assets/:id.
	media.use(searchRoutes(deps));
	media.use(infoRoutes(deps), processRoutes(deps), batchRoutes(deps), jobRoutes(deps), assetRoutes(deps), downloadRoutes(deps), publicRoutes(deps), pipelineRoutes(deps), postRoutes(deps), webhookRoutes(deps), workspaceRoutes(deps), signRoutes(deps), sourceRoutes(deps), renditionRoutes(deps), usageRoutes(), retentionRoutes(deps), aiRoutes(deps), eventRoutes(deps, feed), keyRoutes(), workspacesRoutes(deps), auditRoutes());
	// The key first: whoever has none cannot make the sidecar parse anything.
	const guarded = [refuseGuessing(deps), authenticate(deps), limitRate(deps), authorize, jsonBody()];
	app.use('/api/media', apiCors(deps.apiCorsOrigins ?? []), ...guarded, media);
	app.use(...guarded, operationRoutes(deps));

	app.use((request) => {
		throw new PipelineError('not_found', `There is no ${request.method} ${request.path}. GET /docs shows what there is.`);
	});
	app.use(answerError(deps));
	return app;
}

function answerError(deps: HttpDeps): ErrorRequestHandler {
	return (thrown: unknown, _request, response, next) => {
		const error = fromExpress(thrown) ?? fromDatabase(thrown) ?? toPipelineError(thrown);
		const log = (response.locals['log'] as typeof deps.log | undefined) ?? deps.log;
		if (error.status >= 500) log.error({ err: error }, 'request failed');
		else log.info({ code: error.code, reason: withoutSecrets(error.message) }, 'request refused');
		if (response.headersSent) return next(thrown);
		if (error.retryAfterSeconds) response.set('Retry-After', String(Math.ceil(error.retryAfterSeconds)));
		// A cache may keep a 404 or 410 by itself (RFC 9111 4.2.2): the file may be there a second later.
		response.status(error.status).set('Cache-Control', 'no-store').json({ error: error.toPublic() });
	};
}

/** Between a look at an asset and the job that is written down for it, somebody may delete it. */
function fromDatabase(thrown: unknown): PipelineError | null {
	if (!isGone(thrown)) return null;
	return new PipelineError('conflict', 'What the request names was deleted while it was under way. Look what is there, and ask again.', { cause: thrown });
}
