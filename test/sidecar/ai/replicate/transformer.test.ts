import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { metered } from '../../../../sidecar/src/ai/meter.ts';
import { createReplicateClient } from '../../../../sidecar/src/ai/replicate/client.ts';
import { createReplicateTransformer } from '../../../../sidecar/src/ai/replicate/transformer.ts';
import { createLimiter } from '../../../../sidecar/src/ai/routing/limiter.ts';
import type { TransformTask } from '../../../../sidecar/src/ai/transformer.ts';
import { download } from '../../../../sidecar/src/net/download.ts';
import { createGuard } from '../../../../sidecar/src/net/guard.ts';
import { startReplicate, type ReplicateEmulator } from '../../../platforms/replicate.ts';

describe('pictures by Replicate', () => {
	let replicate: ReplicateEmulator;
	let workDir: string;
	let path: string;
	beforeEach(async () => {
		replicate = await startReplicate();
		workDir = await mkdtemp(join(tmpdir(), 'replicate-'));
		path = join(workDir, 'source.png');
		await sharp({ create: { width: 60, height: 40, channels: 3, background: '#336699' } }).png().toFile(path);
	});
	afterEach(async () => {
		await replicate.close();
		await rm(workDir, { recursive: true, force: true });
	});

	function transformer({ token = replicate.token, model = 'acme/model', allowed = [replicate.host] }: { token?: string | undefined; model?: string; allowed?: string[] } = {}) {
		const guard = createGuard({ allowedPrivateHosts: allowed, allowHttp: false });
		return createReplicateTransformer({
			client: createReplicateClient({ token, baseUrl: replicate.url, pollMs: 1 }),
			models: { remove_background: model, upscale: model, style: model },
			download: async (url, destPath, signal) => void (await download({ url, destPath, signal, guard, maxBytes: 1e7, onProgress: () => {} })),
		});
	}
	const run = (task: TransformTask, given: Parameters<typeof transformer>[0] = {}, signal = new AbortController().signal) =>
		transformer(given).transform({ task, path, width: 60, height: 40, workDir, signal, onProgress: () => {} });

	it('uploads the picture, follows the prediction and fetches its result', async () => {
		const made = await run({ kind: 'upscale', factor: 2 });
		expect(await sharp(made.path).metadata()).toMatchObject({ width: 120, height: 80 });
		expect(made).toMatchObject({ model: 'acme/model', usage: { ai_seconds: 1.5 } });
		expect(replicate.predictions[0]?.input).toEqual({ image: expect.stringMatching(/\/files\//) as string, scale: 2 });
		expect(replicate.counts).toMatchObject({ created: 1, uploaded: 1, cancelled: 0 });
		// Where nobody is left to cancel it, it ends by itself.
		expect(replicate.predictions[0]?.cancelAfter).toBe('15m');
	});

	it('finds the field that takes the picture, and leaves out what the model does not know', async () => {
		replicate.fields = { seed: { type: 'number' }, input_image: { type: 'string', format: 'uri' }, prompt: { type: 'string' } };
		await run({ kind: 'style', prompt: 'ink', strength: 0.5 });
		expect(Object.keys(replicate.predictions[0]?.input ?? {}).sort()).toEqual(['input_image', 'prompt']);
	});

	it('uses the version that was pinned', async () => {
		await run({ kind: 'remove_background' }, { model: `acme/model:${'f'.repeat(64)}` });
		expect(replicate.counts.created).toBe(1);
	});

	it.each([
		['takes no picture', { prompt: { type: 'string' } }, { kind: 'remove_background' } as const],
		['takes no prompt', { image: { type: 'string', format: 'uri' } }, { kind: 'style', prompt: 'ink', strength: 1 } as const],
	])('refuses a model that %s, before it costs anything', async (words, fields, task) => {
		replicate.fields = fields;
		await expect(run(task)).rejects.toMatchObject({ code: 'provider_rejected', message: expect.stringContaining(words) as string });
		expect(replicate.counts.created).toBe(0);
	});

	it.each([
		[401, 'provider_key_refused', /REPLICATE_API_TOKEN/, 'create'],
		[402, 'provider_rejected', /credit/, 'create'],
		[404, 'provider_rejected', /knows no model/, 'model'],
		[422, 'provider_rejected', /HTTP 422/, 'create'],
		[500, 'provider_unavailable', /HTTP 500/, 'create'],
	] as const)('explains HTTP %i', async (status, code, message, when) => {
		replicate.failures.push({ status, when });
		await expect(run({ kind: 'upscale', factor: 2 })).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string });
	});

	it('does not lose a prediction because looks at it fail, and makes none twice', async () => {
		replicate.failures.push({ status: 503, when: 'get' }, { status: 429, when: 'get', headers: { 'retry-after': '60' } });
		await run({ kind: 'upscale', factor: 2 });
		expect(replicate.counts).toMatchObject({ created: 1, cancelled: 0 });
	});

	it('does not begin, nor pay, a second one because each look at the first is refused', async () => {
		replicate.failures.push(...Array.from({ length: 6 }, () => ({ status: 429, when: 'get' as const, headers: { 'retry-after': '1' } })));
		const limited = createLimiter({}, 'replicate')(() => run({ kind: 'upscale', factor: 2 }), new AbortController().signal);
		await expect(limited).rejects.toMatchObject({ code: 'provider_unavailable', retryAfterSeconds: undefined });
		expect(replicate.counts).toMatchObject({ created: 1, cancelled: 1 });
	});

	it.each([
		'NSFW content detected. Try running it again, or try a different prompt.',
		'The input or output was flagged as sensitive. Please try again with different inputs. (E005)',
	])('says that it is the content: %s', async (words) => {
		replicate.run = () => Promise.reject(new Error(words));
		await expect(run({ kind: 'upscale', factor: 2 })).rejects.toMatchObject({ code: 'provider_content_refused', message: expect.stringContaining(words) as string });
	});

	it('tells what was used, though the result could not be had', async () => {
		const told: Array<Record<string, number>> = [];
		const used = (work: () => Promise<unknown>) => expect(metered((usage) => void told.push(usage), work)).rejects.toThrow();
		await used(() => run({ kind: 'upscale', factor: 2 }, { allowed: [] }));
		replicate.run = () => Promise.reject(new Error('CUDA out of memory'));
		await used(() => run({ kind: 'upscale', factor: 2 }));
		expect(told).toEqual([{ ai_seconds: 1.5 }, { ai_seconds: 0.5 }]);
	});

	it('says when the answer is no picture', async () => {
		replicate.says = () => 'hello';
		await expect(run({ kind: 'upscale', factor: 2 })).rejects.toMatchObject({ code: 'provider_answer_invalid', message: expect.stringContaining('no picture') as string });
	});

	it('says what the model said when it fails', async () => {
		replicate.run = () => Promise.reject(new Error('CUDA out of memory'));
		await expect(run({ kind: 'upscale', factor: 4 })).rejects.toMatchObject({ code: 'provider_rejected', message: expect.stringContaining('CUDA out of memory') as string });
	});

	it('cancels a prediction that nobody waits for any more', async () => {
		replicate.slow = true;
		const abort = new AbortController();
		const working = run({ kind: 'upscale', factor: 2 }, {}, abort.signal);
		while (replicate.counts.looks < 2) await new Promise((resolve) => setTimeout(resolve, 5));
		abort.abort(new Error('called off'));
		await expect(working).rejects.toThrow('called off');
		expect(replicate.counts.cancelled).toBe(1);
	});

	it('does not follow a result link into the private network', async () => {
		await expect(run({ kind: 'upscale', factor: 2 }, { allowed: [] })).rejects.toMatchObject({ code: 'input_forbidden' });
	});

	it('names the variable that is missing', () => {
		expect(createReplicateClient({ token: undefined }).obstacle()).toMatch(/REPLICATE_API_TOKEN/);
		expect(createReplicateClient({ token: undefined, keyName: 'MY_TOKEN' }).obstacle()).toMatch(/MY_TOKEN/);
	});
});
