import { probe } from '../../../../sidecar/src/media/probe.ts';
import { trim } from '../../../../sidecar/src/operations/video/trim.ts';
import { audioFixture } from '../../../fixtures/audio.ts';
import { BRIGHTNESS, editFixture } from '../../../fixtures/edit.ts';
import { fixture, type FixtureName } from '../../../fixtures/media.ts';
import { runOperationOn } from '../../../support/engine.ts';
import { brightness, countFrames } from '../../../support/frames.ts';
import { samplesOf, streamHash } from '../../../support/sound.ts';

const trimmed = (path: string, params: Record<string, unknown>) =>
	runOperationOn(trim, path, params, async ({ files: [file], output }) => {
		const made = file?.path ?? '';
		const facts = await probe(made);
		return { name: file?.name, facts, output, frames: facts.video ? countFrames(made) : 0, levels: facts.video ? brightness(made) : [], samples: facts.audio ? samplesOf(made).length : 0 };
	});
const pictureNumber = (level: number | undefined): number => ((level ?? 0) - BRIGHTNESS.first) / BRIGHTNESS.step;

describe('trim, for real', () => {
	it.each([
		[{ start: 1.2, end: 2.4 }, 30, 30],
		[{ start: '0:00.52', duration: '1' }, 13, 25],
		[{ start: 3.96 }, 99, 1],
		[{ end: 0.4 }, 0, 10],
	])('cuts %j exactly to the picture', async (params, first, count) => {
		const { levels, frames, facts, output } = await trimmed(editFixture('numbered'), params);
		expect(Math.abs(frames - count)).toBeLessThanOrEqual(1);
		expect(Math.abs(pictureNumber(levels[0]) - first)).toBeLessThanOrEqual(1);
		expect(Math.abs(pictureNumber(levels.at(-1)) - (first + count - 1))).toBeLessThanOrEqual(1);
		expect(facts.audio?.codec).toBe('aac');
		expect(output).toMatchObject({ mode: 'accurate', start_seconds: first / 25 });
	});

	it('cuts fast at the key frame before, says so, and copies', async () => {
		const { levels, output, frames } = await trimmed(editFixture('numbered'), { start: 1.2, end: 3, mode: 'fast' });
		expect(pictureNumber(levels[0])).toBeCloseTo(25, 0);
		expect(Math.abs(frames - 50)).toBeLessThanOrEqual(2);
		expect(output).toMatchObject({ mode: 'fast', start_seconds: 1, end_seconds: 3, reason: expect.stringMatching(/key frame: at 1 s, 0\.2 s before/) });
	});

	it('takes a key frame that is asked for exactly', async () => {
		const { output, levels } = await trimmed(editFixture('numbered'), { start: 2, mode: 'fast' });
		expect(output).toMatchObject({ start_seconds: 2 });
		expect(output['reason']).toBeUndefined();
		expect(pictureNumber(levels[0])).toBeCloseTo(50, 0);
	});

	it('copies all streams when nothing is cut off', async () => {
		await runOperationOn(trim, fixture('landscape'), { mode: 'fast' }, async ({ files: [file] }) => {
			for (const stream of ['v', 'a'] as const) expect(streamHash(file?.path ?? '', stream)).toBe(streamHash(fixture('landscape'), stream));
		});
	});

	it.each<[FixtureName, string, string]>([
		['webm', 'trimmed.webm', 'fast'],
		['mkv', 'trimmed.mp4', 'fast'],
		['silent', 'trimmed.mp4', 'fast'],
		['avi', 'trimmed.mp4', 'accurate'],
	])('cuts %s fast into %s (%s)', async (name, file, mode) => {
		const made = await trimmed(fixture(name), { start: 1, mode: 'fast' });
		expect(made).toMatchObject({ name: file, output: { mode } });
		expect(made.facts.durationSeconds).toBeGreaterThan(0.9);
	});

	it.each<[FixtureName, Record<string, unknown>]>([
		['rotated', { width: 720, height: 1280, rotation: 0 }],
		['tenBit', { pixelFormat: 'yuv420p' }],
		['odd', { width: 320, height: 180 }],
		['anamorphic', { width: 768, height: 576 }],
		['gif', { codec: 'h264' }],
	])('cuts %s', async (name, video) => {
		const { facts } = await trimmed(fixture(name), { start: 0.2, duration: 0.5 });
		expect(facts.video).toMatchObject(video);
		expect(facts.durationSeconds).toBeCloseTo(0.5, 1);
	});

	it.each(['accurate', 'fast'])('cuts sound (%s), in its own format', async (mode) => {
		const wav = await trimmed(audioFixture('tone'), { start: 1, duration: 2, mode });
		expect(wav).toMatchObject({ name: 'trimmed.wav', facts: { fileType: 'audio' } });
		expect(Math.abs(wav.samples / 48_000 - 2)).toBeLessThan(mode === 'accurate' ? 0.001 : 0.1);
		const mp3 = await trimmed(fixture('audio'), { start: 1, mode });
		expect(mp3).toMatchObject({ name: 'trimmed.mp3', facts: { video: null } });
		expect(mp3.facts.durationSeconds).toBeCloseTo(2, 0);
	});
});
