import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import { DEFAULT_PRESET, X264_PRESETS } from '../../media/codecs.ts';
import { evenDown } from '../../media/geometry.ts';
import { isReadyAudio, isReadyVideo, mp4Plan } from '../../media/mp4.ts';
import type { MediaOperation } from '../operation.ts';

const params = z.strictObject({
	crf: z.int().min(0).max(51).default(21).describe('Quality of x264 where the picture must be encoded: 0 (lossless) to 51 (worst). Default 21.'),
	preset: z.enum(X264_PRESETS).default(DEFAULT_PRESET).describe('Speed of x264: slower presets make smaller files. Default veryfast.'),
	audio_bitrate_kbps: z.int().min(32).max(512).default(160).describe('Bitrate of the sound in kbit/s where it must be encoded. Default 160.'),
});
type Params = z.infer<typeof params>;

export const stream: MediaOperation<Params> = {
	kind: 'media',
	name: 'stream',
	version: 1,
	summary: 'Makes an MP4 that browsers play while it loads: H.264 and AAC at the size of the source. Copies what complies, which takes a moment.',
	accepts: ['video'],
	params,
	example: { crf: 21, audio_bitrate_kbps: 160 },
	plan(facts, { crf, preset, audio_bitrate_kbps: audioKbps }) {
		const { video, audio } = facts;
		if (!video) throw new PipelineError('input_no_video', 'There is no video to stream; this file has only sound.');
		const size = { width: evenDown(video.width), height: evenDown(video.height) };
		return mp4Plan(
			facts,
			video,
			{
				...{ name: 'stream.mp4', size, crf, preset, audioKbps, keyFrameSeconds: 2 },
				copyVideo: isReadyVideo(facts, video),
				copyAudio: audio !== null && isReadyAudio(facts, audio),
			},
			'The picture is H.264 that every player shows',
		);
	},
};
