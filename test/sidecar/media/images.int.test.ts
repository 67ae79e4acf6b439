import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { encode, explainSharp, openPicture, writePicture } from '../../../sidecar/src/media/images.ts';
import { asReadByFfmpeg } from '../../../sidecar/src/media/picture-readers.ts';
import { probe } from '../../../sidecar/src/media/probe.ts';
import { image, type ImageName } from '../../fixtures/images.ts';
import { inFolder } from '../../support/engine.ts';
import { distance, pixelAt } from '../../support/pictures.ts';

const signal = new AbortController().signal;
const child = fileURLToPath(new URL('../../support/picture-child.ts', import.meta.url));

/** Megabytes that an operation added to the most that its process ever had. */
async function growth(operation: string, name: ImageName, params: object): Promise<number> {
	return inFolder(async (folder) => {
		const { stdout } = await promisify(execFile)(process.execPath, ['--disable-warning=ExperimentalWarning', child, operation, image(name), folder, JSON.stringify(params)]);
		const { before, after } = JSON.parse(stdout) as { before: number; after: number };
		return after - before;
	});
}

describe('memory', () => {
	// 60 megapixels are 180 MB of RGB: a picture that is only made smaller is never held as a whole.
	it.each<[string, ImageName, object, number]>([
		['image_resize', 'sixtyMegapixels', { width: 1920, format: 'webp' }, 100],
		['image_preview', 'sixtyMegapixels', {}, 100],
		['palette', 'sixtyMegapixels', {}, 100],
		['image_convert', 'sixtyMegapixels', { format: 'jpeg', quality: 80 }, 120],
		['image_convert', 'sixtyMegapixels', { format: 'png' }, 120],
		['strip_metadata', 'sixtyMegapixels', {}, 150],
		['image_resize', 'emptyHuge', { width: 500 }, 100],
		['image_resize', 'textBomb', { width: 500 }, 100],
		['image_resize', 'profileBomb', { width: 500 }, 100],
	])('of %s on %s with %j grows by less than %i MB'.replace('%i', '%d'), async (operation, name, params, megabytes) => {
		expect(await growth(operation, name, params)).toBeLessThan(megabytes);
	});
});

describe('an AVIF of 60 megapixels', () => {
	it('is refused, as it would need two gigabytes', async () => {
		await inFolder(async (workDir) => {
			const path = image('sixtyMegapixels');
			const picture = await openPicture({ path, facts: await probe(path) }, { workDir, signal });
			await expect(writePicture(picture.open(), { format: 'avif', size: picture }, 'never', { workDir, signal })).rejects.toMatchObject({ code: 'invalid_request' });
		});
	});
});

describe('pictures for ffmpeg', () => {
	it.each<[ImageName, number[]]>([
		['avif', [224, 32, 32]],
		['animatedWebp', [0, 255, 99]],
		['cmyk', [138, 154, 112]],
	])('%s becomes a PNG in the right colours', async (name, colour) => {
		await inFolder(async (workDir) => {
			const path = image(name);
			const readable = await asReadByFfmpeg({ path, facts: await probe(path) }, { workDir, signal });
			expect(readable.facts).toMatchObject({ mime: 'image/png', fileType: 'image' });
			expect(distance(await pixelAt(readable.path, 10, 10), colour)).toBeLessThan(14);
		});
	});

	it.each<ImageName>(['quarters', 'logo', 'webp', 'tiff', 'animatedGif'])('%s stays what it is', async (name) => {
		const media = { path: image(name), facts: await probe(image(name)) };
		expect(await asReadByFfmpeg(media, { workDir: '/nowhere', signal })).toBe(media);
	});
});

describe('sharp', () => {
	it('reads only what the probe lets in', async () => {
		for (const input of [image('svg'), Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')]) await expect(sharp(input).metadata()).rejects.toThrow();
	});

	it('stops before it begins when the work was aborted', async () => {
		await inFolder(async (workDir) => {
			const path = image('quarters');
			const picture = await openPicture({ path, facts: await probe(path) }, { workDir, signal });
			const controller = new AbortController();
			controller.abort(new Error('enough'));
			await expect(writePicture(picture.open(), { format: 'png' }, 'never', { workDir, signal: controller.signal })).rejects.toThrow('enough');
		});
	});

	it.each([
		['Input image exceeds pixel limit', 'input_too_large'],
		['timeout: 45% complete', 'processing_timeout'],
		['Processed image is too large for the WebP format', 'invalid_request'],
		['Input file contains unsupported image format', 'input_unsupported'],
		['Input file has corrupt header: webp: unable to parse image', 'input_corrupt'],
		['VipsJpeg: premature end of JPEG image', 'input_corrupt'],
		['write error: No space left on device', 'storage_full'],
		['something new', 'processing_failed'],
	])('that says "%s" means %s', (text, code) => {
		expect(explainSharp(new Error(text)).code).toBe(code);
	});

	it('really says those words where a result is too large for its format', async () => {
		const wide = sharp({ create: { width: 17_000, height: 2, channels: 3, background: '#fff' } });
		const error: unknown = await encode(wide, { format: 'webp' }).toBuffer().catch((thrown: unknown) => thrown);
		expect(explainSharp(error).code).toBe('invalid_request');
	});
});
