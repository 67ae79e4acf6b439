import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import { aac, DEFAULT_PRESET, ENCODE_COST, estimate, FAST_START, h264 } from '../../media/codecs.ts';
import { noLonger } from '../../media/edited.ts';
import type { MediaFacts, VideoFacts } from '../../media/facts.ts';
import { framing } from '../../media/framing.ts';
import { rateFraction } from '../../media/ladder.ts';
import { VIDEO_PLATFORM_NAMES, VIDEO_PLATFORMS, type VideoPlatform } from '../../media/platform-limits.ts';
import {
	AUDIO_KBPS,
	bytesFit,
	canCopySound,
	frameRateFor,
	longestFor,
	PLATFORM_FITS,
	rateFor,
	reasonsToEncode,
	shapeFor,
	type Rate,
	type Shape,
} from '../../media/platform-rendition.ts';
import type { PlannedOutput } from '../../media/plan.ts';
import type { MediaOperation } from '../operation.ts';

const params = z.strictObject({
	platform: z.enum(VIDEO_PLATFORM_NAMES).describe('Where the video will be posted.'),
	fit: z
		.enum(PLATFORM_FITS)
		.default('auto')
		.describe(
			'What happens to a shape that the platform does not show: crop cuts the edges off, blur shows all on a blurred copy, pad on black; auto crops where little is lost and blurs otherwise. Default auto.',
		),
	too_long: z
		.enum(['trim', 'split', 'fail'])
		.default('trim')
		.describe('What happens to a video that is too long: trim keeps the beginning, split makes several videos of equal length, fail refuses it. Default trim.'),
});
type Params = z.infer<typeof params>;

/** Each part is decoded and encoded beside the others. */
const MAX_PARTS = 10;
/** Packets are not cut: sound lasts up to a packet longer than the picture. */
const END_MARGIN_SECONDS = 0.2;
/** What is seen of it when the bitrate allows: x264 looks like the source from 18 to 20 on, and platforms encode once more. */
const CRF = 20;

export const preset: MediaOperation<Params> = {
	kind: 'media',
	name: 'preset',
	version: 1,
	summary: 'Makes the rendition that a social platform takes: copies what complies, and changes only what does not.',
	accepts: ['video'],
	params,
	example: { platform: 'x', fit: 'auto', too_long: 'trim' },
	produces:
		'`platform`, `width`, `height`, `seconds`, `parts`, `fit` (`keep`, `crop`, `blur` or `pad`), `copied` (`video`, `audio`), `reason`. Files: one named as the platform, e.g. `x.mp4`; `x-01.mp4`, `x-02.mp4` … where it is split.',
	plan(facts, wanted) {
		const { video, audio } = facts;
		const platform: VideoPlatform = VIDEO_PLATFORMS[wanted.platform];
		if (!video) throw new PipelineError('input_no_video', `${sentence(platform.title)} takes a video; this file has only sound.`);
		const shape = shapeFor(video, platform, wanted.fit);
		const longest = longestOf(facts, video, platform, shape);
		const parts = partsOf(facts, platform, wanted.too_long, longest);
		const [{ seconds }] = parts;
		const reasons = whyEncode(facts, video, platform, shape, parts);
		const copyVideo = reasons.length === 0;
		const copyAudio = audio !== null && parts.length === 1 && canCopySound(facts, audio, platform);
		const frameRate = copyVideo ? video.frameRate : frameRateFor(video, platform.video);
		const rate: Rate = rateFor(shape.size, frameRate, seconds, platform, audio !== null);
		const size = copyVideo ? { width: video.width, height: video.height } : rate.size;
		const options = [
			...(copyVideo ? ['-c:v', 'copy', ...(video.codec === 'hevc' ? ['-tag:v', 'hvc1'] : [])] : encoding(rate, frameRate, platform)),
			...(!audio ? [] : copyAudio ? ['-c:a', 'copy'] : [...aac({ ...audio, sampleRate: 48_000 }, AUDIO_KBPS), '-ar', '48000', '-ac', '2']),
			...FAST_START,
			...(platform.noEditLists ? ['-use_editlist', '0'] : []),
		];
		const total = parts.reduce((sum, part) => sum + part.seconds, 0);
		return {
			outputs: parts.map(
				({ start, seconds: length }, index): PlannedOutput => ({
					name: `${wanted.platform}${parts.length > 1 ? `-${String(index + 1).padStart(2, '0')}` : ''}.mp4`,
					kind: 'video',
					mime: 'video/mp4',
					...(start > 0 ? { seekSeconds: start } : {}),
					...(length < facts.durationSeconds ? { durationSeconds: length } : {}),
					videoFilters: copyVideo ? [] : [...(frameRate === video.frameRate ? [] : [`fps=${rateFraction(frameRate)}`]), ...framing(video, size, FRAMING[shape.how])],
					options: [...options, ...(length < facts.durationSeconds ? noLonger(length) : [])],
					expectedSeconds: length,
				}),
			),
			estimatedCpuSeconds: estimate(facts, {
				seconds: total,
				decode: !copyVideo,
				...(copyVideo ? {} : { encode: { size, frameRate, cost: ENCODE_COST.x264[DEFAULT_PRESET] } }),
				audio: audio !== null && !copyAudio,
			}),
			reason: explain(platform, { reasons, shape, rate: copyVideo ? null : rate, parts, longest, facts, copyAudio }),
			facts: { platform: wanted.platform, ...size, seconds: round(total), parts: parts.length, fit: copyVideo ? 'keep' : shape.how, copied: { video: copyVideo, audio: copyAudio } },
		};
	},
};

const FRAMING = { keep: 'cover', crop: 'cover', blur: 'blur', pad: 'contain' } as const;

interface Part {
	start: number;
	seconds: number;
}

/** By the platform's clock; by its bytes as well where the video must be encoded. */
function longestOf(facts: MediaFacts, video: VideoFacts, platform: VideoPlatform, shape: Shape): number {
	const asItIs = shape.how === 'keep' && bytesFit(facts, facts.durationSeconds, platform.video) && reasonsToEncode(facts, video, platform).length === 0;
	return asItIs ? (platform.video.maxSeconds ?? Infinity) : longestFor(platform.video);
}

function partsOf({ durationSeconds: seconds }: MediaFacts, { title, video: limits }: VideoPlatform, tooLong: Params['too_long'], longest: number): [Part, ...Part[]] {
	const { minSeconds = 0 } = limits;
	if (seconds < minSeconds) {
		throw new PipelineError('input_unsupported', `The video lasts ${seconds.toFixed(2)} s; ${title} takes videos of ${minSeconds} s or more. Choose a longer one.`, {
			details: { seconds, min_seconds: minSeconds },
		});
	}
	if (seconds <= longest) return [{ start: 0, seconds }];
	const most = longest - END_MARGIN_SECONDS;
	if (tooLong === 'trim') return [{ start: 0, seconds: round(most) }];
	const count = Math.ceil(seconds / most);
	const parts = `${title} takes at most ${Math.floor(longest)} s, the video lasts ${seconds.toFixed(1)} s`;
	if (tooLong === 'fail') {
		throw new PipelineError('input_unsupported', `${sentence(parts)}. Set too_long to trim or split, or trim it first.`, { details: { seconds, max_seconds: longest } });
	}
	if (count > MAX_PARTS) {
		throw new PipelineError('input_unsupported', `${sentence(parts)}: it would be split into ${count} videos, at most ${MAX_PARTS} are made. Trim it first.`, {
			details: { seconds, max_seconds: longest, parts: count },
		});
	}
	const length = seconds / count;
	return [{ start: 0, seconds: round(length) }, ...Array.from({ length: count - 1 }, (_, index) => ({ start: round((index + 1) * length), seconds: round(length) }))];
}

function whyEncode(facts: MediaFacts, video: VideoFacts, platform: VideoPlatform, shape: Shape, parts: Part[]): string[] {
	const reasons = reasonsToEncode(facts, video, platform);
	const [first] = parts;
	return [
		...(shape.how === 'keep' ? [] : [`${video.width}×${video.height} is not the shape that is shown.`]),
		...reasons,
		...(parts.length > 1 ? ['it is split at places that are no key frames.'] : []),
		...(parts.length === 1 && !bytesFit(facts, first?.seconds ?? 0, platform.video) ? [`it has ${Math.ceil(facts.bytes / 1e6)} MB; at most ${Math.floor((platform.video.maxBytes ?? 0) / 1e6)} MB are taken.`] : []),
	];
}

/** Closed groups of pictures of at most two seconds (0.5), and never above the bitrate over any two seconds. */
const encoding = ({ kbps }: Rate, frameRate: number, { noEditLists }: VideoPlatform): string[] => [
	...h264(CRF),
	...['-maxrate', `${kbps}k`, '-bufsize', `${kbps * 2}k`, '-g', String(Math.max(1, Math.round(frameRate * 2))), '-flags', '+cgop'],
	...(noEditLists ? ['-bf', '0'] : []),
];

interface Made {
	reasons: string[];
	shape: Shape;
	rate: Rate | null;
	parts: Part[];
	longest: number;
	facts: MediaFacts;
	copyAudio: boolean;
}

function explain({ title, video: limits }: VideoPlatform, { reasons, shape, rate, parts, longest, facts, copyAudio }: Made): string {
	const all = parts.reduce((sum, { seconds }) => sum + seconds, 0);
	const how = { keep: '', crop: ' Its edges are cut off to the shape that is shown.', blur: ' It is shown whole, on a blurred copy of itself.', pad: ' It is shown whole, on black.' };
	return [
		rate ? `Encoded for ${title}: ${reasons.join(' ')}${how[shape.how]}` : `The picture complies with what ${title} takes: it is copied.`,
		...(facts.audio && !copyAudio ? ['The sound is encoded.'] : []),
		...(rate?.tight ? [`The bitrate is limited to ${rate.kbps} kbit/s, so that it stays below ${Math.floor((limits.maxBytes ?? 0) / 1e6)} MB.`] : []),
		...(parts.length > 1 ? [`Split into ${parts.length} videos of ${(all / parts.length).toFixed(1)} s, because at most ${Math.floor(longest)} s are taken.`] : []),
		...(parts.length === 1 && all < facts.durationSeconds ? [`Only the first ${all.toFixed(1)} s are kept, because at most ${Math.floor(longest)} s are taken.`] : []),
	].join(' ');
}

const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
const round = (seconds: number): number => Math.round(seconds * 1000) / 1000;
