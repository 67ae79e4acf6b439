import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { apngFrames, apngTimes } from '../../../sidecar/src/media/apng.ts';
import { image } from '../../fixtures/images.ts';
import { apngOf, GREEN, RED } from '../../support/apng.ts';

describe('an animated PNG', () => {
	let workDir: string;
	beforeEach(async () => {
		workDir = await mkdtemp(join(tmpdir(), 'apng-'));
	});
	afterEach(() => rm(workDir, { recursive: true, force: true }));
	const file = async (bytes: Buffer): Promise<string> => {
		const path = join(workDir, 'given.png');
		await writeFile(path, bytes);
		return path;
	};
	const redOf = async (path: string): Promise<number> => (await sharp(path).stats()).channels[0]?.mean ?? -1;
	const signal = new AbortController().signal;

	it('has a default image that is its first frame', async () => {
		const path = await file(apngOf([RED, GREEN]));
		expect(await apngTimes(path)).toEqual({ starts: [0, 0.5], defaultApart: false });
		expect(await apngTimes(image('apng'))).toEqual({ starts: [0, 0.5], defaultApart: false });
		expect(await Promise.all((await apngFrames(path, [0, 1], { workDir, signal })).map(redOf))).toEqual([255, 0]);
	});

	it('or one that stands apart, which is none of the frames', async () => {
		const path = await file(apngOf([GREEN, RED, GREEN], RED));
		expect(await apngTimes(path)).toEqual({ starts: [0, 0.5, 1], defaultApart: true });
		expect(await redOf(path)).toBe(255);
		expect(await Promise.all((await apngFrames(path, [0, 1, 2], { workDir, signal })).map(redOf))).toEqual([0, 255, 0]);
		const single = await file(apngOf([GREEN], RED));
		expect(await apngTimes(single)).toEqual({ starts: [0], defaultApart: true });
		expect(await Promise.all((await apngFrames(single, [0], { workDir, signal })).map(redOf))).toEqual([0]);
	});

	it('that has lost its frames is an error, and one cut into endless pieces as well', async () => {
		await expect(apngFrames(await file(apngOf([RED, GREEN]).subarray(0, 150)), [0, 1], { workDir, signal })).rejects.toMatchObject({ code: 'input_corrupt' });
		const path = await file(Buffer.concat([apngOf([RED]).subarray(0, 8), Buffer.alloc(200_001 * 12)]));
		await expect(apngTimes(path)).rejects.toMatchObject({ code: 'input_corrupt' });
	});
});
