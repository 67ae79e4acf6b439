import { z } from 'zod';
import type { MediaOperation } from '../../../sidecar/src/operations/operation.ts';
import { runMedia } from '../../../sidecar/src/operations/run-media.ts';
import { silentLog } from '../../support/engine.ts';
import { videoFacts } from '../../support/facts.ts';

/** Measures without ffmpeg, and needs none afterwards. */
const measuring: MediaOperation<object, number> = {
	kind: 'media',
	name: 'measuring',
	version: 1,
	summary: '',
	accepts: ['video'],
	params: z.strictObject({}),
	example: {},
	measure({ progress, spend }) {
		progress(42);
		spend(1.5);
		spend(2);
		return Promise.resolve(7);
	},
	plan: (_facts, _params, known) => ({ outputs: [], estimatedCpuSeconds: 0, facts: { measured: known?.measured } }),
};

describe('a media operation', () => {
	it('counts what measuring takes beside ffmpeg, and tells its progress', async () => {
		const facts = videoFacts();
		const percents: number[] = [];
		const { output, cost } = await runMedia(measuring, {}, {
			source: { path: '/nowhere', facts },
			inputs: [],
			workDir: '/nowhere',
			signal: new AbortController().signal,
			onProgress: (percent) => percents.push(percent),
			step: (_name, work) => work(),
			log: silentLog,
			runPlan: () => Promise.reject(new Error('there is no plan')),
			probe: () => Promise.resolve(facts),
		});
		expect({ output, cost, percents }).toEqual({ output: { measured: 7 }, cost: { cpu_seconds: 3.5 }, percents: [42] });
	});
});
