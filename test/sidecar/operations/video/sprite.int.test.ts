import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { sprite } from '../../../../sidecar/src/operations/video/sprite.ts';
import { fixture } from '../../../fixtures/media.ts';
import { packageFixture } from '../../../fixtures/package.ts';
import { runOperationOn } from '../../../support/engine.ts';
import { cuesOf } from '../../../support/webvtt.ts';

/** Mean colours: of every picture of a video, or of every cell of a sheet. */
const colours = (path: string, columns = 1, rows = 1): number[][] => {
	const bytes = execFileSync('ffmpeg', ['-v', 'error', '-i', path, '-vf', `format=rgb24,scale=${columns}:${rows}:flags=area`, '-pix_fmt', 'rgb24', '-f', 'rawvideo', '-']);
	return Array.from({ length: bytes.length / 3 }, (_, index) => [...bytes.subarray(index * 3, index * 3 + 3)]);
};
const distance = (a: number[] = [], b: number[] = []): number => Math.max(...[0, 1, 2].map((index) => Math.abs((a[index] ?? NaN) - (b[index] ?? NaN))));

describe('sprite, for real', () => {
	// The fixture has another colour in every second: a tile that is half a second off has the wrong one.
	it.each([
		[
			'one tile a second',
			{ interval_seconds: 1, columns: 4, width: 64 },
			[
				['sprite-01.jpg', 4, 4],
				['sprite-02.jpg', 4, 4],
				['sprite-03.jpg', 4, 2],
			],
		],
		['tiles far apart', { interval_seconds: 7, width: 64, format: 'webp' }, [['sprite.webp', 6, 1]]],
		['a last row that is not full', { count: 9, columns: 4, width: 64 }, [['sprite.jpg', 4, 3]]],
	] as Array<[string, object, Array<[string, number, number]>]>)('shows in each tile what is seen in the middle of its time: %s', async (_what, params, sheets) => {
		const source = packageFixture('longColours');
		const seen = colours(source);
		await runOperationOn(sprite, source, params, async ({ files }) => {
			const vtt = files.find(({ name }) => name === 'sprite.vtt')?.path ?? '';
			const all = cuesOf(readFileSync(vtt, 'utf8'));
			expect(files).toHaveLength(sheets.length + 1);
			const shown = new Map(sheets.map(([name, columns, rows]) => [name, { columns, colours: colours(join(dirname(vtt), name), columns, rows) }]));
			for (const { start, sheet, area } of all) {
				const [x = 0, y = 0, width = 1, height = 1] = area;
				// At 10 pictures a second: the last one before the middle.
				const there = seen[Math.ceil((start + (all[0]?.end ?? 0) / 2) * 10) - 1];
				const cells = shown.get(sheet);
				const cell = cells?.colours[(y / height) * cells.columns + x / width];
				expect([start, distance(cell, there) < 12]).toEqual([start, true]);
			}
		});
	});

	it.each([
		['short', 1],
		['longSound', 1],
		['rotated', 3],
		['webmWithoutDuration', 2],
	] as const)('makes a sheet of %s', async (name, tiles) => {
		await runOperationOn(sprite, fixture(name), { width: 64 }, async ({ files, output }) => {
			expect(output['tiles']).toBe(tiles);
			const { tile } = output as { tile: { width: number; height: number } };
			expect(files.map((file) => file.name)).toEqual(['sprite.jpg', 'sprite.vtt']);
			expect(files[0]).toMatchObject({ width: tile.width * tiles, height: tile.height });
		});
	});
});
