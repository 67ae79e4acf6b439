import fc from 'fast-check';
import { toLittleText, withoutMentions } from '../../../../sidecar/src/social/linkedin/text.ts';
import { renderLittleText } from '../../../platforms/linkedinText.ts';

/** Much of what is reserved, and of what hashtags, mentions and links are made of. */
const pieces = fc.constantFrom(
	...'\\|{}@[]()<>#*_~', '#word', '#Café', '#日本語', '#1', '#snake_case', '＃tag', 'https://a.example/b_c?utm_source=x#d_e', 'http://x.example/(y)_z', '_', '\\_', '\\\\',
	'@[Acme](urn:li:organization:12)', '@[A (b)](urn:li:person:a-B_1)', '@[x](urn:li:share:1)', '{hashtag|\\#|x}', ' ', '\n', 'word', 'é', 'e\u0301', '👩‍👩‍👧‍👦', '…', '"', "'", '&#',
);
const texts = fc.oneof(fc.string({ unit: 'grapheme' }), fc.array(fc.oneof(pieces, fc.string({ unit: 'grapheme', maxLength: 3 }))).map((parts) => parts.join('')));

describe('little text', () => {
	it('shows readers the whole text, whatever stands in it', () => {
		fc.assert(
			fc.property(texts, (text) => {
				expect(renderLittleText(toLittleText(text)).text).toBe(withoutMentions(text));
			}),
			{ numRuns: 3000 },
		);
	});

	it.each([
		['a (b) c', 'a \\(b\\) c'],
		['C:\\temp', 'C:\\\\temp'],
		['*bold* ~no~ <b> {x|y} [z]', '\\*bold\\* \\~no\\~ \\<b\\> \\{x\\|y\\} \\[z\\]'],
		['mail me@example.com', 'mail me\\@example.com'],
		['We are #1', 'We are \\#1'],
	])('escapes %s', (text, little) => expect(toLittleText(text)).toBe(little));

	it.each<[string, string[]]>([
		['#Launch day, #café and #日本語!', ['Launch', 'café', '日本語']],
		['(#inside) "#quoted"', ['inside', 'quoted']],
		['a#b https://a.example/#c &#d ##e', []],
		['#snake_case', []],
		['#2026goals #42', ['2026goals']],
	])('makes links of the hashtags in %s', (text, hashtags) => expect(renderLittleText(toLittleText(text)).hashtags).toEqual(hashtags));

	it('keeps mentions of pages and members', () => {
		const text = 'With @[Acme (UK) & Co](urn:li:organization:2414183) and @[Eddy](urn:li:person:a-B_1).';
		expect(toLittleText(text)).toBe('With @[Acme \\(UK\\) & Co](urn:li:organization:2414183) and @[Eddy](urn:li:person:a-B_1).');
		expect(renderLittleText(toLittleText(text))).toMatchObject({ text: 'With Acme (UK) & Co and Eddy.', mentions: ['urn:li:organization:2414183', 'urn:li:person:a-B_1'] });
	});

	it('takes nothing else for a mention', () => {
		expect(renderLittleText(toLittleText('@[Acme](urn:li:share:1) @[](urn:li:person:1) @me')).mentions).toEqual([]);
	});

	it('leaves links whole', () => {
		const text = 'See https://a.example/b_c?utm_source=x&utm_medium=y_z (really)';
		expect(toLittleText(text)).toBe('See https://a.example/b_c?utm_source=x&utm_medium=y_z \\(really\\)');
	});
});
