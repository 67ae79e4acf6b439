import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { limitProblems } from '../../../../sidecar/src/media/platform-check.ts';
import { VIDEO_PLATFORM_NAMES, VIDEO_PLATFORMS, type VideoPlatform } from '../../../../sidecar/src/media/platform-limits.ts';
import { probe } from '../../../../sidecar/src/media/probe.ts';
import { preset } from '../../../../sidecar/src/operations/video/preset.ts';
import { fixture } from '../../../fixtures/media.ts';
import { packageFixture, type PackageFixture } from '../../../fixtures/package.ts';
import { runOperationOn } from '../../../support/engine.ts';

const startOf = (path: string, stream: string): number =>
	Number(execFileSync('ffprobe', ['-v', 'error', '-select_streams', stream, '-show_entries', 'stream=start_time', '-of', 'csv=p=0', path], { encoding: 'utf8' }));

const SOURCES: PackageFixture[] = ['landscapePost', 'portraitPost', 'squarePost'];
const cases = VIDEO_PLATFORM_NAMES.flatMap((platform) => SOURCES.map((source) => [platform, source] as const));

describe('preset, for real', () => {
	it.each(cases)('makes what %s takes of %s', async (platform, source) => {
		const { video: limits, shapes, noEditLists }: VideoPlatform = VIDEO_PLATFORMS[platform];
		await runOperationOn(preset, packageFixture(source), { platform }, async ({ files, output }) => {
			const path = files[0]?.path ?? '';
			const facts = await probe(path);
			expect(files).toHaveLength(1);
			expect(limitProblems(facts, limits)).toEqual([]);
			const video = facts.video;
			const ratio = (video?.width ?? 0) / (video?.height ?? 1);
			expect(ratio).toBeGreaterThanOrEqual((shapes?.min ?? 0) * 0.99);
			expect(ratio).toBeLessThanOrEqual((shapes?.max ?? Infinity) * 1.01);
			expect(facts.durationSeconds).toBeCloseTo(4.2, 0);
			expect(facts.audio).toMatchObject({ codec: 'aac' });
			expect(output['reason']).toMatch(/complies|Encoded for/);
			// Where the picture moved, sound and picture still begin together.
			expect(Math.abs(startOf(path, 'v:0') - startOf(path, 'a:0'))).toBeLessThan(0.05);
			const bytes = readFileSync(path);
			expect(bytes.indexOf('moov')).toBeLessThan(bytes.indexOf('mdat'));
			if (noEditLists) expect(bytes.includes('elst')).toBe(false);
		});
	});

	it('copies what complies', async () => {
		await runOperationOn(preset, packageFixture('landscapePost'), { platform: 'x' }, async ({ output }) => {
			expect(output).toMatchObject({ copied: { video: true, audio: true }, reason: expect.stringMatching(/complies with what X takes: it is copied/) });
		});
	});

	it.each([
		['mkv', 'linkedin', { codec: 'h264' }],
		['webm', 'instagram_feed', { codec: 'h264' }],
		['rotated', 'facebook_reel', { width: 720, height: 1280 }],
		['gif', 'tiktok', { frameRate: 30 }],
		['tenBit', 'bluesky', { pixelFormat: 'yuv420p' }],
	] as const)('makes of %s what %s takes', async (name, platform, expected) => {
		const { video: limits }: VideoPlatform = VIDEO_PLATFORMS[platform];
		const run = runOperationOn(preset, fixture(name), { platform }, async ({ files }) => {
			const facts = await probe(files[0]?.path ?? '');
			expect(limitProblems(facts, limits)).toEqual([]);
			expect(facts.video).toMatchObject(expected);
		});
		// Two seconds are too short for some.
		if (name === 'mkv' || name === 'webm') await expect(run).rejects.toMatchObject({ code: 'input_unsupported', message: expect.stringMatching(/takes videos of 3 s or more/) });
		else await run;
	});
});
