import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createEngines } from '../../../../sidecar/src/ai/local/engines.ts';
import { createSilero } from '../../../../sidecar/src/ai/local/silero.ts';
import { createFfmpegVoiceActivity } from '../../../../sidecar/src/ai/sound-activity.ts';
import type { VoiceActivity } from '../../../../sidecar/src/ai/voice-activity.ts';
import { wavSeconds } from '../../../../sidecar/src/ai/wav.ts';
import { PipelineError } from '../../../../sidecar/src/errors.ts';
import { runPlan } from '../../../../sidecar/src/media/engine.ts';
import { enginesFolder } from '../../../../scripts/lib/engines-install.mjs';
import { speech } from '../../../fixtures/speech.ts';
import { inFolder, silentLog } from '../../../support/engine.ts';
import { calmly, silero } from '../../../support/speech.ts';

const FIXTURE_GAP = { speech: 3, silence: 10 };

describe('Silero', () => {
	let detector: VoiceActivity;
	beforeAll(async () => {
		detector = await silero();
	});

	it('finds nobody in silence, music and noise', async () => {
		expect(await detector.speech(speech('silent'), calmly())).toEqual([]);
		expect(await detector.speech(speech('music'), calmly())).toEqual([]);
		expect(await detector.speech(speech('noise'), calmly())).toEqual([]);
	});

	it('finds nobody in a file of no or hardly any sound', async () => {
		expect(await detector.speech(speech('empty'), calmly())).toEqual([]);
		expect(await detector.speech(speech('tiny'), calmly())).toEqual([]);
	});

	it('finds speech that begins and ends with the file', async () => {
		const spans = await detector.speech(speech('report'), calmly());
		const seconds = await wavSeconds(speech('report'));
		expect(spans[0]?.start).toBeLessThan(0.15);
		expect(spans.at(-1)?.end).toBeGreaterThan(seconds - 0.3);
		expect(spans.at(-1)?.end).toBeLessThanOrEqual(seconds);
	});

	it('finds both sentences between silence, to a tenth of a second or so', async () => {
		const spans = await detector.speech(speech('twice'), calmly());
		const total = (await wavSeconds(speech('twice'))) - FIXTURE_GAP.speech - FIXTURE_GAP.silence - 2;
		const first = spans.filter(({ end }) => end < FIXTURE_GAP.speech + total / 2 + 1);
		const second = spans.filter(({ start }) => start > FIXTURE_GAP.speech + total / 2 + FIXTURE_GAP.silence - 1);
		expect(first.length + second.length).toBe(spans.length);
		expect(Math.abs(first[0]!.start - FIXTURE_GAP.speech)).toBeLessThan(0.3);
		expect(Math.abs(second[0]!.start - FIXTURE_GAP.speech - total / 2 - FIXTURE_GAP.silence)).toBeLessThan(0.3);
	});

	it('reports how far it is', async () => {
		const percents: number[] = [];
		await detector.speech(speech('twice'), { ...calmly(), onProgress: (percent) => void percents.push(percent) });
		expect(percents.length).toBeGreaterThan(1);
		expect(percents.at(-1)).toBe(100);
	});

	it('ends with the reason of its signal, and at its deadline', async () => {
		const abort = new AbortController();
		const running = detector.speech(speech('twice'), { signal: abort.signal });
		abort.abort(new PipelineError('deadline_exceeded', 'Too late.'));
		await expect(running).rejects.toMatchObject({ code: 'deadline_exceeded' });
		const hasty = createSilero(createEngines(await enginesFolder()), { deadlineSeconds: 0.05 });
		await expect(hasty.speech(speech('twice'), calmly())).rejects.toMatchObject({ code: 'processing_timeout' });
	});

	it('refuses what is no WAV of its kind', async () => {
		await inFolder(async (folder) => {
			const path = join(folder, 'broken.wav');
			await writeFile(path, 'not a sound');
			await expect(detector.speech(path, calmly())).rejects.toThrow('no WAV');
		});
	});

	it('says what to install', () => {
		expect(createSilero(createEngines(undefined)).obstacle()).toContain('npm run engines');
	});
});

describe('voice activity by ffmpeg', () => {
	const detector = createFfmpegVoiceActivity({ runPlan, log: silentLog });

	it('tells sound from silence', async () => {
		await inFolder(async (folder) => {
			const path = join(folder, 'sound.wav');
			execFileSync('ffmpeg', ['-v', 'error', '-i', speech('twice'), '-c', 'copy', path]);
			const spans = await detector.speech(path, calmly());
			const seconds = await wavSeconds(path);
			expect(spans[0]!.start).toBeCloseTo(FIXTURE_GAP.speech, 0);
			expect(spans.at(-1)!.end).toBeLessThan(seconds - 1.5);
			expect(spans.some(({ start, end }) => start < seconds / 2 && end > seconds / 2)).toBe(false);
		});
	});

	it('finds nothing in silence, and takes music for speech', async () => {
		await inFolder(async (folder) => {
			const [silent, music] = [join(folder, 'silent.wav'), join(folder, 'music.wav')];
			execFileSync('ffmpeg', ['-v', 'error', '-i', speech('silent'), '-c', 'copy', silent]);
			execFileSync('ffmpeg', ['-v', 'error', '-i', speech('music'), '-c', 'copy', music]);
			expect(await detector.speech(silent, calmly())).toEqual([]);
			expect(await detector.speech(music, calmly())).toEqual([{ start: 0, end: 24 }]);
		});
	});
});
