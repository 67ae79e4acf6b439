import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** What is used of TensorFlow.js, which is not installed where this is compiled. For child processes only. */
export interface Tensor {
	readonly shape: number[];
	data(): Promise<Float32Array>;
	dispose(): void;
}
export interface Core {
	setBackend(name: string): Promise<boolean>;
	ready(): Promise<void>;
	tensor4d(values: Float32Array, shape: [number, number, number, number]): Tensor;
	tensor3d(values: Uint8Array | Uint8ClampedArray | Int32Array, shape: [number, number, number], type: 'int32'): Tensor;
	mean(tensor: Tensor, axes: number[]): Tensor;
}
export interface ModelArtifacts {
	modelTopology: unknown;
	weightSpecs: unknown[];
	weightData: ArrayBuffer;
}
export interface Handler {
	load(): Promise<ModelArtifacts>;
}
export interface GraphModel {
	execute(input: Tensor, outputs?: string[]): Tensor | Tensor[];
}
interface Converter {
	loadGraphModel(handler: Handler): Promise<GraphModel>;
}
interface GraphModelFile {
	modelTopology: unknown;
	weightsManifest: Array<{ weights: unknown[]; paths: string[] }>;
}

/** The package of the WebAssembly runtime, beside which the other packages lie. */
export const RUNTIME = '@tensorflow/tfjs-backend-wasm/package.json';

/** @param runtime path of RUNTIME */
export async function startTensorFlow(runtime: string): Promise<{ core: Core; load: NodeJS.Require; loadGraph(path: string): Promise<GraphModel> }> {
	const load = createRequire(runtime);
	const core = load('@tensorflow/tfjs-core') as Core;
	const wasm = load('@tensorflow/tfjs-backend-wasm') as { setWasmPaths(prefix: string): void };
	wasm.setWasmPaths(`${join(dirname(runtime), 'dist')}/`);
	await core.setBackend('wasm');
	await core.ready();
	const { loadGraphModel } = load('@tensorflow/tfjs-converter') as Converter;
	return { core, load, loadGraph: (path) => loadGraphModel(fromDisk(path)) };
}

/** The runtime's own loader for files belongs to its native build, which is not here. */
function fromDisk(path: string): Handler {
	return {
		load: () => {
			const file = JSON.parse(readFileSync(path, 'utf8')) as GraphModelFile;
			const bytes = Buffer.concat(file.weightsManifest.flatMap(({ paths }) => paths.map((part) => readFileSync(join(dirname(path), part)))));
			return Promise.resolve({ ...file, weightSpecs: file.weightsManifest.flatMap(({ weights }) => weights), weightData: ownBuffer(bytes) });
		},
	};
}

/** The bytes alone; a Buffer may be part of a larger one. */
export const ownBuffer = (bytes: Buffer): ArrayBuffer => Uint8Array.from(bytes).buffer;

export const first = (made: Tensor | Tensor[]): Tensor => {
	const tensor = Array.isArray(made) ? made[0] : made;
	if (!tensor) throw new Error('the model gave nothing');
	return tensor;
};
