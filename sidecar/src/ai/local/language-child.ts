import { eld } from 'eld/medium';
import { serve } from './infer-child.ts';

/** A process of its own: asked for a text, it answers the language, ISO 639-1, or an empty text where it cannot tell. */
serve<string, string>(async () => {
	// Without links, addresses and domains, which say nothing about the language.
	eld.enableTextCleanup(true);
	return (text) => {
		const found = eld.detect(text);
		return found.isReliable() ? found.language : '';
	};
});
