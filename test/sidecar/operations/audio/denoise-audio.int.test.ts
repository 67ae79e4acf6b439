import { probe } from '../../../../sidecar/src/media/probe.ts';
import { denoiseAudio } from '../../../../sidecar/src/operations/audio/denoise-audio.ts';
import { audioFixture, type AudioFixtureName } from '../../../fixtures/audio.ts';
import { fixture } from '../../../fixtures/media.ts';
import { runOperationOn } from '../../../support/engine.ts';
import { videoFacts } from '../../../support/facts.ts';
import { channelOf, onsets, rmsDb, samplesOf, streamHash } from '../../../support/sound.ts';

/** Scale-invariant signal to distortion, dB, without any shift: a result that lags behind has a poor one. */
function siSdr(reference: Float32Array, estimate: Float32Array): number {
	const length = Math.min(reference.length, estimate.length);
	let [both, own] = [0, 0];
	for (let i = 0; i < length; i++) {
		both += reference[i]! * estimate[i]!;
		own += reference[i]! ** 2;
	}
	const scale = both / own;
	let [signal, distortion] = [0, 0];
	for (let i = 0; i < length; i++) {
		signal += (scale * reference[i]!) ** 2;
		distortion += (estimate[i]! - scale * reference[i]!) ** 2;
	}
	return 10 * Math.log10(signal / distortion);
}

const denoised = (name: AudioFixtureName, engine: string) =>
	runOperationOn(denoiseAudio, audioFixture(name), { engine }, async ({ files: [file], output }) => {
		const { audio, durationSeconds } = await probe(file!.path);
		return { output, audio: audio!, durationSeconds, samples: samplesOf(file!.path, { channels: audio!.channels }) };
	});

describe('denoise_audio, for real', () => {
	const clean = samplesOf(audioFixture('speechMono'));
	const before = siSdr(clean, samplesOf(audioFixture('noisy')));

	it.each([
		['gtcrn', 'gtcrn', 8],
		['auto', 'gtcrn', 8],
		['ffmpeg', 'ffmpeg', 3],
	])('improves speech in white noise with %s, and does not shift it', async (engine, used, gain) => {
		const { output, samples } = await denoised('noisy', engine);
		expect(before).toBeCloseTo(5, 0);
		expect(output['engine']).toBe(used);
		expect(siSdr(clean, samples) - before).toBeGreaterThan(gain);
		expect(Math.abs(samples.length - clean.length)).toBeLessThanOrEqual(1);
	});

	it('keeps channels apart, and the rate', async () => {
		const { audio, samples } = await denoised('noisyLeft', 'gtcrn');
		expect(audio).toMatchObject({ channels: 2, codec: 'pcm_s16le' });
		expect(siSdr(clean, channelOf(samples, 0, 2)) - before).toBeGreaterThan(8);
		expect(rmsDb(channelOf(samples, 1, 2))).toBeLessThan(-70);
		expect((await denoised('speechMp3', 'gtcrn')).audio).toMatchObject({ codec: 'mp3', sampleRate: 44_100 });
	});

	it.each(['gtcrn', 'ffmpeg'])('leaves clean speech and digital silence nearly as they are with %s', async (engine) => {
		expect(siSdr(clean, (await denoised('speechMono', engine)).samples)).toBeGreaterThan(10);
		expect(rmsDb((await denoised('silence', engine)).samples)).toBeLessThan(-70);
	});

	it.each(['gtcrn', 'ffmpeg'])('copies the picture of a video with %s', async (engine) => {
		await runOperationOn(denoiseAudio, fixture('speech'), { engine }, async ({ files, output }) => {
			expect(files.map(({ name }) => name)).toEqual(['denoised.mp4']);
			expect(streamHash(files[0]!.path, 'v')).toBe(streamHash(fixture('speech'), 'v'));
			expect(output).toMatchObject({ engine, copied: { video: true, audio: false } });
			expect((await probe(files[0]!.path)).durationSeconds).toBeCloseTo(10, 0);
		});
	});

	it.each(['gtcrn', 'ffmpeg'])('leaves sound where it is that begins after the picture, with %s', async (engine) => {
		await runOperationOn(denoiseAudio, audioFixture('lateSpeech'), { engine }, ({ files: [file], cpuSeconds }) => {
			const [first] = onsets(samplesOf(file!.path, { filters: 'aresample=async=1:first_pts=0' }));
			expect(first).toBeCloseTo(2 + onsets(clean)[0]!, 1);
			expect(cpuSeconds).toBeGreaterThan(0);
			return Promise.resolve();
		});
	});

	it('refuses a video without sound', async () => {
		await expect(runOperationOn(denoiseAudio, fixture('silent'), {}, () => Promise.resolve())).rejects.toMatchObject({ code: 'input_no_audio' });
		expect(() => denoiseAudio.plan(videoFacts({ audio: null }), denoiseAudio.params.parse({}))).toThrow(expect.objectContaining({ code: 'input_no_audio' }));
	});
});
