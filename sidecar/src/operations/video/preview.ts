import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import { fitShortSide } from '../../media/ladder.ts';
import { expectedBitrate, isReadyAudio, isReadyVideo, mp4Plan } from '../../media/mp4.ts';
import type { MediaOperation } from '../operation.ts';

const params = z.strictObject({
	height: z
		.int()
		.min(144)
		.max(2160)
		.default(720)
		.describe('Largest length of the shorter side in pixels. Default 720. A smaller video is not made larger.'),
	crf: z.int().min(0).max(51).default(28).describe('Quality of x264: 0 (lossless) to 51 (worst). Default 28, which is small.'),
});
type Params = z.infer<typeof params>;

/** Enough for looking through; sound of phones and cameras has 48 to 64 per channel. */
const AUDIO_KBPS = 96;
const MAX_FRAME_RATE = 30;

export const preview: MediaOperation<Params> = {
	kind: 'media',
	name: 'preview',
	version: 1,
	summary: 'Makes a small MP4 for looking through: 720p, H.264 and AAC, starts at once. Copies what is small already.',
	accepts: ['video'],
	params,
	example: { height: 720, crf: 28 },
	plan(facts, { height, crf }) {
		const { video, audio } = facts;
		if (!video) throw new PipelineError('input_no_video', 'A preview needs a video; this file has only sound.');
		const size = fitShortSide(video, height);
		const bitrate = video.bitrate ?? facts.bitrate;
		const small =
			Math.min(video.width, video.height) <= height && video.frameRate <= MAX_FRAME_RATE && bitrate !== null && bitrate <= expectedBitrate(video, video.frameRate, crf);
		return mp4Plan(
			facts,
			video,
			{
				...{ name: 'preview.mp4', size, crf, maxFrameRate: MAX_FRAME_RATE, audioKbps: AUDIO_KBPS, keyFrameSeconds: 2 },
				copyVideo: small && isReadyVideo(facts, video),
				copyAudio: audio !== null && isReadyAudio(facts, audio, AUDIO_KBPS),
			},
			'The source is small already',
		);
	},
};
