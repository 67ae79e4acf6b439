import { serve } from './infer-child.ts';
import type { CenternetAnswer, CenternetRequest } from './centernet.ts';
import { readPixels } from './pixels-child.ts';
import { startTensorFlow } from './tfjs.ts';

/** What is in a picture, and a vector of it. Arguments: the model, and the runtime's package.json. */

/** The only size the model takes. */
const SIDE = 512;
/** 100 rows of left, top, right, bottom (pixels of the 512 x 512), score, class. */
const DETECTIONS = 'tower_0/detections';
/** The last layer of the trunk (MobileNetV3), 16 x 16 x 480: what is where, before it is put into classes. */
const TRUNK = 'tower_0/extern1/hard_swish/mul_1';
const [modelPath = '', runtime = ''] = process.argv.slice(2);

serve<CenternetRequest, CenternetAnswer>(async () => {
	const { core, loadGraph } = await startTensorFlow(runtime);
	const model = await loadGraph(modelPath);
	return async ({ path, want }) => {
		const { data } = await readPixels(path, { width: SIDE, height: SIDE, fit: 'fill' });
		// 0 to 255, as it was trained.
		const input = core.tensor4d(Float32Array.from(data), [1, SIDE, SIDE, 3]);
		const made = [model.execute(input, [want === 'objects' ? DETECTIONS : TRUNK])].flat()[0]!;
		const result = want === 'objects' ? made : core.mean(made, [1, 2]);
		const values = await result.data();
		for (const tensor of [input, made, result]) tensor.dispose();
		return { values, side: SIDE };
	};
});
