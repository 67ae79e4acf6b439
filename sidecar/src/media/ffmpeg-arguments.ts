import { PipelineError } from '../errors.ts';
import type { MediaFacts } from './facts.ts';
import { INPUT_FORMATS } from './formats.ts';
import type { MediaPlan, PlannedOutput } from './plan.ts';
import { asFileUrl, inputArguments } from './probe.ts';

/** One ffmpeg process, as data. */
export interface FfmpegCall {
	inputs: Array<{ options: string[]; url: string }>;
	outputs: Array<{ planned: PlannedOutput; options: string[]; path: string }>;
}

/** Before the first input: they hold for the whole process. */
const GLOBAL = [
	...['-hide_banner', '-nostdin', '-y', '-loglevel', 'info', '-nostats'],
	...['-progress', 'pipe:1', '-stats_period', '0.5', '-benchmark'],
	// An output without a single packet is an error, not a file.
	...['-abort_on', 'empty_output'],
];

/**
 * Pure. Outputs that begin at the same place share an input, which is then decoded once; others get an input of their own
 * with the seek before it, so that ffmpeg jumps instead of decoding all that comes before.
 * @param partialPath where an output is written until it has been checked
 */
export function ffmpegCall(
	{ inputPath, facts, plan, threads }: { inputPath: string; facts: MediaFacts; plan: MediaPlan; threads?: number },
	partialPath: (output: PlannedOutput, index: number) => string,
): FfmpegCall {
	const format = INPUT_FORMATS[facts.mime];
	if (!format) throw new PipelineError('input_unsupported', `Files of the type ${facts.mime} cannot be processed.`);
	const windows = new Map<string, { index: number; options: string[] }>();
	const outputs = plan.outputs.map((planned, index) => {
		const options = windowOptions(planned);
		const key = options.join(' ');
		const input = windows.get(key) ?? { index: windows.size, options };
		windows.set(key, input);
		return { planned, options: outputOptions(planned, facts, input.index, threads), path: partialPath(planned, index) };
	});
	const inputs = [...windows.values()].map(({ index, options }) => ({
		options: [...(index === 0 ? GLOBAL : []), ...threadOptions(threads), ...options, ...inputArguments(format.demuxer)],
		url: asFileUrl(inputPath),
	}));
	return { inputs, outputs };
}

/** Seconds with a fixed number of digits: never `1e-7`, which ffmpeg would not read. */
const seconds = (value: number): string => value.toFixed(3);

const windowOptions = ({ seekSeconds, durationSeconds }: PlannedOutput): string[] => [
	...(seekSeconds ? ['-ss', seconds(seekSeconds)] : []),
	...(durationSeconds === undefined ? [] : ['-t', seconds(durationSeconds)]),
];

const threadOptions = (threads: number | undefined): string[] =>
	threads === undefined ? [] : ['-threads', String(threads)];

function outputOptions(
	planned: PlannedOutput,
	facts: MediaFacts,
	input: number,
	threads: number | undefined,
): string[] {
	const picture = planned.kind !== 'audio' && facts.video && !planned.options.includes('-vn');
	const sound = planned.kind !== 'image' && facts.audio && !planned.options.includes('-an');
	return [
		// V: no cover pictures. The probe describes the same streams.
		...(picture ? ['-map', `${input}:V:0`] : []),
		...(sound ? ['-map', `${input}:a:0`] : []),
		// Subtitles, data and chapter tracks do not fit into every container, and nobody asked for them.
		...['-sn', '-dn', '-map_chapters', '-1'],
		...(planned.videoFilters?.length ? ['-filter:v', planned.videoFilters.join(',')] : []),
		...(planned.audioFilters?.length ? ['-filter:a', planned.audioFilters.join(',')] : []),
		// Where sound starts long after the picture, the default of 128 packets is too few ("Too many packets buffered").
		...['-max_muxing_queue_size', '4096'],
		...threadOptions(threads),
		...planned.options,
		// -update 1: the name is one file, not the pattern of a sequence.
		...(planned.kind === 'image' && !planned.options.includes('-f')
			? ['-frames:v', '1', '-update', '1', '-f', 'image2']
			: []),
	];
}
