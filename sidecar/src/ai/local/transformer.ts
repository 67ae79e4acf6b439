import type { Transformer } from '../transformer.ts';
import type { Engines } from './engines.ts';
import { createMatte } from './matte.ts';
import { upscaleLocally, upscalerObstacle } from './upscaler.ts';

/** What can be done on this machine without network and key (docs/dependencies.md, "Local engines"). */
export function createLocalTransformer(engines: Engines): Transformer {
	const matte = createMatte(engines);
	return {
		name: 'local',
		obstacle({ kind }) {
			if (kind === 'remove_background') return matte.obstacle();
			if (kind === 'upscale') return upscalerObstacle(engines);
			return 'There is no local engine for styles. For a plain effect use the operation filter.';
		},
		transform: (request) => (request.task.kind === 'upscale' ? upscaleLocally(engines, request) : matte.cutOut(request)),
	};
}
