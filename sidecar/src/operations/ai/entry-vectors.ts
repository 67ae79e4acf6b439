import type { ImageEmbedder, TextEmbedder } from '../../ai/embedder.ts';
import { addUsage } from '../../ai/provider.ts';
import type { Database } from '../../db/database.ts';
import type { NewEntry } from '../../db/search.ts';
import { ensureIndex, hasVectors } from '../../db/search-vectors.ts';
import { toPipelineError } from '../../errors.ts';
import type { SampledFrame } from './sample-frames.ts';

interface Vectored {
	/** Vectors that were added. */
	count: number;
	usage: Record<string, number>;
	notes: string[];
}

const nothing = (...notes: string[]): Vectored => ({ count: 0, usage: {}, notes });

const WITHOUT_PGVECTOR = 'This database has no pgvector: only words can be found, not meanings.';

/**
 * Adds vectors of their texts to entries that have one, where the embedder knows their language. What cannot be done is said in
 * notes: an asset that is found by its words only is better than one that is not found.
 */
export async function addTextVectors(db: Database, embedder: TextEmbedder, entries: readonly NewEntry[], signal: AbortSignal): Promise<Vectored> {
	if (!(await hasVectors(db))) return nothing(WITHOUT_PGVECTOR);
	const refused = new Set<string>();
	const fitting = entries.filter(({ text, language }) => {
		const obstacle = text === '' ? '' : embedder.obstacle(language ?? undefined);
		if (obstacle) refused.add(obstacle);
		return obstacle === null;
	});
	const notes = [...refused].map((obstacle) => `Found by words only, not by meaning: ${obstacle}`);
	if (fitting.length === 0) return nothing(...notes);
	return attempt(notes, signal, async () => {
		await ensureIndex(db, embedder.space, embedder.dimensions);
		const { vectors, usage, notes: own = [] } = await embedder.embed(fitting.map(({ text }) => text), { signal });
		const { count, notes: lost } = give(fitting, vectors, embedder);
		return { count, usage, notes: [...own, ...lost] };
	});
}

/** Adds vectors of pictures: `entries` are those of `pictures`, in their order. */
export async function addImageVectors(db: Database, embedder: ImageEmbedder, entries: readonly NewEntry[], pictures: readonly SampledFrame[], signal: AbortSignal): Promise<Vectored> {
	if (pictures.length === 0) return nothing();
	if (!(await hasVectors(db))) return nothing(WITHOUT_PGVECTOR);
	const obstacle = embedder.obstacle();
	if (obstacle) return nothing(`Pictures are not compared with others: ${obstacle}`);
	return attempt([], signal, async () => {
		await ensureIndex(db, embedder.space, embedder.dimensions);
		const { vectors, usage, notes = [] } = await embedder.embedImages(pictures, { signal });
		const { count, notes: lost } = give(entries, vectors, embedder);
		return { count, usage, notes: [...notes, ...lost] };
	});
}

/** Each its own. One vector of another length, or of no direction, would make every comparison with the others fail: it is left out. */
function give(entries: readonly NewEntry[], vectors: ReadonlyArray<readonly number[]>, { space, dimensions, model }: TextEmbedder | ImageEmbedder): { count: number; notes: string[] } {
	let count = 0;
	for (const [index, entry] of entries.entries()) {
		const values = vectors[index];
		if (!values || !isDirection(values, dimensions)) continue;
		entry.vectors.push({ space, values });
		count += 1;
	}
	const lost = entries.length - count;
	return { count, notes: lost > 0 ? [`${model} gave no usable vector for ${lost} of ${entries.length}: those are found by words only.`] : [] };
}

/** Whether it can be compared with vectors of so many numbers. */
export const isDirection = (values: readonly number[], dimensions: number): boolean =>
	values.length === dimensions && values.every(Number.isFinite) && values.some((value) => value !== 0);

/** What a model says of pictures, and its notes; an empty answer where it cannot. */
export async function attempt(notes: string[], signal: AbortSignal, work: () => Promise<Vectored>): Promise<Vectored> {
	try {
		const done = await work();
		return { ...done, usage: addUsage(done.usage), notes: [...notes, ...done.notes] };
	} catch (error) {
		signal.throwIfAborted();
		const failed = toPipelineError(error);
		// Limits pass: the job is tried again. Anything else stays wrong, however often.
		if (failed.retryable || failed.code === 'internal') throw error;
		return nothing(...notes, failed.message);
	}
}
