import { startElevenLabs, type ElevenLabsEmulator } from './elevenlabs.ts';

describe('the emulator of ElevenLabs', () => {
	let server: ElevenLabsEmulator;
	beforeAll(async () => {
		server = await startElevenLabs();
	});
	afterAll(() => server.close());
	const ask = async (path: string, init: RequestInit = {}, key: string | null = server.key): Promise<[number, string]> => {
		const response = await fetch(server.url + path, { ...init, headers: { ...(key === null ? {} : { 'xi-api-key': key }), ...(typeof init.body === 'string' ? { 'content-type': 'application/json' } : {}) } });
		return [response.status, await response.text()];
	};
	const VOICE = 'JBFqnCBsd6RMkjVDRZzb';
	const speak = (body: unknown, path = `/v1/text-to-speech/${VOICE}`) => ask(path, { method: 'POST', body: JSON.stringify(body) });
	const form = (fields: Record<string, string>, file: Blob | null = new Blob(['no sound'])): RequestInit => {
		const body = new FormData();
		for (const [name, value] of Object.entries(fields)) body.set(name, value);
		if (file) body.set('file', file, 'x.mp3');
		return { method: 'POST', body };
	};

	it('refuses calls without a key, and with a wrong one', async () => {
		expect(await ask('/v2/voices', {}, null)).toEqual([401, expect.stringContaining('needs_authorization')]);
		expect(await ask('/v2/voices', {}, 'wrong')).toEqual([401, expect.stringContaining('invalid_api_key')]);
	});

	it.each([
		[{}, 422, 'Field required'],
		[{ text: ' ' }, 422, 'Field required'],
		[{ text: 'x', voice: 'y' }, 422, 'Extra inputs'],
		[{ text: 'x', model_id: 'nobody' }, 400, 'model_not_found'],
		[{ text: 'x', model_id: 'eleven_multilingual_v2', language_code: 'de' }, 400, 'unsupported_language'],
		[{ text: 'x', model_id: 'eleven_flash_v2_5', language_code: 'deu' }, 400, 'unsupported_language'],
		[{ text: 'x', model_id: 'eleven_flash_v2_5', language_code: 'tl' }, 400, 'unsupported_language'],
		[{ text: 'x'.repeat(10_001) }, 400, 'max_character_limit_exceeded'],
	])('refuses to speak %j', async (body, status, words) => {
		expect(await speak(body)).toEqual([status, expect.stringContaining(words)]);
	});

	it('refuses voices and formats that the account does not have', async () => {
		expect(await speak({ text: 'x' }, '/v1/text-to-speech/nobody')).toEqual([404, expect.stringContaining('voice_not_found')]);
		expect(await speak({ text: 'x' }, `/v1/text-to-speech/${VOICE}?output_format=pcm_44100`)).toEqual([403, expect.stringContaining('output_format_not_allowed')]);
		expect((await ask('/v2/voices?page_size=500'))[0]).toBe(422);
		for (const query of ['page_size=201', 'name=x']) expect((await ask(`/v1/dubbing?${query}`))[0]).toBe(422);
	});

	it.each([
		['/v1/speech-to-text', {}, 400, 'model_id'],
		['/v1/speech-to-text', { model_id: 'scribe_v1', prompt: 'x' }, 422, 'Extra inputs'],
		['/v1/speech-to-text', { model_id: 'scribe_v1', diarize: 'yes' }, 422, 'boolean'],
		['/v1/speech-to-text', { model_id: 'scribe_v1', timestamps_granularity: 'segment' }, 422, 'timestamps_granularity'],
		['/v1/speech-to-text', { model_id: 'scribe_v1', language_code: 'English' }, 400, 'invalid_language_code'],
		['/v1/speech-to-text', { model_id: 'scribe_v1' }, 400, 'no audio'],
		['/v1/dubbing', {}, 422, 'target_lang'],
		['/v1/dubbing', { target_lang: 'es', source_lang: 'detect' }, 422, 'source_lang'],
		['/v1/dubbing', { target_lang: 'es' }, 400, 'no audio'],
	])('refuses the form for %s %j', async (path, fields, status, words) => {
		expect(await ask(path, form(fields))).toEqual([status, expect.stringContaining(words)]);
	});

	it('refuses forms without a file, dubs that are not there, and paths that it does not know', async () => {
		expect((await ask('/v1/dubbing', form({ target_lang: 'es' }, null)))[0]).toBe(422);
		for (const path of ['/v1/dubbing/x', '/v1/dubbing/x/audio/es', '/v1/anything']) expect((await ask(path))[0]).toBe(404);
	});
});
