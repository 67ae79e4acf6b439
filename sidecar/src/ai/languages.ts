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
