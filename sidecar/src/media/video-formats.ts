import { opus, type AudioFormat } from './audio-formats.ts';
import { aac, ENCODE_COST, FAST_START, h264, isOrdinary, isPlayableH264 } from './codecs.ts';
import type { VideoFacts } from './facts.ts';

/** Containers with a codec of pictures and one of sound. Pure. */
export interface VideoFormat {
	extension: string;
	mime: string;
	/** The first one that ffmpeg has is used. */
	encoders: ReadonlyArray<{ name: string; options: string[]; cost: number }>;
	complies(video: VideoFacts): boolean;
	/** Also on a copied stream. */
	always: string[];
	audio: Pick<AudioFormat, 'codecs' | 'encode'>;
}
const AAC: VideoFormat['audio'] = { codecs: ['aac'], encode: aac };
const OPUS: VideoFormat['audio'] = { codecs: ['opus', 'vorbis'], encode: opus };
const isPlain = (video: VideoFacts): boolean => video.pixelFormat === 'yuv420p' && isOrdinary(video);
const H264 = {
	encoders: [{ name: 'libx264', options: h264(21), cost: ENCODE_COST.x264.veryfast }],
	complies: isPlayableH264,
	always: FAST_START,
	audio: AAC,
};

/** Qualities that look alike: CRF 21 of x264, 26 of x265, 32 of VP9 and AV1 (their scale ends at 63). */
export const VIDEO_FORMATS = {
	mp4_h264: { extension: 'mp4', mime: 'video/mp4', ...H264 },
	mp4_h265: {
		extension: 'mp4',
		mime: 'video/mp4',
		encoders: [
			{
				name: 'libx265',
				options: [
					'-c:v',
					'libx265',
					'-preset',
					'fast',
					'-crf',
					'26',
					'-pix_fmt',
					'yuv420p',
					'-x265-params',
					'log-level=error',
				],
				cost: ENCODE_COST.x265,
			},
		],
		complies: (video) => video.codec === 'hevc' && isPlain(video),
		// Apple plays H.265 only under this tag.
		always: ['-tag:v', 'hvc1', ...FAST_START],
		audio: AAC,
	},
	mp4_av1: {
		extension: 'mp4',
		mime: 'video/mp4',
		encoders: [
			{
				name: 'libsvtav1',
				options: ['-c:v', 'libsvtav1', '-preset', '8', '-crf', '32', '-pix_fmt', 'yuv420p'],
				cost: ENCODE_COST.svtav1,
			},
			{
				name: 'libaom-av1',
				options: [
					'-c:v',
					'libaom-av1',
					'-cpu-used',
					'8',
					'-row-mt',
					'1',
					'-crf',
					'32',
					'-b:v',
					'0',
					'-pix_fmt',
					'yuv420p',
				],
				cost: ENCODE_COST.aom,
			},
		],
		complies: (video) => video.codec === 'av1' && isPlain(video),
		always: FAST_START,
		audio: AAC,
	},
	webm_vp9: {
		extension: 'webm',
		mime: 'video/webm',
		encoders: [
			{
				name: 'libvpx-vp9',
				options: [
					'-c:v',
					'libvpx-vp9',
					'-crf',
					'32',
					'-b:v',
					'0',
					'-deadline',
					'good',
					'-cpu-used',
					'4',
					'-row-mt',
					'1',
					'-pix_fmt',
					'yuv420p',
				],
				cost: ENCODE_COST.vp9,
			},
		],
		// WebM cannot say that a picture is to be turned.
		// WebM holds transparency as well.
		complies: (video) => video.codec === 'vp9' && video.rotation === 0 && (isPlain(video) || video.pixelFormat === 'yuva420p'),
		always: [],
		audio: OPUS,
	},
	mov_h264: { extension: 'mov', mime: 'video/quicktime', ...H264 },
} satisfies Record<string, VideoFormat>;
export type VideoFormatName = keyof typeof VIDEO_FORMATS;
export const VIDEO_FORMAT_NAMES = Object.keys(VIDEO_FORMATS) as [VideoFormatName, ...VideoFormatName[]];
