import { createRequire, registerHooks } from 'node:module';
import { dirname, join } from 'node:path';
import { serve } from './infer-child.ts';
import { readPixels } from './pixels-child.ts';
import { startTensorFlow, type Tensor } from './tfjs.ts';

/** Where faces are in a picture. Arguments: the package's program, one file of its models, and the runtime's package.json. */

interface FaceApi {
	nets: { ssdMobilenetv1: { loadFromDisk(folder: string): Promise<void> } };
	SsdMobilenetv1Options: new (options: { minConfidence: number; maxResults: number }) => object;
	detectAllFaces(picture: Tensor, options: object): Promise<Array<{ score: number; box: { x: number; y: number; width: number; height: number } }>>;
}
export interface FacesRequest {
	path: string;
	minScore: number;
}
export interface FacesAnswer {
	/** In pixels of `width` x `height`. */
	faces: Array<{ x: number; y: number; width: number; height: number; score: number }>;
	width: number;
	height: number;
}

/** The network takes 512 x 512; more than this only costs memory. */
const SIDE = 1280;
const MAX_FACES = 100;
const [program = '', models = '', runtime = ''] = process.argv.slice(2);

serve<FacesRequest, FacesAnswer>(async () => {
	const { core, load } = await startTensorFlow(runtime);
	chainOperations(load('@tensorflow/tfjs-core') as Parameters<typeof chainOperations>[0]);
	const api = loadFaceApi();
	await api.nets.ssdMobilenetv1.loadFromDisk(dirname(models));
	return async ({ path, minScore }) => {
		const { data, width, height } = await readPixels(path, { width: SIDE, height: SIDE, fit: 'inside', withoutEnlargement: true });
		const picture = core.tensor3d(data, [height, width, 3], 'int32');
		const found = await api.detectAllFaces(picture, new api.SsdMobilenetv1Options({ minConfidence: minScore, maxResults: MAX_FACES }));
		picture.dispose();
		// Where and how surely: nothing else leaves this process.
		return { faces: found.map(({ score, box }) => ({ x: box.x, y: box.y, width: box.width, height: box.height, score })), width, height };
	};
});

/** It asks for all of TensorFlow.js, of which its core is enough. */
function loadFaceApi(): FaceApi {
	registerHooks({ resolve: (name, context, next) => next(name === '@tensorflow/tfjs' ? '@tensorflow/tfjs-core' : name, context) });
	return createRequire(join(dirname(program), 'package.json'))(program) as FaceApi;
}

interface Operations {
	Tensor: { prototype: Record<string, unknown> };
	reshape(tensor: unknown, shape: number[]): unknown;
}
/** Of what it uses in this way. */
const CHAINED = ['add', 'cast', 'concat', 'div', 'expandDims', 'max', 'mean', 'mul', 'pad', 'relu', 'reshape', 'slice', 'softmax', 'sqrt', 'stack', 'sub', 'transpose', 'unstack'];

/** It writes `a.add(b)` for `add(a, b)`, which only the whole of TensorFlow.js (40 MB more) knows. */
function chainOperations(core: Operations & Record<string, unknown>): void {
	const { prototype } = core.Tensor;
	for (const name of CHAINED) {
		const operation = core[name] as (...of: unknown[]) => unknown;
		prototype[name] ??= function (this: unknown, ...others: unknown[]) {
			return operation(this, ...others);
		};
	}
	for (const name of ['as1D', 'as2D', 'as3D', 'as4D']) {
		prototype[name] ??= function (this: unknown, ...shape: number[]) {
			return core.reshape(this, name === 'as1D' ? [-1] : shape);
		};
	}
}
