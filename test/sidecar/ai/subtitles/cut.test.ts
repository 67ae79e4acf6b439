import fc from 'fast-check';
import { cutSubtitles } from '../../../../sidecar/src/ai/subtitles/cut.ts';
import { DEFAULT_RULES, type SubtitleRules } from '../../../../sidecar/src/ai/subtitles/rules.ts';
import type { Segment, Word } from '../../../../sidecar/src/ai/transcriber.ts';

const graphemes = (text: string) => Array.from(new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(text)).length;
const WIDE = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/gu;
// What may go: blanks, control characters, and invisible characters that hide or turn text.
// eslint-disable-next-line no-control-regex
const bare = (text: string) => text.replace(/[\s\u0000-\u001f\u007f-\u009f\u2028\u2029\u00AD\u200B\u2060\u202D\u202E\uFEFF]+/gu, '');

const time = fc.oneof(fc.double({ min: 0, max: 600, noNaN: true }), fc.constantFrom(NaN, -5, Infinity, 0));
const text = fc.oneof(
	fc.lorem({ maxCount: 40 }),
	fc.string(),
	fc.string({ unit: 'binary' }),
	fc.string({ unit: 'grapheme', maxLength: 120 }),
	fc.constantFrom('', ' ', 'これは長い文です。'.repeat(20), `https://example.com/${'x'.repeat(120)}`, 'שלום לכולם, מה שלומכם היום?', '👩‍👩‍👧‍👦'.repeat(60), 'สวัสดีครับยินดีต้อนรับ'),
);
const segment: fc.Arbitrary<Segment> = fc
	.record({ start: time, end: time, text, speaker: fc.option(fc.constantFrom('A', 'B')) })
	.map(({ speaker, ...rest }) => ({ ...rest, ...(speaker ? { speaker } : {}) }));
const word: fc.Arbitrary<Word> = fc.record({ start: time, end: time, word: fc.oneof(fc.lorem({ maxCount: 1 }), fc.string({ maxLength: 8 })) });
const rules: fc.Arbitrary<SubtitleRules> = fc.record({
	maxLineChars: fc.integer({ min: 16, max: 80 }),
	maxWideLineChars: fc.integer({ min: 8, max: 16 }),
	maxLines: fc.integer({ min: 1, max: 4 }),
	minMs: fc.integer({ min: 200, max: 3000 }),
	maxMs: fc.integer({ min: 3000, max: 15_000 }),
	charsPerSecond: fc.integer({ min: 5, max: 40 }),
	gapMs: fc.integer({ min: 0, max: 200 }),
	speakerDash: fc.boolean(),
});

/** Words of a text, half a second each. */
const said = (sentence: string, from = 0): Word[] => sentence.split(' ').map((one, index) => ({ word: one.replace(/[.,]/g, ''), start: from + index * 0.5, end: from + index * 0.5 + 0.4 }));
const whole = (sentence: string, seconds: number, from = 0): Segment => ({ start: from, end: from + seconds, text: sentence });

describe('subtitles', () => {
	it('keep every rule and lose no text, whatever the provider said', async () => {
		await fc.assert(
			fc.asyncProperty(fc.array(segment, { maxLength: 8 }), fc.option(fc.array(word, { maxLength: 60 })), rules, async (segments, words, given) => {
				const cues = await cutSubtitles(segments, words, given);
				let free = 0;
				for (const [index, cue] of cues.entries()) {
					expect(cue.lines.length).toBeGreaterThan(0);
					expect(cue.lines.length).toBeLessThanOrEqual(given.maxLines);
					for (const line of cue.lines) {
						const wide = line.match(WIDE)?.length ?? 0;
						expect(graphemes(line)).toBeLessThanOrEqual(given.maxLineChars);
						expect(wide).toBeLessThanOrEqual(given.maxWideLineChars);
						expect(line.trim()).not.toBe('');
					}
					expect(Number.isInteger(cue.start) && Number.isInteger(cue.end)).toBe(true);
					expect(cue.start).toBeGreaterThanOrEqual(free);
					const shown = cue.end - cue.start;
					const next = cues[index + 1];
					expect(shown).toBeGreaterThanOrEqual(Math.min(200, given.minMs));
					expect(shown).toBeLessThanOrEqual(given.maxMs);
					// Shorter only where the next one begins.
					if (shown < given.minMs) expect(next?.start).toBeLessThanOrEqual(cue.end + given.gapMs);
					let before = cue.start;
					for (const { start, end } of cue.words ?? []) {
						expect(before <= start && start <= end && end <= cue.end).toBe(true);
						before = start;
					}
					free = cue.end + given.gapMs;
				}
				const dashes = given.speakerDash ? /–/g : /(?!)/g;
				expect(bare(cues.flatMap(({ lines }) => lines).join('')).replace(dashes, '')).toBe(bare(segments.map((entry) => entry.text).join('')).replace(dashes, ''));
			}),
			{ numRuns: 150 },
		);
	});

	it('words are the lines', async () => {
		await fc.assert(
			fc.asyncProperty(fc.array(segment, { maxLength: 4 }), fc.array(word, { maxLength: 30 }), async (segments, words) => {
				for (const cue of await cutSubtitles(segments, words)) {
					if (!cue.words) continue;
					expect(cue.words.map((one) => one.text).join('').replaceAll(' ', '')).toBe(cue.lines.join('').replaceAll(' ', ''));
				}
			}),
			{ numRuns: 80 },
		);
	});

	it('take the times of words where they are given, and end at a clause', async () => {
		const sentence = 'We make a video go from a folder to five platforms, and nobody has to touch it again today.';
		const cues = await cutSubtitles([whole(sentence, 9.5)], said(sentence));
		expect(cues.map(({ start, end }) => [start, end])).toEqual([
			[0, 5400],
			[5500, 9400],
		]);
		expect(cues[0]?.lines).toEqual(['We make a video go', 'from a folder to five platforms,']);
		expect(cues[1]?.words?.[0]).toEqual({ text: 'and', start: 5500, end: 5900 });
	});

	it('find their words although the provider splits, joins and leaves out some', async () => {
		const words = [
			{ word: 'cannot', start: 1, end: 2 },
			{ word: '10', start: 3, end: 3.5 },
			{ word: '000', start: 3.5, end: 4 },
			{ word: 'again', start: 6, end: 7 },
		];
		const cues = await cutSubtitles([whole('We can not pay 10,000 a again.', 7)], words);
		expect(cues.flatMap((cue) => cue.words ?? []).filter(({ text }) => ['can', '10,000', 'again.'].includes(text))).toEqual([
			{ text: 'can', start: 1000, end: 1500 },
			{ text: '10,000', start: 3000, end: 4000 },
			{ text: 'again.', start: 6000, end: 7000 },
		]);
	});

	it('share the time of a segment by length where there are no words', async () => {
		const cues = await cutSubtitles([whole('word '.repeat(40), 20, 10)], null);
		expect(cues[0]?.start).toBe(10_000);
		expect(cues[0]?.words).toBeUndefined();
		expect(cues.at(-1)?.end).toBe(30_000);
	});

	it('begin anew after a sentence and after a pause', async () => {
		const cues = await cutSubtitles([whole('This is the first sentence here. And this is the second.', 6)], null);
		expect(cues.map(({ lines }) => lines.join(' '))).toEqual(['This is the first sentence here.', 'And this is the second.']);
		const words = [
			{ word: 'before', start: 0, end: 0.5 },
			{ word: 'after', start: 4, end: 4.5 },
		];
		expect(await cutSubtitles([whole('before after', 5)], words)).toHaveLength(2);
	});

	it('go on over the segments of the provider, which end in the middle of sentences', async () => {
		const cues = await cutSubtitles([whole('The kettle is on the', 1), whole('stove in the kitchen.', 1, 1)], null);
		expect(cues.map(({ lines }) => lines.join(' '))).toEqual(['The kettle is on the stove in the kitchen.']);
	});

	it('never part an article from its noun', async () => {
		for (const sentence of ['I have been waiting all morning outside the museum for you', 'Wir haben den ganzen Morgen draußen vor dem Museum auf dich gewartet', "Nous avons attendu toute la matinée devant l'entrée du musée"]) {
			for (const maxLineChars of [18, 22, 27, 34, 42]) {
				for (const { lines } of await cutSubtitles([whole(sentence, 4)], null, { maxLineChars, maxLines: 4 }))
					for (const line of lines.slice(0, -1)) expect(line).not.toMatch(/\s(?:the|dem|den|la|du)$/);
			}
		}
	});

	it('stay for as long as it takes to read them, into the pause that follows', async () => {
		const [first] = await cutSubtitles([whole('Indubitably extraordinary circumstances.', 0.5), whole('Yes.', 1, 9)], null);
		// 40 characters, 17 in a second.
		expect(first).toMatchObject({ start: 0, end: 2353 });
		expect((await cutSubtitles([whole('No.', 0.2)], null))[0]).toMatchObject({ start: 0, end: DEFAULT_RULES.minMs });
		expect((await cutSubtitles([whole('Aaah.', 30)], null))[0]).toMatchObject({ start: 0, end: DEFAULT_RULES.maxMs });
	});

	it('leave two frames before the next, and do not overlap although the provider said so', async () => {
		const cues = await cutSubtitles([whole('This is the first of them.', 5), whole('This is the second of them.', 3, 3)], null);
		expect(cues).toEqual([
			{ start: 0, end: 2916, lines: ['This is the first of them.'] },
			{ start: 3000, end: 6000, lines: ['This is the second of them.'] },
		]);
	});

	it('begin anew with each speaker, with a dash where that is wanted', async () => {
		const talk: Segment[] = [
			{ ...whole('Are you coming?', 1), speaker: 'A' },
			{ ...whole('No.', 0.4, 1.1), speaker: 'B' },
			{ ...whole('Too bad.', 1.5, 1.6), speaker: 'A' },
		];
		const cues = await cutSubtitles(talk, null, { speakerDash: true });
		expect(cues.map(({ speaker, lines }) => [speaker, lines])).toEqual([
			['A', ['– Are you coming?']],
			['B', ['– No.']],
			['A', ['– Too bad.']],
		]);
		// The second would be too short: the third waits for it, as far as it has time to spare.
		expect(cues[1]).toMatchObject({ start: 1100, end: 2016 });
		expect((await cutSubtitles(talk, null))[0]?.lines).toEqual(['Are you coming?']);
	});

	it('count wide characters as wide, and break Japanese between its words', async () => {
		const cues = await cutSubtitles([whole('私は昨日、東京の新しい美術館に行って、たくさんの絵を見ました。とても楽しかったです。', 12)], null);
		const lines = cues.flatMap((cue) => cue.lines);
		for (const line of lines) {
			expect(graphemes(line)).toBeLessThanOrEqual(16);
			expect(line).not.toMatch(/^[、。っょー]/);
		}
		expect(lines).toEqual(['私は昨日、東京の', '新しい美術館に行って、', 'たくさんの絵を見ました。', 'とても楽しかったです。']);
	});

	it('keep the joiners of emoji and Persian and the marks of Hebrew, and drop what hides or turns text', async () => {
		const kept = '👩‍👩‍👧 می‌خواهم \u200Fשלום\u200E';
		expect((await cutSubtitles([whole(kept, 3)], null))[0]?.lines).toEqual([kept]);
		expect((await cutSubtitles([whole('pass\u2060word \u202Eevil\u202C so\u00ADft', 3)], null))[0]?.lines).toEqual(['password evil\u202C soft']);
	});

	it('put no blanks into scripts that have none, also between the segments of the provider', async () => {
		const cues = await cutSubtitles([whole('私は昨日、東', 1), whole('京に行きました。', 1, 1), whole('Then on to', 1, 2), whole('Paris.', 1, 3)], null);
		expect(cues.map(({ lines }) => lines.join(''))).toEqual(['私は昨日、東京に行きました。', 'Then on to Paris.']);
	});

	it('have words whose times never go back, although those of the provider do', async () => {
		const words = [
			{ word: 'a', start: 0, end: 1 },
			{ word: 'c', start: 4.5, end: 5 },
			{ word: 'd', start: 3, end: 3.5 },
		];
		const [cue] = await cutSubtitles([whole('a b c', 5), whole('d', 1, 3)], words);
		expect(cue?.words?.map(({ text, start }) => [text, start])).toEqual([
			['a', 0],
			['b', 1000],
			['c', 4500],
			['d', 4500],
		]);
	});

	// What looks back would need hours for these; the test's own time limit is the assertion.
	it.each([
		['opening marks', [whole(`中${'（'.repeat(300_000)}`, 60)], null],
		['segments that lie on each other', Array.from({ length: 20_000 }, () => whole('b', 100_000)), Array.from({ length: 20_000 }, (_, index) => ({ word: index % 2 === 0 ? 'abcdefgh' : '–', start: index, end: index + 1 }))],
	])('take time in proportion to the length of %s', async (_what, segments, words) => {
		expect((await cutSubtitles(segments, words)).length).toBeGreaterThan(0);
	});

	it('let others have their turn while a long text is cut, and end when told to', async () => {
		let turns = 0;
		let tick = setImmediate(function count() {
			turns++;
			tick = setImmediate(count);
		});
		await cutSubtitles([whole('word '.repeat(20_000), 7200)], null);
		clearImmediate(tick);
		expect(turns).toBeGreaterThan(20);
		await expect(cutSubtitles([whole('word '.repeat(20_000), 7200)], null, {}, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
	});
});
