import { comparable, countFediverse, countGraphemes, textOfHtml, weightedLength } from '../../../sidecar/src/social/text.ts';
import { countWeighted } from '../../platforms/xText.ts';
import { countStatus, renderStatus } from '../../platforms/mastodonText.ts';

/** platforms.md 0.4, "Measured fixtures": text, weight at X, graphemes. */
const FIXTURES: Array<[string, number, number]> = [
	['hello', 5, 5],
	['cafe\u0301', 4, 4],
	[`see https://example.com/${'x'.repeat(60)}`, 27, 84],
	['see example.com', 27, 15],
	['edit index.ts and main.py', 41, 25],
	['a@example.com', 13, 13],
	['日本語', 6, 3],
	['Привет', 6, 6],
	['👨‍👩‍👧‍👦', 2, 1],
	['🇫🇷', 2, 1],
	['1️⃣', 2, 1],
	['a—b', 3, 3],
	['wait…', 6, 5],
	['a\u200Db', 3, 2],
	['a'.repeat(281), 281, 281],
];

describe('counting', () => {
	it.each(FIXTURES)('weighs %j as X does', (text, weight) => expect(weightedLength(text)).toBe(weight));
	it.each(FIXTURES)('counts the graphemes of %j', (text, _, graphemes) => expect(countGraphemes(text)).toBe(graphemes));
	it.each(FIXTURES)('agrees with the stand-in on the weight of %j', (text, weight) => expect(countWeighted(text)).toBe(weight));

	it.each([
		[`see https://example.com/${'x'.repeat(60)}`, 27],
		['see example.com', 15],
		['hi @someone@mastodon.social!', 'hi @someone!'.length],
		['hi @someone', 11],
		['a mail: me@example.com', 22],
		['two https://a.com/1 https://b.org/2', 4 + 23 + 1 + 23],
	])('counts %j as a Mastodon server does', (text, length) => {
		expect(countFediverse(text, 23)).toBe(length);
		expect(countStatus(text)).toBe(length);
	});
});

describe('comparable', () => {
	it('finds a text again in the form in which X shows it', () => {
		const sent = 'Look: example.com & https://Example.org/a?b=1 <3  é';
		const shown = 'Look: https://t.co/1 &amp; https://t.co/2 &lt;3 e\u0301 https://t.co/m';
		const links = [
			{ url: 'https://t.co/1', expandedUrl: 'http://example.com', media: false },
			{ url: 'https://t.co/2', expandedUrl: 'https://Example.org/a?b=1', media: false },
			{ url: 'https://t.co/m', expandedUrl: 'https://x.com/demo/status/1/video/1', media: true },
		];
		expect(comparable(shown, links)).toBe(comparable(sent));
	});
	it('finds a text again in the HTML of a Mastodon server', () => {
		const sent = 'One & two\n\nthree <3 https://example.com/a/very/long/path/that/is/cut?x=1&y=2 #tag\nend';
		expect(comparable(textOfHtml(renderStatus(sent, 'https://m.example')))).toBe(comparable(sent));
	});
	it('does not take one text for another', () => {
		expect(comparable('part 1 of 2')).not.toBe(comparable('part 2 of 2'));
		expect(comparable('see https://a.example/x')).not.toBe(comparable('see https://a.example/y'));
	});
});

describe('texts that somebody made to take long', () => {
	const long = 100_000;
	// Each took minutes, and nothing else ran meanwhile; now the runner's own limit is far away.
	it.each([
		['a name without an end', () => countFediverse(`@${'a'.repeat(long)}`, 23), long + 1],
		['dots', () => weightedLength('a.'.repeat(long / 2)), long],
		['dots, to be compared', () => comparable('a.'.repeat(long / 2)).length, long],
		['tags that never end', () => textOfHtml('<'.repeat(long * 10)).length, long * 10],
		['paragraphs that never end', () => textOfHtml('</p><p '.repeat(long)).length, '<p '.length * long],
	])('%s', (_, work, expected) => expect(work()).toBe(expected));
});
