import { PipelineError } from '../errors.ts';
import { hasAlpha, onBlack } from './codecs.ts';
import { corrections } from './corrections.ts';
import type { MediaFacts } from './facts.ts';
import { INPUT_FORMATS } from './formats.ts';
import type { MediaPlan, PlannedOutput } from './plan.ts';
import { asFileUrl, inputArguments, MAX_ALLOCATION } from './ffmpeg-input.ts';
import { shareFilters, type SharedFilters } from './shared-filters.ts';

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
	const place = (part: Place, planned: PlannedOutput): Placed => {
		const { read, cut } = reach(part, planned, facts);
		const options = windowOptions(read);
		const key = options.join(' ');
		const window = windows.get(key) ?? { index: windows.size, options };
		windows.set(key, window);
		return { input: window.index, cut };
	};
	const placed = plan.outputs.map((planned) => {
		const excerpts = planned.excerpts?.map((part) => place(part, planned)) ?? [];
		return { planned, excerpts, from: excerpts[0] ?? place(planned, planned) };
	});
	const source = { path: inputPath, facts };
	const read = [
		...[...windows.values()].map(({ options }) => ({ options, file: source })),
		...further.map((file, index) => ({ options: plan.inputOptions?.[index] ?? [], file })),
	];
	const tracks = plan.outputs.map(({ subtitleTracks = [] }) => subtitleTracks.length);
	const firstTrack = (index: number): number => read.length + tracks.slice(0, index).reduce((sum, count) => sum + count, 0);
	const graphs: string[] = [];
	const contexts = placed.map(({ planned, excerpts, from }, index) => {
		const path = partialPath(planned, index);
		const context = { facts, further, from, excerpts, firstFurther: windows.size, firstTrack: firstTrack(index), index, path, toneMapping };
		if (planned.graph) graphs.push(filterGraph(planned.graph.filters, planned, { ...context, path: textPath(planned, path) }));
		return { planned, context };
	});
	const shared = sharedPictures(contexts);
	const outputs = contexts.map(({ planned, context }, index) => ({
		planned,
		options: outputOptions(planned, context, threads, shared.pads[index]),
		path: context.path,
	}));
	// Options of the whole process: they may stand before any output. What is shared has graphs of its own: a graph waits for
	// the first picture of each of its inputs, and these begin at different places.
	const all = [...(graphs.length > 0 ? [graphs.join(';')] : []), ...shared.graphs];
	outputs[0]?.options.unshift(...all.flatMap((graph) => ['-filter_complex', graph]));
	const media = read.map(({ options, file }, index) => ({
		options: [...(index === 0 ? GLOBAL : []), ...threadOptions(threads), ...options, ...timesOf(file.facts, options), ...decoderOf(file.facts), ...inputArguments(demuxerOf(file.facts))],
		url: asFileUrl(file.path),
	}));
	const subtitles = outputs.flatMap(({ planned, path }) => tracksOf(planned, path).map((track) => ({ options: inputArguments('srt'), url: asFileUrl(track.path) })));
	return { inputs: [...media, ...subtitles], outputs };
}

function demuxerOf({ mime }: MediaFacts): string {
	const format = INPUT_FORMATS[mime];
	if (!format) throw new PipelineError('input_unsupported', `Files of the type ${mime} cannot be processed.`);
	return format.demuxer;
}

/**
 * Of these formats ffmpeg lets the times begin with the first of the streams that are used: without the sound, the picture
 * would stand elsewhere than with it. It leaves times alone that are shifted, be it by nothing that counts.
 */
const timesOf = (facts: MediaFacts, options: string[]): string[] =>
	WITHOUT_INDEX.has(demuxerOf(facts)) && !options.includes('-ss') ? ['-itsoffset', '0.000001'] : [];

/** ffmpeg's own decoders of VP8 and VP9 leave the transparency out. */
function decoderOf({ video }: MediaFacts): string[] {
	if (!video || !hasAlpha(video)) return [];
	return video.codec === 'vp9' ? ['-c:v', 'libvpx-vp9'] : video.codec === 'vp8' ? ['-c:v', 'libvpx'] : [];
}

/** Seconds with a fixed number of digits: never `1e-7`, which ffmpeg would not read. */
const seconds = (value: number): string => value.toFixed(3);

type Place = Pick<PlannedOutput, 'seekSeconds' | 'durationSeconds' | 'sourceOptions'>;

/** Where a part of the source comes from: ffmpeg's number of the input, and what filters must cut off. */
interface Placed {
	input: number;
	cut: { picture: string[]; sound: string[] };
}

/** Formats without an index: ffmpeg jumps to any packet, and all is lost up to the next key frame. */
const WITHOUT_INDEX: ReadonlySet<string> = new Set(['mpegts', 'mpeg']);
/** Encoders put key frames at most 10 s apart (250 pictures of 25 a second, x264's default); a little more for good measure. */
const SEEK_BACK_SECONDS = 12;

/** What ffmpeg shall read for a part: of formats without an index more, of which filters cut off what comes before. */
function reach(part: Place, { kind, options }: PlannedOutput, facts: MediaFacts): { read: Place; cut: Placed['cut'] } {
	const { seekSeconds, durationSeconds, sourceOptions } = part;
	// What is copied passes no filter.
	const copied = options.some((option, index) => option === 'copy' && !(options.includes('-an') && options[index - 1] === '-c:a'));
	const exact = !facts.video || kind === 'audio' || copied || sourceOptions?.length || !WITHOUT_INDEX.has(demuxerOf(facts));
	if (!seekSeconds || exact) return { read: part, cut: { picture: [], sound: [] } };
	const before = Math.min(seekSeconds, SEEK_BACK_SECONDS);
	const range = `start=${seconds(before)}${durationSeconds === undefined ? '' : `:end=${seconds(before + durationSeconds)}`}`;
	return {
		read: { seekSeconds: seekSeconds - before, ...(durationSeconds === undefined ? {} : { durationSeconds: before + durationSeconds }) },
		cut: {
			picture: [`trim=${range}`, `setpts=PTS-${seconds(before)}/TB`],
			sound: [`atrim=${range}`, `asetpts=PTS-${seconds(before)}/TB`],
		},
	};
}

const windowOptions = ({ seekSeconds, durationSeconds, sourceOptions = [] }: Place): string[] => [
	...sourceOptions,
	...(seekSeconds ? ['-ss', seconds(seekSeconds)] : []),
	...(durationSeconds === undefined ? [] : ['-t', seconds(durationSeconds)]),
];

const threadOptions = (threads: number | undefined): string[] =>
	threads === undefined ? [] : ['-threads', String(threads)];

interface OutputContext {
	facts: MediaFacts;
	further: Readable[];
	/** The source for this output. */
	from: Placed;
	/** The same of each of its excerpts. */
	excerpts: Placed[];
	firstFurther: number;
	/** ffmpeg's number of the input that is its first subtitle track. */
	firstTrack: number;
	/** Number of the output: makes labels unique in the process. */
	index: number;
	path: string;
	toneMapping: boolean;
}

/** The picture filters of an output that is no graph. */
function pictureFilters(planned: PlannedOutput, context: OutputContext): string[] {
	const { facts, from } = context;
	const copied = planned.options.some((option, index) => option === 'copy' && /^-(c|c:v|codec:v|vcodec)(:\d+)?$/.test(planned.options[index - 1] ?? ''));
	const shown = planned.kind === 'audio' || planned.graph || copied || !facts.video ? [] : [...corrections(facts.video, context), ...withoutAlpha(facts, planned)];
	const path = textPath(planned, context.path);
	return [...(planned.graph ? [] : from.cut.picture), ...shown, ...(planned.videoFilters ?? [])].map((filter) => withTextPath(filter, path));
}

/** Of outputs that read the same part of the source, what their pictures pass in common. */
function sharedPictures(outputs: ReadonlyArray<{ planned: PlannedOutput; context: OutputContext }>): SharedFilters {
	const pads: Array<string | null> = outputs.map(() => null);
	const graphs: string[] = [];
	for (const input of new Set(outputs.map(({ context }) => context.from.input))) {
		const users = outputs.filter(
			({ planned, context }) => context.from.input === input && !planned.graph && takesPicture(planned, context.facts) && !(planned.kind === 'image' && planned.seekSeconds),
		);
		const chains = users.map(({ planned, context }) => ({ filters: pictureFilters(planned, context), pixels: pixelsOf(planned) }));
		const made = shareFilters(chains, `[${input}:V:0]`, (number) => `s${input}_${number}`);
		graphs.push(...made.graphs);
		users.forEach(({ context }, index) => (pads[context.index] = made.pads[index] ?? null));
	}
	return { graphs, pads };
}

/** What the encoder asks for; where that is left to it, only its like asks for the same. */
function pixelsOf({ mime, options }: PlannedOutput): string {
	const after = (name: string): string | undefined => (options.includes(name) ? options[options.indexOf(name) + 1] : undefined);
	return after('-pix_fmt') ?? `${mime} ${after('-c:v') ?? ''}`;
}

/** @param pad where its pictures come from when the filters are shared with other outputs */
function outputOptions(planned: PlannedOutput, context: OutputContext, threads: number | undefined, pad: string | null = null): string[] {
	const { facts } = context;
	const path = textPath(planned, context.path);
	const picture = pad === null ? pictureFilters(planned, context) : [];
	const uncut = !planned.graph || planned.graph.map.some((stream) => /^a\??$/.test(stream));
	const sound = [...(uncut ? context.from.cut.sound : []), ...(planned.audioFilters ?? [])].map((filter) => withTextPath(filter, path));
	return [
		...(planned.graph ? graphMaps(planned.graph.map, context) : plainMaps(planned, context, pad)),
		...trackOptions(planned, context),
		// Data and chapter tracks, and subtitles of the source, do not fit into every container, and nobody asked for them.
		...(planned.subtitleTracks?.length ? [] : ['-sn']),
		...['-dn', '-map_chapters', '-1'],
		...(picture.length > 0 && !planned.options.includes('-vn') ? ['-filter:v', picture.join(',')] : []),
		...(sound.length > 0 && facts.audio && !planned.options.includes('-an') && planned.kind !== 'image' ? ['-filter:a', sound.join(',')] : []),
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

const trackOptions = ({ subtitleTracks = [] }: PlannedOutput, { firstTrack }: OutputContext): string[] =>
	subtitleTracks.flatMap(({ language, title, ...flags }, index) => [
		...['-map', `${firstTrack + index}:s:0`],
		...['-metadata:s:s:' + index, `language=${language}`, '-metadata:s:s:' + index, `title=${title}`, '-metadata:s:s:' + index, `handler_name=${title}`],
		...['-disposition:s:' + index, [...(flags.default ? ['default'] : []), ...(flags.forced ? ['forced'] : [])].join('+') || '0'],
	]);

const takesPicture = ({ kind, options, videoFilters }: PlannedOutput, { video }: MediaFacts): boolean =>
	kind !== 'audio' && video !== null && !options.includes('-vn') && (kind !== 'text' || Boolean(videoFilters?.length));

function plainMaps(planned: PlannedOutput, { facts, from: { input } }: OutputContext, pad: string | null): string[] {
	const text = planned.kind === 'text';
	const sound =
		planned.kind !== 'image' && facts.audio && !planned.options.includes('-an') && (!text || planned.audioFilters?.length);
	return [
		// V: no cover pictures. The probe describes the same streams.
		...(takesPicture(planned, facts) ? ['-map', pad ?? `${input}:V:0`] : []),
		...(sound ? (planned.audioTracks ?? [planned.audioTrack]).flatMap((track) => ['-map', `${input}:${track === undefined ? soundOf(facts) : `a:${track}`}`]) : []),
	];
}

const graphMaps = (map: string[], { from: { input }, facts, index }: OutputContext): string[] =>
	map.flatMap((stream) => {
		if (stream === 'v') return ['-map', `${input}:V:0`];
		if (stream === 'a' || (stream === 'a?' && facts.audio)) return ['-map', `${input}:${soundOf(facts)}`];
		if (stream === 'a?') return [];
		return ['-map', stream.replace(LABEL, (_, name: string) => `[${label(index, name)}]`)];
	});

const LABEL = /\[([A-Za-z]\w*)\]/g;
const label = (index: number, name: string): string => `o${index}_${name}`;

/** The track that the facts are about. */
const soundOf = (facts: MediaFacts | undefined): string => `a:${facts?.audio?.track ?? 0}`;

/** Pads of the plan as pads of this process; other labels made unique. Sources that need it are corrected before anything else. */
function filterGraph(filters: string, planned: PlannedOutput, context: OutputContext): string {
	const before: string[] = [];
	/** A pad of ffmpeg, behind the filters that it needs. */
	const prepared = (pad: string, needed: string[], name: string): string => {
		if (needed.length === 0) return pad;
		const made = `[${label(context.index, `corrected${name}`)}]`;
		before.push(`${pad}${needed.join(',')}${made}`);
		return made;
	};
	const shown = (facts: MediaFacts | undefined): string[] => (facts?.video ? corrections(facts.video, context) : []);
	// Further inputs keep their transparency: a logo lies over the picture with it.
	const source = ({ input, cut }: Placed, name: string): string =>
		prepared(`[${input}:V:0]`, [...cut.picture, ...shown(context.facts), ...withoutAlpha(context.facts, planned)], name);
	const graph = withTextPath(filters, context.path).replace(LABEL, (_, name: string) => {
		const excerpt = context.excerpts[Number(/^x(\d+)$/.exec(name)?.[1]) - 1];
		if (excerpt !== undefined) return source(excerpt, name);
		const [pad, type, place = ''] = /^([va])(\d*)$/.exec(name) ?? [];
		if (!pad) return `[${label(context.index, name)}]`;
		if (place === '') return type === 'v' ? source(context.from, '') : prepared(`[${context.from.input}:${soundOf(context.facts)}]`, context.from.cut.sound, 'sound');
		const number = context.firstFurther + Number(place) - 1;
		const facts = context.further[Number(place) - 1]?.facts;
		return type === 'a' ? `[${number}:${soundOf(facts)}]` : prepared(`[${number}:V:0]`, shown(facts), place);
	});
	return [...before, graph].join(';');
}

/** Of videos without transparency: by itself ffmpeg shows whatever colours lie under that of the source. */
const withoutAlpha = ({ fileType, video }: MediaFacts, { kind, options }: PlannedOutput): string[] =>
	fileType === 'video' && video && hasAlpha(video) && (kind === 'video' || kind === 'package') && /^(yuvj?4|nv12)/.test(options[options.indexOf('-pix_fmt') + 1] ?? '')
		? onBlack(video)
		: [];

/** The text of an output: all there is of the kind `text`, beside the file of every other kind. */
export const textPath = ({ kind }: PlannedOutput, path: string): string => (kind === 'text' ? path : `${path}.txt`);
/** Whether a filter of the output writes a text. */
export const writesText = ({ kind, videoFilters = [], audioFilters = [], graph }: PlannedOutput): boolean =>
	kind === 'text' || [...videoFilters, ...audioFilters, graph?.filters ?? ''].some((filter) => filter.includes('{text}'));

/** Where a filter writes its text to, and where it finds attachments, as values of filter options. */
const withTextPath = (filter: string, path: string): string =>
	filter.replaceAll('{text}', filterValue(path)).replace(/\{file:([a-z0-9.-]+)\}/g, (_, name: string) => filterValue(`${path}.${name}`));

/** Where the subtitle tracks of an output lie. */
const tracksOf = (planned: PlannedOutput, path: string): Array<{ path: string; content: string }> =>
	(planned.subtitleTracks ?? []).map(({ srt }, index) => ({ path: `${textPath(planned, path)}.${index}.srt`, content: srt }));

/** Small files that ffmpeg reads for an output: where each must lie, and its content. */
export const attachmentsOf = (planned: PlannedOutput, path: string): Array<{ path: string; content: string }> => [
	...Object.entries(planned.attachments ?? {}).map(([name, content]) => ({ path: `${textPath(planned, path)}.${name}`, content })),
	...tracksOf(planned, path),
];

/**
 * A value inside a filter graph: one round of escaping for the option, one for the graph (ffmpeg-utils, "Quoting and
 * escaping"; ffmpeg-filters, "Notes on filtergraph escaping").
 */
export const filterValue = (text: string): string =>
	text.replace(/[\\':]/g, '\\$&').replace(/[\\'[\],;]/g, '\\$&');
