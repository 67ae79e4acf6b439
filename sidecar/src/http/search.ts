import { createHash, randomUUID } from 'node:crypto';
import { Router, type Request } from 'express';
import { z } from 'zod';
import { parse } from '../contract/parse.ts';
import { findAsset } from '../db/assets.ts';
import { eventsOfAsset } from '../db/events.ts';
import { feedbackOf } from '../db/feedback.ts';
import { PipelineError } from '../errors.ts';
import { correctionSchema } from '../operations/ai/feedback.ts';
import { MAX_OFFSET, MAX_RESULTS } from '../operations/ai/library.ts';
import { searchFields, toSearchRequest } from '../operations/ai/search.ts';
import { uuidOf } from './batches.ts';
import type { HttpDeps } from './deps.ts';
import { bodyOf, dbOf, workspaceOf } from './request.ts';

/** `tag=a&tag=b` and `tag=a,b` are the same. */
const tag = z
	.union([z.string(), z.array(z.string())])
	.transform((given) => [given].flat().flatMap((list) => list.split(',').map((one) => one.trim()).filter(Boolean)))
	.pipe(z.array(z.string().max(100)).max(20));

const query = z.strictObject({
	...searchFields,
	tag: tag.default([]),
	limit: z.coerce.number().int().min(1).max(MAX_RESULTS).default(10),
	offset: z.coerce.number().int().min(0).max(MAX_OFFSET).default(0),
});

/** For the OpenAPI. */
export const SEARCH_QUERY: Record<string, string> = {
	...Object.fromEntries(Object.entries(searchFields).map(([name, schema]) => [name, schema.description ?? ''])),
	tag: 'Only assets that have it; several: all of them (`tag=a&tag=b` or `tag=a,b`)',
	limit: `1 to ${MAX_RESULTS}, default 10`,
	offset: `0 to ${MAX_OFFSET}, for the next page`,
};

const named = { workspace_id: z.string().optional(), asset_id: z.uuid().optional().describe('The asset that it is about.') };
const [word, translation, label, caption] = correctionSchema.options;
export const feedbackRequestSchema = z.discriminatedUnion('kind', [word.extend(named), translation.extend(named), label.extend(named), caption.extend(named)]);

const historyQuery = z.object({ limit: z.coerce.number().int().min(1).max(500).default(100) });

/** GET /api/media/assets/search, GET /api/media/assets/:id/history, POST /api/media/feedback (C6, C9). */
export function searchRoutes(deps: HttpDeps): Router {
	const router = Router();

	router.get('/assets/search', async (request, response) => {
		const { tag: tags, ...asked } = parse(query, filledIn(request.query));
		const signal = leftSignal(request);
		const { results, methods, notes } = await deps.library.search(workspaceOf(response), toSearchRequest({ ...asked, tags }), signal, dbOf(response));
		response.json({ results, count: results.length, methods, notes });
	});

	router.get('/assets/:id/history', async (request, response) => {
		const { limit } = parse(historyQuery, request.query);
		const workspaceId = workspaceOf(response);
		const asset = await findAsset(dbOf(response), workspaceId, uuidOf(request.params.id));
		if (!asset) throw new PipelineError('not_found', `There is no asset ${request.params.id} in this workspace.`);
		const events = await eventsOfAsset(dbOf(response), workspaceId, asset.id, limit);
		// From its own table: events are forgotten after a month.
		const feedback = await feedbackOf(dbOf(response), workspaceId, asset.id, limit);
		const history = [
			...events.filter(({ type }) => type !== 'feedback.given').map(({ type, createdAt, jobId, data: { storage_key: _, ...data } }) => ({ type, createdAt, jobId, data })),
			...feedback.map(({ id, createdAt, correction }) => ({ type: 'feedback.given', createdAt, jobId: null, data: { feedback_id: id, ...correction } })),
		].sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime());
		response.json({
			asset_id: asset.id,
			history: history.slice(0, limit).map(({ type, createdAt, jobId, data }) => ({ type, created_at: createdAt.toISOString(), job_id: jobId, data })),
		});
	});

	router.post('/feedback', async (request, response) => {
		const { workspace_id: _, asset_id: assetId = null, ...correction } = bodyOf(feedbackRequestSchema, request, response);
		const workspaceId = workspaceOf(response);
		const { usage: _usage, ...given } = await deps.giveFeedback({ id: idOf(request, workspaceId), workspaceId, assetId, correction }, leftSignal(request), dbOf(response));
		deps.wake.events();
		response.json(given);
	});

	return router;
}

/** A form sends all of its fields: those that are empty ask for nothing. */
const filledIn = (given: Request['query']): Record<string, unknown> => Object.fromEntries(Object.entries(given).filter(([, value]) => value !== ''));

/** Aborted when the caller has gone. */
function leftSignal(request: Request): AbortSignal {
	const controller = new AbortController();
	request.res?.once('close', () => controller.abort(new PipelineError('cancelled', 'The caller has gone.')));
	return controller.signal;
}

/** The same for the same `Idempotency-Key`: what is sent again is not stored again. */
function idOf(request: Request, workspaceId: string): string {
	const key = request.get('idempotency-key') ?? request.get('x-idempotency-key');
	if (!key) return randomUUID();
	const hex = createHash('sha256').update(`feedback ${workspaceId} ${key}`).digest('hex');
	// The form of a UUID of version 8: "custom" (RFC 9562).
	return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
