import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import express, { type Request, type Response } from 'express';

const run = promisify(execFile);

type Step = 'speak' | 'voices' | 'transcribe' | 'dub' | 'list' | 'look' | 'fetch' | 'delete';

export interface ElevenLabsEmulator {
	/** Base URL, without /v1. */
	url: string;
	key: string;
	/** Voices of the account, by ID. */
	voices: Map<string, string>;
	/** Answer of the next transcriptions. */
	transcript: { language_code: string; language_probability: number; text: string; words: Array<Record<string, unknown>>; audio_duration_secs?: number };
	/** Answered before anything else is looked at but the key, in order. */
	failures: Array<{ when: Step; status: number; body?: unknown; headers?: Record<string, string> }>;
	/** A dub stays `dubbing` while this is true. */
	slow: boolean;
	/** Makes dubs fail, with this reason. */
	dubError: string | null;
	counts: Record<Step, number>;
	spoken: Array<{ voice: string; text: string; model: string; language: string | null; format: string }>;
	forms: Array<{ step: 'transcribe' | 'dub'; fields: Record<string, string>; bytes: number }>;
	/** Most dubs of one page of the list. */
	pageSize: number;
	/** Dubs that are stored there. */
	dubs: Map<string, { name: string; target: string; looks: number }>;
	close(): Promise<void>;
}

const VOICE = 'JBFqnCBsd6RMkjVDRZzb';
const TTS_MODELS: Readonly<Record<string, { most: number; languageCode: boolean }>> = {
	eleven_multilingual_v2: { most: 10_000, languageCode: false },
	eleven_turbo_v2_5: { most: 40_000, languageCode: true },
	eleven_flash_v2_5: { most: 40_000, languageCode: true },
};
const STT_MODELS = ['scribe_v1', 'scribe_v1_experimental', 'scribe_v2'];
const STT_FIELDS = ['model_id', 'file', 'language_code', 'tag_audio_events', 'num_speakers', 'timestamps_granularity', 'diarize', 'diarization_threshold', 'temperature', 'seed'];
const DUB_FIELDS = ['file', 'name', 'source_lang', 'target_lang', 'num_speakers', 'watermark', 'start_time', 'end_time', 'highest_resolution', 'drop_background_audio', 'disable_voice_cloning', 'mode'];
/** Of the models that are told a language, and of dubbing: https://elevenlabs.io/docs/models, https://elevenlabs.io/docs/overview/capabilities/dubbing. */
const LANGUAGES = ['en', 'ja', 'zh', 'de', 'hi', 'fr', 'ko', 'pt', 'it', 'es', 'id', 'nl', 'tr', 'fil', 'pl', 'sv', 'bg', 'ro', 'ar', 'cs', 'el', 'fi', 'hr', 'ms', 'sk', 'da', 'ta', 'uk', 'ru', 'hu', 'no', 'vi'];
const FORMATS = ['mp3_22050_32', 'mp3_44100_64', 'mp3_44100_96', 'mp3_44100_128'];

class Refused extends Error {
	readonly status: number;
	readonly detail: unknown;
	constructor(status: number, detail: unknown) {
		super(JSON.stringify(detail));
		this.status = status;
		this.detail = detail;
	}
}
const refused = (status: number, code: string, message: string): Refused => new Refused(status, { type: 'error', code, status: code, message, request_id: randomUUID() });
const invalid = (field: string, msg: string): Refused => new Refused(422, [{ loc: ['body', field], msg, type: 'value_error' }]);

/** The part of api.elevenlabs.io that is used: speech, voices, transcripts, dubs. Sound is real: espeak-ng speaks, at a tenth of the size. */
export async function startElevenLabs(): Promise<ElevenLabsEmulator> {
	const folder = await mkdtemp(join(tmpdir(), 'elevenlabs-'));
	const results = new Map<string, Buffer>();
	const emulator: Omit<ElevenLabsEmulator, 'url' | 'close'> = {
		key: `sk_${randomBytes(12).toString('hex')}`,
		voices: new Map([[VOICE, 'George - Warm Storyteller'], ['21m00Tcm4TlvDq8ikWAM', 'Rachel']]),
		transcript: { language_code: 'eng', language_probability: 0.98, text: '', words: [] },
		failures: [],
		slow: false,
		dubError: null,
		counts: { speak: 0, voices: 0, transcribe: 0, dub: 0, list: 0, look: 0, fetch: 0, delete: 0 },
		spoken: [],
		forms: [],
		pageSize: 200,
		dubs: new Map(),
	};

	const step =
		(name: Step, work: (request: Request, response: Response) => unknown) =>
		async (request: Request, response: Response): Promise<void> => {
			emulator.counts[name]++;
			try {
				const key = request.headers['xi-api-key'];
				if (key === undefined) throw refused(401, 'needs_authorization', 'Neither authorization header nor xi-api-key received, please provide one.');
				if (key !== emulator.key) throw refused(401, 'invalid_api_key', `Invalid API key ${String(key)}`);
				const index = emulator.failures.findIndex(({ when }) => when === name);
				const failure = index >= 0 ? emulator.failures.splice(index, 1)[0] : undefined;
				if (failure) {
					response.status(failure.status).set(failure.headers ?? {}).json(failure.body ?? { detail: { status: 'scripted', message: `Scripted ${failure.status}` } });
					return;
				}
				const answer = await work(request, response);
				if (!response.headersSent) response.json(answer);
			} catch (error) {
				if (error instanceof Refused) response.status(error.status).json({ detail: error.detail });
				else response.status(500).json({ detail: { status: 'internal', message: error instanceof Error ? error.message : String(error) } });
			}
		};

	const app = express();
	const raw = express.raw({ type: 'multipart/form-data', limit: '100mb' });
	app.post(
		'/v1/text-to-speech/:voice',
		express.json({ limit: '1mb' }),
		step('speak', async (request, response) => {
			const voice = String(request.params['voice']);
			if (!emulator.voices.has(voice)) throw refused(404, 'voice_not_found', `A voice with the voice_id ${voice} was not found.`);
			const { text, model_id: model = 'eleven_multilingual_v2', language_code: language = null, ...rest } = request.body as { text?: unknown; model_id?: string; language_code?: string | null };
			const unknown = Object.keys(rest).find((name) => !['voice_settings', 'seed', 'previous_text', 'next_text', 'apply_text_normalization'].includes(name));
			if (unknown) throw invalid(unknown, 'Extra inputs are not permitted');
			if (typeof text !== 'string' || text.trim() === '') throw invalid('text', 'Field required');
			const known = TTS_MODELS[model];
			if (!known) throw refused(400, 'model_not_found', `A model with model ID ${model} does not exist.`);
			if (text.length > known.most) throw refused(400, 'max_character_limit_exceeded', `This request's text has ${text.length} characters and exceeds the character limit of ${known.most} characters.`);
			if (language !== null && !known.languageCode) throw refused(400, 'unsupported_language', `Model '${model}' does not support the language_code parameter.`);
			if (language !== null && !LANGUAGES.includes(language)) throw refused(400, 'unsupported_language', `Language code '${language}' is not supported.`);
			const format = String(request.query['output_format'] ?? 'mp3_44100_128');
			if (!FORMATS.includes(format)) throw refused(403, 'output_format_not_allowed', `The output_format ${format} is not part of this plan.`);
			emulator.spoken.push({ voice, text, model, language, format });
			response.set({ 'content-type': 'audio/mpeg', 'character-cost': String(text.length), 'request-id': randomUUID() }).send(await speech(folder, text, language ?? 'en'));
		}),
	);
	app.get(
		'/v2/voices',
		step('voices', ({ query }) => {
			const size = Number(query['page_size'] ?? 10);
			if (!(size >= 1 && size <= 100)) throw new Refused(422, [{ loc: ['query', 'page_size'], msg: 'Input should be less than or equal to 100', type: 'less_than_equal' }]);
			const wanted = String(query['search'] ?? '').toLowerCase();
			const voices = [...emulator.voices].filter(([, name]) => name.toLowerCase().includes(wanted)).map(([voice_id, name]) => ({ voice_id, name, category: 'premade', labels: {} }));
			return { voices, has_more: false, total_count: voices.length, next_page_token: null };
		}),
	);
	app.post(
		'/v1/speech-to-text',
		raw,
		step('transcribe', async (request) => {
			const { fields, file } = await readForm(request, STT_FIELDS);
			if (!STT_MODELS.includes(fields['model_id'] ?? '')) throw refused(400, 'invalid_model_id', `'${fields['model_id'] ?? ''}' is not a valid model_id.`);
			if (!['none', 'word', 'character'].includes(fields['timestamps_granularity'] ?? 'word')) throw invalid('timestamps_granularity', "Input should be 'none', 'word' or 'character'");
			if (fields['language_code'] !== undefined && !/^[a-z]{2,3}$/.test(fields['language_code'])) throw refused(400, 'invalid_language_code', 'Invalid language code');
			const seconds = await durationOf(folder, file);
			emulator.forms.push({ step: 'transcribe', fields, bytes: file.length });
			return { audio_duration_secs: seconds, ...emulator.transcript };
		}),
	);
	app.post(
		'/v1/dubbing',
		raw,
		step('dub', async (request) => {
			const { fields, file } = await readForm(request, DUB_FIELDS);
			const target = fields['target_lang'] ?? '';
			if (!LANGUAGES.includes(target)) throw invalid('target_lang', 'Input should be a valid language');
			if (!['auto', ...LANGUAGES].includes(fields['source_lang'] ?? 'auto')) throw invalid('source_lang', 'Input should be a valid language');
			const seconds = await durationOf(folder, file);
			emulator.forms.push({ step: 'dub', fields, bytes: file.length });
			const id = randomBytes(10).toString('hex');
			emulator.dubs.set(id, { name: fields['name'] ?? 'dub', target, looks: 0 });
			results.set(id, await dubbed(folder, file));
			return { dubbing_id: id, expected_duration_sec: seconds };
		}),
	);
	const find = (request: Request) => {
		const dub = emulator.dubs.get(String(request.params['id']));
		if (!dub) throw refused(404, 'dubbing_not_found', 'Dubbing not found.');
		return dub;
	};
	const done = (dub: { looks: number }): boolean => dub.looks > 1 && !emulator.slow;
	const shown = (id: string, dub: { name: string; target: string; looks: number }) => {
		const status = !done(dub) ? 'dubbing' : emulator.dubError === null ? 'dubbed' : 'failed';
		const error = status === 'failed' ? emulator.dubError : null;
		return { dubbing_id: id, name: dub.name, status, source_language: status === 'dubbed' ? 'en' : null, target_languages: [dub.target], editable: false, created_at: '2026-01-01T00:00:00Z', media_metadata: { content_type: 'audio/mpeg', duration: 6 }, error };
	};
	app.get(
		'/v1/dubbing',
		step('list', ({ query }) => {
			const size = Number(query['page_size'] ?? 100);
			if (!(size >= 1 && size <= 200)) throw new Refused(422, [{ loc: ['query', 'page_size'], msg: 'Input should be less than or equal to 200', type: 'less_than_equal' }]);
			const unknown = Object.keys(query).find((name) => !['cursor', 'page_size', 'dubbing_status', 'filter_by_creator', 'order_by', 'order_direction'].includes(name));
			if (unknown) throw new Refused(422, [{ loc: ['query', unknown], msg: 'Extra inputs are not permitted', type: 'extra_forbidden' }]);
			// The newest first. Its pages are smaller than was asked for, as they may be.
			const all = [...emulator.dubs].toReversed();
			const from = Number(query['cursor'] ?? 0);
			const to = from + Math.min(size, emulator.pageSize);
			return { dubs: all.slice(from, to).map(([id, dub]) => shown(id, dub)), next_cursor: to < all.length ? String(to) : null, has_more: to < all.length };
		}),
	);
	app.get(
		'/v1/dubbing/:id',
		step('look', (request) => {
			const dub = find(request);
			dub.looks++;
			return shown(String(request.params['id']), dub);
		}),
	);
	app.get(
		'/v1/dubbing/:id/audio/:language',
		step('fetch', (request, response) => {
			const dub = find(request);
			if (dub.target !== request.params['language']) throw refused(404, 'language_not_found', 'There is no dub in this language.');
			if (!done(dub)) throw refused(425, 'dubbing_not_ready', 'The dub is not ready yet.');
			response.type('audio/mpeg').send(results.get(String(request.params['id'])));
		}),
	);
	app.delete(
		'/v1/dubbing/:id',
		step('delete', (request) => {
			find(request);
			emulator.dubs.delete(String(request.params['id']));
			return { status: 'ok' };
		}),
	);
	app.use((request, response) => void response.status(404).json({ detail: 'Not Found', path: request.path }));
	const server = app.listen(0, '127.0.0.1');
	await once(server, 'listening');
	return Object.assign(emulator, {
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
		close: async () => {
			server.closeAllConnections();
			await new Promise((resolve) => server.close(resolve));
			await rm(folder, { recursive: true, force: true });
		},
	});
}

async function readForm(request: Request, allowed: readonly string[]): Promise<{ fields: Record<string, string>; file: Buffer }> {
	if (!Buffer.isBuffer(request.body)) throw invalid('file', 'Field required');
	const form = await new globalThis.Response(new Uint8Array(request.body), { headers: { 'content-type': request.headers['content-type'] ?? '' } }).formData().catch(() => {
		throw refused(400, 'invalid_form', 'The form could not be parsed.');
	});
	const fields: Record<string, string> = {};
	let file: Buffer | null = null;
	for (const [name, value] of form) {
		if (!allowed.includes(name)) throw invalid(name, 'Extra inputs are not permitted');
		if (name in fields || (name === 'file' && file)) throw invalid(name, 'given twice');
		if (typeof value === 'string') fields[name] = value;
		else file = Buffer.from(await value.arrayBuffer());
	}
	if (!file) throw invalid('file', 'Field required');
	for (const name of ['diarize', 'tag_audio_events', 'watermark', 'highest_resolution']) if (name in fields && !/^(true|false)$/.test(fields[name] ?? '')) throw invalid(name, 'Input should be a valid boolean');
	return { fields, file };
}

/** Decoded to the end: a header alone is no sound. */
async function durationOf(folder: string, file: Buffer): Promise<number> {
	const path = join(folder, randomUUID());
	await writeFile(path, file);
	try {
		await run('ffmpeg', ['-v', 'error', '-xerror', '-i', path, '-map', '0:a:0', '-f', 'null', '-']);
		const { stdout } = await run('ffprobe', ['-v', 'error', '-show_entries', 'format=duration', '-of', 'csv=p=0', path]);
		return Number(stdout);
	} catch {
		throw refused(400, 'invalid_audio', 'The uploaded file is corrupted or is no audio.');
	} finally {
		await rm(path, { force: true });
	}
}

async function speech(folder: string, text: string, language: string): Promise<Buffer> {
	const path = join(folder, randomUUID());
	try {
		await run('espeak-ng', ['-v', language, '-w', `${path}.wav`, '--', text]).catch(() => run('espeak-ng', ['-w', `${path}.wav`, '--', text]));
		await run('ffmpeg', ['-v', 'error', '-i', `${path}.wav`, '-ar', '44100', '-b:a', '128k', `${path}.mp3`]);
		return await readFile(`${path}.mp3`);
	} finally {
		await Promise.all(['wav', 'mp3'].map((extension) => rm(`${path}.${extension}`, { force: true })));
	}
}

/** The same recording, higher: as long, and another sound. */
async function dubbed(folder: string, file: Buffer): Promise<Buffer> {
	const path = join(folder, randomUUID());
	await writeFile(path, file);
	try {
		await run('ffmpeg', ['-v', 'error', '-i', path, '-af', 'aresample=44100,asetrate=52920,aresample=44100,atempo=0.8333', '-b:a', '128k', `${path}.mp3`]);
		return await readFile(`${path}.mp3`);
	} finally {
		await Promise.all([path, `${path}.mp3`].map((one) => rm(one, { force: true })));
	}
}
