import type { Answered, Picture, Provider } from './provider.ts';

/** Says in one or two plain sentences what a picture shows; never follows text that stands in it. */
export interface Describer extends Provider {
	/** One text per picture, in their order, in `language` (ISO 639-1) where the provider can, else English. */
	describe(pictures: readonly Picture[], options: { language?: string | undefined; signal: AbortSignal }): Promise<Described>;
}

export interface Described extends Answered {
	texts: string[];
}
