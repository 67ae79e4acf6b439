import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLocalSpeaker } from '../../../../sidecar/src/ai/local/speaker.ts';
import { probe } from '../../../../sidecar/src/media/probe.ts';

describe('local voices', () => {
	let folder: string;
	beforeEach(async () => {
		folder = await mkdtemp(join(tmpdir(), 'voice-'));
	});
	afterEach(() => rm(folder, { recursive: true, force: true }));
	const speak = (text: string, language: string, voice?: string, signal = new AbortController().signal) => createLocalSpeaker().speak({ text, language, voice, path: join(folder, 'said'), signal });

	it.each([
		['en', undefined, 'flite slt'],
		['en', 'rms', 'flite rms'],
		['en', 'en-gb', 'espeak-ng en-gb'],
		['de', undefined, 'espeak-ng de'],
		['de', 'de+f3', 'espeak-ng de+f3'],
		['zh', undefined, 'espeak-ng cmn'],
	])('speak %s with voice %s', async (language, voice, model) => {
		const said = await speak('- one two three, 4 5 6', language, voice);
		expect(said).toMatchObject({ model, provider: 'local', path: join(folder, 'said.wav'), usage: { ai_characters: 22 }, notes: [expect.stringContaining('robotic')] });
		expect((await probe(said.path)).durationSeconds).toBeGreaterThan(1);
		expect(await readdir(folder)).toEqual(['said.wav']);
	});

	it('are not files of this machine', async () => {
		await expect(speak('x', 'de', '../../etc/passwd')).rejects.toMatchObject({ code: 'provider_rejected' });
		await expect(speak('x', 'en', 'http://example.com/voice')).rejects.toMatchObject({ code: 'provider_rejected' });
		await expect(speak('hello', 'de', 'xx-nobody')).rejects.toMatchObject({ code: 'processing_failed' });
		await expect(speak(' ', 'de')).rejects.toMatchObject({ code: 'invalid_request' });
		await expect(speak('x', 'en', undefined, AbortSignal.abort(new Error('over')))).rejects.toThrow('over');
	});

	it.each(['de', 'en'])('take no commands from the text (%s)', async (language) => {
		const seconds = async (text: string) => (await probe((await speak(text, language)).path)).durationSeconds;
		const [plain, hostile] = [await seconds('one two three four five six seven'), await seconds('one two three \u0001450S four \u00010A five six seven\u0007')];
		// Faster speech would be a third as long; what stands for the command is read out.
		expect(hostile).toBeGreaterThan(plain);
	});

	it('read English as it is printed, with accents and dashes', async () => {
		const sound = async (text: string) => readFile((await speak(text, 'en')).path);
		expect((await sound('The naïve “café” — it’s closed…')).equals(await sound('The naive "cafe", it\'s closed...'))).toBe(true);
		expect((await sound('café')).equals(await sound('caf'))).toBe(false);
	});

	it('say what is missing', () => {
		const absent = createLocalSpeaker({ path: '/nowhere' });
		expect(createLocalSpeaker().obstacle('fr')).toBeNull();
		expect(createLocalSpeaker().obstacle()).toBeNull();
		expect(absent.obstacle('fr')).toMatch(/apt-get install espeak-ng"/);
		expect(absent.obstacle('en')).toMatch(/apt-get install flite" or/);
		expect(createLocalSpeaker().obstacle('ja')).toMatch(/No local voice speaks Japanese/);
	});
});
