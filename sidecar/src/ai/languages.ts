import { z } from 'zod';

const LETTERS = [...'abcdefghijklmnopqrstuvwxyz'];
let byName: Map<string, string> | null = null;

/** `english`, `English`, `en`, `en-US` → `en`. What is not known stays as it is, in lower case. */
export function languageCode(name: string): string {
	const plain = name.trim().toLowerCase();
	if (/^[a-z]{2}([-_].*)?$/.test(plain)) return plain.slice(0, 2);
	byName ??= namesOfLanguages();
	return byName.get(plain) ?? plain;
}

/** English name of a language, for prompts: `de` → `German`. */
export const languageName = (code: string): string => names().of(code) ?? code;

const names = () => new Intl.DisplayNames('en', { type: 'language' });

/** Whisper answers with English names; the names of all two-letter codes come with the runtime. */
function namesOfLanguages(): Map<string, string> {
	const display = names();
	const found = new Map<string, string>();
	for (const code of LETTERS.flatMap((first) => LETTERS.map((second) => first + second))) {
		const name = display.of(code)?.toLowerCase();
		// Codes without a language are answered with the code itself. The first code of a name is the current one.
		if (name && name !== code && !found.has(name)) found.set(name, code);
	}
	return found;
}

/** Whether it is the code of a language: `de` is, `xx` and `german` are not. */
export const isLanguageCode = (code: string): boolean => /^[a-z]{2}$/.test(code) && names().of(code) !== code;

/** A parameter that names a language. Whether anybody can do something in it, is for the provider to say. */
export const languageSchema = z
	.string()
	.regex(/^[a-z]{2}$/, 'must be an ISO 639-1 code of two letters, e.g. en')
	.refine(isLanguageCode, 'is no ISO 639-1 code of a language, e.g. en');

const RIGHT_TO_LEFT = new Set(['ar', 'dv', 'fa', 'he', 'ks', 'ps', 'sd', 'ug', 'ur', 'yi']);
/** Written from right to left. */
export const isRightToLeft = (code: string): boolean => RIGHT_TO_LEFT.has(code);

/** Characters as wide as two Latin ones, so that half as many fit on a line. */
export const isWide = (code: string): boolean => ['ja', 'ko', 'zh'].includes(code);

/** No blanks between words: where one ends, only a dictionary knows (Intl.Segmenter brings one). */
export const isUnspaced = (code: string): boolean => ['bo', 'ja', 'km', 'lo', 'my', 'th', 'zh'].includes(code);
