import type { VideoFacts } from './facts.ts';
import { evenDown, evenNear, type Size } from './geometry.ts';

/** The versions of one video that players of HLS and DASH choose from. Pure. */

export interface Rung extends Size {
	/** By the shorter side, as people say it: `720p`. */
	name: string;
	/** Most that the encoder may spend, kbit/s. */
	maxKbps: number;
}

export const DEFAULT_HEIGHTS: readonly number[] = [1080, 720, 540, 360, 240];

/** Two rungs closer than this are one rung too many: nobody sees the difference (Apple's authoring guide steps by 1.3 to 2). */
const CLOSEST_STEP = 1.2;

/**
 * Largest first, never above the source. A wanted height that the source does not have is replaced by that of the source,
 * where it is worth a rung; a portrait video is measured by its width.
 */
export function ladder(video: VideoFacts, frameRate: number, heights: readonly number[] = DEFAULT_HEIGHTS): Rung[] {
	const shortSide = evenDown(Math.min(video.width, video.height));
	const wanted = [...new Set(heights)].sort((a, b) => b - a);
	const fitting = wanted.filter((height) => height <= shortSide);
	const [largest] = fitting;
	const cut = fitting.length < wanted.length;
	const all = cut && (largest === undefined || shortSide >= largest * CLOSEST_STEP) ? [shortSide, ...fitting] : fitting;
	return all.map((short) => {
		const size = fitShortSide(video, short);
		return { name: `${Math.min(size.width, size.height)}p`, ...size, maxKbps: maxKbps(size, frameRate) };
	});
}

/** `source` with a shorter side of at most `short`, even, in its own proportions. Never larger than it was. */
export function fitShortSide(source: Size, short: number): Size {
	const factor = Math.min(1, evenDown(short) / Math.min(source.width, source.height));
	const scaled = (length: number): number => Math.min(evenNear(length * factor), evenDown(length));
	return { width: scaled(source.width), height: scaled(source.height) };
}

/** Apple's authoring specification for HLS: 6 Mbit/s for 1080p of H.264 at up to 30 pictures a second. */
const KBPS_OF_1080P = 6000;
/** Smaller pictures need more bits per pixel: bits grow with pixels to the power of 0.75, an old rule of encoders. */
const PIXEL_POWER = 0.75;
/** Twice the pictures resemble each other more: one and a half times the bits. */
const HIGH_RATE_FACTOR = 1.5;

/** Enough for moving footage of this size; the quality decides how much of it is used. */
export function maxKbps({ width, height }: Size, frameRate: number): number {
	const base = KBPS_OF_1080P * ((width * height) / (1920 * 1080)) ** PIXEL_POWER * (frameRate > 31 ? HIGH_RATE_FACTOR : 1);
	return Math.max(100, Math.round(base / 50) * 50);
}

/** NTSC rates are n × 1000/1001; written as a fraction, so that segments do not drift: `30000/1001`, `25/1`. */
export function rateFraction(frameRate: number): string {
	const ntsc = Math.round(frameRate * 1.001);
	if (Math.abs((ntsc * 1000) / 1001 - frameRate) < 0.002 && Math.abs(frameRate - Math.round(frameRate)) > 0.002) return `${ntsc * 1000}/1001`;
	return Number.isInteger(frameRate) ? `${frameRate}/1` : `${Math.round(frameRate * 1000)}/1000`;
}
