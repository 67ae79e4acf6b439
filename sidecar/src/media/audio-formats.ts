import { aac, sampleRate, stereo } from './codecs.ts';
import type { AudioFacts } from './facts.ts';

/** Files that hold sound only: how each is encoded, and which streams fit into it as they are. Pure. */
export interface AudioFormat {
	extension: string;
	mime: string;
	/** Codecs (ffprobe's names) that are copied. */
	codecs: readonly string[];
	/** @param kbps without meaning for lossless formats */
	encode(audio: AudioFacts, kbps: number): string[];
	/** Instead of encoding, for what is in `codecs`. Default COPY. */
	copy?: readonly string[];
}

/** libmp3lame's highest rate. */
const MP3_MAX_KBPS = 320;

/** libopus refuses more than this for each channel. */
const OPUS_MAX_KBPS = 256;

/** Opus has five rates of its own and plays all at 48 kHz. Of the surround layouts its encoder takes 5.1, but not 5.1(side). */
export const opus = (audio: AudioFacts, kbps: number): string[] => [
	...['-c:a', 'libopus', '-b:a', `${Math.min(kbps, OPUS_MAX_KBPS * Math.max(1, audio.channels))}k`, '-ar', '48000'],
	...(audio.channelLayout === '5.1' ? [] : stereo(audio)),
];

const LOSSLESS = /^(pcm_|flac|alac|ape|tta|wavpack|truehd)/;
export const isLossless = ({ codec }: AudioFacts): boolean => LOSSLESS.test(codec);
/** Decoders of lossy sound give floats, which the FLAC encoder would keep as 24 bits of nothing but rounding. */
const sixteenBits = (audio: AudioFacts): string[] => (isLossless(audio) ? [] : ['-sample_fmt', 's16']);

export const COPY: readonly string[] = ['-c:a', 'copy'];
/** More than 4 GB does not fit into a WAV: RF64 is written where it is needed. */
const BEYOND_4_GB = ['-rf64', 'auto'];

export const AUDIO_FORMATS = {
	mp3: {
		extension: 'mp3',
		mime: 'audio/mpeg',
		codecs: ['mp3'],
		encode: (audio, kbps) => [
			...['-c:a', 'libmp3lame', '-b:a', `${Math.min(kbps, MP3_MAX_KBPS)}k`],
			...sampleRate(audio),
			...stereo(audio),
		],
	},
	m4a_aac: { extension: 'm4a', mime: 'audio/mp4', codecs: ['aac'], encode: aac },
	wav: {
		extension: 'wav',
		mime: 'audio/wav',
		codecs: ['pcm_s16le', 'pcm_s24le'],
		encode: ({ codec }) => ['-c:a', /^pcm_(s24|s32|f32)/.test(codec) ? 'pcm_s24le' : 'pcm_s16le', ...BEYOND_4_GB],
		copy: ['-c:a', 'copy', ...BEYOND_4_GB],
	},
	flac: { extension: 'flac', mime: 'audio/flac', codecs: ['flac'], encode: (audio) => ['-c:a', 'flac', ...sixteenBits(audio)] },
	ogg_opus: { extension: 'ogg', mime: 'audio/ogg', codecs: ['opus'], encode: opus },
} as const satisfies Record<string, AudioFormat>;
export type AudioFormatName = keyof typeof AUDIO_FORMATS;
export const AUDIO_FORMAT_NAMES = Object.keys(AUDIO_FORMATS) as [AudioFormatName, ...AudioFormatName[]];

/** The format in which changed sound stays what it was, as far as it can. */
export function nearestFormat({ codec, channels, channelLayout }: AudioFacts): AudioFormatName {
	if (codec === 'mp3') return channels > 2 ? 'm4a_aac' : 'mp3';
	if (codec.startsWith('pcm_')) return 'wav';
	if (LOSSLESS.test(codec)) return 'flac';
	return (codec === 'opus' || codec === 'vorbis') && (channels <= 2 || channelLayout === '5.1') ? 'ogg_opus' : 'm4a_aac';
}

/** Where the source does not say: transparent for stereo in every codec here. */
const DEFAULT_KBPS = 192;
/** Below this, a second encoding is heard. */
const LEAST_KBPS = 128;

/** About the bitrate of the source, so that encoding again costs little; per channel pair above stereo. */
export function keptKbps({ bitrate, channels, codec }: AudioFacts): number {
	const pairs = Math.max(1, channels / 2);
	if (bitrate === null || LOSSLESS.test(codec)) return Math.round(Math.min(512, DEFAULT_KBPS * pairs));
	return Math.round(Math.min(512, Math.max(LEAST_KBPS * pairs, bitrate / 1000)));
}
