import { matchesIn, parseQuery, searchText } from '../../../sidecar/src/db/search-query.ts';

const texts = (list: ReadonlyArray<{ text: string }>): string[] => list.map(({ text }) => text);

describe('a query', () => {
	it('is words, phrases that must occur, and what must not', () => {
		const { terms, excluded, text } = parseQuery('green "from Japan" OR cup -coffee -"iced tea" ');
		expect(terms).toEqual([
			{ text: 'green', required: false, prefix: false, piece: false },
			{ text: 'from Japan', required: true, prefix: false, piece: false },
			{ text: 'cup', required: false, prefix: false, piece: false },
		]);
		expect(texts(excluded)).toEqual(['coffee', 'iced tea']);
		expect(text).toBe('green from Japan cup');
	});

	it('takes the last word for the beginning of one only while it is being typed', () => {
		expect(parseQuery('green te').terms.map(({ prefix }) => prefix)).toEqual([false, true]);
		expect(parseQuery('green te ').terms.map(({ prefix }) => prefix)).toEqual([false, false]);
		expect(parseQuery('green te?').terms.map(({ prefix }) => prefix)).toEqual([false, false]);
		expect(parseQuery('green "te').terms.map(({ prefix, required }) => prefix || !required)).toEqual([true, false]);
	});

	it('splits writing without blanks into words, and looks for them as pieces of text', () => {
		const { terms } = parseQuery('東京タワー観光');
		expect(terms.length).toBeGreaterThan(1);
		expect(terms.map(({ text }) => text).join('')).toBe('東京タワー観光');
		expect(terms.every(({ piece, prefix }) => piece && !prefix)).toBe(true);
	});

	it('takes Korean words for the beginning of words, as particles follow them', () => {
		expect(parseQuery('서울 여행 tips ').terms.map(({ prefix, piece }) => [prefix, piece])).toEqual([[true, false], [true, false], [false, false]]);
		expect(parseQuery('tea -서울 -Wien ').excluded.map(({ prefix }) => prefix)).toEqual([true, false]);
	});

	it('knows each word once, at most sixteen, and none that is only punctuation', () => {
		expect(texts(parseQuery('Tea tea TEA – & ! ').terms)).toEqual(['Tea']);
		expect(parseQuery(Array.from({ length: 50 }, (_, index) => `w${index}`).join(' ')).terms).toHaveLength(16);
		expect(parseQuery('').terms).toEqual([]);
	});
});

describe('text of the search', () => {
	it.each([
		['u\u0308ber', 'über'],
		['zero\u200bwidth\ufeff and \u00adsoft', 'zerowidth and soft'],
		['\u202eevil\u202c \u200fשלום\u200f', 'evil שלום'],
		['tab\tand\nline', 'tab and line'],
		['half \ud83d of it', 'half of it'],
		['👩\u200d👩\u200d👧 می\u200cخواهم', '👩\u200d👩\u200d👧 می\u200cخواهم'],
	])('brings %j into one form', (given, wanted) => {
		expect(searchText(given)).toBe(wanted);
	});
});

describe('what is marked', () => {
	const marks = (text: string, q: string): string[] => matchesIn(text, parseQuery(q).terms).map(([from, to]) => text.slice(from, to));
	it.each([
		['Green tea, and greener TEA', 'green tea ', ['Green', 'tea', 'TEA']],
		['Green tea, and greener TEA', 'tea gree', ['Green', 'tea', 'greener', 'TEA']],
		['We like green tea. Tea is green', '"green tea"', ['green tea']],
		['はじめての東京タワー', '東京', ['東京']],
		['Done 🎉!', '🎉', ['🎉']],
		['İstanbul and tea', 'tea ', ['tea']],
		['steak', 'tea ', []],
		['a well-known fact', 'well-known ', ['well-known']],
	])('in %j by %j', (text, q, wanted) => {
		expect(marks(text, q)).toEqual(wanted);
	});
});
