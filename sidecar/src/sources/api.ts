import { PipelineError } from '../errors.ts';
import type { Guard } from '../net/guard.ts';
import { guardedRequest, type Headers } from '../net/http.ts';
import { NetError } from '../net/net-error.ts';

/** The guard for a base URL that the operator set: it may be private, and plain http. */
export const guardFor = (guard: Guard, baseUrl: string): Guard => guard.withAllowed([new URL(baseUrl).host]);

/** A page of a list comes within seconds; a service that is busy takes longer. */
const TIMEOUT_MS = 60_000;
/** The largest pages are those of Drive and Dropbox: a thousand entries of about 2 kB. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

export interface ApiAnswer {
	status: number;
	headers: Headers;
	/** Undefined where it is not JSON. */
	json: unknown;
	text: string;
}

/** One request to an API, body as JSON, of any status. Throws `input_unreachable` when no answer comes. `where`: the service, for people. */
export async function askApi(request: { guard: Guard; where: string; url: string; method?: string; headers?: Headers; body?: unknown; signal: AbortSignal }): Promise<ApiAnswer> {
	const { body, where, ...rest } = request;
	try {
		const answer = await guardedRequest({
			...rest,
			...(body === undefined ? {} : { body: JSON.stringify(body), headers: { ...rest.headers, 'Content-Type': 'application/json' } }),
			timeoutMs: TIMEOUT_MS,
			maxResponseBytes: MAX_ANSWER_BYTES,
		});
		const text = answer.body.toString('utf8');
		return { status: answer.status, headers: answer.headers, json: parsed(text), text };
	} catch (error) {
		request.signal.throwIfAborted();
		if (error instanceof NetError) throw new PipelineError('input_unreachable', `${where} was not reached: ${error.message}`, { cause: error });
		throw error;
	}
}

export function parsed(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}

/** The tokens of a job are erased once they were used. */
export const tokenGone = (what: string): PipelineError => new PipelineError('needs_reauth', `The ${what} of this job is gone. Send the request again: tokens are erased once they were used.`);
