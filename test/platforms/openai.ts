import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import express, { type Request, type Response } from 'express';
import sharp from 'sharp';

export interface ScriptedTranscript {
	text: string;
	/** As Whisper says it: `english`. */
	language?: string;
	segments?: Array<{ start: number; end: number; text: string }>;
	words?: Array<{ start: number; end: number; word: string }>;
}

export interface ChatRequest {
	model: string;
	messages: Array<{ role: string; content: unknown }>;
	response_format: { type: string; json_schema: { name: string; strict: boolean; schema: Record<string, unknown> } };
}

export interface OpenAiEmulator {
	/** OPENAI_BASE_URL */
	url: string;
	keys: Set<string>;
	models: Set<string>;
	/** What is heard; its times should fit the audio. */
	transcript: ScriptedTranscript;
	/** Content of the next answers, in order (an object is sent as JSON); then `answer` is asked. */
	answers: unknown[];
	/** Default: a valid answer made from the schema. */
	answer: (request: ChatRequest) => unknown;
	/** Answered before anything else is looked at, in order; `when` limits an entry to one kind of call. */
	failures: Array<{
		status: number;
		code?: string;
		type?: string;
		message?: string;
		headers?: Record<string, string>;
		when?: 'transcription' | 'chat';
	}>;
	/** Calls of this kind are never answered. */
	silent: 'transcription' | 'chat' | null;
	finishReason: string;
	refusal: string | null;
	counts: { transcriptions: number; chats: number };
	transcriptions: Array<{
		fields: Record<string, string[]>;
		fileName: string;
		bytes: number;
		durationSeconds: number;
		channels: number;
		sampleRate: number;
	}>;
	chats: Array<ChatRequest & { images: Array<{ width: number; height: number; format: string }> }>;
	close(): Promise<void>;
}

const MAX_AUDIO_BYTES = 25 * 1024 * 1024;
const FIELDS = ['file', 'model', 'response_format', 'timestamp_granularities[]', 'language', 'prompt', 'temperature'];
const CHAT_FIELDS = ['model', 'messages', 'response_format', 'temperature', 'max_completion_tokens', 'seed'];
const run = promisify(execFile);

class Refused extends Error {
	readonly status: number;
	readonly code: string | null;
	constructor(status: number, message: string, code: string | null = null) {
		super(message);
		this.status = status;
		this.code = code;
	}
}

/** An OpenAI-compatible server: POST /v1/audio/transcriptions and /v1/chat/completions, as strict as the documentation allows. */
export async function startOpenAi(): Promise<OpenAiEmulator> {
	const emulator: Omit<OpenAiEmulator, 'url' | 'close'> = {
		keys: new Set(['test-key']),
		models: new Set(['whisper-1', 'gpt-4o-mini-transcribe', 'gpt-4o-mini']),
		transcript: { text: 'Hello world.', language: 'english' },
		answers: [],
		answer: (request) => fromSchema(request.response_format.json_schema.schema),
		failures: [],
		silent: null,
		finishReason: 'stop',
		refusal: null,
		counts: { transcriptions: 0, chats: 0 },
		transcriptions: [],
		chats: [],
	};

	/** Auth and scripted failures; true when the call has been answered (or never will be). */
	function intercepted(request: Request, response: Response, kind: 'transcription' | 'chat'): boolean {
		const key = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
		if (!emulator.keys.has(key)) throw new Refused(401, `Incorrect API key provided: ${key}.`, 'invalid_api_key');
		if (emulator.silent === kind) return true;
		const index = emulator.failures.findIndex(({ when = kind }) => when === kind);
		const failure = index >= 0 ? emulator.failures.splice(index, 1)[0] : undefined;
		if (!failure) return false;
		const { status, message = `Scripted ${status}`, type = 'error', code = null } = failure;
		response
			.status(status)
			.set(failure.headers ?? {})
			.json({ error: { message, type, code, param: null } });
		return true;
	}

	function knownModel(model: unknown): string {
		if (typeof model !== 'string' || model === '') throw new Refused(400, 'you must provide a model parameter');
		if (!emulator.models.has(model)) throw new Refused(404, `The model \`${model}\` does not exist`, 'model_not_found');
		return model;
	}

	const app = express();
	app.post('/v1/audio/transcriptions', express.raw({ type: () => true, limit: '64mb' }), async (request, response) => {
		emulator.counts.transcriptions++;
		if (intercepted(request, response, 'transcription')) return;
		const { fields, file } = await readForm(request);
		const model = knownModel(fields.model?.[0]);
		const format = fields.response_format?.[0] ?? 'json';
		const granularities = fields['timestamp_granularities[]'] ?? [];
		if (model.startsWith('gpt-') && format !== 'json')
			throw new Refused(400, `response_format '${format}' is not compatible with model '${model}'`);
		if (!['json', 'verbose_json'].includes(format)) throw new Refused(400, `Invalid response_format '${format}'`);
		if (granularities.length > 0 && format !== 'verbose_json')
			throw new Refused(400, 'timestamp_granularities needs verbose_json');
		if (granularities.some((entry) => entry !== 'word' && entry !== 'segment'))
			throw new Refused(400, 'Invalid timestamp_granularities');
		if (fields.language && !/^[a-z]{2}$/.test(fields.language[0] ?? ''))
			throw new Refused(400, `Invalid language '${fields.language[0]}'`);
		const audio = await inspectAudio(file);
		emulator.transcriptions.push({ fields, fileName: file.name, bytes: file.data.length, ...audio });
		const { text, language = 'english', segments = [], words = [] } = emulator.transcript;
		if (format === 'json') return void response.json({ text });
		const withSegments = granularities.length === 0 || granularities.includes('segment');
		response.json({
			task: 'transcribe',
			language,
			duration: audio.durationSeconds,
			text,
			...(withSegments
				? {
						segments: segments.map((segment, id) => ({
							id,
							seek: 0,
							tokens: [],
							temperature: 0,
							avg_logprob: -0.2,
							compression_ratio: 1,
							no_speech_prob: 0,
							...segment,
						})),
					}
				: {}),
			...(granularities.includes('word') ? { words } : {}),
			usage: { type: 'duration', seconds: Math.ceil(audio.durationSeconds) },
		});
	});

	app.post('/v1/chat/completions', express.json({ limit: '50mb' }), async (request, response) => {
		emulator.counts.chats++;
		if (intercepted(request, response, 'chat')) return;
		const body = request.body as ChatRequest;
		const unknown = Object.keys(body).filter((name) => !CHAT_FIELDS.includes(name));
		if (unknown.length > 0) throw new Refused(400, `Unrecognized request argument supplied: ${unknown.join(', ')}`);
		knownModel(body.model);
		if (!Array.isArray(body.messages) || body.messages.length === 0)
			throw new Refused(400, "'messages' must be a non-empty array");
		const { type, json_schema: schema } = body.response_format ?? {};
		if (type !== 'json_schema' || !schema?.name || !/^[\w-]{1,64}$/.test(schema.name))
			throw new Refused(400, "Missing required parameter: 'response_format.json_schema.name'");
		if (schema.strict) checkStrict(schema.schema, 'schema');
		const images = await Promise.all(imageUrls(body).map(inspectImage));
		emulator.chats.push({ ...body, images });
		const next = emulator.answers.length > 0 ? emulator.answers.shift() : emulator.answer(body);
		const content = typeof next === 'string' ? next : JSON.stringify(next);
		response.json({
			id: `chatcmpl-${emulator.counts.chats}`,
			object: 'chat.completion',
			created: 1_700_000_000,
			model: body.model,
			choices: [
				{
					index: 0,
					finish_reason: emulator.finishReason,
					message: { role: 'assistant', content: emulator.refusal ? null : content, refusal: emulator.refusal },
				},
			],
			usage: { prompt_tokens: 100, completion_tokens: 50, total_tokens: 150 },
		});
	});
	app.use((request: Request) => {
		throw new Refused(404, `Unknown request URL: ${request.method} ${request.path}.`);
	});
	app.use((error: Error, _request: Request, response: Response, _next: express.NextFunction) => {
		const { status, code } = error instanceof Refused ? error : { status: 500, code: null };
		response
			.status(status)
			.json({ error: { message: error.message, type: 'invalid_request_error', code, param: null } });
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

interface UploadedFile {
	name: string;
	data: Buffer;
}

async function readForm(request: Request): Promise<{ fields: Record<string, string[]>; file: UploadedFile }> {
	const type = request.headers['content-type'] ?? '';
	if (!type.startsWith('multipart/form-data')) throw new Refused(415, 'Expected multipart/form-data');
	const form = await new globalThis.Request('http://x', {
		method: 'POST',
		headers: { 'content-type': type },
		body: new Uint8Array(request.body as Buffer),
	}).formData();
	const fields: Record<string, string[]> = {};
	let file: UploadedFile | null = null;
	for (const [name, value] of form) {
		if (!FIELDS.includes(name)) throw new Refused(400, `Unrecognized request argument supplied: ${name}`);
		if (typeof value === 'string') (fields[name] ??= []).push(value);
		else file = { name: value.name, data: Buffer.from(await value.arrayBuffer()) };
	}
	if (!file) throw new Refused(400, "Missing required parameter: 'file'");
	if (file.data.length > MAX_AUDIO_BYTES)
		throw new Refused(413, `Maximum content size limit (${MAX_AUDIO_BYTES}) exceeded (${file.data.length} bytes read)`);
	if (!/\.(flac|mp3|mp4|mpeg|mpga|m4a|ogg|wav|webm)$/.test(file.name))
		throw new Refused(400, `Invalid file format: ${file.name}`);
	return { fields, file };
}

async function inspectAudio(
	file: UploadedFile,
): Promise<{ durationSeconds: number; channels: number; sampleRate: number }> {
	const folder = await mkdtemp(join(tmpdir(), 'openai-audio-'));
	try {
		const path = join(folder, 'audio');
		await writeFile(path, file.data);
		const args = [
			'-v',
			'error',
			'-select_streams',
			'a:0',
			'-show_entries',
			'stream=channels,sample_rate:format=duration',
			'-of',
			'json',
			path,
		];
		const { stdout } = await run('ffprobe', args);
		const probed = JSON.parse(stdout) as {
			streams: Array<{ channels: number; sample_rate: string }>;
			format: { duration: string };
		};
		const stream = probed.streams[0];
		if (!stream) throw new Error('no audio');
		// Decoded to the end: a header alone is not audio.
		await run('ffmpeg', ['-v', 'error', '-xerror', '-i', path, '-f', 'null', '-']);
		return {
			durationSeconds: Number(probed.format.duration),
			channels: stream.channels,
			sampleRate: Number(stream.sample_rate),
		};
	} catch {
		throw new Refused(400, 'The audio file could not be decoded or its format is not supported.');
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

function imageUrls(body: ChatRequest): string[] {
	const parts = body.messages.flatMap(({ content }) =>
		Array.isArray(content) ? (content as Array<{ type: string; image_url?: { url?: string } }>) : [],
	);
	return parts.filter(({ type }) => type === 'image_url').map(({ image_url: image }) => image?.url ?? '');
}

async function inspectImage(url: string): Promise<{ width: number; height: number; format: string }> {
	const data = /^data:image\/(jpeg|png|webp|gif);base64,([A-Za-z0-9+/]+=*)$/.exec(url);
	if (!data?.[2]) throw new Refused(400, 'Invalid image data: expected a data URL', 'invalid_image_url');
	try {
		const bytes = Buffer.from(data[2], 'base64');
		await sharp(bytes).stats();
		const { width, height, format } = await sharp(bytes).metadata();
		if (format !== data[1]) throw new Error(`${format} is not ${data[1]}`);
		return { width, height, format };
	} catch {
		throw new Refused(400, 'You uploaded an unsupported image.', 'image_parse_error');
	}
}

interface SchemaNode {
	type?: string;
	properties?: Record<string, SchemaNode>;
	required?: string[];
	additionalProperties?: boolean;
	items?: SchemaNode;
	enum?: unknown[];
	const?: unknown;
}

/** Structured outputs: every object closed, every property required. */
function checkStrict(node: SchemaNode, path: string): void {
	if (node?.type === 'object') {
		const names = Object.keys(node.properties ?? {});
		if (node.additionalProperties !== false)
			throw new Refused(
				400,
				`Invalid schema: 'additionalProperties' is required to be supplied and to be false at ${path}.`,
			);
		if (names.some((name) => !node.required?.includes(name)))
			throw new Refused(400, `Invalid schema: 'required' must name every property at ${path}.`);
		for (const name of names) checkStrict(node.properties?.[name] ?? {}, `${path}.${name}`);
	} else if (node?.type === 'array') checkStrict(node.items ?? {}, `${path}[]`);
}

/** A plausible answer: one object per combination of the enumerated properties of a list, some words elsewhere. */
function fromSchema(node: SchemaNode, name = 'text'): unknown {
	if (node.const !== undefined) return node.const;
	if (node.enum) return node.enum[0];
	if (node.type === 'object')
		return Object.fromEntries(
			Object.entries(node.properties ?? {}).map(([key, child]) => [key, fromSchema(child, key)]),
		);
	if (node.type === 'array') return combinations(node.items ?? {}).map((item) => fromSchema(item, name));
	if (node.type === 'integer' || node.type === 'number') return 1;
	return name === 'hashtags' || name === 'tags'
		? 'video'
		: `A ${name.replaceAll('_', ' ')} written from what is seen and heard.`;
}

function combinations(item: SchemaNode): SchemaNode[] {
	let nodes = [item];
	for (const [key, child] of Object.entries(item.properties ?? {})) {
		const values = child.enum ?? (child.const === undefined ? null : [child.const]);
		if (values)
			nodes = nodes.flatMap((node) =>
				values.map((value) => ({ ...node, properties: { ...node.properties, [key]: { const: value } } })),
			);
	}
	return nodes;
}
