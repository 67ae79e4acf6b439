import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pino } from 'pino';
import { probe } from '../../sidecar/src/media/probe.ts';
import type { MediaInput } from '../../sidecar/src/operations/media-input.ts';
import type { TaskContext } from '../../sidecar/src/operations/operation.ts';

export interface TestTask {
	context: TaskContext;
	steps: string[];
	percents: number[];
	/** Removes the work folder. */
	end(): Promise<void>;
}

/** What a task gets of the pipeline, on a real file with its real facts. */
export async function testTask(
	path: string,
	{
		earlier = {},
		signal = new AbortController().signal,
		open = () => {
			throw new Error('this test has no further media');
		},
	}: { earlier?: Record<string, Record<string, unknown>>; signal?: AbortSignal; open?: (input: MediaInput) => string } = {},
): Promise<TestTask> {
	const workDir = await mkdtemp(join(tmpdir(), 'task-'));
	const steps: string[] = [];
	const percents: number[] = [];
	const context: TaskContext = {
		jobId: '00000000-0000-4000-8000-000000000001',
		workspaceId: 'default',
		assetId: '00000000-0000-4000-8000-000000000002',
		attempt: 1,
		source: async () => ({ path, facts: await probe(path) }),
		open: async (input) => ({ path: open(input), facts: await probe(open(input)) }),
		earlierOutput: async (jobType) => earlier[jobType] ?? null,
		readStored: async () => Readable.from([]),
		workDir,
		secrets: {},
		signal,
		progress: (percent) => void percents.push(percent),
		step: (name, work) => {
			steps.push(name);
			return work();
		},
		log: pino({ level: 'silent' }),
	};
	return { context, steps, percents, end: () => rm(workDir, { recursive: true, force: true }) };
}
