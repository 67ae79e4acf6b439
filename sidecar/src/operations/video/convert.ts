import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import {
	aac,
	canRemux,
	ENCODE_COST,
	estimate,
	FAST_START,
	h264,
	hasAlpha,
	IMAGE_FORMATS,
	isPlayableH264,
	ON_WHITE,
	sampleRate,
	stereo,
	type ImageFormat,
} from '../../media/codecs.ts';
import type { AudioFacts, MediaFacts, VideoFacts } from '../../media/facts.ts';
import { evenDown, scaleTo } from '../../media/geometry.ts';
import type { MediaPlan } from '../../media/plan.ts';
import type { MediaOperation } from '../operation.ts';

interface VideoTarget {
	extension: string;
	mime: string;
	/** The first one that ffmpeg has is used. */
	encoders: ReadonlyArray<{ name: string; options: string[]; cost: number }>;
	complies(video: VideoFacts): boolean;
	/** Also on a copied stream. */
	always: string[];
	audio: AudioTarget;
}
interface AudioTarget {
	codecs: string[];
	encode(audio: AudioFacts, kbps: number): string[];
}

const AAC: AudioTarget = { codecs: ['aac'], encode: aac };
const OPUS: AudioTarget = {
	codecs: ['opus', 'vorbis'],
	encode: (audio, kbps) => ['-c:a', 'libopus', '-b:a', `${kbps}k`, '-ar', '48000', ...stereo(audio)],
};
const isEightBit = ({ pixelFormat }: VideoFacts): boolean => pixelFormat === 'yuv420p';
const H264 = {
	encoders: [{ name: 'libx264', options: h264(21), cost: ENCODE_COST.x264.veryfast }],
	complies: isPlayableH264,
	always: FAST_START,
	audio: AAC,
};

/** Qualities that look alike: CRF 21 of x264, 26 of x265, 32 of VP9 and AV1 (their scale ends at 63). */
const VIDEO_TARGETS = {
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
		complies: (video) => video.codec === 'hevc' && isEightBit(video),
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
		complies: (video) => video.codec === 'av1' && isEightBit(video),
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
		complies: (video) => video.codec === 'vp9' && isEightBit(video),
		always: [],
		audio: OPUS,
	},
	mov_h264: { extension: 'mov', mime: 'video/quicktime', ...H264 },
} satisfies Record<string, VideoTarget>;

const AUDIO_TARGETS = {
	mp3: {
		extension: 'mp3',
		mime: 'audio/mpeg',
		codecs: ['mp3'],
		encode: (audio: AudioFacts, kbps: number) => [
			'-c:a',
			'libmp3lame',
			'-b:a',
			`${Math.min(kbps, 320)}k`,
			...sampleRate(audio),
			...stereo(audio),
		],
	},
	m4a_aac: { extension: 'm4a', mime: 'audio/mp4', ...AAC },
	wav: { extension: 'wav', mime: 'audio/wav', codecs: ['pcm_s16le'], encode: () => ['-c:a', 'pcm_s16le'] },
} satisfies Record<string, AudioTarget & { extension: string; mime: string }>;

const FORMATS = [
	'mp4_h264',
	'mp4_h265',
	'mp4_av1',
	'webm_vp9',
	'mov_h264',
	'mp3',
	'm4a_aac',
	'wav',
	'jpeg',
	'png',
	'webp',
] as const;
type Format = (typeof FORMATS)[number];

const paramsOf = (formats: readonly Format[]) =>
	z.strictObject({
		format: z
			.enum(formats)
			.describe(
				'Container and codec of the result: video (mp4_…, webm_vp9, mov_h264), sound (mp3, m4a_aac, wav) or picture (jpeg, png, webp).',
			),
		audio_bitrate_kbps: z
			.int()
			.min(16)
			.max(512)
			.default(160)
			.describe('Bitrate of encoded sound in kbit/s. Default 160; mp3 at most 320. Has no effect on wav.'),
		quality: z
			.int()
			.min(1)
			.max(100)
			.default(85)
			.describe('Of jpeg and webp: 1 (smallest file) to 100 (best picture). Default 85.'),
	});
type Params = z.infer<ReturnType<typeof paramsOf>>;

/** @param encoders what this ffmpeg can encode; formats without an encoder are not offered. Absent: all are. */
export function createConvert(encoders: ReadonlySet<string> | null = null): MediaOperation<Params> {
	const has = (name: string): boolean => encoders === null || encoders.has(name);
	const offered = FORMATS.filter(
		(format) => !isVideo(format) || VIDEO_TARGETS[format].encoders.some(({ name }) => has(name)),
	);
	return {
		kind: 'media',
		name: 'convert',
		version: 1,
		summary: 'Changes the file format. Streams that already fit are copied, not encoded.',
		accepts: ['video', 'audio', 'image'],
		params: paramsOf(offered),
		example: { format: 'mp4_h264' },
		plan(facts, wanted) {
			const { format } = wanted;
			if (isVideo(format)) return videoPlan(facts, VIDEO_TARGETS[format], wanted, has);
			if (format === 'mp3' || format === 'm4a_aac' || format === 'wav')
				return audioPlan(facts, AUDIO_TARGETS[format], wanted);
			return imagePlan(facts, format, wanted.quality);
		},
	};
}

const isVideo = (format: Format): format is keyof typeof VIDEO_TARGETS => format in VIDEO_TARGETS;

function videoPlan(
	facts: MediaFacts,
	target: VideoTarget,
	{ audio_bitrate_kbps: kbps, format }: Params,
	has: (name: string) => boolean,
): MediaPlan {
	const { video, audio } = facts;
	if (facts.fileType === 'image')
		throw new PipelineError('input_unsupported', `A picture cannot become ${format}. Choose jpeg, png or webp.`, {
			details: formatHelp(format, 'jpeg, png, webp'),
		});
	if (!video)
		throw new PipelineError(
			'input_no_video',
			`This file has only sound and cannot become ${format}. Choose mp3, m4a_aac or wav.`,
			{ details: formatHelp(format, 'mp3, m4a_aac, wav') },
		);
	const encoder = target.encoders.find(({ name }) => has(name)) ?? target.encoders[0]!;
	const copyVideo = target.complies(video) && canRemux(facts);
	const copyAudio = audio !== null && target.audio.codecs.includes(audio.codec) && canRemux(facts);
	const size = { width: evenDown(video.width), height: evenDown(video.height) };
	return {
		outputs: [
			{
				name: `converted.${target.extension}`,
				kind: 'video',
				mime: target.mime,
				videoFilters: copyVideo ? [] : scaleTo(size),
				options: [
					...(copyVideo ? ['-c:v', 'copy'] : encoder.options),
					...(!audio ? [] : copyAudio ? ['-c:a', 'copy'] : target.audio.encode(audio, kbps)),
					...target.always,
				],
				expectedSeconds: facts.durationSeconds,
			},
		],
		estimatedCpuSeconds: estimate(facts, {
			seconds: facts.durationSeconds,
			decode: !copyVideo,
			...(copyVideo ? {} : { encode: { size, frameRate: video.frameRate, cost: encoder.cost } }),
			audio: audio !== null && !copyAudio,
		}),
		...(copyVideo
			? {
					reason:
						audio && !copyAudio
							? 'The video already fits and is copied; only the sound is encoded.'
							: 'The streams already fit and are copied.',
				}
			: {}),
		facts: {
			...(copyVideo ? { width: video.width, height: video.height } : size),
			copied: { video: copyVideo, audio: copyAudio },
		},
	};
}

function audioPlan(
	facts: MediaFacts,
	target: (typeof AUDIO_TARGETS)[keyof typeof AUDIO_TARGETS],
	{ audio_bitrate_kbps: kbps, format }: Params,
): MediaPlan {
	const { audio } = facts;
	if (!audio)
		throw new PipelineError('input_no_audio', `This file has no sound and cannot become ${format}.`, {
			details: formatHelp(format, facts.fileType === 'image' ? 'jpeg, png, webp' : 'a video format'),
		});
	const copy = target.codecs.some((codec) => codec === audio.codec);
	return {
		outputs: [
			{
				name: `converted.${target.extension}`,
				kind: 'audio',
				mime: target.mime,
				options: copy ? ['-c:a', 'copy'] : target.encode(audio, kbps),
				expectedSeconds: facts.durationSeconds,
			},
		],
		estimatedCpuSeconds: estimate(facts, { seconds: facts.durationSeconds, decode: false, audio: !copy }),
		...(copy ? { reason: `The sound is already ${audio.codec} and is copied.` } : {}),
		facts: { copied: { audio: copy } },
	};
}

function imagePlan(facts: MediaFacts, format: ImageFormat, quality: number): MediaPlan {
	const { video } = facts;
	if (facts.fileType === 'audio' || !video)
		throw new PipelineError('input_no_video', `This file has only sound and cannot become ${format}.`, {
			details: formatHelp(format, 'mp3, m4a_aac, wav'),
		});
	if (facts.fileType === 'video') {
		throw new PipelineError(
			'input_unsupported',
			`A video cannot become ${format}. Use the operation thumbnail to take a picture out of it.`,
			{ details: formatHelp(format, 'a video or sound format') },
		);
	}
	const { extension, mime, options } = IMAGE_FORMATS[format];
	// A turned picture is drawn upright: many programs ignore the note that says how to turn it.
	const copy = facts.mime === mime && video.rotation === 0;
	return {
		outputs: [
			{
				name: `converted.${extension}`,
				kind: 'image',
				mime,
				videoFilters: !copy && format === 'jpeg' && hasAlpha(video) ? [ON_WHITE] : [],
				options: copy ? ['-c:v', 'copy'] : options(quality),
				expectedSeconds: 0,
			},
		],
		estimatedCpuSeconds: estimate(facts, { seconds: 0, decode: !copy }),
		...(copy ? { reason: `The picture is already ${format} and is copied.` } : {}),
		facts: { width: video.width, height: video.height, copied: { image: copy } },
	};
}

const formatHelp = (given: string, allowed: string): Record<string, unknown> => ({
	field: 'params.format',
	given,
	allowed,
});
