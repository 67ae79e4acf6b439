import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import { estimate } from '../../media/codecs.ts';
import type { AudioFacts, MediaFacts } from '../../media/facts.ts';
import { soundOf } from '../../media/sound.ts';
import { measurePeaks, readPeaks } from '../../media/waveform.ts';
import type { MediaOperation } from '../operation.ts';

const COLOR = /^#[0-9a-fA-F]{6}$/;
/** About 20 MB of text from ffmpeg, and 1.5 MB of JSON: 83 minutes at the default. */
const MAX_POINTS = 100_000;
const DEFAULT_POINTS_PER_SECOND = 20;

const params = z
	.strictObject({
		points_per_second: z
			.number()
			.min(0.1)
			.max(1000)
			.optional()
			.describe(`Pairs of peaks per second of sound. Default ${DEFAULT_POINTS_PER_SECOND}, fewer where that would make more than ${MAX_POINTS}.`),
		samples_per_pixel: z.int().min(16).max(10_000_000).optional().describe('Instead of points_per_second: samples that one pair of peaks stands for.'),
		bits: z.union([z.literal(8), z.literal(16)]).default(8).describe('Of each peak: 8 (-128 to 127) or 16 (-32768 to 32767). Default 8.'),
		width: z.int().min(16).max(8192).default(1800).describe('Of the picture, pixels. Default 1800.'),
		height: z.int().min(16).max(4096).default(280).describe('Of the picture, pixels. Default 280.'),
		color: z.string().regex(COLOR, 'must be a colour such as #1e88e5').default('#1e88e5').describe('Of the wave, as #rrggbb. Default #1e88e5.'),
		background: z
			.string()
			.regex(/^(transparent|#[0-9a-fA-F]{6})$/, 'must be transparent, or a colour such as #ffffff')
			.default('transparent')
			.describe('transparent, or a colour as #rrggbb. Default transparent.'),
		split_channels: z.boolean().default(false).describe('One wave per channel instead of one of their mean. Default false.'),
	})
	.refine((value) => value.points_per_second === undefined || value.samples_per_pixel === undefined, {
		error: 'Give points_per_second or samples_per_pixel, not both.',
		path: ['samples_per_pixel'],
	});
type Params = z.infer<typeof params>;

const TEXT = 'waveform.txt';

export const waveform: MediaOperation<Params> = {
	kind: 'media',
	name: 'waveform',
	version: 2,
	summary: 'Draws the sound: peaks as JSON for players (audiowaveform, version 2), and a picture, both in one pass.',
	accepts: ['video', 'audio'],
	params,
	example: { points_per_second: 20, width: 1800, height: 280, color: '#1e88e5' },
	produces:
		'`sample_rate`, `samples_per_pixel`, `channels`, `points`, `width`, `height`. ' +
		'Files: `waveform.png`; `waveform.json` with `version`, `channels`, `sample_rate`, `samples_per_pixel`, `bits`, `length` and `data` (smallest and largest value of each point).',
	plan(facts, wanted) {
		const audio = soundOf(facts);
		const resolution = resolutionOf(facts, audio, wanted);
		const { rate, channels } = resolution;
		const mix = wanted.split_channels || audio.channels === 1 ? [] : [meanOf(audio.channels)];
		const sound = [...mix, `aresample=${rate}`];
		const { width, height } = wanted;
		const { perColumn, drawnRate } = columnsOf(lengthOf(facts, audio), rate, width);
		const wave = [
			...mix,
			`aresample=${drawnRate}`,
			// A picture that is not filled would never come out.
			`apad=whole_len=${perColumn * width}`,
			// showwavespic keeps all of the sound in memory; this one draws as it goes.
			`showwaves=s=${width}x${height}:n=${perColumn}:mode=cline:draw=full:split_channels=${wanted.split_channels ? 1 : 0}:colors=${Array.from({ length: channels }, () => wanted.color).join('|')}`,
		].join(',');
		const graph =
			wanted.background === 'transparent'
				? `[a]${wave},format=rgba[out]`
				: `color=c=${wanted.background}:s=${width}x${height}:r=25,format=rgba[below];[a]${wave}[wave];[below][wave]overlay=format=auto:shortest=1,format=rgb24[out]`;
		return {
			outputs: [
				{ name: 'waveform.png', kind: 'image', mime: 'image/png', graph: { filters: graph, map: ['[out]'] }, options: ['-c:v', 'png'], expectedSeconds: 0 },
				{
					name: TEXT,
					kind: 'text',
					mime: 'text/plain',
					audioFilters: [...sound, ...measurePeaks(resolution.samplesPerPixel)],
					options: ['-vn'],
					expectedSeconds: facts.durationSeconds,
				},
			],
			estimatedCpuSeconds: estimate(facts, { seconds: facts.durationSeconds, decode: false, audio: true }),
			facts: { width, height, sample_rate: rate, samples_per_pixel: resolution.samplesPerPixel, channels },
			...(resolution.reason ? { reason: resolution.reason } : {}),
		};
	},
	conclude({ texts }, facts, wanted) {
		const { rate, channels, samplesPerPixel } = resolutionOf(facts, soundOf(facts), wanted);
		const peaks = readPeaks(texts[TEXT] ?? '', { channels, sample_rate: rate, samples_per_pixel: samplesPerPixel, bits: wanted.bits });
		return { output: { points: peaks.length }, texts: [{ name: 'waveform.json', mime: 'application/json', content: JSON.stringify(peaks) }] };
	},
};

/** Rate above which `aresample` takes long for nothing that could be seen. */
const MAX_DRAWN_HZ = 768_000;

/**
 * Samples in one column of the picture, in whole numbers, as the filter wants them. Rounded up, so that the end of the sound
 * is in the picture; of short sounds, where that would leave much of it empty, the rate is raised until all columns are full.
 */
function columnsOf(seconds: number, rate: number, width: number): { perColumn: number; drawnRate: number } {
	const perColumn = Math.max(1, Math.ceil((seconds * rate) / width));
	const filling = seconds > 0 ? Math.floor((perColumn * width) / seconds) : rate;
	return { perColumn, drawnRate: Math.max(rate, Math.min(MAX_DRAWN_HZ, filling)) };
}

const lengthOf = (facts: MediaFacts, audio: AudioFacts): number => audio.durationSeconds || facts.durationSeconds;

/** `<` divides by the sum of the parts: a mean. */
const meanOf = (channels: number): string => `pan=mono|c0<${Array.from({ length: channels }, (_, channel) => `c${channel}`).join('+')}`;

function resolutionOf(facts: MediaFacts, audio: AudioFacts, wanted: Params): { rate: number; channels: number; samplesPerPixel: number; reason?: string } {
	const rate = audio.sampleRate || 48_000;
	const channels = wanted.split_channels ? audio.channels : 1;
	const least = Math.ceil((lengthOf(facts, audio) * rate * channels) / MAX_POINTS);
	const given = wanted.samples_per_pixel ?? (wanted.points_per_second && Math.max(1, Math.round(rate / wanted.points_per_second)));
	if (given !== undefined && given < least) {
		const allowed = wanted.samples_per_pixel ? `at least ${least}` : `at most ${Math.floor((100 * rate) / least) / 100}`;
		const field = wanted.samples_per_pixel ? 'samples_per_pixel' : 'points_per_second';
		throw new PipelineError('invalid_request', `That would be more than ${MAX_POINTS} peaks: ${field} can be ${allowed} for sound of this length.`, {
			details: { field: `params.${field}`, given: wanted[field], allowed },
		});
	}
	const usual = Math.round(rate / DEFAULT_POINTS_PER_SECOND);
	if (given !== undefined || usual >= least) return { rate, channels, samplesPerPixel: given ?? usual };
	return { rate, channels, samplesPerPixel: least, reason: `The sound is long: there are fewer than ${DEFAULT_POINTS_PER_SECOND} peaks per second.` };
}
