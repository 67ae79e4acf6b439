import { childModule, createInference } from './infer.ts';

/** Tells languages from each other (docs/dependencies.md: eld, 60 languages). Needs neither network nor engines. */
export interface LanguageDetector {
	/** ISO 639-1 of the language that most of the text is written in; null where that cannot be told. Throws like `Inference.ask`. */
	detect(text: string, options: { signal: AbortSignal }): Promise<string | null>;
	/** Ends its process, which also ends by itself. */
	close(): Promise<void>;
}

/** More says no more about the language. */
const MAX_CHARS = 4000;

/** In a process of its own: its tables take 70 MB and half a second to load. */
export function createLanguageDetector(): LanguageDetector {
	const inference = createInference({ what: 'telling languages', child: childModule('./language-child', import.meta.url), args: [] });
	return {
		close: () => inference.close(),
		async detect(text, { signal }) {
			// Numbers, emoji and punctuation alone are of no language.
			if (!/\p{L}/u.test(text)) return null;
			const { answer } = await inference.ask<string, string>(text.slice(0, MAX_CHARS), { signal });
			return answer === '' ? null : answer;
		},
	};
}
