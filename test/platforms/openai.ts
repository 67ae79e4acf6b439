import type { AddressInfo } from 'node:net';
import express, { type Request, type Response } from 'express';
import { imageUrls, plausibleAnswer, vectorOf } from './openai/answers.ts';
import { inspectAudio, inspectImage, readForm, toneMp3, toneWav, type AudioFacts, type ImageFacts } from './openai/media.ts';
import { onlyFields, onlyWhole, Refused } from './openai/refused.ts';
import { checkStrict, type SchemaNode } from './openai/schema.ts';

export interface ScriptedTranscript {
	text: string;
	/** As Whisper says it: `english`. */
	language?: string;
	segments?: Array<{ start: number; end: number; text: string; speaker?: string; no_speech_prob?: number; avg_logprob?: number }>;
	words?: Array<{ start: number; end: number; word: string }>;
}

export interface ChatRequest {
	model: string;
	messages: Array<{ role: string; content: unknown }>;
	response_format: { type: string; json_schema: { name: string; strict: boolean; schema: Record<string, unknown> } };
}

export type Kind = 'transcription' | 'chat' | 'embedding' | 'moderation' | 'speech';

export interface Failure {
	status: number;
	code?: string;
	type?: string;
	message?: string;
	/** Further fields of the error object. */
	error?: object;
	headers?: Record<string, string>;
	/** Only calls of this kind. */
	when?: Kind;
	/** How many calls. Default 1. */
	times?: number;
	/** Sent as it is instead of an error object, e.g. the page of a proxy; with `status` 200 an answer that is not JSON. */
	raw?: { type: string; body: string };
	/** The answer begins as JSON with `status`, and then the connection breaks, or it goes on without end. */
	broken?: 'cut' | 'endless';
}

export interface TranscriptionCall extends AudioFacts {
	fields: Record<string, string[]>;
	fileName: string;
	bytes: number;
}

export interface OpenAiEmulator {
	/** OPENAI_BASE_URL */
	url: string;
	keys: Set<string>;
	models: Set<string>;
	/** What is heard; its times should fit the audio. */
	transcript: ScriptedTranscript;
	/** What is heard in this call. Default: `transcript`. */
	hear: (call: TranscriptionCall) => ScriptedTranscript;
	/** Content of the next answers, in order (an object is sent as JSON); then `answer` is asked. */
	answers: unknown[];
	/** Default: a valid answer made from the schema; numbered texts are answered one by one. */
	answer: (request: ChatRequest) => unknown;
	/** Scores of pictures, by the API's categories; the others are 0. */
	moderation: (picture: ImageFacts) => Record<string, number>;
	/** Answered before anything else is looked at, in order. */
	failures: Failure[];
	/** Calls of this kind are never answered. */
	silent: Kind | null;
	finishReason: string;
	refusal: string | null;
	counts: Record<'transcriptions' | 'chats' | 'embeddings' | 'moderations' | 'speeches', number>;
	transcriptions: TranscriptionCall[];
	chats: Array<ChatRequest & { images: ImageFacts[] }>;
	embeddings: EmbeddingRequest[];
	speeches: SpeechRequest[];
	close(): Promise<void>;
}

interface EmbeddingRequest {
	model: string;
	input: string[];
	dimensions?: number;
	encoding_format?: string;
}

interface SpeechRequest {
	model: string;
	input: string;
	voice: string;
	response_format?: string;
}

const COUNTERS = { transcription: 'transcriptions', chat: 'chats', embedding: 'embeddings', moderation: 'moderations', speech: 'speeches' } as const satisfies Record<Kind, string>;
const CHAT_FIELDS = ['model', 'messages', 'response_format', 'temperature', 'max_completion_tokens', 'seed'];
const ROLES = ['system', 'developer', 'user', 'assistant'];
const VOICES = ['alloy', 'ash', 'ballad', 'coral', 'echo', 'fable', 'onyx', 'nova', 'sage', 'shimmer', 'verse', 'marin', 'cedar'];
const CATEGORIES = ['harassment', 'harassment/threatening', 'hate', 'hate/threatening', 'illicit', 'illicit/violent', 'self-harm', 'self-harm/instructions', 'self-harm/intent', 'sexual', 'sexual/minors', 'violence', 'violence/graphic'];
const MAX_GPT_AUDIO_SECONDS = 1400;
const MAX_INPUTS = 2048;
/** Numbers of a vector of text-embedding-3-small. */
const FULL_DIMENSIONS = 1536;

/** An OpenAI-compatible server, as strict as the documentation of the API allows. */
export async function startOpenAi(): Promise<OpenAiEmulator> {
	const emulator: Omit<OpenAiEmulator, 'url' | 'close'> = {
		keys: new Set(['test-key']),
		models: new Set(['whisper-1', 'gpt-4o-mini-transcribe', 'gpt-4o-transcribe-diarize', 'gpt-4o-mini', 'text-embedding-3-small', 'omni-moderation-latest', 'gpt-4o-mini-tts', 'tts-1']),
		transcript: { text: 'Hello world.', language: 'english' },
		hear: () => emulator.transcript,
		answers: [],
		answer: plausibleAnswer,
		moderation: () => ({}),
		failures: [],
		silent: null,
		finishReason: 'stop',
		refusal: null,
		counts: { transcriptions: 0, chats: 0, embeddings: 0, moderations: 0, speeches: 0 },
		transcriptions: [],
		chats: [],
		embeddings: [],
		speeches: [],
	};

	/** Counts; checks the key; scripted failures. True when the call has been answered (or never will be). */
	function intercepted(request: Request, response: Response, kind: Kind): boolean {
		emulator.counts[COUNTERS[kind]]++;
		const key = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
		if (!emulator.keys.has(key)) throw new Refused(401, `Incorrect API key provided: ${key}.`, 'invalid_api_key');
		if (emulator.silent === kind) return true;
		const failure = emulator.failures.find(({ when = kind, times = 1 }) => when === kind && times > 0);
		if (!failure) return false;
		failure.times = (failure.times ?? 1) - 1;
		const { status, message = `Scripted ${status}`, type = 'error', code = null, headers = {}, error = {}, raw, broken } = failure;
		response.status(status).set(headers);
		if (broken) breakOff(response, broken);
		else if (raw) response.type(raw.type).send(raw.body);
		else response.json({ error: { message, type, code, param: null, ...error } });
		return true;
	}

	function knownModel(model: unknown): string {
		if (typeof model !== 'string' || model === '') throw new Refused(400, 'you must provide a model parameter');
		if (!emulator.models.has(model)) throw new Refused(404, `The model \`${model}\` does not exist`, 'model_not_found');
		return model;
	}

	const app = express();
	const json = express.json({ limit: '50mb' });
	app.post('/v1/audio/transcriptions', express.raw({ type: () => true, limit: '64mb' }), async (request, response) => {
		if (intercepted(request, response, 'transcription')) return;
		const { fields, file } = await readForm(request);
		const model = knownModel(fields['model']?.[0]);
		const format = checkTranscription(fields, model);
		const audio = await inspectAudio(file);
		checkLength(fields, model, audio);
		const call = { fields, fileName: file.name, bytes: file.data.length, ...audio };
		emulator.transcriptions.push(call);
		response.json(transcriptAnswer(emulator.hear(call), format, call));
	});

	app.post('/v1/chat/completions', json, async (request, response) => {
		if (intercepted(request, response, 'chat')) return;
		const body = request.body as ChatRequest;
		onlyFields(body, CHAT_FIELDS);
		knownModel(body.model);
		if (!Array.isArray(body.messages) || body.messages.length === 0) throw new Refused(400, "'messages' must be a non-empty array");
		for (const { role, content } of body.messages) {
			if (!ROLES.includes(role)) throw new Refused(400, `Invalid value: '${role}'. Supported values are: ${ROLES.join(', ')}.`);
			if (typeof content !== 'string' && !Array.isArray(content)) throw new Refused(400, "Invalid type for 'messages.content'.");
			if (role !== 'user' && Array.isArray(content) && content.some((part: { type: string }) => part.type === 'image_url')) throw new Refused(400, `Image URLs are only allowed for messages with role 'user', but this message with role '${role}' contains an image URL.`);
		}
		const { type, json_schema: schema } = body.response_format ?? {};
		if (type !== 'json_schema' || !schema?.name || !/^[\w-]{1,64}$/.test(schema.name)) throw new Refused(400, "Missing required parameter: 'response_format.json_schema.name'");
		if (schema.strict) checkStrict(schema.schema as SchemaNode);
		onlyWhole(body.messages);
		const images = await Promise.all(imageUrls(body).map(inspectImage));
		emulator.chats.push({ ...body, images });
		const next = emulator.answers.length > 0 ? emulator.answers.shift() : emulator.answer(body);
		const content = typeof next === 'string' ? next : JSON.stringify(next);
		response.json({
			id: `chatcmpl-${emulator.counts.chats}`,
			object: 'chat.completion',
			created: 1_700_000_000,
			model: body.model,
			choices: [{ index: 0, finish_reason: emulator.finishReason, message: { role: 'assistant', content: emulator.refusal ? null : content, refusal: emulator.refusal } }],
			usage: { prompt_tokens: 100, completion_tokens: 50, total_tokens: 150 },
		});
	});

	app.post('/v1/embeddings', json, (request, response) => {
		if (intercepted(request, response, 'embedding')) return;
		const body = request.body as EmbeddingRequest;
		onlyFields(body, ['model', 'input', 'dimensions', 'encoding_format', 'user']);
		const model = knownModel(body.model);
		const { input, dimensions = FULL_DIMENSIONS, encoding_format: encoding = 'float' } = body;
		if (!Array.isArray(input) || input.length === 0 || input.length > MAX_INPUTS) throw new Refused(400, `'$.input' is invalid: an array of 1 to ${MAX_INPUTS} texts`);
		if (input.some((text) => typeof text !== 'string' || text === '')) throw new Refused(400, "'$.input' is invalid: input cannot be an empty string");
		if (!Number.isInteger(dimensions) || dimensions < 1 || dimensions > FULL_DIMENSIONS) throw new Refused(400, `Invalid value for 'dimensions': at most ${FULL_DIMENSIONS}`);
		if (!model.startsWith('text-embedding-3') && body.dimensions !== undefined) throw new Refused(400, 'This model does not support specifying dimensions.');
		if (!['float', 'base64'].includes(encoding)) throw new Refused(400, "Invalid value for 'encoding_format'");
		onlyWhole(input);
		emulator.embeddings.push(body);
		const tokens = input.reduce((sum, text) => sum + Math.ceil(text.length / 4), 0);
		const shaped = (vector: number[]): number[] | string => (encoding === 'float' ? vector : Buffer.from(Float32Array.from(vector).buffer).toString('base64'));
		response.json({
			object: 'list',
			model,
			data: input.map((text, index) => ({ object: 'embedding', index, embedding: shaped(vectorOf(text, dimensions)) })),
			usage: { prompt_tokens: tokens, total_tokens: tokens },
		});
	});

	app.post('/v1/moderations', json, async (request, response) => {
		if (intercepted(request, response, 'moderation')) return;
		const body = request.body as { model?: string; input?: unknown };
		onlyFields(body, ['model', 'input']);
		const model = knownModel(body.model ?? 'omni-moderation-latest');
		const parts = (Array.isArray(body.input) ? body.input : [body.input]) as Array<string | { type: string; image_url?: { url?: string } }>;
		const urls = parts.flatMap((part) => (typeof part === 'object' && part?.type === 'image_url' ? [part.image_url?.url ?? ''] : []));
		if (parts.length === 0 || body.input === undefined) throw new Refused(400, "Missing required parameter: 'input'");
		if (urls.length > 1) throw new Refused(400, 'Too many images. Maximum number of images is 1.', 'too_many_images');
		const picture = urls[0] === undefined ? null : await inspectImage(urls[0]);
		const scores = Object.fromEntries(CATEGORIES.map((name) => [name, 0]));
		Object.assign(scores, picture ? emulator.moderation(picture) : {});
		const flags = Object.fromEntries(Object.entries(scores).map(([name, score]) => [name, score > 0.5]));
		response.json({ id: `modr-${emulator.counts.moderations}`, model, results: [{ flagged: Object.values(flags).some(Boolean), categories: flags, category_scores: scores }] });
	});

	app.post('/v1/audio/speech', json, async (request, response) => {
		if (intercepted(request, response, 'speech')) return;
		const body = request.body as SpeechRequest;
		onlyFields(body, ['model', 'input', 'voice', 'instructions', 'response_format', 'speed', 'stream_format']);
		knownModel(body.model);
		if (typeof body.input !== 'string' || body.input === '' || body.input.length > 4096) throw new Refused(400, "Invalid 'input': a text of 1 to 4096 characters");
		if (!VOICES.includes(body.voice)) throw new Refused(400, `Input should be ${VOICES.join(', ')}`, 'invalid_value');
		const format = body.response_format ?? 'mp3';
		if (format !== 'wav' && format !== 'mp3') throw new Refused(400, `This stand-in has no ${format}`);
		onlyWhole(body.input);
		emulator.speeches.push(body);
		// About 15 characters per second, as people speak.
		const seconds = Math.max(0.2, body.input.length / 15);
		if (format === 'wav') response.type('audio/wav').send(toneWav(seconds));
		else response.type('audio/mpeg').send(await toneMp3(seconds));
	});

	app.use((request: Request) => {
		throw new Refused(404, `Unknown request URL: ${request.method} ${request.path}.`);
	});
	app.use((error: Error & { type?: string }, _request: Request, response: Response, _next: express.NextFunction) => {
		const ofExpress: Record<string, number> = { 'entity.too.large': 413, 'entity.parse.failed': 400 };
		const { status, code } = error instanceof Refused ? error : { status: ofExpress[error.type ?? ''] ?? 500, code: null };
		response.status(status).json({ error: { message: error.message, type: 'invalid_request_error', code, param: null } });
	});

	const server = app.listen(0, '127.0.0.1');
	await new Promise<void>((resolve) => server.once('listening', resolve));
	return Object.assign(emulator, {
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
		close: () =>
			new Promise<void>((resolve) => {
				server.close(() => resolve());
				server.closeAllConnections();
			}),
	});
}

function breakOff(response: Response, how: 'cut' | 'endless'): void {
	response.type('json').write('{"text": "', () => void (how === 'cut' && response.destroy()));
	if (how === 'cut') return;
	const more = (): void => void (response.destroyed || response.write(Buffer.alloc(1024 * 1024, 'a'), () => setImmediate(more)));
	more();
}

/** @returns the format of the answer */
function checkTranscription(fields: Record<string, string[]>, model: string): string {
	const format = fields['response_format']?.[0] ?? 'json';
	const granularities = fields['timestamp_granularities[]'] ?? [];
	const diarizes = model.includes('diarize');
	const known = diarizes ? ['json', 'diarized_json'] : model.startsWith('gpt-') ? ['json'] : ['json', 'verbose_json'];
	if (!known.includes(format)) throw new Refused(400, `response_format '${format}' is not compatible with model '${model}'`);
	if (granularities.length > 0 && format !== 'verbose_json') throw new Refused(400, 'timestamp_granularities needs verbose_json');
	if (granularities.some((entry) => entry !== 'word' && entry !== 'segment')) throw new Refused(400, 'Invalid timestamp_granularities');
	if (fields['language'] && !/^[a-z]{2}$/.test(fields['language'][0] ?? '')) throw new Refused(400, `Invalid language '${fields['language'][0]}'`);
	if (diarizes && fields['prompt']) throw new Refused(400, 'prompt is not supported for diarization models');
	if (!model.startsWith('gpt-') && fields['chunking_strategy']) throw new Refused(400, `chunking_strategy is not compatible with model '${model}'`);
	return format;
}

function checkLength(fields: Record<string, string[]>, model: string, { durationSeconds }: AudioFacts): void {
	if (model.startsWith('gpt-') && durationSeconds > MAX_GPT_AUDIO_SECONDS) throw new Refused(400, `audio duration ${durationSeconds} seconds is longer than ${MAX_GPT_AUDIO_SECONDS} seconds which is the maximum for this model`);
	if (model.includes('diarize') && durationSeconds > 30 && fields['chunking_strategy']?.[0] !== 'auto') throw new Refused(400, 'chunking_strategy is required for diarization models');
}

function transcriptAnswer({ text, language = 'english', segments = [], words = [] }: ScriptedTranscript, format: string, { fields, durationSeconds }: TranscriptionCall): object {
	const usage = { type: 'duration', seconds: Math.ceil(durationSeconds) };
	if (format === 'diarized_json') {
		const spoken = segments.map(({ start, end, text: said, speaker = 'A' }, id) => ({ type: 'transcript.text.segment', id: `seg_${id}`, start, end, text: said, speaker }));
		return { task: 'transcribe', duration: durationSeconds, text, segments: spoken, usage };
	}
	if (format === 'json') {
		const [input, output] = [Math.ceil(durationSeconds * 10), Math.ceil(text.length / 4)];
		return fields['model']?.[0]?.startsWith('gpt-') ? { text, usage: { type: 'tokens', input_tokens: input, output_tokens: output, total_tokens: input + output, input_token_details: { text_tokens: 0, audio_tokens: input } } } : { text, usage };
	}
	const granularities = fields['timestamp_granularities[]'] ?? ['segment'];
	const detailed = segments.map((segment, id) => ({ id, seek: 0, tokens: [], temperature: 0, avg_logprob: -0.2, compression_ratio: 1, no_speech_prob: 0, ...segment }));
	return {
		task: 'transcribe',
		language,
		duration: durationSeconds,
		text,
		...(granularities.includes('segment') ? { segments: detailed } : {}),
		...(granularities.includes('word') ? { words } : {}),
		usage,
	};
}
