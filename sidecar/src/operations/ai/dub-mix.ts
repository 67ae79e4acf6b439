import type { AudioFacts, MediaFacts } from '../../media/facts.ts';
import { measureLoudness, type Loudness } from '../../media/loudness.ts';
import type { MediaPlan, PlannedOutput } from '../../media/plan.ts';
import { withSound } from '../../media/sound.ts';
import { trackLanguage } from '../../media/track-languages.ts';

/** Plans of a dub's last steps. Pure. */

export const RESULT = 'dubbed';
/** Louder than this, room noise would be what one hears. */
const MOST_GAIN_DB = 24;
const MOST_ORIGINAL_GAIN_DB = 9;
const STEREO = 'aformat=sample_fmts=fltp:channel_layouts=stereo';
/** 1 dB below full scale: encoders overshoot by less. */
const LIMITER = 'alimiter=limit=0.89:level=false:latency=true';

/** Measures the loudness of a whole file, the voice of a track (`left`) or all of it. */
export const measurePlan = (facts: MediaFacts, left: boolean): MediaPlan => ({
	estimatedCpuSeconds: 0.2 + facts.durationSeconds * 0.02,
	outputs: [
		{
			name: 'loudness.txt',
			kind: 'text',
			mime: 'text/plain',
			audioFilters: [...(left ? ['pan=stereo|c0=c0|c1=c0'] : [STEREO]), ...measureLoudness(2)],
			options: ['-vn'],
			expectedSeconds: facts.durationSeconds,
		},
	],
});

/** What makes a sound as loud as is wanted. Silence stays silence. */
export const gainTo = (target: number, { integratedLufs }: Loudness, original = false): number =>
	integratedLufs === null ? 0 : Math.min(original ? MOST_ORIGINAL_GAIN_DB : MOST_GAIN_DB, target - integratedLufs);

export interface Mix {
	/** ISO 639-1 of the new sound. */
	language: string;
	/** over: the original is heard beneath; replace: it is not. */
	mode: 'over' | 'replace';
	/** dB */
	voiceGain: number;
	originalGain: number;
	/** The original sound as a second track, where the file is a video. */
	keepOriginal: boolean;
	/** The further input is a finished sound, not a track of voice and gain. */
	finished: boolean;
}

/** The video as it is, with a new sound. `[a1]` is the voice track (dub-voice.ts), or a finished sound. */
export function mixPlan(facts: MediaFacts, mix: Mix): MediaPlan {
	const audio: AudioFacts = facts.audio ?? { codec: 'aac', channels: 2, channelLayout: 'stereo', sampleRate: 48_000, bitrate: null, durationSeconds: facts.durationSeconds, startSeconds: 0, track: 0, tracks: [] };
	const layout = { channels: 2, channelLayout: 'stereo' };
	const made = withSound({ ...facts, audio: { ...audio, sampleRate: 48_000 } }, { name: RESULT, graph: graphOf(facts, mix), layout, cost: 0.04 });
	const [output] = made.outputs;
	return { ...made, outputs: output ? [tagged(output, facts, mix)] : [] };
}

function graphOf(facts: MediaFacts, { mode, voiceGain, originalGain, finished }: Mix): string {
	const whole = `apad,atrim=duration=${facts.durationSeconds.toFixed(3)}`;
	const end = `${LIMITER},${measureLoudness(2).join(',')}[out]`;
	if (finished) return `[a1]aresample=48000,${STEREO},${whole},volume=${voiceGain.toFixed(2)}dB,${end}`;
	const voice = `pan=stereo|c0=c0|c1=c0,${STEREO},volume=${voiceGain.toFixed(2)}dB`;
	if (mode === 'replace' || !facts.audio) return `[a1]${voice},${whole},${end}`;
	return [
		'[a1]asplit[said][level]',
		`[said]${voice}[voice]`,
		`[level]pan=stereo|c0=c1|c1=c1,${STEREO}[gain]`,
		`[a]aresample=48000:async=1:first_pts=0,${STEREO},volume=${originalGain.toFixed(2)}dB,${whole}[whole]`,
		'[whole][gain]amultiply[ducked]',
		`[voice][ducked]amix=inputs=2:duration=longest:normalize=0,${whole},${end}`,
	].join(';');
}

function tagged(output: PlannedOutput, facts: MediaFacts, { language, keepOriginal }: Mix): PlannedOutput {
	const tags = ['-metadata:s:a:0', `language=${trackLanguage(language)}`];
	if (!keepOriginal || output.kind !== 'video' || !facts.audio || !output.graph) return { ...output, options: [...output.options, ...tags] };
	const spoken = facts.audio.tracks[facts.audio.track]?.language;
	const copied = output.name.endsWith('.webm') ? ['opus', 'vorbis'] : ['aac', 'mp3', 'ac3', 'eac3'];
	return {
		...output,
		graph: { ...output.graph, map: [...output.graph.map, 'a'] },
		options: [
			...output.options,
			...(copied.includes(facts.audio.codec) ? ['-c:a:1', 'copy'] : []),
			...tags,
			...(spoken ? ['-metadata:s:a:1', `language=${spoken}`] : []),
			...['-metadata:s:a:1', 'title=Original', '-disposition:a:0', 'default', '-disposition:a:1', '0'],
		],
	};
}
