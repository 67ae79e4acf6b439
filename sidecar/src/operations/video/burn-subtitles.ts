import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import { capitals, drawAss, type StyledSubtitles, type SubtitleLook } from '../../media/ass.ts';
import { SAFE_AREA_NAMES, SUBTITLE_POSITIONS, SUBTITLE_SIZE_NAMES, SUBTITLE_STYLES } from '../../media/ass-style.ts';
import { drawnText } from '../../media/ass-words.ts';
import { matrixOf } from '../../media/colours.ts';
import { edited, evenSize } from '../../media/edited.ts';
import type { MediaFacts, VideoFacts } from '../../media/facts.ts';
import { chooseFonts } from '../../media/font-choice.ts';
import { FONT_NAMES, installedFonts } from '../../media/fonts.ts';
import { scaleTo } from '../../media/geometry.ts';
import { isReadyVideo, mp4Plan } from '../../media/mp4.ts';
import type { MediaPlan } from '../../media/plan.ts';
import { inSteps } from '../../media/steps.ts';
import { readCues, subtitleFields, SUBTITLE_SOURCES, type SubtitlesFound } from '../ai/subtitle-source.ts';
import type { MediaOperation } from '../operation.ts';
import { crf } from './fields.ts';
import { whilePlaying } from './shown-cues.ts';

const colour = (what: string, preset: string) => z.string().regex(/^#[0-9a-f]{6}$/i, 'Use #rrggbb, e.g. "#1a73e8".').default(preset).describe(`${what} as #rrggbb. Default ${preset}.`);

const params = z.strictObject({
	...subtitleFields,
	style: z
		.enum(SUBTITLE_STYLES)
		.default('plain')
		.describe('plain: white with an outline. boxed: on a box. karaoke: each word lights up as it is said. word: one to three large words at a time, in the middle. Default plain.'),
	platform: z
		.enum(SAFE_AREA_NAMES)
		.default('none')
		.describe('Whose buttons and texts the subtitles keep clear of, on upright videos. Default none.'),
	position: z.enum(SUBTITLE_POSITIONS).optional().describe('Where they stand. Default bottom; with the style word, middle.'),
	size: z.enum(SUBTITLE_SIZE_NAMES).default('medium').describe('How large they are; medium suits the style and the shape of the video. Default medium.'),
	font: z
		.string()
		.regex(/^[\p{L}\p{N}][\p{L}\p{N} ._+-]{0,63}$/u, 'must be the name of a font, e.g. Open Sans')
		.optional()
		.describe(`Name of a font that is installed where the sidecar runs: ${FONT_NAMES.join(', ')}, or any other. Letters that it lacks come from others. Default: Noto Sans, else one like it.`),
	bold: z.boolean().default(true).describe('Whether letters are bold. Default true.'),
	upper_case: z.boolean().optional().describe('Whether all letters are capitals. Default: with the style word.'),
	max_words: z.int().min(1).max(20).optional().describe('Most words that stand at once. Default: as many as fit; with the style word, 3.'),
	text_colour: colour('Colour of the text', '#ffffff'),
	highlight_colour: colour('Colour of the word that is being said, with the styles karaoke and word,', '#ffd60a'),
	outline_colour: colour('Colour of the outline', '#000000'),
	box_colour: colour('Colour of the box, with the style boxed,', '#000000'),
	box_opacity: z.number().min(0).max(1).default(0.75).describe('0 (no box) to 1 (nothing is seen through it). Default 0.75.'),
	crf,
});
type Params = z.infer<typeof params>;

interface Measured extends SubtitlesFound {
	/** Null: there is nothing to draw. */
	drawn: (StyledSubtitles & { font: string; leftOut: string[] }) | null;
}

export const burnSubtitles: MediaOperation<Params, Measured> = {
	kind: 'media',
	name: 'burn_subtitles',
	version: 2,
	summary: 'Draws subtitles into the picture, in a style of your choice: they are seen in every player and feed.',
	accepts: ['video'],
	buildsOn: SUBTITLE_SOURCES,
	standsAlone: ({ subtitles }) => subtitles !== undefined,
	params,
	example: { subtitles: '1\n00:00:00,500 --> 00:00:02,500\nGreen tea in three steps\n', language: 'en', style: 'karaoke', highlight_colour: '#ffd60a' },
	produces:
		'`width`, `height`, `style`, `language`, `subtitles_from` (`request`, `transcribe` or `translate`), `cues`, `pages` (how often the text changes), `font`, `notes` (what was put right or left out). Files: `subtitled.mp4`.',
	estimateSeconds: (facts, { crf: quality }) => burnt(facts, quality, []).estimatedCpuSeconds,
	dependsOnMachine: installedFonts,
	async measure({ facts, signal, ...from }, params) {
		const { subtitles, language, font, bold, upper_case: upperCase, style } = params;
		const found = whilePlaying(await readCues(from, { subtitles, language }), facts.durationSeconds);
		if (found.cues.length === 0 || !facts.video) return { ...found, drawn: null };
		const text = drawnText(found.cues.flatMap(({ lines }) => lines).join('\n'));
		const raised = (upperCase ?? style === 'word') ? capitals(text, found.language) : '';
		const fields = { font: 'params.font', text: 'params.subtitles' };
		const fonts = await chooseFonts(`${text}${raised}`, { font, bold, language: found.language, fields });
		const target = { size: evenSize(facts.video), matrix: matrixOf(facts.video).scale };
		const drawn = await inSteps(drawAss(found.cues, found.language, lookOf(params), fonts, target), signal);
		return { ...found, drawn: { ...drawn, font: fonts.main.family, leftOut: fonts.leftOut } };
	},
	plan(facts, wanted, known) {
		const { video } = facts;
		if (!video) throw new PipelineError('input_no_video', 'There is no picture to draw subtitles on; this file has only sound.');
		const { cues = [], language = '', origin = 'request', notes = [], drawn = null } = known?.measured ?? {};
		const said = { ...evenSize(video), style: wanted.style, language, subtitles_from: origin, cues: cues.length };
		if (!drawn) return { ...untouched(facts, video, wanted.crf), facts: { ...said, pages: 0, font: null, notes } };
		// ffmpeg up to 6 draws by BT.601 always, later ones by what pictures say of themselves: meanwhile they say BT.601.
		// HDR that this ffmpeg cannot turn into ordinary colours keeps what it says; only coloured text differs there.
		const asBt601 = (filter: string): string[] => (video.hdr ? [filter] : ['setparams=colorspace=smpte170m', filter, `setparams=colorspace=${matrixOf(video).tag ?? 'unknown'}`]);
		return {
			...burnt(facts, wanted.crf, asBt601('ass=filename={file:subtitles.ass}'), { 'subtitles.ass': drawn.ass }),
			facts: { ...said, pages: drawn.pages, font: drawn.font, notes: [...notes, ...leftOut(drawn.leftOut)] },
		};
	},
};

function lookOf({ style, platform, position, size, bold, upper_case: upperCase, max_words: maxWords, box_opacity: boxOpacity, ...colours }: Params): SubtitleLook {
	const large = style === 'word';
	return {
		...{ style, platform, size, bold, boxOpacity },
		position: position ?? (large ? 'middle' : 'bottom'),
		upperCase: upperCase ?? large,
		maxWords: maxWords ?? (large ? 3 : Infinity),
		colours: { text: colours.text_colour, highlight: colours.highlight_colour, outline: colours.outline_colour, box: colours.box_colour },
	};
}

/** Long lists help nobody. */
const MOST_LISTED = 20;
const leftOut = (symbols: string[]): string[] =>
	symbols.length > 0 ? [`No font on the machine of the sidecar can draw ${symbols.slice(0, MOST_LISTED).join(' ')}: left out. The package fonts-symbola has many of them, in black and white.`] : [];

/** CPU seconds per million pixels that drawing takes, measured with karaoke on 1080p. */
const DRAW_COST = 0.002;

/** At its final size, so that letters are sharp, and in the pixels that the encoder takes. */
function burnt(facts: MediaFacts, quality: number, draw: string[], attachments: Record<string, string> = {}) {
	const size = evenSize(facts.video ?? { width: 2, height: 2 });
	// The filter `ass` draws in 16 to 235 also where pictures have 0 to 255: white would be grey.
	const ranged = facts.video?.colorRange === 'pc' ? ['scale=out_range=tv'] : [];
	return edited(facts, { name: 'subtitled', size, seconds: facts.durationSeconds, videoFilters: [...scaleTo(size), 'format=yuv420p', ...ranged, ...draw], attachments, newSound: false, crf: quality, cost: DRAW_COST });
}

const AUDIO_KBPS = 160;

/** Nothing is to be drawn: what plays everywhere as it is, is copied. */
function untouched(facts: MediaFacts, video: VideoFacts, quality: number): MediaPlan {
	const why = 'There are no subtitles while this video plays, so nothing was drawn';
	if (!isReadyVideo(facts, video)) return { ...burnt(facts, quality, []), reason: `${why}.` };
	const copyAudio = facts.audio?.codec === 'aac';
	return mp4Plan(facts, video, { name: 'subtitled.mp4', size: evenSize(video), crf: quality, audioKbps: AUDIO_KBPS, copyVideo: true, copyAudio }, why);
}
