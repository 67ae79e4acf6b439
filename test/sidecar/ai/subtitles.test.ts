import fc from 'fast-check';
import { cutSubtitles, toSrt, toVtt, type Cue } from '../../../sidecar/src/ai/subtitles.ts';

const graphemes = (text: string) =>
	Array.from(new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(text)).length;
// eslint-disable-next-line no-control-regex
const bare = (text: string) => text.replace(/[\s\u0000-\u001f\u007f-\u009f\u2028\u2029]+/gu, '');

const time = fc.oneof(fc.double({ min: 0, max: 600, noNaN: true }), fc.constantFrom(NaN, -5, Infinity, 0));
const text = fc.oneof(
	fc.lorem({ maxCount: 40 }),
	fc.string(),
	fc.string({ unit: 'binary' }),
	fc.constantFrom('', ' ', 'これは長い文です。'.repeat(20), `https://example.com/${'x'.repeat(120)}`),
);
const segment = fc.record({ start: time, end: time, text });
const word = fc.record({ start: time, end: time, word: fc.lorem({ maxCount: 1 }) });

describe('subtitles', () => {
	it('hold two lines of the allowed length at most, in order, without overlap, and lose no text', () => {
		fc.assert(
			fc.property(
				fc.array(segment, { maxLength: 8 }),
				fc.option(fc.array(word, { maxLength: 60 })),
				fc.integer({ min: 16, max: 80 }),
				(segments, words, maxLineChars) => {
					const cues = cutSubtitles(segments, words, { maxLineChars });
					let free = 0;
					for (const cue of cues) {
						expect(cue.lines.length).toBeGreaterThan(0);
						expect(cue.lines.length).toBeLessThanOrEqual(2);
						for (const line of cue.lines) {
							expect(graphemes(line)).toBeLessThanOrEqual(maxLineChars);
							expect(line.trim()).not.toBe('');
						}
						expect(cue.start).toBeGreaterThanOrEqual(free);
						expect(cue.end).toBeGreaterThan(cue.start);
						expect(Number.isInteger(cue.start) && Number.isInteger(cue.end)).toBe(true);
						free = cue.end;
					}
					expect(bare(cues.flatMap(({ lines }) => lines).join(''))).toBe(
						bare(segments.map((entry) => entry.text).join('')),
					);
				},
			),
			{ numRuns: 500 },
		);
	});

	it('take the times of words where they are given', () => {
		const words = 'We make a video go from a folder to five platforms and nobody has to touch it again today'
			.split(' ')
			.map((word, index) => ({ word, start: index * 0.5, end: index * 0.5 + 0.4 }));
		const cues = cutSubtitles(
			[
				{
					start: 0,
					end: 9.5,
					text: 'We make a video go from a folder to five platforms, and nobody has to touch it again today.',
				},
			],
			words,
		);
		expect(cues.map(({ start, end }) => [start, end])).toEqual([
			[0, 5400],
			[5500, 9400],
		]);
		expect(cues[0]?.lines).toEqual(['We make a video go', 'from a folder to five platforms,']);
		expect(cues[1]?.words?.[0]).toEqual({ text: 'and', start: 5500, end: 5900 });
	});

	it('share the time of a segment by length where there are no words', () => {
		const cues = cutSubtitles([{ start: 10, end: 30, text: `${'word '.repeat(40)}` }], null);
		expect(cues[0]?.start).toBe(10_000);
		expect(cues.at(-1)?.end).toBe(30_000);
		for (const { start, end } of cues) expect(end - start).toBeLessThanOrEqual(7000);
	});

	it('begin anew after a sentence and after a pause', () => {
		const cues = cutSubtitles(
			[{ start: 0, end: 6, text: 'This is the first sentence here. And this is the second.' }],
			null,
		);
		expect(cues.map(({ lines }) => lines.join(' '))).toEqual([
			'This is the first sentence here.',
			'And this is the second.',
		]);
		const words = [
			{ word: 'before', start: 0, end: 0.5 },
			{ word: 'after', start: 4, end: 4.5 },
		];
		expect(cutSubtitles([{ start: 0, end: 5, text: 'before after' }], words)).toHaveLength(2);
	});

	it('do not overlap although the provider said so', () => {
		const cues = cutSubtitles(
			[
				{ start: 0, end: 5, text: 'This is the first of them.' },
				{ start: 3, end: 6, text: 'This is the second of them.' },
			],
			null,
		);
		expect(cues).toEqual([
			{ start: 0, end: 2916, lines: ['This is the first of them.'] },
			{ start: 3000, end: 6000, lines: ['This is the second of them.'] },
		]);
	});
});

describe('subtitle files', () => {
	const cues: Cue[] = [
		{ start: 0, end: 1500, lines: ['Tom & <b>Jerry</b>', 'a --> b'] },
		{ start: 3_723_004, end: 3_725_000, lines: ['later'] },
	];

	it('are SubRip', () => {
		expect(toSrt(cues)).toBe(
			'1\n00:00:00,000 --> 00:00:01,500\nTom & <b>Jerry</b>\na → b\n\n2\n01:02:03,004 --> 01:02:05,000\nlater\n',
		);
		expect(toSrt([])).toBe('');
	});

	it('are WebVTT in which the text cannot become markup', () => {
		expect(toVtt(cues)).toBe(
			'WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nTom &amp; &lt;b&gt;Jerry&lt;/b&gt;\na --&gt; b\n\n01:02:03.004 --> 01:02:05.000\nlater\n',
		);
		expect(toVtt([])).toBe('WEBVTT\n');
	});
});
