/**
 * Word error rate and speed of transcription, on speech that is made here (voices × noise, about 60 words each), and on the
 * recordings of Debian's pocketsphinx-testdata where that is installed. Measures the local engines, whisper.cpp with the model in
 * MODELS_DIR among them, and an OpenAI-compatible server when OPENAI_API_KEY or OPENAI_BASE_URL is set. Usage: npm run bench:transcribe. TEXTS=1 (default) to 3 texts;
 * VOICES=slt measures only voices with this in their name.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI, { toFile } from 'openai';
import { enginesFolder } from '../scripts/lib/engines-install.mjs';
import { createEngines } from '../sidecar/src/ai/local/engines.ts';
import { createPocketsphinx } from '../sidecar/src/ai/local/pocketsphinx.ts';
import { createSilero } from '../sidecar/src/ai/local/silero.ts';
import { createWhisper } from '../sidecar/src/ai/local/whisper.ts';
import { wavSeconds } from '../sidecar/src/ai/wav.ts';
import { wordErrors } from './lib/wer.ts';

const TEXTS = [
	'The old lighthouse keeper climbed the narrow stairs every evening before sunset. He carried a lamp and a small basket of bread. From the window he could see the fishing boats come home, one after another, while the wind pushed heavy clouds across the bay. On quiet nights he read letters from his daughter, who worked in the city and wrote every week.',
	'Good morning and welcome to the weekly report. Sales went up again in the second quarter, and the new office in the north will open next month. We have hired seven people for the support team. Please send your questions before Friday, so that we can answer all of them in the meeting. The next report will follow at the end of the year.',
	'To make a simple soup, cut two onions and a little garlic, and cook them in butter until they are soft. Add water, salt, and a large potato. After twenty minutes the potato is ready. Now press everything through a fine sieve and bring it back to the heat. Serve the soup hot with fresh bread and a glass of cold water.',
].slice(0, Number(process.env['TEXTS'] ?? 1));

/** Programs that speak into a file. */
const VOICES: Record<string, (text: string, to: string) => [string, string[]]> = {
	'flite slt': (text, to) => ['flite', ['-voice', 'slt', '-t', text, '-o', to]],
	'flite rms': (text, to) => ['flite', ['-voice', 'rms', '-t', text, '-o', to]],
	'flite awb': (text, to) => ['flite', ['-voice', 'awb', '-t', text, '-o', to]],
	'flite kal16': (text, to) => ['flite', ['-voice', 'kal16', '-t', text, '-o', to]],
	'espeak-ng en-us': (text, to) => ['espeak-ng', ['-v', 'en-us', '-s', '150', '-w', to, text]],
	'espeak-ng en-gb': (text, to) => ['espeak-ng', ['-v', 'en-gb', '-s', '150', '-w', to, text]],
};
/** Signal to noise, dB; pink noise. */
const NOISES: Record<string, number | null> = { clean: null, '20 dB': 20, '5 dB': 5 };
const RECORDINGS = '/usr/share/pocketsphinx/test/data/librivox';
const FORMAT = ['-ac', '1', '-ar', '16000', '-c:a', 'pcm_s16le'];

interface Sample {
	path: string;
	reference: string;
	seconds: number;
}
type Listen = (path: string) => Promise<string>;

const folder = await mkdtemp(join(tmpdir(), 'bench-'));
try {
	const engines = await listeners();
	if (Object.keys(engines).length === 0) throw new Error('There is nothing to measure: install the local engine, or set OPENAI_API_KEY.');
	for (const [name, listen] of Object.entries(engines)) {
		console.log(`\n${name}\n${row('', ...Object.keys(NOISES), '× real time')}`);
		for (const voice of Object.keys(VOICES).filter((name) => name.includes(process.env['VOICES'] ?? ''))) {
			const made = Object.entries(NOISES).map(([noise, decibels]) => spoken(voice, noise, decibels));
			const measured = [];
			for (const samples of made) measured.push(await measure(listen, await Promise.all(samples)));
			const speed = measured.reduce((sum, one) => sum + one.speed, 0) / measured.length;
			console.log(row(voice, ...measured.map(({ rate }) => percent(rate)), speed.toFixed(2)));
		}
		const recorded = await recordings();
		if (recorded.length === 0) continue;
		const { rate, speed } = await measure(listen, recorded);
		console.log(row('recorded (LibriVox)', percent(rate), '', '', speed.toFixed(2)));
	}
} finally {
	await rm(folder, { recursive: true, force: true });
}

async function listeners(): Promise<Record<string, Listen>> {
	const found: Record<string, Listen> = {};
	const { signal } = new AbortController();
	const engines = createEngines(await enginesFolder());
	const voiceActivity = createSilero(engines);
	const local = createPocketsphinx({ voiceActivity });
	const obstacle = voiceActivity.obstacle() ?? local.obstacle('en');
	if (obstacle) console.log(`The local engine is left out: ${obstacle}`);
	else found[`local: Silero and ${local.model}`] = async (path) => (await local.transcribe(path, { language: 'en', signal })).text;
	if (process.env['MODELS_DIR']) {
		const whisper = createWhisper({ engines, modelsDir: process.env['MODELS_DIR'] });
		const why = whisper.obstacle('en');
		if (why) console.log(`whisper.cpp is left out: ${why}`);
		else found['local: whisper.cpp, the largest model for English'] = async (path) => (await whisper.transcribe(path, { language: 'en', signal })).text;
	}
	const { OPENAI_API_KEY: apiKey, OPENAI_BASE_URL: baseURL } = process.env;
	if (apiKey || baseURL) {
		const client = new OpenAI({ apiKey: apiKey ?? 'none', ...(baseURL ? { baseURL } : {}) });
		const model = process.env['OPENAI_TRANSCRIBE_MODEL'] ?? 'whisper-1';
		found[`${baseURL ?? 'OpenAI'}: ${model}`] = async (path) =>
			(await client.audio.transcriptions.create({ file: await toFile(readFileSync(path), 'speech.wav'), model, language: 'en' })).text;
	}
	return found;
}

/** All texts in this voice, with this much noise. */
function spoken(voice: string, noise: string, decibels: number | null): Array<Promise<Sample>> {
	return TEXTS.map(async (reference, index) => {
		const clean = join(folder, `${voice}-${index}.wav`);
		if (!existsSync(clean)) {
			const [program, args] = VOICES[voice]!(reference, join(folder, 'spoken.wav'));
			execFileSync(program, args, { stdio: 'ignore' });
			// As loud as speech usually is, so that noise can be measured against it.
			ffmpeg('-i', join(folder, 'spoken.wav'), '-af', 'loudnorm=I=-20:TP=-2', ...FORMAT, clean);
		}
		const path = decibels === null ? clean : join(folder, `${voice}-${index}-${noise}.wav`);
		if (decibels !== null) addNoise(clean, path, decibels);
		return { path, reference, seconds: await wavSeconds(path) };
	});
}

/** Mixes pink noise in; both levels are measured. */
function addNoise(from: string, to: string, decibels: number): void {
	const noise = join(folder, 'noise.wav');
	if (!existsSync(noise)) ffmpeg('-f', 'lavfi', '-i', 'anoisesrc=c=pink:r=16000:a=0.2:seed=1:d=60', ...FORMAT, noise);
	const gain = level(from) - decibels - level(noise);
	ffmpeg('-i', from, '-i', noise, '-filter_complex', `[1]volume=${gain}dB[n];[0][n]amix=duration=first:normalize=0`, ...FORMAT, to);
}

/** Mean level, dB. */
function level(path: string): number {
	const samples = readFileSync(path).subarray(100);
	const values = new Int16Array(samples.buffer.slice(samples.byteOffset, samples.byteOffset + samples.length - (samples.length % 2)));
	return 10 * Math.log10(values.reduce((sum, value) => sum + (value / 32_768) ** 2, 0) / values.length);
}

async function recordings(): Promise<Sample[]> {
	if (!existsSync(RECORDINGS)) return [];
	const lines = readFileSync(join(RECORDINGS, 'transcription'), 'utf8').trim().split('\n');
	return Promise.all(
		lines.map(async (line) => {
			const [, reference = '', name = ''] = /^<s> (.*) <\/s> \((.*)\)$/.exec(line) ?? [];
			const path = join(folder, `${name}.wav`);
			ffmpeg('-i', join(RECORDINGS, `${name}.wav`), ...FORMAT, path);
			return { path, reference, seconds: await wavSeconds(path) };
		}),
	);
}

async function measure(listen: Listen, samples: Sample[]): Promise<{ rate: number; speed: number }> {
	const total = { errors: 0, words: 0, took: 0, seconds: 0 };
	for (const { path, reference, seconds } of samples) {
		const start = performance.now();
		const { errors, words } = wordErrors(reference, await listen(path));
		total.took += (performance.now() - start) / 1000;
		total.errors += errors;
		total.words += words;
		total.seconds += seconds;
	}
	return { rate: total.errors / total.words, speed: total.took / total.seconds };
}

function ffmpeg(...args: string[]): void {
	execFileSync('ffmpeg', ['-nostdin', '-y', '-v', 'error', ...args], { stdio: 'ignore' });
}

function row(first: string, ...rest: string[]): string {
	return first.padEnd(22) + rest.map((cell) => cell.padStart(12)).join('');
}

function percent(rate: number): string {
	return `${(100 * rate).toFixed(1)} %`;
}
