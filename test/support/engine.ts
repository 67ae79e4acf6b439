import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { runPlan, type RunPlan } from '../../sidecar/src/media/engine.ts';
import type { MediaFacts } from '../../sidecar/src/media/facts.ts';
import { probe } from '../../sidecar/src/media/probe.ts';
import type { ProducedFile } from '../../sidecar/src/media/plan.ts';
import type { MediaOperation } from '../../sidecar/src/operations/operation.ts';
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

/** One operation on one fixture, for real: what was made, probed. */
export async function runOperation<P>(
	operation: MediaOperation<P>,
	name: FixtureName,
	params: unknown,
): Promise<{ file: ProducedFile; facts: MediaFacts; reason: string | undefined }> {
	return inFolder(async (folder) => {
		const inputPath = fixture(name);
		const plan = operation.plan(await probe(inputPath), operation.params.parse(params));
		const { files } = await runPlan(await request(name, folder, { plan }));
		const [file] = files;
		if (!file || files.length > 1) throw new Error(`expected one file, got ${files.length}`);
		return { file, facts: await probe(file.path), reason: plan.reason };
	});
}
