import { sentence } from '../../../../sidecar/src/ai/local/describer.ts';
import { safetyScores } from '../../../../sidecar/src/ai/local/moderator.ts';
import { asInput, MAX_CHARACTERS } from '../../../../sidecar/src/ai/local/text-vectors.ts';

const box = { x: 0, y: 0, width: 1, height: 1 };
const things = (...labels: string[]) => labels.map((label) => ({ label, score: 0.9, box }));
const texts = (...all: string[]) => all.map((text) => ({ text, score: 0.9, box }));

describe('a composed sentence', () => {
	it.each([
		[['person', 'dog', 'person'], '2 people and a dog.'],
		[['umbrella'], 'An umbrella.'],
		[['bus', 'bus', 'bench', 'bench', 'sheep', 'sheep', 'skis'], '2 buses, 2 benches, 2 sheep, and a pair of skis.'],
		[[], ''],
	])('counts %j', (labels, wanted) => {
		expect(sentence(things(...labels), [])).toBe(wanted);
	});

	it('quotes text, without quotes in it', () => {
		expect(sentence(things('cup'), texts('SALE', 'say "now"'))).toBe(`A cup. Text: "SALE say 'now'".`);
		expect(sentence([], texts('SALE'))).toBe('Text: "SALE".');
	});

	it('cuts long text between letters as people see them', () => {
		const family = '👩‍👩‍👧';
		expect(sentence([], texts(family.repeat(200)))).toBe(`Text: "${family.repeat(119)}…".`);
	});
});

describe('scores of safety', () => {
	it('add up what is shown and what is drawn, and stay within 0 and 1', () => {
		expect(safetyScores({ drawing: 0.1, hentai: 0.2, neutral: 0.1, porn: 0.4, sexy: 0.2 })).toEqual({ sexual: 0.6, suggestive: 0.2 });
		expect(safetyScores({ drawing: 0, hentai: 0.500001, neutral: 0, porn: 0.500001, sexy: 0 }).sexual).toBe(1);
	});
});

describe('texts for vectors', () => {
	it('have one kind of white space, an end, and something in them', () => {
		expect(asInput('  a\n\tb  ')).toBe('a b');
		expect(asInput(' \n ')).toBe('.');
		expect([...asInput('👋'.repeat(3000))]).toHaveLength(MAX_CHARACTERS);
	});
});
