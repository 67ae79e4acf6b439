import { PipelineError } from '../errors.ts';
import { AUDIO_FORMATS, COPY, keptKbps, nearestFormat, opus, type AudioFormat } from './audio-formats.ts';
import { aac, canRemux, ENCODE_COST, estimate, FAST_START, h264 } from './codecs.ts';
import type { AudioFacts, MediaFacts, VideoFacts } from './facts.ts';
import { evenDown, scaleTo } from './geometry.ts';
import type { MediaPlan, PlannedOutput } from './plan.ts';

/** Plans that change the sound of a file and nothing else. Pure. */

export interface SoundChange {
	/** File name without extension, e.g. `normalized`. */
	name: string;
	/** Filters of the sound; none: the sound is copied where the container takes it. */
	filters?: string[];
	/** Instead of `filters`: a graph that ends in `[out]`. */
	graph?: string;
	/** Layout of the result. Default: as the source. */
	layout?: { channels: number; channelLayout: string };
	/** CPU seconds per second of sound that the filters take. Default 0.01. */
	cost?: number;
}

interface Picture {
	format: AudioFormat;
	options: string[];
	filters: string[];
	copied: boolean;
}

const AAC_IN_MP4: AudioFormat = { extension: 'mp4', mime: 'video/mp4', codecs: ['aac', 'mp3'], encode: aac };
const OPUS_IN_WEBM: AudioFormat = { extension: 'webm', mime: 'video/webm', codecs: ['opus', 'vorbis'], encode: opus };

/** The sound that an operation works on. */
export function soundOf({ audio }: MediaFacts): AudioFacts {
	if (audio) return audio;
	throw new PipelineError('input_no_audio', 'This file has no sound.');
}

/** A video keeps its picture, untouched where MP4 or WebM can hold it; a sound stays in its format, or the nearest one. */
export function withSound(facts: MediaFacts, change: SoundChange): Pick<MediaPlan, 'outputs' | 'estimatedCpuSeconds' | 'facts'> {
	const source = soundOf(facts);
	const audio = { ...source, ...change.layout };
	const picture = facts.video ? pictureOf(facts, facts.video) : null;
	const format: AudioFormat = picture?.format ?? AUDIO_FORMATS[nearestFormat(audio)];
	const changed = change.graph !== undefined || (change.filters ?? []).length > 0;
	const copied = !changed && format.codecs.includes(source.codec) && (!picture || canRemux(facts));
	const output: PlannedOutput = {
		name: `${change.name}.${format.extension}`,
		kind: picture ? 'video' : 'audio',
		mime: format.mime,
		...(change.graph === undefined
			? { videoFilters: picture?.filters ?? [], audioFilters: change.filters ?? [] }
			: withGraph(change.graph, picture)),
		options: [
			...(picture?.options ?? []),
			...(copied ? (format.copy ?? COPY) : format.encode(audio, keptKbps(audio))),
			...(format.extension === 'mp4' || format.extension === 'm4a' ? FAST_START : []),
		],
		expectedSeconds: facts.durationSeconds,
	};
	const encoded = picture && !picture.copied && facts.video;
	const base = estimate(facts, {
		seconds: facts.durationSeconds,
		decode: Boolean(encoded),
		...(encoded ? { encode: { size: facts.video!, frameRate: facts.video!.frameRate, cost: ENCODE_COST.x264.veryfast } } : {}),
		audio: !copied,
	});
	return {
		outputs: [output],
		estimatedCpuSeconds: Math.round((base + (changed ? facts.durationSeconds * (change.cost ?? 0.01) : 0)) * 100) / 100,
		facts: { copied: { ...(picture ? { video: picture.copied } : {}), audio: copied } },
	};
}

/** A picture that is copied must not pass through the graph; one that is encoded must. */
function withGraph(graph: string, picture: Picture | null): Pick<PlannedOutput, 'graph'> {
	if (!picture) return { graph: { filters: graph, map: ['[out]'] } };
	if (picture.copied) return { graph: { filters: graph, map: ['v', '[out]'] } };
	return { graph: { filters: `[v]${picture.filters.join(',')}[picture];${graph}`, map: ['[picture]', '[out]'] } };
}

function pictureOf(facts: MediaFacts, video: VideoFacts): Picture {
	const copy = (format: AudioFormat, tag: string[] = []): Picture => ({ format, options: ['-c:v', 'copy', ...tag], filters: [], copied: true });
	if (canRemux(facts)) {
		if (video.codec === 'h264' || video.codec === 'av1') return copy(AAC_IN_MP4);
		// Apple plays H.265 only under this tag.
		if (video.codec === 'hevc') return copy(AAC_IN_MP4, ['-tag:v', 'hvc1']);
		// ffmpeg 5.1 writes no turn into WebM: the picture of a phone would lie on its side.
		if ((video.codec === 'vp9' || video.codec === 'vp8') && video.rotation === 0) return copy(OPUS_IN_WEBM);
	}
	const size = { width: evenDown(video.width), height: evenDown(video.height) };
	return { format: AAC_IN_MP4, options: h264(21), filters: scaleTo(size), copied: false };
}
