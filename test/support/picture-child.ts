/**
 * Run as a program: `picture-child <operation> <picture> <folder> <params>` runs an operation on a picture in a process of
 * its own and prints, in MB, the most memory that it ever had: before, and afterwards.
 */
import { probe } from '../../sidecar/src/media/probe.ts';
import type { TaskContext } from '../../sidecar/src/operations/operation.ts';
import { imageOperations } from '../../sidecar/src/operations/image/index.ts';
import { silentLog } from './engine.ts';

const [name = '', path = '', workDir = '', params = '{}'] = process.argv.slice(2);
const operation = imageOperations.find((candidate) => candidate.name === name);
if (operation?.kind !== 'task') throw new Error(`no task ${name}`);
const source = { path, facts: await probe(path) };
const context: TaskContext = {
	jobId: '00000000-0000-4000-8000-000000000001',
	workspaceId: 'default',
	assetId: null,
	attempt: 1,
	source: async () => source,
	open: async () => source,
	earlierOutput: async () => null,
	readStored: async () => {
		throw new Error('nothing is stored');
	},
	workDir,
	secrets: {},
	signal: new AbortController().signal,
	progress: () => {},
	step: (_name, work) => work(),
	log: silentLog,
};
/** In kilobytes on Linux (getrusage). */
const most = (): number => Math.round(process.resourceUsage().maxRSS / 1024);
const before = most();
await operation.run(context, operation.params.parse(JSON.parse(params)));
process.stdout.write(JSON.stringify({ before, after: most() }));
