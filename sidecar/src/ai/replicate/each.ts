import type { Picture } from '../provider.ts';

/** Predictions at the same time; the limits of the routing still hold. */
const PARALLEL = 4;

/** One answer per picture, in their order. One that fails stops the others: their answers could not be used, and cost. */
export async function forEachPicture<T>(pictures: readonly Picture[], signal: AbortSignal, work: (picture: Picture, signal: AbortSignal) => Promise<T>): Promise<T[]> {
	const answers: T[] = [];
	const stop = new AbortController();
	const both = AbortSignal.any([signal, stop.signal]);
	const waiting = pictures.entries();
	const workers = Array.from({ length: PARALLEL }, async () => {
		for (const [index, picture] of waiting) answers[index] = await work(picture, both);
	});
	try {
		await Promise.all(workers);
		return answers;
	} catch (error) {
		stop.abort(error);
		await Promise.allSettled(workers);
		throw error;
	}
}
