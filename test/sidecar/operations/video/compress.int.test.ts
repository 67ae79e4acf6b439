import { stat } from 'node:fs/promises';
import { probe } from '../../../../sidecar/src/media/probe.ts';
import { compress } from '../../../../sidecar/src/operations/video/compress.ts';
import { longFixture } from '../../../fixtures/long.ts';
import { runOperationOn } from '../../../support/engine.ts';

describe('compress on real media', () => {
	it('makes a file as large as asked for, and no larger', async () => {
		await runOperationOn(compress, longFixture('flashes'), { mode: 'size', target_mb: 1.2, preset: 'veryfast' }, async ({ files, output }) => {
			const { size } = await stat(files[0]!.path);
			expect(size).toBeLessThanOrEqual(1_200_000);
			expect(size).toBeGreaterThanOrEqual(0.85 * 1_200_000);
			expect(output).toMatchObject({ width: 320, height: 180, file_bytes: size, target_bytes: 1_200_000 });
			const facts = await probe(files[0]!.path);
			expect(facts.durationSeconds).toBeCloseTo(60, 0);
			expect(facts.audio?.codec).toBe('aac');
		});
	}, 120_000);

	it('finds the CRF of a quality, the same each time, and makes a smaller file of that quality', async () => {
		// The slowest preset: beside the encode of so small a picture, a search would otherwise take too long.
		const params = { mode: 'smart', target_ssim: 0.95, preset: 'veryslow' };
		const found: unknown[] = [];
		for (let time = 0; time < 2; time++) {
			await runOperationOn(compress, longFixture('generous'), params, async ({ files, output }) => {
				found.push(output);
				expect(output).toMatchObject({ metric: 'ssim', quality_target: 0.95, copied: { video: false }, crf: expect.any(Number) });
				expect(output['quality_reached']).toBeGreaterThanOrEqual(0.95);
				expect(output['reason']).toMatch(/^Samples show that CRF [\d.]+ is enough for SSIM 0.95\.$/);
				expect((await stat(files[0]!.path)).size).toBeLessThan((await stat(longFixture('generous'))).size);
			});
		}
		expect(found[1]).toEqual(found[0]);
	}, 300_000);

	it('copies what already fits', async () => {
		await runOperationOn(compress, longFixture('flashes'), { mode: 'size', target_mb: 100 }, async ({ output }) => {
			expect(output).toMatchObject({ copied: { video: true, audio: true } });
		});
	}, 60_000);
});
