import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { probe } from '../../../../sidecar/src/media/probe.ts';
import { previewClip } from '../../../../sidecar/src/operations/video/preview-clip.ts';
import { fixture } from '../../../fixtures/media.ts';
import { packageFixture } from '../../../fixtures/package.ts';
import { runOperationOn } from '../../../support/engine.ts';

const loops = (path: string): string => readFileSync(path).toString('latin1');

describe('preview_clip, for real', () => {
	it('makes a GIF of the colours it says it shows', async () => {
		await runOperationOn(previewClip, packageFixture('longColours'), { fps: 5, width: 80 }, async ({ files, output }) => {
			const path = files[0]?.path ?? '';
			const pixel = (file: string, second: number): number[] => [
				...execFileSync('ffmpeg', ['-v', 'error', '-ss', String(second), '-i', file, '-frames:v', '1', '-vf', 'scale=1:1', '-pix_fmt', 'rgb24', '-f', 'rawvideo', '-']),
			];
			const parts = output['parts'] as Array<{ start_seconds: number }>;
			expect(parts).toHaveLength(4);
			for (const [index, { start_seconds: start }] of parts.entries()) {
				const [shown, there] = [pixel(path, index + 0.1), pixel(packageFixture('longColours'), start + 0.1)];
				for (const channel of [0, 1, 2]) expect(Math.abs((shown[channel] ?? 0) - (there[channel] ?? 0))).toBeLessThan(30);
			}
			expect((await probe(path)).video).toMatchObject({ codec: 'gif', width: 80, height: 46 });
			expect(loops(path)).toContain('NETSCAPE2.0');
		});
	});

	it('keeps the size of a GIF sane', async () => {
		// 4 s of text over a moving gradient, 400 pixels wide.
		await runOperationOn(previewClip, fixture('speech'), {}, async ({ files }) => {
			expect(statSync(files[0]?.path ?? '').size).toBeLessThan(1_500_000);
		});
	});

	it.each([
		['webp', 'image/webp', 'ANMF'],
		['mp4', 'video/mp4', 'avc1'],
	])('makes a %s that moves and has no sound', async (format, mime, mark) => {
		await runOperationOn(previewClip, fixture('rotated'), { format, start: 1, seconds: 1, width: 120 }, async ({ files }) => {
			expect(files).toMatchObject([{ mime, width: 120, height: 214 }]);
			expect(loops(files[0]?.path ?? '')).toContain(mark);
			const facts = await probe(files[0]?.path ?? '');
			expect(facts.audio).toBeNull();
			if (format === 'mp4') expect(facts.durationSeconds).toBeCloseTo(1, 1);
		});
	});

	it('takes an animated GIF', async () => {
		await runOperationOn(previewClip, fixture('gif'), { format: 'mp4' }, async ({ files }) => {
			expect(files).toMatchObject([{ width: 160, height: 120 }]);
		});
	});
});
