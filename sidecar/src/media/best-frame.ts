import type { VideoFacts } from './facts.ts';
import { fitWidth } from './geometry.ts';
import type { PlannedOutput } from './plan.ts';
import { readPrinted } from './printed.ts';

/** Which picture of a video stands best for it: sharp, neither dark nor burnt out, with something in it. Pure. */

export interface FrameSample {
	seconds: number;
	/** How wide edges are, pixels of the small picture: 2 is crisp, 10 a blur. Null: there are no edges. */
	blur: number | null;
	/** 0 (one colour) to 1. */
	entropy: number;
	/** Mean brightness, 0 to 1. */
	brightness: number;
	/** Between the darkest tenth and the brightest tenth, 0 to 1. */
	contrast: number;
	/** Mean saturation, 0 to 1. */
	saturation: number;
}

/** A sample each second or more, at most so many: more would find hardly anything better. */
const MOST_SAMPLES = 60;
const LEAST_STEP_SECONDS = 0.2;
/** What is longer is looked at by its key frames only, of which there is mostly one every few seconds. */
export const LONG_SECONDS = 60;
const LOOK_WIDTH = 320;

/** The output that measures; `readSamples` reads its text. */
export function sampleOutput(name: string, video: VideoFacts, durationSeconds: number, keyFramesOnly: boolean): PlannedOutput {
	const step = Math.max(LEAST_STEP_SECONDS, durationSeconds / MOST_SAMPLES);
	return {
		name,
		kind: 'text',
		mime: 'text/plain',
		...(keyFramesOnly ? { sourceOptions: ['-skip_frame', 'nokey'] } : {}),
		videoFilters: [
			`select='isnan(prev_selected_t)+gte(t-prev_selected_t,${step.toFixed(3)})'`,
			`scale=${fitWidth(video, LOOK_WIDTH).width}:-2`,
			...['format=yuv420p', 'blurdetect', 'entropy', 'signalstats', 'metadata=print:file={text}'],
		],
		options: ['-an'],
		expectedSeconds: durationSeconds,
	};
}

/** 16 to 235, as videos store brightness. */
const level = (value: number): number => Math.min(1, Math.max(0, (value - 16) / 219));

export const readSamples = (text: string): FrameSample[] =>
	readPrinted(text).map(({ seconds, values }) => {
		const get = (key: string): number => values.get(key) ?? Number.NaN;
		const or0 = (value: number): number => (Number.isFinite(value) ? value : 0);
		const blur = get('blur');
		return {
			seconds,
			blur: Number.isFinite(blur) && blur > 0 ? blur : null,
			entropy: or0(get('entropy.normalized_entropy.normal.Y')),
			brightness: level(or0(get('signalstats.YAVG'))),
			contrast: level(or0(get('signalstats.YHIGH'))) - level(or0(get('signalstats.YLOW'))),
			// Saturation of 8 bits is the distance from grey, at most 181; beyond 60 everything is colourful.
			saturation: Math.min(1, or0(get('signalstats.SATAVG')) / 60),
		};
	});

/** 0 (useless) to 1. */
export function scoreOf({ blur, entropy, brightness, contrast, saturation }: FrameSample): number {
	const sharpness = blur === null ? 0 : 4 / (4 + Math.max(0, blur - 2));
	const exposure = 1 - Math.min(1, Math.abs(brightness - 0.5) / 0.5) ** 2;
	const sum = 0.4 * sharpness + 0.2 * Math.min(1, contrast) + 0.2 * entropy + 0.12 * exposure + 0.08 * saturation;
	// Almost black, almost white, or almost one colour: no other virtue makes up for it.
	const seen = Math.min(1, brightness / 0.12, (1 - brightness) / 0.08);
	const filled = Math.min(1, contrast / 0.12, entropy / 0.2);
	return sum * Math.max(0, Math.min(seen, filled));
}

/** Of equals, the one nearer to the middle: beginnings and ends are mostly titles. Null: there are no samples. */
export function bestFrame(samples: FrameSample[], durationSeconds: number): { seconds: number; score: number } | null {
	const weighed = samples.map((sample) => {
		const off = durationSeconds > 0 ? Math.abs(sample.seconds / durationSeconds - 0.5) * 2 : 0;
		return { seconds: sample.seconds, score: scoreOf(sample), weight: scoreOf(sample) * (1 - 0.1 * off) };
	});
	const best = weighed.reduce<(typeof weighed)[number] | null>((found, one) => (found === null || one.weight > found.weight ? one : found), null);
	return best && { seconds: best.seconds, score: Math.round(best.score * 1000) / 1000 };
}
