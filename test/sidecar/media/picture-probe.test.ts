import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ErrorCode } from '../../../sidecar/src/errors.ts';
import { probe } from '../../../sidecar/src/media/probe.ts';
import { image, turned, type ImageName } from '../../fixtures/images.ts';
import { inFolder } from '../../support/engine.ts';

describe('the probe, for pictures', () => {
	it.each<[ImageName, string, string, number, number]>([
		['quarters', 'image/jpeg', 'mjpeg', 600, 400],
		['progressive', 'image/jpeg', 'mjpeg', 600, 400],
		['cmyk', 'image/jpeg', 'mjpeg', 120, 80],
		['palettePng', 'image/png', 'png', 600, 400],
		['deepPng', 'image/png', 'png', 120, 80],
		['apng', 'image/apng', 'png', 100, 50],
		['webp', 'image/webp', 'webp', 600, 400],
		['animatedWebp', 'image/webp', 'webp', 60, 40],
		['avif', 'image/avif', 'av1', 600, 400],
		['avifAsMif1', 'image/avif', 'av1', 600, 400],
		['tiff', 'image/tiff', 'tiff', 600, 400],
		['bmp', 'image/bmp', 'bmp', 600, 400],
		['polyglot', 'image/jpeg', 'mjpeg', 600, 400],
	])('reads %s as %s', async (name, mime, codec, width, height) => {
		expect(await probe(image(name))).toMatchObject({ mime, fileType: 'image', durationSeconds: 0, audio: null, video: { codec, width, height, rotation: 0 } });
	});

	it.each([
		['animatedGif', 'video'],
		['animatedWebp', 'image'],
	] as const)('counts the frames of %s', async (name, fileType) => {
		expect(await probe(image(name))).toMatchObject({ fileType, animation: { frames: 5, durationSeconds: 0.6, loops: 3 } });
		expect((await probe(image('webp'))).animation).toBeUndefined();
	});

	it('gives the size as it is shown, for each orientation', async () => {
		await inFolder(async (folder) => {
			for (let orientation = 1; orientation <= 8; orientation++) {
				const path = join(folder, `${orientation}.jpg`);
				await writeFile(path, turned(orientation));
				const { video } = await probe(path);
				expect([orientation, video?.width, video?.height]).toEqual(orientation < 5 ? [orientation, 600, 400] : [orientation, 400, 600]);
			}
		});
	});

	it.each<[ImageName, ErrorCode, RegExp]>([
		['hundredMegapixels', 'input_too_large', /8192 x 8192/],
		['claimsHuge', 'input_too_large', /8192 x 8192/],
		['cutWebp', 'input_corrupt', /damaged/],
		['cutAvif', 'input_corrupt', /cut off/],
		['svg', 'input_not_media', /SVG/],
		['svgAsPng', 'input_not_media', /SVG/],
		['ico', 'input_unsupported', /x-icon.*pictures as JPEG/],
		['psd', 'input_unsupported', /photoshop.*pictures as JPEG/],
		['raw', 'input_unsupported', /canon.*pictures as JPEG/],
		['heic', 'input_unsupported', /Most Compatible/],
	])('refuses %s with %s', async (name, code, words) => {
		await expect(probe(image(name))).rejects.toMatchObject({ code, message: expect.stringMatching(words) });
	});
});
