import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { serve } from './infer-child.ts';
import { readPixels } from './pixels-child.ts';
import { ownBuffer, startTensorFlow, type Core, type Handler, type Tensor } from './tfjs.ts';

/** How a picture is classified. Arguments: the model's description, and the runtime's package.json. */

interface Layers {
	loadLayersModel(handler: Handler): Promise<{ predict(input: Tensor): Tensor }>;
}
interface ImageCore extends Core {
	image: { resizeBilinear(picture: Tensor, size: [number, number], alignCorners: boolean): Tensor };
	div(tensor: Tensor, by: number): Tensor;
	expandDims(tensor: Tensor, axis: number): Tensor;
	tidy<T extends Tensor>(work: () => T): T;
}
interface Description {
	modelTopology: unknown;
	format?: string;
	weightsManifest: Array<{ weights: unknown[] }>;
}
export interface ModeratorRequest {
	path: string;
}
/** One score per class, 0 to 1, together 1. */
export interface ModeratorAnswer {
	drawing: number;
	hentai: number;
	neutral: number;
	porn: number;
	sexy: number;
}

const SIDE = 224;
const [modelPath = '', runtime = ''] = process.argv.slice(2);

serve<ModeratorRequest, ModeratorAnswer>(async () => {
	const { core, load } = await startTensorFlow(runtime);
	const tf = core as ImageCore;
	const model = await (load('@tensorflow/tfjs-layers') as Layers).loadLayersModel(fromPackage(modelPath));
	return async ({ path }) => {
		const { data, width, height } = await readPixels(path);
		const scores = tf.tidy(() => {
			// Scaled as it was trained, by plain bilinear with aligned corners: a better kernel shifts the scores (0.03 to 0.45 in one photo).
			const scaled = tf.image.resizeBilinear(tf.div(tf.tensor3d(data, [height, width, 3], 'int32'), 255), [SIDE, SIDE], true);
			return model.predict(tf.expandDims(scaled, 0));
		});
		// The order of nsfwjs, nsfw_classes.
		const [drawing = 0, hentai = 0, neutral = 0, porn = 0, sexy = 0] = await scores.data();
		scores.dispose();
		return { drawing, hentai, neutral, porn, sexy };
	};
});

/** The weights are base64 in modules. Its own loader decodes them letter by letter, which takes 5 s. */
function fromPackage(path: string): Handler {
	const open = createRequire(path);
	const read = <T>(name: string): T => {
		const module = open(join(dirname(path), name)) as T | { default: T };
		return typeof module === 'object' && module !== null && 'default' in module ? module.default : module;
	};
	return {
		load: () => {
			const description = read<Description>('model.min.js');
			const shards = readdirSync(dirname(path)).filter((name) => name.includes('shard'));
			const bytes = Buffer.concat(shards.sort().map((name) => Buffer.from(read<string>(name), 'base64')));
			return Promise.resolve({ ...description, weightSpecs: description.weightsManifest.flatMap(({ weights }) => weights), weightData: ownBuffer(bytes) });
		},
	};
}
