import { setTimeout as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { cleanText, cutToRoom, fits, lengthOf, markDirection, shareOut, tokensOf, widthOf, wrap } from '../../../../sidecar/src/operations/ai/lay-text.ts';

const room = (language: string, maxLineChars = 42, maxLines = 2) => ({ language, maxLineChars, maxLines });
const lines = (text: string, language: string, maxLineChars = 42) => wrap(tokensOf(text, language), { language, maxLineChars });

describe('places where a line may end', () => {
	it.each([
		['en', 'Well, I never!', ['Well, ', 'I ', 'never!']],
		['fr', '« Tu viens ? » Oui.', ['« Tu ', 'viens ? » ', 'Oui.']],
		['ja', 'これは「お茶」です。', ['これは', '「お茶」', 'です。']],
		['zh', '我喜欢绿茶,因为它很健康。', ['我', '喜欢', '绿茶,', '因为', '它', '很', '健康。']],
		['th', 'ฉันชอบชาเขียว', ['ฉัน', 'ชอบ', 'ชา', 'เขียว']],
		['ko', '저는 녹차를 좋아해요.', ['저는 ', '녹차를 ', '좋아해요.']],
		['ja', '詳しくは https://example.com/a-b?c=1 を', ['詳しくは ', 'https://example.com/a-b?c=1 ', 'を']],
		['ja', '家族👨‍👩‍👧‍👦と', ['家族', '👨‍👩‍👧‍👦', 'と']],
	])('%s: %s', (language, text, expected) => {
		expect(tokensOf(text, language)).toEqual(expected);
		expect(tokensOf(text, language).join('')).toBe(text);
	});
});

describe('lines', () => {
	it('are as few as it takes, about even, and end at clauses', () => {
		expect(lines('Short enough.', 'en')).toEqual(['Short enough.']);
		expect(lines('When the water has boiled, let it cool for a few minutes.', 'en')).toEqual(['When the water has boiled,', 'let it cool for a few minutes.']);
	});

	it('count full-width characters as one and Latin ones as half where the script is wide', () => {
		expect(widthOf('東京タワー', 'ja')).toBe(5);
		expect(widthOf('n8nです', 'ja')).toBe(3.5);
		expect(widthOf('n8nです', 'de')).toBe(5);
		expect(lines('これはとても長い日本語の文章なので二行に分けられます。', 'ja', 16).every((line) => widthOf(line, 'ja') <= 16)).toBe(true);
		expect(lines('これはとても長い日本語の文章なので二行に分けられます。', 'ja', 16)).toHaveLength(2);
	});

	it('never split a word, not even one that is longer than a line', () => {
		expect(lines('Donaudampfschifffahrtsgesellschaft und Rindfleischetikettierung', 'de', 20)).toEqual(['Donaudampfschifffahrtsgesellschaft', 'und', 'Rindfleischetikettierung']);
	});

	it('hold every word once, in order, within their width, whatever the text', () => {
		const word = fc.stringMatching(/^[a-zäöß]{1,14}[,.?]?$/);
		fc.assert(
			fc.property(fc.array(word, { minLength: 1, maxLength: 40 }), fc.integer({ min: 16, max: 60 }), (words, most) => {
				const made = lines(words.join(' '), 'de', most);
				expect(made.join(' ')).toBe(words.join(' '));
				expect(made.filter((line) => lengthOf(line) > most)).toEqual([]);
			}),
			{ numRuns: 100 },
		);
	});
});

describe('sharing a text out', () => {
	it('follows the weights, but rather ends at a clause', () => {
		const shared = shareOut(tokensOf('Wenn das Wasser kocht, lassen Sie es abkühlen.', 'de'), [22, 20], room('de'));
		expect(shared.map((part) => part.join('').trim())).toEqual(['Wenn das Wasser kocht,', 'lassen Sie es abkühlen.']);
	});

	it('leaves a place empty only when there are too few words', () => {
		expect(shareOut(tokensOf('Ja.', 'de'), [10, 30], room('de')).map(({ length }) => length)).toEqual([0, 1]);
		expect(shareOut(tokensOf('Ja klar.', 'de'), [1, 300], room('de')).map(({ length }) => length)).toEqual([1, 1]);
	});

	it('cuts what is too long into as few parts as it takes', () => {
		const tokens = tokensOf('Dieser Satz ist so lang geworden, dass er nicht mehr in zwei Zeilen passt, und darum wird er in mehrere Teile geschnitten.', 'de');
		const parts = cutToRoom(tokens, room('de'));
		expect(parts).toHaveLength(2);
		expect(parts.every((part) => fits(part, room('de')))).toBe(true);
		expect(parts.flat()).toEqual(tokens);
	});

	it('takes no time that grows with the square of the length: one line of a subtitle may be a book', async () => {
		const book = tokensOf('Ein Wort nach dem anderen, und noch eines. '.repeat(2000), 'de');
		const parts = cutToRoom(book, room('de'));
		expect(fits(book, room('de'))).toBe(false);
		expect(shareOut(book, [1, 2, 1], room('de')).map(({ length }) => length / book.length)).toEqual([expect.closeTo(0.25, 1), expect.closeTo(0.5, 1), expect.closeTo(0.25, 1)]);
		expect(wrap(book, room('de')).join(' ')).toBe(book.join('').trim());
		for (const hostile of ['( '.repeat(20_000), 'は'.repeat(20_000), '#'.repeat(20_000)]) expect(tokensOf(hostile, 'ja').join('')).toBe(hostile);
		expect(parts.flat()).toEqual(book);
		expect(parts.every((part) => fits(part, room('de')))).toBe(true);
		// Jest looks at its time limit when others have their turn.
		await turn(0);
	});
});

describe('what comes back from a model', () => {
	it('loses control characters and what only hides, and keeps joiners and marks of direction', () => {
		expect(cleanText('Hal\u200blo\u0007\n Welt\u202e!\ufeff')).toBe('Hallo Welt!');
		expect(cleanText('👩‍🚀 می‌خواهم \u200fשלום\u200e')).toBe('👩‍🚀 می‌خواهم \u200fשלום\u200e');
		expect(cleanText('a\u200d\u200d\u200d\u200db')).toBe('a\u200db');
		expect(cleanText('Tea\u{e0069}\u{e0067}\u2066!\u2069 \u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}')).toBe('Tea! \u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}');
	});

	it('is marked where a line of Hebrew or Arabic begins with something else', () => {
		expect(markDirection('n8n הוא כלי')).toBe('\u200fn8n הוא כלי');
		expect(markDirection('2026: שנה טובה')).toBe('2026: שנה טובה');
		expect(markDirection('מה n8n?')).toBe('מה n8n?');
		expect(markDirection('\u200fn8n כלי')).toBe('\u200fn8n כלי');
		expect(markDirection('...')).toBe('...');
	});
});
