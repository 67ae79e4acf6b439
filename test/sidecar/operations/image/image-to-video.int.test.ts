import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import sharp from 'sharp';
import { probe } from '../../../../sidecar/src/media/probe.ts';
import { imageToVideo, sizeOf } from '../../../../sidecar/src/operations/image/image-to-video.ts';
import { image, type ImageName } from '../../../fixtures/images.ts';
import { fixture } from '../../../fixtures/media.ts';
import { inFolder, runOperationOn } from '../../../support/engine.ts';
import { imageFacts } from '../../../support/facts.ts';
import { distance } from '../../../support/pictures.ts';

/** Brightness of every pixel of every frame. */
const framesOf = (path: string): Buffer =>
	execFileSync('ffmpeg', ['-v', 'error', '-i', path, '-f', 'rawvideo', '-pix_fmt', 'gray', '-'], { maxBuffer: 2 ** 29 });

/** Where the bright disk stands in each frame, in parts of a pixel: the centre of what is brighter than the ground. */
function trackDisk(path: string, width: number, height: number): Array<[number, number]> {
	const frames = framesOf(path);
	return Array.from({ length: frames.length / (width * height) }, (_, frame) => {
		let [weight, x, y] = [0, 0, 0];
		for (let at = 0; at < width * height; at++) {
			const light = (frames[frame * width * height + at] ?? 0) - 80;
			if (light <= 0) continue;
			weight += light;
			x += light * (at % width);
			y += light * Math.floor(at / width);
		}
		return [x / weight, y / weight];
	});
}

const small = { seconds: 2, width: 640, height: 360, fps: 25 };
const video = (name: ImageName, params: object, look: (path: string) => Promise<void>, music: string[] = []) =>
	runOperationOn(imageToVideo, image(name), { ...small, ...params }, async ({ files }) => look(files[0]?.path ?? ''), music);

describe('image_to_video', () => {
	it('takes the shape nearest to the picture, or the one asked for', () => {
		expect(sizeOf({ width: 4000, height: 3000 }, {})).toEqual({ width: 1920, height: 1080 });
		expect(sizeOf({ width: 3000, height: 4000 }, {})).toEqual({ width: 1080, height: 1920 });
		expect(sizeOf({ width: 1000, height: 1100 }, {})).toEqual({ width: 1080, height: 1080 });
		expect(sizeOf({ width: 1000, height: 500 }, { width: 301 })).toEqual({ width: 302, height: 150 });
		expect(sizeOf({ width: 1, height: 8000 }, { width: 640 })).toEqual({ width: 640, height: 3840 });
	});

	it('decodes the picture once, and needs no sound', () => {
		const [output] = imageToVideo.plan(imageFacts(), imageToVideo.params.parse({})).outputs;
		expect(output?.graph?.map).toEqual(['[moving]']);
		expect(output?.graph?.filters).toMatch(/^\[v\]trim=end_frame=1,.*loop=loop=149:size=1/);
		expect(output?.expectedSeconds).toBe(5);
	});

	it.each(['zoom_in', 'zoom_out', 'pan_left', 'pan_down'])('moves without shaking: %s', async (movement) => {
		await video('disk', { movement, seconds: 1 }, async (path) => {
			const track = trackDisk(path, small.width, small.height);
			expect(track).toHaveLength(25);
			const [first = [0, 0], last = [0, 0]] = [track[0], track.at(-1)];
			// The disk stands left of and above the middle: it goes outward when the view comes nearer.
			const [right, down] = [last[0] - first[0], last[1] - first[1]];
			const expected = { zoom_in: [-1, -1], zoom_out: [1, 1], pan_left: [1, 0], pan_down: [0, -1] }[movement] ?? [];
			expect([right, down].map((way) => (Math.abs(way) < 1 ? 0 : Math.sign(way)))).toEqual(expected);
			// No step differs from the one before it by more than a third of a pixel; with zoompan it is a whole one and more.
			const at = (frame: number): [number, number] => track[frame] ?? [0, 0];
			const changes = track.slice(2).map(([x, y], index) => Math.hypot(x - 2 * at(index + 1)[0] + at(index)[0], y - 2 * at(index + 1)[1] + at(index)[1]));
			expect(Math.max(...changes)).toBeLessThan(0.3);
		});
	});

	it('stands still on request', async () => {
		await video('disk', { movement: 'none', seconds: 1 }, async (path) => {
			const track = trackDisk(path, small.width, small.height);
			for (const [x, y] of track) expect(Math.hypot(x - (track[0]?.[0] ?? 0), y - (track[0]?.[1] ?? 0))).toBeLessThan(0.05);
		});
	});

	it.each<ImageName>(['logo', 'tiff', 'bmp', 'animatedGif', 'deepPng'])('makes of %s an H.264 that plays everywhere', async (name) => {
		await video(name, { seconds: 0.5 }, async (path) => {
			expect(await probe(path)).toMatchObject({
				mime: 'video/mp4',
				audio: null,
				video: { codec: 'h264', pixelFormat: 'yuv420p', width: 640, height: 360, frameRate: 25, rotation: 0 },
			});
		});
	});

	/** The colour of the middle of the first frame, as players show it. */
	const middle = (path: string): number[] => [
		...execFileSync('ffmpeg', ['-v', 'error', '-i', path, '-frames:v', '1', '-vf', 'crop=8:8,format=rgb24,scale=1:1', '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-']),
	];
	const made = (background: object, { width = 640, height = 360 }, params: object, look: (path: string, facts: Awaited<ReturnType<typeof probe>>) => void) =>
		inFolder(async (folder) => {
			const path = join(folder, 'picture.png');
			await sharp({ create: { width, height, channels: 4, background: background as { r: number; g: number; b: number; alpha: number } } }).png().toFile(path);
			await runOperationOn(imageToVideo, path, { seconds: 0.5, fps: 10, ...params }, async ({ files: [file] }) => look(file!.path, await probe(file!.path)));
		});

	it('keeps the colours, and says how they are coded', async () => {
		await made({ r: 32, g: 160, b: 64, alpha: 1 }, {}, {}, (path, { video: facts }) => {
			expect(facts).toMatchObject({ colorSpace: 'bt709', colorPrimaries: 'bt709', colorTransfer: 'bt709', colorRange: 'tv' });
			expect(distance(middle(path), [32, 160, 64])).toBeLessThan(4);
		});
	});

	it('puts transparent pictures on white, whatever colour lies under the transparency', async () => {
		await made({ r: 255, g: 0, b: 0, alpha: 0 }, {}, { movement: 'none' }, (path) => expect(distance(middle(path), [255, 255, 255])).toBeLessThan(6));
	});

	it.each([
		[8192, 1],
		[1, 8192],
		[1, 1],
		[5, 3],
	])('makes a video of a picture of %d x %d', async (width, height) => {
		await made({ r: 32, g: 160, b: 64, alpha: 1 }, { width, height }, { strength: 2, width: 640, height: 360 }, (path, { video: facts }) => {
			expect(facts).toMatchObject({ width: 640, height: 360 });
			expect(distance(middle(path), [32, 160, 64])).toBeLessThan(4);
		});
	});

	it('repeats music that is too short, and fades it out', async () => {
		await video('quarters', { seconds: 4.2, music: { file_url: 'http://files.test/a.mp3' } }, async (path) => {
			const facts = await probe(path);
			expect(facts).toMatchObject({ audio: { codec: 'aac' } });
			expect(facts.durationSeconds).toBeCloseTo(4.2, 1);
			const level = (from: number, to: number): number => {
				const sound = execFileSync('ffmpeg', ['-v', 'error', '-ss', String(from), '-t', String(to - from), '-i', path, '-vn', '-f', 's16le', '-ac', '1', '-']);
				let sum = 0;
				for (let at = 0; at + 1 < sound.length; at += 2) sum += sound.readInt16LE(at) ** 2;
				return Math.sqrt(sum / (sound.length / 2));
			};
			// The fixture lasts 3 s.
			expect(level(3.2, 3.5)).toBeGreaterThan(level(0.5, 1) * 0.5);
			expect(level(4.05, 4.2)).toBeLessThan(level(0.5, 1) * 0.3);
		}, [fixture('audio')]);
	});

	it('refuses music without sound', async () => {
		await expect(video('quarters', { music: { file_url: 'http://files.test/a.png' } }, async () => {}, [image('logo')])).rejects.toMatchObject({
			code: 'input_no_audio',
			details: { field: 'params.music' },
		});
	});
});
