import { Router } from 'express';
import { listRequestSchema, splitSource, type ListAnswer } from '../contract/sources.ts';
import { PipelineError } from '../errors.ts';
import type { SourceListing } from '../sources/source.ts';
import type { HttpDeps } from './deps.ts';
import { bodyOf, workspaceOf } from './request.ts';

/** A place that answers page after page slowly must not hold a connection for ever. */
const TIMEOUT_MS = 120_000;

/** POST /api/media/sources/list: what a folder, feed or bucket holds. Nothing is stored, the tokens are not either. */
export function sourceRoutes(deps: HttpDeps): Router {
	const router = Router();
	router.post('/sources/list', async (request, response) => {
		const { source, cursor = null, limit } = bodyOf(listRequestSchema, request, response);
		const { place, secrets } = splitSource(source);
		const gone = new AbortController();
		response.once('close', () => gone.abort(new Error('the caller has gone')));
		const timeout = AbortSignal.timeout(TIMEOUT_MS);
		const signal = AbortSignal.any([gone.signal, timeout]);
		const listing = await deps.listSource({ place, secrets, workspaceId: workspaceOf(response), cursor, limit, signal }).catch((error: unknown) => {
			if (timeout.aborted) throw new PipelineError('input_unreachable', `The place was not listed within ${TIMEOUT_MS / 1000} s. Ask for fewer entries at once (limit), or try again later.`, { cause: error });
			throw error;
		});
		response.json(answerOf(listing));
	});
	return router;
}

const answerOf = ({ entries, cursor, hasMore, skipped }: SourceListing): ListAnswer => ({
	entries: entries.map(({ place, name, bytes, mime, modifiedAt, version, metadata }) => ({ source: { ...place }, name, bytes, mime, modified_at: modifiedAt?.toISOString() ?? null, version, metadata })),
	cursor,
	has_more: hasMore,
	skipped,
});
