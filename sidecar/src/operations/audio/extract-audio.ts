import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import { AUDIO_FORMAT_NAMES, AUDIO_FORMATS, COPY, keptKbps, nearestFormat, type AudioFormat } from '../../media/audio-formats.ts';
import { estimate } from '../../media/codecs.ts';
import { MAX_TRACKS_LISTED, type AudioFacts, type MediaFacts } from '../../media/facts.ts';
import { soundOf } from '../../media/sound.ts';
import type { MediaOperation } from '../operation.ts';

const params = z.strictObject({
	format: z
		.enum(['original', ...AUDIO_FORMAT_NAMES])
		.default('original')
		.describe('Of the result: mp3, m4a_aac, wav, flac or ogg_opus. Default original: as it is, or in the nearest of these.'),
	audio_bitrate_kbps: z
		.int()
		.min(16)
		.max(512)
		.optional()
		.describe('Bitrate of encoded sound in kbit/s; mp3 at most 320. Default: about that of the source. Has no effect on wav, flac and copies.'),
	track: z.int().min(1).max(1000).optional().describe('Which sound track, from 1. Default: the one that players choose.'),
});
type Params = z.infer<typeof params>;

/** Files in which codecs that we do not encode are kept as they are. */
const KEPT: Readonly<Record<string, Pick<AudioFormat, 'extension' | 'mime'>>> = {
	vorbis: { extension: 'ogg', mime: 'audio/ogg' },
	alac: { extension: 'm4a', mime: 'audio/mp4' },
};

export const extractAudio: MediaOperation<Params> = {
	kind: 'media',
	name: 'extract_audio',
	version: 1,
	summary: 'Takes the sound out of a video. It is copied, not encoded, where the format allows it.',
	accepts: ['video', 'audio'],
	params,
	example: { format: 'mp3' },
	plan(facts, wanted) {
		const audio = trackOf(facts, wanted.track);
		const kept = wanted.format === 'original' ? KEPT[audio.codec] : undefined;
		const format: AudioFormat = AUDIO_FORMATS[wanted.format === 'original' ? nearestFormat(audio) : wanted.format];
		const copied = kept !== undefined || format.codecs.includes(audio.codec);
		const { extension, mime } = kept ?? format;
		return {
			outputs: [
				{
					name: `audio.${extension}`,
					kind: 'audio',
					mime,
					...(wanted.track === undefined ? {} : { audioTrack: wanted.track - 1 }),
					options: kept ? [...COPY] : copied ? [...(format.copy ?? COPY)] : format.encode(audio, wanted.audio_bitrate_kbps ?? keptKbps(audio)),
					expectedSeconds: audio.durationSeconds,
				},
			],
			estimatedCpuSeconds: estimate(facts, { seconds: facts.durationSeconds, decode: false, audio: !copied }),
			...(copied ? { reason: `The sound is ${audio.codec} already and is copied.` } : {}),
			facts: { copied: { audio: copied } },
		};
	},
};

/** What is known of a track that the facts are not about is its codec and its channels. */
function trackOf(facts: MediaFacts, track: number | undefined): AudioFacts {
	const audio = soundOf(facts);
	if (track === undefined || track - 1 === audio.track) return audio;
	const found = audio.tracks[track - 1];
	// Earlier facts list none, and no facts list all of very many: ffmpeg then says whether there is one.
	const listed = audio.tracks.length > 0 && audio.tracks.length < MAX_TRACKS_LISTED;
	if (!found && listed)
		throw new PipelineError('invalid_request', `There is no sound track ${track}: this file has ${audio.tracks.length}.`, {
			details: { field: 'params.track', given: track, allowed: `1 to ${audio.tracks.length}` },
		});
	return { ...audio, codec: found?.codec ?? 'unknown', channels: found?.channels ?? 2, bitrate: null, durationSeconds: 0 };
}
