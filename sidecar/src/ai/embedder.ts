import type { Answered, Picture, Provider } from './provider.ts';

/** Vectors whose cosine says how alike two things are. Only vectors of the same `space` can be compared. */
interface Embeds extends Provider {
	/** Names model and version, e.g. `openai:text-embedding-3-small:512`; stored with every vector. */
	readonly space: string;
	/** Numbers per vector. */
	readonly dimensions: number;
}

export interface TextEmbedder extends Embeds {
	/** Null: it can, for this language (ISO 639-1; absent: unknown). */
	obstacle(language?: string): string | null;
	/** Vectors of length 1, in the order of the texts. */
	embed(texts: readonly string[], options: { signal: AbortSignal }): Promise<Embedded>;
}

export interface ImageEmbedder extends Embeds {
	/** Vectors of length 1, in the order of the pictures. */
	embedImages(pictures: readonly Picture[], options: { signal: AbortSignal }): Promise<Embedded>;
}

export interface Embedded extends Answered {
	vectors: number[][];
}
