import { z } from 'zod';
import type { AudioFacts } from '../../media/facts.ts';
import { soundOf, withSound } from '../../media/sound.ts';
import type { MediaOperation } from '../operation.ts';

const CHANNELS = ['mono', 'stereo', 'left', 'right', 'swap', 'surround_5_1'] as const;
type Wanted = (typeof CHANNELS)[number];

const params = z.strictObject({
	channels: z
		.enum(CHANNELS)
		.describe(
			'mono and stereo mix all channels down (or one up); left and right keep one channel, as mono; swap exchanges left and right; surround_5_1 spreads stereo over six channels.',
		),
});
type Params = z.infer<typeof params>;

interface Mix {
	filters: string[];
	layout?: { channels: number; channelLayout: string };
}

const MONO = { channels: 1, channelLayout: 'mono' };
const STEREO = { channels: 2, channelLayout: 'stereo' };
const SURROUND = { channels: 6, channelLayout: '5.1' };

/**
 * Parts of left and right in a mix of 5.1 and 7.1, by number of the channel: ffmpeg keeps FL FR FC LFE BL BR SL SR in this
 * order, and side channels take the place of back ones. Centre and surround at -3 dB (ITU-R BS.775), the bass at -6 dB, so
 * that what was meant to be felt does not drown the voices.
 */
const DOWNMIX = {
	6: ['c0+0.707*c2+0.5*c3+0.707*c4', 'c1+0.707*c2+0.5*c3+0.707*c5'],
	8: ['c0+0.707*c2+0.5*c3+0.5*c4+0.5*c6', 'c1+0.707*c2+0.5*c3+0.5*c5+0.5*c7'],
} as const;

/** The sum of channels can exceed full scale; dividing it instead would make every voice 9 dB quieter. */
const NO_CLIPPING = 'alimiter=limit=0.98:level=false:latency=true';

/** Upmix of stereo as passive decoders do it: centre is what both have in common, surround what they have not. */
const UPMIX = 'pan=5.1|FL=c0|FR=c1|FC=0.354*c0+0.354*c1|LFE=c2|BL=0.354*c0-0.354*c1|BR=0.354*c1-0.354*c0';
/** Upper limit of the bass channel, Hz (ITU-R BS.775). */
const LFE_HZ = 120;

export const audioChannels: MediaOperation<Params> = {
	kind: 'media',
	name: 'audio_channels',
	version: 1,
	summary: 'Changes the channels of the sound: mono, stereo, one side only, sides exchanged, or 5.1. The picture is not touched.',
	accepts: ['video', 'audio'],
	params,
	example: { channels: 'mono' },
	plan(facts, { channels }) {
		const audio = soundOf(facts);
		const nothing = reasonToCopy(audio, channels);
		const { filters, layout } = nothing ? { filters: [] } : mix(audio, channels);
		const made = withSound(facts, { name: 'channels', filters, ...(layout ? { layout } : {}) });
		return { ...made, ...(nothing ? { reason: nothing } : {}), facts: { ...made.facts, channels: layout?.channels ?? audio.channels } };
	},
};

function reasonToCopy({ channels }: AudioFacts, wanted: Wanted): string | undefined {
	if (channels === 1 && wanted !== 'stereo' && wanted !== 'surround_5_1') return 'The sound has one channel only: it stays as it is.';
	if (channels === 2 && wanted === 'stereo') return 'The sound is stereo already: it stays as it is.';
	if (channels === 6 && wanted === 'surround_5_1') return 'The sound has six channels already: it stays as it is.';
	return undefined;
}

function mix({ channels }: AudioFacts, wanted: Wanted): Mix {
	switch (wanted) {
		case 'left':
			return { filters: ['pan=mono|c0=c0'], layout: MONO };
		case 'right':
			return { filters: ['pan=mono|c0=c1'], layout: MONO };
		case 'swap':
			// By number: pan knows no name for "the rest as it is".
			return channels === 2
				? { filters: ['pan=stereo|c0=c1|c1=c0'] }
				: { filters: [`channelmap=map=${['1', '0', ...Array.from({ length: channels - 2 }, (_, i) => i + 2)].map((from, to) => `${from}-${to}`).join('|')}`] };
		case 'mono':
			return { filters: toMono(channels), layout: MONO };
		case 'stereo':
			return { filters: toStereo(channels), layout: STEREO };
		case 'surround_5_1':
			return { filters: [...(channels === 2 ? [] : toStereo(channels)), toSurround], layout: SURROUND };
	}
}

function toStereo(channels: number): string[] {
	if (channels === 1) return ['pan=stereo|c0=c0|c1=c0'];
	const parts = channels === 6 || channels === 8 ? DOWNMIX[channels] : null;
	// Other layouts are rare: ffmpeg's own matrix, which never clips.
	return parts ? [`pan=stereo|c0=${parts[0]}|c1=${parts[1]}`, NO_CLIPPING] : ['aformat=channel_layouts=stereo'];
}

const toMono = (channels: number): string[] => [...(channels === 2 ? [] : toStereo(channels)), 'pan=mono|c0=0.5*c0+0.5*c1'];

const toSurround =
	`asplit[sides][both];[both]pan=mono|c0=0.354*c0+0.354*c1,lowpass=f=${LFE_HZ}[bass];` +
	`[sides][bass]join=inputs=2:channel_layout=2.1:map=0.0-FL|0.1-FR|1.0-LFE,${UPMIX}`;
