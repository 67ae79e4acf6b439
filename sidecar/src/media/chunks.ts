import { corrections } from './corrections.ts';
import type { MediaFacts } from './facts.ts';
import type { MediaPlan, PlannedOutput } from './plan.ts';

/**
 * Cuts a long encode into pieces that can be made anywhere and joined without a seam: each begins with a key frame of the
 * source, is encoded with the same settings, and holds exactly the pictures between its bounds. Sound is made in one piece,
 * because encoders of sound blend each packet into the next. Pure.
 */

/** Filters that look at one picture at a time, and not at its time: they give the same wherever a piece begins. */
const STATELESS = new Set(
	'scale,zscale,setsar,setdar,crop,pad,format,hflip,vflip,transpose,eq,hue,lut,lutrgb,lutyuv,lut3d,curves,colorbalance,colorchannelmixer,colorlevels,negate,gblur,boxblur,unsharp,avgblur,tonemap,vignette'.split(','),
);
const ENCODERS = new Set(['libx264', 'libx265', 'libvpx-vp9', 'libsvtav1', 'libaom-av1']);
/** Options that mean a place or a length in time, or need the whole of the film. */
const WHOLE = new Set(['-ss', '-t', '-to', '-r', '-shortest', '-vn', '-frames:v', '-pass', '-passlogfile', '-force_key_frames', '-filter_complex', '-vf', '-filter:v', '-map']);

/** Whether the pieces of this plan together are the same as the whole. Several inputs never are. */
export function canSplit(plan: MediaPlan, facts: MediaFacts, furtherInputs: number): PlannedOutput | null {
	const [output] = plan.outputs;
	const { video } = facts;
	// What measuring made lies in the folder of this try only: it would be gone when the pieces are joined.
	if (!output || plan.outputs.length > 1 || plan.made?.length || furtherInputs > 0 || !video) return null;
	const { options, graph, sourceOptions, seekSeconds, durationSeconds, videoFilters = [] } = output;
	if (output.kind !== 'video' || graph || output.subtitleTracks?.length || sourceOptions?.length || seekSeconds || durationSeconds !== undefined) return null;
	if (video.variableFrameRate || video.frameRate <= 0 || video.interlaced) return null;
	if (!ENCODERS.has(options[options.indexOf('-c:v') + 1] ?? '') || options.some((option) => WHOLE.has(option))) return null;
	// A time in an expression, `t` or `n`, would begin anew in each piece.
	const stateless = [...corrections(video), ...videoFilters].every(
		(filter) => STATELESS.has(/^\w+/.exec(filter)?.[0] ?? '') && !/[(=:'*+\-/,][tn](?:[)+\-*/',:]|$)|\{text\}|\[/.test(filter),
	);
	return stateless ? output : null;
}

export interface Packet {
	/** Seconds. */
	time: number;
	key: boolean;
}

/** `pts_time,flags` of `ffprobe -show_entries packet=pts_time,flags -of csv=p=0`, in the order of showing. Those to be thrown away (D) left out. */
export const readPackets = (csv: string): Packet[] =>
	[...csv.matchAll(/^(-?[\d.]+),(\S+)/gm)]
		.filter(([, , flags = '']) => !flags.includes('D'))
		.map(([, time, flags = '']) => ({ time: Number(time), key: flags.includes('K') }))
		.sort((a, b) => a.time - b.time);

export interface Chunk {
	/** Where to read from and to, in seconds from the start of the file; bounds lie between pictures. Null: to the end. */
	start: number;
	end: number | null;
	/** Pictures in it. */
	frames: number;
	/** From its first picture to that of the next one, seconds. Null: the last one. */
	seconds: number | null;
}

/** Shorter pieces cost more in key frames than they gain. */
const LEAST_SECONDS = 2;

/**
 * At most `count` pieces of about the same length. Fewer than two: it cannot be cut.
 * @param fileStart time of the first stream of the file, which ffmpeg takes for zero
 */
export function planChunks(packets: Packet[], count: number, fileStart: number): Chunk[] {
	const [first] = packets;
	const last = packets.at(-1);
	if (!first || !last) return [];
	const keys = packets.flatMap(({ key, time }, index) => (key && index > 0 && time - first.time >= LEAST_SECONDS && last.time - time >= LEAST_SECONDS ? [index] : []));
	const cuts: number[] = [];
	for (let piece = 1; piece < count; piece++) {
		const wanted = first.time + ((last.time - first.time) * piece) / count;
		const before = packets[cuts.at(-1) ?? 0]?.time ?? 0;
		const distance = (index: number): number => Math.abs((packets[index]?.time ?? 0) - wanted);
		const best = keys.filter((index) => (packets[index]?.time ?? 0) - before >= LEAST_SECONDS).reduce<number | null>((found, index) => (found === null || distance(index) < distance(found) ? index : found), null);
		if (best !== null) cuts.push(best);
	}
	if (cuts.length === 0) return [];
	const time = (index: number): number => packets[index]?.time ?? 0;
	// Between two pictures, in whole milliseconds: what rounding does to either then does not matter.
	const bound = (index: number): number => Math.round(((time(index - 1) + time(index)) / 2 - fileStart) * 1000) / 1000;
	return [0, ...cuts].map((from, index) => {
		const to = cuts[index];
		return {
			start: from === 0 ? 0 : bound(from),
			end: to === undefined ? null : bound(to),
			frames: (to ?? packets.length) - from,
			seconds: to === undefined ? null : Math.round((time(to) - time(from)) * 1e6) / 1e6,
		};
	});
}

/** Pieces for so many free workers, each of about `chunkSeconds` of CPU; all workers end at about the same time. */
export function howMany(cpuSeconds: number, chunkSeconds: number, workers: number): number {
	if (workers < 2) return 1;
	const needed = Math.max(2, Math.ceil(cpuSeconds / Math.max(1, chunkSeconds)));
	return Math.min(MOST_CHUNKS, Math.ceil(needed / workers) * workers);
}
const MOST_CHUNKS = 64;

const extension = (name: string): string => name.slice(name.lastIndexOf('.'));

/** The plan of one piece, without sound. */
export function piecePlan(plan: MediaPlan, output: PlannedOutput, { start, end, frames }: Chunk, all: number, frameRate: number): MediaPlan {
	const share = frames / Math.max(1, all);
	return {
		outputs: [
			{
				...output,
				name: `piece${extension(output.name)}`,
				...(start > 0 ? { seekSeconds: start } : {}),
				...(end === null ? {} : { durationSeconds: Math.round((end - start) * 1000) / 1000 }),
				// The bounds lie between pictures: without this each piece would begin half a picture late.
				videoFilters: [...(output.videoFilters ?? []), 'setpts=PTS-STARTPTS'],
				audioFilters: [],
				options: [...output.options, '-an'],
				expectedSeconds: frames / frameRate,
			},
		],
		estimatedCpuSeconds: plan.estimatedCpuSeconds * share,
	};
}

/** The plan of the sound, without a picture. */
export function soundPlan(plan: MediaPlan, output: PlannedOutput): MediaPlan {
	return {
		outputs: [{ ...output, name: `sound${extension(output.name)}`, kind: 'audio', videoFilters: [], options: [...output.options, '-vn'] }],
		// A hundredth of what a picture takes (codecs.ts).
		estimatedCpuSeconds: plan.estimatedCpuSeconds / 20,
	};
}

/** For ffmpeg's concat demuxer. The lengths are those of the source: what containers say of their own is rounded. */
export const concatList = (pieces: Array<{ path: string; seconds: number | null }>): string =>
	[
		'ffconcat version 1.0',
		...pieces.flatMap(({ path, seconds }) => [`file '${path.replaceAll("'", "'\\''")}'`, ...(seconds === null ? [] : [`duration ${seconds.toFixed(6)}`])]),
		'',
	].join('\n');

export interface Join {
	listPath: string;
	/** Null: no sound. */
	soundPath: string | null;
	outPath: string;
	/** Seconds by which picture and sound begin after the file. */
	delays: { picture: number; sound: number };
}

/** ffmpeg's arguments to put it all together without encoding. Container options are those of the plan. */
export function joinArguments(output: PlannedOutput, { listPath, soundPath, outPath, delays }: Join): string[] {
	const only = ['-protocol_whitelist', 'file'];
	const offset = (seconds: number): string[] => (Math.abs(seconds) < 0.0005 ? [] : ['-itsoffset', seconds.toFixed(6)]);
	return [
		...['-nostdin', '-hide_banner', '-y', '-v', 'error'],
		...offset(delays.picture),
		...[...only, '-f', 'concat', '-safe', '0', '-i', `file:${listPath}`],
		...(soundPath ? [...offset(delays.sound), ...only, '-i', `file:${soundPath}`] : []),
		...['-map', '0:v:0', ...(soundPath ? ['-map', '1:a:0', '-map_metadata', '1'] : [])],
		...['-c', 'copy', ...containerOptions(output.options), `file:${outPath}`],
	];
}

const CONTAINER_OPTIONS = new Set(['-movflags', '-tag:v', '-f', '-brand']);
const containerOptions = (options: string[]): string[] =>
	options.flatMap((option, index) => (CONTAINER_OPTIONS.has(option) ? [option, options[index + 1] ?? ''] : []));
