import { readCtm } from '../../../../sidecar/src/ai/local/ctm.ts';
import { segmentsOf } from '../../../../sidecar/src/ai/local/spoken-words.ts';

const at = (start: number, word: string, end = start + 0.3) => ({ start, end, word });

describe('words without sentences', () => {
	it('become segments between pauses, each with a capital letter', () => {
		const words = [at(1, 'good'), at(1.4, 'morning'), at(3, 'élan'), at(3.5, 'vital')];
		expect(segmentsOf(words)).toEqual([
			{ start: 1, end: 1.7, text: 'Good morning' },
			{ start: 3, end: 3.8, text: 'Élan vital' },
		]);
	});

	it('are cut at the longest pause where there is no end, and go on with a small letter', () => {
		const words = Array.from({ length: 40 }, (_, index) => at(index * 0.5 + (index >= 17 ? 0.2 : 0), `w${index}`));
		const segments = segmentsOf(words.map((word) => ({ ...word, word: word.word.replace('w', 'ä') })));
		expect(segments.map(({ text }) => text.split(' ').length)).toEqual([17, 23]);
		expect(segments.map(({ text }) => text[0])).toEqual(['Ä', 'ä']);
		expect(segments.every(({ start, end }) => end - start <= 12)).toBe(true);
	});

	it('may be none, or one that lasts', () => {
		expect(segmentsOf([])).toEqual([]);
		expect(segmentsOf([at(0, 'om', 60)])).toEqual([{ start: 0, end: 60, text: 'Om' }]);
	});
});

describe('the word times of PocketSphinx', () => {
	const starts = new Map([['u0', 0.5], ['u1', 10]]);

	it('become times of the sound', () => {
		const ctm = 'u0 1 0.19 0.18 we 0.700\nu0 1 0.48 0.15 read(2) 0.927\nu1 1 0.15 0.15 i\'m 1.966\n';
		expect(readCtm(ctm, starts)).toEqual([
			{ start: 0.69, end: 0.87, word: 'we', confidence: 0.7 },
			{ start: 0.98, end: 1.13, word: 'read', confidence: 0.927 },
			{ start: 10.15, end: 10.3, word: "I'm", confidence: 1 },
		]);
	});

	it('leave noises out', () => {
		expect(readCtm('u0 1 0.1 0.2 <sil> 1\nu0 1 0.3 0.1 [NOISE] 0.5\nu0 1 0.4 0.1 ++BREATH++ 0.5\n', starts)).toEqual([]);
		expect(readCtm('', starts)).toEqual([]);
	});
});
