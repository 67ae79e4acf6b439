import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import type { AudioFacts, MediaFacts } from '../../media/facts.ts';
import { withSound } from '../../media/sound.ts';
import { mediaInput } from '../media-input.ts';
import type { MediaOperation } from '../operation.ts';

const seconds = (what: string, preset: number) => z.number().min(0).max(60).default(preset).describe(`${what}, seconds. Default ${preset}.`);

const params = z.strictObject({
	music: mediaInput.describe('The music: `{ "asset_id": … }` or `{ "file_url": … }`; the sound of a video serves as well.'),
	music_volume_db: z.number().min(-60).max(20).default(-12).describe('Change of the volume of the music, dB. Default -12.'),
	duck_db: z.number().min(0).max(40).default(12).describe('By how much the music becomes quieter while somebody speaks, dB. Default 12; 0: not at all.'),
	fade_in: seconds('Fade-in of the music', 1),
	fade_out: seconds('Fade-out of the music', 2),
	loop: z.boolean().default(true).describe('Whether music that is too short begins again. Default true.'),
});
type Params = z.infer<typeof params>;

/**
 * Everything above -48 dBFS counts as speech: the key is raised by 18 dB, the threshold lies at -30. Ordinary speech of
 * -25 dBFS is then 23 dB above it, and a ratio of 20 takes about 22 dB (a factor of 0.08) off; `mix` lets the rest through.
 */
const KEY_GAIN = 8;
const THRESHOLD = 0.0316;
const RATIO = 20;
const FULL_REDUCTION = 0.08;
/** Quick enough for the first syllable; slow enough not to pump between words. */
const [ATTACK_MS, RELEASE_MS] = [30, 500];
/** The sum of both may exceed full scale. */
const NO_CLIPPING = 'alimiter=limit=0.95:level=false:latency=true';

export const mixMusic: MediaOperation<Params> = {
	kind: 'media',
	name: 'mix_music',
	version: 1,
	summary: 'Puts music under speech: it is repeated or cut to the length, and becomes quieter while somebody speaks. The picture is not touched.',
	accepts: ['video', 'audio'],
	params,
	example: { music: { file_url: 'https://example.com/music.mp3' }, music_volume_db: -12, duck_db: 12 },
	produces: '`looped` (whether the music was repeated). Files: `mixed.mp4` or `.webm` of a video, of sound a file of its own format.',
	inputs: ({ music }) => [music],
	plan(facts, wanted, known) {
		const music = known ? musicOf(known.inputs[0]?.facts) : { durationSeconds: facts.durationSeconds, audio: facts.audio };
		// A video without sound has the music alone.
		const audio = facts.audio ?? music.audio;
		if (!audio) throw new PipelineError('input_no_audio', 'Neither this file nor the music has sound.');
		const loops = wanted.loop && music.durationSeconds < facts.durationSeconds;
		const layout = audio.channels > 2 ? { channels: audio.channels, channelLayout: audio.channelLayout ?? `${audio.channels}c` } : { channels: 2, channelLayout: 'stereo' };
		const graph = mixGraph(facts, audio, wanted, {
			layout: layout.channelLayout,
			musicChannels: music.audio?.channels ?? 2,
			musicSeconds: loops ? facts.durationSeconds : Math.min(facts.durationSeconds, music.durationSeconds),
		});
		const made = withSound({ ...facts, audio }, { name: 'mixed', graph, layout, cost: 0.02 });
		return { ...made, inputOptions: [loops ? ['-stream_loop', '-1'] : []], facts: { ...made.facts, looped: loops } };
	},
};

function musicOf(facts: MediaFacts | undefined): { durationSeconds: number; audio: AudioFacts } {
	if (facts?.audio) return { durationSeconds: facts.audio.durationSeconds || facts.durationSeconds, audio: facts.audio };
	throw new PipelineError('input_no_audio', 'The music has no sound. Choose another file for it.', { details: { field: 'params.music' } });
}

function mixGraph(
	{ durationSeconds, audio: speech }: MediaFacts,
	{ sampleRate }: AudioFacts,
	wanted: Params,
	{ layout, musicSeconds, musicChannels }: { layout: string; musicSeconds: number; musicChannels: number },
): string {
	// ffmpeg's own way from mono to stereo makes it 3 dB quieter.
	const shape = (channels: number): string =>
		`aresample=${sampleRate || 48_000}${channels === 1 ? ',pan=stereo|c0=c0|c1=c0' : ''},aformat=sample_fmts=fltp:channel_layouts=${layout}`;
	const whole = `apad,atrim=duration=${fixed(durationSeconds)}`;
	const fadeIn = Math.min(wanted.fade_in, musicSeconds / 2);
	const fadeOut = Math.min(wanted.fade_out, musicSeconds / 2);
	const bed = [
		shape(musicChannels),
		`volume=${wanted.music_volume_db}dB`,
		`atrim=duration=${fixed(musicSeconds)}`,
		...(fadeIn > 0 ? [`afade=t=in:d=${fixed(fadeIn)}`] : []),
		...(fadeOut > 0 ? [`afade=t=out:st=${fixed(musicSeconds - fadeOut)}:d=${fixed(fadeOut)}`] : []),
		whole,
	].join(',');
	if (!speech) return `[a1]${bed},${NO_CLIPPING}[out]`;
	const mix = Math.min(1, (1 - 10 ** (-wanted.duck_db / 20)) / (1 - FULL_REDUCTION));
	const duck = `sidechaincompress=threshold=${THRESHOLD}:ratio=${RATIO}:attack=${ATTACK_MS}:release=${RELEASE_MS}:level_sc=${KEY_GAIN}:mix=${mix.toFixed(4)}`;
	return [
		`[a]aresample=async=1:first_pts=0,${shape(speech.channels)},${whole},asplit[talk][key]`,
		`[a1]${bed}[bed]`,
		`[bed][key]${duck}[ducked]`,
		`[talk][ducked]amix=inputs=2:duration=first:normalize=0,${NO_CLIPPING}[out]`,
	].join(';');
}

const fixed = (value: number): string => value.toFixed(3);
