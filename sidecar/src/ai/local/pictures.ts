import type { Picture } from '../provider.ts';
import type { Inferred } from './infer.ts';

interface Options {
	signal: AbortSignal;
	onProgress?(percent: number): void;
}

/** Asks about one picture after the other, so that progress is seen and other jobs get their turn in between. */
export async function eachPicture<Found>(
	pictures: readonly Picture[],
	{ signal, onProgress }: Options,
	look: (picture: Picture, signal: AbortSignal) => Promise<Inferred<Found>>,
): Promise<{ found: Found[]; usage: Record<string, number> }> {
	const found: Found[] = [];
	let seconds = 0;
	for (const [index, picture] of pictures.entries()) {
		const { answer, cpuSeconds } = await look(picture, signal);
		found.push(answer);
		seconds += cpuSeconds;
		onProgress?.((100 * (index + 1)) / pictures.length);
	}
	return { found, usage: { ai_images: pictures.length, ai_seconds: Math.round(seconds * 1e3) / 1e3 } };
}
