import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { imagePreview } from '../../../../sidecar/src/operations/image/image-preview.ts';
import { imageResize } from '../../../../sidecar/src/operations/image/image-resize.ts';
import { imageThumbnail } from '../../../../sidecar/src/operations/image/image-thumbnail.ts';
import { image, turned, type ImageName } from '../../../fixtures/images.ts';
import { fixture } from '../../../fixtures/media.ts';
import { inFolder } from '../../../support/engine.ts';
import { distance, pixelAt, runTask } from '../../../support/pictures.ts';

const RED = [224, 32, 32];
const GREEN = [32, 192, 32];
const BLUE = [32, 32, 224];

describe('image_resize', () => {
	it.each<[ImageName, Record<string, unknown>, string, number, number]>([
		['quarters', { width: 300 }, 'resized.jpg', 300, 200],
		['quarters', { width: 200, height: 200, fit: 'cover', position: 'attention', format: 'webp' }, 'resized.webp', 200, 200],
		['quarters', { width: 300, height: 300, fit: 'contain', format: 'avif' }, 'resized.avif', 300, 300],
		['quarters', { width: 900, height: 900, fit: 'fill', enlarge: true, format: 'png' }, 'resized.png', 900, 900],
		['quarters', { width: 4000 }, 'resized.jpg', 600, 400],
		['quarters', { ratio: '1:1', position: 'entropy' }, 'resized.jpg', 400, 400],
		['quarters', { ratio: '9:16', width: 90 }, 'resized.jpg', 90, 160],
		['bmp', { width: 60 }, 'resized.jpg', 60, 40],
		['tiff', { width: 60 }, 'resized.jpg', 60, 40],
		['avif', { width: 60 }, 'resized.avif', 60, 40],
		['webp', { width: 60 }, 'resized.webp', 60, 40],
		['apng', { width: 50 }, 'resized.png', 50, 25],
		['palettePng', { width: 60 }, 'resized.png', 60, 40],
		['progressive', { width: 60 }, 'resized.jpg', 60, 40],
	])('makes of %s with %j %s of %i x %i', async (name, params, file, width, height) => {
		await runTask(imageResize, image(name), params, async (made) => {
			expect(made.file).toMatchObject({ name: file, width, height });
			expect(await sharp(made.path).metadata()).toMatchObject({ width, height });
			expect(made.output).toMatchObject({ width, height, bytes: made.bytes });
		});
	});

	it('says that a small picture was not enlarged', async () => {
		await runTask(imageResize, image('quarters'), { width: 4000 }, ({ output }) => expect(output['reason']).toMatch(/not enlarged/));
	});

	it('shows all eight orientations alike, with nothing left to turn', async () => {
		await inFolder(async (folder) => {
			// What cameras store for each orientation, made from the upright picture (EXIF 2.3, tag 0x0112).
			for (let orientation = 1; orientation <= 8; orientation++) {
				const path = join(folder, `${orientation}.jpg`);
				await writeFile(path, turned(orientation));
				await runTask(imageResize, path, { width: 120, height: 120, fit: 'fill', format: 'png' }, async (made) => {
					const corners = [await pixelAt(made.path, 5, 5), await pixelAt(made.path, 115, 5), await pixelAt(made.path, 5, 115)];
					// Of the stored quarters R G / B W: which stands top left, top right, bottom left once shown.
					const W = [255, 255, 255];
					const expected = { 1: [RED, GREEN, BLUE], 2: [GREEN, RED, W], 3: [W, BLUE, GREEN], 4: [BLUE, W, RED], 5: [RED, BLUE, GREEN], 6: [BLUE, RED, W], 7: [W, GREEN, BLUE], 8: [GREEN, W, RED] }[orientation] ?? [];
					corners.forEach((corner, index) => expect([orientation, index, distance(corner, expected[index] ?? []) < 12]).toEqual([orientation, index, true]));
					expect((await sharp(made.path).metadata()).orientation).toBeUndefined();
				});
			}
		});
	});

	it('cuts out a rectangle of the picture as it is shown', async () => {
		await inFolder(async (folder) => {
			const path = join(folder, 'side.jpg');
			await writeFile(path, turned(6));
			// Shown 400x600: blue on the left above, red on the right.
			await runTask(imageResize, path, { crop: { x: 210, y: 10, width: 150, height: 100 }, format: 'png' }, async (made) => {
				expect(made.file).toMatchObject({ width: 150, height: 100 });
				expect(distance(await pixelAt(made.path, 75, 50), RED)).toBeLessThan(12);
			});
			await expect(runTask(imageResize, path, { crop: { x: 300, y: 0, width: 150, height: 100 } }, () => {})).rejects.toMatchObject({ code: 'invalid_request' });
		});
	});

	it('keeps transparency, and puts it on white for JPEG', async () => {
		await runTask(imageResize, image('logo'), { width: 100 }, async ({ path }) => expect((await pixelAt(path, 10, 10))[3]).toBeCloseTo(128, -1));
		await runTask(imageResize, image('logo'), { width: 100, format: 'jpeg' }, async ({ path }) => expect(distance(await pixelAt(path, 10, 10), [255, 127, 127])).toBeLessThan(8));
		await runTask(imageResize, image('logo'), { width: 100, height: 100, fit: 'contain', background: 'transparent' }, async ({ path }) => expect((await pixelAt(path, 50, 2))[3]).toBe(0));
	});

	it.each<[ImageName, string]>([
		['animatedGif', 'same'],
		['animatedWebp', 'same'],
		['animatedWebp', 'gif'],
		['animatedGif', 'webp'],
	])('keeps %s animated as %s, with its times and its number of turns', async (name, format) => {
		for (const fit of ['cover', 'contain'])
			await runTask(imageResize, image(name), { width: 30, height: 30, fit, position: 'attention', format }, async (made) => {
				expect(await sharp(made.path, { animated: true }).metadata()).toMatchObject({ pages: 5, delay: [100, 100, 200, 100, 100], loop: 3, width: 30, pageHeight: 30 });
				expect(made.output).toMatchObject({ frames: 5, width: 30, height: 30 });
				expect(distance(await pixelAt(made.path, 15, 15, 4), [200, 55, 99])).toBeLessThan(12);
			});
	});

	it('takes the first picture where the format holds no animations, and says so', async () => {
		await runTask(imageResize, image('animatedGif'), { width: 30, format: 'jpeg' }, async ({ file, output }) => {
			expect(file).toMatchObject({ width: 30, height: 20 });
			expect(output['reason']).toMatch(/first of 5 frames/);
		});
	});

	it.each<[ImageName, string]>([
		['cutJpeg', 'input_corrupt'],
		['cutPng', 'input_corrupt'],
		['wrongCrc', 'input_corrupt'],
		['claimsMore', 'input_corrupt'],
		['tenThousandFrames', 'input_too_large'],
	])('refuses %s with %s', async (name, code) => {
		await expect(runTask(imageResize, image(name), { width: 100 }, () => {})).rejects.toMatchObject({ code });
	});

	it.each<ImageName>(['emptyHuge', 'textBomb', 'profileBomb', 'polyglot'])('survives %s, and passes nothing of it on', async (name) => {
		await runTask(imageResize, image(name), { width: 64 }, ({ file, bytes }) => {
			expect(file.width).toBe(64);
			expect(bytes).toBeLessThan(20_000);
		});
	});

	it('does not take a video', async () => {
		await expect(runTask(imageResize, fixture('silent'), { width: 100 }, () => {})).rejects.toMatchObject({ code: 'input_unsupported' });
	});
});

describe('colours', () => {
	it.each<[ImageName, number[], number]>([
		// The profile is coarse; without it the result would be 136, 171, 71.
		['cmyk', [138, 154, 112], 13],
		['deepPng', [128, 64, 32], 1],
		// 180, 100, 60 of Adobe RGB (1998) to XYZ (its gamma of 563/256 and its matrix), to linear sRGB, to the curve of sRGB.
		['adobeRgb', [203, 100, 55], 3],
	])('of %s are those of sRGB', async (name, expected, tolerance) => {
		await runTask(imageResize, image(name), { width: 60, format: 'png' }, async ({ path }) => {
			expect(distance(await pixelAt(path, 30, 20), expected)).toBeLessThanOrEqual(tolerance);
			expect(await sharp(path).metadata()).toMatchObject({ space: 'srgb', depth: 'uchar', hasProfile: false });
		});
	});
});

describe('image_thumbnail', () => {
	it('is 300 x 300 WebP, whatever comes in', async () => {
		for (const name of ['photo', 'logo', 'animatedGif'] as const)
			await runTask(imageThumbnail, image(name), {}, async (made) => {
				expect(made.file).toMatchObject({ name: 'thumbnail.webp', width: 300, height: 300 });
				expect((await sharp(made.path).metadata()).pages ?? 1).toBe(name === 'animatedGif' ? 5 : 1);
			});
	});
});

describe('image_preview', () => {
	it('has at most 1080 pixels on its longer side, and is never enlarged', async () => {
		await runTask(imagePreview, image('photo'), {}, ({ file }) => expect(file).toMatchObject({ name: 'preview.webp', width: 1080, height: 720 }));
		await runTask(imagePreview, image('quarters'), { format: 'jpeg' }, ({ file }) => expect(file).toMatchObject({ name: 'preview.jpg', width: 600, height: 400 }));
	});
});
