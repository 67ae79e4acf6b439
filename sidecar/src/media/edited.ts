import { aac, canRemux, ENCODE_COST, estimate, FAST_START, h264 } from './codecs.ts';
import type { MediaFacts } from './facts.ts';
import { evenDown, type Size } from './geometry.ts';
import type { MediaPlan, PlannedOutput } from './plan.ts';

/** Plans of operations that change the picture: MP4 with H.264 and AAC. Pure. */

export interface Edit extends Pick<PlannedOutput, 'seekSeconds' | 'durationSeconds' | 'videoFilters' | 'audioFilters' | 'graph' | 'attachments'> {
	/** File name without extension, e.g. `trimmed`. */
	name: string;
	/** Of the result. */
	size: Size;
	/** Length of the result, seconds. */
	seconds: number;
	/** Pictures per second of the result. Default: those of the source. */
	frameRate?: number;
	/** Whether the result has sound. Default: as the source. */
	audio?: boolean;
	/** Whether the sound is another one than that of the source: it is then encoded. Default: where there are filters of the sound, or it is cut. */
	newSound?: boolean;
	crf: number;
	/** CPU seconds per million pixels of the result that the filters take. Default 0. */
	cost?: number;
	/** Seconds of the source that are read. Default: `seconds`. */
	readSeconds?: number;
}

/** The sound is copied where it stays as it is and MP4 can hold it. */
export function edited(facts: MediaFacts, edit: Edit): Pick<MediaPlan, 'outputs' | 'estimatedCpuSeconds'> {
	const { name, size, seconds, crf, audio = facts.audio !== null } = edit;
	const cut = Boolean(edit.seekSeconds) || edit.durationSeconds !== undefined;
	const newSound = edit.newSound ?? ((edit.audioFilters ?? []).length > 0 || cut);
	const copied = audio && !newSound && facts.audio?.codec === 'aac' && canRemux(facts);
	const frameRate = edit.frameRate ?? (facts.video?.frameRate || DEFAULT_FRAME_RATE);
	const { seekSeconds, durationSeconds, videoFilters, audioFilters, graph, attachments } = edit;
	return {
		outputs: [
			{
				name: `${name}.mp4`,
				kind: 'video',
				mime: 'video/mp4',
				...(seekSeconds ? { seekSeconds } : {}),
				...(durationSeconds === undefined ? {} : { durationSeconds }),
				...(videoFilters ? { videoFilters } : {}),
				...(audioFilters ? { audioFilters } : {}),
				...(graph ? { graph } : {}),
				...(attachments ? { attachments } : {}),
				options: [...h264(crf), ...(!audio ? [] : copied ? ['-c:a', 'copy'] : soundOptions(facts)), ...noLonger(durationSeconds), ...FAST_START],
				expectedSeconds: seconds,
			},
		],
		estimatedCpuSeconds: estimate(facts, {
			seconds: edit.readSeconds ?? seconds,
			decode: true,
			encode: { size, frameRate, cost: ENCODE_COST.x264.veryfast + (edit.cost ?? 0) },
			audio: audio && !copied,
		}),
	};
}

/**
 * Of an input that is cut, ffmpeg counts the length from its first picture, which may come late, as in MPEG program streams.
 * At the output it counts from the place asked for.
 */
export const noLonger = (seconds: number | undefined): string[] => (seconds === undefined ? [] : ['-t', seconds.toFixed(3)]);

/** For pictures that stand still: as smooth as television. */
export const DEFAULT_FRAME_RATE = 25;
const AUDIO_KBPS = 160;

const soundOptions = ({ audio }: MediaFacts): string[] => (audio ? aac(audio, AUDIO_KBPS) : ['-c:a', 'aac', '-b:a', `${AUDIO_KBPS}k`]);

/** The size of the source as an encoder of 4:2:0 takes it. */
export const evenSize = ({ width, height }: Size): Size => ({ width: evenDown(width), height: evenDown(height) });
