import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import { AUDIO_FORMATS, keptKbps, nearestFormat, opus } from '../../media/audio-formats.ts';
import { place, secondsOf } from '../../media/clock.ts';
import { aac, canRemux, estimate, FAST_START } from '../../media/codecs.ts';
import { edited, evenSize } from '../../media/edited.ts';
import type { AudioFacts, MediaFacts, VideoFacts } from '../../media/facts.ts';
import { EMPTY_OUTPUT } from '../../media/ffmpeg-output.ts';
import { scaleTo } from '../../media/geometry.ts';
import type { MediaPlan, PlannedOutput } from '../../media/plan.ts';
import { soundOf } from '../../media/sound.ts';
import type { MediaOperation, MeasureTools } from '../operation.ts';
import { crf } from './fields.ts';

const params = z
	.strictObject({
		start: place('Where the result begins').default(0),
		end: place('Where the result ends. Default: the end of the source').optional(),
		duration: place('Length of the result, instead of `end`').optional(),
		mode: z
			.enum(['accurate', 'fast'])
			.default('accurate')
			.describe(
				'accurate: exact to the picture, encodes again; fast: copies, and begins at the key frame before `start`, often some seconds early. Default accurate.',
			),
		crf,
	})
	.refine(({ end, duration }) => end === undefined || duration === undefined, { path: ['duration'], error: 'Give either end or duration, not both.' });
type Params = z.infer<typeof params>;

/** Of a sound that is encoded beside a copied picture. */
const AUDIO_KBPS = 160;
/** Its file name, without extension. */
const RESULT = 'trimmed';

export const trim: MediaOperation<Params, Measured> = {
	kind: 'media',
	name: 'trim',
	version: 1,
	summary: 'Keeps the part of a video or a sound between two places.',
	accepts: ['video', 'audio'],
	insteadFor: { image: 'image_resize' },
	params,
	example: { start: 1, duration: 2, mode: 'accurate' },
	produces:
		'`start_seconds` and `end_seconds` of the source, as cut; `mode`; `reason` where the result begins at an earlier key frame, or could not be copied. ' +
		'Files: `trimmed.mp4` (a copied VP9: `.webm`), of sound a file of its own format.',
	measures: ({ mode }) => mode === 'fast',
	measure: async (tools, wanted) => ({ keyFrame: isCopied(tools.facts, wanted) ? await keyFrameBefore(tools, cutOf(tools.facts, wanted).start) : null }),
	estimateSeconds: (facts, wanted) => trim.plan(facts, wanted, { inputs: [], measured: { keyFrame: cutOf(facts, wanted).start } }).estimatedCpuSeconds,
	plan(facts, wanted, known) {
		const cut = cutOf(facts, wanted);
		const holder = wanted.mode === 'fast' ? holderOf(facts) : null;
		const begin = known?.measured ? known.measured.keyFrame : cut.start;
		if (holder && begin !== null) return copied(facts, holder, { ...cut, start: begin }, cut);
		const made = facts.video ? encodedVideo(facts, facts.video, cut, wanted.crf) : encodedSound(facts, cut);
		const why = holder ? 'There is no key frame to begin a copy at' : 'No file format here can hold this media as it is';
		const reason = wanted.mode === 'fast' ? { reason: `${why}: it was cut exactly and encoded again.` } : {};
		return { ...made, ...reason, facts: { start_seconds: cut.start, end_seconds: cut.end, mode: 'accurate' } };
	},
};

interface Measured {
	/** Where a copy begins, seconds; null where nothing is copied, or nothing was found: it is then encoded. */
	keyFrame: number | null;
}

interface Cut {
	start: number;
	end: number;
}

/** Lengths in files are rounded, and people copy them from players that round as well. */
const TOLERANCE_SECONDS = 0.05;

function cutOf({ durationSeconds, fileType }: MediaFacts, wanted: Params): Cut {
	const length = Math.round(durationSeconds * 1000) / 1000;
	const start = secondsOf(wanted.start);
	const end = wanted.duration === undefined ? secondsOf(wanted.end ?? length) : start + secondsOf(wanted.duration);
	const what = fileType === 'video' ? 'video' : 'sound';
	if (start >= length) throw outside('start', start, `less than ${length}`, `the ${what} ends at ${length} s`);
	if (end <= start) throw outside(wanted.duration === undefined ? 'end' : 'duration', end, `more than ${start}`, `the result begins at ${start} s`);
	if (end > length + TOLERANCE_SECONDS) {
		const allowed = wanted.duration === undefined ? length : Math.round((length - start) * 1000) / 1000;
		throw outside(wanted.duration === undefined ? 'end' : 'duration', end, `at most ${allowed}`, `the ${what} ends at ${length} s`);
	}
	return { start, end: Math.min(length, Math.round(end * 1000) / 1000) };
}

const outside = (name: string, given: number, allowed: string, because: string): PipelineError =>
	new PipelineError('invalid_request', `params.${name} asks for the place ${given} s, but ${because}: give ${allowed} s.`, {
		details: { field: `params.${name}`, given, allowed },
	});

/** A container that takes the picture as it is. */
interface Holder {
	extension: string;
	mime: string;
	/** Options of the streams. */
	options: string[];
}

/** What the streams are copied into; null where no container of ours takes them. */
function holderOf(facts: MediaFacts): Holder | null {
	const { video, audio } = facts;
	if (!video) {
		const format = audio && AUDIO_FORMATS[nearestFormat(audio)];
		const codecs: readonly string[] = format?.codecs ?? [];
		return format && codecs.includes(audio.codec) ? { extension: format.extension, mime: format.mime, options: ['-c:a', 'copy'] } : null;
	}
	if (!canRemux(facts)) return null;
	const sound = (codecs: string[], encode: (audio: AudioFacts, kbps: number) => string[]): string[] =>
		!audio ? [] : codecs.includes(audio.codec) ? ['-c:a', 'copy'] : encode(audio, AUDIO_KBPS);
	// Without make_zero, players that know edit lists would skip to the place asked for, and others would not.
	if (/^(h264|hevc|av1)$/.test(video.codec)) {
		// Apple plays H.265 only under this tag.
		const tag = video.codec === 'hevc' ? ['-tag:v', 'hvc1'] : [];
		return { extension: 'mp4', mime: 'video/mp4', options: ['-c:v', 'copy', ...tag, ...sound(['aac', 'mp3'], aac), '-avoid_negative_ts', 'make_zero', ...FAST_START] };
	}
	if (!/^vp[89]$/.test(video.codec)) return null;
	return { extension: 'webm', mime: 'video/webm', options: ['-c:v', 'copy', ...sound(['opus', 'vorbis'], opus), '-avoid_negative_ts', 'make_zero'] };
}

const isCopied = (facts: MediaFacts, { mode }: Params): boolean => mode === 'fast' && holderOf(facts) !== null;

function copied(facts: MediaFacts, holder: Holder, cut: Cut, asked: Cut): MediaPlan {
	const early = asked.start - cut.start;
	return {
		outputs: [
			{
				name: `${RESULT}.${holder.extension}`,
				kind: facts.video ? 'video' : 'audio',
				mime: holder.mime,
				...window(cut),
				options: holder.options,
				expectedSeconds: cut.end - cut.start,
			},
		],
		estimatedCpuSeconds: estimate(facts, { seconds: cut.end - cut.start, decode: false }),
		...(early > TOLERANCE_SECONDS ? { reason: `A copy begins at a key frame: at ${cut.start} s, ${early.toFixed(1)} s before the place asked for.` } : {}),
		facts: { start_seconds: cut.start, end_seconds: cut.end, mode: 'fast' },
	};
}

const MEASURED = 'key-frame.txt';

/**
 * The last key frame at or before a place. ffmpeg jumps to it, decodes that one picture, and tells its time as the distance
 * from the place. Without a picture to decode there is nothing to find: sound can be cut anywhere.
 */
async function keyFrameBefore({ facts, run }: MeasureTools, start: number): Promise<number | null> {
	if (!facts.video || start === 0) return start;
	const { texts } = await run({
		outputs: [
			{
				name: MEASURED,
				kind: 'text',
				mime: 'text/plain',
				sourceOptions: ['-noaccurate_seek', '-skip_frame', 'nokey'],
				seekSeconds: start,
				videoFilters: ['metadata=add:key=key_frame:value=1', 'metadata=print:key=key_frame:file={text}'],
				options: ['-frames:v', '1', '-an'],
				expectedSeconds: 0,
			},
		],
		estimatedCpuSeconds: 0.3,
	}).catch((error: unknown) => {
		// The key frame of a video that was cut by copying can lie before its beginning, where no player shows it.
		if (error instanceof PipelineError && error.details?.['reason'] === EMPTY_OUTPUT) return { texts: {} as Record<string, string> };
		throw error;
	});
	const distance = /pts_time:(-?[\d.]+)/.exec(texts[MEASURED] ?? '')?.[1];
	// Formats without an index are sought by any packet: the first key frame may then come too late.
	if (Number(distance) > TOLERANCE_SECONDS) return null;
	// Rounded up: a hair before it, ffmpeg would jump to the key frame before that one.
	return distance === undefined ? null : Math.max(0, Math.ceil((start + Number(distance)) * 1000 - 1e-6) / 1000);
}

function encodedVideo(facts: MediaFacts, video: VideoFacts, { start, end }: Cut, quality: number): Pick<MediaPlan, 'outputs' | 'estimatedCpuSeconds'> {
	const size = evenSize(video);
	return edited(facts, { name: RESULT, size, seconds: end - start, seekSeconds: start, durationSeconds: end - start, videoFilters: scaleTo(size), crf: quality });
}

function encodedSound(facts: MediaFacts, { start, end }: Cut): Pick<MediaPlan, 'outputs' | 'estimatedCpuSeconds'> {
	const audio = soundOf(facts);
	const format = AUDIO_FORMATS[nearestFormat(audio)];
	return {
		outputs: [
			{
				name: `${RESULT}.${format.extension}`,
				kind: 'audio',
				mime: format.mime,
				...window({ start, end }),
				options: format.encode(audio, keptKbps(audio)),
				expectedSeconds: end - start,
			},
		],
		estimatedCpuSeconds: estimate(facts, { seconds: end - start, decode: false, audio: true }),
	};
}

const window = ({ start, end }: Cut): Pick<PlannedOutput, 'seekSeconds' | 'durationSeconds'> => ({
	...(start > 0 ? { seekSeconds: start } : {}),
	durationSeconds: end - start,
});
