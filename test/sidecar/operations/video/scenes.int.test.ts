import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { scenes } from '../../../../sidecar/src/operations/video/scenes.ts';
import { ffmpeg, fixtures } from '../../../fixtures/make.ts';
import { fixture } from '../../../fixtures/media.ts';
import { runOperationOn } from '../../../support/engine.ts';

const file = fixtures(
	{
		/** A pattern for 2 s, green for 1.6 s, blue for 2 s. */
		cuts: {
			file: 'cuts.mp4',
			make: (target) =>
				ffmpeg(
					...['testsrc2=s=320x180:r=25:d=2', 'color=0x00c000:s=320x180:r=25:d=1.6', 'color=0x2020ff:s=320x180:r=25:d=2'].flatMap((source) => ['-f', 'lavfi', '-i', source]),
					...['-filter_complex', '[0][1][2]concat=n=3', '-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', target],
				),
		},
	},
	import.meta.url,
);

const LIST = [
	{ start_seconds: 0, end_seconds: 2 },
	{ start_seconds: 2, end_seconds: 3.6 },
	{ start_seconds: 3.6, end_seconds: 5.6 },
];

describe('scenes', () => {
	it('lists them, in the answer and as a file', async () => {
		await runOperationOn(scenes, file('cuts'), {}, async ({ files, output }) => {
			expect(output).toMatchObject({ scene_count: 3, scenes: LIST });
			expect(files.map(({ name }) => name)).toEqual(['scenes.json']);
			expect(JSON.parse(await readFile(files[0]!.path, 'utf8'))).toMatchObject({ scenes: LIST });
		});
	});

	it('takes a picture out of each', async () => {
		await runOperationOn(scenes, file('cuts'), { thumbnails: true }, async ({ files, output }) => {
			expect(output).toMatchObject({ scene_count: 3, scenes: LIST });
			expect(files.map(({ name }) => name)).toEqual(['scene-1.jpg', 'scene-2.jpg', 'scene-3.jpg', 'scenes.json']);
			const [red = 0, green = 0, blue = 0] = [...(await sharp(files[2]!.path).resize(1, 1).raw().toBuffer())];
			expect(blue).toBeGreaterThan(200);
			expect(Math.max(red, green)).toBeLessThan(80);
		});
	});

	it('finds one in a video without cuts, and refuses a sound', async () => {
		await runOperationOn(scenes, fixture('landscape'), {}, async ({ output }) => expect(output).toMatchObject({ scene_count: 1 }));
		await expect(runOperationOn(scenes, fixture('wav'), {}, async () => {})).rejects.toMatchObject({ code: 'input_no_video' });
	});
});
