import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import {
	aac,
	canRemux,
	DEFAULT_PRESET,
	ENCODE_COST,
	estimate,
	FAST_START,
	h264,
	isPlayableH264,
	stereo,
	X264_PRESETS,
	type X264Preset,
} from '../../media/codecs.ts';
import type { AudioFacts, MediaFacts, VideoFacts } from '../../media/facts.ts';
import { fitHeight, isEven, scaleTo, type Size } from '../../media/geometry.ts';
import type { MediaPlan, PlannedOutput, ProducedFile } from '../../media/plan.ts';
import { QUALITY_LEVELS, SMART_PRESET, smartH264, targetOf, type Choice, type Encode, type Metric, type QualityLevel, type Target } from '../../media/quality.ts';
import { searchQuality } from '../../media/quality-search.ts';
import { budgetOf, corrected, type SizeBudget } from '../../media/quality-size.ts';
import type { Known, MeasureTools, MediaOperation } from '../operation.ts';

const MODES = ['crf', 'size', 'smart'] as const;
/** In two passes the second one gains from a slower preset, and the first one is cheap anyway. */
const SIZE_PRESET: X264Preset = 'medium';
const DEFAULT_CRF = 23;

const params = z
	.strictObject({
		mode: z
			.enum(MODES)
			.default('crf')
			.describe(
				'What decides how small it becomes. crf: `crf`. size: `target_mb`. smart: samples are encoded and compared with the source to find the smallest file of the quality `quality`. Default crf.',
			),
		height: z
			.int()
			.min(144)
			.max(4320)
			.default(720)
			.describe('Largest height in pixels. Default 720. The width follows; a smaller video is not made larger.'),
		crf: z
			.int()
			.min(0)
			.max(51)
			.default(DEFAULT_CRF)
			.describe('Quality of x264, with the mode crf: 0 (lossless) to 51 (worst); 18 looks like the source, 28 is small. Default 23.'),
		target_mb: z
			.number()
			.min(0.01)
			.max(100_000)
			.optional()
			.describe('Largest size of the file with the mode size, in MB of 1,000,000 bytes. Where it is too small for the height, the height is lowered.'),
		quality: z
			.enum(Object.keys(QUALITY_LEVELS) as [QualityLevel, ...QualityLevel[]])
			.default('standard')
			.describe('With the mode smart: high looks like the source, standard is good, small shows faults to those who look for them. Default standard.'),
		target_ssim: z
			.number()
			.min(0.5)
			.max(0.9999)
			.optional()
			.describe('With the mode smart: the likeness to reach (SSIM), in place of `quality`.'),
		preset: z
			.enum(X264_PRESETS)
			.optional()
			.describe(`Speed of x264: slower presets make smaller files. Default ${DEFAULT_PRESET}; ${SIZE_PRESET} with size, ${SMART_PRESET} with smart.`),
		max_bitrate_kbps: z
			.int()
			.min(50)
			.max(200_000)
			.optional()
			.describe('Upper limit of the video bitrate in kbit/s. Default: none, the quality decides.'),
		audio_bitrate_kbps: z
			.int()
			.min(16)
			.max(512)
			.default(128)
			.describe('Bitrate of the sound (AAC) in kbit/s. Default 128. AAC of no more than that is copied.'),
		frame_rate: z
			.number()
			.min(1)
			.max(240)
			.optional()
			.describe('Largest number of pictures per second. Default: as the source. Never raised.'),
	})
	.refine(({ mode, target_mb }) => (mode === 'size') === (target_mb !== undefined), {
		path: ['target_mb'],
		error: 'is needed with the mode "size", and with no other.',
	});
type Params = z.infer<typeof params>;

/** What `measure` found out; null: there was nothing to find out. */
type Measured = SmartFound | SizeMade | null;
interface SmartFound {
	kind: 'smart';
	target: Target;
	/** Null: too short to try. */
	choice: Choice | null;
}
interface SizeMade {
	kind: 'size';
	file: ProducedFile;
	budget: SizeBudget;
	bytes: number;
}

export interface CompressDeps {
	/** Whether this ffmpeg has libvmaf. Default false: SSIM. */
	vmaf?: boolean;
}

export const createCompress = ({ vmaf = false }: CompressDeps = {}): MediaOperation<Params, Measured> => ({
	kind: 'media',
	name: 'compress',
	version: 2,
	summary:
		'Makes a smaller MP4 (H.264 and AAC) that plays everywhere and starts before it is loaded. Copies what already complies.',
	accepts: ['video'],
	params,
	example: { height: 720, crf: 23, preset: 'veryfast', audio_bitrate_kbps: 128 },
	produces:
		'`width`, `height`, `copied` (`video`, `audio`). With size also `video_bitrate_kbps`, `file_bytes`, `target_bytes`; with smart also `crf`, `metric` (ssim or vmaf), `quality_target`, `quality_reached` (of the samples), `video_bitrate_kbps`, `saved_percent` (of the bitrate of the source). File: `compressed.mp4`.',
	estimateSeconds(facts, wanted) {
		const { estimatedCpuSeconds } = planFor(facts, wanted, null);
		const share = { crf: 1, size: 1.6, smart: 1.25 }[wanted.mode];
		return Math.round(estimatedCpuSeconds * share * 100) / 100;
	},
	async measure(tools, wanted) {
		if (wanted.mode === 'smart') return search(tools, wanted, vmaf);
		if (wanted.mode === 'size') return encodeToSize(tools, wanted);
		return null;
	},
	plan: (facts, wanted, known?: Known<Measured>) => planFor(facts, wanted, known?.measured ?? null),
});
export const compress = createCompress();

function planFor(facts: MediaFacts, wanted: Params, measured: Measured): MediaPlan {
	const video = pictureOf(facts);
	if (measured?.kind === 'size') return planMade(facts, measured, wanted);
	if (wanted.mode === 'size' && !fitsAlready(facts, video, wanted)) return planSized(facts, wanted, budgetOf(facts, sizeWish(video, wanted)));
	const copyVideo =
		wanted.mode === 'crf' ? isSmallEnough(facts, video, wanted)
		: wanted.mode === 'size' ? true
		: needNotBeEncoded(facts, video, wanted, measured);
	const made = encodeOf(video, wanted);
	const found = measured?.kind === 'smart' ? measured.choice : null;
	const picture = copyVideo ? ['-c:v', 'copy']
		: wanted.mode === 'crf' ? [...h264(wanted.crf, made.preset), ...rateLimit(wanted.max_bitrate_kbps)]
		: [...smartH264(found?.crf ?? DEFAULT_CRF, made.preset), ...rateLimit(smartLimit(facts, video, wanted, found))];
	const sound = soundOf(facts, wanted.mode === 'size' ? Infinity : wanted.audio_bitrate_kbps);
	const reason = copyVideo ? reasonToCopy(video, facts.audio, sound.copied) : wanted.mode === 'smart' ? explain(measured) : undefined;
	return {
		outputs: [output(facts, copyVideo ? [] : made.videoFilters, [...picture, ...sound.options])],
		estimatedCpuSeconds: cost(facts, copyVideo ? null : made, facts.audio !== null && !sound.copied),
		...(reason ? { reason } : {}),
		facts: {
			...(copyVideo ? { width: video.width, height: video.height } : made.size),
			copied: { video: copyVideo, audio: sound.copied },
			...(measured ? report(facts, video, measured, copyVideo) : {}),
		},
	};
}

function pictureOf({ video }: MediaFacts): VideoFacts {
	if (!video) throw new PipelineError('input_no_video', 'There is no video to compress; this file has only sound.');
	return video;
}

const PRESETS = { crf: DEFAULT_PRESET, size: SIZE_PRESET, smart: SMART_PRESET };

/** How the picture is encoded, the rate apart. */
function encodeOf(video: VideoFacts, wanted: Params, size: Size = fitHeight(video, wanted.height)): Encode {
	const frameRate = wanted.frame_rate && wanted.frame_rate < video.frameRate ? wanted.frame_rate : video.frameRate;
	return {
		size,
		frameRate,
		videoFilters: [...(frameRate < video.frameRate ? [`fps=${frameRate}`] : []), ...scaleTo(size)],
		preset: wanted.preset ?? PRESETS[wanted.mode],
	};
}

function soundOf(facts: MediaFacts, kbps: number): { copied: boolean; options: string[] } {
	const { audio } = facts;
	const copied = audio !== null && audioComplies(facts, audio, kbps);
	return { copied, options: !audio ? [] : copied ? ['-c:a', 'copy'] : [...aac(audio, kbps), ...stereo(audio)] };
}

const output = (facts: MediaFacts, videoFilters: string[], options: string[]): PlannedOutput => ({
	name: 'compressed.mp4',
	kind: 'video',
	mime: 'video/mp4',
	videoFilters,
	options: [...options, ...FAST_START],
	expectedSeconds: facts.durationSeconds,
});

const cost = (facts: MediaFacts, encode: Encode | null, audio: boolean): number =>
	estimate(facts, {
		seconds: facts.durationSeconds,
		decode: encode !== null,
		...(encode ? { encode: { size: encode.size, frameRate: encode.frameRate, cost: ENCODE_COST.x264[encode.preset] } } : {}),
		audio,
	});

function reasonToCopy(video: VideoFacts, audio: AudioFacts | null, copyAudio: boolean): string {
	const already = `The video is already H.264 of ${video.width} x ${video.height} at a bitrate that needs no compression: it is copied`;
	return !audio
		? `${already}.`
		: copyAudio
			? `${already}, and so is the sound.`
			: `${already}; only the sound is encoded.`;
}

/** Twice the rate as buffer: a second of peaks may use two seconds' bits, which players and platforms cope with. */
const rateLimit = (kbps: number | undefined): string[] =>
	kbps === undefined ? [] : ['-maxrate', `${kbps}k`, '-bufsize', `${2 * kbps}k`];

/**
 * What x264 at CRF 23 spends on ordinary footage, in bits per pixel; six steps of CRF halve it (x264's own rule). A source
 * below it would not become smaller in any way worth a generation loss.
 */
const BITS_PER_PIXEL_AT_23 = 0.1;

/** bits per second; null: unknown. */
const bitrateOf = (facts: MediaFacts, video: VideoFacts): number | null => video.bitrate ?? facts.bitrate;

/** Apart from its rate the picture is what would be made. */
const isOfTheKind = (facts: MediaFacts, video: VideoFacts, wanted: Params): boolean =>
	isPlayableH264(video) &&
	canRemux(facts) &&
	isEven(video) &&
	video.height <= wanted.height &&
	(wanted.frame_rate === undefined || video.frameRate <= wanted.frame_rate);

function isSmallEnough(facts: MediaFacts, video: VideoFacts, wanted: Params): boolean {
	const bitrate = bitrateOf(facts, video);
	if (!isOfTheKind(facts, video, wanted) || bitrate === null) return false;
	if (wanted.max_bitrate_kbps !== undefined) return bitrate <= wanted.max_bitrate_kbps * 1000;
	return (
		bitrate <=
		video.width * video.height * (video.frameRate || 25) * BITS_PER_PIXEL_AT_23 * 2 ** ((23 - wanted.crf) / 6)
	);
}

/** Encoders do not hit a bitrate exactly: 128k is often 128.6k. */
const BITRATE_TOLERANCE = 1.05;

const audioComplies = (facts: MediaFacts, audio: AudioFacts, kbps: number): boolean =>
	audio.codec === 'aac' &&
	canRemux(facts) &&
	audio.channels <= 2 &&
	audio.bitrate !== null &&
	audio.bitrate <= kbps * 1000 * BITRATE_TOLERANCE;

// Smart

async function search(tools: MeasureTools, wanted: Params, vmaf: boolean): Promise<SmartFound> {
	const target = targetOf(wanted.quality, vmaf ? 'vmaf' : 'ssim', wanted.target_ssim);
	return { kind: 'smart', target, choice: await searchQuality(tools, encodeOf(pictureOf(tools.facts), wanted), target) };
}

/** From here on encoding again would save next to nothing and lose quality. */
const NOT_WORTH_IT = 0.95;

function needNotBeEncoded(facts: MediaFacts, video: VideoFacts, wanted: Params, measured: Measured): boolean {
	const bitrate = bitrateOf(facts, video);
	if (measured?.kind !== 'smart' || !measured.choice || bitrate === null || !isOfTheKind(facts, video, wanted)) return false;
	if (wanted.max_bitrate_kbps !== undefined && bitrate > wanted.max_bitrate_kbps * 1000) return false;
	return measured.choice.bitsPerSecond >= bitrate * NOT_WORTH_IT;
}

/** Samples can mislead: near the rate of the source, that rate is made the limit. */
const NEAR = 0.75;

function smartLimit(facts: MediaFacts, video: VideoFacts, wanted: Params, found: Choice | null): number | undefined {
	const bitrate = bitrateOf(facts, video);
	const near = bitrate !== null && (!found || found.bitsPerSecond > bitrate * NEAR) ? Math.max(50, Math.floor(bitrate / 1000)) : undefined;
	if (near === undefined) return wanted.max_bitrate_kbps;
	return Math.min(near, wanted.max_bitrate_kbps ?? near);
}

const METRIC_NAMES: Record<Metric, string> = { ssim: 'SSIM', vmaf: 'VMAF' };
const digits = (metric: Metric, value: number): number => Number(value.toFixed(metric === 'ssim' ? 4 : 1));

function explain(measured: Measured): string | undefined {
	if (measured?.kind !== 'smart') return undefined;
	const { target, choice } = measured;
	if (!choice) return `The video is too short to try several qualities: CRF ${DEFAULT_CRF} was taken.`;
	const name = METRIC_NAMES[target.metric];
	const wanted = digits(target.metric, target.value);
	const got = digits(target.metric, choice.quality);
	if (!choice.reached) return `${name} ${wanted} is out of reach for this content (noise, most likely): CRF ${choice.crf} with ${name} ${got} was taken, as more bits would not be seen.`;
	if (choice.crf === target.crf.most) return `Samples reach ${name} ${got} at CRF ${choice.crf} already; above it faults show that an average hides.`;
	return `Samples show that CRF ${choice.crf} is enough for ${name} ${wanted}.`;
}

function report(facts: MediaFacts, video: VideoFacts, { target, choice }: SmartFound, copied: boolean): Record<string, unknown> {
	if (!choice || copied) return { metric: target.metric, quality_target: target.value, saved_percent: 0 };
	const bitrate = bitrateOf(facts, video);
	const saved = bitrate === null ? null : Math.max(0, Math.round(100 * (1 - choice.bitsPerSecond / bitrate)));
	return {
		crf: choice.crf,
		metric: target.metric,
		quality_target: target.value,
		quality_reached: digits(target.metric, choice.quality),
		video_bitrate_kbps: Math.round(choice.bitsPerSecond / 1000),
		...(saved === null ? {} : { saved_percent: saved }),
	};
}

// Size

const targetBytes = ({ target_mb: megabytes = 0 }: Params): number => Math.floor(megabytes * 1e6);

const sizeWish = (video: VideoFacts, wanted: Params) => ({
	targetBytes: targetBytes(wanted),
	height: wanted.height,
	audioKbps: wanted.audio_bitrate_kbps,
	frameRate: encodeOf(video, wanted).frameRate,
});

const fitsAlready = (facts: MediaFacts, video: VideoFacts, wanted: Params): boolean =>
	facts.bytes <= targetBytes(wanted) && isOfTheKind(facts, video, wanted) && (facts.audio === null || audioComplies(facts, facts.audio, Infinity));

/** The first pass, then the second one until it fits, which is mostly at once. */
const MOST_TRIES = 3;

async function encodeToSize(tools: MeasureTools, wanted: Params): Promise<SizeMade | null> {
	const { facts, workDir } = tools;
	const video = pictureOf(facts);
	if (fitsAlready(facts, video, wanted)) return null;
	const target = targetBytes(wanted);
	let budget = capped(facts, video, budgetOf(facts, sizeWish(video, wanted)));
	const log = join(workDir, 'passes');
	await tools.run(planSized(facts, wanted, budget, { pass: 1, log }), undefined, { progress: [0, 25] });
	for (let tries = 1; ; tries++) {
		const { files } = await tools.run(planSized(facts, wanted, budget, { pass: 2, log }), undefined, { progress: [25, 99] });
		const [file] = files;
		if (!file) throw new PipelineError('internal', 'an encode without a file');
		const { size: bytes } = await stat(file.path);
		if (bytes <= target) {
			for (const name of await readdir(workDir)) if (name.startsWith('passes')) await rm(join(workDir, name));
			return { kind: 'size', file, budget, bytes };
		}
		if (tries === MOST_TRIES) {
			throw new PipelineError(
				'processing_failed',
				`params.target_mb: this video does not become smaller than ${Math.ceil(bytes / 10_000) / 100} MB at ${budget.size.width} x ${budget.size.height}. Choose a lower height, or a larger size.`,
			);
		}
		budget = { ...budget, videoBitrate: corrected(budget.videoBitrate, bytes, target, facts.durationSeconds) };
	}
}

/** More bits than the source has would hold nothing. */
function capped(facts: MediaFacts, video: VideoFacts, budget: SizeBudget): SizeBudget {
	return { ...budget, videoBitrate: Math.min(budget.videoBitrate, bitrateOf(facts, video) ?? Infinity) };
}

function planSized(facts: MediaFacts, wanted: Params, { size, videoBitrate, audioKbps }: SizeBudget, passes?: { pass: 1 | 2; log: string }): MediaPlan {
	const encode = encodeOf(pictureOf(facts), wanted, size);
	const limit = Math.min(videoBitrate, (wanted.max_bitrate_kbps ?? Infinity) * 1000);
	const picture = [
		// ABR instead of a CRF; peaks of twice the rate, so that players need no larger buffer.
		...['-c:v', 'libx264', '-preset', encode.preset, '-b:v', String(limit), '-maxrate', String(2 * limit), '-bufsize', String(4 * limit)],
		...['-profile:v', 'high', '-pix_fmt', 'yuv420p'],
		...(passes ? ['-pass', String(passes.pass), '-passlogfile', passes.log] : []),
	];
	const sound = soundOf(facts, audioKbps ?? wanted.audio_bitrate_kbps);
	const second = output(facts, encode.videoFilters, [...picture, ...sound.options]);
	const first: PlannedOutput = { ...second, name: 'first-pass', kind: 'text', mime: 'text/plain', options: [...picture, '-an'] };
	return {
		outputs: [passes?.pass === 1 ? first : second],
		estimatedCpuSeconds: cost(facts, encode, passes?.pass !== 1 && facts.audio !== null && !sound.copied),
		facts: { ...size, copied: { video: false, audio: sound.copied } },
	};
}

function planMade(facts: MediaFacts, { file, budget, bytes }: SizeMade, wanted: Params): MediaPlan {
	const { size, videoBitrate, audioKbps } = budget;
	const lowered = size.height < fitHeight(pictureOf(facts), wanted.height).height ? ` The picture has ${size.width} x ${size.height}, which looks better at this bitrate than a larger one.` : '';
	return {
		outputs: [],
		made: [file],
		estimatedCpuSeconds: 0,
		reason: `${(bytes / 1e6).toFixed(2)} of ${targetBytes(wanted) / 1e6} MB are used.${lowered}`,
		facts: {
			...size,
			copied: { video: false, audio: soundOf(facts, audioKbps ?? wanted.audio_bitrate_kbps).copied },
			video_bitrate_kbps: Math.round(videoBitrate / 1000),
			file_bytes: bytes,
			target_bytes: targetBytes(wanted),
		},
	};
}
