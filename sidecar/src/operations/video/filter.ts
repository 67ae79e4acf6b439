import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import { edited, evenSize } from '../../media/edited.ts';
import { scaleTo } from '../../media/geometry.ts';
import { applyLooks, lookSchema } from '../../media/looks.ts';
import type { MediaOperation } from '../operation.ts';
import { crf } from './fields.ts';

const params = z.strictObject({
	filters: z
		.array(lookSchema)
		.min(1)
		.max(20)
		.describe(
			'Applied in order, 1 to 20, each with a `name`: grayscale; sepia, blur, sharpen, denoise (`strength`); brightness, contrast, saturation (`amount`); ' +
				'speed (`factor`); rotate (`degrees`); flip (`direction`); fade (`direction`, `seconds`, `colour`); lut (`cube`).',
		),
	crf,
});
type Params = z.infer<typeof params>;

export const filter: MediaOperation<Params> = {
	kind: 'media',
	name: 'filter',
	version: 1,
	summary: 'Changes the look, the speed or the position of a video, by a list of filters.',
	accepts: ['video'],
	params,
	example: { filters: [{ name: 'grayscale' }, { name: 'contrast', amount: 1.3 }, { name: 'fade', direction: 'out', seconds: 1 }] },
	plan(facts, { filters, crf: quality }) {
		const { video } = facts;
		if (!video) throw new PipelineError('input_no_video', 'There is no picture to filter; this file has only sound.');
		const size = evenSize(video);
		const looked = applyLooks({ ...video, ...size }, facts.durationSeconds, filters);
		return {
			...edited(facts, {
				name: 'filtered',
				size: looked.size,
				seconds: looked.seconds,
				readSeconds: Math.max(facts.durationSeconds, looked.seconds),
				videoFilters: [...scaleTo(size), 'format=yuv420p', ...looked.videoFilters],
				audioFilters: facts.audio ? looked.audioFilters : [],
				attachments: looked.attachments,
				crf: quality,
				cost: looked.cost,
			}),
			facts: { width: looked.size.width, height: looked.size.height, duration_seconds: Math.round(looked.seconds * 1000) / 1000, filters: filters.map(({ name }) => name) },
		};
	},
};
