import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { stripMetadata } from '../../../../sidecar/src/operations/image/strip-metadata.ts';
import { image, type ImageName } from '../../../fixtures/images.ts';
import { inFolder } from '../../../support/engine.ts';
import { distance, pixelAt, runTask } from '../../../support/pictures.ts';

const rawOf = (path: string): Promise<Buffer> => sharp(path, { animated: true, failOn: 'none' }).raw().toBuffer();

describe('strip_metadata', () => {
	it('has a source that tells a place', async () => {
		const { exif } = await sharp(image('tattling')).metadata();
		// GPS latitude: 51 degrees, 30 minutes.
		expect(exif?.includes(Buffer.from('00000033000000010000001e00000001', 'hex'))).toBe(true);
	});

	it.each<[ImageName, string]>([
		['tattling', 'stripped.jpg'],
		['tattlingPng', 'stripped.png'],
		['tattlingWebp', 'stripped.webp'],
		['tattlingGif', 'stripped.gif'],
		['apng', 'stripped.png'],
		['polyglot', 'stripped.jpg'],
		['cmyk', 'stripped.jpg'],
	])('removes everything from %s and does not change a pixel', async (name, file) => {
		await runTask(stripMetadata, image(name), {}, async (made) => {
			expect(made.file.name).toBe(file);
			expect(made.output).toMatchObject({ re_encoded: false, bytes: made.bytes });
			const metadata = await sharp(made.path).metadata();
			expect(metadata).not.toHaveProperty('exif');
			expect(metadata).not.toHaveProperty('xmp');
			expect(metadata).not.toHaveProperty('iptc');
			expect(readFileSync(made.path).toString('latin1')).not.toMatch(/SECRET|<script>/);
			expect((await rawOf(made.path)).equals(await rawOf(image(name)))).toBe(true);
		});
	});

	it('turns a picture upright, as the note that says how is gone', async () => {
		await runTask(stripMetadata, image('tattlingTurned'), {}, async (made) => {
			expect(made.output).toMatchObject({ re_encoded: true, width: 400, height: 600 });
			expect(await sharp(made.path).metadata()).not.toHaveProperty('exif');
			expect(distance(await pixelAt(made.path, 300, 100), [224, 32, 32])).toBeLessThan(12);
		});
	});

	it('keeps a colour profile that is not sRGB', async () => {
		await runTask(stripMetadata, image('adobeRgb'), {}, async ({ path }) => expect((await sharp(path).metadata()).hasProfile).toBe(true));
	});

	it('encodes formats that it cannot take apart, and keeps animations', async () => {
		await runTask(stripMetadata, image('avif'), {}, ({ output }) => expect(output).toMatchObject({ re_encoded: true, format: 'avif' }));
		await runTask(stripMetadata, image('animatedWebp'), {}, async ({ path }) => expect((await sharp(path).metadata()).delay).toEqual([100, 100, 200, 100, 100]));
	});

	it('refuses a picture that is cut off', async () => {
		await inFolder(async (folder) => {
			const path = join(folder, 'cut.jpg');
			await writeFile(path, readFileSync(image('tattling')).subarray(0, 4000));
			await expect(runTask(stripMetadata, path, {}, () => {})).rejects.toMatchObject({ code: 'input_corrupt' });
		});
	});
});
