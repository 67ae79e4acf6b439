import fc from 'fast-check';
import { PLATFORM_NAMES, PLATFORM_TEXTS } from '../../../../sidecar/src/operations/ai/platform-texts.ts';
import { shorten } from '../../../../sidecar/src/social/shorten.ts';

const { x, mastodon, bluesky, threads } = PLATFORM_TEXTS;

describe('texts for platforms', () => {
	it('fit after they were shortened, whatever they were', () => {
		const text = fc.oneof(
			fc.lorem({ maxCount: 200 }),
			fc.string({ maxLength: 900 }),
			fc.string({ unit: 'grapheme', maxLength: 700 }),
			fc.constantFrom('👩‍👩‍👧‍👦'.repeat(300), 'x'.repeat(6000)),
		);
		fc.assert(
			fc.property(text, fc.constantFrom(...PLATFORM_NAMES), (given, name) => {
				const platform = PLATFORM_TEXTS[name];
				const short = shorten(given, platform);
				expect(platform.measure(short)).toBeLessThanOrEqual(platform.limit);
				if (platform.measure(given) <= platform.limit) expect(short).toBe(given);
				else expect(given.startsWith(short.slice(0, -1)) && short.endsWith('…')).toBe(true);
			}),
			{ numRuns: 300 },
		);
	});

	it('are shortened at a word', () => {
		const short = shorten(`${'word '.repeat(70)}end`, x);
		expect(short).toMatch(/word…$/);
		expect(x.measure(short)).toBeGreaterThan(270);
	});

	it('count links as the platform does', () => {
		const link = `https://example.com/${'x'.repeat(400)}`;
		expect(shorten(`Read ${link}`, x)).toBe(`Read ${link}`);
		expect(shorten(`Read ${link}`, mastodon)).toBe(`Read ${link}`);
		expect(shorten(`Read ${link}`, bluesky)).toBe('Read…');
	});

	it.each([
		['hello', 5],
		['a'.repeat(499) + '😀', 503],
		['🇫🇷', 8],
		['👍🏽', 8],
		['👩‍👩‍👧‍👦', 25],
		['1️⃣', 7],
		['日本語 é', 5],
	])('count emoji on Threads as their bytes: %j', (text, expected) => {
		expect(threads.measure(text)).toBe(expected);
	});

	it('keep as much as fits where no blanks are written', () => {
		const japanese = `新商品 ${'とても美味しいお茶を淹れました。'.repeat(30)}`;
		const short = shorten(japanese, x);
		expect(x.measure(short)).toBeGreaterThan(260);
		expect(japanese.startsWith(short.slice(0, -1))).toBe(true);
		const thai = shorten('ชาเขียวรสชาติดีมากสำหรับทุกคน'.repeat(40), bluesky);
		expect(bluesky.measure(thai)).toBeGreaterThan(280);
	});

	it('are never cut in a link, also where no blanks are written', () => {
		const link = `https://example.com/${'x'.repeat(400)}`;
		expect(shorten(`詳しくはこちら${link}です`, bluesky)).toBe('詳しくはこちら…');
	});

	it('are shortened without a look at all that is too much', () => {
		let looked = 0;
		const measure = (text: string): number => {
			looked += text.length;
			return x.measure(text);
		};
		const text = 'word '.repeat(4000);
		shorten(text, { limit: 280, measure });
		// Once as it is, once without the blank at its end, and then only its beginning.
		expect(looked).toBeLessThan(3 * text.length);
	});
});
