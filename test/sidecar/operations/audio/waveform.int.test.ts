import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { readPeaks, type WaveformJson } from '../../../../sidecar/src/media/waveform.ts';
import { waveform } from '../../../../sidecar/src/operations/audio/waveform.ts';
import { audioFixture } from '../../../fixtures/audio.ts';
import { fixture } from '../../../fixtures/media.ts';
import { runOperationOn } from '../../../support/engine.ts';
import { audioFacts, sound, videoFacts } from '../../../support/facts.ts';
import { channelOf, samplesOf } from '../../../support/sound.ts';

const planOf = (facts = videoFacts(), params: Record<string, unknown> = {}) => waveform.plan(facts, waveform.params.parse(params));
const drawn = (path: string, params: Record<string, unknown>) =>
	runOperationOn(waveform, path, params, async ({ files, output }) => {
		const file = (name: string): string => files.find((one) => one.name === name)!.path;
		const { data, info } = await sharp(file('waveform.png')).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
		const pixel = (x: number, y: number): number[] => [...data.subarray((y * info.width + x) * 4, (y * info.width + x) * 4 + 4)];
		return { json: JSON.parse(await readFile(file('waveform.json'), 'utf8')) as WaveformJson, output, info, pixel };
	});

describe('waveform', () => {
	it('makes 20 points per second, and fewer of what is very long', () => {
		expect(planOf().facts).toMatchObject({ samples_per_pixel: 2400, channels: 1 });
		const day = planOf({ ...audioFacts({ durationSeconds: 86_400 }), durationSeconds: 86_400 });
		expect(day.facts).toMatchObject({ samples_per_pixel: Math.ceil((86_400 * 48_000) / 100_000) });
		expect(day.reason).toMatch(/long/);
	});

	it('refuses more peaks than it can hold, and two resolutions at once', () => {
		const hours = videoFacts({ durationSeconds: 7200, audio: sound({ durationSeconds: 7200 }) });
		expect(() => planOf(hours, { points_per_second: 100 })).toThrow(
			expect.objectContaining({ code: 'invalid_request', details: { field: 'params.points_per_second', given: 100, allowed: 'at most 13.88' } }),
		);
		expect(waveform.params.safeParse({ points_per_second: 1, samples_per_pixel: 256 }).success).toBe(false);
		expect(waveform.params.safeParse({ color: 'red:s=1x1' }).success).toBe(false);
	});

	it('refuses a file without sound', () => {
		expect(() => planOf(videoFacts({ audio: null }))).toThrow(expect.objectContaining({ code: 'input_no_audio' }));
	});

	it.each([
		[0.4, 8000, 1800],
		[1, 8000, 1800],
		[0.02, 44_100, 8192],
		[60, 48_000, 1800],
		[7200, 48_000, 16],
	])('draws %d s at %d Hz over all of %d columns, and to the end', (durationSeconds, sampleRate, width) => {
		const filters = planOf({ ...audioFacts({ durationSeconds, sampleRate }), durationSeconds }, { width }).outputs[0]!.graph!.filters;
		const [drawnRate, perColumn] = [Number(/aresample=(\d+)/.exec(filters)![1]), Number(/:n=(\d+)/.exec(filters)![1])];
		const columns = (durationSeconds * drawnRate) / perColumn;
		expect(columns).toBeLessThanOrEqual(width);
		expect(columns).toBeGreaterThan(width - 2);
	});

	it('reads peaks of several channels, and keeps them within their bits', () => {
		const text = 'frame:0 pts:0\nlavfi.astats.1.Min_level=-1.5\nlavfi.astats.1.Max_level=1.0\nlavfi.astats.2.Min_level=-0.5\nlavfi.astats.2.Max_level=0.25\n';
		const { data, length } = readPeaks(text, { channels: 2, sample_rate: 8, samples_per_pixel: 8, bits: 8 });
		expect({ data, length }).toEqual({ data: [-128, 127, -64, 32], length: 1 });
	});
});

describe('waveform, for real', () => {
	it('draws a short sound to its end', async () => {
		const { info, pixel } = await drawn(audioFixture('tooShort'), { width: 4000 });
		const isDrawn = (x: number): boolean => Array.from({ length: info.height }, (_, y) => pixel(x, y)[3]!).filter((alpha) => alpha > 0).length > 2;
		// 88 waves in all: somewhere in each 60 columns is the height of one.
		const parts = [0, 1000, 2000, 3000, 3900].map((from) => Array.from({ length: 60 }, (_, x) => from + x).some(isDrawn));
		expect(parts).toEqual([true, true, true, true, true]);
	});

	it('has the smallest and the largest sample of every point', async () => {
		const path = audioFixture('speechMono');
		const { json, output } = await drawn(path, { samples_per_pixel: 1000, bits: 16 });
		const samples = samplesOf(path);
		const expected = Array.from({ length: Math.ceil(samples.length / 1000) }, (_, point) => {
			const part = samples.subarray(point * 1000, (point + 1) * 1000);
			return [Math.round(Math.min(...part) * 32_768), Math.min(32_767, Math.round(Math.max(...part) * 32_768))];
		}).flat();
		expect(json).toMatchObject({ version: 2, channels: 1, sample_rate: 48_000, samples_per_pixel: 1000, bits: 16, length: expected.length / 2 });
		expect(output).toMatchObject({ points: expected.length / 2 });
		expect(json.data.filter((value, index) => Math.abs(value - expected[index]!) > 1)).toEqual([]);
	});

	it('splits channels on request, else takes their mean', async () => {
		const path = audioFixture('stereoTones');
		const split = (await drawn(path, { split_channels: true, points_per_second: 10, bits: 16 })).json;
		expect(split).toMatchObject({ channels: 2, length: 20 });
		const left = channelOf(samplesOf(path, { channels: 2 }), 0, 2).subarray(0, 4800);
		expect(Math.abs(split.data[1]! - Math.max(...left) * 32_768)).toBeLessThan(2);
		const mean = (await drawn(path, { points_per_second: 10, bits: 16 })).json;
		// Two tones of 0.2 meet at most at 0.2 when halved.
		expect(Math.max(...mean.data)).toBeLessThanOrEqual(0.2 * 32_768);
		expect(Math.max(...mean.data)).toBeGreaterThan(0.15 * 32_768);
	});

	it('draws a picture of the size and colours asked for', async () => {
		const { info, pixel } = await drawn(audioFixture('tone'), { width: 400, height: 101, color: '#ff0000' });
		expect([info.width, info.height]).toEqual([400, 101]);
		expect(pixel(200, 50)).toEqual([255, 0, 0, 255]);
		// A tone of 1/8 fills an eighth of the height.
		expect(pixel(200, 47)).toEqual([255, 0, 0, 255]);
		expect(pixel(200, 30)[3]).toBe(0);
		expect(pixel(399, 50)[3]).toBe(255);
		const onWhite = await drawn(audioFixture('tone'), { width: 400, height: 101, color: '#ff0000', background: '#00ff00' });
		expect([onWhite.pixel(200, 50), onWhite.pixel(200, 5)]).toEqual([
			[255, 0, 0, 255],
			[0, 255, 0, 255],
		]);
	});

	it.each(['landscape', 'webmWithoutDuration', 'longSound', 'mkv'] as const)('draws the sound of %s', async (name) => {
		const { json, pixel, info } = await drawn(fixture(name), { width: 300 });
		expect(json.length).toBeGreaterThan(30);
		expect(pixel(150, Math.floor(info.height / 2))[3]).toBe(255);
	});
});
