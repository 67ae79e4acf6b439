import { execFileSync } from 'node:child_process';
import { open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createPocketsphinx } from '../../../../sidecar/src/ai/local/pocketsphinx.ts';
import { createLongAudio } from '../../../../sidecar/src/ai/long-audio.ts';
import type { Transcriber, Transcript } from '../../../../sidecar/src/ai/transcriber.ts';
import { findSamples, wavHeader, wavSeconds } from '../../../../sidecar/src/ai/wav.ts';
import { runPlan } from '../../../../sidecar/src/media/engine.ts';
import { speech } from '../../../fixtures/speech.ts';
import { inFolder, silentLog } from '../../../support/engine.ts';
import { calmly, silero } from '../../../support/speech.ts';

/** Groups of sentences with pauses of 2 s, far from each other: 22 minutes, of which somebody speaks for 100 s. */
const GROUPS = 6;
const SENTENCES = 6;
const PAUSE_SECONDS = 2;
const BETWEEN_SECONDS = 190;
/** Of a piece: each group must be cut, several times. */
const PIECE_SECONDS = 12;
const BYTES_PER_SECOND = 32_000;

describe('twenty minutes of sound, with the real engines', () => {
	let transcript: Transcript;
	let said: number[];
	const pieces: Array<{ seconds: number; words: number }> = [];
	const percents: number[] = [];
	let left: string[];
	let seconds: number;
	beforeAll(async () => {
		await inFolder(async (folder) => {
			const wav = join(folder, 'long.wav');
			said = await writeSpeech(wav);
			seconds = await wavSeconds(wav);
			const voiceActivity = await silero();
			const local = createPocketsphinx({ voiceActivity });
			const watched: Transcriber = {
				...local,
				takes: { ...local.takes, maxSeconds: PIECE_SECONDS },
				async transcribe(path, options) {
					const heard = await local.transcribe(path, options);
					pieces.push({ seconds: heard.durationSeconds, words: heard.words?.length ?? 0 });
					return heard;
				},
			};
			const transcribe = createLongAudio({ runPlan, voiceActivity });
			transcript = await transcribe(watched, wav, seconds, { ...calmly(), language: 'en', onProgress: (percent) => percents.push(percent), workDir: folder, log: silentLog });
			left = await readdir(folder);
		});
	}, 600_000);

	it('is cut in pauses into pieces that the engine takes, and only where somebody speaks', () => {
		expect(seconds).toBeGreaterThan(20 * 60);
		// Two sentences are too long for one piece with their pause, or fit just so; a cut within one would make more.
		expect(pieces.length).toBeGreaterThanOrEqual(GROUPS * 2);
		expect(pieces.length).toBeLessThanOrEqual(said.length);
		for (const piece of pieces) expect(piece.seconds).toBeLessThanOrEqual(PIECE_SECONDS);
		expect(pieces.reduce((sum, piece) => sum + piece.seconds, 0)).toBeLessThan(seconds / 6);
	});

	it('loses no sentence, and writes none twice', () => {
		const found = transcript.words!.filter(({ word }) => word === 'month').map(({ start }) => start);
		expect(found).toHaveLength(said.length);
		// The word is the last of the sentence, which takes three seconds.
		found.forEach((start, index) => {
			expect(start - said[index]!).toBeGreaterThan(1.5);
			expect(start - said[index]!).toBeLessThan(3.5);
		});
		expect(pieces.reduce((sum, piece) => sum + piece.words, 0)).toBe(transcript.words!.length);
	});

	it('has all its times in order, within the sound, and within sentences that were said', () => {
		let before = 0;
		for (const { start, end } of transcript.words!) {
			expect(start).toBeGreaterThanOrEqual(before);
			expect(end).toBeGreaterThanOrEqual(start);
			expect(said.some((at) => start > at - 0.5 && end < at + 4)).toBe(true);
			before = start;
		}
		transcript.segments.slice(1).forEach(({ start }, index) => expect(start).toBeGreaterThanOrEqual(transcript.segments[index]!.end - 0.001));
		expect(transcript.segments.at(-1)!.end).toBeLessThanOrEqual(seconds);
	});

	it('tells its progress all along, and leaves nothing behind', () => {
		expect(percents).toEqual([...percents].sort((a, b) => a - b));
		expect(percents.length).toBeGreaterThan(100);
		expect(percents.at(-1)).toBeCloseTo(100);
		expect(left).toEqual(['long.wav']);
	});
});

/** Writes the sound; where each sentence begins, seconds. */
async function writeSpeech(to: string): Promise<number[]> {
	const sentence = await firstSentence();
	const silence = (length: number): Buffer => Buffer.alloc(Math.round(length * BYTES_PER_SECOND / 2) * 2);
	const parts: Buffer[] = [];
	const said: number[] = [];
	let at = 0;
	const add = (part: Buffer): void => {
		parts.push(part);
		at += part.length;
	};
	for (let group = 0; group < GROUPS; group++) {
		add(silence(BETWEEN_SECONDS));
		for (let index = 0; index < SENTENCES; index++) {
			said.push(at / BYTES_PER_SECOND);
			add(sentence);
			add(silence(PAUSE_SECONDS));
		}
	}
	const file = await open(to, 'w');
	await file.write(wavHeader(at));
	await file.writev(parts);
	await file.close();
	return said;
}

/** "The new office in the north will open next month.", with the silence round it taken away. */
async function firstSentence(): Promise<Buffer> {
	return inFolder(async (folder) => {
		const path = join(folder, 'sentence.wav');
		const trim = 'silenceremove=start_periods=1:start_threshold=-50dB,areverse';
		execFileSync('ffmpeg', ['-v', 'error', '-i', speech('twice'), '-t', '9', '-af', `${trim},${trim}`, '-c:a', 'pcm_s16le', path]);
		const file = await open(path, 'r');
		const { start, bytes } = await findSamples(file);
		await file.close();
		return (await readFile(path)).subarray(start, start + bytes);
	});
}
