import { setTimeout as turn } from 'node:timers/promises';
import fc from 'fast-check';
import type { Cue } from '../../../../sidecar/src/ai/subtitles/cue.ts';
import { merged, replaceAll, retime, rewrap, split, withText } from '../../../../sidecar/src/ai/subtitles/edit.ts';
import { joinLines } from '../../../../sidecar/src/ai/subtitles/text.ts';
import { DEFAULT_RULES } from '../../../../sidecar/src/ai/subtitles/rules.ts';

const cue = (lines: string[], start = 1000, end = 3000): Cue => ({ start, end, lines });
const spoken: Cue = {
	...cue(['green tea,', 'please']),
	words: [
		{ text: 'green', start: 1000, end: 1400 },
		{ text: 'tea,', start: 1500, end: 1900 },
		{ text: 'please', start: 2500, end: 2900 },
	],
};
const replaced = (lines: string[], find: string, right: string, options: { wholeWords?: boolean; matchCase?: boolean } = {}) => {
	const { cues, count } = replaceAll([cue(lines)], { find, with: right, wholeWords: true, matchCase: false, ...options }, 1e6);
	return { lines: cues[0]?.lines, count };
};

describe('editing subtitles', () => {
	it('moves words along with their subtitle, and nothing before zero', () => {
		expect(retime(spoken, (ms) => ms - 1200)).toMatchObject({ start: 0, end: 1800, words: [{ start: 0, end: 200 }, { start: 300 }, { start: 1300 }] });
		expect(retime(cue(['x'], 100_100, 200_200), (ms) => (ms * 23.976) / 25)).toMatchObject({ start: 96_000, end: 192_000 });
	});

	it('gives words that stay their times, and new ones a share', () => {
		expect(withText(spoken, ['green mint tea,', 'please']).words).toEqual([
			{ text: 'green', start: 1000, end: 1400 },
			{ text: 'mint', start: 1400, end: 1500 },
			{ text: 'tea,', start: 1500, end: 1900 },
			{ text: 'please', start: 2500, end: 2900 },
		]);
		expect(withText(cue(['a']), ['b']).words).toBeUndefined();
	});

	it('merges lines, words and the speaker they share', () => {
		const [a, b] = [cue(['One'], 0, 1000), cue(['two', 'three'], 1500, 2500)];
		expect(merged([{ ...a, speaker: 'A' }, { ...b, speaker: 'A' }])).toEqual({ start: 0, end: 2500, lines: ['One two three'], speaker: 'A' });
		expect(merged([{ ...a, speaker: 'A' }, { ...cue(['two']), speaker: 'B' }])).toEqual({ start: 0, end: 3000, lines: ['One', 'two'] });
		expect(merged([spoken, spoken]).words).toHaveLength(6);
	});

	it('splits at a time, a text, or says why not', () => {
		expect(split(spoken, { text: 'Please' })).toEqual([
			{ start: 1000, end: 2500, lines: ['green tea,'], words: [expect.anything(), { text: 'tea,', start: 1500, end: 1900 }] },
			{ start: 2500, end: 3000, lines: ['please'], words: [{ text: 'please', start: 2500, end: 2900 }] },
		]);
		expect(split(cue(['one two three four']), { ms: 2000 })).toEqual([cue(['one two'], 1000, 2000), cue(['three four'], 2000, 3000)]);
		expect(split(cue(['one two']), { ms: 3000 })).toMatch(/from 1 s to 3 s, and 3 s is not within/);
		expect(split(cue(['one']), { ms: 2000 })).toBe('has a single word');
		expect(split(cue(['one two']), { text: 'three' })).toMatch(/does not hold the text "three"/);
		expect(split(cue(['one two']), { text: 'one' })).toMatch(/behind its first word/);
	});

	it('splits Japanese between words', () => {
		expect(split(cue(['緑茶を飲みます']), { text: '飲み' })).toMatchObject([{ lines: ['緑茶を'] }, { lines: ['飲みます'] }]);
	});

	it('replaces whole words in any case, over the ends of lines, in any script', () => {
		expect(replaced(['The tea is in the', 'teapot. TEA!'], 'tea', 'coffee')).toEqual({ lines: ['The coffee is in the', 'teapot. coffee!'], count: 2 });
		expect(replaced(['teapot'], 'tea', 'coffee', { wholeWords: false })).toEqual({ lines: ['coffeepot'], count: 1 });
		expect(replaced(['Tea tea'], 'tea', 'x', { matchCase: true })).toEqual({ lines: ['Tea x'], count: 1 });
		expect(replaced(['in New', 'York now'], 'new york', 'Paris')).toEqual({ lines: ['in Paris now'], count: 1 });
		expect(replaced(['Übergröße ist über'], 'über', 'auf')).toEqual({ lines: ['Übergröße ist auf'], count: 1 });
		expect(replaced(['緑茶を飲む'], '緑茶', '紅茶')).toEqual({ lines: ['紅茶を飲む'], count: 1 });
		expect(replaced(['a $& b (.*)'], '(.*)', '$1 $&')).toEqual({ lines: ['a $& b $1 $&'], count: 1 });
	});

	it('finds what has signs with a meaning in patterns, and Japanese over the end of a line', () => {
		for (const sign of '.*+?^${}()|[]\\/-=!<>:,#&~@%') expect(replaced([`a${sign}b c`], `a${sign}b`, 'x')).toEqual({ lines: ['x c'], count: 1 });
		expect(replaced(['a well-known', 'fact'], 'well-known fact', 'truth')).toEqual({ lines: ['a truth'], count: 1 });
		expect(replaced(['私は東', '京に行く'], '東京', '大阪')).toEqual({ lines: ['私は大阪に行く'], count: 1 });
	});

	it('takes a subtitle away when nothing is left of it', () => {
		expect(replaceAll([cue(['uh']), cue(['uh', 'yes'])], { find: 'uh', with: '', wholeWords: true, matchCase: false }, 10).cues).toEqual([cue(['yes'])]);
	});

	it('does not let a text grow without end', () => {
		expect(() => replaceAll([cue(['a a a a'])], { find: 'a', with: 'x'.repeat(500), wholeWords: true, matchCase: false }, 1500)).toThrow(RangeError);
		expect(() => replaceAll([cue(['a a a a'])], { find: 'a', with: 'x'.repeat(4000), wholeWords: true, matchCase: false }, 1e6)).toThrow(/a subtitle would grow/);
	});

	it('cuts anew without losing text, words or order', async () => {
		const cues = [cue(['This is the first half'], 0, 1500), cue(['of a sentence.', 'And a second one follows here.'], 1600, 4000)];
		const wrapped = await rewrap(cues, { ...DEFAULT_RULES, maxLineChars: 20 });
		expect(wrapped.flatMap(({ lines }) => lines).join(' ')).toBe('This is the first half of a sentence. And a second one follows here.');
		for (const { lines } of wrapped) for (const line of lines) expect(line.length).toBeLessThanOrEqual(20);
		expect((await rewrap([spoken], DEFAULT_RULES))[0]?.words).toEqual(spoken.words);
	});

	it('puts no blanks into scripts that have none', async () => {
		const japanese = [cue(['私は昨日、東京の', '新しい美術館に行って、'], 0, 4000), cue(['たくさんの絵を見ました。'], 4100, 7000)];
		expect((await rewrap(japanese, { ...DEFAULT_RULES, maxWideLineChars: 40, maxLineChars: 80 })).flatMap(({ lines }) => lines).join('')).toBe('私は昨日、東京の新しい美術館に行って、たくさんの絵を見ました。');
		expect(merged(japanese).lines.join('')).toBe('私は昨日、東京の新しい美術館に行って、たくさんの絵を見ました。');
		expect(merged([cue(['so', 'it']), cue(['goes'])]).lines).toEqual(['so it goes']);
		const tibetan = 'བོད་སྐད་ནི་བོད་ཀྱི་སྐད་ཡིག་ཡིན།';
		const lines = (await rewrap([cue([tibetan], 0, 9000)], { ...DEFAULT_RULES, maxLineChars: 8, maxLines: 9 })).flatMap((one) => one.lines);
		expect(lines.join('')).toBe(tibetan);
		expect(lines.length).toBeGreaterThan(2);
		for (const line of lines) expect(line).toMatch(/^[^་།].*[་།]$/u);
		expect(joinLines(['བོད་ཡིག་', 'ཡིན།'])).toBe('བོད་ཡིག་ཡིན།');
	});

	it('keeps the times of words in order where subtitles lie on each other', () => {
		const during: Cue = { ...cue(['yes'], 1200, 1600), words: [{ text: 'yes', start: 1200, end: 1600 }] };
		expect(merged([spoken, during]).words?.map(({ start }) => start)).toEqual([1000, 1500, 2500, 2500]);
	});

	// What looks back, or weighs all places, would need hours for these; the time limit of the test is the assertion.
	it('takes time in proportion to the length', async () => {
		expect(split(cue(['a '.repeat(100_000)]), { text: 'b' })).toMatch(/does not hold/);
		const all = merged(Array.from({ length: 3000 }, (_, index) => cue(['This is one of very many lines.'], index * 1000, index * 1000 + 900)));
		expect(all.lines.join(' ')).toBe('This is one of very many lines. '.repeat(3000).trim());
		for (const line of all.lines) expect(line.length).toBeLessThanOrEqual(DEFAULT_RULES.maxLineChars);
		// Jest looks at its time limit when others have their turn.
		await turn(0);
	});

	it('does not divide a moment', () => {
		expect(split(cue(['one two'], 1000, 1001), { text: 'two' })).toMatch(/cannot be divided/);
	});

	it('both parts of a split are what there was', () => {
		fc.assert(
			fc.property(fc.array(fc.lorem({ maxCount: 1 }), { minLength: 2, maxLength: 20 }), fc.integer({ min: 1001, max: 2999 }), (words, ms) => {
				const parts = split(cue([words.join(' ')]), { ms });
				if (typeof parts === 'string') throw new Error(parts);
				expect(parts.flatMap(({ lines }) => lines).join(' ')).toBe(words.join(' '));
				expect(parts.map(({ start, end }) => [start, end])).toEqual([
					[1000, ms],
					[ms, 3000],
				]);
			}),
			{ numRuns: 100 },
		);
	});
});
