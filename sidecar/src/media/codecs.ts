import { MAX_FRAME_RATE } from './corrections.ts';
import type { AudioFacts, MediaFacts, VideoFacts } from './facts.ts';
import type { Size } from './geometry.ts';

/** How each format is encoded, when a stream already complies, and what it costs. Pure. */

export const X264_PRESETS = [
	'ultrafast',
	'superfast',
	'veryfast',
	'faster',
	'fast',
	'medium',
	'slow',
	'slower',
	'veryslow',
] as const;
export type X264Preset = (typeof X264_PRESETS)[number];
/** 2 to 3 times as fast as ffmpeg's own default (medium) for files about a tenth larger: right for a queue on few cores. */
export const DEFAULT_PRESET: X264Preset = 'veryfast';

/** Puts the index first, so that a player can begin before it has the whole file. */
export const FAST_START = ['-movflags', '+faststart'];

/** 8-bit 4:2:0 in High profile is what every browser, phone and platform plays. */
export const h264 = (crf: number, preset: X264Preset = DEFAULT_PRESET): string[] => [
	...['-c:v', 'libx264', '-preset', preset, '-crf', String(crf), '-profile:v', 'high', '-pix_fmt', 'yuv420p'],
];

export const isPlayableH264 = (video: VideoFacts): boolean =>
	video.codec === 'h264' && video.pixelFormat === 'yuv420p' && isOrdinary(video);

/** Nothing that players show wrongly: combs of fields, washed-out HDR, or a rate that no screen has. */
export const isOrdinary = (video: VideoFacts): boolean =>
	!video.interlaced && video.hdr === null && video.frameRate <= MAX_FRAME_RATE;

/** Containers whose H.264 can be put into MP4 as it is. AVI and MPEG program streams lack the time stamps for that. */
export const canRemux = ({ container }: MediaFacts): boolean => /mov|matroska|flv|mpegts/.test(container);

/** AAC of at most `kbps`; AAC itself knows no more than 96 kHz, and nobody hears more than 48. */
export const aac = (audio: AudioFacts, kbps: number): string[] => [
	'-c:a',
	'aac',
	'-b:a',
	`${kbps}k`,
	...sampleRate(audio),
];
export const sampleRate = (audio: AudioFacts): string[] => (audio.sampleRate > 48_000 ? ['-ar', '48000'] : []);
/** Encoders of MP3 and Opus refuse many layouts of surround sound; phones play stereo anyway. */
export const stereo = (audio: AudioFacts): string[] => (audio.channels > 2 ? ['-ac', '2'] : []);

/** Transparency: codecs without it would show whatever colour lies under the transparent pixels, mostly black. */
export const hasAlpha = ({ pixelFormat }: VideoFacts): boolean =>
	/^(rgba|bgra|argb|abgr|rgba64|bgra64|yuva|gbrap|ya8|ya16|pal8)/.test(pixelFormat);
/**
 * Puts the picture on white. One chain with inner labels, so that it can stand among other filters. In YUV, because
 * `drawbox` of ffmpeg 5.1 crashes on RGB with transparency.
 */
export const ON_WHITE =
	'format=yuva444p,split[below][above];[below]drawbox=c=white:replace=1:t=fill[white];[white][above]overlay=format=yuv444';

/** Puts the picture on black, as players show it. In its own colours: on the way to RGB and back they would change. */
export const onBlack = ({ pixelFormat }: VideoFacts): string[] => [`format=${pixelFormat.startsWith('yuva') ? 'yuva444p' : 'gbrap'}`, 'premultiply=inplace=1', 'format=yuv444p'];

/** 1 to 100 as JPEG's quantiser of 31 to 2, bent so that 80 is a good picture (4) and 50 a small one (11). */
export const jpegQuantiser = (quality: number): string => (2 + 29 * ((100 - quality) / 99) ** 1.7).toFixed(1);

export const IMAGE_FORMATS = {
	jpeg: {
		extension: 'jpg',
		mime: 'image/jpeg',
		options: (quality: number) => ['-c:v', 'mjpeg', '-q:v', jpegQuantiser(quality), '-pix_fmt', 'yuvj420p'],
	},
	png: { extension: 'png', mime: 'image/png', options: () => ['-c:v', 'png'] },
	webp: {
		extension: 'webp',
		mime: 'image/webp',
		options: (quality: number) => ['-c:v', 'libwebp', '-quality', String(quality)],
	},
} as const;
export type ImageFormat = keyof typeof IMAGE_FORMATS;

/**
 * CPU seconds per million pixels of encoded pictures, measured with ffmpeg 5.1 on a test picture of 720p on two cores of a
 * 2020s server. Real footage and other machines differ by a factor of two or three; it orders and bounds work, no more.
 */
export const ENCODE_COST = {
	x264: {
		ultrafast: 0.003,
		superfast: 0.0065,
		veryfast: 0.008,
		faster: 0.014,
		fast: 0.017,
		medium: 0.019,
		slow: 0.028,
		slower: 0.042,
		veryslow: 0.08,
	} satisfies Record<X264Preset, number>,
	x265: 0.035,
	svtav1: 0.055,
	aom: 0.08,
	vp9: 0.047,
} as const;
/** The same for decoding and scaling, per million pixels of the source. */
const DECODE_COST = 0.002;
/** What corrections cost beside it, per million pixels of the source: measured with 1080p. */
const DEINTERLACE_COST = 0.0015;
const TONE_MAP_COST = 0.0145;
/** CPU seconds per second of sound, decoded and encoded. */
const AUDIO_COST = 0.01;
/** Reading and writing without decoding: about 500 MB per CPU second. */
const COPY_COST_PER_BYTE = 1 / 500e6;
/** Starting ffmpeg once and ffprobe once. */
const START_COST = 0.15;

/** What a plan will cost, in CPU seconds. */
export function estimate(
	facts: MediaFacts,
	work: { seconds: number; decode: boolean; encode?: { size: Size; frameRate: number; cost: number }; audio?: boolean },
): number {
	const frames = (rate: number): number => Math.max(1, work.seconds * (rate || 1));
	const source =
		facts.video && work.decode
			? (facts.video.width * facts.video.height * frames(facts.video.frameRate) * decodeCost(facts.video)) / 1e6
			: 0;
	const { encode } = work;
	const made = encode ? (encode.size.width * encode.size.height * frames(encode.frameRate) * encode.cost) / 1e6 : 0;
	const sum =
		START_COST +
		source +
		made +
		(work.audio ? work.seconds * AUDIO_COST : 0) +
		(work.decode ? 0 : facts.bytes * COPY_COST_PER_BYTE);
	return Math.round(sum * 100) / 100;
}

const decodeCost = ({ interlaced, hdr }: VideoFacts): number =>
	DECODE_COST + (interlaced ? DEINTERLACE_COST : 0) + (hdr ? TONE_MAP_COST : 0);
