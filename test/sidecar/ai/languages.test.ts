import { languageCode, languageName } from '../../../sidecar/src/ai/languages.ts';

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
});
