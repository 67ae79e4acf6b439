import { hasAlpha, onBlack } from './codecs.ts';
import { DEFAULT_FRAME_RATE } from './edited.ts';
import type { MediaFacts, VideoFacts } from './facts.ts';
import { framing, type Fit } from './framing.ts';
import type { Size } from './geometry.ts';
import { rateFraction } from './ladder.ts';
import type { FilterGraph } from './plan.ts';

/** Videos and pictures one after the other, in one size and rate. Pure. */

export interface SequencePart {
	/** Pad of its picture, e.g. `v` (the source), `v1` (the first further input), or a label of the graph. */
	picture: string;
	/** Pad of its sound; null: silence. */
	sound: string | null;
	/** As shown. */
	size: Size;
	seconds: number;
	/** Filters before all others, e.g. what makes transparency black. */
	prepare: string[];
}

export interface SequenceForm {
	size: Size;
	frameRate: number;
	fit: Fit;
	/** Seconds for which one part turns into the next; 0 is a hard cut. */
	fadeSeconds: number;
}

export interface Sequence {
	graph: FilterGraph;
	seconds: number;
	/** Where each part begins in the result. */
	starts: number[];
	/** As used: at most half of the shortest part, in whole pictures. */
	fadeSeconds: number;
	audio: boolean;
}

/** What every player and every platform takes. */
const SAMPLE_RATE = 48_000;
/** More is for slow motion. */
export const MOST_PICTURES_PER_SECOND = 60;

/** A part for a file; `place` is 0 for the source, 1 for the first further input. */
export function partOf(facts: MediaFacts, video: VideoFacts, place: number, stillSeconds: number): SequencePart {
	const number = place === 0 ? '' : String(place);
	return {
		picture: `v${number}`,
		sound: facts.audio ? `a${number}` : null,
		size: video,
		seconds: facts.fileType === 'image' ? stillSeconds : lengthOf(facts, video),
		prepare: hasAlpha(video) ? onBlack(video) : [],
	};
}

/** Sound that ends a little after the picture is padding of its encoder. */
const PADDING_SECONDS = 0.5;

const lengthOf = ({ audio }: MediaFacts, video: VideoFacts): number =>
	audio && audio.durationSeconds > video.durationSeconds + PADDING_SECONDS ? audio.durationSeconds : video.durationSeconds;

/** The highest of the rates, within reason. */
export const commonRate = (videos: VideoFacts[]): number =>
	Math.min(MOST_PICTURES_PER_SECOND, Math.max(0, ...videos.map(({ frameRate }) => frameRate)) || DEFAULT_FRAME_RATE);

/** Every part has a whole number of pictures, and its sound is cut or padded to exactly that: nothing can drift apart. */
export function sequence(parts: SequencePart[], { size, frameRate, fit, fadeSeconds }: SequenceForm): Sequence {
	const counts = parts.map(({ seconds }) => Math.max(1, Math.round(seconds * frameRate)));
	const fade = parts.length < 2 ? 0 : Math.min(Math.round(fadeSeconds * frameRate), Math.floor(Math.min(...counts) / 2));
	const starts = counts.map((_, index) => counts.slice(0, index).reduce((sum, count) => sum + count - fade, 0) / frameRate);
	const pictures = counts.reduce((sum, count) => sum + count - fade, fade);
	const audio = parts.some(({ sound }) => sound !== null);
	const chains = parts.flatMap((part, index) => {
		const count = counts[index] ?? 1;
		return [pictureChain(part, index, count, { size, frameRate, fit }), ...(audio ? [soundChain(part, index, count / frameRate)] : [])];
	});
	const joined = fade > 0 ? crossfaded(starts, fade / frameRate, audio) : appended(parts.length, audio);
	return {
		graph: { filters: [...chains, ...joined].join(';'), map: ['[joined]', ...(audio ? ['[joinedsound]'] : [])] },
		seconds: pictures / frameRate,
		starts: starts.map((start) => Math.round(start * 1000) / 1000),
		fadeSeconds: fade / frameRate,
		audio,
	};
}

function pictureChain({ picture, size: source, prepare }: SequencePart, index: number, count: number, { size, frameRate, fit }: Pick<SequenceForm, 'size' | 'frameRate' | 'fit'>): string {
	return [
		// pass: of what is shorter than one of the new pictures (a still has one of 25 a second), fps would make none.
		`[${picture}]fps=${rateFraction(frameRate)}:start_time=0:eof_action=pass`,
		...prepare,
		...framing(source, size, fit, `part${index}`),
		// Stills, and pictures that end before their sound, stand.
		'tpad=stop=-1:stop_mode=clone',
		`trim=end_frame=${count}`,
		'setpts=PTS-STARTPTS',
		`format=yuv420p[part${index}]`,
	].join(',');
}

function soundChain({ sound }: SequencePart, index: number, seconds: number): string {
	const form = `aformat=sample_fmts=fltp:sample_rates=${SAMPLE_RATE}:channel_layouts=stereo`;
	const cut = `atrim=end_sample=${Math.round(seconds * SAMPLE_RATE)},asetpts=PTS-STARTPTS[sound${index}]`;
	return sound === null ? `anullsrc=r=${SAMPLE_RATE}:cl=stereo,${form},${cut}` : `[${sound}]aresample=${SAMPLE_RATE}:async=1:first_pts=0,${form},apad,${cut}`;
}

const appended = (count: number, audio: boolean): string[] => [
	`${Array.from({ length: count }, (_, index) => `[part${index}]${audio ? `[sound${index}]` : ''}`).join('')}concat=n=${count}:v=1:a=${audio ? 1 : 0}[joined]${audio ? '[joinedsound]' : ''}`,
];

function crossfaded(starts: number[], seconds: number, audio: boolean): string[] {
	const last = starts.length - 1;
	const name = (what: string, part: string, index: number): string => (index === 0 ? `${part}0` : index === last ? what : `${what}${index}`);
	return starts.slice(1).flatMap((start, before) => {
		const index = before + 1;
		const length = seconds.toFixed(6);
		return [
			`[${name('joined', 'part', before)}][part${index}]xfade=transition=fade:duration=${length}:offset=${start.toFixed(6)}[${name('joined', 'part', index)}]`,
			...(audio ? [`[${name('joinedsound', 'sound', before)}][sound${index}]acrossfade=d=${length}[${name('joinedsound', 'sound', index)}]`] : []),
		];
	});
}
