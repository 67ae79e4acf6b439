import fc from 'fast-check';
import {
	foreignParts,
	PLATFORM_NAMES,
	PLATFORM_TEXTS,
	plainHashtag,
	shorten,
	withHashtags,
	withoutForeignParts,
} from '../../../../sidecar/src/operations/ai/platform-texts.ts';

const { x, mastodon, bluesky } = PLATFORM_TEXTS;

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

	it('get the hashtags that fit, and no more', () => {
		expect(withHashtags('Hello', ['one', 'two'], x)).toEqual({ text: 'Hello\n\n#one #two', hashtags: ['one', 'two'] });
		expect(withHashtags('Hello #One', ['one', 'two'], x)).toEqual({
			text: 'Hello #One\n\n#two',
			hashtags: ['one', 'two'],
		});
		const { text, hashtags } = withHashtags('x'.repeat(272), ['toolongforthis', 'ok'], x);
		expect(hashtags).toEqual(['ok']);
		expect(x.measure(text)).toBeLessThanOrEqual(280);
	});

	it.each([
		['#Grüner Tee!', 'GrünerTee'],
		['two words', 'twowords'],
		['2026', ''],
		['!!!', ''],
		['日本', '日本'],
	])('make the hashtag %j to %j', (given, expected) => {
		expect(plainHashtag(given)).toBe(expected);
	});

	it('hold no links and mentions that nobody gave', () => {
		const text = 'Look at https://evil.example.com/x and ask @stranger, or https://ours.example.com/a and @us.';
		const allowed = 'Link to https://ours.example.com/a and mention @us';
		expect(foreignParts(text, allowed)).toEqual(['https://evil.example.com/x', '@stranger']);
		expect(withoutForeignParts(text, allowed)).toBe('Look at and ask, or https://ours.example.com/a and @us.');
	});
});
