import { readFileSync } from 'node:fs';
import { stripMetadata } from '../../../sidecar/src/media/strip.ts';
import { image, type ImageName } from '../../fixtures/images.ts';

const FILES: Array<[ImageName, string]> = [
	['tattling', 'image/jpeg'],
	['progressive', 'image/jpeg'],
	['tattlingPng', 'image/png'],
	['apng', 'image/apng'],
	['tattlingWebp', 'image/webp'],
	['animatedWebp', 'image/webp'],
	['tattlingGif', 'image/gif'],
];

describe('cutting metadata out of a file', () => {
	it.each(FILES)('leaves nothing of it in %s, and a second time changes nothing', (name, mime) => {
		const stripped = stripMetadata(mime, readFileSync(image(name)));
		expect(stripped).not.toBeNull();
		expect(stripped?.toString('latin1')).not.toMatch(/SECRET|Exif|eXIf|EXIF|xpacket|Photoshop|XMP /);
		expect(stripMetadata(mime, stripped ?? Buffer.alloc(0))).toEqual(stripped);
	});

	it('gives back the very bytes of a file without any', () => {
		const bytes = readFileSync(image('quarters'));
		expect(stripMetadata('image/jpeg', bytes)?.equals(bytes)).toBe(true);
		expect(stripMetadata('image/jpeg', readFileSync(image('tattling')))?.equals(bytes)).toBe(true);
	});

	it('removes the thumbnail of a JFIF', () => {
		const bytes = readFileSync(image('quarters'));
		// Version 1.02, 72 dots per inch; then width, height and pixels of the thumbnail.
		const jfif = (length: number, side: number, pixels: string): Buffer =>
			Buffer.concat([bytes.subarray(0, 2), Buffer.from([0xff, 0xe0, 0, length]), Buffer.from('JFIF\0\x01\x02\x01\0\x48\0\x48', 'latin1'), Buffer.from([side, side]), Buffer.from(pixels), bytes.subarray(2)]);
		expect(stripMetadata('image/jpeg', jfif(16 + 12, 2, 'SECRET SECRE'))?.equals(jfif(16, 0, ''))).toBe(true);
		expect(stripMetadata('image/jpeg', jfif(16, 0, ''))?.equals(jfif(16, 0, ''))).toBe(true);
	});

	it('leaves no promise of metadata in the head of a WebP', () => {
		const stripped = stripMetadata('image/webp', readFileSync(image('tattlingWebp')));
		// Of the flags of VP8X (container specification, "Extended File Format"): EXIF 8, XMP 4.
		expect(stripped?.toString('latin1', 12, 16)).toBe('VP8X');
		expect((stripped?.[20] ?? 0xff) & 0x0c).toBe(0);
	});

	it('keeps the colour profile', () => {
		const bytes = readFileSync(image('adobeRgb'));
		expect(stripMetadata('image/jpeg', bytes)?.includes('ICC_PROFILE')).toBe(true);
	});

	it.each(FILES)('does not vouch for %s when it is cut off anywhere', (name, mime) => {
		const bytes = readFileSync(image(name));
		const end = stripMetadata(mime, bytes)?.length ?? 0;
		// Every place in the head, and some in the body. What stands behind the end of the picture may be missing.
		const places = [...Array.from({ length: 300 }, (_, index) => index), ...Array.from({ length: 20 }, (_, index) => Math.floor((index * end) / 20))];
		for (const place of places.filter((one) => one < end)) expect([place, stripMetadata(mime, bytes.subarray(0, place))]).toEqual([place, null]);
	});

	it('leaves other formats to a decoder', () => {
		expect(stripMetadata('image/tiff', readFileSync(image('tiff')))).toBeNull();
		expect(stripMetadata('image/jpeg', readFileSync(image('quartersPng')))).toBeNull();
	});
});
