import { PipelineError } from '../errors.ts';
import type { MediaFacts } from './facts.ts';
import { fitHeight, type Size } from './geometry.ts';

/** What a file of a given size can hold: bitrates and a height. Pure. */

export interface SizeBudget {
	size: Size;
	/** Bits per second. */
	videoBitrate: number;
	/** kbit/s; null without sound. */
	audioKbps: number | null;
}

/**
 * Least bits per pixel of x264 with which pictures can still be made out, and those with which they look decent. From
 * trials with 720p: at 0.01 blocks everywhere, at 0.03 about CRF 32.
 */
const LEAST_BITS_PER_PIXEL = 0.01;
const DECENT_BITS_PER_PIXEL = 0.03;
/** The usual heights, to step down to. */
const HEIGHTS = [2160, 1440, 1080, 720, 540, 480, 360, 240, 144];
/** AAC is still understandable speech at 24 kbit/s in mono. */
const AUDIO_KBPS = [24, 32, 48, 64, 96, 128, 160, 192, 256, 320, 384, 448, 512];
/** Sound gets an eighth of the file, unless less was asked for. */
const AUDIO_SHARE = 1 / 8;
/** Tables of an MP4, bytes: a head, and per picture and packet of sound; measured, rounded up. */
const HEAD_BYTES = 4_000;
const BYTES_PER_FRAME = 12;
const BYTES_PER_SECOND_OF_SOUND = 47 * 8;
/** x264 in two passes comes within 2 %; the aim lies below the target by as much. */
export const AIM = 0.975;

export interface SizeWish {
	targetBytes: number;
	/** Most height. */
	height: number;
	/** Most kbit/s of the sound. */
	audioKbps: number;
	frameRate: number;
}

/** Splits a size between picture and sound, at the largest height that looks decent. Throws `invalid_request` where none can be made. */
export function budgetOf(facts: MediaFacts, wish: SizeWish): SizeBudget {
	const { video, audio, durationSeconds } = facts;
	if (!video) throw new PipelineError('input_no_video', 'There is no video to compress; this file has only sound.');
	const { targetBytes, height, frameRate } = wish;
	const seconds = Math.max(durationSeconds, 0.04);
	const rate = frameRate || 25;
	const tables = tableBytes(seconds, rate, audio !== null);
	const bits = ((targetBytes * AIM - tables) * 8) / seconds;
	const audioKbps = audio ? audioFor((bits * AUDIO_SHARE) / 1000, wish.audioKbps) : null;
	const videoBitrate = Math.floor(bits - (audioKbps ?? 0) * 1000);
	const sizes = [height, ...HEIGHTS.filter((one) => one < height)].map((one) => fitHeight(video, one));
	const perPixel = ({ width, height: high }: Size): number => videoBitrate / (width * high * rate);
	const size =
		sizes.find((one) => perPixel(one) >= DECENT_BITS_PER_PIXEL) ??
		sizes.toReversed().find((one) => perPixel(one) >= LEAST_BITS_PER_PIXEL);
	if (size) return { size, videoBitrate, audioKbps };
	const least = sizes.at(-1) as Size;
	const needed = least.width * least.height * rate * LEAST_BITS_PER_PIXEL + (audio ? (AUDIO_KBPS[0] as number) * 1000 : 0);
	const possible = Math.ceil(((needed * seconds) / 8 + tables) / AIM / 10_000) / 100;
	throw new PipelineError(
		'invalid_request',
		`params.target_mb: ${targetBytes / 1e6} MB is too little for ${Math.round(seconds)} s of video. At least ${possible} MB would be possible, with a picture of ${least.width} x ${least.height}.`,
		{ details: { field: 'params.target_mb', given: targetBytes / 1e6, least: possible } },
	);
}

const tableBytes = (seconds: number, rate: number, sound: boolean): number =>
	HEAD_BYTES + seconds * (rate * BYTES_PER_FRAME + (sound ? BYTES_PER_SECOND_OF_SOUND : 0));

const audioFor = (share: number, most: number): number =>
	Math.min(most, AUDIO_KBPS.findLast((kbps) => kbps <= share) ?? (AUDIO_KBPS[0] as number));

/** The bitrate of the next try after one of `bytes`, of which all but the picture stays as it is. */
export function corrected(videoBitrate: number, bytes: number, targetBytes: number, seconds: number): number {
	const excess = ((bytes - targetBytes * AIM) * 8) / Math.max(seconds, 0.04);
	return Math.max(1_000, Math.floor(videoBitrate - excess));
}

/** Least share of the target that a file shall use, where the source has enough for it. */
export const LEAST_SHARE = 0.85;
