import { mkdtemp, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Logger } from 'pino';
import type { MediaPlan } from '../media/plan.ts';
import { probe } from '../media/probe.ts';
import { readSilences } from '../media/silence.ts';
import type { LongAudioDeps } from './long-audio.ts';
import type { Span, VoiceActivity } from './voice-activity.ts';

/** Quieter than anybody's speech on a usable recording: what is left out by mistake is worse than what is sent in vain. */
const SILENCE_DB = -50;
/** Shorter pauses are stops of consonants. */
const LEAST_SILENCE_SECONDS = 0.3;
/** Clicks. */
const LEAST_SOUND_SECONDS = 0.1;

/** Tells sound from silence by its level, where nothing better is installed: music and noise count as speech. */
export function createFfmpegVoiceActivity({ runPlan, log }: { runPlan: LongAudioDeps['runPlan']; log: Logger }): VoiceActivity {
	return {
		name: 'ffmpeg',
		obstacle: () => null,
		async speech(wavPath, { signal, onProgress = () => {} }) {
			const workDir = await mkdtemp(join(dirname(wavPath), 'silence-'));
			try {
				const facts = await probe(wavPath);
				const plan = planSilence(facts.durationSeconds);
				const { texts } = await runPlan({ inputPath: wavPath, facts, plan, workDir, signal, onProgress, log });
				return soundBetween(readSilences(Object.values(texts).join('\n'), facts.durationSeconds), facts.durationSeconds);
			} finally {
				await rm(workDir, { recursive: true, force: true });
			}
		},
	};
}

const planSilence = (seconds: number): MediaPlan => ({
	estimatedCpuSeconds: 0.1 + seconds * 0.001,
	outputs: [
		{
			name: 'silences',
			kind: 'text',
			mime: 'text/plain',
			audioFilters: [`silencedetect=noise=${SILENCE_DB}dB:duration=${LEAST_SILENCE_SECONDS}`, 'ametadata=print:file={text}'],
			options: [],
			expectedSeconds: seconds,
		},
	],
});

/** Pure: what is left between silences. */
export function soundBetween(silences: readonly Span[], durationSeconds: number): Span[] {
	const edges = [0, ...silences.flatMap(({ start, end }) => [start, end]), durationSeconds];
	return Array.from({ length: edges.length / 2 }, (_, index) => ({ start: edges[2 * index]!, end: edges[2 * index + 1]! })).filter(
		({ start, end }) => end - start >= LEAST_SOUND_SECONDS,
	);
}
