import type { Cue } from '../../../../sidecar/src/ai/subtitles/cue.ts';
import { toPassages } from '../../../../sidecar/src/operations/ai/passages.ts';

/** Cues of five seconds each, one after the other. */
const cues = (...lines: string[]): Cue[] => lines.map((line, index) => ({ start: index * 5000, end: index * 5000 + 5000, lines: [line] }));

describe('what is said, in passages', () => {
	it('ends them with sentences after a quarter of a minute, and begins the next with the last words', () => {
		const passages = toPassages(cues('One', 'two', 'three', 'four.', 'Five', 'six', 'seven', 'eight.', 'Nine.'));
		expect(passages.map(({ text }) => text)).toEqual(['One two three four.', 'four. Five six seven eight.', 'eight. Nine.']);
		expect(passages[1]?.text.startsWith('four. ')).toBe(true);
		expect(passages[0]).toMatchObject({ start: 0, end: 20 });
		expect(passages[1]?.start).toBe(15);
	});

	it('are never longer than half a minute, whatever is said', () => {
		const passages = toPassages(cues(...Array.from({ length: 60 }, (_, index) => `word${index}`)));
		for (const { start, end } of passages) expect(end - start).toBeLessThanOrEqual(30);
		for (let index = 0; index < 60; index++) expect(passages.some(({ text }) => text.split(' ').includes(`word${index}`))).toBe(true);
	});

	it('end where somebody pauses, and do not reach over the pause', () => {
		const later = cues('After', 'it.').map((cue) => ({ ...cue, start: cue.start + 60_000, end: cue.end + 60_000 }));
		const passages = toPassages([...cues('Before', 'the', 'long', 'pause'), ...later]);
		expect(passages.map(({ text, start }) => [text, start])).toEqual([['Before the long pause', 0], ['After it.', 60]]);
	});

	it('take a cue that is longer than everything as it is, and nothing for nothing', () => {
		expect(toPassages([{ start: 0, end: 3_600_000, lines: ['x'.repeat(5000)] }, { start: 3_600_000, end: 3_601_000, lines: ['end'] }])).toHaveLength(2);
		expect(toPassages([])).toEqual([]);
		expect(toPassages([{ start: 0, end: 1000, lines: [' \u200b '] }])).toEqual([]);
	});
});
