import { aac, canRemux, DEFAULT_PRESET, ENCODE_COST, estimate, FAST_START, h264, isPlayableH264, stereo, type X264Preset } from './codecs.ts';
import type { AudioFacts, MediaFacts, VideoFacts } from './facts.ts';
import { isEven, scaleTo, type Size } from './geometry.ts';
import type { MediaPlan } from './plan.ts';

/** An MP4 that plays everywhere and starts before it is loaded: H.264, AAC, index first. Pure. */
export interface Mp4Wish {
	name: string;
	size: Size;
	crf: number;
	preset?: X264Preset;
	/** Pictures per second; never raised. Default: as the source. */
	maxFrameRate?: number;
	/** A player can seek to every so many seconds. Default: as x264 likes, up to 250 pictures. */
	keyFrameSeconds?: number;
	audioKbps: number;
	copyVideo: boolean;
	copyAudio: boolean;
}

/** @param explain what is said of a copied picture, e.g. "The source already complies"; "its streams are copied" is added */
export function mp4Plan(facts: MediaFacts, video: VideoFacts, wish: Mp4Wish, explain: string): MediaPlan {
	const { audio } = facts;
	const { copyVideo, preset = DEFAULT_PRESET } = wish;
	const copyAudio = audio !== null && wish.copyAudio;
	const frameRate = Math.min(video.frameRate || 25, wish.maxFrameRate ?? Infinity);
	const size = copyVideo ? { width: video.width, height: video.height } : wish.size;
	const keyFrames = wish.keyFrameSeconds === undefined ? [] : ['-g', String(Math.max(1, Math.round(frameRate * wish.keyFrameSeconds)))];
	return {
		outputs: [
			{
				name: wish.name,
				kind: 'video',
				mime: 'video/mp4',
				videoFilters: copyVideo ? [] : [...(frameRate < video.frameRate ? [`fps=${frameRate}`] : []), ...scaleTo(size)],
				options: [
					...(copyVideo ? ['-c:v', 'copy'] : [...h264(wish.crf, preset), ...keyFrames]),
					...(!audio ? [] : copyAudio ? ['-c:a', 'copy'] : [...aac(audio, wish.audioKbps), ...stereo(audio)]),
					...FAST_START,
				],
				expectedSeconds: facts.durationSeconds,
			},
		],
		estimatedCpuSeconds: estimate(facts, {
			seconds: facts.durationSeconds,
			decode: !copyVideo,
			...(copyVideo ? {} : { encode: { size, frameRate, cost: ENCODE_COST.x264[preset] } }),
			audio: audio !== null && !copyAudio,
		}),
		...(copyVideo ? { reason: `${explain}: ${!audio || copyAudio ? 'its streams are copied.' : 'the picture is copied, only the sound is encoded.'}` } : {}),
		facts: { ...size, copied: { video: copyVideo, audio: copyAudio } },
	};
}

/** H.264 as every player shows it, in a container that it can be taken out of. */
export const isReadyVideo = (facts: MediaFacts, video: VideoFacts): boolean => isPlayableH264(video) && canRemux(facts) && isEven(video);

/** Encoders do not hit a bitrate exactly: 128k is often 128.6k. */
const BITRATE_TOLERANCE = 1.05;

/** AAC of at most two channels and, where a limit is given, of no more than that. */
export const isReadyAudio = (facts: MediaFacts, audio: AudioFacts, maxKbps?: number): boolean =>
	audio.codec === 'aac' &&
	canRemux(facts) &&
	audio.channels <= 2 &&
	audio.sampleRate <= 48_000 &&
	(maxKbps === undefined || (audio.bitrate !== null && audio.bitrate <= maxKbps * 1000 * BITRATE_TOLERANCE));

/** What x264 at CRF 23 spends on ordinary footage, in bits per pixel; six steps of CRF halve it (x264's own rule). */
const BITS_PER_PIXEL_AT_23 = 0.1;

/** bits per second that an encode at this quality would come to: what has less would not become smaller. */
export const expectedBitrate = ({ width, height }: Size, frameRate: number, crf: number): number =>
	width * height * (frameRate || 25) * BITS_PER_PIXEL_AT_23 * 2 ** ((23 - crf) / 6);
