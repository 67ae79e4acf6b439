import { z } from 'zod';
import { readPixels } from '../../media/images.ts';
import type { TaskOperation } from '../operation.ts';
import { averageColour, dominantColours, suggest } from './colours.ts';
import { openSource, secondsFor } from './picture.ts';

const params = z.strictObject({
	colors: z.int().min(1).max(12).default(6).describe('How many colours at most; fewer where the picture has fewer that differ. Default 6.'),
});

/** Colours are counted on a small copy: more pixels change nothing that can be seen. */
const SIDE = 160;

export const palette: TaskOperation<z.infer<typeof params>> = {
	kind: 'task',
	name: 'palette',
	version: 1,
	reusable: true,
	summary: 'Finds the dominant colours of a picture, its average, and a pair of colours for background and text.',
	accepts: ['image'],
	params,
	example: { colors: 6 },
	produces:
		'`colors` (each with `hex` and `share`, 0 to 1, largest first), `average`, `background`, `text` and `contrast` (WCAG, 1 to 21; text is readable from 4.5). Null where all is transparent. No files.',
	estimateSeconds: (facts) => secondsFor(facts),
	async run(context, { colors }) {
		const picture = await openSource(context);
		const chain = picture.open({ still: true }).resize({ width: SIDE, height: SIDE, fit: 'inside', withoutEnlargement: true });
		const { data } = await readPixels(chain, context);
		const found = dominantColours(data, colors);
		const pair = suggest(found);
		return {
			output: { colors: found, average: averageColour(data), background: pair?.background ?? null, text: pair?.text ?? null, contrast: pair?.contrast ?? null },
		};
	},
};
