import type { MediaFacts } from './facts.ts';
import type { MediaLimits } from './platform-limits.ts';

/** What a platform refuses about a file. Pure. */
export interface LimitProblem {
	/** What must be changed: the file as a whole, how large it is, its length, its picture, its sound. */
	about: 'file' | 'bytes' | 'time' | 'picture' | 'sound';
	/** A sentence for a person. */
	message: string;
}

/** A container states frame rates like 60.002: no reason to refuse. */
const FRAME_RATE_SLACK = 0.01;
/** Even numbers of pixels rarely give a shape exactly: 608×1080 is 9:16. */
const RATIO_SLACK = 0.01;

export function limitProblems(facts: MediaFacts, limits: MediaLimits): LimitProblem[] {
	const problems: LimitProblem[] = [];
	const { bytes, mime, video, audio, durationSeconds } = facts;
	const find = (about: LimitProblem['about'], wrong: boolean, message: string): void => void (wrong && problems.push({ about, message }));
	const over = (about: LimitProblem['about'], given: number, max: number | undefined, text: (max: number) => string): void =>
		void (max !== undefined && given > max && problems.push({ about, message: text(max) }));
	const under = (about: LimitProblem['about'], given: number, min: number | undefined, text: (min: number) => string): void =>
		void (min !== undefined && given < min && problems.push({ about, message: text(min) }));
	const oneOf = (about: LimitProblem['about'], given: string, allowed: readonly string[] | undefined, what: string): void =>
		find(about, allowed !== undefined && !allowed.includes(given), `${what} ${given} is not taken; allowed: ${(allowed ?? []).join(', ')}.`);

	oneOf('file', mime, limits.mimes, 'the file type');
	find('bytes', bytes === 0, 'the file is empty.');
	over('bytes', bytes, limits.maxBytes, (max) => `the file has ${megabytes(bytes)}; at most ${megabytes(max)}. Compress it.`);
	if (bytes > 0) under('bytes', bytes, limits.minBytes, (min) => `the file has ${bytes} bytes; at least ${min}.`);
	if (video) {
		const { width, height, frameRate, codec, pixelFormat, bitrate } = video;
		const [long, short] = [Math.max(width, height), Math.min(width, height)];
		const ratio = width / height;
		const size = `${width}×${height}`;
		over('picture', width * height, limits.maxPixels, (max) => `${size} are more than ${max} pixels. Make it smaller.`);
		over('picture', long, limits.maxLongSide, (max) => `${size} is too large: the longer side may have ${max} pixels.`);
		over('picture', short, limits.maxShortSide, (max) => `${size} is too large: the shorter side may have ${max} pixels.`);
		over('picture', width, limits.maxWidth, (max) => `${size} is too large: it may be ${max} pixels wide.`);
		under('picture', short, limits.minSide, (min) => `${size} is too small: each side needs ${min} pixels.`);
		under('picture', width, limits.minWidth, (min) => `${size} is too small: it must be ${min} pixels wide.`);
		under('picture', height, limits.minHeight, (min) => `${size} is too small: it must be ${min} pixels high.`);
		over('picture', long / short, limits.maxAspect, () => `${size} is too long and narrow: at most ${limits.maxAspect} to 1.`);
		over('picture', ratio, slack(limits.maxRatio), (max) => `${size} is too wide: at most ${shape(max)} times as wide as high.`);
		under('picture', ratio, limits.minRatio === undefined ? undefined : limits.minRatio * (1 - RATIO_SLACK), (min) => `${size} is too narrow: at least ${shape(min)} times as wide as high.`);
		const tooFast = limits.maxFrameRate === undefined ? undefined : limits.maxFrameRate + FRAME_RATE_SLACK;
		over('picture', frameRate, tooFast, () => `${frameRate.toFixed(1)} frames per second; at most ${limits.maxFrameRate}.`);
		under('picture', frameRate, limits.minFrameRate, (min) => `${frameRate.toFixed(1)} frames per second; at least ${min}.`);
		const frames = Math.round(durationSeconds * frameRate);
		over('picture', frames, limits.maxFrames, (max) => `${frames} frames; at most ${max}.`);
		over('picture', frames * width * height, limits.maxTotalPixels, (max) => `width × height × frames is ${frames * width * height}; at most ${max}.`);
		// Matroska and transport streams do not say it of the picture alone.
		const bits = bitrate ?? facts.bitrate ?? 0;
		over('picture', bits, limits.maxBitrate, (max) => `${(bits / 1e6).toFixed(1)} Mbit/s; at most ${max / 1e6}.`);
		oneOf('picture', codec, limits.videoCodecs, 'the video codec');
		oneOf('picture', pixelFormat, limits.pixelFormats, 'the pixel format');
	}
	over('time', durationSeconds, limits.maxSeconds, (max) => `it lasts ${durationSeconds.toFixed(1)} s; at most ${max} s. Cut it.`);
	under('time', durationSeconds, limits.minSeconds, (min) => `it lasts ${durationSeconds.toFixed(2)} s; at least ${min} s.`);
	if (audio) {
		oneOf('sound', audio.codec, limits.audioCodecs, 'the audio codec');
		over('sound', audio.channels, limits.maxAudioChannels, (max) => `${audio.channels} audio channels; at most ${max}.`);
		over('sound', audio.sampleRate, limits.maxSampleRate, (max) => `sound of ${audio.sampleRate} Hz; at most ${max}.`);
	}
	return problems;
}

const slack = (max: number | undefined): number | undefined => (max === undefined ? undefined : max * (1 + RATIO_SLACK));
const shape = (ratio: number): string => String(Math.round(ratio * 100) / 100);
const megabytes = (bytes: number): string => `${(bytes / 1_000_000).toFixed(1)} MB`;
