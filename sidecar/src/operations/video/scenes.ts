import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import { estimate, IMAGE_FORMATS } from '../../media/codecs.ts';
import type { MediaFacts, VideoFacts } from '../../media/facts.ts';
import { fitWidth, scaleTo } from '../../media/geometry.ts';
import type { MediaPlan, PlannedOutput, TextFile } from '../../media/plan.ts';
import { readScenes, type Scene } from '../../media/scenes.ts';
import type { MediaOperation } from '../operation.ts';

const params = z.strictObject({
	threshold: z
		.number()
		.min(1)
		.max(100)
		.default(10)
		.describe('How much must change from one picture to the next for a cut: 1 (finds too many) to 100. Default 10, which is what ffmpeg advises.'),
	min_scene_seconds: z.number().min(0).max(600).default(0.5).describe('Shorter scenes belong to the one before. Default 0.5.'),
	thumbnails: z.boolean().default(false).describe('Whether to take one picture out of the middle of each scene, of the first 50. Default false.'),
});
type Params = z.infer<typeof params>;

const TEXT = 'scenes.txt';
/** Cuts are found as well in small pictures, for a quarter of the time. */
const LOOK_WIDTH = 320;
/** Each picture is an input of its own for ffmpeg. */
const MOST_THUMBNAILS = 50;
const THUMBNAIL_WIDTH = 640;

export const scenes: MediaOperation<Params, Scene[] | null> = {
	kind: 'media',
	name: 'scenes',
	version: 1,
	summary: 'Lists the scenes of a video: where each begins and ends, and how hard the cut before it is.',
	accepts: ['video'],
	params,
	example: { threshold: 10, thumbnails: false },
	produces: '`scene_count`, `scenes` (each with `start_seconds`, `end_seconds`, `score` of the cut before it, 0 to 100). Files: `scenes.json`; with thumbnails `scene-1.jpg`, `scene-2.jpg` …',
	// Without thumbnails the list is all there is: it is made in the one pass, beside the outputs of other operations.
	measure: async ({ facts, run }, wanted) => {
		if (!wanted.thumbnails) return null;
		const { texts } = await run(look(facts, videoOf(facts), wanted));
		return readScenes(texts[TEXT] ?? '', facts.durationSeconds, wanted.min_scene_seconds);
	},
	estimateSeconds: (facts, wanted) => look(facts, videoOf(facts), wanted).estimatedCpuSeconds,
	plan(facts, wanted, known) {
		const video = videoOf(facts);
		const found = known?.measured;
		if (!found) return look(facts, video, wanted);
		return {
			outputs: found.slice(0, MOST_THUMBNAILS).map((scene, index) => picture(video, scene, index)),
			estimatedCpuSeconds: estimate(facts, { seconds: Math.min(facts.durationSeconds, found.length), decode: true }),
			facts: described(found),
			texts: [list(found)],
			...(found.length > MOST_THUMBNAILS ? { reason: `There are ${found.length} scenes: only the first ${MOST_THUMBNAILS} have a picture.` } : {}),
		};
	},
	conclude({ texts }, { durationSeconds }, wanted) {
		const text = texts[TEXT];
		if (text === undefined) return {};
		const found = readScenes(text, durationSeconds, wanted.min_scene_seconds);
		return { output: described(found), texts: [list(found)] };
	},
};

function videoOf({ video }: MediaFacts): VideoFacts {
	if (video) return video;
	throw new PipelineError('input_no_video', 'There is no video in which scenes could be found; this file has only sound.');
}

function look(facts: MediaFacts, video: VideoFacts, { threshold }: Params): MediaPlan {
	return {
		outputs: [
			{
				name: TEXT,
				kind: 'text',
				mime: 'text/plain',
				videoFilters: [`scale=${fitWidth(video, LOOK_WIDTH).width}:-2:flags=fast_bilinear`, `scdet=threshold=${threshold}`, 'metadata=print:file={text}'],
				options: ['-an'],
				expectedSeconds: facts.durationSeconds,
			},
		],
		estimatedCpuSeconds: estimate(facts, { seconds: facts.durationSeconds, decode: true }),
	};
}

function picture(video: VideoFacts, { start, end }: Scene, index: number): PlannedOutput {
	const { extension, mime, options } = IMAGE_FORMATS.jpeg;
	return {
		name: `scene-${index + 1}.${extension}`,
		kind: 'image',
		mime,
		seekSeconds: Math.round(((start + end) / 2) * 1000) / 1000,
		videoFilters: scaleTo(fitWidth(video, THUMBNAIL_WIDTH)),
		options: options(80),
		expectedSeconds: 0,
	};
}

const described = (found: Scene[]): Record<string, unknown> => ({
	scene_count: found.length,
	scenes: found.map(({ start, end, score }) => ({ start_seconds: start, end_seconds: end, score })),
});
const list = (found: Scene[]): TextFile => ({ name: 'scenes.json', mime: 'application/json', content: JSON.stringify(described(found), null, '\t') });
