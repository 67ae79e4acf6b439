import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import { bestFrame, LONG_SECONDS, readSamples, sampleOutput, type FrameSample } from '../../media/best-frame.ts';
import { estimate, hasAlpha, IMAGE_FORMATS, ON_WHITE } from '../../media/codecs.ts';
import type { MediaFacts } from '../../media/facts.ts';
import { fitWidth, scaleTo } from '../../media/geometry.ts';
import type { MediaOperation, MeasureTools } from '../operation.ts';

const params = z.strictObject({
	at: z
		.union([
			z.number().min(0),
			z.string().regex(/^((100|\d{1,2})(\.\d+)?%|best)$/, 'Use seconds (2.5), a share of the length ("50%"), or "best".'),
		])
		.optional()
		.describe(
			'Place in the video: seconds (2.5), a share of its length ("50%"), or "best": the sharpest and best lit of some 60 pictures. Default: 1 s, or 50% of a video under 2 s. Ignored for pictures.',
		),
	width: z
		.int()
		.min(16)
		.max(8192)
		.default(1280)
		.describe('Width in pixels. Default 1280. The picture is never made larger than the source.'),
	format: z.enum(['jpeg', 'png', 'webp']).default('jpeg').describe('File format. Default jpeg.'),
	quality: z
		.int()
		.min(1)
		.max(100)
		.default(80)
		.describe('1 (smallest file) to 100 (best picture). Default 80. Has no effect on png.'),
});
type Params = z.infer<typeof params>;

/** Answers the best place; null: nothing could be told. */
type Best = { seconds: number; score: number } | null;

export const thumbnail: MediaOperation<Params, Best> = {
	kind: 'media',
	name: 'thumbnail',
	version: 1,
	summary: 'Takes one picture out of a video, or makes a small copy of a picture.',
	accepts: ['video', 'image'],
	params,
	example: { at: '50%', width: 640, format: 'jpeg', quality: 80 },
	produces: '`width`, `height`, `at_seconds`; with `best` also `score`, 0 to 1. Files: `thumbnail.jpg`, `.png` or `.webp`.',
	measures: ({ at }) => at === 'best',
	measure: findBest,
	estimateSeconds: (facts, params) => thumbnail.plan(facts, params).estimatedCpuSeconds + (params.at === 'best' ? estimate(facts, { seconds: facts.durationSeconds, decode: true }) : 0),
	plan(facts, { at, width, format, quality }, known) {
		const { video } = facts;
		if (!video) throw new PipelineError('input_no_video', 'A thumbnail needs a picture; this file has only sound.');
		const size = fitWidth(video, width);
		const { seekSeconds, reason } =
			facts.fileType === 'image' ? { seekSeconds: 0, reason: undefined } : place(facts, at === 'best' ? (known?.measured?.seconds ?? '50%') : at);
		const { extension, mime, options } = IMAGE_FORMATS[format];
		return {
			outputs: [
				{
					name: `thumbnail.${extension}`,
					kind: 'image',
					mime,
					...(seekSeconds > 0 ? { seekSeconds } : {}),
					videoFilters: [...scaleTo(size), ...(format === 'jpeg' && hasAlpha(video) ? [ON_WHITE] : [])],
					options: options(quality),
					expectedSeconds: 0,
				},
			],
			// ffmpeg seeks to the key frame before the place and decodes from there: a second or two of video.
			estimatedCpuSeconds: estimate(facts, { seconds: Math.min(2, facts.durationSeconds), decode: true }),
			...(reason ? { reason } : {}),
			facts: { ...size, at_seconds: seekSeconds, ...(known?.measured ? { score: known.measured.score } : {}) },
		};
	},
};

const SAMPLES = 'samples.txt';
/** Fewer key frames than this say too little about a video. */
const LEAST_SAMPLES = 8;

async function findBest({ facts, run }: MeasureTools): Promise<Best> {
	const { video, durationSeconds, fileType } = facts;
	if (!video || fileType !== 'video') return null;
	const look = async (keyFramesOnly: boolean): Promise<FrameSample[]> => {
		const outputs = [sampleOutput(SAMPLES, video, durationSeconds, keyFramesOnly)];
		const { texts } = await run({ outputs, estimatedCpuSeconds: estimate(facts, { seconds: durationSeconds, decode: true }) });
		return readSamples(texts[SAMPLES] ?? '');
	};
	const few = durationSeconds > LONG_SECONDS ? await look(true) : [];
	return bestFrame(few.length >= LEAST_SAMPLES ? few : await look(false), durationSeconds);
}

/** The last pictures of a file often cannot be reached by seeking: what lies behind the end becomes just before it. */
function place({ durationSeconds, video }: MediaFacts, at: Params['at']): { seekSeconds: number; reason?: string } {
	const wanted = at ?? (durationSeconds < 2 ? '50%' : 1);
	const seconds = typeof wanted === 'number' ? wanted : (durationSeconds * Number.parseFloat(wanted)) / 100;
	const last = Math.max(0, durationSeconds - Math.max(0.1, 2 / (video?.frameRate || 25)));
	// Down: a hair behind a picture, ffmpeg takes the next one.
	const seekSeconds = Math.floor(Math.min(seconds, last) * 1000 + 1e-6) / 1000;
	return seconds <= durationSeconds
		? { seekSeconds }
		: { seekSeconds, reason: `The video ends at ${durationSeconds.toFixed(1)} s: its last picture was taken.` };
}
