import { z } from 'zod';
import { isLossless } from '../../media/audio-formats.ts';
import { estimate } from '../../media/codecs.ts';
import type { AudioFacts } from '../../media/facts.ts';
import { loudnessFields, measureLoudness, readLoudness, type Loudness } from '../../media/loudness.ts';
import { soundOf, withSound } from '../../media/sound.ts';
import type { MediaOperation, MeasureTools } from '../operation.ts';

const params = z.strictObject({
	target_lufs: z
		.number()
		.min(-70)
		.max(-5)
		.default(-14)
		.describe(
			'Loudness of the result, LUFS. Default -14 (streaming and social platforms); podcasts -16, European broadcast (EBU R128) -23, American (ATSC A/85) -24.',
		),
	true_peak_dbtp: z.number().min(-9).max(0).default(-1).describe('Highest true peak of the result, dBTP. Default -1.'),
	loudness_range_lu: z
		.number()
		.min(1)
		.max(50)
		.optional()
		.describe('Largest loudness range, LU: wider sound is compressed. Default: the range stays as it is.'),
});
type Params = z.infer<typeof params>;

/** Its file name, without extension. */
const RESULT = 'normalized';

/** EBU R128: programmes may be off by 0.5 LU where the exact level cannot be reached in practice. */
const TOLERANCE_LU = 0.5;
/** What the next encoder adds to the peaks of a limited sound; measured with AAC of 128 kbit/s on speech. */
const LOSSY_HEADROOM_DB = 0.7;
/** `ebur128` writes peaks with three decimals: at -35 dBTP (0.018) they are off by 0.25 dB already. */
const COARSE_BELOW_LUFS = -35;
/** A level at which nothing is coarse. */
const REFERENCE_LUFS = -20;

const LOUDNORM_BELOW_LUFS = -2;

/** ffmpeg's names by number of channels: the limiter of loudnorm loses the layout, and must be told. */
const LAYOUTS = ['mono', 'stereo', '2.1', 'quad', '5.0', '5.1', '6.1', '7.1'];

interface Measured {
	source: Loudness;
	/** LU to aim above the target, because the limiter takes as much away. */
	aim: number;
}

export const normalizeLoudness: MediaOperation<Params, Measured> = {
	kind: 'media',
	name: 'normalize_loudness',
	version: 1,
	summary: 'Brings the sound to a target loudness (EBU R128, in two passes). The picture is not touched.',
	accepts: ['video', 'audio'],
	params,
	example: { target_lufs: -14, true_peak_dbtp: -1 },
	produces:
		'`before` and `after`, each with `integrated_lufs`, `loudness_range_lu` and `true_peak_dbtp`; `mode` (`linear`: one gain for all; ' +
		'`limited`: peaks are limited as well; `dynamic`: the range is compressed; `copied`: nothing to do, `reason` says why). Files: `normalized.mp4` or `.webm` of a video, of sound a file of its own format.',
	measure: measureSource,
	estimateSeconds: (facts) => estimate(facts, { seconds: facts.durationSeconds, decode: false, audio: true }) + facts.durationSeconds * 0.05,
	plan(facts, wanted, known) {
		const audio = soundOf(facts);
		const { source: before, aim } = known?.measured ?? { source: SILENCE, aim: 0 };
		const common = { before: loudnessFields(before), target_lufs: wanted.target_lufs };
		const nothing = reasonToCopy(before, wanted);
		if (nothing) {
			const copied = withSound(facts, { name: RESULT });
			return { ...copied, reason: nothing, facts: { ...copied.facts, ...common, after: loudnessFields(before), mode: 'copied' } };
		}
		const { filters, mode } = secondPass(before, wanted, audio, aim);
		const made = withSound(facts, {
			name: RESULT,
			filters: [...filters, ...measureLoudness(audio.channels)],
			cost: mode === 'linear' ? 0.01 : 0.04,
		});
		return { ...made, facts: { ...made.facts, ...common, mode } };
	},
	conclude({ texts }, _facts, { target_lufs: target }) {
		const text = Object.entries(texts).find(([name]) => name.startsWith(`${RESULT}.`))?.[1];
		if (text === undefined) return {};
		const after = readLoudness(text);
		const reached = after.integratedLufs !== null && Math.abs(after.integratedLufs - target) <= 1;
		return {
			output: {
				after: loudnessFields(after),
				...(reached ? {} : { reason: `The peaks are too high above the rest to reach ${target} LUFS below the largest true peak.` }),
			},
		};
	},
};

const SILENCE: Loudness = { integratedLufs: null, rangeLu: 0, truePeakDbtp: null, shortTermLufs: [] };

/** What the limiter costs is known after one or two trials. */
const TRIALS = 3;
/** Aiming higher than this would only flatten the sound. */
const LARGEST_AIM_LU = 6;

/** First pass. Quiet sound is measured a second time, louder, for exact peaks; where peaks must be limited, that is tried. */
async function measureSource({ facts, run }: MeasureTools, wanted: Params): Promise<Measured> {
	const audio = soundOf(facts);
	const measure = async (filters: string[]): Promise<Loudness> => {
		const { texts } = await run({
			outputs: [
				{
					name: 'loudness.txt',
					kind: 'text',
					mime: 'text/plain',
					audioFilters: [...filters, ...measureLoudness(audio.channels)],
					options: ['-vn'],
					expectedSeconds: facts.durationSeconds,
				},
			],
			estimatedCpuSeconds: estimate(facts, { seconds: facts.durationSeconds, decode: false, audio: true }),
		});
		return readLoudness(texts['loudness.txt'] ?? '');
	};
	const source = await exactPeak(await measure([]), measure);
	let aim = 0;
	if (reasonToCopy(source, wanted)) return { source, aim };
	for (let trial = 0; trial < TRIALS; trial++) {
		const { mode, filters } = secondPass(source, wanted, audio, aim);
		if (mode === 'linear') break;
		const missing = wanted.target_lufs - ((await measure(filters)).integratedLufs ?? wanted.target_lufs);
		if (Math.abs(missing) <= TOLERANCE_LU) break;
		aim = Math.max(-LARGEST_AIM_LU, Math.min(LARGEST_AIM_LU, aim + missing));
	}
	return { source, aim };
}

async function exactPeak(first: Loudness, measure: (filters: string[]) => Promise<Loudness>): Promise<Loudness> {
	if (first.integratedLufs === null || first.integratedLufs > COARSE_BELOW_LUFS) return first;
	const gain = Math.round(REFERENCE_LUFS - first.integratedLufs);
	const { truePeakDbtp } = await measure([amplify(gain)]);
	return { ...first, truePeakDbtp: truePeakDbtp === null ? null : truePeakDbtp - gain };
}

const amplify = (gain: number): string => `volume=${gain}dB:precision=double`;

/** Nothing to do: a sentence that says why. */
function reasonToCopy({ integratedLufs, truePeakDbtp, rangeLu }: Loudness, wanted: Params): string | undefined {
	if (integratedLufs === null) return 'There is only silence, or less than 0.4 s of sound, which has no loudness: it stays as it is.';
	const fits =
		Math.abs(integratedLufs - wanted.target_lufs) <= TOLERANCE_LU &&
		(truePeakDbtp ?? 0) <= wanted.true_peak_dbtp &&
		rangeLu <= (wanted.loudness_range_lu ?? rangeLu);
	return fits
		? `The sound has ${integratedLufs.toFixed(1)} LUFS already, within ${TOLERANCE_LU} LU of the target: it stays as it is.`
		: undefined;
}

/** Peaks between the samples show at four times the rate (ITU-R BS.1770-4, annex 2). */
const OVERSAMPLED_HZ = 192_000;
/** What comes back when the rate is lowered again. */
const RESAMPLING_HEADROOM_DB = 0.1;

interface SecondPass {
	filters: string[];
	/** linear: one gain. limited: one gain and a limiter of true peaks. dynamic: loudnorm's own compressor, for a smaller range. */
	mode: 'linear' | 'limited' | 'dynamic';
}

/**
 * loudnorm applies one gain when it is told that the peaks allow it. Where they do not, its dynamic mode stays up to 1.7 LU
 * below the target on speech in mono (measured), however high it aims; a limiter behind the one gain gets there.
 */
function secondPass(source: Loudness, wanted: Params, audio: AudioFacts, aim: number): SecondPass {
	const peakLimit = wanted.true_peak_dbtp - (isLossless(audio) ? 0 : LOSSY_HEADROOM_DB);
	const loudness = source.integratedLufs ?? wanted.target_lufs;
	// loudnorm takes no loudness of 0 LUFS or more, which floats can have.
	const before = loudness > LOUDNORM_BELOW_LUFS ? Math.round(REFERENCE_LUFS - loudness) : 0;
	const integrated = loudness + before;
	const peak = (source.truePeakDbtp ?? 0) + before;
	const range = Math.max(1, wanted.loudness_range_lu ?? source.rangeLu);
	const tooWide = source.rangeLu > range;
	const tooHigh = peak + wanted.target_lufs - integrated > peakLimit;
	const mode = tooWide ? 'dynamic' : tooHigh ? 'limited' : 'linear';
	const layout = LAYOUTS[audio.channels - 1];
	const sameLayout = layout ? [`aformat=channel_layouts=${layout}`] : [];
	const loudnorm = [
		`I=${Math.max(-70, Math.min(-5, wanted.target_lufs + aim)).toFixed(2)}`,
		`TP=${Math.max(-9, peakLimit).toFixed(2)}`,
		// A hair above, so that rounding does not forbid the one gain.
		`LRA=${Math.min(50, range + 0.01).toFixed(2)}`,
		`measured_I=${integrated.toFixed(2)}`,
		// Zero means "not measured", and would forbid the one gain as well.
		`measured_LRA=${Math.max(0.1, source.rangeLu).toFixed(2)}`,
		`measured_TP=${mode === 'dynamic' ? peak.toFixed(2) : -99}`,
		// The relative gate lies 10 LU below the loudness (EBU Tech 3341).
		`measured_thresh=${Math.max(-99, integrated - 10).toFixed(2)}`,
		'linear=true',
	];
	const limiter = [
		`aresample=${OVERSAMPLED_HZ}`,
		`alimiter=limit=${10 ** ((peakLimit - RESAMPLING_HEADROOM_DB) / 20)}:level=false:latency=true`,
	];
	return {
		mode,
		filters: [
			...(before === 0 ? [] : [amplify(before)]),
			...sameLayout,
			`loudnorm=${loudnorm.join(':')}`,
			...sameLayout,
			...(mode === 'limited' ? limiter : []),
			`aresample=${audio.sampleRate || 48_000}`,
		],
	};
}
