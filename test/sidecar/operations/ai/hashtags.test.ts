import { plainHashtag, takeHashtags, withHashtags } from '../../../../sidecar/src/operations/ai/hashtags.ts';
import { PLATFORM_TEXTS } from '../../../../sidecar/src/operations/ai/platform-texts.ts';

const { x } = PLATFORM_TEXTS;
const nobody = new Set<string>();

describe('hashtags', () => {
	it('are added as far as they fit, and no further', () => {
		expect(withHashtags('Hello', ['one', 'two'], x)).toEqual({ text: 'Hello\n\n#one #two', hashtags: ['one', 'two'] });
		expect(withHashtags('Hello #One', ['one', 'two'], x)).toEqual({ text: 'Hello #One\n\n#two', hashtags: ['one', 'two'] });
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
		['a whole sentence that somebody took for a hashtag although it is certainly none at all', ''],
	])('are made of %j: %j', (given, expected) => {
		expect(plainHashtag(given)).toBe(expected);
	});

	it('at the end of a text are taken off it, and those in its sentences count', () => {
		expect(takeHashtags('Fresh #tea from #Assam today.\n\n#drink #green', 2, nobody)).toEqual({ text: 'Fresh #tea from #Assam today.', taken: ['drink', 'green'], left: 0 });
		expect(takeHashtags('Fresh #tea from #Assam and #Ceylon', 1, nobody)).toEqual({ text: 'Fresh #tea from Assam and Ceylon', taken: [], left: 0 });
		expect(takeHashtags('Fresh tea from #Ceylon #drink #green', 2, nobody)).toEqual({ text: 'Fresh tea from #Ceylon', taken: ['drink', 'green'], left: 1 });
		expect(takeHashtags('Fresh tea 🍵 #drink', 2, nobody)).toEqual({ text: 'Fresh tea 🍵', taken: ['drink'], left: 2 });
		expect(takeHashtags('#tea #drink', 1, nobody)).toEqual({ text: '#tea #drink', taken: [], left: 0 });
		expect(takeHashtags('No tags, see https://example.com/#top', 2, nobody)).toEqual({ text: 'No tags, see https://example.com/#top', taken: [], left: 2 });
	});

	it('that the user named stay where they are', () => {
		expect(takeHashtags('New #one #two. Join #SummerSale', 0, new Set(['summersale']))).toEqual({ text: 'New one two. Join #SummerSale', taken: [], left: 0 });
	});
});
