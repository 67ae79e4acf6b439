import { translateSubtitles } from '../../../../sidecar/src/operations/ai/translate-subtitles.ts';

const rules = { language: 'de', maxLineChars: 42, maxLines: 2, maxCharsPerSecond: 20 };
const signal = new AbortController().signal;
const talk = (count: number) => Array.from({ length: count }, (_, index) => ({ start: index * 3000, end: index * 3000 + 2900, lines: [`Sentence ${index} of a long talk.`] }));

describe('translating subtitles', () => {
	it('leaves others their turn, however many there are, and ends with its job', async () => {
		const stop = new AbortController();
		const reason = new Error('cancelled');
		// What never lets go of the process would never hear of it: nothing else here waits for anything.
		setImmediate(() => stop.abort(reason));
		const translating = translateSubtitles({ canShorten: () => true, texts: (texts) => Promise.resolve([...texts]) }, { cues: talk(10_000), language: 'en' }, rules, stop.signal);
		await expect(translating).rejects.toBe(reason);
	});

	it('keeps all of them', async () => {
		const { cues } = await translateSubtitles({ canShorten: () => true, texts: (texts) => Promise.resolve([...texts]) }, { cues: talk(400), language: 'en' }, rules, signal);
		expect(cues).toHaveLength(400);
	});

	it('asks for nothing where nobody speaks', async () => {
		const asked: string[][] = [];
		const translation = { canShorten: () => true, texts: (texts: readonly string[]) => (asked.push([...texts]), Promise.resolve([...texts])) };
		expect(await translateSubtitles(translation, { cues: [], language: '' }, rules, signal)).toEqual({ cues: [], warnings: [] });
		expect(asked.flat()).toEqual([]);
	});
});
