import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import { banner, drawable, type Banner } from '../../media/banner.ts';
import { matrixOf } from '../../media/colours.ts';
import { DEFAULT_FRAME_RATE, edited, evenSize } from '../../media/edited.ts';
import type { MediaFacts, VideoFacts } from '../../media/facts.ts';
import { FONT_NAMES, fontFile } from '../../media/fonts.ts';
import { FIT_HELP, FITS } from '../../media/framing.ts';
import { scaleTo, type Size } from '../../media/geometry.ts';
import { rateFraction } from '../../media/ladder.ts';
import type { FilterGraph, MediaPlan } from '../../media/plan.ts';
import { MOST_PICTURES_PER_SECOND, partOf, sequence, type SequencePart } from '../../media/sequence.ts';
import { mediaInput, type MediaInput } from '../media-input.ts';
import type { Known, MediaOperation } from '../operation.ts';
import { crf } from './fields.ts';
import { logoFields, logoOn } from './logo.ts';

const colour = (what: string, preset: string) => z.string().regex(/^#[0-9a-f]{6}$/i, 'Use #rrggbb, e.g. "#1a73e8".').default(preset).describe(`${what} as #rrggbb. Default ${preset}.`);
/** One line of text with something in it that can be drawn. */
const line = (most: number) => z.string().max(most).refine((text) => drawable(text) !== '', 'has nothing in it that can be drawn');

const params = z
	.strictObject({
		logo: z.strictObject({ file: mediaInput, ...logoFields }).optional().describe('A logo over the whole video, but not over intro and outro: `file`, `position`, `scale`, `opacity`, `margin`.'),
		lower_third: z
			.strictObject({
				title: line(80).describe('First line, at most 80 letters. Emoji are left out.'),
				subtitle: z.string().max(120).optional().describe('Second line, smaller, at most 120 letters.'),
				from: z.number().min(0).max(1e6).default(1).describe('When it appears, in seconds of the video. Default 1.'),
				seconds: z.number().min(0.5).max(3600).default(5).describe('How long it stays, in seconds. Default 5.'),
				colour: colour('Colour of the panel', '#1a1a1a'),
				text_colour: colour('Colour of the text', '#ffffff'),
				font: z.enum(FONT_NAMES).default('DejaVu Sans').describe('Font, where it is installed. Default DejaVu Sans.'),
			})
			.optional()
			.describe('A panel with one or two lines: `title`, `subtitle`, `from`, `seconds`, `colour`, `text_colour`, `font`.'),
		intro: mediaInput.optional().describe('A video or picture before the video.'),
		outro: mediaInput.optional().describe('A video or picture after the video.'),
		fit: z.enum(FITS).default('cover').describe(`What becomes of an intro or outro of another shape. ${FIT_HELP} Default cover.`),
		still_seconds: z.number().min(0.1).max(60).default(3).describe('How long an intro or outro that is a picture is shown, in seconds. Default 3.'),
		fade_seconds: z.number().min(0).max(10).default(0).describe('Seconds in which intro, video and outro turn into each other; 0 is a hard cut. Default 0.'),
		crf,
	})
	.refine((kit) => kit.logo ?? kit.lower_third ?? kit.intro ?? kit.outro, 'Give at least one of logo, lower_third, intro and outro.');
type Params = z.infer<typeof params>;

interface Measured {
	/** Files of the bold and the regular font; null: no text. */
	fonts: { title: string; subtitle: string } | null;
}

export const brand: MediaOperation<Params, Measured> = {
	kind: 'media',
	name: 'brand',
	version: 1,
	summary: 'Applies a brand kit in one go: logo, lower third, intro and outro.',
	accepts: ['video'],
	params,
	example: {
		logo: { file: { file_url: 'https://example.com/logo.png' }, position: 'top_right' },
		lower_third: { title: 'Ada Lovelace', subtitle: 'Mathematician', from: 1, seconds: 5, colour: '#1a73e8' },
	},
	produces: '`width`, `height`, `duration_seconds`, `video_starts_at_seconds` (after the intro), `logo` and `lower_third` (`x`, `y`, `width`, `height` in pixels). Files: `branded.mp4`.',
	inputs: ({ logo, intro, outro }) => [logo?.file, intro, outro].filter((one): one is MediaInput => one !== undefined),
	measures: ({ lower_third: text }) => text !== undefined,
	measure: async (_tools, { lower_third: text }) => ({
		fonts: text
			? {
					title: await fontFile(text.font, { bold: true, field: 'params.lower_third.font' }),
					subtitle: await fontFile(text.font, { bold: false, field: 'params.lower_third.font' }),
				}
			: null,
	}),
	estimateSeconds: (facts, { crf: quality }) => encoded(facts, { graph: { filters: '[v]null[out]', map: ['[out]'] }, seconds: facts.durationSeconds }, quality).estimatedCpuSeconds * 1.2,
	plan: planBrand,
};

function planBrand(facts: MediaFacts, wanted: Params, known?: Known<Measured>): MediaPlan {
	const { video } = facts;
	if (!video) throw new PipelineError('input_no_video', 'There is no picture to brand; this file has only sound.');
	const size = evenSize(video);
	const frameRate = Math.min(MOST_PICTURES_PER_SECOND, video.frameRate || DEFAULT_FRAME_RATE);
	const files = (known?.inputs ?? []).map((input) => input.facts);
	const place = (what: 'logo' | 'intro' | 'outro'): number => 1 + (what === 'logo' ? 0 : Number(Boolean(wanted.logo)) + (what === 'outro' ? Number(Boolean(wanted.intro)) : 0));
	const chains = [`[v]${scaleTo(size).join(',')},format=yuv420p[base]`];
	let last = 'base';
	const inputOptions = files.map((): string[] => []);

	const logo = wanted.logo && logoOn(video, size, files[0], wanted.logo, 'params.logo.file');
	if (logo) {
		inputOptions[0] = logo.inputOptions;
		chains.push(logo.chain({ logo: 'v1', base: last, out: 'marked' }));
		last = 'marked';
	}
	const third = wanted.lower_third && known?.measured.fonts && lowerThird(facts, video, size, frameRate, wanted.lower_third, known.measured.fonts);
	if (third) {
		chains.push(third.filters.replace(/\[out\]$/, '[panel]'));
		chains.push(`[${last}][panel]overlay=x=${third.area.x}:y=${third.area.y}:format=yuv420:eof_action=pass[titled]`);
		last = 'titled';
	}

	const clip = (what: 'intro' | 'outro'): SequencePart[] => {
		const one = wanted[what] && files[place(what) - 1];
		if (!one) return [];
		if (!one.video) throw new PipelineError('input_no_video', `The ${what} has only sound; it needs a picture.`, { details: { field: `params.${what}` } });
		return [partOf(one, one.video, place(what), wanted.still_seconds)];
	};
	const main: SequencePart = { ...partOf(facts, video, 0, 0), picture: last, size, prepare: [] };
	const parts = [...clip('intro'), main, ...clip('outro')];
	const attachments = third ? { attachments: third.attachments } : {};
	const report = { ...(logo ? { logo: logo.area } : {}), ...(third ? { lower_third: third.area } : {}) };
	if (parts.length === 1) {
		const graph = { filters: chains.join(';'), map: [`[${last}]`, 'a?'] };
		return { ...encoded(facts, { graph, seconds: facts.durationSeconds, ...attachments }, wanted.crf), inputOptions, facts: { ...size, duration_seconds: facts.durationSeconds, video_starts_at_seconds: 0, ...report } };
	}
	const joined = sequence(parts, { size, frameRate, fit: wanted.fit, fadeSeconds: wanted.fade_seconds });
	const graph = { filters: `${chains.join(';')};${joined.graph.filters}`, map: joined.graph.map };
	return {
		...encoded(facts, { graph, seconds: joined.seconds, audio: joined.audio, newSound: true, ...attachments }, wanted.crf),
		inputOptions,
		facts: { ...size, duration_seconds: Math.round(joined.seconds * 1000) / 1000, video_starts_at_seconds: joined.starts[parts.indexOf(main)], ...report },
	};
}

function lowerThird(facts: MediaFacts, video: VideoFacts, size: Size, frameRate: number, text: NonNullable<Params['lower_third']>, fonts: { title: string; subtitle: string }): Banner {
	if (text.from >= facts.durationSeconds)
		throw new PipelineError('invalid_request', `params.lower_third.from is ${text.from}, but the video ends at ${facts.durationSeconds} s.`, {
			details: { field: 'params.lower_third.from', given: text.from, allowed: `less than ${facts.durationSeconds}` },
		});
	return banner(
		size,
		{
			title: drawable(text.title),
			subtitle: drawable(text.subtitle ?? '') || undefined,
			colour: text.colour,
			textColour: text.text_colour,
			from: text.from,
			seconds: Math.min(text.seconds, facts.durationSeconds - text.from),
			fonts,
		},
		{ matrix: matrixOf(video).scale, rate: rateFraction(frameRate) },
	);
}

const encoded = (facts: MediaFacts, edit: { graph: FilterGraph; seconds: number; audio?: boolean; newSound?: boolean; attachments?: Record<string, string> }, quality: number) =>
	edited(facts, { name: 'branded', size: evenSize(facts.video ?? { width: 2, height: 2 }), newSound: false, crf: quality, cost: 0.004, ...edit });
