import type { FaceDetector } from '../vision.ts';
import type { Engines } from './engines.ts';
import type { FacesAnswer, FacesRequest } from './faces-child.ts';
import { childModule } from './infer.ts';
import { createLocalEngine } from './local-engine.ts';
import { boxWithin } from './objects.ts';
import { eachPicture } from './pictures.ts';
import { RUNTIME } from './tfjs.ts';

const MODEL = 'face-api-ssd-mobilenet-v1';
const PROGRAM = '@vladmandic/face-api/dist/face-api.node-wasm.js';
const WEIGHTS = '@vladmandic/face-api/model/ssd_mobilenetv1_model-weights_manifest.json';
const NUMBERS = '@vladmandic/face-api/model/ssd_mobilenetv1_model.bin';
/** Faces of dogs and cats get up to 0.4, people's faces nearly always more. */
export const MIN_SCORE = 0.5;

/** Where faces are. Its networks for age, sex, expression and identity are not even installed. 0.4 s per picture. */
export function createLocalFaces(engines: Engines): FaceDetector {
	const engine = createLocalEngine(engines, { what: 'faces', child: childModule('./faces-child', import.meta.url), needs: [PROGRAM, WEIGHTS, RUNTIME, NUMBERS] });
	return {
		name: 'local',
		model: MODEL,
		obstacle: () => engine.obstacle(),
		async detectFaces(pictures, options) {
			const { found, usage } = await eachPicture(pictures, options, ({ path }, signal) => engine.ask<FacesRequest, FacesAnswer>({ path, minScore: MIN_SCORE }, { signal }));
			const faces = found.map((answer, index) => {
				const { width, height } = pictures[index]!;
				const [across, down] = [width / answer.width, height / answer.height];
				return answer.faces.flatMap((face) => {
					const box = boxWithin({ left: face.x * across, top: face.y * down, right: (face.x + face.width) * across, bottom: (face.y + face.height) * down }, { width, height });
					return box ? [{ box, score: Math.round(face.score * 1e3) / 1e3 }] : [];
				});
			});
			return { provider: 'local', model: MODEL, usage, faces };
		},
	};
}
