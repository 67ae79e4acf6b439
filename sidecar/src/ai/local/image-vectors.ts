import type { ImageEmbedder } from '../embedder.ts';
import { CENTERNET, type CenternetAnswer, type CenternetRequest } from './centernet.ts';
import type { LocalEngine } from './local-engine.ts';
import { eachPicture } from './pictures.ts';

const DIMENSIONS = 480;

/**
 * What the detector's trunk makes of the whole picture: copies that are flipped, cut, darkened or blurred are near each
 * other, and so are pictures of like things. Not for text: no word leads to such a vector.
 */
export function createLocalImageVectors(centernet: LocalEngine): ImageEmbedder {
	return {
		name: 'local',
		model: CENTERNET,
		space: `local:${CENTERNET}:${DIMENSIONS}`,
		dimensions: DIMENSIONS,
		obstacle: () => centernet.obstacle(),
		async embedImages(pictures, options) {
			const { found, usage } = await eachPicture(pictures, options, ({ path }, signal) =>
				centernet.ask<CenternetRequest, CenternetAnswer>({ path, want: 'vector' }, { signal }),
			);
			return { provider: 'local', model: CENTERNET, usage, vectors: found.map(({ values }) => unit(values)) };
		},
	};
}

/** Of length 1. */
export function unit(vector: ArrayLike<number>): number[] {
	const values = Array.from(vector);
	const length = Math.hypot(...values);
	return length > 0 ? values.map((value) => value / length) : values;
}
