import { z } from 'zod';

const LETTERS = [...'abcdefghijklmnopqrstuvwxyz'];
let byName: Map<string, string> | null = null;

/**
 * Other codes of the same languages: those that ISO 639-1 has given up (Java and old Android still say `iw`), those of Whisper
 * (`jw`), and of ISO 639-3 what its one of two letters covers: the written language is the same.
 */
const SAME: Readonly<Record<string, string>> = { iw: 'he', in: 'id', ji: 'yi', jw: 'jv', mo: 'ro', nb: 'no', fil: 'tl', yue: 'zh' };
/** Whisper's names where they are not those of Unicode. */
const NAMES: Readonly<Record<string, string>> = { bengali: 'bn', cantonese: 'zh', haitian: 'ht', maori: 'mi', moldavian: 'ro', myanmar: 'my', nynorsk: 'nn', tagalog: 'tl' };

/**
 * `english`, `English`, `en`, `en-US`, `eng` → `en`; `iw` → `he`. What is not known stays as it is, in lower case.
 */
export function languageCode(name: string): string {
	const plain = name.trim().toLowerCase();
	const [start = ''] = plain.split(/[-_]/);
	if (/^[a-z]{2}$/.test(start)) return SAME[start] ?? start;
	byName ??= namesOfLanguages();
	const known = SAME[plain] ?? NAMES[plain] ?? byName.get(plain);
	return known ?? (/^[a-z]{3}$/.test(start) ? ofThreeLetters(start) : null) ?? plain;
}

/** ISO 639-2 and 639-3 to 639-1, where it has one: the runtime knows `deu`, and `fre` as well as `fra`. */
function ofThreeLetters(code: string): string | null {
	const [two = ''] = (Intl.getCanonicalLocales(code)[0] ?? '').toLowerCase().split('-');
	return SAME[two] ?? (/^[a-z]{2}$/.test(two) ? two : null);
}

/** English name of a language, for prompts: `de` → `German`. What is no code stays as it is. */
export function languageName(code: string): string {
	try {
		return names().of(code) ?? code;
	} catch {
		return code;
	}
}

const names = () => new Intl.DisplayNames('en', { type: 'language' });

/** Whisper answers with English names; the names of all two-letter codes come with the runtime. */
function namesOfLanguages(): Map<string, string> {
	const display = names();
	const found = new Map<string, string>();
	for (const code of LETTERS.flatMap((first) => LETTERS.map((second) => first + second))) {
		const name = display.of(code)?.toLowerCase();
		// Codes without a language are answered with the code itself. The current code of a name counts, not one of before.
		if (name && name !== code && !found.has(name)) found.set(name, SAME[code] ?? code);
	}
	return found;
}

/** Whether it is the code of a language: `de` is, `xx` and `german` are not. */
export const isLanguageCode = (code: string): boolean => /^[a-z]{2}$/.test(code) && names().of(code) !== code;

/** The code of a language that something else named, where it can be told: `de`, `de-AT` and `German` are `de`. */
export function knownLanguage(name: string | undefined): string | undefined {
	const code = languageCode(name ?? '');
	return isLanguageCode(code) ? code : undefined;
}

/** A parameter that names a language. Whether anybody can do something in it, is for the provider to say. */
export const languageSchema = z
	.string()
	.overwrite((code) => SAME[code] ?? code)
	.regex(/^[a-z]{2}$/, 'must be an ISO 639-1 code of two letters, e.g. en')
	.refine(isLanguageCode, 'is no ISO 639-1 code of a language, e.g. en');

const RIGHT_TO_LEFT = new Set(['ar', 'dv', 'fa', 'he', 'ks', 'ps', 'sd', 'ug', 'ur', 'yi']);
/** Written from right to left. */
export const isRightToLeft = (code: string): boolean => RIGHT_TO_LEFT.has(code);

/** Characters as wide as two Latin ones, so that half as many fit on a line. */
export const isWide = (code: string): boolean => ['ja', 'ko', 'zh'].includes(code);

/** No blanks between words: where one ends, only a dictionary knows (Intl.Segmenter brings one). Their scripts: unspaced.ts. */
export const isUnspaced = (code: string): boolean => ['bo', 'dz', 'ja', 'km', 'lo', 'my', 'th', 'zh'].includes(code);
