import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import { AUDIO_FORMAT_NAMES, AUDIO_FORMATS, type AudioFormat } from '../../media/audio-formats.ts';
import { canRemux, estimate } from '../../media/codecs.ts';
import type { MediaFacts } from '../../media/facts.ts';
import { evenDown, scaleTo } from '../../media/geometry.ts';
import type { MediaPlan } from '../../media/plan.ts';
import { VIDEO_FORMAT_NAMES, VIDEO_FORMATS, type VideoFormat, type VideoFormatName } from '../../media/video-formats.ts';
import type { MediaOperation } from '../operation.ts';

const FORMATS = [...VIDEO_FORMAT_NAMES, ...AUDIO_FORMAT_NAMES] as const;
type Format = (typeof FORMATS)[number];

const paramsOf = (formats: readonly Format[]) =>
	z.strictObject({
		format: z
			.enum(formats)
			.describe(
				'Container and codec of the result: video (mp4_…, webm_vp9, mov_h264) or sound (mp3, m4a_aac, wav, flac, ogg_opus).',
			),
		audio_bitrate_kbps: z
			.int()
			.min(16)
			.max(512)
			.default(160)
			.describe('Bitrate of encoded sound in kbit/s. Default 160; mp3 at most 320. Has no effect on wav and flac.'),
	});
type Params = z.infer<ReturnType<typeof paramsOf>>;

/** @param encoders what this ffmpeg can encode; formats without an encoder are not offered. Absent: all are. */
export function createConvert(encoders: ReadonlySet<string> | null = null): MediaOperation<Params> {
	const has = (name: string): boolean => encoders === null || encoders.has(name);
	const offered = FORMATS.filter(
		(format) => !isVideo(format) || VIDEO_FORMATS[format].encoders.some(({ name }) => has(name)),
	);
	return {
		kind: 'media',
		name: 'convert',
		version: 1,
		summary: 'Changes the file format of a video or a sound. Streams that already fit are copied, not encoded.',
		accepts: ['video', 'audio'],
		insteadFor: { image: 'image_convert' },
		params: paramsOf(offered),
		example: { format: 'mp4_h264' },
		plan(facts, wanted) {
			const { format } = wanted;
			return isVideo(format)
				? videoPlan(facts, VIDEO_FORMATS[format], wanted, has)
				: audioPlan(facts, AUDIO_FORMATS[format], wanted);
		},
	};
}

const isVideo = (format: Format): format is VideoFormatName => format in VIDEO_FORMATS;
const SOUND_FORMATS = AUDIO_FORMAT_NAMES.join(', ');

function videoPlan(
	facts: MediaFacts,
	target: VideoFormat,
	{ audio_bitrate_kbps: kbps, format }: Params,
	has: (name: string) => boolean,
): MediaPlan {
	const { video, audio } = facts;
	if (!video)
		throw new PipelineError(
			'input_no_video',
			`This file has only sound and cannot become ${format}. Choose one of ${SOUND_FORMATS}.`,
			{ details: formatHelp(format, SOUND_FORMATS) },
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
	target: AudioFormat,
	{ audio_bitrate_kbps: kbps, format }: Params,
): MediaPlan {
	const { audio } = facts;
	if (!audio)
		throw new PipelineError('input_no_audio', `This file has no sound and cannot become ${format}.`, {
			details: formatHelp(format, 'a video format'),
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

const formatHelp = (given: string, allowed: string): Record<string, unknown> => ({
	field: 'params.format',
	given,
	allowed,
});
