import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { exifOf, toExifFacts } from '../../../sidecar/src/media/exif.ts';
import { probe } from '../../../sidecar/src/operations/probe.ts';
import { fixture } from '../../fixtures/media.ts';
import { testTask } from '../../support/task-context.ts';

async function run(path: string): Promise<Record<string, unknown>> {
	const task = await testTask(path);
	try {
		return (await probe.run(task.context, {})).output;
	} finally {
		await task.end();
	}
}

describe('probe', () => {
	let folder: string;
	beforeEach(async () => {
		folder = await mkdtemp(join(tmpdir(), 'probe-'));
	});
	afterEach(async () => {
		await rm(folder, { recursive: true, force: true });
	});

	async function photo(): Promise<string> {
		const path = join(folder, 'photo.jpg');
		await sharp({ create: { width: 32, height: 24, channels: 3, background: '#369' } })
			.withExif({
				IFD0: { Make: 'Acme', Model: 'Cam 5', Copyright: 'x'.repeat(5000) },
				IFD2: { DateTimeOriginal: '2026:03:04 05:06:07', ExposureTime: '1/250', FNumber: '28/10', ISOSpeedRatings: '400' },
				IFD3: { GPSLatitudeRef: 'S', GPSLatitude: '33/1 51/1 3600/100', GPSLongitudeRef: 'E', GPSLongitude: '151/1 12/1 0/1' },
			})
			.jpeg()
			.toFile(path);
		return path;
	}

	it('says what the camera wrote into a picture, in bounds', async () => {
		const { exif, video } = await run(await photo());
		expect(video).toMatchObject({ width: 32, height: 24 });
		expect(exif).toMatchObject({
			camera_make: 'Acme',
			camera_model: 'Cam 5',
			copyright: 'x'.repeat(200),
			taken_at: '2026-03-04T05:06:07.000Z',
			exposure_seconds: 1 / 250,
			f_number: 2.8,
			iso: 400,
			latitude: -33.86,
			longitude: 151.2,
		});
	});

	it('says null where there is none, and for videos', async () => {
		expect((await run(fixture('png')))['exif']).toBeNull();
		expect(await run(fixture('landscape'))).toMatchObject({ exif: null, file_type: 'video' });
	});

	it('does not mind EXIF that nobody can read', async () => {
		const path = await photo();
		const bytes = readFileSync(path);
		const at = bytes.indexOf('Exif');
		bytes.fill(0xff, at + 6, at + 40);
		writeFileSync(path, bytes);
		expect(await exifOf(path)).toBeNull();
		expect(toExifFacts({ GPSInfo: { GPSLatitude: [Number.NaN, 1, 2] }, Image: { Make: '\u0000 ' } })).toMatchObject({ latitude: null, cameraMake: null });
	});
});
