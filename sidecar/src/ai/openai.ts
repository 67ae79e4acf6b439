import { createReadStream } from 'node:fs';
import OpenAI from 'openai';
import { z } from 'zod';
import { PipelineError } from '../errors.ts';
import { retryAfterSeconds } from '../net/download.ts';
import { languageCode } from './languages.ts';
import type { Transcriber, Transcript } from './transcriber.ts';
import type { WriteRequest, Writer } from './writer.ts';

export interface OpenAiSettings {
	/** OPENAI_API_KEY. Absent: both capabilities answer `provider_not_configured`. */
	apiKey: string | undefined;
	/** OPENAI_BASE_URL; default https://api.openai.com/v1 */
	baseUrl: string | undefined;
	/** OPENAI_TRANSCRIBE_MODEL */
	transcribeModel: string;
	/** OPENAI_CAPTION_MODEL; must take images and a JSON schema. */
	captionModel: string;
	/** Whole time of one call. Default 10 min: an hour of speech takes a hosted Whisper about two. */
	timeoutMs?: number;
}

/** https://platform.openai.com/docs/guides/speech-to-text: "File uploads are currently limited to 25 MB". */
const MAX_AUDIO_BYTES = 25 * 1024 * 1024;
/** The same page: the models called gpt-… take at most 1500 seconds. */
const MAX_AUDIO_SECONDS = 1500;
const TIMEOUT_MS = 600_000;

/** OpenAI, and every server that speaks its API (faster-whisper-server, LocalAI, vLLM, Ollama …). */
export function createOpenAi(settings: OpenAiSettings): { transcriber: Transcriber; writer: Writer } {
	const { apiKey, baseUrl, transcribeModel, captionModel, timeoutMs = TIMEOUT_MS } = settings;
	const obstacle = (): string | null =>
		apiKey ? null : 'No AI provider is configured. Set OPENAI_API_KEY of the sidecar; for another OpenAI-compatible server set OPENAI_BASE_URL, too (a server without keys accepts any text as key).';
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
			// The job is what is tried again, with its own pauses.
			maxRetries: 0,
			timeout: timeoutMs,
		});
	};
	/** One call, bounded in time, its failures in our own words. The library's own time limit does not cover the body. */
	async function call<T>(
		model: string,
		signal: AbortSignal,
		send: (client: OpenAI, options: { signal: AbortSignal }) => Promise<T>,
	): Promise<T> {
		const client = connect();
		signal.throwIfAborted();
		const timeout = AbortSignal.timeout(timeoutMs);
		try {
			return await send(client, { signal: AbortSignal.any([signal, timeout]) });
		} catch (error) {
			signal.throwIfAborted();
			throw providerError(error, { model, late: timeout.aborted, secret: apiKey ?? '' });
		}
	}

	return {
		transcriber: {
			name: 'openai',
			model: transcribeModel,
			takes: { format: 'mp3', maxBytes: MAX_AUDIO_BYTES, maxSeconds: MAX_AUDIO_SECONDS, parallel: 3 },
			obstacle,
			async transcribe(audioPath, { language, prompt, signal }) {
				// The newer models know no verbose_json, and with it no times; everything that is called Whisper does.
				const timed = !/^gpt-/.test(transcribeModel);
				const shape = timed
					? { response_format: 'verbose_json' as const, timestamp_granularities: ['segment' as const, 'word' as const] }
					: { response_format: 'json' as const };
				const request = {
					model: transcribeModel,
					...shape,
					...(language ? { language } : {}),
					...(prompt ? { prompt } : {}),
				};
				const answer: unknown = await call(transcribeModel, signal, (client, options) =>
					client.audio.transcriptions.create({ ...request, file: createReadStream(audioPath) }, options),
				);
				return { ...readTranscript(answer, language), provider: 'openai', model: transcribeModel };
			},
		},
		writer: {
			name: 'openai',
			model: captionModel,
			obstacle,
			async write(request) {
				const answer: unknown = await call(captionModel, request.signal, (client, options) =>
					client.chat.completions.create(chatRequest(request, captionModel), options),
				);
				return { ...readCompletion(answer, captionModel), provider: 'openai', model: captionModel };
			},
		},
	};
}

const transcriptSchema = z.object({
	text: z.string(),
	language: z.string().nullish(),
	duration: z.coerce.number().nonnegative().nullish(),
	segments: z.array(z.object({ start: z.number(), end: z.number(), text: z.string() })).nullish(),
	words: z.array(z.object({ start: z.number(), end: z.number(), word: z.string() })).nullish(),
});

function readTranscript(answer: unknown, asked: string | undefined): Omit<Transcript, 'provider' | 'model'> {
	const parsed = transcriptSchema.safeParse(answer);
	if (!parsed.success) {
		throw new PipelineError(
			'provider_rejected',
			'The AI server answered something that is no transcript. Check that OPENAI_BASE_URL names an OpenAI-compatible server (usually ending in /v1).',
		);
	}
	const { text, language, duration, segments, words } = parsed.data;
	const durationSeconds = duration ?? segments?.at(-1)?.end ?? words?.at(-1)?.end ?? 0;
	return {
		text: text.trim(),
		language: languageCode(language ?? asked ?? ''),
		durationSeconds,
		segments:
			segments
				?.map((segment) => ({ ...segment, text: segment.text.trim() }))
				.filter((segment) => segment.text !== '') ?? [],
		words: words ?? null,
		usage: { audio_seconds: durationSeconds },
	};
}

function chatRequest(request: WriteRequest, model: string): OpenAI.ChatCompletionCreateParamsNonStreaming {
	const images = request.images.map(({ mime, data }) => ({
		type: 'image_url' as const,
		// "low" is 512 px and a fixed small price: enough to see what a video is about.
		image_url: { url: `data:${mime};base64,${data.toString('base64')}`, detail: 'low' as const },
	}));
	const repair = request.repair
		? [
				{ role: 'assistant' as const, content: request.repair.answer },
				{ role: 'user' as const, content: request.repair.complaint },
			]
		: [];
	return {
		model,
		messages: [
			{ role: 'system', content: request.system },
			{ role: 'user', content: [{ type: 'text', text: request.user }, ...images] },
			...repair,
		],
		response_format: {
			type: 'json_schema',
			json_schema: { name: request.schemaName, strict: true, schema: request.schema },
		},
	};
}

const completionSchema = z.object({
	choices: z
		.array(
			z.object({
				finish_reason: z.string().nullish(),
				message: z.object({ content: z.string().nullish(), refusal: z.string().nullish() }),
			}),
		)
		.min(1),
	usage: z.object({ prompt_tokens: z.number(), completion_tokens: z.number(), total_tokens: z.number() }).nullish(),
});

function readCompletion(answer: unknown, model: string) {
	const parsed = completionSchema.safeParse(answer);
	const choice = parsed.data?.choices[0];
	if (!parsed.success || !choice) {
		throw new PipelineError(
			'provider_rejected',
			'The AI server answered something that is no chat completion. Check that OPENAI_BASE_URL names an OpenAI-compatible server (usually ending in /v1).',
		);
	}
	if (choice.message.refusal)
		throw new PipelineError(
			'provider_rejected',
			`The model ${model} refused to write: ${choice.message.refusal.slice(0, 300)}`,
		);
	if (choice.finish_reason === 'content_filter')
		throw new PipelineError('provider_rejected', `The content filter of the AI server stopped the answer of ${model}.`);
	if (choice.finish_reason === 'length')
		throw new PipelineError(
			'provider_rejected',
			`The answer of ${model} was cut off by its length limit. Ask for fewer variants or platforms.`,
		);
	const text = choice.message.content ?? '';
	const { prompt_tokens: input = 0, completion_tokens: output = 0, total_tokens: total = 0 } = parsed.data.usage ?? {};
	return { text, json: parseJson(text), usage: { ai_input_tokens: input, ai_output_tokens: output, ai_tokens: total } };
}

/** Smaller models like to wrap JSON in a code fence although they were given a schema. */
function parseJson(text: string): unknown {
	const bare = /^\s*```(?:json)?\s*([\s\S]*?)\s*```\s*$/.exec(text)?.[1] ?? text;
	try {
		return JSON.parse(bare);
	} catch {
		return undefined;
	}
}

/** A failure of the library in our own words; the key never comes along, not even in a message of the server. */
function providerError(
	error: unknown,
	{ model, late, secret }: { model: string; late: boolean; secret: string },
): PipelineError {
	const hide = (text: string) =>
		(secret ? text.replaceAll(secret, '***') : text).replace(/\b(sk|key)-[\w*-]{6,}/g, '$1-***');
	const cause = new Error(hide(String((error as Error | undefined)?.message ?? error)));
	if (late) return new PipelineError('provider_unavailable', 'The AI server did not answer in time.', { cause });
	if (!(error instanceof OpenAI.APIError))
		return new PipelineError(
			'internal',
			'Calling the AI server failed in an unexpected way. The log of the sidecar has the details.',
			{ cause },
		);
	const { status } = error as { status: number | undefined };
	const said = hide(cause.message.replace(/^\d{3} /, '')).slice(0, 300);
	const details = { status, model };
	if (status === undefined) {
		return new PipelineError(
			'provider_unavailable',
			'The AI server was not reached. Check OPENAI_BASE_URL and the network of the sidecar.',
			{ cause },
		);
	}
	if (status === 401 || status === 403) {
		return new PipelineError(
			'provider_rejected',
			`The AI server refused OPENAI_API_KEY (${status}). Check the key, and that it may use the model ${model}.`,
			{ details, cause },
		);
	}
	if (status === 429 && [error.code, error.type].includes('insufficient_quota')) {
		return new PipelineError(
			'provider_rejected',
			'The account of OPENAI_API_KEY has no credit left. Check plan and billing at the provider.',
			{ details, cause },
		);
	}
	if (status === 429) {
		return new PipelineError('provider_rate_limited', 'The AI server asks to slow down (429).', {
			details,
			cause,
			retryAfterSeconds: pause(error),
		});
	}
	if (status === 408 || status === 409 || status >= 500) {
		return new PipelineError('provider_unavailable', `The AI server has a problem at the moment (${status}).`, {
			details,
			cause,
			retryAfterSeconds: pause(error),
		});
	}
	if (status === 404)
		return new PipelineError(
			'provider_rejected',
			`The AI server does not know the model ${model}, or the address is wrong (404). Check the model name and OPENAI_BASE_URL.`,
			{ details, cause },
		);
	return new PipelineError('provider_rejected', `The AI server refused the request (${status}): ${said}`, {
		details,
		cause,
	});
}

function pause(error: { headers: unknown }): number | undefined {
	const headers = error.headers as Headers | undefined;
	const milliseconds = Number(headers?.get('retry-after-ms') ?? NaN);
	if (Number.isFinite(milliseconds)) return Math.ceil(milliseconds / 1000);
	return retryAfterSeconds({ 'retry-after': headers?.get('retry-after') ?? '' });
}
