import { probe } from '../../../../sidecar/src/media/probe.ts';
import { adaptive } from '../../../../sidecar/src/operations/video/adaptive.ts';
import { concatenate } from '../../../../sidecar/src/operations/video/concatenate.ts';
import { createConvert } from '../../../../sidecar/src/operations/video/convert.ts';
import { filter } from '../../../../sidecar/src/operations/video/filter.ts';
import type { MediaOperation } from '../../../../sidecar/src/operations/operation.ts';
import { preset } from '../../../../sidecar/src/operations/video/preset.ts';
import { preview } from '../../../../sidecar/src/operations/video/preview.ts';
import { previewClip } from '../../../../sidecar/src/operations/video/preview-clip.ts';
import { removeSilence } from '../../../../sidecar/src/operations/video/remove-silence.ts';
import { thumbnail } from '../../../../sidecar/src/operations/video/thumbnail.ts';
import { trim } from '../../../../sidecar/src/operations/video/trim.ts';
import { watermark } from '../../../../sidecar/src/operations/video/watermark.ts';
import { BRIGHTNESS } from '../../../fixtures/edit.ts';
import { oddTimesFixture, type OddTimesFixtureName } from '../../../fixtures/odd-times.ts';
import { runOperationOn } from '../../../support/engine.ts';
import { brightness, colourAt, countFrames, isNear } from '../../../support/frames.ts';
import { onsets, samplesOf } from '../../../support/sound.ts';

const numberOf = (level = 0): number => Math.round((level - BRIGHTNESS.first) / BRIGHTNESS.step);

const look = <P, M>(operation: MediaOperation<P, M>, name: OddTimesFixtureName, params: Record<string, unknown>, inputs: OddTimesFixtureName[] = []) =>
	runOperationOn(
		operation,
		oddTimesFixture(name),
		params,
		async ({ files: [file], output }) => {
			const path = file?.path ?? '';
			const levels = brightness(path);
			return { output, facts: await probe(path), frames: countFrames(path), numbers: levels.map(numberOf), levels };
		},
		inputs.map(oddTimesFixture),
	);

describe('videos of odd times', () => {
	it.each<[OddTimesFixtureName, number]>([
		['transportStream', 10],
		['programStream', 10],
	])('are cut exactly to the picture, without an index: %s', async (name, first) => {
		const { frames, numbers, facts } = await look(trim, name, { start: 0.4, duration: 1 });
		expect(Math.abs((numbers[0] ?? 0) - first)).toBeLessThanOrEqual(1);
		expect(Math.abs(frames - 25)).toBeLessThanOrEqual(1);
		expect(facts.audio?.durationSeconds).toBeCloseTo(1, 1);
	});

	it('are cut to the length asked for where the picture begins late', async () => {
		const { frames, facts } = await look(trim, 'latePicture', { start: 0.3, duration: 0.5 });
		expect(Math.abs(frames - 13)).toBeLessThanOrEqual(1);
		expect(facts.durationSeconds).toBeLessThan(0.6);
	});

	it.each<OddTimesFixtureName>(['transportStream', 'hiddenKey'])('are encoded where a copy has no key frame to begin at: %s', async (name) => {
		const { output, frames } = await look(trim, name, { start: 0.8, end: 1.4, mode: 'fast' });
		expect(output).toMatchObject({ mode: 'accurate', reason: expect.stringContaining('no key frame') });
		expect(Math.abs(frames - 15)).toBeLessThanOrEqual(1);
	});

	it('give the picture of the place asked for', async () => {
		const { numbers } = await look(thumbnail, 'transportStream', { at: 2 });
		// The picture is stored in full range: 16 to 235 become 0 to 255.
		expect(Math.abs((numbers[0] ?? 0) - 50)).toBeLessThan(10);
	});

	it('give parts from all over', async () => {
		const { frames } = await look(previewClip, 'transportStream', { seconds: 1, start: 1.5, format: 'mp4' });
		expect(frames).toBe(10);
	});

	it('keep sound that begins late in step when they are played faster', async () => {
		await runOperationOn(filter, oddTimesFixture('lateSound'), { filters: [{ name: 'speed', factor: 2 }] }, async ({ files: [file], output }) => {
			expect(onsets(samplesOf(file?.path ?? ''))[0]).toBeCloseTo(0.35, 1);
			expect((await probe(file?.path ?? '')).durationSeconds).toBeCloseTo(Number(output['duration_seconds']), 1);
		});
	});

	it('keep a picture that begins late in step when they are played slower', async () => {
		const { levels, facts } = await look(filter, 'latePicture', { filters: [{ name: 'speed', factor: 0.5 }] });
		expect(numberOf(levels[28])).toBe(0);
		expect(numberOf(levels[60])).toBeGreaterThan(10);
		expect(numberOf(levels[60])).toBeLessThan(18);
		expect(facts.video?.durationSeconds).toBeCloseTo(5.2, 0);
	});

	it('are cut where they are silent, although the sound begins late in a transport stream', async () => {
		const { output } = await look(removeSilence, 'lateStream', { padding_seconds: 0 });
		const [first, second] = output['parts'] as Array<{ start_seconds: number; end_seconds: number }>;
		expect(first?.end_seconds).toBeCloseTo(1.3, 1);
		expect(second?.start_seconds).toBeCloseTo(2.8, 1);
	});

	it('are streamed with the sound of a transport stream as it is', async () => {
		await runOperationOn(adaptive, oddTimesFixture('transportStream'), { heights: [144] }, async ({ files }) => {
			expect(files.map(({ name }) => name)).toContain('adaptive/manifest.mpd');
		});
	});

	it.each(['gif', 'webp', 'mp4'])('of one picture become a clip: %s', async (format) => {
		await runOperationOn(previewClip, oddTimesFixture('onePicture'), { format }, async ({ files: [file] }) => {
			expect((await probe(file?.path ?? '')).video).toMatchObject({ width: 160, height: 120 });
		});
	});

	it('of one picture are joined at a rate that is lower than its own', async () => {
		const { facts, frames } = await look(concatenate, 'onePicture', { clips: [{ file_url: 'https://a.test/x' }], frame_rate: 2 }, ['onePicture']);
		expect(facts.video).not.toBeNull();
		expect(frames).toBe(2);
	});
});

describe('transparent videos', () => {
	it.each<OddTimesFixtureName>(['clearRgb', 'clearYuv', 'clearVp9', 'clearVp8'])('become black where MP4 cannot hold their transparency: %s', async (name) => {
		for (const [operation, params] of [[preview, {}], [trim, {}], [preset, { platform: 'bluesky', fit: 'crop' }], [concatenate, { clips: [{ file_url: 'https://a.test/x' }] }]] as const) {
			const { levels } = await look<never, never>(operation as MediaOperation<never, never>, name, params, [name]);
			expect(Math.max(...levels)).toBeLessThanOrEqual(18);
		}
	});

	it.each<OddTimesFixtureName>(['clearRgb', 'clearYuv', 'clearVp9', 'clearVp8'])('leave what lies under them as a logo: %s', async (name) => {
		const { levels } = await look(watermark, 'onePicture', { logo: { file_url: 'https://a.test/x' }, position: 'center', scale: 1, margin: 0 }, [name]);
		expect(levels[0]).toBeLessThan(BRIGHTNESS.first + 3);
	});

	it('stay transparent where they are copied into WebM', async () => {
		const { output, facts } = await look(createConvert(), 'clearVp9', { format: 'webm_vp9' });
		expect(output).toMatchObject({ copied: { video: true } });
		expect(facts.video?.pixelFormat).toBe('yuva420p');
	});

	it('keep their colours where they are opaque', async () => {
		await runOperationOn(preview, oddTimesFixture('opaqueRed'), {}, ({ files: [file] }) => {
			expect(isNear(colourAt(file?.path ?? '', 0.1, 0.5, 0.5), colourAt(oddTimesFixture('opaqueRed'), 0.1, 0.5, 0.5), 5)).toBe(true);
			return Promise.resolve();
		});
	});
});
