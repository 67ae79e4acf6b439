import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import { edited, evenSize } from '../../media/edited.ts';
import type { MediaFacts } from '../../media/facts.ts';
import { scaleTo } from '../../media/geometry.ts';
import { mediaInput } from '../media-input.ts';
import type { MediaOperation } from '../operation.ts';
import { crf } from './fields.ts';
import { logoFields, logoOn } from './logo.ts';

const params = z
	.strictObject({
		logo: mediaInput.describe('The picture to put on top: `{ "asset_id": … }` or `{ "file_url": … }`. Transparency stays; a GIF or video plays again and again.'),
		...logoFields,
		from_seconds: z.number().min(0).max(1e6).optional().describe('When the logo appears. Default: at the beginning.'),
		to_seconds: z.number().min(0).max(1e6).optional().describe('When the logo disappears. Default: at the end.'),
		crf,
	})
	.refine(({ from_seconds: from = 0, to_seconds: to = Infinity }) => from < to, { path: ['to_seconds'], error: 'must be more than from_seconds' });
type Params = z.infer<typeof params>;

export const watermark: MediaOperation<Params> = {
	kind: 'media',
	name: 'watermark',
	version: 1,
	summary: 'Puts a logo on a video, for all of it or for a part.',
	accepts: ['video'],
	insteadFor: { image: 'image_overlay' },
	params,
	example: { logo: { file_url: 'https://example.com/logo.png' }, position: 'top_right', scale: 0.15, opacity: 0.8 },
	produces: '`width`, `height`, `logo` (`x`, `y`, `width`, `height` in pixels). Files: `watermarked.mp4`.',
	inputs: ({ logo }) => [logo],
	estimateSeconds: (facts, { crf: quality }) => encoded(facts, quality).estimatedCpuSeconds,
	plan(facts, wanted, known) {
		const { video } = facts;
		if (!video) throw new PipelineError('input_no_video', 'There is no picture to put a logo on; this file has only sound.');
		if ((wanted.from_seconds ?? 0) >= facts.durationSeconds)
			throw new PipelineError('invalid_request', `params.from_seconds is ${wanted.from_seconds}, but the video ends at ${facts.durationSeconds} s.`, {
				details: { field: 'params.from_seconds', given: wanted.from_seconds, allowed: `less than ${facts.durationSeconds}` },
			});
		const size = evenSize(video);
		const times = { ...(wanted.from_seconds === undefined ? {} : { from: wanted.from_seconds }), ...(wanted.to_seconds === undefined ? {} : { to: wanted.to_seconds }) };
		const logo = logoOn(video, size, known?.inputs[0]?.facts, { ...wanted, ...times }, 'params.logo');
		const filters = `[v]${scaleTo(size).join(',')},format=yuv420p[base];${logo.chain({ logo: 'v1', base: 'base', out: 'out' })}`;
		return { ...encoded(facts, wanted.crf, filters), inputOptions: [logo.inputOptions], facts: { ...size, logo: logo.area } };
	},
};

function encoded(facts: MediaFacts, quality: number, filters = '[v]null[out]') {
	const size = evenSize(facts.video ?? { width: 2, height: 2 });
	return edited(facts, { name: 'watermarked', size, seconds: facts.durationSeconds, graph: { filters, map: ['[out]', 'a?'] }, newSound: false, crf: quality, cost: 0.003 });
}
