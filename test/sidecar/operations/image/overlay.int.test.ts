import sharp from 'sharp';
import { imageOverlay, layOut } from '../../../../sidecar/src/operations/image/image-overlay.ts';
import { image } from '../../../fixtures/images.ts';
import { fixture } from '../../../fixtures/media.ts';
import { distance, further, pixelAt, runTask } from '../../../support/pictures.ts';

const logo = further(image('logo'));
const WHITE = [255, 255, 255];
const BLUE = [0, 0, 255];

describe('the place of a logo', () => {
	const at = (changes: object) => layOut({ width: 1000, height: 500 }, { width: 200, height: 100 }, { scale: 0.2, margin: 0.02, position: 'bottom_right', tile: false, ...changes });

	it('is measured from the edges', () => {
		expect(at({})).toMatchObject({ logo: { width: 200, height: 100 }, x: 790, y: 390 });
		expect(at({ position: 'top_left' })).toMatchObject({ x: 10, y: 10 });
		expect(at({ position: 'center' })).toMatchObject({ x: 400, y: 200 });
	});

	it('is always inside', () => {
		expect(at({ scale: 1, margin: 0 })).toMatchObject({ logo: { width: 1000, height: 500 }, x: 0, y: 0 });
		expect(layOut({ width: 10, height: 10 }, { width: 1, height: 4000 }, { scale: 1, margin: 0.5, position: 'top', tile: false })).toMatchObject({ logo: { width: 1, height: 1 } });
		for (const tile of [false, true])
			for (const [width, height] of [[1, 1], [8192, 1], [2, 3]] as const) {
				const { logo: size, cell } = layOut({ width, height }, { width: 200, height: 100 }, { scale: 1, margin: 0.5, position: 'center', tile });
				expect([width, height, cell.x + size.width <= width, cell.y < height]).toEqual([width, height, true, true]);
			}
	});
});

describe('image_overlay', () => {
	it('puts the logo where it belongs, see-through where it is', async () => {
		await runTask(imageOverlay, image('quartersPng'), { logo, scale: 0.2, margin: 0.05 }, async ({ path, output }) => {
			// 600x400: the logo has 120x60, 20 pixels from the edges, on white.
			expect(output['logo']).toEqual({ x: 460, y: 320, width: 120, height: 60 });
			expect(distance(await pixelAt(path, 540, 350), BLUE)).toBeLessThan(4);
			expect(distance(await pixelAt(path, 490, 350), [255, 127, 127])).toBeLessThan(4);
			expect(distance(await pixelAt(path, 585, 350), WHITE)).toBeLessThan(4);
		});
	});

	it('fades', async () => {
		await runTask(imageOverlay, image('quartersPng'), { logo, scale: 0.2, margin: 0.05, opacity: 0.5 }, async ({ path }) => {
			expect(distance(await pixelAt(path, 540, 350), [127, 127, 255])).toBeLessThan(4);
			expect(distance(await pixelAt(path, 490, 350), [255, 191, 191])).toBeLessThan(4);
		});
	});

	it('covers the whole picture with copies', async () => {
		await runTask(imageOverlay, image('quartersPng'), { logo, scale: 0.1, margin: 0.05, tile: true }, async ({ path }) => {
			// Cells of 100x70: a logo of 60x30 with 20 pixels around it.
			for (const [x, y] of [[65, 35], [165, 35], [465, 245], [565, 385]] as const) expect([x, y, distance(await pixelAt(path, x, y), BLUE) < 4]).toEqual([x, y, true]);
			expect(distance(await pixelAt(path, 5, 5), [224, 32, 32])).toBeLessThan(4);
		});
	});

	it('stands on every frame of an animation', async () => {
		for (const tile of [false, true])
			await runTask(imageOverlay, image('animatedWebp'), { logo, scale: 0.5, margin: 0, tile, position: 'bottom_right' }, async ({ path }) => {
				expect((await sharp(path).metadata()).pages).toBe(5);
				for (let frame = 0; frame < 5; frame++) {
					// Of 60x40: the logo has 30x15.
					expect(distance(await pixelAt(path, 54, tile ? 10 : 32, frame), BLUE)).toBeLessThan(60);
					if (!tile) expect(distance(await pixelAt(path, 5, 5, frame), [frame * 50, 255 - frame * 50, 99])).toBeLessThan(30);
				}
			});
	});

	it('refuses a logo that is no picture', async () => {
		await expect(runTask(imageOverlay, image('quarters'), { logo: further(fixture('silent')) }, () => {})).rejects.toMatchObject({ code: 'input_unsupported' });
	});
});
