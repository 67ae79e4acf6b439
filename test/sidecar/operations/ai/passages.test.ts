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

	it('cut a cue that is longer than everything, behind sentences where they can', () => {
		const sentences = Array.from({ length: 100 }, (_, index) => `This is sentence number ${index + 100}.`);
		for (const text of [sentences.join(' '), sentences.join(' ').replaceAll('.', ''), '長い文'.repeat(1000), '👍'.repeat(1500)]) {
			const passages = toPassages([{ start: 0, end: 3_600_000, lines: [text] }, { start: 3_600_000, end: 3_601_000, lines: ['end'] }]);
			expect(passages.at(-1)).toEqual({ start: 3600, end: 3601, text: 'end' });
			expect(passages.slice(0, -1).map((passage) => passage.text).join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''));
			for (const passage of passages) {
				expect(passage.text.length).toBeLessThanOrEqual(900);
				expect(passage.text).not.toMatch(/\p{Cs}/u);
			}
			for (const [index, { start }] of passages.entries()) expect(start).toBeCloseTo(passages[index - 1]?.end ?? 0, 6);
		}
		expect(toPassages([{ start: 0, end: 1000, lines: [sentences.join(' ')] }])[0]?.text.endsWith('.')).toBe(true);
	});

	it('are none of nothing', () => {
		expect(toPassages([])).toEqual([]);
		expect(toPassages([{ start: 0, end: 1000, lines: [' \u200b '] }])).toEqual([]);
	});
});
