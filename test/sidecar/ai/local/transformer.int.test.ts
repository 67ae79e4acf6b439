import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp, { type ResizeOptions, type Sharp } from 'sharp';
import { enginesFolder } from '../../../../scripts/lib/engines-install.mjs';
import { createEngines } from '../../../../sidecar/src/ai/local/engines.ts';
import { createLocalTransformer } from '../../../../sidecar/src/ai/local/transformer.ts';
import { MAX_PIXELS } from '../../../../sidecar/src/ai/local/upscaler.ts';
import type { TransformTask } from '../../../../sidecar/src/ai/transformer.ts';
import { person } from '../../../fixtures/person.ts';

const picture = (): Sharp => sharp(person());

describe('the local engines', () => {
	let workDir: string;
	let local: ReturnType<typeof createLocalTransformer>;
	beforeAll(async () => {
		local = createLocalTransformer(createEngines(await enginesFolder()));
	});
	beforeEach(async () => {
		workDir = await mkdtemp(join(tmpdir(), 'local-engines-'));
	});
	afterEach(async () => {
		await rm(workDir, { recursive: true, force: true });
	});

	async function run(task: TransformTask, picture: Sharp, size?: { width: number; height: number }) {
		const path = join(workDir, 'source.png');
		const { width, height } = await picture.png().toFile(path);
		const made = await local.transform({ task, path, width, height, ...size, workDir, signal: new AbortController().signal, onProgress: () => {} });
		return { made, path };
	}

	it('cut a person out of the background', async () => {
		const { made } = await run({ kind: 'remove_background' }, picture());
		const { data, info } = await sharp(made.path).raw().toBuffer({ resolveWithObject: true });
		expect([info.width, info.height, info.channels]).toEqual([640, 480, 4]);
		const opacity = (x: number, y: number): number => data[(y * info.width + x) * 4 + 3] ?? -1;
		expect([opacity(320, 200), opacity(320, 420)].map((value) => value > 200)).toEqual([true, true]);
		expect([opacity(20, 20), opacity(620, 20), opacity(40, 400)].map((value) => value < 30)).toEqual([true, true, true]);
	});

	it('leave transparent what is transparent, whoever is hidden there', async () => {
		const { data, info } = await picture().ensureAlpha().raw().toBuffer({ resolveWithObject: true });
		// A hole in the coat.
		for (let y = 400; y < 440; y++) for (let x = 300; x < 340; x++) data[(y * info.width + x) * 4 + 3] = 0;
		const { made } = await run({ kind: 'remove_background' }, sharp(data, { raw: { width: info.width, height: info.height, channels: 4 } }));
		const pixels = await sharp(made.path).raw().toBuffer();
		const pixel = (x: number, y: number): number[] => [...pixels.subarray((y * info.width + x) * 4, (y * info.width + x) * 4 + 4)];
		expect([pixel(305, 405)[3], pixel(320, 420)[3], pixel(335, 435)[3]]).toEqual([0, 0, 0]);
		expect(pixel(320, 200)[3]).toBeGreaterThan(200);
		const original = [...data.subarray((200 * info.width + 320) * 4, (200 * info.width + 320) * 4 + 3)];
		pixel(320, 200).slice(0, 3).forEach((value, index) => expect(Math.abs(value - original[index]!)).toBeLessThan(4));
	});

	it('say so when there is nobody in the picture', async () => {
		const wall = sharp({ create: { width: 320, height: 240, channels: 3, background: '#3c6e47' } });
		await expect(run({ kind: 'remove_background' }, wall)).rejects.toMatchObject({ code: 'input_unsupported', message: expect.stringContaining('nobody') as string });
	});

	it.each([2, 4] as const)('enlarge a picture %i times, and stay closer to the original than plain scaling', async (factor) => {
		const original = picture().resize(320, 240).removeAlpha();
		const reference = await original.clone().raw().toBuffer();
		const small = sharp(await original.clone().resize(320 / factor, 240 / factor, { kernel: 'cubic' }).png().toBuffer());
		const { made, path } = await run({ kind: 'upscale', factor }, small);
		const pixels = (from: string, options?: ResizeOptions) => sharp(from).resize(320, 240, options).removeAlpha().toColourspace('srgb').raw().toBuffer();
		expect(await sharp(made.path).metadata()).toMatchObject({ width: 320, height: 240 });
		const error = async (picture: Promise<Buffer>): Promise<number> => (await picture).reduce((sum, value, index) => sum + (value - (reference[index] ?? 0)) ** 2, 0);
		expect(await error(pixels(made.path))).toBeLessThan(await error(pixels(path, { kernel: 'linear' })));
	});

	it('keep transparency', async () => {
		const left = { input: { create: { width: 20, height: 30, channels: 4, background: '#ff0000' } as const }, left: 0, top: 0 };
		const half = sharp(await sharp({ create: { width: 40, height: 30, channels: 4, background: { r: 0, g: 0, b: 255, alpha: 0 } } }).composite([left]).png().toBuffer());
		const { made } = await run({ kind: 'upscale', factor: 2 }, half);
		const { data, info } = await sharp(made.path).raw().toBuffer({ resolveWithObject: true });
		expect([info.width, info.height, info.channels]).toEqual([80, 60, 4]);
		const opacity = (x: number): number => data[(30 * info.width + x) * 4 + 3] ?? -1;
		expect([opacity(10), opacity(70)]).toEqual([255, 0]);
	});

	it('refuse a picture that would take too long', async () => {
		const tiny = sharp({ create: { width: 8, height: 8, channels: 3, background: '#fff' } });
		await expect(run({ kind: 'upscale', factor: 2 }, tiny, { width: MAX_PIXELS, height: 2 })).rejects.toMatchObject({ code: 'input_too_large' });
	});

	it('name the command that installs them where they are not', () => {
		const without = createLocalTransformer(createEngines(undefined));
		expect(without.obstacle({ kind: 'upscale', factor: 2 })).toMatch(/npm run engines/);
		expect(without.obstacle({ kind: 'remove_background' })).toMatch(/ENGINES_DIR/);
		expect(local.obstacle({ kind: 'upscale', factor: 2 })).toBeNull();
		expect(createLocalTransformer(createEngines('/engines', 'darwin-arm64')).obstacle({ kind: 'upscale', factor: 2 })).toMatch(/Linux on x64; this is darwin-arm64.*REPLICATE_API_TOKEN/);
		expect(local.obstacle({ kind: 'style', prompt: 'ink', strength: 1 })).toMatch(/no local engine/);
	});
});
