/**
 * A plan says what ffmpeg shall make, as data: it can be asserted in a test, merged with other plans on the same source,
 * and compared. The engine turns it into one ffmpeg process.
 */
export interface MediaPlan {
	outputs: PlannedOutput[];
	/** A place that has no picture is an error, instead of being shown as the first picture. */
	exactPlaces?: true;
	/** ffmpeg options of each further input, by its place (0 is the first further input), e.g. `[['-stream_loop', '-1']]`. */
	inputOptions?: string[][];
	/** Expected CPU seconds; orders and bounds the work, and becomes `estimated_duration` in answers. */
	estimatedCpuSeconds: number;
	/** Why the plan is what it is, in a sentence for the user, e.g. "The source is already 720p H.264: streams are copied." */
	reason?: string;
	/** Further fields of the job's output_data, e.g. `{ width: 1280 }`. */
	facts?: Record<string, unknown>;
	/** Files that measuring has made already, e.g. the last of several tries at a size. */
	made?: ProducedFile[];
	/** Small files whose content is known beforehand, e.g. the WebVTT of a sprite sheet. */
	texts?: TextFile[];
}

export interface TextFile {
	name: string;
	mime: string;
	content: string;
}

export interface PlannedOutput {
	/** File name of the result, e.g. `compressed.mp4`. Made by the operation, never by a user. A package: `hls/manifest.mpd`. */
	name: string;
	/**
	 * package: a manifest with all that its muxer writes beside it, in a folder of its own.
	 * text: nothing is kept but what a filter writes to `{text}`, e.g. `ametadata=print:key=lavfi.r128.I:file={text}`; it
	 * comes back in `PlanResult.texts` under `name`. Filters must let frames pass: no frame at all is an error. Filters of
	 * other kinds may write a `{text}` as well: it comes back beside the file.
	 */
	kind: 'video' | 'audio' | 'image' | 'package' | 'text';
	mime: string;
	/** Start in the source, seconds. Placed before the input, so that ffmpeg seeks instead of decoding from the start. */
	seekSeconds?: number;
	/** Length to read from there, seconds. */
	durationSeconds?: number;
	/** Further options of the source for this output, e.g. `['-loop', '1']` of a still. */
	sourceOptions?: string[];
	/** Filters in order, e.g. `['crop=100:100:0:0', 'scale=-2:720']`. Empty or absent: none. */
	videoFilters?: string[];
	audioFilters?: string[];
	/** Sound track, from 0, where it is not the one that the facts are about. Without effect on a graph. */
	audioTrack?: number;
	/** Several sound tracks, from 0, in this order: instead of `audioTrack`. Without effect on a graph. */
	audioTracks?: number[];
	/** Instead of the two lists above, where several inputs or streams meet. */
	graph?: FilterGraph;
	/** Small files that filters read, by name: `{file:look.cube}` in a filter is the path of `look.cube`. Removed afterwards. */
	attachments?: Record<string, string>;
	/** Subtitle tracks, after all other streams. Their codec is among `options`, e.g. `['-c:s', 'mov_text']`. */
	subtitleTracks?: SubtitleTrack[];
	/** Parts of the source whose pictures meet in `graph`, as `[x1]`, `[x2]` …; ffmpeg seeks to each of them. */
	excerpts?: Array<{ seekSeconds: number; durationSeconds: number }>;
	/** package: files that its muxer writes but nobody asked for, e.g. `['manifest.mpd']`; removed when it has been checked. */
	leaveOut?: string[];
	/** Output options as ffmpeg's argument list, codecs included, e.g. `['-c:v', 'libx264', '-crf', '23']`. */
	options: string[];
	/** Expected length of the output, seconds, for progress and for the deadline. 0 for a still image. */
	expectedSeconds: number;
}

export interface SubtitleTrack {
	/** SubRip. */
	srt: string;
	/** ISO 639-2, e.g. `deu`; `und` where it is not known. */
	language: string;
	/** What players list. */
	title: string;
	/** Shown unless the viewer turns it off. */
	default: boolean;
	/** Shown also where subtitles are turned off. */
	forced: boolean;
}

/**
 * Pads that are there: `[v]` and `[a]` are the picture and sound of the source, `[v1]`, `[a1]` those of the first further
 * input, and so on; each may be used once (`split` and `asplit` make more). Other labels are the graph's own.
 * Example: `{ filters: '[v][v1]overlay=10:10[out]', map: ['[out]', 'a?'] }`
 */
export interface FilterGraph {
	filters: string;
	/** What goes into the output, in order: labels of the graph, or `v`, `a` (streams of the source as they are), `a?` (if there is one). */
	map: string[];
}

/** A finished file in a scratch folder, to be stored with the job. */
export interface ProducedFile {
	name: string;
	path: string;
	mime: string;
	width?: number;
	height?: number;
	durationSeconds?: number;
	/** Belongs to a package (a segment of HLS, say): stored, but not listed. */
	part?: true;
}

/** A file that is whole while its plan still runs. It lies apart from the plan's own files: whoever is told of it may move it. */
export interface EarlyFile extends ProducedFile {
	/** False for manifests of packages: they grow, and are told of again whenever they have. */
	final: boolean;
}

/** What became of a plan. */
export interface PlanResult {
	files: ProducedFile[];
	/** What filters wrote to `{text}`, by the name of the output. */
	texts: Record<string, string>;
	cpuSeconds: number;
	/** Which encoder made the (first) video, where hardware is allowed: `h264_nvenc`, `libx264`. */
	encoder?: string;
	/** Most memory that ffmpeg held; 0 or absent where that cannot be found out. */
	maxRssBytes?: number;
}
