import type { ImageEmbedder } from '../embedder.ts';
import { CENTERNET_MEAN } from './centernet-mean.ts';
import { CENTERNET, type CenternetAnswer, type CenternetRequest } from './centernet.ts';
import type { LocalEngine } from './local-engine.ts';
import { eachPicture } from './pictures.ts';

const DIMENSIONS = 480;

/**
 * What the detector's trunk makes of the whole picture: copies that are flipped, cut, darkened or blurred are near each
 * other (cosine mostly above 0.5), and so are pictures of like things; others are round 0. Not for text: no word leads to such a vector.
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
			return { provider: 'local', model: CENTERNET, usage, vectors: found.map(({ values }) => centred(values)) };
		},
	};
}

const centred = (values: Float32Array): number[] => unit(unit(values).map((value, index) => value - (CENTERNET_MEAN[index] ?? 0) / 10_000));

/** Of length 1. */
export function unit(vector: ArrayLike<number>): number[] {
	const values = Array.from(vector);
	const length = Math.hypot(...values);
	return length > 0 ? values.map((value) => value / length) : values;
}
