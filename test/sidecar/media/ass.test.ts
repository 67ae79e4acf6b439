import { escapeAss, styledAss, type SubtitleLook } from '../../../sidecar/src/media/ass.ts';
import { asDrawn, frameOf, SAFE_AREA_NAMES, SUBTITLE_STYLES } from '../../../sidecar/src/media/ass-style.ts';
import { inOrder } from '../../../sidecar/src/media/ass-order.ts';
import { setWord } from '../../../sidecar/src/media/ass-pages.ts';
import { wordsOf } from '../../../sidecar/src/media/ass-words.ts';
import type { FontChoice } from '../../../sidecar/src/media/font-choice.ts';

/** Every letter is half as wide as it is high. */
const font = { family: 'Test Sans', lineHeight: 1.3, ascent: 1, capHeight: 0.7, has: () => true, advance: () => 0.5 };
const fonts: FontChoice = { main: font, of: () => font, leftOut: [] };
const LOOK: SubtitleLook = { style: 'plain', platform: 'none', position: 'bottom', size: 'medium', bold: true, upperCase: false, maxWords: Infinity, colours: { text: '#ffffff', highlight: '#ffff00', outline: '#000000', box: '#000000' }, boxOpacity: 0.75 };
const WIDE = { width: 1920, height: 1080 };
const UPRIGHT = { width: 1080, height: 1920 };
const cue = (text: string, start = 1000, end = 3000) => ({ start, end, lines: text.split('\n') });
const draw = (cues: ReturnType<typeof cue>[], look: Partial<SubtitleLook> = {}, size = WIDE, language = 'en') => styledAss(cues, language, { ...LOOK, ...look }, fonts, { size, matrix: 'bt601' });
/** Start, end and text of each event, without its place. */
const events = (ass: string): string[] => [...ass.matchAll(/^Dialogue: \d,([^,]+),([^,]+),Default,,0,0,0,,(.*)$/gm)].map(([, from = '', to = '', text = '']) => `${from} ${to} ${text.replace(/^\{\\pos\([^)]*\)[^}]*\}/, '')}`);

describe('styled subtitles', () => {
	it('are as large as the video, and keep the lines of their author where they fit', () => {
		const { ass, pages } = draw([cue('Hello there\nyou')]);
		expect(ass).toContain('PlayResX: 1920\nPlayResY: 1080\n');
		expect([pages, events(ass)]).toEqual([1, ['0:00:01.00 0:00:03.00 Hello there', '0:00:01.00 0:00:03.00 you']]);
	});

	it('are put on other lines where the video is narrow, and on several pages where they are long', () => {
		const text = 'one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen';
		const { ass, pages } = draw([cue(text)], {}, UPRIGHT);
		const lines = events(ass).map((event) => event.split(' ').slice(2).join(' '));
		expect(pages).toBeGreaterThan(1);
		expect(lines.join(' ')).toBe(text);
		const { em, left, right } = frameOf(UPRIGHT, { style: 'plain', platform: 'none', scale: 'medium' });
		for (const line of lines) expect(line.length * 0.5 * em).toBeLessThanOrEqual(right - left);
	});

	it('light up each word while it is said', () => {
		const { ass } = draw([{ ...cue('one two'), words: [{ text: 'one', start: 1000, end: 1500 }, { text: 'two', start: 1600, end: 2000 }] } as ReturnType<typeof cue>], { style: 'karaoke' });
		expect(events(ass)).toEqual([
			'0:00:01.00 0:00:01.60 {\\1c&H00FFFF&}one {\\1c&HFFFFFF&}two',
			'0:00:01.60 0:00:02.00 one {\\1c&H00FFFF&}two',
			'0:00:02.00 0:00:03.00 one two',
		]);
	});

	it('show few words at once, and end at pauses and commas', () => {
		const { pages, ass } = draw([cue('one two three, four five')], { style: 'word', maxWords: 2 });
		expect(pages).toBe(3);
		expect(events(ass).map((event) => event.replace(/\{[^}]*\}/g, '').split(' ').slice(2).join(' '))).toEqual(['one two', 'one two', 'three,', 'four five', 'four five']);
	});

	it('never overlap: one ends where the next begins, and two that begin together become one', () => {
		expect(events(draw([cue('b', 2000, 4000), cue('a', 1000, 3000)]).ass)).toEqual(['0:00:01.00 0:00:02.00 a', '0:00:02.00 0:00:04.00 b']);
		expect(events(draw([cue('a'), cue('b', 1050, 2000)]).ass)).toEqual(['0:00:01.00 0:00:03.00 a', '0:00:01.00 0:00:03.00 b']);
	});

	it('show a sign again in the pauses of those that talk meanwhile', () => {
		const times = (cues: ReturnType<typeof cue>[]) => inOrder(cues).map(({ lines, start, end }) => `${lines.join(' ').slice(0, 9)} ${start} ${end}`);
		const talk = [cue('one', 2000, 3000), cue('two', 3500, 4000), cue('three', 6000, 7000)];
		expect(times([cue('Berlin', 0, 10_000), ...talk])).toEqual(['Berlin 0 2000', 'one 2000 3000', 'two 3500 4000', 'Berlin 4000 6000', 'three 6000 7000', 'Berlin 7000 10000']);
		// A long text is no sign; what two of them cut off comes back in the order in which it was said.
		expect(times([cue('long text '.repeat(20), 0, 10_000), cue('one', 2000, 3000)])).toEqual(['long text 0 2000', 'one 2000 3000']);
		expect(times([cue('a', 0, 20_000), cue('b', 1000, 10_000), cue('c', 2000, 3000)])).toEqual(['a 0 1000', 'b 1000 2000', 'c 2000 3000', 'b 3000 10000', 'a 10000 20000']);
	});

	it('never lose words, whatever times they have', () => {
		const text = 'one two three four five six seven';
		const words = text.split(' ').map((one) => ({ text: one, start: 1000, end: 1000 }));
		for (const maxWords of [1, 2, 3]) {
			const { ass, pages } = draw([{ ...cue(text), words } as ReturnType<typeof cue>], { style: 'word', maxWords });
			const shown = events(ass).map((event) => event.replace(/\{[^}]*\}/g, '').split(' ').slice(2).join(' '));
			expect([pages, [...new Set(shown)].join(' ')]).toEqual([Math.ceil(7 / maxWords), text]);
		}
		// Cut off by the next one, long before most of its words.
		const spread = text.split(' ').map((one, index) => ({ text: one, start: 1000 + 1000 * index, end: 1900 + 1000 * index }));
		const cut = draw([{ ...cue(text, 1000, 8000), words: spread } as ReturnType<typeof cue>, cue('next', 3000, 9000)], { maxWords: 2 });
		expect([...new Set(events(cut.ass).map((event) => event.split(' ').slice(2).join(' ')))].join(' ')).toBe(`${text} next`);
		// Each for its share of the two seconds.
		const seconds = [...cut.ass.matchAll(/^Dialogue: 1,0:00:(\S+?),0:00:(\S+?),.*\)[^}]*\}(?!next)/gm)].map(([, from, to]) => Number(to) - Number(from));
		expect([seconds.length, Math.min(...seconds) > 0.3]).toEqual([4, true]);
	});

	it('never stand on more lines than there may be', () => {
		const text = ['a', 'a', 'a', 'x'.repeat(50), 'y'.repeat(58), 'z'.repeat(58)].join(' ');
		const starts = events(draw([cue(text)]).ass).map((event) => event.split(' ')[0]);
		for (const start of starts) expect(starts.filter((one) => one === start).length).toBeLessThanOrEqual(2);
	});

	it('keep the times of words whose capitals are longer', () => {
		const words = [{ text: 'Straße', start: 1000, end: 2600 }, { text: 'zu', start: 2700, end: 3000 }];
		expect(events(draw([{ ...cue('Straße zu'), words } as ReturnType<typeof cue>], { style: 'karaoke', upperCase: true }, WIDE, 'de').ass)[1]).toBe('0:00:02.70 0:00:03.00 STRASSE {\\1c&H00FFFF&}ZU');
	});

	it('write capitals as the language does', () => {
		expect(events(draw([cue('straße i')], { upperCase: true }, WIDE, 'tr').ass)).toEqual(['0:00:01.00 0:00:03.00 STRASSE İ']);
	});

	it('hold text that looks like commands as text, in one line of the file each', () => {
		expect(escapeAss('{\\an8} \\N \\')).toBe('\\{\\\u2060an8\\} \\\u2060N \\\u2060');
		const { ass } = draw([{ start: 1000, end: 3000, lines: ['a\r\nDialogue: 0,0:00:00.00,0:00:09.00,Default,,0,0,0,,b\u2028[Fonts]\u202e{\\p1}'] }]);
		expect(ass.split(/[\r\n\u2028]/).filter((line) => line.startsWith('Dialogue:')).every((line) => line.includes('\\pos('))).toBe(true);
		expect(ass).not.toMatch(/^\[Fonts\]|\u202e|[^\\]\{\\p1/m);
	});

	it('shrink a word that is longer than the line, and cut one that is longer still', () => {
		const { ass } = draw([cue('x'.repeat(200))], { style: 'word' }, UPRIGHT);
		expect(events(ass).map((event) => event.replace(/\{[^}]*\}/g, '').split(' ')[2]).join('')).toContain('x'.repeat(200));
		expect(draw([cue('x'.repeat(30))], {}, UPRIGHT).ass).toMatch(/\{\\fs[\d.]+\}x{30}/);
	});

	it('begin every line of a right-to-left text at the right', () => {
		expect(events(draw([cue('שלום\nNike')]).ass)).toEqual(['0:00:01.00 0:00:03.00 \u200fשלום', '0:00:01.00 0:00:03.00 \u200fNike']);
	});

	it('run in the direction of their language, whatever they begin with', () => {
		expect(events(draw([cue('Nike שלום')], {}, WIDE, 'he').ass)).toEqual(['0:00:01.00 0:00:03.00 \u200fNike שלום']);
		expect(events(draw([cue('Nike')], {}, WIDE, 'he').ass)).toEqual(['0:00:01.00 0:00:03.00 Nike']);
		// Else libass would take the first letter of the second line.
		expect(events(draw([cue('we say\nשלום here')]).ass)).toEqual(['0:00:01.00 0:00:03.00 we say', '0:00:01.00 0:00:03.00 \u200eשלום here']);
	});

	it('know that vowels beside a letter take room, and those above it none', () => {
		const width = (text: string): number => setWord({ text, start: 0, end: 1, spaced: true }, fonts)?.width ?? 0;
		expect([width('का'), width('कु'), width('கோ')]).toEqual([1, 0.5, 1]);
	});

	it('leave out marks that no font has', () => {
		const partly: FontChoice = { main: font, of: (letter) => (letter === '\u20e3' ? null : font), leftOut: ['\u20e3'] };
		expect(setWord({ text: '1\u20e3', start: 0, end: 1, spaced: true }, partly)?.text).toBe('1');
	});
});

describe('the place of subtitles', () => {
	it('leaves room for what letters of other scripts reach above and below', () => {
		const other = { ...font, family: 'Other Sans' };
		const mixed: FontChoice = { main: font, of: (letter) => (/[a-z]/.test(letter) ? font : other), leftOut: [] };
		const y = (text: string, position: 'top' | 'bottom'): number => Number(/\\pos\([^,]+,([\d.]+)/.exec(styledAss([cue(text)], '', { ...LOOK, position }, mixed, { size: WIDE, matrix: 'bt601' }).ass)?.[1]);
		expect([y('شاي', 'bottom') < y('tea', 'bottom') - 10, y('चाय', 'top') > y('tea', 'top') + 5, y('茶', 'bottom')]).toEqual([true, true, y('tea', 'bottom')]);
	});

	it('is the same with letters that belong to no script', () => {
		const y = (text: string): number => Number(/\\pos\([^,]+,([\d.]+)/.exec(draw([cue(text)]).ass)?.[1]);
		for (const text of ['コーヒー', 'ｺｰﾋｰ', '〆切', 'Hawaiʼi', '5 µm']) expect([text, y(text)]).toEqual([text, y('tea')]);
		for (const text of ['ชาๆ', 'شـاي', 'चाय', 'តែ', 'ชา ー']) expect([text, y(text) < y('tea') - 10]).toEqual([text, true]);
	});

	it.each(SAFE_AREA_NAMES)('leaves %s its room on upright videos', (platform) => {
		for (const style of SUBTITLE_STYLES) {
			const frame = frameOf(UPRIGHT, { style, platform, scale: 'medium' });
			expect(frame.right - frame.left).toBeGreaterThan(5 * frame.em);
			expect(frame.bottom - frame.top).toBeGreaterThan(900);
		}
	});

	it('does not depend on the platform on wide videos', () => {
		expect(frameOf(WIDE, { style: 'plain', platform: 'reels', scale: 'medium' })).toEqual(frameOf(WIDE, { style: 'plain', platform: 'none', scale: 'medium' }));
	});
});

describe('words', () => {
	it('take their times from the words of the transcript, however those are cut', () => {
		const words = [{ text: '10', start: 0, end: 400 }, { text: ',000', start: 400, end: 800 }, { text: 'cups', start: 900, end: 1000 }];
		expect(wordsOf({ start: 0, end: 1000, lines: ['10,000', 'cups'], words }, 'en')).toEqual([[{ text: '10,000', spaced: true, start: 0, end: 800 }], [{ text: 'cups', spaced: true, start: 900, end: 1000 }]]);
	});

	it('share the time by their length where it is not known, or where the words are others', () => {
		for (const words of [[], [{ text: 'else', start: 0, end: 10 }]])
			expect(wordsOf({ start: 0, end: 1000, lines: ['a bbb'], words }, 'en').flat().map(({ start, end }) => [start, end])).toEqual([[0, 333], [333, 1000]]);
	});

	it('are found in text without blanks, with their punctuation', () => {
		const found = wordsOf({ start: 0, end: 1000, lines: ['「緑茶」は美味しい。 OK'] }, 'ja').flat();
		expect(found.map(({ text }) => text).join('')).toBe('「緑茶」は美味しい。OK');
		expect([found[0]?.text, found.at(-2)?.text.endsWith('。'), found.at(-1)?.spaced, found[1]?.spaced]).toEqual(['「緑茶」', true, true, false]);
	});

	it('stay with a question mark behind a fixed blank', () => {
		const words = [{ text: 'Ça', start: 0, end: 100 }, { text: 'va', start: 100, end: 700 }, { text: '?', start: 700, end: 800 }];
		expect(wordsOf({ start: 0, end: 1000, lines: ['Ça va\u00a0?'], words }, 'fr').flat()).toMatchObject([{ text: 'Ça', end: 100 }, { text: 'va\u00a0?', start: 100, end: 800 }]);
	});
});

describe('colours', () => {
	it('are given so that they come out right on a video of BT.709', () => {
		expect(asDrawn('#ffffff', 'bt709')).toEqual([255, 255, 255]);
		expect(asDrawn('#1a73e8', 'bt601')).toEqual([0x1a, 0x73, 0xe8]);
		// The way back: drawn by BT.601, seen by BT.709.
		const [r, g, b] = asDrawn('#e8a01a', 'bt709');
		const luma = 0.299 * r + 0.587 * g + 0.114 * b;
		const [cb, cr] = [(b - luma) / 1.772, (r - luma) / 1.402];
		const seen = [luma + 1.5748 * cr, luma - 0.1873 * cb - 0.4681 * cr, luma + 1.8556 * cb].map(Math.round);
		[0xe8, 0xa0, 0x1a].forEach((value, index) => expect(Math.abs((seen[index] ?? 0) - value)).toBeLessThanOrEqual(2));
	});
});
