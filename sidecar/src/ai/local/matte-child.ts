import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';

/**
 * A process of its own: 256 x 256 RGB pixels on standard input, as many bytes of opacity on standard output.
 * Arguments: the model, and the package.json of the WebAssembly runtime beside which the other packages lie.
 */

interface GraphModelFile {
	modelTopology: unknown;
	weightsManifest: Array<{ weights: unknown[]; paths: string[] }>;
}
/** What is used of TensorFlow.js, which is not installed where this is compiled. */
interface Tensor {
	data(): Promise<Float32Array>;
}
interface Core {
	setBackend(name: string): Promise<boolean>;
	ready(): Promise<void>;
	tensor4d(values: Float32Array, shape: number[]): Tensor;
}
interface Converter {
	loadGraphModel(handler: { load(): Promise<unknown> }): Promise<{ execute(input: Tensor): Tensor | Tensor[] }>;
}

const SIDE = 256;
const [modelPath = '', runtime = ''] = process.argv.slice(2);
const load = createRequire(runtime);
const core = load('@tensorflow/tfjs-core') as Core;
const { loadGraphModel } = load('@tensorflow/tfjs-converter') as Converter;
const wasm = load('@tensorflow/tfjs-backend-wasm') as { setWasmPaths(prefix: string): void };
wasm.setWasmPaths(`${join(dirname(runtime), 'dist')}/`);
await core.setBackend('wasm');
await core.ready();

/** The runtime's own loader for files belongs to its native build, which is not here. */
const model = await loadGraphModel({
	load: () => {
		const file = JSON.parse(readFileSync(modelPath, 'utf8')) as GraphModelFile;
		const bytes = Buffer.concat(file.weightsManifest.flatMap(({ paths }) => paths.map((path) => readFileSync(join(dirname(modelPath), path)))));
		const weightData = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
		return Promise.resolve({ ...file, weightSpecs: file.weightsManifest.flatMap(({ weights }) => weights), weightData });
	},
});
const pixels = await buffer(process.stdin);
const made = model.execute(core.tensor4d(Float32Array.from(pixels, (value) => value / 255), [1, SIDE, SIDE, 3]));
const opacity = await (Array.isArray(made) ? made[0]! : made).data();
process.stdout.write(Buffer.from(Uint8Array.from(opacity, (value) => Math.max(0, Math.min(255, Math.round(value * 255))))));
