import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { runPlan, type RunPlan } from '../../sidecar/src/media/engine.ts';
import type { MediaFacts } from '../../sidecar/src/media/facts.ts';
import { probe } from '../../sidecar/src/media/probe.ts';
import type { ProducedFile } from '../../sidecar/src/media/plan.ts';
import type { EarlierResults, MediaOperation } from '../../sidecar/src/operations/operation.ts';
import { runMedia } from '../../sidecar/src/operations/run-media.ts';
import { fixture, type FixtureName } from '../fixtures/media.ts';

/** Runs `work` with a folder of its own, which is gone afterwards. */
export async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
	const folder = await mkdtemp(join(tmpdir(), 'engine-'));
	try {
		return await work(folder);
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

export const silentLog = pino({ level: 'silent' });

/** A request to the engine for a fixture, with nothing special about it. */
export async function request(
	name: FixtureName,
	workDir: string,
	changes: Partial<RunPlan> & Pick<RunPlan, 'plan'>,
): Promise<RunPlan> {
	const inputPath = fixture(name);
	return {
		inputPath,
		facts: await probe(inputPath),
		workDir,
		signal: new AbortController().signal,
		onProgress: () => {},
		log: silentLog,
		...changes,
	};
}

export interface Made {
	files: ProducedFile[];
	output: Record<string, unknown>;
	/** CPU seconds of ffmpeg, measuring included. */
	cpuSeconds: number;
}

/** One operation on one file, for real, from measuring to concluding; `look` sees the results before they are removed. */
export async function runOperationOn<P, M, T>(
	operation: MediaOperation<P, M>,
	path: string,
	params: unknown,
	look: (made: Made) => Promise<T>,
	inputPaths: string[] = [],
	earlier?: EarlierResults,
): Promise<T> {
	return inFolder(async (workDir) => {
		const inputs = await Promise.all(inputPaths.map(async (one) => ({ path: one, facts: await probe(one) })));
		const made = await runMedia(operation, operation.params.parse(params), {
			...(earlier ? { earlier } : {}),
			source: { path, facts: await probe(path) },
			inputs,
			workDir,
			signal: new AbortController().signal,
			onProgress: () => {},
			step: (_name, work) => work(),
			log: silentLog,
			runPlan,
			probe,
		});
		return look({ files: made.files ?? [], output: made.output, cpuSeconds: made.cost?.['cpu_seconds'] ?? 0 });
	});
}

/** The same on a fixture, for operations that make one file: the file, probed. */
export async function runOperation<P, M>(
	operation: MediaOperation<P, M>,
	name: FixtureName,
	params: unknown,
): Promise<{ file: ProducedFile; facts: MediaFacts; reason: string | undefined }> {
	return runOperationOn(operation, fixture(name), params, async ({ files, output }) => {
		const [file] = files;
		if (!file || files.length > 1) throw new Error(`expected one file, got ${files.length}`);
		return { file, facts: await probe(file.path), reason: output['reason'] as string | undefined };
	});
}
