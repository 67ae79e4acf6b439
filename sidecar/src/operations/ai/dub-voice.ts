import { open, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { patiently, pauseBudget, type Patience, type PauseBudget } from '../../ai/patience.ts';
import type { Answered } from '../../ai/provider.ts';
import type { Speaker, SpeakRequest } from '../../ai/speaker.ts';
import { PipelineError } from '../../errors.ts';
import { probe } from '../../media/probe.ts';
import type { TaskContext } from '../operation.ts';
import { duckedSpans, gainAt, placeVoices, type Slot } from './dub-timeline.ts';
import type { Engine } from './engine.ts';

/** Speaks the texts of a dub, fits them into their times, and lays them on one track. */

export const RATE = 48_000;
/** Quieter than that at its ends is no speech. */
const SILENCE = 10 ** (-50 / 20) * 32_768;
/** Left before the first and after the last syllable. */
const MARGIN_SAMPLES = Math.round(0.03 * RATE);
/** Calls at the same time; hosted voices take a second or two for each. */
const PARALLEL = 3;
/** A sentence that is refused is spoken again: the ones before have been paid. A provider may be away for some four minutes at once, and for five altogether. */
const PATIENCE = { failures: 8, pauseMs: 2000, longestMs: 120_000 };
/** Later than this is noticed. */
const LATE_SECONDS = 0.5;
const NOTICED_TEMPO = 1.2;

export interface Line extends Slot {
	text: string;
}

export interface VoiceTrack {
	/** WAV of 48 kHz and two channels: the voice, and the gain of the original. */
	path: string;
	/** Where somebody speaks. */
	voices: Slot[];
	warnings: Array<{ line: number; kind: 'late' | 'cut' | 'fast' | 'silent'; message: string }>;
}

interface VoiceOptions {
	speaker: Speaker;
	engine: Engine;
	language: string;
	voice: string | undefined;
	/** Pauses before a refused sentence is spoken once more. Default: the clock. */
	sleep?: Patience['sleep'];
	durationSeconds: number;
	/** Gain of the original while somebody speaks. */
	floor: number;
	answered(answer: Answered): void;
	/** 0 to 100 */
	progress(percent: number): void;
}

export async function makeVoiceTrack(context: TaskContext, lines: readonly Line[], options: VoiceOptions): Promise<VoiceTrack> {
	const { durationSeconds, floor, progress } = options;
	const spoken = await speakAll(context, lines, options);
	const lengths: number[] = [];
	for (const path of spoken) lengths.push((await decode(context, options.engine, path, 1)) / RATE);
	progress(80);
	const placed = placeVoices(lines, lengths, durationSeconds);
	const warnings: VoiceTrack['warnings'] = [];
	const sounds: Sound[] = [];
	const total = Math.round(durationSeconds * RATE);
	let free = 0;
	for (const [index, line] of lines.entries()) {
		const { start: at, tempo, most } = placed[index] ?? { start: 0, tempo: 1, most: 0 };
		const path = spoken[index] ?? '';
		const length = tempo > 1 ? await decode(context, options.engine, path, tempo) : Math.round((lengths[index] ?? 0) * RATE);
		// The tempo filter is off by some samples: what was planned to end before the next one must do so.
		const start = Math.max(free, Math.round(at * RATE));
		const kept = Math.min(length, Math.floor(most * RATE), Math.max(0, total - start));
		const warning = warningOf({ late: at - line.start, cut: kept < length, silent: length === 0, tempo });
		if (warning) warnings.push({ line: index + 1, ...warning });
		if (kept > 0) sounds.push({ start, length: kept, path: pcmOf(path) });
		free = start + kept;
		progress(80 + ((index + 1) / lines.length) * 15);
	}
	if (sounds.length === 0) throw new PipelineError('provider_answer_invalid', 'The voice said nothing: its sound is silence. Try another voice.');
	const voices = sounds.map(({ start, length }) => ({ start: start / RATE, end: (start + length) / RATE }));
	const path = join(context.workDir, 'voice.wav');
	await writeTrack(path, total, sounds, duckedSpans(voices), floor, context.signal);
	await Promise.all(spoken.flatMap((file) => [file, pcmOf(file)]).map((file) => rm(file, { force: true })));
	return { path, voices, warnings };
}

/** A finished utterance, in samples; the file holds them and nothing else. */
interface Sound {
	start: number;
	length: number;
	path: string;
}

const pcmOf = (path: string): string => `${path}.pcm`;

function warningOf({ late, cut, silent, tempo }: { late: number; cut: boolean; silent: boolean; tempo: number }): Pick<VoiceTrack['warnings'][number], 'kind' | 'message'> | null {
	if (silent) return { kind: 'silent', message: 'The voice said nothing here.' };
	if (cut) return { kind: 'cut', message: 'It is cut off by the end of the recording.' };
	if (late > LATE_SECONDS) return { kind: 'late', message: `It begins ${late.toFixed(1)} s late, because the one before is too long.` };
	return tempo > NOTICED_TEMPO ? { kind: 'fast', message: `It is spoken ${tempo.toFixed(2)} times as fast to fit its time.` } : null;
}

async function speakAll(context: TaskContext, lines: readonly Line[], { speaker, language, voice, sleep, answered, progress }: VoiceOptions): Promise<string[]> {
	const paths: string[] = [];
	// One that fails stops the others: their sound could not be used, and costs.
	const stop = new AbortController();
	const signal = AbortSignal.any([context.signal, stop.signal]);
	const waiting = lines.entries();
	let done = 0;
	// Whoever speaks the first sentence speaks all of them: voices must not change in between.
	let like: SpeakRequest['like'];
	const say = async ([index, { text }]: [number, Line], budget: PauseBudget): Promise<void> => {
		const path = join(context.workDir, `line-${String(index + 1).padStart(4, '0')}`);
		const said = await patiently(() => speaker.speak({ text, language, voice, like, path, signal }), { ...PATIENCE, budget, signal, sleep });
		like ??= { provider: said.provider, model: said.model };
		paths[index] = said.path;
		answered(said);
		progress((++done / lines.length) * 70);
	};
	const work = async (): Promise<void> => {
		const budget = pauseBudget();
		for (const line of waiting) await say(line, budget);
	};
	const first = waiting.next();
	if (!first.done) await say(first.value, pauseBudget());
	const workers = Array.from({ length: PARALLEL }, work);
	try {
		await Promise.all(workers);
	} catch (error) {
		stop.abort(error);
		await Promise.allSettled(workers);
		throw error;
	}
	return paths;
}

/** Samples of the sound, mono, without the silence at its ends, into a file beside it. Answers how many. */
async function decode(context: TaskContext, engine: Engine, path: string, tempo: number): Promise<number> {
	const facts = await probe(path);
	if (!facts.audio) throw new PipelineError('provider_answer_invalid', 'The voice gave a file without sound.');
	const { files } = await engine.runPlan({
		inputPath: path,
		facts,
		plan: {
			estimatedCpuSeconds: 0.2 + facts.durationSeconds * 0.01,
			outputs: [
				{
					name: `${basename(path)}.plain.wav`,
					kind: 'audio',
					mime: 'audio/wav',
					audioFilters: [`aresample=${RATE}`, 'aformat=sample_fmts=s16:channel_layouts=mono', ...(tempo > 1 ? [`atempo=${tempo.toFixed(4)}`] : [])],
					options: ['-c:a', 'pcm_s16le', '-map_metadata', '-1'],
					expectedSeconds: 0,
				},
			],
		},
		workDir: context.workDir,
		signal: context.signal,
		onProgress: () => {},
		log: context.log,
	});
	const [made] = files;
	if (!made) throw new PipelineError('processing_failed', 'The sound of a voice could not be read.');
	const samples = samplesOf(await readFile(made.path));
	await rm(made.path);
	const first = samples.findIndex((sample) => Math.abs(sample) > SILENCE);
	const last = samples.findLastIndex((sample) => Math.abs(sample) > SILENCE);
	const kept = first < 0 ? new Int16Array() : samples.slice(Math.max(0, first - MARGIN_SAMPLES), last + MARGIN_SAMPLES);
	await writeFile(pcmOf(path), new Uint8Array(kept.buffer));
	return kept.length;
}

/** A copy: samples in a Buffer may begin at an odd address. */
const samplesIn = (bytes: Buffer): Int16Array => new Int16Array(new Uint8Array(bytes).buffer);

/** Samples of a WAV of 16 bits; other chunks may stand before them. */
function samplesOf(wav: Buffer): Int16Array {
	for (let at = 12; at + 8 <= wav.length; ) {
		const bytes = Math.min(wav.readUInt32LE(at + 4), wav.length - at - 8);
		if (wav.toString('latin1', at, at + 4) === 'data') return samplesIn(wav.subarray(at + 8, at + 8 + bytes - (bytes % 2)));
		at += 8 + bytes + (bytes % 2);
	}
	return new Int16Array();
}

/** Written a second at a time, with one utterance in memory: hours of it would not fit. `sounds`: in order, without overlap. */
async function writeTrack(path: string, total: number, sounds: readonly Sound[], spans: readonly Slot[], floor: number, signal: AbortSignal): Promise<void> {
	const file = await open(path, 'w');
	try {
		await file.write(header(total));
		let next = 0;
		const loaded: { of: Sound | null; samples: Int16Array } = { of: null, samples: new Int16Array() };
		let span = 0;
		for (let from = 0; from < total; from += RATE) {
			signal.throwIfAborted();
			const until = Math.min(from + RATE, total);
			const frames = new Int16Array((until - from) * 2);
			for (let sound = sounds[next]; sound && sound.start < until; sound = sounds[next]) {
				if (loaded.of !== sound) Object.assign(loaded, { of: sound, samples: samplesIn(await readFile(sound.path)) });
				const end = Math.min(until, sound.start + sound.length);
				for (let at = Math.max(from, sound.start); at < end; at++) frames[(at - from) * 2] = loaded.samples[at - sound.start] ?? 0;
				if (sound.start + sound.length > until) break;
				next++;
			}
			for (let at = from; at < until; at++) {
				const now = gainAt(at / RATE, spans, floor, span);
				span = now.span;
				frames[(at - from) * 2 + 1] = Math.round(now.gain * 32_767);
			}
			await file.write(new Uint8Array(frames.buffer));
		}
	} finally {
		await file.close();
	}
}

/** 48 kHz, two channels, 16 bits: up to six hours fit into a WAV. */
function header(frames: number): Buffer {
	const bytes = frames * 4;
	const head = Buffer.alloc(44);
	head.write('RIFF', 0);
	head.writeUInt32LE(bytes + 36, 4);
	head.write('WAVEfmt ', 8);
	head.writeUInt32LE(16, 16);
	head.writeUInt16LE(1, 20);
	head.writeUInt16LE(2, 22);
	head.writeUInt32LE(RATE, 24);
	head.writeUInt32LE(RATE * 4, 28);
	head.writeUInt16LE(4, 32);
	head.writeUInt16LE(16, 34);
	head.write('data', 36);
	head.writeUInt32LE(bytes, 40);
	return head;
}
