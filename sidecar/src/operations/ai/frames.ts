import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import type { WriterImage } from '../../ai/writer.ts';
import type { MediaFacts } from '../../media/facts.ts';
import type { MediaPlan } from '../../media/plan.ts';
import type { TaskContext } from '../operation.ts';
import type { Engine } from './engine.ts';

/** Vision models scale down to this or less (OpenAI "high" detail: short side 768). */
export const MAX_SIDE = 768;
/** The first and last moments are often black or a logo. */
const MOMENTS = [0.1, 0.5, 0.9];
/** The same bound as of the engine's pictures: 8192 x 8192. */
const MAX_PIXELS = 8192 * 8192;

/** What is seen, as pictures of at most 768 pixels: three moments of a video, an image itself, nothing of a sound. */
export async function keyFrames(
	context: TaskContext,
	engine: Engine,
): Promise<{ images: WriterImage[]; cpuSeconds: number }> {
	const { path, facts } = await context.source();
	if (facts.fileType === 'image') {
		const data = await sharp(path, { limitInputPixels: MAX_PIXELS })
			.rotate()
			.resize(MAX_SIDE, MAX_SIDE, { fit: 'inside', withoutEnlargement: true })
			.flatten({ background: '#ffffff' })
			.jpeg({ quality: 80 })
			.toBuffer();
		return { images: [{ mime: 'image/jpeg', data }], cpuSeconds: 0 };
	}
	const { workDir, signal, log } = context;
	const run = (plan: MediaPlan) =>
		engine.runPlan({
			inputPath: path,
			facts,
			plan,
			workDir,
			signal,
			onProgress: (percent) => context.progress(percent * 0.3),
			log,
		});
	const plan = planFrames(facts);
	if (plan.outputs.length === 0) return { images: [], cpuSeconds: 0 };
	const { files, cpuSeconds } = await run(plan).catch((error: unknown) => {
		signal.throwIfAborted();
		// Where the sound goes on after the last picture, the later moments show nothing: the first one is there.
		log.warn({ err: error }, 'only the first frame is used');
		return run(planFrames(facts, [0]));
	});
	const images = await Promise.all(
		files.map(async (file) => ({ mime: 'image/jpeg' as const, data: await readFile(file.path) })),
	);
	return { images, cpuSeconds };
}

/** No outputs where there is no picture. */
export function planFrames(facts: MediaFacts, moments: readonly number[] = MOMENTS): MediaPlan {
	if (!facts.video) return { outputs: [], estimatedCpuSeconds: 0 };
	const { width, height, frameRate } = facts.video;
	// A seek behind the last picture finds nothing.
	const latest = Math.max(0, facts.durationSeconds - 2 / (frameRate || 1));
	const seeks = [...new Set(moments.map((moment) => Math.min(facts.durationSeconds * moment, latest)))];
	const factor = Math.min(1, MAX_SIDE / Math.max(width, height));
	const even = (side: number) => Math.max(2, Math.round((side * factor) / 2) * 2);
	return {
		estimatedCpuSeconds: 1,
		outputs: seeks.map((seekSeconds, index) => ({
			name: `frame-${index + 1}.jpg`,
			kind: 'image' as const,
			mime: 'image/jpeg',
			seekSeconds,
			videoFilters: [`scale=${even(width)}:${even(height)}`, 'setsar=1'],
			// 2 is the best, 31 the worst quality of ffmpeg's JPEG; 4 shows no blocks.
			options: ['-c:v', 'mjpeg', '-q:v', '4', '-pix_fmt', 'yuvj420p', '-map_metadata', '-1'],
			expectedSeconds: 0,
		})),
	};
}
