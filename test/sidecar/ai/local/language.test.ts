import { createLanguageDetector } from '../../../../sidecar/src/ai/local/language.ts';
import { calmly } from '../../../support/speech.ts';

describe('the language of a text', () => {
	const detector = createLanguageDetector();
	afterAll(() => detector.close());

	it.each([
		['en', 'The old lighthouse keeper climbed the narrow stairs.'],
		['de', 'Guten Morgen, wie geht es dir heute?'],
		['fr', 'Je ne sais pas encore si nous viendrons demain.'],
		['es', 'Nos vemos mañana en la oficina.'],
		['ja', '明日の朝、駅で会いましょう。'],
		['zh', '我们明天早上在车站见面。'],
		['ar', 'أراك غدا في المكتب'],
		['he', 'נתראה מחר במשרד'],
		['ru', 'Мы встретимся завтра утром на вокзале.'],
	])('is found: %s', async (language, text) => {
		expect(await detector.detect(text, calmly())).toBe(language);
	});

	it('is that of the words, not that of links in them', async () => {
		expect(await detector.detect('Das Wetter wird morgen schön 🎉 https://example.com/the-weather-of-tomorrow', calmly())).toBe('de');
	});

	it('is null where nothing tells', async () => {
		for (const text of ['', '   ', '123 456', '🎉🎉', 'ok']) expect(await detector.detect(text, calmly())).toBeNull();
	});

	it('is told from the beginning of a long text', async () => {
		expect(await detector.detect('Heute ist ein schöner Tag. '.repeat(100_000), calmly())).toBe('de');
	});
});
