import { MAX_CUE_CHARACTERS, type Cue } from '../../../../sidecar/src/ai/subtitles/cue.ts';
import { parseSubtitles } from '../../../../sidecar/src/ai/subtitles/parse.ts';
import { hasRoom, layBack, roomOf, unitsOf, type Rules } from '../../../../sidecar/src/operations/ai/translate-cues.ts';

const cue = (start: number, end: number, ...lines: string[]): Cue => ({ start, end, lines });
const rules = (language: string, more: Partial<Rules> = {}): Rules => ({ language, maxLineChars: 42, maxLines: 2, maxCharsPerSecond: 20, ...more });
function toTheEnd<T>(steps: Generator<void, T>): T {
	for (;;) {
		const step = steps.next();
		if (step.done) return step.value;
	}
}
const SPEECH = [
	cue(0, 2000, 'When the water', 'has boiled,'),
	cue(2000, 4500, 'let it cool for a few minutes.'),
	cue(4600, 6000, 'Then pour it.'),
	cue(9000, 11_000, 'Enjoy'),
];

describe('sentences out of subtitles', () => {
	it('run over subtitles until a sentence, a pause or a speaker ends', () => {
		expect(unitsOf(SPEECH, 'en')).toEqual([
			{ text: 'When the water has boiled, let it cool for a few minutes.', cues: [0, 1] },
			{ text: 'Then pour it.', cues: [2] },
			{ text: 'Enjoy', cues: [3] },
		]);
		const two = [{ ...cue(0, 1000, 'I think'), speaker: 'A' }, { ...cue(1000, 2000, 'not at all'), speaker: 'B' }];
		expect(unitsOf(two, 'en')).toHaveLength(2);
	});

	it('are joined without blanks where none are written', () => {
		expect(unitsOf([cue(0, 1000, '私は', '毎朝'), cue(1000, 2000, '緑茶を飲みます。')], 'ja')[0]?.text).toBe('私は毎朝緑茶を飲みます。');
	});

	it('do not grow without end where nobody wrote full stops', () => {
		const endless = Array.from({ length: 50 }, (_, index) => cue(index * 1000, index * 1000 + 990, 'and then we went on and on'));
		const units = unitsOf(endless, 'en');
		expect(Math.max(...units.map(({ cues }) => cues.length))).toBe(6);
		expect(units.flatMap(({ cues }) => cues)).toEqual([...endless.keys()]);
	});

	it('keep the lines of a dialogue apart', () => {
		expect(unitsOf([cue(0, 2000, '- Coffee?', '– No, tea.')], 'en')).toEqual([
			{ text: 'Coffee?', cues: [0], line: 0 },
			{ text: 'No, tea.', cues: [0], line: 1 },
		]);
	});
});

describe('translations back into subtitles', () => {
	const back = (cues: Cue[], language: string, texts: string[], more: Partial<Rules> = {}, from = 'en') => toTheEnd(layBack(cues, unitsOf(cues, from), texts, rules(language, more)));

	it('keep times, and break where the sentence allows it', () => {
		const { cues, warnings } = back(SPEECH, 'de', ['Wenn das Wasser gekocht hat, lassen Sie es ein paar Minuten abkühlen.', 'Dann gießen Sie auf.', 'Genießen Sie']);
		expect(cues).toEqual([
			cue(0, 2000, 'Wenn das Wasser gekocht hat,'),
			cue(2000, 4500, 'lassen Sie es ein paar Minuten abkühlen.'),
			cue(4600, 6000, 'Dann gießen Sie auf.'),
			cue(9000, 11_000, 'Genießen Sie'),
		]);
		expect(warnings).toEqual([]);
	});

	it('give both speakers of a dialogue their lines', () => {
		expect(back([cue(0, 2000, '- Coffee?', '- No, tea.')], 'fr', ['Un café ?', 'Non, un thé.']).cues).toEqual([cue(0, 2000, '- Un café ?', '- Non, un thé.')]);
	});

	it('report what is too fast to read, and cut what is too long within its time', () => {
		const long = 'Dieser Satz ist in der anderen Sprache so lang geworden, dass er in zwei Zeilen von zweiundvierzig Zeichen nicht mehr passt.';
		const { cues, warnings } = back([cue(0, 3000, 'Long.'), cue(3100, 5000, 'Bye.')], 'de', [long, 'Tschüss.']);
		expect(cues.map(({ start, end }) => [start, end])).toEqual([[0, expect.any(Number)], [cues[0]?.end, 3000], [3100, 5000]]);
		expect(cues.slice(0, 2).flatMap(({ lines }) => lines).join(' ')).toBe(long);
		expect(cues.flatMap(({ lines }) => lines).filter((line) => line.length > 42)).toEqual([]);
		expect(warnings.map(({ cue: number, kind }) => [number, kind])).toEqual([[1, 'cut_in_two'], [1, 'too_fast'], [2, 'too_fast']]);
		expect(warnings[1]?.message).toMatch(/characters a second; 20 can be read/);
	});

	it('join a subtitle that gets no word to the one before', () => {
		expect(back([cue(0, 1000, 'I do not'), cue(1000, 2000, 'know.')], 'ja', ['さあ。'], { maxLineChars: 16 }).cues).toEqual([cue(0, 2000, 'さあ。')]);
	});

	it('join one that gets no word to its own sentence, never to the one before', () => {
		const talk = [cue(0, 1000, 'Hello.'), cue(60_000, 60_500, 'I'), cue(60_500, 62_000, 'do not think so at all.')];
		expect(back(talk, 'de', ['Hallo.', 'Nein.']).cues).toEqual([cue(0, 1000, 'Hallo.'), cue(60_000, 62_000, 'Nein.')]);
		// Nor does a sentence of which nothing is left reach into the next one.
		expect(back(talk, 'de', ['', 'Nein.']).cues).toEqual([cue(60_000, 62_000, 'Nein.')]);
		expect(back(talk, 'de', ['Hallo.', '']).cues).toEqual([cue(0, 1000, 'Hallo.')]);
	});

	it('do not flicker: what fits neither the lines nor the time stays together, and is reported', () => {
		const { cues, warnings } = back([cue(0, 500, 'Long.')], 'de', ['Ein Wort nach dem anderen. '.repeat(30)]);
		expect(cues.every(({ start, end }) => end - start >= 200)).toBe(true);
		expect(warnings.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['cut_in_two', 'too_long', 'too_fast']));
	});

	it('are not made of a book in one subtitle', () => {
		expect(() => unitsOf([cue(0, 1000, 'Short.'), cue(1000, 2000, 'x '.repeat(5001))], 'en')).toThrow(/Subtitle 2 has 10001 characters; at most 10000.*`subtitles`/);
	});

	it('are made of all that is let in where subtitles are read', () => {
		const { cues } = parseSubtitles(`1\n00:00:00,000 --> 00:00:04,000\n${'words\n'.repeat(MAX_CUE_CHARACTERS / 5)}\n`);
		expect(unitsOf(cues, 'en')[0]?.text.length).toBeGreaterThan(MAX_CUE_CHARACTERS);
	});

	it('mark lines of Hebrew that begin with a Latin name', () => {
		expect(back([cue(0, 2000, 'n8n is a tool.')], 'he', ['n8n הוא כלי.']).cues).toEqual([cue(0, 2000, '\u200fn8n הוא כלי.')]);
	});

	it('keep Japanese within 16 characters a line', () => {
		const { cues } = back(SPEECH, 'ja', ['お湯が沸いたら、数分間冷ましてから、ゆっくりと茶葉に注いでください。', 'それから注ぎます。', 'お楽しみください'], { maxLineChars: 16 });
		expect(cues.flatMap(({ lines }) => lines).filter((line) => line.length > 16)).toEqual([]);
		expect(cues.flatMap(({ lines }) => lines).join('')).toBe('お湯が沸いたら、数分間冷ましてから、ゆっくりと茶葉に注いでください。それから注ぎます。お楽しみください');
	});

	it('know how much room there is', () => {
		const [first] = unitsOf(SPEECH, 'en');
		expect(first && roomOf(first, SPEECH, rules('de'))).toBe(90);
		expect(first && hasRoom(first, 'Kurz.', SPEECH, rules('de'))).toBe(true);
		expect(first && hasRoom(first, 'Viel zu lang. '.repeat(20), SPEECH, rules('de'))).toBe(false);
	});
});
