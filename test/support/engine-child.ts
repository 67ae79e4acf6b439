/** Run as a program: `engine-child <input> <folder>` encodes for a minute and a half and says when it has begun. */
import { runPlan } from '../../sidecar/src/media/engine.ts';
import { probe } from '../../sidecar/src/media/probe.ts';
import { silentLog } from './engine.ts';

const [inputPath = '', workDir = ''] = process.argv.slice(2);
await runPlan({
	inputPath,
	facts: await probe(inputPath),
	workDir,
	log: silentLog,
	signal: new AbortController().signal,
	onProgress: () => process.stdout.write('begun\n'),
	plan: {
		estimatedCpuSeconds: 1,
		outputs: [
			{
				name: 'slow.mp4',
				kind: 'video',
				mime: 'video/mp4',
				videoFilters: ['scale=-2:90', 'realtime=speed=0.1'],
				options: ['-c:v', 'libx264', '-c:a', 'aac'],
				expectedSeconds: 10,
			},
		],
	},
});
