import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import {
	aac,
	canRemux,
	DEFAULT_PRESET,
	ENCODE_COST,
	estimate,
	FAST_START,
	h264,
	isPlayableH264,
	stereo,
	X264_PRESETS,
} from '../../media/codecs.ts';
import type { AudioFacts, MediaFacts, VideoFacts } from '../../media/facts.ts';
import { fitHeight, isEven, scaleTo } from '../../media/geometry.ts';
import type { MediaOperation } from '../operation.ts';

const params = z.strictObject({
	height: z
		.int()
		.min(144)
		.max(4320)
		.default(720)
		.describe('Largest height in pixels. Default 720. The width follows; a smaller video is not made larger.'),
	crf: z
		.int()
		.min(0)
		.max(51)
		.default(23)
		.describe('Quality of x264: 0 (lossless) to 51 (worst); 18 looks like the source, 28 is small. Default 23.'),
	preset: z
		.enum(X264_PRESETS)
		.default(DEFAULT_PRESET)
		.describe('Speed of x264: slower presets make smaller files. Default veryfast.'),
	max_bitrate_kbps: z
		.int()
		.min(50)
		.max(200_000)
		.optional()
		.describe('Upper limit of the video bitrate in kbit/s. Default: none, the quality decides.'),
	audio_bitrate_kbps: z
		.int()
		.min(16)
		.max(512)
		.default(128)
		.describe('Bitrate of the sound (AAC) in kbit/s. Default 128. AAC of no more than that is copied.'),
	frame_rate: z
		.number()
		.min(1)
		.max(240)
		.optional()
		.describe('Largest number of pictures per second. Default: as the source. Never raised.'),
});
type Params = z.infer<typeof params>;

export const compress: MediaOperation<Params> = {
	kind: 'media',
	name: 'compress',
	version: 1,
	summary:
		'Makes a smaller MP4 (H.264 and AAC) that plays everywhere and starts before it is loaded. Copies what already complies.',
	accepts: ['video'],
	params,
	example: { height: 720, crf: 23, preset: 'veryfast', audio_bitrate_kbps: 128 },
	plan(facts, wanted) {
		const { video, audio } = facts;
		if (!video) throw new PipelineError('input_no_video', 'There is no video to compress; this file has only sound.');
		const size = fitHeight(video, wanted.height);
		const copyVideo = videoComplies(facts, video, wanted);
		const copyAudio = audio !== null && audioComplies(facts, audio, wanted.audio_bitrate_kbps);
		const made = copyVideo ? { width: video.width, height: video.height } : size;
		const frameRate = wanted.frame_rate && wanted.frame_rate < video.frameRate ? wanted.frame_rate : video.frameRate;
		return {
			outputs: [
				{
					name: 'compressed.mp4',
					kind: 'video',
					mime: 'video/mp4',
					videoFilters: copyVideo
						? []
						: [...(frameRate < video.frameRate ? [`fps=${frameRate}`] : []), ...scaleTo(size)],
					options: [
						...(copyVideo
							? ['-c:v', 'copy']
							: [...h264(wanted.crf, wanted.preset), ...rateLimit(wanted.max_bitrate_kbps)]),
						...(!audio
							? []
							: copyAudio
								? ['-c:a', 'copy']
								: [...aac(audio, wanted.audio_bitrate_kbps), ...stereo(audio)]),
						...FAST_START,
					],
					expectedSeconds: facts.durationSeconds,
				},
			],
			estimatedCpuSeconds: estimate(facts, {
				seconds: facts.durationSeconds,
				decode: !copyVideo,
				...(copyVideo ? {} : { encode: { size, frameRate, cost: ENCODE_COST.x264[wanted.preset] } }),
				audio: audio !== null && !copyAudio,
			}),
			...(copyVideo ? { reason: reasonToCopy(video, audio, copyAudio) } : {}),
			facts: { ...made, copied: { video: copyVideo, audio: copyAudio } },
		};
	},
};

function reasonToCopy(video: VideoFacts, audio: AudioFacts | null, copyAudio: boolean): string {
	const already = `The video is already H.264 of ${video.width} x ${video.height} at a bitrate that needs no compression: it is copied`;
	return !audio
		? `${already}.`
		: copyAudio
			? `${already}, and so is the sound.`
			: `${already}; only the sound is encoded.`;
}

/** Twice the rate as buffer: a second of peaks may use two seconds' bits, which players and platforms cope with. */
const rateLimit = (kbps: number | undefined): string[] =>
	kbps === undefined ? [] : ['-maxrate', `${kbps}k`, '-bufsize', `${2 * kbps}k`];

/**
 * What x264 at CRF 23 spends on ordinary footage, in bits per pixel; six steps of CRF halve it (x264's own rule). A source
 * below it would not become smaller in any way worth a generation loss.
 */
const BITS_PER_PIXEL_AT_23 = 0.1;

function videoComplies(facts: MediaFacts, video: VideoFacts, wanted: Params): boolean {
	if (!isPlayableH264(video) || !canRemux(facts) || !isEven(video)) return false;
	if (video.height > wanted.height || (wanted.frame_rate !== undefined && video.frameRate > wanted.frame_rate))
		return false;
	const bitrate = video.bitrate ?? facts.bitrate;
	if (bitrate === null) return false;
	if (wanted.max_bitrate_kbps !== undefined) return bitrate <= wanted.max_bitrate_kbps * 1000;
	return (
		bitrate <=
		video.width * video.height * (video.frameRate || 25) * BITS_PER_PIXEL_AT_23 * 2 ** ((23 - wanted.crf) / 6)
	);
}

/** Encoders do not hit a bitrate exactly: 128k is often 128.6k. */
const BITRATE_TOLERANCE = 1.05;

const audioComplies = (facts: MediaFacts, audio: AudioFacts, kbps: number): boolean =>
	audio.codec === 'aac' &&
	canRemux(facts) &&
	audio.channels <= 2 &&
	audio.bitrate !== null &&
	audio.bitrate <= kbps * 1000 * BITRATE_TOLERANCE;
