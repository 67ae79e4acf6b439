import { PipelineError } from '../errors.ts';
import { ENCODE_COST, estimate, h264, type X264Preset } from './codecs.ts';
import type { MediaFacts } from './facts.ts';
import type { Size } from './geometry.ts';
import type { MediaPlan } from './plan.ts';

/**
 * Finds the least bitrate that reaches a quality: short samples of the source are encoded at a few CRFs, compared with the
 * source, and the CRF that just reaches the target is read off the curve. Pure: plans and decisions; the caller runs them.
 */

/** ssim: 0 to 1. vmaf: 0 to 100, Netflix' measure, closer to what people see; needs an ffmpeg with libvmaf. */
export type Metric = 'ssim' | 'vmaf';

/**
 * What each level asks for. `crf`: the range in which a CRF may be chosen whatever the measure says: below it noise is kept
 * that nobody can tell from other noise (SSIM counts every grain), above it faults show that an average hides (banding,
 * smeared text). SSIM of 0.98 and VMAF of 95 are the usual marks of "looks like the source"; VMAF loses 6 points per step
 * that people just notice (Netflix, "Toward a better quality metric").
 */
export const QUALITY_LEVELS = {
	high: { ssim: 0.98, vmaf: 95, crf: { least: 17, most: 28 } },
	standard: { ssim: 0.965, vmaf: 90, crf: { least: 20, most: 32 } },
	small: { ssim: 0.94, vmaf: 82, crf: { least: 24, most: 37 } },
} as const;
export type QualityLevel = keyof typeof QUALITY_LEVELS;

export interface Target {
	metric: Metric;
	value: number;
	crf: { least: number; most: number };
}

/** A wish for a value of SSIM is followed wherever x264 can still go. */
export function targetOf(level: QualityLevel, metric: Metric, ssim?: number): Target {
	return ssim === undefined
		? { metric, value: QUALITY_LEVELS[level][metric], crf: QUALITY_LEVELS[level].crf }
		: { metric: 'ssim', value: ssim, crf: { least: 8, most: 45 } };
}

/** 1.6 to 2 times the time of medium, which is where x264 still gains several per cent for it. */
export const SMART_PRESET: X264Preset = 'slower';

/**
 * What gains most per bit at equal SSIM and VMAF. `tune ssim` turns off the psychovisual part of x264, which spends bits
 * on keeping the look of noise, and spreads bits by the variance of each block (aq-mode 2). 8 B-pictures help still
 * content and cost a tenth more time. 4 references instead of the preset's 8: decoders of level 4.1 take no more at 1080p.
 */
export const smartH264 = (crf: number, preset: X264Preset): string[] => [
	...h264(crf, preset),
	...['-tune', 'ssim', '-bf', '8', '-refs', '4'],
];

export interface Window {
	start: number;
	seconds: number;
}

/** What is to be encoded: the same in the search and at the end. */
export interface Encode {
	size: Size;
	frameRate: number;
	videoFilters: string[];
	preset: X264Preset;
}

export interface Search {
	samples: Window[];
	/** Rounds of probing that fit into the time. */
	rounds: number;
}

/**
 * The search may take a quarter of the time of the encode. Less is planned: still pictures are encoded in a third of the
 * estimated time, while starting ffmpeg takes as long as ever.
 */
const SEARCH_SHARE = 0.12;
/** Longer samples find nothing new; shorter ones are encoded worse than the same pictures in their stream. */
const SAMPLE_SECONDS = { least: 0.6, ideal: 2, total: 24 };
/** CRFs of the first round, and of the later ones. */
const FIRST_CRFS = 3;
/** Decoding a sample and comparing it, CPU seconds per million pixels; measured like ENCODE_COST. */
const COMPARE_COST = 0.006;
/** Starting ffmpeg and ffprobe, CPU seconds. */
const START_COST = 0.15;

/** Null: the video is too short for a search within its share of the time. */
export function planSearch(facts: MediaFacts, { size, frameRate, preset }: Encode): Search | null {
	const { durationSeconds } = facts;
	const perSecond = (cost: number): number => (size.width * size.height * (frameRate || 25) * cost) / 1e6;
	const decodeSecond = estimate(facts, { seconds: 1, decode: true }) - estimate(facts, { seconds: 0, decode: true });
	const encodeSecond = perSecond(ENCODE_COST.x264[preset]);
	const budget = SEARCH_SHARE * durationSeconds * (encodeSecond + decodeSecond);
	/** Longest samples with which so many encodes in so many rounds stay within the budget. */
	const affordable = (rounds: number): number => {
		const encodes = FIRST_CRFS + rounds - 1;
		const perSampleSecond = encodes * (encodeSecond + perSecond(COMPARE_COST)) + 2 * rounds * decodeSecond;
		const fixed = START_COST * (rounds * 2 + encodes);
		return (budget - fixed) / perSampleSecond;
	};
	const rounds = affordable(2) >= 2 * SAMPLE_SECONDS.ideal ? 2 : 1;
	const total = Math.min(affordable(rounds), SAMPLE_SECONDS.total, durationSeconds / 2);
	if (total < SAMPLE_SECONDS.least) return null;
	const count = Math.max(1, Math.round(total / SAMPLE_SECONDS.ideal));
	const seconds = total / count;
	const samples = Array.from({ length: count }, (_, index) => ({
		start: milliseconds(((index + 0.5) * durationSeconds) / count - seconds / 2),
		seconds: milliseconds(seconds),
	}));
	return { samples, rounds };
}

const milliseconds = (value: number): number => Math.floor(value * 1000) / 1000;

/** One point of the curve. */
export interface Point {
	crf: number;
	quality: number;
	bitsPerSecond: number;
}

/** CRFs to try next; none: enough is known. */
export function nextCrfs(points: Point[], target: Target): number[] {
	const { least, most } = target.crf;
	if (points.length === 0) {
		// 26 is where x264 has spent a decent bitrate on most content; six steps of CRF are twice the bitrate.
		const middle = Math.min(most - 5, Math.max(least + 5, 26));
		return [middle - 5, middle, middle + 5];
	}
	const { crf } = choose(points, target);
	const nearest = Math.min(...points.map((point) => Math.abs(point.crf - crf)));
	return nearest >= 1 ? [crf] : [];
}

export interface Choice extends Point {
	/** Whether the target is reached within the range of CRFs. */
	reached: boolean;
}

/** The largest CRF that reaches the target, read off the curve; its ends are continued, within the range. */
export function choose(points: Point[], { metric, value, crf: range }: Target): Choice {
	const curve = points.toSorted((a, b) => a.crf - b.crf);
	const scale = SCALES[metric];
	const at = (crf: number): Point => {
		const index = Math.max(1, curve.findIndex((point) => point.crf >= crf));
		const right = curve[crf > (curve.at(-1)?.crf ?? 0) ? curve.length - 1 : index] ?? curve.at(-1);
		const left = curve[curve.indexOf(right as Point) - 1] ?? right;
		if (!left || !right) throw new PipelineError('internal', 'a search without a single point');
		const share = left === right ? 0 : (crf - left.crf) / (right.crf - left.crf);
		const between = (a: number, b: number): number => a + (b - a) * share;
		return {
			crf,
			quality: scale.back(between(scale.to(left.quality), scale.to(right.quality))),
			bitsPerSecond: Math.exp(between(Math.log(left.bitsPerSecond), Math.log(right.bitsPerSecond))),
		};
	};
	for (let tenths = range.most * 10; tenths >= range.least * 10; tenths--) {
		const point = at(tenths / 10);
		if (point.quality >= value) return { ...point, reached: true };
	}
	return { ...at(range.least), reached: false };
}

/** SSIM is a straight line over CRF only in decibels. */
const SCALES: Record<Metric, { to(quality: number): number; back(straight: number): number }> = {
	ssim: { to: (quality) => -10 * Math.log10(Math.max(1e-9, 1 - quality)), back: (decibels) => 1 - 10 ** (-decibels / 10) },
	vmaf: { to: (quality) => quality, back: (quality) => Math.min(100, quality) },
};

/** Name of the probe encode at a CRF. */
export const probeName = (crf: number): string => `probe-${crf}.mp4`;

/** All samples, one after the other, as a label of the graph. */
function joined(samples: Window[], videoFilters: string[], rate: number, label: string): string {
	const filters = [...videoFilters, numbered(rate)].join(',');
	const pads = samples.map((_, index) => (index === 0 ? '[v]' : `[v${index}]`));
	return samples.length === 1
		? `[v]${filters}[${label}]`
		: `${pads.join('')}concat=n=${samples.length}:v=1:a=0,${filters}[${label}]`;
}

/** Both sides of a comparison must have the same times, and x264 spends bits by the length of pictures. */
const numbered = (rate: number): string => `setpts=N/(${rate || 25}*TB)`;

const sampleInputs = (samples: Window[]): string[][] =>
	samples.slice(1).map(({ start, seconds }) => ['-ss', start.toFixed(3), '-t', seconds.toFixed(3)]);

const window = ({ start, seconds }: Window): { seekSeconds: number; durationSeconds: number } => ({ seekSeconds: start, durationSeconds: seconds });

const lengthOf = (samples: Window[]): number => samples.reduce((sum, { seconds }) => sum + seconds, 0);

/**
 * One process that decodes the samples once and encodes them at each CRF. Further inputs: the source again for each sample
 * but the first.
 */
export function probePlan(facts: MediaFacts, { size, frameRate, videoFilters, preset }: Encode, { samples }: Search, crfs: number[]): MediaPlan {
	const [first] = samples;
	const cost = ENCODE_COST.x264[preset] * crfs.length;
	return {
		inputOptions: sampleInputs(samples),
		outputs: crfs.map((crf) => ({
			name: probeName(crf),
			kind: 'video',
			mime: 'video/mp4',
			...(first ? window(first) : {}),
			graph: { filters: joined(samples, videoFilters, frameRate, 'samples'), map: ['[samples]'] },
			// passthrough: a picture must not be dropped on one side only.
			options: [...smartH264(crf, preset), '-an', '-fps_mode', 'passthrough'],
			expectedSeconds: lengthOf(samples),
		})),
		estimatedCpuSeconds: estimate(facts, { seconds: lengthOf(samples), decode: true, encode: { size, frameRate, cost } }),
	};
}

/** One process that compares each probe encode with the source. Further inputs: as above, then the probe encodes. */
export function comparePlan(facts: MediaFacts, { videoFilters, frameRate }: Encode, { samples }: Search, crfs: number[], metric: Metric): MediaPlan {
	const [first] = samples;
	return {
		inputOptions: sampleInputs(samples),
		outputs: crfs.map((crf, index) => ({
			name: probeName(crf),
			kind: 'text',
			mime: 'text/plain',
			...(first ? window(first) : {}),
			graph: {
				// Both in the colours of the result: SSIM wants the same pixel format on both sides.
				filters: [
					joined(samples, [...videoFilters, 'format=yuv420p'], frameRate, 'source'),
					`[v${samples.length + index}]format=yuv420p,${numbered(frameRate)}[made]`,
					`[made][source]${COMPARE[metric]}[compared]`,
				].join(';'),
				map: ['[compared]'],
			},
			options: ['-an', '-fps_mode', 'passthrough'],
			expectedSeconds: 0,
		})),
		estimatedCpuSeconds: estimate(facts, { seconds: lengthOf(samples) * (1 + crfs.length), decode: true }),
	};
}

const COMPARE: Record<Metric, string> = {
	ssim: 'ssim=stats_file={text}',
	vmaf: 'libvmaf=log_fmt=csv:log_path={text}',
};

/** The mean over all pictures. Throws `processing_failed` when the filter wrote nothing. */
export function qualityOf(text: string, metric: Metric): number {
	const values = metric === 'ssim' ? ssimValues(text) : vmafValues(text);
	if (values.length === 0) throw new PipelineError('processing_failed', `ffmpeg did not say the ${metric.toUpperCase()} of the samples.`);
	return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** `n:1 Y:0.98 U:0.99 V:0.99 All:0.985 (18.2)` */
const ssimValues = (text: string): number[] => [...text.matchAll(/All:([\d.]+)/g)].map(([, value]) => Number(value));

/** A line of names, one of them `vmaf`, then one of values for each picture. */
function vmafValues(text: string): number[] {
	const [names = '', ...lines] = text.trim().split('\n');
	const column = names.split(',').indexOf('vmaf');
	return lines.map((line) => Number(line.split(',')[column] ?? Number.NaN)).filter((value) => Number.isFinite(value));
}
