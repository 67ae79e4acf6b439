import { languageOptions, languageOrDetectOptions } from '../../../nodes/shared/languages';

describe('the languages of dropdowns', () => {
	it('are real ones, each once, sorted by name', () => {
		const names = new Intl.DisplayNames('en', { type: 'language' });
		const codes = languageOptions.map(({ value }) => String(value));
		expect(codes.filter((code) => !/^[a-z]{2}$/.test(code) || names.of(code) === code)).toEqual([]);
		expect(new Set(codes).size).toBe(codes.length);
		const shown = languageOptions.map(({ name }) => name);
		expect(shown).toEqual([...shown].sort((a, b) => a.localeCompare(b)));
	});

	it('can be left to the sidecar', () => {
		expect(languageOrDetectOptions[0]).toEqual({ name: 'Detect', value: '' });
		expect(languageOrDetectOptions).toHaveLength(languageOptions.length + 1);
	});
});
