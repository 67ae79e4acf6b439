import { PipelineError } from '../errors.ts';
import type { Guard } from '../net/guard.ts';
import { guardedRequest } from '../net/http.ts';
import { NetError } from '../net/net-error.ts';
import { retryAfterSeconds } from '../net/download.ts';
import type { Attempt } from './classify.ts';
import type { Send } from './outbox.ts';

/** Standard Webhooks recommends 15–30 s. */
const TIMEOUT_MS = 20_000;
/** Enough to tell n8n's sentences apart. */
const MAX_RESPONSE_BYTES = 16 * 1024;

/** Sends callbacks through the guard: a callback URL comes from outside like any other. No redirect is followed. */
export function createSender(guard: Guard): Send {
	return async ({ url, headers, body }): Promise<Attempt> => {
		try {
			const answer = await guardedRequest({ guard, url, method: 'POST', headers, body, timeoutMs: TIMEOUT_MS, maxResponseBytes: MAX_RESPONSE_BYTES, maxRedirects: 0 });
			const hint = retryAfterSeconds(answer.headers);
			return {
				status: answer.status,
				contentType: answer.headers['content-type'] ?? '',
				body: answer.body.toString('utf8'),
				...(hint === undefined ? {} : { retryAfterSeconds: hint }),
			};
		} catch (error) {
			if (error instanceof PipelineError) return { failure: error.message, forbidden: true };
			return { failure: error instanceof NetError ? error.message : 'The request failed.' };
		}
	};
}
