import { normalizeLoudness } from '../../../../sidecar/src/operations/audio/normalize-loudness.ts';
import { probe } from '../../../../sidecar/src/media/probe.ts';
import { audioFixture, type AudioFixtureName } from '../../../fixtures/audio.ts';
import { fixture } from '../../../fixtures/media.ts';
import { runOperationOn } from '../../../support/engine.ts';
import { measured, streamHash } from '../../../support/sound.ts';

const normalized = (path: string, params: Record<string, unknown> = {}) =>
	runOperationOn(normalizeLoudness, path, params, async ({ files, output }) => {
		expect(files).toHaveLength(1);
		const { path: made, name } = files[0]!;
		const facts = await probe(made);
		return { name, facts, output, ...measured(made), picture: facts.video ? streamHash(made, 'v') : '' };
	});

describe('normalize_loudness, for real', () => {
	const cases: Array<[AudioFixtureName, number, string]> = [
		['speechMono', -14, 'limited'],
		['speechMono', -23, 'linear'],
		['speechMp3', -14, 'limited'],
		['speechMp3', -23, 'linear'],
		['speechFlac', -16, 'limited'],
		['speechM4a', -14, 'limited'],
		['veryQuiet', -14, 'limited'],
		['veryQuiet', -24, 'linear'],
		['veryLoud', -14, 'linear'],
		['aboveFullScale', -23, 'linear'],
		['wideRange', -23, 'linear'],
		['tone', -14, 'linear'],
		['surroundTones', -14, 'linear'],
		['surroundWav', -23, 'linear'],
	];
	it.each(cases)('brings %s to %d LUFS below the true peak (%s), and reports what came out', async (name, target, mode) => {
		const source = await probe(audioFixture(name));
		const { lufs, truePeak, facts, output } = await normalized(audioFixture(name), { target_lufs: target });
		expect(Math.abs(lufs - target)).toBeLessThanOrEqual(1);
		expect(truePeak).toBeLessThanOrEqual(-1 + 0.3);
		expect(facts.audio).toMatchObject({ channels: source.audio?.channels, sampleRate: source.audio?.sampleRate });
		expect(facts.durationSeconds).toBeCloseTo(source.durationSeconds, 1);
		expect(output).toMatchObject({ mode, target_lufs: target });
		const { after } = output as { after: { integrated_lufs: number; true_peak_dbtp: number } };
		// LAME makes everything of 128 kbit/s 0.45 dB quieter.
		expect(Math.abs(after.integrated_lufs - lufs)).toBeLessThanOrEqual(0.5);
	});

	it('keeps the picture of a video as it is', async () => {
		const { lufs, facts, picture, output, name } = await normalized(fixture('speech'), { target_lufs: -17 });
		expect(Math.abs(lufs + 17)).toBeLessThanOrEqual(1);
		expect(name).toBe('normalized.mp4');
		expect(facts.video).toMatchObject({ codec: 'h264', width: 1280 });
		expect(picture).toBe(streamHash(fixture('speech'), 'v'));
		expect(output).toMatchObject({ copied: { video: true, audio: false } });
	});

	it('keeps VP9 in WebM, and encodes a picture that no container takes', async () => {
		const webm = await normalized(fixture('webm'));
		expect(webm).toMatchObject({ name: 'normalized.webm', picture: streamHash(fixture('webm'), 'v') });
		const avi = await normalized(fixture('avi'));
		expect(avi).toMatchObject({ name: 'normalized.mp4', facts: { video: { codec: 'h264' } } });
	});

	it.each([
		['silence', /only silence/],
		['tooShort', /0\.4 s/],
	] as const)('copies %s, and says why', async (name, reason) => {
		const { output, facts } = await normalized(audioFixture(name));
		expect(output).toMatchObject({ mode: 'copied', reason: expect.stringMatching(reason), before: { integrated_lufs: null } });
		expect(facts.audio?.codec).toBe('pcm_s16le');
	});

	it('copies sound that fits already', async () => {
		const { output, facts } = await normalized(audioFixture('tone'), { target_lufs: -22 });
		expect(output).toMatchObject({ mode: 'copied', reason: expect.stringMatching(/-21\.8 LUFS already/) });
		expect(facts.audio?.codec).toBe('pcm_s16le');
	});

	it('compresses a range that is too wide', async () => {
		const { range, lufs } = await normalized(audioFixture('wideRange'), { target_lufs: -23, loudness_range_lu: 5 });
		expect(measured(audioFixture('wideRange')).range - range).toBeGreaterThan(1);
		expect(Math.abs(lufs + 23)).toBeLessThanOrEqual(1);
	});

	it('says when the peaks are too high to reach the target', async () => {
		const { output, truePeak } = await normalized(audioFixture('clicks'));
		expect(output).toMatchObject({ mode: 'limited', reason: expect.stringMatching(/peaks are too high/) });
		expect(truePeak).toBeLessThanOrEqual(-1 + 0.3);
	});

	it('refuses a video without sound', async () => {
		await expect(normalized(fixture('silent'))).rejects.toMatchObject({ code: 'input_no_audio' });
	});
});
