import { canRemux, isOrdinary } from './codecs.ts';
import type { AudioFacts, MediaFacts, VideoFacts } from './facts.ts';
import { cropToRatio, evenDown, evenNear, isEven, type Size } from './geometry.ts';
import { maxKbps } from './ladder.ts';
import { limitProblems } from './platform-check.ts';
import type { MediaLimits, VideoPlatform } from './platform-limits.ts';

/** What becomes of a video that goes to a platform: its shape, its size, its rate, its bitrate, its parts. Pure. */

export const PLATFORM_FITS = ['auto', 'crop', 'blur', 'pad'] as const;
export type PlatformFit = (typeof PLATFORM_FITS)[number];

export interface Shape {
	/** keep: as it is. */
	how: 'keep' | 'crop' | 'blur' | 'pad';
	/** Even sides. */
	size: Size;
}

/** A part of the picture that few miss. */
const CROP_AT_MOST = 0.15;
const SHAPE_SLACK = 0.01;

/** The shape that the platform shows, at the best size for it: not larger than the source, unless the platform wants it larger. */
export function shapeFor(video: VideoFacts, { video: limits, shapes, best }: VideoPlatform, fit: PlatformFit): Shape {
	const ratio = video.width / video.height;
	const taken = limitsOfShape(limits);
	const accepted = shapes ?? taken;
	const isShown = ratio >= accepted.min * (1 - SHAPE_SLACK) && ratio <= accepted.max * (1 + (shapes ? SHAPE_SLACK : 0));
	// What is shown may still be refused. Half of the slack is left for even numbers of pixels.
	if (isShown && ratio >= taken.min * (1 - SHAPE_SLACK / 2) && ratio <= taken.max * (1 + SHAPE_SLACK / 2)) {
		return { how: 'keep', size: scaleInto(video, limits, best) };
	}
	const target = shapes?.frame ?? Math.min(Math.max(ratio, accepted.min), accepted.max);
	const lost = 1 - Math.min(ratio / target, target / ratio);
	const how = fit === 'auto' ? (lost <= CROP_AT_MOST ? 'crop' : 'blur') : fit;
	const frame =
		how === 'crop'
			? cropToRatio(video, target, 'center', (value) => Math.max(1, Math.round(value)))
			: ratio > target
				? { width: video.width, height: Math.round(video.width / target) }
				: { width: Math.round(video.height * target), height: video.height };
	return { how, size: scaleInto(frame, limits, best) };
}

/** A little inside, so that even numbers of pixels do not step over. */
const INSIDE = 0.99;

function limitsOfShape({ maxAspect = Infinity, minRatio = 0, maxRatio = Infinity }: MediaLimits): { min: number; max: number } {
	return { min: Math.max(minRatio, 1 / (maxAspect * INSIDE)), max: Math.min(maxRatio, maxAspect * INSIDE) };
}

function scaleInto(size: Size, limits: MediaLimits, best: VideoPlatform['best']): Size {
	const [long, short] = [Math.max(size.width, size.height), Math.min(size.width, size.height)];
	const most = Math.min(
		1,
		Math.min(best.longSide, limits.maxLongSide ?? Infinity) / long,
		Math.min(best.shortSide, limits.maxShortSide ?? Infinity) / short,
		(limits.maxWidth ?? Infinity) / size.width,
		Math.sqrt((limits.maxPixels ?? Infinity) / (size.width * size.height)),
	);
	const least = Math.max((limits.minSide ?? 2) / short, (limits.minWidth ?? 2) / size.width, (limits.minHeight ?? 2) / size.height);
	const factor = Math.max(most, least);
	// At its own size an odd side loses a pixel; every other size is rounded.
	const side = (length: number): number => (factor === 1 ? evenDown(length) : evenNear(length * factor));
	return { width: side(size.width), height: side(size.height) };
}

/** Without judder: every n-th picture, or each one n times. */
export function frameRateFor({ frameRate }: VideoFacts, { minFrameRate = 0, maxFrameRate = Infinity }: MediaLimits): number {
	const rate = frameRate || 30;
	if (rate > maxFrameRate + 0.01) return rate / Math.ceil((rate - 0.01) / maxFrameRate);
	if (rate >= minFrameRate) return rate;
	return Math.min(rate * Math.ceil(minFrameRate / rate), maxFrameRate);
}

export const AUDIO_KBPS = 128;
/** Boxes of MP4, and what an encoder takes more than it was told. */
const BYTES_KEPT_FREE = 0.05;
/** Below this not even 240p can be watched. */
const LEAST_KBPS = 100;

/** Seconds that fit at all: by the platform's clock, or by its bytes. A trimmed video ends a little before, as packets are not cut. */
export const longestFor = ({ maxSeconds = Infinity, maxBytes = Infinity }: MediaLimits): number =>
	Math.min(maxSeconds, (maxBytes * (1 - BYTES_KEPT_FREE) * 8) / 1000 / (LEAST_KBPS + AUDIO_KBPS));

export interface Rate {
	/** Most that the picture may take, kbit/s. */
	kbps: number;
	size: Size;
	/** The bytes that are allowed set the bitrate, or even the size. */
	tight: boolean;
}

/** A picture of less than a quarter of the usual bitrate is better made smaller. */
const POOREST = 0.25;
const SMALLER = [720, 540, 360, 240];

/** As good as the platform advises, and never more than its bytes allow for this length. */
export function rateFor(size: Size, frameRate: number, seconds: number, { video: limits, best }: VideoPlatform, hasSound: boolean): Rate {
	const wanted = Math.min(best.kbps, Math.round(maxKbps(size, frameRate) * 1.5), (limits.maxBitrate ?? Infinity) / 1000);
	const budget = Math.floor(((limits.maxBytes ?? Infinity) * (1 - BYTES_KEPT_FREE) * 8) / 1000 / Math.max(seconds, 0.1) - (hasSound ? AUDIO_KBPS : 0));
	if (budget >= wanted) return { kbps: wanted, size, tight: false };
	const short = Math.min(size.width, size.height);
	const sizes = [size, ...SMALLER.filter((side) => side < short).map((side) => scaledTo(size, side / short))].filter((one) => fits(one, limits));
	const made = sizes.find((one) => budget >= maxKbps(one, frameRate) * POOREST) ?? sizes.at(-1) ?? size;
	return { kbps: budget, size: made, tight: true };
}

const scaledTo = ({ width, height }: Size, factor: number): Size => ({ width: evenNear(width * factor), height: evenNear(height * factor) });
const fits = ({ width, height }: Size, { minSide = 2, minWidth = 2, minHeight = 2 }: MediaLimits): boolean =>
	Math.min(width, height) >= minSide && width >= minWidth && height >= minHeight;

/** Why the picture must be encoded; empty: it can be copied. */
export function reasonsToEncode(facts: MediaFacts, video: VideoFacts, { video: limits, noEditLists }: VideoPlatform): string[] {
	const found = limitProblems(facts, limits).flatMap(({ about, message }) => (about === 'picture' ? [message] : []));
	if (found.length > 0) return found;
	return [
		...(video.codec === 'h264' || video.codec === 'hevc' ? [] : [`${video.codec} is not safe in MP4.`]),
		...(canRemux(facts) ? [] : ['its container has no time stamps that MP4 could take over.']),
		...(!limits.pixelFormats || (isOrdinary(video) && video.bitDepth === 8) ? [] : ['it is interlaced, HDR, or has more than 8 bits of colour.']),
		...(isEven(video) && video.pixelAspect === 1 ? [] : ['its pixels are not square, or their number is odd.']),
		// Baseline has no pictures that are shown in another order than they are stored in: others need an edit list.
		...(noEditLists && !/baseline/i.test(video.profile ?? '') ? ['its times may need an edit list, which is not taken.'] : []),
	];
}

export const canCopySound = (facts: MediaFacts, audio: AudioFacts, { video: limits }: VideoPlatform): boolean =>
	audio.codec === 'aac' && canRemux(facts) && audio.channels <= 2 && audio.sampleRate <= (limits.maxSampleRate ?? 48_000);

/** Rates of copied streams are not ours to set: the share of the file that is kept must fit by itself. */
export const bytesFit = (facts: MediaFacts, seconds: number, { maxBytes = Infinity }: MediaLimits): boolean =>
	facts.bytes * Math.min(1, seconds / Math.max(facts.durationSeconds, 0.001)) * (seconds < facts.durationSeconds ? 1.1 : 1.01) <= maxBytes;
