import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { enginesFolder } from '../../../../scripts/lib/engines-install.mjs';
import { createEngines } from '../../../../sidecar/src/ai/local/engines.ts';
import { createLocalTransformer } from '../../../../sidecar/src/ai/local/transformer.ts';
import type { Transformer, TransformTask } from '../../../../sidecar/src/ai/transformer.ts';
import { PipelineError } from '../../../../sidecar/src/errors.ts';
import { createRemoveBackground } from '../../../../sidecar/src/operations/enhance/remove-background.ts';
import { createStyleTransfer } from '../../../../sidecar/src/operations/enhance/style-transfer.ts';
import { chooseTransformers } from '../../../../sidecar/src/operations/enhance/transform.ts';
import { createUpscale } from '../../../../sidecar/src/operations/enhance/upscale.ts';
import type { TaskOperation } from '../../../../sidecar/src/operations/operation.ts';
import { image } from '../../../fixtures/images.ts';
import { fixture } from '../../../fixtures/media.ts';
import { testTask } from '../../../support/task-context.ts';

const engine = (name: Transformer['name'], obstacle: string | null, work: Transformer['transform'] = () => Promise.reject(new Error('not asked'))): Transformer => ({ name, obstacle: () => obstacle, transform: work });
const UPSCALE: TransformTask = { kind: 'upscale', factor: 2 };

describe('the choice of an engine', () => {
	const local = engine('local', null);
	const replicate = engine('replicate', null);

	it('is local where that can do it, else Replicate, else what was asked for', () => {
		expect(chooseTransformers([local, replicate], 'auto', UPSCALE)).toEqual([local, replicate]);
		expect(chooseTransformers([engine('local', 'not there'), replicate], 'auto', UPSCALE)).toEqual([replicate]);
		expect(chooseTransformers([local, replicate], 'replicate', UPSCALE)).toEqual([replicate]);
	});

	it('fails with every reason where none can', () => {
		const none = [engine('local', 'Install it.'), engine('replicate', 'Set the key.')];
		expect(() => chooseTransformers(none, 'auto', UPSCALE)).toThrow('Install it. Set the key.');
		expect(() => chooseTransformers(none, 'local', UPSCALE)).toThrow(/^Install it\.$/);
	});
});

describe('the operations of the folder enhance', () => {
	async function run<P>(operation: TaskOperation<P>, path: string, params: unknown) {
		const task = await testTask(path);
		try {
			const { output, files = [], cost } = await operation.run(task.context, operation.params.parse(params));
			const [file] = files;
			if (!file) throw new Error('no file');
			const { data, info } = await sharp(file.path).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
			const pixel = (x: number, y: number) => [...data.subarray((y * info.width + x) * 4, (y * info.width + x) * 4 + 4)];
			return { output, file, cost, pixel, size: [info.width, info.height] };
		} finally {
			await task.end();
		}
	}

	it('enlarge a picture from a phone upright, in its own format', async () => {
		const local = createLocalTransformer(createEngines(await enginesFolder()));
		const { output, file, size, cost } = await run(createUpscale([local]), fixture('jpegRotated'), {});
		expect(size).toEqual([960, 1280]);
		expect(file).toMatchObject({ name: 'upscaled.jpg', mime: 'image/jpeg', width: 960, height: 1280 });
		expect(output).toMatchObject({ factor: 2, engine: 'local', width: 960, height: 1280 });
		expect(cost).toEqual({ ai_seconds: expect.any(Number) as number });
	});

	it('say what is wrong with a picture that is cut off, or would become too large, before any engine is asked', async () => {
		const never = engine('replicate', null);
		await expect(run(createUpscale([never]), image('cutJpeg'), {})).rejects.toMatchObject({ code: 'input_corrupt' });
		const large = await testTask(fixture('jpeg'));
		try {
			const path = join(large.context.workDir, 'large.jpg');
			await sharp({ create: { width: 4096, height: 4097, channels: 3, background: '#fff' } }).jpeg().toFile(path);
			await expect(run(createUpscale([never]), path, { factor: 2 })).rejects.toMatchObject({ code: 'input_too_large' });
		} finally {
			await large.end();
		}
	});

	it('refuse a result that is no picture', async () => {
		const page = engine('replicate', null, async ({ workDir }) => {
			await writeFile(join(workDir, 'result'), '<html>Sign in</html>');
			return { path: join(workDir, 'result'), model: 'acme/page', usage: {} };
		});
		const refused = { code: 'provider_answer_invalid', message: expect.stringContaining('acme/page') as string };
		await expect(run(createUpscale([page]), fixture('jpeg'), {})).rejects.toMatchObject(refused);
		await expect(run(createRemoveBackground([page]), fixture('jpeg'), {})).rejects.toMatchObject(refused);
	});

	/** Cuts out the left half. */
	const half = engine('local', null, async ({ path, width, height, workDir }) => {
		const to = `${workDir}/half.png`;
		const mask = await sharp({ create: { width, height, channels: 3, background: '#000' } })
			.composite([{ input: { create: { width: Math.floor(width / 2), height, channels: 3, background: '#fff' } }, left: 0, top: 0 }])
			.toColourspace('b-w')
			.raw()
			.toBuffer();
		await sharp(path).joinChannel(mask, { raw: { width, height, channels: 1 } }).png().toFile(to);
		return { path: to, model: 'half', usage: {} };
	});

	it('leave the background of a cut-out transparent, or paint it', async () => {
		const clear = await run(createRemoveBackground([half]), fixture('jpeg'), {});
		expect(clear.file.name).toBe('cut-out.png');
		expect([clear.pixel(10, 10)[3], clear.pixel(630, 10)[3]]).toEqual([255, 0]);
		const painted = await run(createRemoveBackground([half]), fixture('jpeg'), { background: '#ff8800', format: 'webp' });
		expect(painted.file.name).toBe('cut-out.webp');
		const [red = 0, green = 0, blue = 0, alpha] = painted.pixel(630, 10);
		expect([red > 245, Math.abs(green - 0x88) < 10, blue < 12, alpha]).toEqual([true, true, true, 255]);
	});

	it('hand the words of a style on, and refuse none at all', async () => {
		const asked: TransformTask[] = [];
		const recorder = engine('replicate', null, async ({ path, task }) => {
			asked.push(task);
			return { path, model: 'acme/style', usage: { ai_seconds: 2 } };
		});
		const operation = createStyleTransfer([recorder]);
		const { file, cost } = await run(operation, fixture('jpeg'), { prompt: '  ink on paper ', strength: 0.2 });
		expect(asked).toEqual([{ kind: 'style', prompt: 'ink on paper', strength: 0.2 }]);
		expect([file.name, cost]).toEqual(['styled.jpg', { ai_seconds: 2 }]);
		expect(operation.params.safeParse({}).success).toBe(false);
	});

	it('ask the next engine where the picture is nothing for the first, unless the first was asked for', async () => {
		const refusing = engine('local', null, () => Promise.reject(new PipelineError('input_unsupported', 'There is nobody in the picture.')));
		const other = engine('replicate', null, async ({ path }) => ({ path, model: 'acme/any', usage: {} }));
		const { output } = await run(createRemoveBackground([refusing, other]), fixture('jpeg'), {});
		expect(output).toMatchObject({ engine: 'replicate' });
		await expect(run(createRemoveBackground([refusing, other]), fixture('jpeg'), { engine: 'local' })).rejects.toThrow('nobody');
		const broken = engine('local', null, () => Promise.reject(new PipelineError('processing_failed', 'It crashed.')));
		await expect(run(createRemoveBackground([broken, other]), fixture('jpeg'), {})).rejects.toThrow('crashed');
	});

	it('refuse a video', async () => {
		await expect(run(createUpscale([half]), fixture('landscape'), {})).rejects.toMatchObject({ code: 'input_unsupported' });
	});
});
