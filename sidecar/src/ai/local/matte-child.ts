import { serve } from './infer-child.ts';
import { first, startTensorFlow } from './tfjs.ts';

/** 256 x 256 RGB pixels become as many bytes of opacity. Arguments: the model, and the runtime's package.json. */

const SIDE = 256;
const [modelPath = '', runtime = ''] = process.argv.slice(2);

serve<Uint8Array, Uint8Array>(async () => {
	const { core, loadGraph } = await startTensorFlow(runtime);
	const model = await loadGraph(modelPath);
	return async (pixels) => {
		const input = core.tensor4d(Float32Array.from(pixels, (value) => value / 255), [1, SIDE, SIDE, 3]);
		const made = first(model.execute(input));
		const opacity = await made.data();
		for (const tensor of [input, made]) tensor.dispose();
		return Uint8Array.from(opacity, (value) => Math.max(0, Math.min(255, Math.round(value * 255))));
	};
});
