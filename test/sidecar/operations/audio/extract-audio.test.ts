import { probe } from '../../../../sidecar/src/media/probe.ts';
import { extractAudio } from '../../../../sidecar/src/operations/audio/extract-audio.ts';
import { audioFixture } from '../../../fixtures/audio.ts';
import { fixture } from '../../../fixtures/media.ts';
import { runOperationOn } from '../../../support/engine.ts';
import { audioFacts, sound, videoFacts } from '../../../support/facts.ts';
import { samplesOf, streamHash, toneDb } from '../../../support/sound.ts';

const planOf = (facts = videoFacts(), params: Record<string, unknown> = {}) => extractAudio.plan(facts, extractAudio.params.parse(params)).outputs[0]!;
const withAudio = (changes: Parameters<typeof sound>[0]) => videoFacts({ audio: sound(changes) });

describe('extract_audio', () => {
	it.each([
		['aac', 'audio.m4a', true],
		['mp3', 'audio.mp3', true],
		['opus', 'audio.ogg', true],
		['vorbis', 'audio.ogg', true],
		['flac', 'audio.flac', true],
		['alac', 'audio.m4a', true],
		['pcm_s16le', 'audio.wav', true],
		['pcm_s16be', 'audio.wav', false],
		['ac3', 'audio.m4a', false],
		['wmav2', 'audio.m4a', false],
	])('makes of %s a file called %s, copied: %s', (codec, name, copied) => {
		const output = planOf(withAudio({ codec }));
		expect(output).toMatchObject({ name, kind: 'audio' });
		expect(output.options.includes('copy')).toBe(copied);
	});

	it('copies what is in the format that was asked for, and encodes the rest', () => {
		expect(planOf(videoFacts(), { format: 'm4a_aac' }).options).toEqual(['-c:a', 'copy']);
		expect(planOf(videoFacts(), { format: 'mp3', audio_bitrate_kbps: 512 }).options.join(' ')).toBe('-c:a libmp3lame -b:a 320k');
		expect(planOf(videoFacts(), { format: 'flac' }).options.join(' ')).toBe('-c:a flac -sample_fmt s16');
		expect(planOf(withAudio({ codec: 'pcm_s24le' }), { format: 'flac' }).options.join(' ')).toBe('-c:a flac');
		expect(planOf(videoFacts(), { format: 'ogg_opus' }).mime).toBe('audio/ogg');
		expect(planOf(audioFacts(), { format: 'wav' }).name).toBe('audio.wav');
	});

	it('asks of an encoder no more than it can do', () => {
		const opusOf = (changes: Parameters<typeof sound>[0]): string => planOf(withAudio({ codec: 'mp3', ...changes }), { format: 'ogg_opus', audio_bitrate_kbps: 512 }).options.join(' ');
		expect(opusOf({ channels: 1, channelLayout: 'mono' })).toContain('-b:a 256k');
		expect(opusOf({ channels: 2 })).toContain('-b:a 512k');
	});

	it('copies more than 4 GB into a WAV, too', () => {
		expect(planOf(withAudio({ codec: 'pcm_s24le' })).options.join(' ')).toBe('-c:a copy -rf64 auto');
		expect(planOf(videoFacts(), { format: 'wav' }).options.join(' ')).toBe('-c:a pcm_s16le -rf64 auto');
	});

	it('refuses a file without sound, and a track that is not there', () => {
		expect(() => planOf(videoFacts({ audio: null }))).toThrow(expect.objectContaining({ code: 'input_no_audio' }));
		expect(() => planOf(videoFacts(), { track: 2 })).toThrow(
			expect.objectContaining({ code: 'invalid_request', details: expect.objectContaining({ field: 'params.track', allowed: '1 to 1' }) }),
		);
		expect(planOf(withAudio({ tracks: [] }), { track: 2 })).toMatchObject({ audioTrack: 1 });
	});
});

describe('extract_audio, for real', () => {
	const extracted = <T>(path: string, params: Record<string, unknown>, look: (made: string) => T) =>
		runOperationOn(extractAudio, path, params, async ({ files: [file] }) => ({ ...(await probe(file!.path)), name: file!.name, seen: look(file!.path) }));

	it('copies the sound of a video bit by bit', async () => {
		const made = await extracted(fixture('landscape'), {}, (path) => streamHash(path, 'a'));
		expect(made).toMatchObject({ fileType: 'audio', name: 'audio.m4a', seen: streamHash(fixture('landscape'), 'a') });
	});

	it.each([
		['mp3', 'mp3'],
		['m4a_aac', 'aac'],
		['wav', 'pcm_s16le'],
		['flac', 'flac'],
		['ogg_opus', 'opus'],
	])('makes %s of the sound of WebM', async (format, codec) => {
		const { audio, fileType, durationSeconds } = await extracted(fixture('webm'), { format }, () => null);
		expect({ fileType, codec: audio?.codec }).toEqual({ fileType: 'audio', codec });
		expect(durationSeconds).toBeCloseTo(2, 0);
	});

	it.each([
		[1, 300, 'aac'],
		[2, 500, 'vorbis'],
	])('takes track %d', async (track, hertz, codec) => {
		const { audio, seen } = await extracted(audioFixture('twoTracks'), { track }, (path) => samplesOf(path));
		expect(audio?.codec).toBe(codec);
		expect(toneDb(seen, hertz) - toneDb(seen, hertz === 300 ? 500 : 300)).toBeGreaterThan(30);
	});
});
