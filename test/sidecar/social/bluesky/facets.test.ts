import fc from 'fast-check';
import { facetsOf, findSpans } from '../../../../sidecar/src/social/bluesky/facets.ts';

const found = (text: string) => findSpans(text).map(({ kind, value }) => `${kind} ${value}`);
const shown = (text: string, dids = new Map<string, string>()) =>
	facetsOf(text, findSpans(text), dids).map(({ index }) => Buffer.from(text).subarray(index.byteStart, index.byteEnd).toString('utf8'));

describe('what is active in a text for Bluesky', () => {
	it.each<[string, string[]]>([
		['see https://example.com/a?b=c#d.', ['link https://example.com/a?b=c#d']],
		['(https://example.com/a) and (https://en.wikipedia.org/wiki/Salt_(chemistry)),', ['link https://example.com/a', 'link https://en.wikipedia.org/wiki/Salt_(chemistry)']],
		['“https://example.com”, https://example.com/größe…', ['link https://example.com', 'link https://example.com/größe']],
		['見て「https://example.com/日本」。', ['link https://example.com/日本']],
		['https://example.com/name_, https://example.com/a/.', ['link https://example.com/name_', 'link https://example.com/a/']],
		['HTTPS://Example.com/', ['link HTTPS://Example.com/']],
		['see example.com/path, not a@example.com', ['link https://example.com/path']],
		['https:// and http://.', []],
		['xhttps://example.com', []],
		['Hi @alice.bsky.social, (@Bob.example.com) and @carol', ['mention alice.bsky.social', 'mention bob.example.com']],
		['mail me@alice.bsky.social', []],
		['@alice.bsky.social!', ['mention alice.bsky.social']],
		['#News, #größe! #日本 #2026 #a-b #c_d. (#e)', ['tag News', 'tag größe', 'tag 日本', 'tag a-b', 'tag c_d', 'tag e']],
		['1#no a#no ##no #', []],
		['#️⃣ #\u200b', []],
		[`#${'a'.repeat(64)} #${'a'.repeat(65)}`, [`tag ${'a'.repeat(64)}`]],
		['https://example.com/#tag @a.com #tag', ['link https://example.com/#tag', 'mention a.com', 'tag tag']],
		['', []],
	])('finds in %j %j', (text, expected) => expect(found(text)).toEqual(expected));

	it('counts bytes, with emoji and joined letters before it', () => {
		expect(shown('👨‍👩‍👧‍👦 café https://example.com/é #größe')).toEqual(['https://example.com/é', '#größe']);
		expect(facetsOf('😀 https://a.bc', findSpans('😀 https://a.bc'), new Map())[0]).toEqual({
			index: { byteStart: 5, byteEnd: 17 },
			features: [{ $type: 'app.bsky.richtext.facet#link', uri: 'https://a.bc' }],
		});
	});

	it('mentions only whom the network knows', () => {
		const text = 'with @alice.test and @bob.test';
		expect(shown(text, new Map([['bob.test', 'did:plc:bob']]))).toEqual(['@bob.test']);
		expect(facetsOf(text, findSpans(text), new Map([['bob.test', 'did:plc:bob']]))[0]!.features).toEqual([{ $type: 'app.bsky.richtext.facet#mention', did: 'did:plc:bob' }]);
	});

	const piece = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('https://example.com/a_(b)', '@alice.test', '#Tag', 'example.com', '👨‍👩‍👧‍👦', ' ', '(', ').', '\n', '＃日本'));
	const text = fc.array(piece, { maxLength: 12 }).map((pieces) => Buffer.from(pieces.join('')).toString());
	const dids = new Map([['alice.test', 'did:plc:alice']]);

	it('never overlaps, never cuts a character, and shows what it means, whatever the text', () => {
		fc.assert(
			fc.property(text, (given) => {
				const bytes = Buffer.from(given);
				let last = 0;
				for (const { index, features } of facetsOf(given, findSpans(given), dids)) {
					expect(index.byteStart).toBeGreaterThanOrEqual(last);
					expect(index.byteEnd).toBeGreaterThan(index.byteStart);
					last = index.byteEnd;
					const slice = bytes.subarray(index.byteStart, index.byteEnd);
					const words = slice.toString('utf8');
					expect(Buffer.from(words).equals(slice)).toBe(true);
					const [feature] = features;
					if (feature['uri'] !== undefined) expect([words, `https://${words}`]).toContain(feature['uri']);
					else if (feature['tag'] !== undefined) expect(words.slice(1)).toBe(feature['tag']);
					else expect(words.toLowerCase()).toBe('@alice.test');
				}
				expect(last).toBeLessThanOrEqual(bytes.length);
			}),
			{ numRuns: 500 },
		);
	});

	it('finds a link, a mention and a tag between any words', () => {
		fc.assert(
			fc.property(text, text, (before, after) => {
				const kinds = findSpans(`${before} https://example.com/x @alice.test #Tag ${after}`).map(({ kind, value }) => `${kind} ${value}`);
				for (const expected of ['link https://example.com/x', 'mention alice.test', 'tag Tag']) expect(kinds).toContain(expected);
			}),
			{ numRuns: 300 },
		);
	});
});
