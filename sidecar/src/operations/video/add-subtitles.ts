import { z } from 'zod';
import type { Cue } from '../../ai/subtitles/cue.ts';
import { toSrt } from '../../ai/subtitles/srt.ts';
import { toVtt } from '../../ai/subtitles/vtt.ts';
import { PipelineError } from '../../errors.ts';
import { canRemux, DEFAULT_PRESET, ENCODE_COST, estimate, FAST_START, h264 } from '../../media/codecs.ts';
import { evenSize } from '../../media/edited.ts';
import type { AudioFacts, MediaFacts, VideoFacts } from '../../media/facts.ts';
import { scaleTo } from '../../media/geometry.ts';
import type { MediaPlan, SubtitleTrack } from '../../media/plan.ts';
import { trackLanguage, trackTitle } from '../../media/track-languages.ts';
import { readCues, subtitleFields, SUBTITLE_SOURCES, type SubtitlesFound } from '../ai/subtitle-source.ts';
import type { MediaOperation } from '../operation.ts';
import { crf } from './fields.ts';
import { whilePlaying } from './shown-cues.ts';

const FORMATS = ['auto', 'mp4', 'mkv'] as const;
const MOST_TRACKS = 30;

const params = z
	.strictObject({
		...subtitleFields,
		languages: z
			.array(z.string().regex(/^[a-z]{2}$/, 'must be an ISO 639-1 code of two letters, e.g. en'))
			.min(1)
			.max(MOST_TRACKS)
			.optional()
			.describe("Several of the asset's subtitles at once, a track for each, in this order. Instead of `subtitles` and `language`."),
		show: z.boolean().default(true).describe('Whether players show the first track without being asked. Default true.'),
		forced: z.boolean().default(false).describe('Whether the tracks are shown also where subtitles are turned off, as for signs and foreign speech. Default false.'),
		format: z.enum(FORMATS).default('auto').describe('Container: mp4 or mkv. auto: mp4, and mkv for pictures that mp4 cannot hold without encoding. Default auto.'),
		crf,
	})
	.refine(({ languages, subtitles, language }) => !languages || (subtitles === undefined && language === undefined), { path: ['languages'], error: 'cannot be given together with subtitles or language' });
type Params = z.infer<typeof params>;

type Measured = SubtitlesFound[];

export const addSubtitles: MediaOperation<Params, Measured> = {
	kind: 'media',
	name: 'add_subtitles',
	version: 2,
	summary: 'Puts subtitles into a video as tracks that viewers turn on and off. Picture and sound are copied, which takes a moment.',
	accepts: ['video'],
	buildsOn: SUBTITLE_SOURCES,
	standsAlone: ({ subtitles }) => subtitles !== undefined,
	params,
	example: { subtitles: '1\n00:00:00,500 --> 00:00:02,500\nGreen tea in three steps\n', language: 'en' },
	produces:
		'`width`, `height`, `format`, `copied` (`video`, `audio`), `tracks` (each with `language`, `code` of three letters, `title`, `cues`, `from`, `default`, `forced`), `notes`. Files: `subtitled.mp4` or `subtitled.mkv`, and a WebVTT file for each track, e.g. `subtitles.de.vtt`. All sound tracks of the source are kept, its subtitle tracks are replaced.',
	estimateSeconds: (facts, wanted) => (facts.video ? container(facts, facts.video, wanted).estimatedCpuSeconds : 0),
	async measure({ facts, ...from }, { subtitles, language, languages }) {
		const found: Measured = [];
		for (const one of new Set(languages ?? [language])) {
			const own = await readCues(from, { subtitles, language: one });
			found.push(whilePlaying(own, facts.durationSeconds));
		}
		return found;
	},
	plan(facts, wanted, known) {
		const { video } = facts;
		if (!video) throw new PipelineError('input_no_video', 'There is no picture to show subtitles with; this file has only sound.');
		const found = known?.measured ?? [];
		const tracks = found.filter(({ cues }) => cues.length > 0);
		const made = container(facts, video, wanted);
		const flags = (index: number): Pick<SubtitleTrack, 'default' | 'forced'> => ({ default: wanted.show && index === 0, forced: wanted.forced });
		return {
			...made,
			outputs: made.outputs.map((output) => ({
				...output,
				...(tracks.length > 0 ? { subtitleTracks: tracks.map(({ cues, language }, index) => ({ srt: toSrt(cues.map(literal)), language: trackLanguage(language), title: trackTitle(language), ...flags(index) })) } : {}),
			})),
			...(tracks.length === 0 ? { reason: 'There are no subtitles while this video plays, so no track was added.' } : {}),
			texts: tracks.map(({ cues, language }, index) => ({ name: `subtitles.${language || `track-${index + 1}`}.vtt`, mime: 'text/vtt', content: toVtt(cues) })),
			facts: {
				...made.facts,
				tracks: tracks.map(({ cues, language, origin }, index) => ({ language, code: trackLanguage(language), title: trackTitle(language), cues: cues.length, from: origin, ...flags(index) })),
				notes: found.flatMap(({ notes, cues, language }) => [...notes, ...(cues.length === 0 && tracks.length > 0 ? [`There are no subtitles in ${language} while this video plays: no track for them.`] : [])]),
			},
		};
	},
};

/** A joiner that nobody sees (U+2060) keeps ffmpeg and players from taking text for commands: `<b>`, `{\an8}`, `\N`, `-->`. */
const literal = (cue: Cue): Cue => ({ ...cue, lines: cue.lines.map((line) => line.replace(/[<{\\]|--(?=>)/g, '$&\u2060')) });

/** What MP4 can hold, and what phones and browsers then play (ISO/IEC 14496-12 and its registrations). */
const MP4_VIDEO: ReadonlySet<string> = new Set(['h264', 'hevc', 'av1', 'vp9', 'mpeg4']);
const MP4_AUDIO: ReadonlySet<string> = new Set(['aac', 'mp3', 'ac3', 'eac3', 'opus', 'flac', 'alac']);
const AUDIO_KBPS = 160;

function container(facts: MediaFacts, video: VideoFacts, { format, crf: quality }: Params): MediaPlan {
	const { audio } = facts;
	const fitsMp4 = canRemux(facts) && MP4_VIDEO.has(video.codec);
	const chosen = format === 'auto' ? (fitsMp4 || !canRemux(facts) || video.rotation !== 0 ? 'mp4' : 'mkv') : format;
	const mp4 = chosen === 'mp4';
	// Matroska holds everything, but not that the picture is to be turned.
	const copyVideo = mp4 ? fitsMp4 : canRemux(facts) && video.rotation === 0;
	const sound = audio && soundTracks(audio).map((track) => ({ ...track, copy: canRemux(facts) && (!mp4 || MP4_AUDIO.has(track.codec)) }));
	const copyAudio = sound !== null && sound.every(({ copy }) => copy);
	const size = evenSize(video);
	return {
		outputs: [
			{
				name: `subtitled.${chosen}`,
				kind: 'video',
				mime: mp4 ? 'video/mp4' : 'video/matroska',
				videoFilters: copyVideo ? [] : scaleTo(size),
				...(sound ? { audioTracks: sound.map(({ number }) => number) } : {}),
				options: [
					...(copyVideo ? ['-c:v', 'copy'] : h264(quality)),
					// Apple plays H.265 only under this tag.
					...(copyVideo && mp4 && video.codec === 'hevc' ? ['-tag:v', 'hvc1'] : []),
					...(sound ?? []).flatMap(({ copy, sampleRate }, index) => soundOptions(index, copy, sampleRate)),
					// ffmpeg 5 calls FLAC in MP4 experimental; browsers and phones have played it for years.
					...(mp4 && sound?.some(({ codec, copy }) => copy && codec === 'flac') ? ['-strict', 'experimental'] : []),
					...['-c:s', mp4 ? 'mov_text' : 'subrip'],
					...(mp4 ? FAST_START : []),
				],
				expectedSeconds: facts.durationSeconds,
			},
		],
		estimatedCpuSeconds: estimate(facts, {
			seconds: facts.durationSeconds,
			decode: !copyVideo,
			...(copyVideo ? {} : { encode: { size, frameRate: video.frameRate, cost: ENCODE_COST.x264[DEFAULT_PRESET] } }),
			audio: audio !== null && !copyAudio,
		}),
		facts: { ...(copyVideo ? { width: video.width, height: video.height } : size), format: chosen, copied: { video: copyVideo, audio: copyAudio } },
	};
}

/** All of the source, as far as ffmpeg knows their codecs. The rate is known of the one that the facts are about. */
function soundTracks(audio: AudioFacts): Array<{ number: number; codec: string; sampleRate: number }> {
	const known = audio.tracks.flatMap(({ codec, channels }, number) => (codec === 'unknown' || channels === 0 ? [] : [{ number, codec, sampleRate: number === audio.track ? audio.sampleRate : 0 }]));
	return known.length > 0 ? known : [{ number: audio.track, codec: audio.codec, sampleRate: audio.sampleRate }];
}

/** AAC itself knows no more than 96 kHz, and nobody hears more than 48. */
const soundOptions = (index: number, copy: boolean, sampleRate: number): string[] =>
	copy ? [`-c:a:${index}`, 'copy'] : [`-c:a:${index}`, 'aac', `-b:a:${index}`, `${AUDIO_KBPS}k`, ...(sampleRate > 48_000 ? [`-ar:a:${index}`, '48000'] : [])];
