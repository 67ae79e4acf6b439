import { translateSubtitles } from '../../../../sidecar/src/operations/ai/translate-subtitles.ts';

const rules = { language: 'de', maxLineChars: 42, maxLines: 2, maxCharsPerSecond: 20 };
const talk = (count: number) => Array.from({ length: count }, (_, index) => ({ start: index * 3000, end: index * 3000 + 2900, lines: [`Sentence ${index} of a long talk.`] }));

describe('translating subtitles', () => {
	it('leaves others their turn, however many there are', async () => {
		let turns = 0;
		let done = false;
		const count = (): void => {
			turns++;
			if (!done) setImmediate(count);
		};
		setImmediate(count);
		const { cues } = await translateSubtitles({ canShorten: () => true, texts: (texts) => Promise.resolve([...texts]) }, { cues: talk(400), language: 'en' }, rules);
		done = true;
		expect(cues).toHaveLength(400);
		// Three passes over 400, each with a turn after every twenty.
		expect(turns).toBeGreaterThan(50);
	});

	it('asks for nothing where nobody speaks', async () => {
		const asked: string[][] = [];
		const translation = { canShorten: () => true, texts: (texts: readonly string[]) => (asked.push([...texts]), Promise.resolve([...texts])) };
		expect(await translateSubtitles(translation, { cues: [], language: '' }, rules)).toEqual({ cues: [], warnings: [] });
		expect(asked.flat()).toEqual([]);
	});
});
