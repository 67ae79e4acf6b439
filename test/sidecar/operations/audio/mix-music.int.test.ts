import { probe } from '../../../../sidecar/src/media/probe.ts';
import { mixMusic } from '../../../../sidecar/src/operations/audio/mix-music.ts';
import { audioFixture, type AudioFixtureName } from '../../../fixtures/audio.ts';
import { fixture } from '../../../fixtures/media.ts';
import { runOperationOn } from '../../../support/engine.ts';
import { channelOf, onsets, rmsDb, samplesOf, streamHash, toneDb } from '../../../support/sound.ts';

const MUSIC = { asset_id: '7b0c7c1e-4c7f-4d0a-9a53-0f5b6c1d2e3f' };
/** The tone that plays the music. */
const HERTZ = 5000;
const RATE = 48_000;

const mixed = (path: string, music: AudioFixtureName, params: Record<string, unknown> = {}) =>
	runOperationOn(
		mixMusic,
		path,
		{ music: MUSIC, fade_in: 0, fade_out: 0, ...params },
		async ({ files: [file], output }) => {
			// The left channel: ffmpeg's sum of both is 3 dB louder.
			const samples = channelOf(samplesOf(file!.path, { channels: 2 }), 0, 2);
			const at = (from: number, to: number): number => toneDb(samples.subarray(from * RATE, to * RATE), HERTZ);
			return { output, facts: await probe(file!.path), samples, at, picture: output['copied'] && (output['copied'] as { video?: boolean }).video ? streamHash(file!.path, 'v') : null };
		},
		[audioFixture(music)],
	);

describe('mix_music, for real', () => {
	it('leaves speech where it is that begins after the picture', async () => {
		const { samples } = await mixed(audioFixture('lateSpeech'), 'music', { music_volume_db: -60 });
		expect(onsets(samples)[0]).toBeCloseTo(2 + onsets(samplesOf(audioFixture('speechMono')))[0]!, 1);
	});

	it('makes the music quieter while somebody speaks, by about what was asked for', async () => {
		const { at, facts, output, samples } = await mixed(audioFixture('speechThenPause'), 'music', { music_volume_db: 0 });
		const pause = at(13, 15);
		expect(pause).toBeCloseTo(-20, 0);
		for (const second of [2, 3, 5, 7]) expect(pause - at(second, second + 1)).toBeGreaterThan(6);
		expect(pause - at(2, 7)).toBeLessThan(14);
		const source = await probe(audioFixture('speechThenPause'));
		expect(Math.abs(facts.durationSeconds - source.durationSeconds)).toBeLessThan(0.01);
		expect(facts.audio?.channels).toBe(2);
		expect(output).toMatchObject({ looped: true });
		expect(samples.some((sample) => Math.abs(sample) > 0.96)).toBe(false);
	});

	it('leaves the music alone when it shall not duck, and the speech in any case', async () => {
		const { at, samples } = await mixed(audioFixture('speechThenPause'), 'music', { music_volume_db: -40, duck_db: 0 });
		expect(Math.abs(at(13, 15) - at(2, 7))).toBeLessThan(1);
		const source = samplesOf(audioFixture('speechThenPause'));
		expect(rmsDb(samples, 2 * RATE, 7 * RATE)).toBeCloseTo(rmsDb(source, 2 * RATE, 7 * RATE), 0);
	});

	it('plays the music once where it shall not loop, and fades it', async () => {
		const once = await mixed(audioFixture('silence'), 'shortMusic', { loop: false, music_volume_db: 0 });
		expect(once.at(0.5, 0.9)).toBeCloseTo(-20, 0);
		expect(once.at(1.5, 2.5)).toBeLessThan(-60);
		const faded = await mixed(audioFixture('silence'), 'shortMusic', { fade_in: 1, fade_out: 1, music_volume_db: 0 });
		expect(faded.at(1.2, 1.8)).toBeCloseTo(-20, 0);
		expect(faded.at(0, 0.2)).toBeLessThan(-30);
		expect(faded.at(2.8, 3)).toBeLessThan(-30);
		expect(faded.output).toMatchObject({ looped: true });
		expect(faded.facts.durationSeconds).toBeCloseTo(3, 2);
	});

	it('never clips', async () => {
		const { samples } = await mixed(audioFixture('veryLoud'), 'music', { music_volume_db: 20, duck_db: 0 });
		expect(samples.some((sample) => Math.abs(sample) > 0.96)).toBe(false);
		expect(rmsDb(samples)).toBeGreaterThan(-20);
	});

	it('copies the picture of a video, and gives one without sound the music alone', async () => {
		const spoken = await mixed(fixture('speech'), 'shortMusic');
		expect(spoken.picture).toBe(streamHash(fixture('speech'), 'v'));
		expect(spoken.facts.durationSeconds).toBeCloseTo(10, 0);
		const silent = await mixed(fixture('silent'), 'music', { music_volume_db: 0 });
		expect(silent.picture).toBe(streamHash(fixture('silent'), 'v'));
		expect(silent.at(0.5, 1.5)).toBeCloseTo(-20, 0);
		expect(silent.facts.durationSeconds).toBeCloseTo(2, 0);
	});

	it('keeps surround sound', async () => {
		expect((await mixed(audioFixture('surroundTones'), 'music')).facts.audio?.channels).toBe(6);
	});

	it('refuses music without sound', async () => {
		await expect(
			runOperationOn(mixMusic, fixture('speech'), { music: MUSIC }, () => Promise.resolve(), [fixture('silent')]),
		).rejects.toMatchObject({ code: 'input_no_audio', message: expect.stringMatching(/music has no sound/) });
	});
});
