import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { runPlan } from '../../../../sidecar/src/media/engine.ts';
import { chooseMoments, sampleFrames, sampleSize, spread, type SampledFrame } from '../../../../sidecar/src/operations/ai/sample-frames.ts';
import { editFixture } from '../../../fixtures/edit.ts';
import { image } from '../../../fixtures/images.ts';
import { hiddenFixture } from '../../../fixtures/hidden.ts';
import { fixture } from '../../../fixtures/media.ts';
import { picture, videoFacts } from '../../../support/facts.ts';
import { apngOf, GREEN, RED } from '../../../support/apng.ts';
import { testTask, type TestTask } from '../../../support/task-context.ts';

const video = picture({ durationSeconds: 60 });
const facts = videoFacts();

describe('the moments that are looked at', () => {
	it('are spread evenly where there is one scene', () => {
		expect(chooseMoments(facts, video, [], 4)).toEqual([7.5, 22.5, 37.5, 52.5]);
		expect(chooseMoments(facts, video, [{ start: 0, end: 60 }], 1)).toEqual([30]);
	});

	it('are one of each scene at least, and more of the longer ones', () => {
		const scenes = [
			{ start: 0, end: 2 },
			{ start: 2, end: 50 },
			{ start: 50, end: 60 },
		];
		expect(chooseMoments(facts, video, scenes, 3)).toEqual([1, 26, 55]);
		expect(chooseMoments(facts, video, scenes, 5)).toEqual([1, 10, 26, 42, 55]);
	});

	it('are of the longest scenes where there are too many', () => {
		const scenes = [
			{ start: 0, end: 1 },
			{ start: 1, end: 30 },
			{ start: 30, end: 32 },
			{ start: 32, end: 60 },
		];
		expect(chooseMoments(facts, video, scenes, 2)).toEqual([15.5, 46]);
	});

	it('are never closer together than half a second, nor behind the last picture', () => {
		const short = picture({ durationSeconds: 1.2, frameRate: 25 });
		expect(chooseMoments(videoFacts({ durationSeconds: 1.2 }), short, [], 8)).toEqual([0.3, 0.9]);
		const single = picture({ durationSeconds: 0.04, frameRate: 25 });
		expect(chooseMoments(videoFacts({ durationSeconds: 0.04 }), single, [], 8)).toEqual([0]);
	});

	it('of animations are spread over their frames', () => {
		expect(spread(5, 8)).toEqual([0, 1, 2, 3, 4]);
		expect(spread(100, 4)).toEqual([12, 37, 62, 87]);
		expect(spread(1, 4)).toEqual([0]);
	});

	it('are shown in their own proportions, and never enlarged', () => {
		expect(sampleSize({ width: 1920, height: 1080 }, 1024)).toEqual({ width: 1024, height: 576 });
		expect(sampleSize({ width: 320, height: 180 }, 1024)).toEqual({ width: 320, height: 180 });
		expect(sampleSize({ width: 16, height: 8000 }, 1000)).toEqual({ width: 2, height: 1000 });
	});
});

describe('frames of real media', () => {
	let task: TestTask | undefined;
	afterEach(async () => {
		await task?.end();
		task = undefined;
	});
	const sample = async (path: string, most = 8, maxSide = 1024): Promise<SampledFrame[]> => {
		task = await testTask(path);
		return (await sampleFrames(task.context, { runPlan }, { most, maxSide })).pictures;
	};
	const colour = async ({ path }: SampledFrame): Promise<number[]> =>
		(await sharp(path).stats()).channels.slice(0, 3).map(({ mean }) => Math.round(mean));

	it('show each scene of a video at its time', async () => {
		const pictures = await sample(editFixture('jumper'), 2);
		expect(pictures.map(({ atSeconds }) => atSeconds)).toEqual([1, 3]);
		const [first, second] = await Promise.all(pictures.map(colour));
		expect(first?.[2]).toBeGreaterThan(80);
		expect(second?.[2]).toBeLessThan(60);
	});

	it('show the picture of the very moment', async () => {
		const pictures = await sample(editFixture('numbered'), 6);
		expect(pictures).toHaveLength(6);
		for (const one of pictures) {
			// Each picture is 2 steps of brightness lighter than the one before; 16 to 235 are 0 to 255.
			const expected = ((20 + 2 * Math.round((one.atSeconds ?? 0) * 25) - 16) * 255) / 219;
			expect(Math.abs(((await colour(one))[0] ?? 0) - expected)).toBeLessThan(6);
		}
	});

	it('are upright and within the size', async () => {
		const [turned] = await sample(fixture('rotated'), 1, 512);
		expect(turned).toMatchObject({ width: 288, height: 512, mime: 'image/jpeg' });
		const [photo] = await sample(fixture('jpegRotated'), 4);
		expect(photo).toMatchObject({ width: 480, height: 640, atSeconds: null });
		expect(await sharp(photo?.path).metadata()).toMatchObject({ width: 480, height: 640, format: 'jpeg' });
	});

	it('of an animation show several moments', async () => {
		const pictures = await sample(image('animatedWebp'), 8);
		expect(pictures.map(({ atSeconds }) => atSeconds)).toEqual([0, 0.1, 0.2, 0.4, 0.5]);
		const reds = await Promise.all(pictures.map(async (one) => (await colour(one))[0] ?? 0));
		expect(reds.every((red, index) => index === 0 || red > (reds[index - 1] ?? 0) + 30)).toBe(true);
		expect((await sample(fixture('gif'), 4)).length).toBeGreaterThan(1);
	});

	it('show what is held for long, however few pictures the file has', async () => {
		for (const name of ['heldBetween', 'heldToTheEnd'] as const) {
			const pictures = await sample(hiddenFixture(name), 4);
			const reds = (await Promise.all(pictures.map(colour))).filter(([red = 0, green = 0]) => red > 150 && green < 60);
			expect([name, reds.length]).toEqual([name, 1]);
			expect(pictures.map(({ atSeconds }) => atSeconds)).toContain(0.2);
		}
	});

	it('show what is held to the end where times are no whole thousandths', async () => {
		const held = await sample(hiddenFixture('heldInTicks'), 4);
		expect(held.map(({ atSeconds }) => atSeconds)).toContain(0.233);
		expect((await Promise.all(held.map(colour))).filter(([red = 0, green = 0]) => red > 150 && green < 60)).toHaveLength(1);
	});

	it('show what was found before where times are no whole thousandths', async () => {
		task = await testTask(hiddenFixture('shownInTicks'));
		const { pictures, missed } = await sampleFrames(task.context, { runPlan }, { most: 1, also: [0.233] });
		expect([pictures.map(({ atSeconds }) => atSeconds), missed]).toEqual([[0.233, 0.5], 0]);
		expect((await Promise.all(pictures.map(colour))).map(([red = 0]) => red > 150)).toEqual([true, false]);
	});

	it('show the default image of an animated PNG beside its frames, where it is none of them', async () => {
		const folder = await mkdtemp(join(tmpdir(), 'sample-frames-'));
		try {
			const path = join(folder, 'apart.png');
			for (const [frames, apart, expected] of [
				[[GREEN, GREEN, GREEN], RED, [[null, true], [0, false], [0.5, false], [1, false]]],
				[[RED], GREEN, [[null, false], [0, true]]],
				[[RED], undefined, [[null, true]]],
			] as const) {
				await writeFile(path, apngOf(frames, apart));
				const pictures = await sample(path, 8);
				const reds = await Promise.all(pictures.map(async (one) => [one.atSeconds, ((await colour(one))[0] ?? 0) > 150]));
				expect(reds).toEqual(expected);
				await task?.end();
			}
		} finally {
			await rm(folder, { recursive: true, force: true });
		}
	});

	it('show all frames of an animated PNG, and the moments asked for beside', async () => {
		const pictures = await sample(hiddenFixture('apng'), 8);
		expect(pictures.map(({ atSeconds }) => atSeconds)).toEqual([0, 0.5, 1, 1.5]);
		const reds = (await Promise.all(pictures.map(colour))).map(([red = 0, green = 0]) => red > green);
		expect(reds).toEqual([false, false, true, false]);
		expect(await sample(image('apng'), 1)).toMatchObject([{ width: 100, height: 50, atSeconds: 0.5 }]);
		task = await testTask(hiddenFixture('apng'));
		const { pictures: more } = await sampleFrames(task.context, { runPlan }, { most: 1, also: [0.5] });
		expect(more.map(({ atSeconds }) => atSeconds)).toEqual([0.5, 1]);
	});

	it('show the moments of a video asked for beside, each once', async () => {
		task = await testTask(editFixture('numbered'));
		const { pictures, missed } = await sampleFrames(task.context, { runPlan }, { most: 1, also: [0.4, 2] });
		expect(pictures.map(({ atSeconds }) => atSeconds)).toEqual([0.4, 2]);
		expect(missed).toBe(0);
	});

	it('put transparent pictures on white', async () => {
		const [one] = await sample(editFixture('yellow'), 1);
		const { data } = await sharp(one?.path).extract({ left: 200, top: 10, width: 1, height: 1 }).raw().toBuffer({ resolveWithObject: true });
		expect([...data].every((value) => value > 245)).toBe(true);
	});

	it('are none of a sound, and those that are there where the sound goes on after the picture', async () => {
		expect(await sample(fixture('audio'))).toEqual([]);
		const pictures = await sample(fixture('longSound'), 6);
		expect(pictures.length).toBeGreaterThan(0);
	});
});
