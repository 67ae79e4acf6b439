import { probe } from '../../../../sidecar/src/media/probe.ts';
import { audioChannels } from '../../../../sidecar/src/operations/audio/audio-channels.ts';
import { audioFixture, CHANNEL_TONES, type AudioFixtureName } from '../../../fixtures/audio.ts';
import { fixture } from '../../../fixtures/media.ts';
import { runOperationOn } from '../../../support/engine.ts';
import { channelOf, samplesOf, streamHash, toneDb } from '../../../support/sound.ts';

/** A tone of 0.2 in the fixtures. */
const TONE_DB = 20 * Math.log10(0.2);
const ABSENT = -70;
const [FL, FR, FC, LFE, BL, BR] = CHANNEL_TONES;

/** By channel of the result: strength of each channel's tone against what it was, dB; null where it is gone. */
const heard = (name: AudioFixtureName, channels: string) =>
	runOperationOn(audioChannels, audioFixture(name), { channels }, async ({ files: [file], output }) => {
		const { audio } = await probe(file!.path);
		const count = audio!.channels;
		const samples = samplesOf(file!.path, { channels: count });
		const tones = Array.from({ length: count }, (_, channel) => {
			// The middle: encoders fade in.
			const one = channelOf(samples, channel, count).subarray(24_000, 72_000);
			return Object.fromEntries(CHANNEL_TONES.map((hertz) => [hertz, toneDb(one, hertz) - TONE_DB]).filter(([, db]) => db! > ABSENT + 30));
		});
		return { audio: audio!, output, tones };
	});
const about = (db: number): unknown => ({ asymmetricMatch: (value: unknown) => Math.abs((value as number) - db) < 0.6, toString: () => `about ${db} dB` });

describe('audio_channels, for real', () => {
	it.each(['stereo', 'mono'])('does not clip when loud channels meet in %s', async (channels) => {
		await runOperationOn(audioChannels, audioFixture('loudSurround'), { channels }, ({ files: [file] }) => {
			const most = samplesOf(file!.path, { channels: channels === 'mono' ? 1 : 2 }).reduce((max, sample) => Math.max(max, Math.abs(sample)), 0);
			expect(most).toBeGreaterThan(0.9);
			expect(most).toBeLessThan(0.99);
			return Promise.resolve();
		});
	});

	it.each([
		['mono', [{ [FL]: about(-6), [FR]: about(-6) }]],
		['left', [{ [FL]: about(0) }]],
		['right', [{ [FR]: about(0) }]],
		['swap', [{ [FR]: about(0) }, { [FL]: about(0) }]],
		['stereo', [{ [FL]: about(0) }, { [FR]: about(0) }]],
	])('makes %s of stereo', async (channels, expected) => {
		const { tones } = await heard('stereoTones', channels);
		expect(tones).toEqual(expected);
	});

	it('spreads stereo over six channels: common in the centre, difference behind', async () => {
		const { tones, audio } = await heard('stereoTones', 'surround_5_1');
		expect(audio.channelLayout).toBe('5.1');
		const nine = about(-9);
		expect([tones[0], tones[1], tones[2], tones[4], tones[5]]).toEqual([
			{ [FL]: about(0) },
			{ [FR]: about(0) },
			{ [FL]: nine, [FR]: nine },
			{ [FL]: nine, [FR]: nine },
			{ [FL]: nine, [FR]: nine },
		]);
		// 300 and 500 Hz are far above the bass.
		expect(tones[3]![FL]).toBeLessThan(-20);
	});

	it.each<AudioFixtureName>(['surroundTones', 'surroundWav'])('mixes %s down with centre, bass and surround', async (name) => {
		const { tones } = await heard(name, 'stereo');
		// AC-3 keeps no more than the bass in its bass channel.
		const bass = name === 'surroundWav' ? { [LFE]: about(-6) } : {};
		expect(tones).toEqual([
			{ [FL]: about(0), [FC]: about(-3), [BL]: about(-3), ...bass },
			{ [FR]: about(0), [FC]: about(-3), [BR]: about(-3), ...bass },
		]);
	});

	it('exchanges the front sides of surround sound and leaves the rest', async () => {
		const { tones } = await heard('surroundWav', 'swap');
		expect(tones).toEqual([FR, FL, FC, LFE, BL, BR].map((hertz) => ({ [hertz]: about(0) })));
	});

	it('plays mono on both sides, and spreads it', async () => {
		expect((await heard('tone', 'stereo')).audio.channels).toBe(2);
		expect((await heard('tone', 'surround_5_1')).audio.channels).toBe(6);
	});

	it.each([
		['tone', 'left'],
		['tone', 'mono'],
		['stereoTones', 'stereo'],
		['surroundWav', 'surround_5_1'],
	] as const)('leaves %s alone for %s, and says so', async (name, channels) => {
		const { output } = await heard(name, channels);
		expect(output).toMatchObject({ reason: expect.stringMatching(/stays as it is/), copied: { audio: true } });
	});

	it.each(['landscape', 'webm'] as const)('copies the picture of %s, and makes 5.1 in its container', async (name) => {
		await runOperationOn(audioChannels, fixture(name), { channels: 'surround_5_1' }, async ({ files: [file] }) => {
			expect(streamHash(file!.path, 'v')).toBe(streamHash(fixture(name), 'v'));
			expect((await probe(file!.path)).audio).toMatchObject({ channels: 6, codec: name === 'webm' ? 'opus' : 'aac' });
		});
	});

	it('makes 5.1 of MP3 as M4A, which MP3 cannot hold', async () => {
		await runOperationOn(audioChannels, audioFixture('speechMp3'), { channels: 'surround_5_1' }, async ({ files: [file] }) => {
			expect((await probe(file!.path)).audio).toMatchObject({ codec: 'aac', channels: 6 });
		});
	});
});
