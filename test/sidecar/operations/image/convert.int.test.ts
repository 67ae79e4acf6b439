import sharp from 'sharp';
import { imageConvert, searchQuality } from '../../../../sidecar/src/operations/image/image-convert.ts';
import { image, type ImageName } from '../../../fixtures/images.ts';
import { fixture } from '../../../fixtures/media.ts';
import { distance, pixelAt, runTask } from '../../../support/pictures.ts';

describe('image_convert', () => {
	it.each<[ImageName, string, string]>([
		['quarters', 'png', 'image/png'],
		['quartersPng', 'jpeg', 'image/jpeg'],
		['avif', 'webp', 'image/webp'],
		['bmp', 'avif', 'image/avif'],
		['animatedWebp', 'gif', 'image/gif'],
	])('makes of %s a %s', async (name, format, mime) => {
		await runTask(imageConvert, image(name), { format }, async ({ file, path }) => {
			expect(file.mime).toBe(mime);
			expect((await sharp(path).metadata()).mediaType).toBe(mime);
		});
	});

	it('copies what is that format already, but not what lies on its side or has other colours', async () => {
		await runTask(imageConvert, image('quarters'), { format: 'jpeg' }, ({ output }) => expect(output['reason']).toMatch(/copied/));
		await runTask(imageConvert, image('quarters'), { format: 'jpeg', target_bytes: 10_000_000 }, ({ output }) => expect(output['reason']).toMatch(/copied/));
		await runTask(imageConvert, image('cmyk'), { format: 'jpeg' }, async ({ path }) => expect((await sharp(path).metadata()).space).toBe('srgb'));
		await runTask(imageConvert, fixture('jpegRotated'), { format: 'jpeg' }, ({ file }) => expect(file).toMatchObject({ width: 480, height: 640 }));
	});

	it('loses nothing where nothing may be lost', async () => {
		for (const format of ['webp', 'avif'])
			await runTask(imageConvert, image('quartersPng'), { format, lossless: true }, async ({ path }) => {
				expect(distance(await pixelAt(path, 299, 199), [224, 32, 32])).toBeLessThanOrEqual(1);
				expect(distance(await pixelAt(path, 300, 199), [32, 192, 32])).toBeLessThanOrEqual(1);
			});
	});

	it.each(['jpeg', 'webp'])('finds the best %s below a number of bytes', async (format) => {
		const target = 60_000;
		await runTask(imageConvert, image('photo'), { format, target_bytes: target }, async ({ bytes, output }) => {
			expect(bytes).toBeLessThanOrEqual(target);
			const better = await runTask(imageConvert, image('photo'), { format, quality: Number(output['quality']) + 1 }, (made) => made.bytes);
			expect(better).toBeGreaterThan(target);
		});
	});

	it('says when no quality is low enough', async () => {
		await expect(runTask(imageConvert, image('photo'), { format: 'jpeg', target_bytes: 2000 }, () => {})).rejects.toMatchObject({
			code: 'invalid_request',
			details: { field: 'params.target_bytes', allowed: expect.stringMatching(/at least \d+/) },
		});
	});

	it.each([{ format: 'png', target_bytes: 5000 }, { format: 'jpeg', lossless: true }, { format: 'webp', lossless: true, target_bytes: 5000 }])('refuses %j', (params) => {
		expect(imageConvert.params.safeParse(params).success).toBe(false);
	});
});

describe('the search for a quality', () => {
	it('ends at the highest that fits, within eight tries', async () => {
		for (let edge = 0; edge <= 100; edge++) {
			let tries = 0;
			const found = await searchQuality(async (quality) => (tries++, quality * 10), edge * 10);
			expect(found).toEqual(edge === 0 ? { tooLarge: 10 } : { quality: Math.min(92, edge) });
			expect(tries).toBeLessThanOrEqual(8);
		}
	});
});
