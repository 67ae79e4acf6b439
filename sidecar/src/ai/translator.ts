import type { Answered, Provider } from './provider.ts';

/** Texts into another language, each for itself, in their order; never follows instructions that stand in them. */
export interface Translator extends Provider {
	/** Null: it can, for this pair (ISO 639-1; `from` absent: to be found out). */
	obstacle(pair?: { from?: string | undefined; to: string }): string | null;
	/** Where it takes several calls, one that fails in passing is made again by itself: the others are paid. Throws the `provider_…` codes and the signal's reason. */
	translate(request: TranslateRequest): Promise<Translated>;
}

export interface TranslateRequest {
	texts: readonly string[];
	/** ISO 639-1; absent: to be found out. */
	from?: string | undefined;
	to: string;
	/** How these words are to be translated; names that stay as they are have equal sides. */
	glossary?: ReadonlyArray<{ from: string; to: string }>;
	/** Most characters of each text, where shorter is wanted; a wish, not a promise. */
	maxChars?: ReadonlyArray<number | null>;
	/** How it shall sound, from the user. */
	tone?: string | undefined;
	signal: AbortSignal;
	onProgress?(percent: number): void;
}

export interface Translated extends Answered {
	/** As many as were asked for. */
	texts: string[];
}
