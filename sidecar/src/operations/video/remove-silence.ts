import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import { AUDIO_FORMATS, keptKbps, nearestFormat } from '../../media/audio-formats.ts';
import { estimate } from '../../media/codecs.ts';
import { edited, evenSize } from '../../media/edited.ts';
import type { MediaFacts, VideoFacts } from '../../media/facts.ts';
import { scaleTo } from '../../media/geometry.ts';
import type { MediaPlan } from '../../media/plan.ts';
import { lengthOf, partsToKeep, readSilences, type Span } from '../../media/silence.ts';
import { soundOf, withSound } from '../../media/sound.ts';
import type { MediaOperation } from '../operation.ts';
import { crf } from './fields.ts';

const params = z.strictObject({
	threshold_db: z
		.number()
		.min(-90)
		.max(-5)
		.default(-35)
		.describe('What is quieter than this counts as silence, dBFS. Default -35: pauses of speech in a quiet room. In a noisy one try -25.'),
	min_silence_seconds: z.number().min(0.1).max(60).default(0.6).describe('Shorter pauses stay. Default 0.6: longer than the pause behind a sentence.'),
	padding_seconds: z.number().min(0).max(5).default(0.12).describe('How much of each silence stays on both sides, so that no word is cut off. Default 0.12.'),
	crf,
});
type Params = z.infer<typeof params>;

const TEXT = 'silences.txt';
/** So long that no click is heard where parts meet, and so short that no consonant is swallowed. */
const FADE_SECONDS = 0.01;
/** Each part is a branch of ffmpeg's graph, described in about 150 characters; Linux takes 128 kB as one argument. */
const MOST_PARTS = 300;

export const removeSilence: MediaOperation<Params, Span[]> = {
	kind: 'media',
	name: 'remove_silence',
	version: 1,
	summary: 'Cuts the pauses out of a video or a sound, in sync, without clicks.',
	accepts: ['video', 'audio'],
	params,
	example: { threshold_db: -35, min_silence_seconds: 0.6 },
	produces:
		'`removed_seconds`, `duration_seconds`, `parts` (each with `start_seconds`, `end_seconds` in the source), sometimes `reason`. Files: `without-silence.mp4`; of sound, a file of its own format.',
	measure: async ({ facts, run }, wanted) => {
		soundOf(facts);
		const { texts } = await run(listen(facts, wanted));
		return readSilences(texts[TEXT] ?? '', facts.durationSeconds);
	},
	estimateSeconds: (facts, wanted) => listen(facts, wanted).estimatedCpuSeconds + removeSilence.plan(facts, wanted, { inputs: [], measured: [] }).estimatedCpuSeconds,
	plan(facts, wanted, known) {
		const { video, durationSeconds } = facts;
		const rate = video ? video.frameRate || 25 : 0;
		const kept = partsToKeep(known?.measured ?? [], durationSeconds, { padding: wanted.padding_seconds, frameRate: rate, most: MOST_PARTS });
		const seconds = lengthOf(kept);
		if (seconds <= 0) {
			throw new PipelineError('invalid_request', `All of it is quieter than ${wanted.threshold_db} dBFS: nothing would be left. Give a lower threshold_db.`, {
				details: { field: 'params.threshold_db', given: wanted.threshold_db },
			});
		}
		const described = {
			removed_seconds: round(durationSeconds - seconds),
			duration_seconds: round(seconds),
			parts: kept.map(({ start, end }) => ({ start_seconds: round(start), end_seconds: round(end) })),
		};
		if (kept.length === 1 && seconds >= durationSeconds) {
			return { ...withSound(facts, { name: 'without-silence' }), reason: 'There is no silence of that length: nothing was cut.', facts: described };
		}
		return { ...(video ? cutVideo(facts, video, rate, kept, wanted.crf) : cutSound(facts, kept)), facts: described };
	},
};

function listen(facts: MediaFacts, { threshold_db: threshold, min_silence_seconds: least }: Params): MediaPlan {
	return {
		outputs: [
			{
				name: TEXT,
				kind: 'text',
				mime: 'text/plain',
				audioFilters: [`silencedetect=noise=${threshold}dB:duration=${least}:mono=0`, 'ametadata=print:file={text}'],
				options: ['-vn'],
				expectedSeconds: facts.durationSeconds,
			},
		],
		estimatedCpuSeconds: estimate(facts, { seconds: facts.durationSeconds, decode: false, audio: true }),
	};
}

/** Pictures are chosen by their number, half a picture away from rounding errors. */
function cutVideo(facts: MediaFacts, video: VideoFacts, rate: number, kept: Span[], quality: number): Pick<MediaPlan, 'outputs' | 'estimatedCpuSeconds'> {
	const size = evenSize(video);
	const half = 0.5 / rate;
	const chosen = kept.map(({ start, end }) => `between(t,${time(start - half)},${time(end - half)})`).join('+');
	const picture = `[v]fps=${rate},${scaleTo(size).join(',')},select='${chosen}',setpts=N/${rate}/TB[picture]`;
	return edited(facts, {
		name: 'without-silence',
		size,
		seconds: lengthOf(kept),
		readSeconds: facts.durationSeconds,
		newSound: true,
		graph: { filters: `${picture};${cutAudio(kept)}`, map: ['[picture]', '[sound]'] },
		crf: quality,
	});
}

function cutSound(facts: MediaFacts, kept: Span[]): Pick<MediaPlan, 'outputs' | 'estimatedCpuSeconds'> {
	const audio = soundOf(facts);
	const format = AUDIO_FORMATS[nearestFormat(audio)];
	return {
		outputs: [
			{
				name: `without-silence.${format.extension}`,
				kind: 'audio',
				mime: format.mime,
				graph: { filters: cutAudio(kept), map: ['[sound]'] },
				options: format.encode(audio, keptKbps(audio)),
				expectedSeconds: lengthOf(kept),
			},
		],
		estimatedCpuSeconds: estimate(facts, { seconds: facts.durationSeconds, decode: false, audio: true }),
	};
}

/** To the sample. The first sound may begin before or behind the first picture: resampling fills what is missing with silence. */
function cutAudio(kept: Span[]): string {
	const branches = kept.map((_, index) => `[branch${index}]`).join('');
	const cut = kept.map(({ start, end }, index) => {
		const length = end - start;
		const fade = Math.min(FADE_SECONDS, length / 2);
		const fades = [
			...(start > 0 ? [`afade=t=in:d=${time(fade)}`] : []),
			...(index < kept.length - 1 ? [`afade=t=out:st=${time(length - fade)}:d=${time(fade)}`] : []),
		];
		return `[branch${index}]${[`atrim=start=${time(start)}:end=${time(end)}`, 'asetpts=PTS-STARTPTS', `apad=whole_dur=${time(length)}`, ...fades].join(',')}[part${index}]`;
	});
	const parts = kept.map((_, index) => `[part${index}]`).join('');
	return [`[a]aresample=async=1:first_pts=0,asplit=${kept.length}${branches}`, ...cut, `${parts}concat=n=${kept.length}:v=0:a=1[sound]`].join(';');
}

const time = (seconds: number): string => seconds.toFixed(6);
const round = (seconds: number): number => Math.round(seconds * 1000) / 1000;
