import { PipelineError } from '../errors.ts';
import { corrections } from './corrections.ts';
import type { MediaFacts } from './facts.ts';
import { INPUT_FORMATS } from './formats.ts';
import type { MediaPlan, PlannedOutput } from './plan.ts';
import { asFileUrl, inputArguments, MAX_ALLOCATION } from './ffmpeg-input.ts';

/** One ffmpeg process, as data. */
export interface FfmpegCall {
	inputs: Array<{ options: string[]; url: string }>;
	outputs: Array<{ planned: PlannedOutput; options: string[]; path: string }>;
}

/** A file that ffmpeg reads. */
export interface Readable {
	path: string;
	facts: MediaFacts;
}

/** Before the first input: they hold for the whole process. */
const GLOBAL = [
	...['-hide_banner', '-nostdin', '-y', '-loglevel', 'info', '-nostats'],
	...['-progress', 'pipe:1', '-stats_period', '0.5', '-benchmark'],
	...MAX_ALLOCATION,
	// An output without a single packet is an error, not a file.
	...['-abort_on', 'empty_output'],
];

export interface CallRequest {
	inputPath: string;
	facts: MediaFacts;
	/** Further inputs, `[v1]` being the first. */
	inputs?: Readable[];
	plan: MediaPlan;
	threads?: number | undefined;
	/** Whether this ffmpeg can turn HDR into ordinary colours. Default true. */
	toneMapping?: boolean | undefined;
}

/**
 * Pure. Outputs that begin at the same place share an input, which is then decoded once; others get an input of their own
 * with the seek before it, so that ffmpeg jumps instead of decoding all that comes before.
 * @param partialPath where an output is written until it has been checked
 */
export function ffmpegCall(
	{ inputPath, facts, inputs: further = [], plan, threads, toneMapping = true }: CallRequest,
	partialPath: (output: PlannedOutput, index: number) => string,
): FfmpegCall {
	const windows = new Map<string, { index: number; options: string[] }>();
	const place = (part: Parameters<typeof windowOptions>[0]): number => {
		const options = windowOptions(part);
		const key = options.join(' ');
		const window = windows.get(key) ?? { index: windows.size, options };
		windows.set(key, window);
		return window.index;
	};
	const placed = plan.outputs.map((planned) => {
		const excerpts = planned.excerpts?.map(place) ?? [];
		return { planned, excerpts, input: excerpts[0] ?? place(planned) };
	});
	const source = { path: inputPath, facts };
	const read = [
		...[...windows.values()].map(({ options }) => ({ options, file: source })),
		...further.map((file, index) => ({ options: plan.inputOptions?.[index] ?? [], file })),
	];
	const graphs: string[] = [];
	const outputs = placed.map(({ planned, excerpts, input }, index) => {
		const path = partialPath(planned, index);
		const context = { facts, further, input, excerpts, firstFurther: windows.size, index, path, toneMapping };
		if (planned.graph) graphs.push(filterGraph(planned.graph.filters, { ...context, path: textPath(planned, path) }));
		return { planned, options: outputOptions(planned, context, threads), path };
	});
	// An option of the whole process: it may stand before any output.
	if (graphs.length > 0) outputs[0]?.options.unshift('-filter_complex', graphs.join(';'));
	return {
		inputs: read.map(({ options, file }, index) => ({
			options: [...(index === 0 ? GLOBAL : []), ...threadOptions(threads), ...options, ...inputArguments(demuxerOf(file.facts))],
			url: asFileUrl(file.path),
		})),
		outputs,
	};
}

function demuxerOf({ mime }: MediaFacts): string {
	const format = INPUT_FORMATS[mime];
	if (!format) throw new PipelineError('input_unsupported', `Files of the type ${mime} cannot be processed.`);
	return format.demuxer;
}

/** Seconds with a fixed number of digits: never `1e-7`, which ffmpeg would not read. */
const seconds = (value: number): string => value.toFixed(3);

const windowOptions = ({ seekSeconds, durationSeconds, sourceOptions = [] }: Pick<PlannedOutput, 'seekSeconds' | 'durationSeconds' | 'sourceOptions'>): string[] => [
	...sourceOptions,
	...(seekSeconds ? ['-ss', seconds(seekSeconds)] : []),
	...(durationSeconds === undefined ? [] : ['-t', seconds(durationSeconds)]),
];

const threadOptions = (threads: number | undefined): string[] =>
	threads === undefined ? [] : ['-threads', String(threads)];

interface OutputContext {
	facts: MediaFacts;
	further: Readable[];
	/** ffmpeg's number of the source for this output. */
	input: number;
	/** The same of each of its excerpts. */
	excerpts: number[];
	firstFurther: number;
	/** Number of the output: makes labels unique in the process. */
	index: number;
	path: string;
	toneMapping: boolean;
}

function outputOptions(planned: PlannedOutput, context: OutputContext, threads: number | undefined): string[] {
	const { facts } = context;
	const path = textPath(planned, context.path);
	const copied = planned.options.some((option, index) => option === 'copy' && /^-(c|c:v|codec:v|vcodec)(:\d+)?$/.test(planned.options[index - 1] ?? ''));
	const videoFilters = planned.videoFilters ?? [];
	const shown = planned.kind === 'audio' || planned.graph || copied || !facts.video ? [] : corrections(facts.video, context);
	const picture = [...shown, ...videoFilters].map((filter) => withTextPath(filter, path));
	const sound = (planned.audioFilters ?? []).map((filter) => withTextPath(filter, path));
	return [
		...(planned.graph ? graphMaps(planned.graph.map, context) : plainMaps(planned, context)),
		// Subtitles, data and chapter tracks do not fit into every container, and nobody asked for them.
		...['-sn', '-dn', '-map_chapters', '-1'],
		...(picture.length > 0 && !planned.options.includes('-vn') ? ['-filter:v', picture.join(',')] : []),
		...(sound.length > 0 ? ['-filter:a', sound.join(',')] : []),
		// Where sound starts long after the picture, the default of 128 packets is too few ("Too many packets buffered").
		...['-max_muxing_queue_size', '4096'],
		...threadOptions(threads),
		...planned.options,
		// -update 1: the name is one file, not the pattern of a sequence. -threads 1: encoders of pictures would else hold the
		// picture back until the end of all outputs, to work on several at once.
		...(planned.kind === 'image' && !planned.options.includes('-f')
			? ['-frames:v', '1', '-threads', '1', '-update', '1', '-atomic_writing', '1', '-f', 'image2']
			: []),
		...(planned.kind === 'text' ? ['-f', 'null'] : []),
	];
}

function plainMaps(planned: PlannedOutput, { facts, input }: OutputContext): string[] {
	const text = planned.kind === 'text';
	const picture =
		planned.kind !== 'audio' && facts.video && !planned.options.includes('-vn') && (!text || planned.videoFilters?.length);
	const sound =
		planned.kind !== 'image' && facts.audio && !planned.options.includes('-an') && (!text || planned.audioFilters?.length);
	return [
		// V: no cover pictures. The probe describes the same streams.
		...(picture ? ['-map', `${input}:V:0`] : []),
		...(sound ? ['-map', `${input}:${planned.audioTrack === undefined ? soundOf(facts) : `a:${planned.audioTrack}`}`] : []),
	];
}

const graphMaps = (map: string[], { input, facts, index }: OutputContext): string[] =>
	map.flatMap((stream) => {
		if (stream === 'v') return ['-map', `${input}:V:0`];
		if (stream === 'a' || (stream === 'a?' && facts.audio)) return ['-map', `${input}:${soundOf(facts)}`];
		if (stream === 'a?') return [];
		return ['-map', stream.replace(LABEL, (_, label: string) => `[${own(index, label)}]`)];
	});

const LABEL = /\[([A-Za-z]\w*)\]/g;
const own = (index: number, label: string): string => `o${index}_${label}`;

/** The track that the facts are about. */
const soundOf = (facts: MediaFacts | undefined): string => `a:${facts?.audio?.track ?? 0}`;

/** Pads of the plan as pads of this process; other labels made unique. Sources that need it are corrected before anything else. */
function filterGraph(filters: string, context: OutputContext): string {
	const before: string[] = [];
	const picture = (number: number, facts: MediaFacts | undefined, name: string): string => {
		const correcting = facts?.video ? corrections(facts.video, context) : [];
		if (correcting.length === 0) return `[${number}:V:0]`;
		const corrected = `[${own(context.index, `corrected${name}`)}]`;
		before.push(`[${number}:V:0]${correcting.join(',')}${corrected}`);
		return corrected;
	};
	const graph = withTextPath(filters, context.path).replace(LABEL, (_, label: string) => {
		const excerpt = context.excerpts[Number(/^x(\d+)$/.exec(label)?.[1]) - 1];
		if (excerpt !== undefined) return picture(excerpt, context.facts, label);
		const pad = /^([va])(\d*)$/.exec(label);
		if (!pad) return `[${own(context.index, label)}]`;
		const [, type, place = ''] = pad;
		const number = place === '' ? context.input : context.firstFurther + Number(place) - 1;
		const facts = place === '' ? context.facts : context.further[Number(place) - 1]?.facts;
		return type === 'a' ? `[${number}:${soundOf(facts)}]` : picture(number, facts, place);
	});
	return [...before, graph].join(';');
}

/** The text of an output: all there is of the kind `text`, beside the file of every other kind. */
export const textPath = ({ kind }: PlannedOutput, path: string): string => (kind === 'text' ? path : `${path}.txt`);
/** Whether a filter of the output writes a text. */
export const writesText = ({ kind, videoFilters = [], audioFilters = [], graph }: PlannedOutput): boolean =>
	kind === 'text' || [...videoFilters, ...audioFilters, graph?.filters ?? ''].some((filter) => filter.includes('{text}'));

/** Where a filter writes its text to, and where it finds attachments, as values of filter options. */
const withTextPath = (filter: string, path: string): string =>
	filter.replaceAll('{text}', filterValue(path)).replace(/\{file:([a-z0-9.-]+)\}/g, (_, name: string) => filterValue(`${path}.${name}`));

/** Attachments of an output: where each must lie, and its content. */
export const attachmentsOf = (planned: PlannedOutput, path: string): Array<{ path: string; content: string }> =>
	Object.entries(planned.attachments ?? {}).map(([name, content]) => ({ path: `${textPath(planned, path)}.${name}`, content }));

/**
 * A value inside a filter graph: one round of escaping for the option, one for the graph (ffmpeg-utils, "Quoting and
 * escaping"; ffmpeg-filters, "Notes on filtergraph escaping").
 */
export const filterValue = (text: string): string =>
	text.replace(/[\\':]/g, '\\$&').replace(/[\\'[\],;]/g, '\\$&');
