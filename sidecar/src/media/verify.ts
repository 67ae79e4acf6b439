import { PipelineError } from '../errors.ts';
import type { ProducedFile } from './plan.ts';
import type { MediaFacts } from './facts.ts';
import type { Readable } from './ffmpeg-arguments.ts';
import { INPUT_FORMATS } from './formats.ts';
import { packetsEnd } from './packets.ts';
import type { PlannedOutput } from './plan.ts';
import { abortError, probe } from './probe.ts';

/**
 * A success without an output is a bug, and so is an output that nobody can open.
 * @param path where it was written
 * @param finalPath where it will be
 * @param context `source`: what it was made of, where that is a single file
 */
export async function verifyOutput(
	planned: PlannedOutput,
	path: string,
	finalPath: string,
	{ stderr, signal, source }: { stderr: string; signal: AbortSignal; source?: Readable | undefined },
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
	if (planned.kind === 'video' && !facts.video)
		throw new PipelineError('input_corrupt', 'No picture of the media could be read: the result would have only sound. Upload or export it again.', { cause: new Error(stderr) });
	if (!source || !(await sourceIsAsShort(planned, facts, source, signal))) refuseShort(planned, facts, stderr);
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

const isShort = ({ kind, expectedSeconds }: PlannedOutput, seconds: number): boolean =>
	kind !== 'image' && expectedSeconds - seconds > Math.max(LENGTH_TOLERANCE_SECONDS, expectedSeconds * LENGTH_TOLERANCE);

/** Sound may end long before the picture, and the reverse: whole sources of that kind are no reason to complain. */
async function sourceIsAsShort(planned: PlannedOutput, made: MediaFacts, { path, facts }: Readable, signal: AbortSignal): Promise<boolean> {
	const format = INPUT_FORMATS[facts.mime];
	if (!format || !isShort(planned, made.durationSeconds)) return false;
	const all = await packetsEnd(path, format, { video: true, audio: 'all' }, signal);
	if (facts.durationSeconds - all > Math.max(LENGTH_TOLERANCE_SECONDS, facts.durationSeconds * LENGTH_TOLERANCE)) return false;
	const used = { video: made.video !== null, audio: made.audio ? (facts.audio?.track ?? null) : null };
	const from = planned.seekSeconds ?? 0;
	const asked = planned.durationSeconds ?? facts.durationSeconds - from;
	const there = Math.min(Math.max(0, (await packetsEnd(path, format, used, signal)) - from), asked);
	// What changes the speed changes what there is as well.
	return asked > 0 && !isShort({ ...planned, expectedSeconds: planned.expectedSeconds * (there / asked) }, made.durationSeconds);
}

/** ffmpeg calls it a success when its input breaks off in the middle. */
export function refuseShort(
	planned: PlannedOutput,
	facts: Pick<MediaFacts, 'durationSeconds'>,
	stderr: string,
): void {
	if (!isShort(planned, facts.durationSeconds)) return;
	const { expectedSeconds } = planned;
	throw new PipelineError(
		'input_corrupt',
		`The media breaks off: only ${facts.durationSeconds.toFixed(1)} s of ${expectedSeconds.toFixed(1)} s could be read. Upload or export it again.`,
		{ cause: new Error(stderr) },
	);
}
