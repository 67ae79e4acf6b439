import { isLanguageCode, isRightToLeft, isUnspaced, isWide, languageCode, languageName, languageSchema } from '../../../sidecar/src/ai/languages.ts';

describe('languages', () => {
	it.each([
		['english', 'en'],
		['German', 'de'],
		['chinese', 'zh'],
		['norwegian', 'no'],
		['en', 'en'],
		['pt-BR', 'pt'],
		['klingon of the north', 'klingon of the north'],
		['', ''],
	])('%j is %j', (name, code) => {
		expect(languageCode(name)).toBe(code);
	});

	it('have names for prompts', () => {
		expect(languageName('de')).toBe('German');
	});

	it('are known by their codes', () => {
		expect(['en', 'he', 'ja', 'zu', 'jv', 'no', 'tl'].filter((code) => !isLanguageCode(code))).toEqual([]);
		expect(['xx', 'EN', 'eng', '', 'en-US', 'qq'].filter(isLanguageCode)).toEqual([]);
		expect(languageSchema.safeParse('xx').error?.issues[0]?.message).toMatch(/no ISO 639-1 code/);
	});

	it('tell how they are written', () => {
		expect(['ar', 'he', 'fa', 'ur', 'de', 'ja'].map(isRightToLeft)).toEqual([true, true, true, true, false, false]);
		expect(['ja', 'ko', 'th', 'zh', 'en'].map((code) => [isWide(code), isUnspaced(code)])).toEqual([[true, true], [true, false], [false, true], [true, true], [false, false]]);
	});
});
