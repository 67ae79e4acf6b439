import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import { aac, canRemux, DEFAULT_PRESET, ENCODE_COST, estimate, stereo, X264_PRESETS } from '../../media/codecs.ts';
import type { AudioFacts, MediaFacts } from '../../media/facts.ts';
import { DEFAULT_HEIGHTS, ladder, rateFraction, type Rung } from '../../media/ladder.ts';
import type { MediaOperation } from '../operation.ts';

const params = z.strictObject({
	heights: z
		.array(z.int().min(144).max(2160))
		.min(1)
		.max(8)
		.default([...DEFAULT_HEIGHTS])
		.describe(
			'Rungs of the ladder: pixels of the shorter side. Default 1080, 720, 540, 360, 240. Those above the source are left out; the source’s own size takes their place.',
		),
	crf: z
		.int()
		.min(10)
		.max(40)
		.default(22)
		.describe('Quality of x264: 10 (large) to 40 (small). Default 22. Each rung has a limit of its bitrate as well, by its size.'),
	preset: z.enum(X264_PRESETS).default(DEFAULT_PRESET).describe('Speed of x264: slower presets make smaller files. Default veryfast.'),
	segment_seconds: z
		.number()
		.min(1)
		.max(15)
		.default(4)
		.describe('Length of the segments, to the nearest whole picture. Default 4. Shorter ones start faster, longer ones are smaller.'),
	manifests: z
		.enum(['hls+dash', 'hls', 'dash'])
		.default('hls+dash')
		.describe('What players are given: HLS (master.m3u8), DASH (manifest.mpd), or both over the same segments. Default hls+dash.'),
});
type Params = z.infer<typeof params>;

/** More pictures a second than that no ladder needs: displays of phones and televisions show 60. */
const MAX_FRAME_RATE = 60;
const AUDIO_KBPS = 128;

export const adaptive: MediaOperation<Params> = {
	kind: 'media',
	name: 'adaptive',
	version: 1,
	summary: 'Makes a ladder of sizes for adaptive streaming: one encode in CMAF segments, played as HLS and as DASH.',
	accepts: ['video'],
	params,
	example: { heights: [720, 360], segment_seconds: 4, manifests: 'hls+dash' },
	produces:
		'`rungs` (each with `name`, `width`, `height`, `max_bitrate_kbps`), `segment_seconds`, `manifests`. Files: `adaptive/master.m3u8` for players of HLS and `adaptive/manifest.mpd` for those of DASH; playlists and segments lie beside them and are not listed. Both can be opened while the job runs.',
	plan(facts, wanted) {
		const { video, audio } = facts;
		if (!video) throw new PipelineError('input_no_video', 'A ladder needs a video; this file has only sound.');
		const frameRate = Math.min(video.frameRate || 25, MAX_FRAME_RATE);
		const rungs = ladder(video, frameRate, wanted.heights);
		// A whole number of pictures, so that every segment of every rung begins with a key frame at the same time.
		const pictures = Math.max(1, Math.round(wanted.segment_seconds * frameRate));
		const hls = wanted.manifests !== 'dash';
		const dash = wanted.manifests !== 'hls';
		const copyAudio = audio !== null && audioComplies(facts, audio);
		return {
			outputs: [
				{
					name: 'adaptive/manifest.mpd',
					kind: 'package',
					mime: 'application/dash+xml',
					graph: { filters: graph(rungs, frameRate), map: [...rungs.map((_, index) => `[rung${index}]`), 'a?'] },
					...(dash ? {} : { leaveOut: ['manifest.mpd'] }),
					options: [
						...encoding(rungs, wanted, pictures),
						// Transport streams bring a tag of their own, which the muxer would refuse.
						...(!audio ? [] : copyAudio ? ['-c:a', 'copy', '-tag:a', 'mp4a'] : [...aac(audio, AUDIO_KBPS), ...stereo(audio)]),
						...muxing(pictures / frameRate, { audio: audio !== null, hls, frameRate }),
					],
					expectedSeconds: facts.durationSeconds,
				},
			],
			estimatedCpuSeconds: estimate(facts, {
				seconds: facts.durationSeconds,
				decode: true,
				encode: { size: { width: pixels(rungs), height: 1 }, frameRate, cost: ENCODE_COST.x264[wanted.preset] },
				audio: audio !== null && !copyAudio,
			}),
			...explain(wanted.heights, rungs),
			facts: {
				rungs: rungs.map(({ name, width, height, maxKbps }) => ({ name, width, height, max_bitrate_kbps: maxKbps })),
				segment_seconds: Math.round((pictures / frameRate) * 1000) / 1000,
				manifests: { ...(hls ? { hls: 'adaptive/master.m3u8' } : {}), ...(dash ? { dash: 'adaptive/manifest.mpd' } : {}) },
			},
		};
	},
};

/**
 * Pictures at even distances, the first one at 0: segments of recordings with a changing rate would drift apart otherwise.
 * DASH wants one shape for all rungs, to the last digit: where even numbers of pixels do not give it, the pixels are not quite square.
 */
function graph(rungs: Rung[], frameRate: number): string {
	const [largest] = rungs;
	const shape = `setdar=${largest?.width}/${largest?.height}:max=10000`;
	const steady = `[v]fps=${rateFraction(frameRate)}:start_time=0`;
	const branches = rungs.map((rung, index) => `[branch${index}]scale=${rung.width}:${rung.height},${shape}[rung${index}]`);
	return `${steady},split=${rungs.length}${rungs.map((_, index) => `[branch${index}]`).join('')};${branches.join(';')}`;
}

/** -b:v has no effect on the encode, where the quality rules; ffmpeg writes it into the manifests until the real rates are known. */
const encoding = (rungs: Rung[], { crf, preset }: Params, pictures: number): string[] => [
	...['-c:v', 'libx264', '-preset', preset, '-crf', String(crf), '-profile:v', 'high', '-pix_fmt', 'yuv420p'],
	...rungs.flatMap(({ maxKbps }, index) => [`-b:v:${index}`, `${maxKbps}k`, `-maxrate:v:${index}`, `${maxKbps}k`, `-bufsize:v:${index}`, `${maxKbps * 2}k`]),
	...['-g', String(pictures), '-keyint_min', String(pictures), '-sc_threshold', '0'],
];

/** Segments get their names when they are complete, and the manifests name only those: both can be read while the rest is made. */
function muxing(segmentSeconds: number, { audio, hls, frameRate }: { audio: boolean; hls: boolean; frameRate: number }): string[] {
	// The muxer cuts at the first key frame at or after this time: half a picture less, so that rounding skips none.
	const cut = segmentSeconds - 0.5 / frameRate;
	return [
		...['-f', 'dash', '-seg_duration', cut.toFixed(6), '-use_template', '1', '-use_timeline', '1'],
		...['-adaptation_sets', audio ? 'id=0,streams=v id=1,streams=a' : 'id=0,streams=v'],
		// Not movflags=cmaf: it drops the edit lists, and the picture would come as late as the encoder reorders (80 ms and more).
		...['-format_options', 'brand=cmfc'],
		...['-init_seg_name', 'init-$RepresentationID$.m4s', '-media_seg_name', 'segment-$RepresentationID$-$Number%05d$.m4s'],
		...(hls ? ['-hls_playlist', '1'] : []),
	];
}

/** Encoders do not hit a bitrate exactly: 128k is often 128.6k. */
const BITRATE_TOLERANCE = 1.05;

const audioComplies = (facts: MediaFacts, audio: AudioFacts): boolean =>
	audio.codec === 'aac' && canRemux(facts) && audio.channels <= 2 && audio.bitrate !== null && audio.bitrate <= AUDIO_KBPS * 1000 * BITRATE_TOLERANCE;

const pixels = (rungs: Rung[]): number => rungs.reduce((sum, { width, height }) => sum + width * height, 0);

function explain(heights: number[], rungs: Rung[]): { reason?: string } {
	const largest = rungs[0];
	if (!largest || Math.max(...heights) <= Math.min(largest.width, largest.height)) return {};
	return { reason: `The source is not larger than ${largest.width} x ${largest.height}: larger rungs were left out.` };
}
