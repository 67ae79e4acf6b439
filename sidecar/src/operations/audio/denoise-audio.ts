import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { estimate } from '../../media/codecs.ts';
import type { AudioFacts } from '../../media/facts.ts';
import { gtcrn } from '../../media/gtcrn.ts';
import type { ProducedFile } from '../../media/plan.ts';
import { soundOf, withSound } from '../../media/sound.ts';
import type { MeasureTools, MediaOperation } from '../operation.ts';

const STRENGTHS = { light: 10, medium: 20, strong: 30 } as const;

const params = z.strictObject({
	engine: z
		.enum(['auto', 'ffmpeg', 'gtcrn'])
		.default('auto')
		.describe(
			'gtcrn: a small neural network that keeps speech and removes all else, music too. ffmpeg: filters against steady noise, which leave music. Default auto: gtcrn, and ffmpeg where that cannot run; for sound with music choose ffmpeg.',
		),
	strength: z
		.enum(['light', 'medium', 'strong'])
		.default('medium')
		.describe('How much quieter the ffmpeg engine makes the noise: light (10 dB), medium (20 dB) or strong (30 dB). Default medium.'),
});
type Params = z.infer<typeof params>;

type Measured = { engine: 'gtcrn'; made: ProducedFile } | { engine: 'ffmpeg'; noiseFloorDb: number; reason?: string };

/** What afftdn takes, dB of full scale. */
const [LOWEST_FLOOR, HIGHEST_FLOOR] = [-80, -20];
/** In sound without pauses, music say, the quietest moment is not noise: leave that much of it alone. */
const BELOW_LEVEL_DB = 6;
const TEXT = 'noise.txt';

/**
 * SI-SDR of speech (espeak-ng) with noise at 5 dB, measured: GTCRN brings white noise to 17 dB and more, pink to 10 to 13;
 * afftdn, told the measured floor, white to 14.6 dB and pink to 6.8 at 20 dB. A fixed floor of -50 dB changes nothing at all,
 * anlmdn neither, and a highpass costs clean speech more than it gains.
 */
export const denoiseAudio: MediaOperation<Params, Measured> = {
	kind: 'media',
	name: 'denoise_audio',
	version: 2,
	summary: 'Removes noise from speech; unless engine is ffmpeg, music goes, too. The picture is not touched.',
	accepts: ['video', 'audio'],
	params,
	example: { engine: 'auto' },
	produces: '`engine` (`gtcrn` or `ffmpeg`), `noise_floor_db` (ffmpeg only). Files: `denoised.mp4` or `.webm` of a video, of sound a file of its own format.',
	estimateSeconds: (facts) => estimate(facts, { seconds: facts.durationSeconds, decode: false, audio: true }) + facts.durationSeconds * 0.06,
	async measure(tools, { engine }) {
		if (engine === 'ffmpeg') return { engine: 'ffmpeg', noiseFloorDb: await noiseFloor(tools) };
		try {
			return { engine: 'gtcrn', made: await withGtcrn(tools) };
		} catch (error) {
			if (engine === 'gtcrn' || tools.signal.aborted) throw error;
			tools.log.warn({ err: error }, 'the noise suppressor cannot run: taking ffmpeg');
			return { engine: 'ffmpeg', noiseFloorDb: await noiseFloor(tools), reason: 'The noise suppressor cannot run here: ffmpeg was used.' };
		}
	},
	plan(facts, { strength }, known) {
		const audio = soundOf(facts);
		const measured = known?.measured ?? { engine: 'ffmpeg', noiseFloorDb: LOWEST_FLOOR };
		if (measured.engine === 'gtcrn') {
			const { facts: output } = withSound(facts, { name: 'denoised', graph: '' });
			return { outputs: [], made: [measured.made], estimatedCpuSeconds: 0, facts: { ...output, engine: 'gtcrn' } };
		}
		const floor = Math.round(measured.noiseFloorDb * 10) / 10;
		const made = withSound(facts, { name: 'denoised', filters: spectralSubtraction(audio, floor, STRENGTHS[strength]), cost: 0.02 });
		return { ...made, facts: { ...made.facts, engine: 'ffmpeg', noise_floor_db: floor }, ...(measured.reason ? { reason: measured.reason } : {}) };
	},
};

/** The filter lags behind by one window, which is two fortieths of a second in whole samples. */
function spectralSubtraction({ sampleRate }: AudioFacts, floor: number, reduction: number): string[] {
	const rate = sampleRate || 48_000;
	const delay = 2 * Math.floor(rate / 80);
	return [
		`aresample=${rate}`,
		`apad=pad_len=${delay}`,
		`afftdn=nr=${reduction}:nf=${floor}`,
		`atrim=start_sample=${delay}`,
		`asetpts=PTS-${delay}/SR/TB`,
	];
}

/** The level of the quietest moment: speech has pauses, noise has none. */
async function noiseFloor({ facts, run }: MeasureTools): Promise<number> {
	soundOf(facts);
	const { texts } = await run({
		outputs: [
			{
				name: TEXT,
				kind: 'text',
				mime: 'text/plain',
				audioFilters: [
					'asetnsamples=n=48000:p=0',
					'astats=metadata=1:length=0.05:measure_perchannel=none:measure_overall=RMS_trough+RMS_level',
					'ametadata=print:file={text}',
				],
				options: ['-vn'],
				expectedSeconds: facts.durationSeconds,
			},
		],
		estimatedCpuSeconds: estimate(facts, { seconds: facts.durationSeconds, decode: false, audio: true }),
	});
	const last = (key: string): number => Number([...(texts[TEXT] ?? '').matchAll(new RegExp(`^lavfi\\.astats\\.Overall\\.${key}=(.*)$`, 'gm'))].at(-1)?.[1] ?? Number.NaN);
	const floor = Math.min(last('RMS_trough'), last('RMS_level') - BELOW_LEVEL_DB);
	// Digital silence is -inf, which is no number here.
	return Number.isFinite(floor) ? Math.max(LOWEST_FLOOR, Math.min(HIGHEST_FLOOR, floor)) : LOWEST_FLOOR;
}

/** Decodes, removes the noise, and puts the result beside the picture: three processes, no more memory for longer files. */
async function withGtcrn({ facts, workDir, run, probe, signal, progress, spend }: MeasureTools): Promise<ProducedFile> {
	const audio = soundOf(facts);
	const seconds = facts.durationSeconds;
	const noisy = await run(
		{
			outputs: [
				{
					name: 'noisy.wav',
					kind: 'audio',
					mime: 'audio/wav',
					// Sound that begins after the picture, or has gaps, stays where it is.
					audioFilters: ['aresample=48000:async=1:first_pts=0'],
					options: ['-c:a', 'pcm_s16le', '-rf64', 'auto'],
					expectedSeconds: 0,
				},
			],
			estimatedCpuSeconds: estimate(facts, { seconds, decode: false, audio: true }),
		},
		undefined,
		{ progress: [0, 20] },
	);
	const path = join(workDir, 'clean.wav');
	const { cpuSeconds } = await gtcrn({
		from: noisy.files[0]!.path,
		to: path,
		// Of the decoded sound: what files say of themselves can be wrong.
		seconds: noisy.files[0]!.durationSeconds ?? seconds,
		channels: audio.channels,
		signal,
		onProgress: (percent) => progress(20 + percent * 0.4),
	});
	spend(cpuSeconds);
	await rm(noisy.files[0]!.path, { force: true });
	const clean = { path, facts: await probe(path) };
	const plan = withSound(facts, { name: 'denoised', graph: `[a1]aresample=${audio.sampleRate || 48_000}[out]` });
	const made = await run(plan, undefined, { inputs: [clean], progress: [60, 100] });
	await rm(path, { force: true });
	return made.files[0]!;
}
