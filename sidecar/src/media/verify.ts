import { PipelineError } from '../errors.ts';
import type { ProducedFile } from './plan.ts';
import type { MediaFacts } from './facts.ts';
import type { PlannedOutput } from './plan.ts';
import { abortError, probe } from './probe.ts';

/**
 * A success without an output is a bug, and so is an output that nobody can open.
 * @param path where it was written
 * @param finalPath where it will be
 */
export async function verifyOutput(
	planned: PlannedOutput,
	path: string,
	finalPath: string,
	{ stderr, signal }: { stderr: string; signal: AbortSignal },
): Promise<ProducedFile> {
	const facts = await probe(path, { signal }).catch((error: unknown) => {
		if (signal.aborted) throw abortError(signal);
		const cause = new Error(`${error instanceof Error ? error.message : String(error)}\n${stderr}`);
		throw new PipelineError(
			'processing_failed',
			`ffmpeg ended well, but its result ${planned.name} cannot be opened. The log of the sidecar has its words.`,
			{ cause },
		);
	});
	refuseShort(planned, facts, stderr);
	return {
		name: planned.name,
		path: finalPath,
		mime: planned.mime,
		...(facts.video ? { width: facts.video.width, height: facts.video.height } : {}),
		...(facts.fileType === 'image' ? {} : { durationSeconds: facts.durationSeconds }),
	};
}

/** Containers disagree on lengths by up to a second: sound and picture rarely end together. */
const LENGTH_TOLERANCE_SECONDS = 2;
const LENGTH_TOLERANCE = 0.1;

/** ffmpeg calls it a success when its input breaks off in the middle. */
export function refuseShort(
	{ kind, expectedSeconds }: PlannedOutput,
	facts: Pick<MediaFacts, 'durationSeconds'>,
	stderr: string,
): void {
	const missing = expectedSeconds - facts.durationSeconds;
	if (kind === 'image' || missing <= Math.max(LENGTH_TOLERANCE_SECONDS, expectedSeconds * LENGTH_TOLERANCE)) return;
	throw new PipelineError(
		'input_corrupt',
		`The media breaks off: only ${facts.durationSeconds.toFixed(1)} s of ${expectedSeconds.toFixed(1)} s could be read. Upload or export it again.`,
		{ cause: new Error(stderr) },
	);
}
