import OpenAI from 'openai';
import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import { retryAfterSeconds } from '../../net/download.ts';
import { createTransport } from './transport.ts';

export interface OpenAiConnection {
	/** Absent: nothing can be asked here. Servers without keys accept any text. */
	apiKey: string | undefined;
	/** Default https://api.openai.com/v1 */
	baseUrl?: string | undefined;
	/** Setting that holds the key, for messages. Default OPENAI_API_KEY. */
	keyName?: string | undefined;
	/** Setting that holds the address, for messages. Default OPENAI_BASE_URL. */
	urlName?: string | undefined;
	/** Whole time of one call. Default 10 min: an hour of speech takes a hosted Whisper about two. */
	timeoutMs?: number | undefined;
	/** Waits until a call may be made (ai/routing/limiter.ts). Default: at once. */
	gate?: Gate | undefined;
}

/** Runs `work` when its turn has come; refuses with the reason of `signal` where that comes first. */
export type Gate = <T>(work: () => Promise<T>, signal: AbortSignal) => Promise<T>;

/** OpenAI, or a server that speaks its API (Speaches, LocalAI, vLLM, Ollama …). */
export interface OpenAiClient {
	obstacle(): string | null;
	/** One call, bounded in time, its failures in our own words. */
	call<T>(model: string, signal: AbortSignal, send: (client: OpenAI, options: { signal: AbortSignal }) => Promise<T>): Promise<T>;
	/** For answers that cannot be read. `what`: "a transcript". */
	strange(what: string): PipelineError;
}

const TIMEOUT_MS = 600_000;
/** What HTTP can send. Blanks may stand within: servers without keys accept any words. */
const SENDABLE = /^[!-~](?:[ -~]*[!-~])?$/;
/** No provider has keys as short as that. */
const LEAST_KEY = 8;
const atOnce: Gate = (work) => work();

export function createOpenAiClient(connection: OpenAiConnection): OpenAiClient {
	const { apiKey, baseUrl, keyName = 'OPENAI_API_KEY', urlName = 'OPENAI_BASE_URL', timeoutMs = TIMEOUT_MS, gate = atOnce } = connection;
	const obstacle = (): string | null => {
		if (!apiKey) return `Set ${keyName} of the sidecar; for another OpenAI-compatible server set ${urlName}, too (a server without keys accepts any text as key).`;
		// Copied with a line end, e.g.: HTTP cannot send it.
		return SENDABLE.test(apiKey) ? null : `${keyName} begins or ends with a blank, or holds a line end or another character that no key has. Set it again.`;
	};
	const connect = (): OpenAI => {
		const why = obstacle();
		if (why) throw new PipelineError('provider_not_configured', why);
		return new OpenAI({
			apiKey,
			baseURL: baseUrl ?? 'https://api.openai.com/v1',
			// Read from the environment when left out: this client shall know nothing but what is given here.
			organization: null,
			project: null,
			adminAPIKey: null,
			webhookSecret: null,
			logLevel: 'off',
			fetch: createTransport(apiKey ?? ''),
			// The job is what is tried again, with its own pauses.
			maxRetries: 0,
			timeout: timeoutMs,
		});
	};

	return {
		obstacle,
		async call(model, signal, send) {
			const client = connect();
			signal.throwIfAborted();
			return gate(async () => {
				// The library's own time limit does not cover the body.
				const timeout = AbortSignal.timeout(timeoutMs);
				try {
					return await send(client, { signal: AbortSignal.any([signal, timeout]) });
				} catch (error) {
					signal.throwIfAborted();
					throw providerError(error, { model, late: timeout.aborted, secret: apiKey ?? '', keyName, urlName });
				}
			}, signal);
		},
		strange: (what) =>
			new PipelineError('provider_answer_invalid', `The AI server answered something that is not ${what}. Check that ${urlName} names an OpenAI-compatible server (usually ending in /v1).`),
	};
}

interface Told {
	model: string;
	late: boolean;
	secret: string;
	keyName: string;
	urlName: string;
}

/** A failure of the library in our own words; the key never comes along, not even in a message of the server. */
function providerError(error: unknown, { model, late, secret, keyName, urlName }: Told): PipelineError {
	// Some servers without keys are given any word for one: no secret, and it may stand in what they say.
	const hidden = secret.length < LEAST_KEY ? '' : secret;
	const hide = (text: string): string => (hidden ? text.replaceAll(hidden, '***') : text).replace(/\bsk-[\w*-]{6,}/g, 'sk-***');
	const cause = new Error(hide(error instanceof Error ? error.message : String(error)));
	if (late) return new PipelineError('provider_unavailable', 'The AI server did not answer in time.', { cause });
	if (error instanceof PipelineError) return error;
	// The library reads JSON itself where the server says that it is some; a page of a proxy in between may say so and not be.
	if (error instanceof SyntaxError) {
		return new PipelineError('provider_answer_invalid', `The AI server answered something that is not JSON. Check that ${urlName} names an OpenAI-compatible server (usually ending in /v1).`, { cause });
	}
	if (!(error instanceof OpenAI.APIError)) {
		return new PipelineError('internal', 'Calling the AI server failed in an unexpected way. The log of the sidecar has the details.', { cause });
	}
	const { status } = error as { status: number | undefined };
	if (status === undefined) return new PipelineError('provider_unavailable', `The AI server was not reached. Check ${urlName} and the network of the sidecar.`, { cause });
	const said = hide(cause.message.replace(/^\d{3} /, '')).slice(0, 300);
	const options = { details: { status, model }, cause };
	const rejected = (message: string): PipelineError => new PipelineError('provider_rejected', message, options);
	const later = { ...options, ...pause(error) };
	const wait = later.retryAfterSeconds === undefined ? '' : ` for ${later.retryAfterSeconds} s`;
	// Some servers refuse content with 403, too.
	if (status >= 400 && status < 500 && status !== 429 && refusesContent(error)) return new PipelineError('provider_content_refused', `The AI server refused this content (${status}): ${said}`, options);
	if (status === 401 || status === 403) return new PipelineError('provider_key_refused', `The AI server refused ${keyName} (${status}). Check the key, and that it may use the model ${model}.`, options);
	if (status >= 300 && status < 400) return rejected(`The AI server says that it has moved (${status}). Set ${urlName} to its final address, with https:// where it has that.`);
	if (status === 429 && [error.code, error.type].includes('insufficient_quota')) return rejected(`The account of ${keyName} has no credit left. Check plan and billing at the provider.`);
	if (status === 429) return new PipelineError('provider_rate_limited', `The AI server asks to slow down (429)${wait}.`, later);
	if (status === 408 || status === 409 || status >= 500) return new PipelineError('provider_unavailable', `The AI server has a problem at the moment (${status}).`, later);
	if (status === 404) return rejected(`The AI server does not know the model ${model}, or the address is wrong (404). Check the model name and ${urlName}.`);
	return rejected(`The AI server refused the request (${status}): ${said}`);
}

/**
 * How servers say that it is the content: `content_policy_violation` and `moderation_blocked` of OpenAI, `content_filter` and
 * `ResponsibleAIPolicyViolation` of Azure (https://learn.microsoft.com/azure/ai-services/openai/concepts/content-filter).
 */
const CONTENT_CODE = /content_?(?:policy|filter)|moderation_blocked|ResponsibleAIPolicyViolation/i;
/** Of a reasoning model, for more than one thing. */
const FLAGGED = /prompt was flagged|usage polic/i;
const detailsSchema = z.object({
	innererror: z.object({ code: z.string() }).nullish().catch(null),
	/** https://openrouter.ai/docs/api/reference/errors-and-debugging: its code is the number of the status. */
	metadata: z.object({ flagged_input: z.string() }).nullish().catch(null),
});

/** @param error.error the object `error` of the answer */
function refusesContent({ code, type, error, message }: { code: unknown; type: unknown; error: unknown; message: string }): boolean {
	const { innererror = null, metadata = null } = detailsSchema.safeParse(error).data ?? {};
	if (metadata || (code === 'invalid_prompt' && FLAGGED.test(message))) return true;
	return [code, type, innererror?.code].some((word) => typeof word === 'string' && CONTENT_CODE.test(word));
}

function pause(error: { headers: unknown }): { retryAfterSeconds?: number } {
	const headers = error.headers instanceof Headers ? error.headers : null;
	const milliseconds = Number.parseFloat(headers?.get('retry-after-ms') ?? '');
	const seconds = retryAfterSeconds({ 'retry-after': milliseconds > 0 ? String(milliseconds / 1000) : (headers?.get('retry-after') ?? '') });
	return seconds === undefined ? {} : { retryAfterSeconds: seconds };
}
