import fc from 'fast-check';
import { collage } from '../../../../sidecar/src/operations/image/collage.ts';
import { LAYOUTS, layOutCollage } from '../../../../sidecar/src/operations/image/collage-layout.ts';
import { image } from '../../../fixtures/images.ts';
import { distance, further, pixelAt, runTask } from '../../../support/pictures.ts';

const square = { width: 100, height: 100 };
const wide = { width: 200, height: 100 };

describe('the layout of a collage', () => {
	it('is a grid of squares, with a wider last line', () => {
		expect(layOutCollage([square, wide, square], { layout: 'grid', width: 210, gap: 10 })).toEqual({
			size: { width: 210, height: 210 },
			cells: [
				{ x: 10, y: 10, width: 90, height: 90 },
				{ x: 110, y: 10, width: 90, height: 90 },
				{ x: 10, y: 110, width: 190, height: 90 },
			],
		});
	});

	it('keeps whole pictures in a row and in a column', () => {
		expect(layOutCollage([square, wide], { layout: 'row', width: 330, gap: 10 }).cells).toEqual([
			{ x: 10, y: 10, width: 100, height: 100 },
			{ x: 120, y: 10, width: 200, height: 100 },
		]);
		expect(layOutCollage([square, wide], { layout: 'column', width: 220, gap: 10 })).toEqual({
			size: { width: 220, height: 330 },
			cells: [
				{ x: 10, y: 10, width: 200, height: 200 },
				{ x: 10, y: 220, width: 200, height: 100 },
			],
		});
	});

	it('gives every picture a place of its own inside, whatever they are', () => {
		const size = fc.record({ width: fc.integer({ min: 1, max: 8192 }), height: fc.integer({ min: 1, max: 8192 }) });
		fc.assert(
			fc.property(
				fc.array(size, { minLength: 2, maxLength: 20 }),
				fc.constantFrom(...LAYOUTS),
				fc.integer({ min: 700, max: 4096 }),
				fc.option(fc.integer({ min: 700, max: 4096 }), { nil: undefined }),
				fc.integer({ min: 0, max: 30 }),
				fc.option(fc.integer({ min: 1, max: 10 }), { nil: undefined }),
				(pictures, layout, width, height, gap, columns) => {
					const { size: whole, cells } = layOutCollage(pictures, { layout, width, height, gap, columns });
					expect(cells).toHaveLength(pictures.length);
					expect(whole.width).toBe(width);
					if (height !== undefined) expect(whole.height).toBe(height);
					for (const [index, a] of cells.entries()) {
						expect([a.x, a.y, a.width, a.height].every(Number.isInteger)).toBe(true);
						expect(a.width > 0 && a.height > 0 && a.x >= 0 && a.y >= 0 && a.x + a.width <= whole.width && a.y + a.height <= whole.height).toBe(true);
						for (const b of cells.slice(index + 1)) expect(a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y).toBe(true);
					}
				},
			),
		);
	});
});

describe('collage', () => {
	it.each(LAYOUTS)('puts pictures of all kinds into a %s', async (layout) => {
		const pictures = (['logo', 'animatedGif', 'cmyk', 'avif'] as const).map((name) => further(image(name)));
		await runTask(collage, image('quarters'), { pictures, layout, width: 800, gap: 20, background: '#00ffff', format: 'png' }, async ({ path, file, output }) => {
			const cells = output['cells'] as Array<{ x: number; y: number; width: number; height: number }>;
			expect(file).toMatchObject({ name: 'collage.png', width: 800, height: output['height'] });
			expect(cells).toHaveLength(5);
			expect(await pixelAt(path, 5, 5)).toEqual([0, 255, 255, 255]);
			const middle = async (index: number) => {
				const { x, y, width, height } = cells[index] ?? { x: 0, y: 0, width: 0, height: 0 };
				return pixelAt(path, x + Math.floor(width / 2), y + Math.floor(height / 2));
			};
			expect(distance(await middle(2), [0, 255, 99])).toBeLessThan(6);
			expect(distance(await middle(3), [138, 154, 112])).toBeLessThan(14);
		});
	});

	it.each([
		{ layout: 'row', width: 64, gap: 16 },
		{ layout: 'grid', width: 4000, gap: 200, height: 64 },
		{ layout: 'column', width: 300, gap: 200 },
	])('refuses gaps that leave no room: %j', async (params) => {
		const pictures = Array.from({ length: 19 }, () => further(image('logo')));
		await expect(runTask(collage, image('logo'), { pictures, ...params }, () => {})).rejects.toMatchObject({ code: 'invalid_request', details: { field: 'params.gap', given: params.gap } });
	});

	it('makes one of twenty pictures', async () => {
		const pictures = Array.from({ length: 19 }, () => further(image('logo')));
		await runTask(collage, image('logo'), { pictures, layout: 'masonry', width: 600, gap: 4 }, ({ output }) => expect(output['cells']).toHaveLength(20));
	});

	it('refuses what would become too large, and says what to do', async () => {
		const pictures = Array.from({ length: 12 }, () => further(image('logo')));
		await expect(runTask(collage, image('logo'), { pictures, layout: 'column', width: 4096 }, () => {})).rejects.toMatchObject({
			code: 'invalid_request',
			message: expect.stringMatching(/more columns/),
		});
	});
});
