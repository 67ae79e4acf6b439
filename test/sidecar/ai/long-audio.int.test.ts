import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { createLongAudio } from '../../../sidecar/src/ai/long-audio.ts';
import { createFfmpegVoiceActivity } from '../../../sidecar/src/ai/sound-activity.ts';
import type { Transcriber } from '../../../sidecar/src/ai/transcriber.ts';
import { wavSeconds } from '../../../sidecar/src/ai/wav.ts';
import { runPlan } from '../../../sidecar/src/media/engine.ts';
import { speech } from '../../fixtures/speech.ts';
import { inFolder, silentLog } from '../../support/engine.ts';
import { calmly } from '../../support/speech.ts';

const THREE_HOURS = 3 * 3600;
/** The sound alone is 345 MB. It must not be in memory, not even half of it; the heap of Node itself moves by some ten MB. */
const MOST_BYTES = 128 * 1024 * 1024;

describe('three hours of sound', () => {
	it('are transcribed piece by piece, in bounded memory', async () => {
		await inFolder(async (folder) => {
			const wav = join(folder, 'long.wav');
			execFileSync('ffmpeg', ['-v', 'error', '-stream_loop', '-1', '-i', speech('twice'), '-t', String(THREE_HOURS), '-c', 'copy', wav]);
			const lengths: number[] = [];
			let most = 0;
			const transcriber: Transcriber = {
				name: 'openai',
				model: 'listener',
				takes: { format: 'wav', maxBytes: 25e6, maxSeconds: 600, parallel: 4 },
				obstacle: () => null,
				async transcribe(path) {
					const seconds = await wavSeconds(path);
					lengths.push(seconds);
					most = Math.max(most, process.memoryUsage().rss);
					return { provider: 'openai', model: 'listener', usage: {}, text: 'x', language: 'en', durationSeconds: seconds, segments: [{ start: 0, end: seconds, text: 'x' }], words: null };
				},
			};
			const before = process.memoryUsage().rss;
			const transcribe = createLongAudio({ runPlan, voiceActivity: createFfmpegVoiceActivity({ runPlan, log: silentLog }) });
			const total = await wavSeconds(wav);
			const { segments } = await transcribe(transcriber, wav, total, { ...calmly(), workDir: folder, log: silentLog });
			// The fixture has two sentences, with silence of ten and of five seconds between them.
			const period = await wavSeconds(speech('twice'));
			expect(segments.length).toBeGreaterThan((1.9 * THREE_HOURS) / period);
			expect(segments.length).toBeLessThan((2.1 * THREE_HOURS) / period);
			expect(lengths.every((seconds) => seconds < 6)).toBe(true);
			segments.slice(1).forEach(({ start }, index) => expect(start).toBeGreaterThanOrEqual(segments[index]!.end));
			expect(segments.at(-1)!.end).toBeLessThanOrEqual(total);
			expect(most - before).toBeLessThan(MOST_BYTES);
		});
	});
});
