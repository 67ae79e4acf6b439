import fc from 'fast-check';
import type { Cue } from '../../../../sidecar/src/ai/subtitles/cue.ts';
import { parseSubtitles } from '../../../../sidecar/src/ai/subtitles/parse.ts';
import { SUBTITLE_FILES } from '../../../../sidecar/src/ai/subtitles/write.ts';

const cuesOf = (text: string, options = {}) => parseSubtitles(text, options).cues;
const refusal = (text: string): string => {
	try {
		parseSubtitles(text);
	} catch (error) {
		expect(error).toMatchObject({ code: 'invalid_request' });
		return error instanceof Error ? error.message : '';
	}
	throw new Error('it was read');
};
const one = (lines: string[], start = 1000, end = 2000): Cue => ({ start, end, lines });

/** Text as it comes out of cutting: no markup, no blank lines, nothing that is trimmed. */
const line = fc
	.oneof(fc.lorem({ maxCount: 6 }), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }), fc.constantFrom('שלום 👩‍👩‍👧', 'a & b < c > d', '{x} \\N \\{', '<i>so</i> List<String> <00:00:01.5>', '{\\an8}up &amp; &lt;', '1', '日本語、です。'))
	// eslint-disable-next-line no-control-regex
	.map((text) => text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\uFEFF]/g, '').trim())
	// SRT writes an arrow as one sign; a joiner behind a bracket is what it writes before tags.
	.filter((text) => text !== '' && !/-->|[<{]\u2060/.test(text));
const cueList = fc
	.array(fc.record({ gap: fc.integer({ min: 0, max: 5000 }), length: fc.integer({ min: 10, max: 7000 }), lines: fc.array(line, { minLength: 1, maxLength: 3 }) }), { maxLength: 12 })
	.map((list) => {
		let at = 0;
		return list.map(({ gap, length, lines }): Cue => {
			// ASS counts in hundredths.
			const start = at + gap * 10;
			at = start + length * 10;
			return { start, end: at, lines };
		});
	});

describe('reading subtitles', () => {
	it.each(['srt', 'vtt', 'ass', 'json'] as const)('gives back what was written as %s', (format) => {
		fc.assert(
			fc.property(cueList, (cues) => {
				// In WebVTT braces are text; files that were made of SRT have such commands all the same.
				fc.pre(format !== 'vtt' || !cues.some(({ lines }) => lines.join().includes('{\\')));
				// A cue whose text is a number alone looks like the number of the next one in SRT, unless something follows.
				expect(parseSubtitles(SUBTITLE_FILES[format].write(cues, { language: 'en' })).cues).toEqual(cues);
			}),
			{ numRuns: 100 },
		);
	});

	it.each(['', 'WEBVTT\n\n', '1\n00:00:00,000 --> 00:00:01,000\n', '[Script Info]\n[Events]\nDialogue: 0,', '{"cues":'])('ends and keeps its promises for any text behind %j', (head) => {
		fc.assert(
			fc.property(fc.oneof(fc.string({ maxLength: 400 }), fc.string({ unit: 'binary', maxLength: 200 }), fc.array(fc.constantFrom('-->', '00:01', '\n', '\r', '<i>', '</i>', '{\\', '}', '1', ' ', ',', 'NOTE'), { maxLength: 60 }).map((parts) => parts.join(''))), (tail) => {
				let cues: Cue[];
				try {
					cues = cuesOf(head + tail, { markup: 'keep' });
				} catch (error) {
					expect(error).toMatchObject({ code: 'invalid_request' });
					return;
				}
				for (const [index, cue] of cues.entries()) {
					expect(cue.start).toBeGreaterThanOrEqual(cues[index - 1]?.start ?? 0);
					expect(cue.end).toBeGreaterThan(cue.start);
					expect(cue.lines.every((text) => text.trim() !== '' && !text.includes('\n'))).toBe(true);
				}
			}),
			{ numRuns: 100 },
		);
	});

	it.each([
		['a byte order mark and Windows line ends', '\uFEFF1\r\n00:00:01,000 --> 00:00:02,000\r\nHi\r\n\r\n'],
		['a byte order mark that was read as Latin-1', 'ï»¿1\n00:00:01,000 --> 00:00:02,000\nHi'],
		['old Mac line ends', '1\r00:00:01,000 --> 00:00:02,000\rHi\r'],
		['no numbers', '00:00:01,000 --> 00:00:02,000\nHi\n'],
		['no hours, short fractions and points', '00:01.0 --> 00:02.00\nHi'],
		['hours and minutes of one digit', '0:0:1,000-->0:0:2,000\nHi'],
		['marks of direction before numbers and times', '\u200F1\n\u200F00:00:01,000\u200F --> \u202B00:00:02,000\nHi\n\n'],
		['positions behind the times', '1\n00:00:01,000 --> 00:00:02,000  X1:100 X2:200\nHi'],
		['no blank line between number and text of the next', '1\n00:00:01,000 --> 00:00:02,000\nHi'],
	])('takes SRT with %s', (_what, text) => {
		expect(parseSubtitles(text)).toEqual({ format: 'srt', language: '', cues: [one(['Hi'])], notes: [] });
	});

	it('takes SRT with blank lines in the text, and numbers that are text', () => {
		expect(cuesOf('1\n00:00:01,000 --> 00:00:02,000\nHi\n\nyou\n42\n\n2\n00:00:03,000 --> 00:00:04,000\n7\n')).toEqual([one(['Hi', 'you', '42']), one(['7'], 3000, 4000)]);
	});

	it('puts wrong order, ends before beginnings, negative times and empty entries right, and says so', () => {
		const { cues, notes } = parseSubtitles('1\n00:00:05,000 --> 00:00:04,000\nlate\n\n2\n-00:00:01,000 --> 00:00:02,000\nearly\n\n3\n00:00:03,000 --> 00:00:04,000\n\n');
		expect(cues).toEqual([one(['early'], 0, 2000), one(['late'], 5000, 6000)]);
		expect(notes).toEqual([expect.stringContaining('1 entry was left out'), expect.stringContaining('1 entry ended before beginning'), expect.stringContaining('not in order')]);
	});

	it('leaves overlaps as they are: two may speak at once', () => {
		expect(cuesOf('00:01 --> 00:05\na\n\n00:02 --> 00:03\nb')).toEqual([one(['a'], 1000, 5000), one(['b'], 2000, 3000)]);
	});

	it('takes WebVTT with notes, styles, names, settings, entities and voices', () => {
		const text =
			'WEBVTT - a title\nLanguage: de\n\nNOTE\nnothing\n\nSTYLE\n::cue { color: red }\n\nname of it\n00:01.000 --> 00:02.000 align:start line:0\n<v.loud Anna Bell>5 &lt; 6 &amp; <c.red>so</c>&nbsp;on <00:00:01.500>now</v>\n\nNOTE later\n';
		expect(parseSubtitles(text)).toEqual({ format: 'vtt', language: 'de', cues: [{ ...one(['5 < 6 & so on now']), speaker: 'Anna Bell' }], notes: [] });
	});

	it('takes ASS with commas, overrides, drawings and comments', () => {
		const text =
			'[Script Info]\nTitle: x\n[Events]\nFormat: Start, End, Style, Name, Text\nComment: 0:00:00.00,0:00:01.00,D,,no\nDialogue: 0:00:01.00,0:00:02.00,D,Anna,{\\an8\\i1}Hi,{\\i0} you\\Nthere\\hnow\nDialogue: 0:00:03.00,0:00:04.00,D,,{\\p1}m 0 0 l 10 10{\\p0}\n';
		expect(parseSubtitles(text)).toMatchObject({ format: 'ass', cues: [{ start: 1000, end: 2000, lines: ['Hi, you', 'there now'], speaker: 'Anna' }], notes: [expect.stringContaining('1 entry was left out')] });
		expect(cuesOf(text, { markup: 'keep' })[0]?.lines).toEqual(['<i>Hi,</i> you', 'there now']);
	});

	it('takes its own JSON, words and all, and says what is wrong with others', () => {
		const cue = { ...one(['Hi']), words: [{ text: 'Hi', start: 1000, end: 1500 }] };
		expect(parseSubtitles(JSON.stringify({ language: 'de', cues: [cue] }))).toEqual({ format: 'json', language: 'de', cues: [cue], notes: [] });
		expect(refusal('{"cues": [{"start": "x"}]}')).toContain('"cues[0][start]" is wrong');
		expect(refusal('{ "cues" ')).toContain('not valid JSON');
	});

	it('keeps markup of three kinds, closed, or none', () => {
		const text = '1\n00:00:01,000 --> 00:00:02,000\n{\\an8}<I>so</I> <font color="red">red</font> <b>open <script>alert(1)</script> 1 < 2 <3\n';
		expect(cuesOf(text)).toEqual([one(['so red open alert(1) 1 < 2 <3'])]);
		expect(cuesOf(text, { markup: 'keep' })).toEqual([one(['<i>so</i> red <b>open alert(1) 1 < 2 <3</b>'])]);
	});

	it('reads UTF-16 that came as Latin-1, and refuses what cannot be mended', () => {
		const text = '1\n00:00:01,000 --> 00:00:02,000\nGrüße\n';
		const little = Buffer.from(`\uFEFF${text}`, 'utf16le');
		expect(cuesOf(little.toString('latin1'))).toEqual([one(['Grüße'])]);
		expect(cuesOf(Buffer.from(little).swap16().toString('latin1'))).toEqual([one(['Grüße'])]);
		expect(refusal(little.toString('utf8'))).toMatch(/wrong encoding.*UTF-8/);
	});

	it('takes blank text for no subtitles, and refuses what is something else', () => {
		expect(cuesOf('')).toEqual([]);
		expect(cuesOf(' \n\uFEFF')).toEqual([]);
		expect(cuesOf('WEBVTT\n')).toEqual([]);
		expect(refusal('Dear Sir or Madam')).toContain('no times were found');
		expect(refusal('<html>404</html>')).toContain('no times were found');
	});

	it('knows the number of the next entry also where the blank line before it is missing', () => {
		expect(cuesOf('1\n00:00:01,000 --> 00:00:02,000\nHi\n2\n00:00:03,000 --> 00:00:04,000\nyou\n7\n\n3\n00:00:05,000 --> 00:00:06,000\n12\n')).toEqual([one(['Hi']), one(['you', '7'], 3000, 4000), one(['12'], 5000, 6000)]);
		expect(cuesOf('\u200F1\n00:00:01,000 --> 00:00:02,000\nשלום\n\n\u200F2\n\u200F00:00:03,000 --> 00:00:04,000\n\u200Fכן')).toEqual([one(['שלום']), one(['\u200Fכן'], 3000, 4000)]);
		expect(cuesOf('00:01 --> 00:02\n2\n00:03 --> 00:04\nHi')).toEqual([one(['Hi'], 3000, 4000)]);
		expect(cuesOf('1\n00:01 --> 00:02\nin\n1984\n00:03 --> 00:04\nHi')).toEqual([one(['in', '1984']), one(['Hi'], 3000, 4000)]);
	});

	it('takes WebVTT without entries for no subtitles, also with notes, and entries without text for empty ones', () => {
		expect(parseSubtitles('WEBVTT\nKind: captions\nLanguage: en\n\nNOTE nothing is said\n \nSTYLE\n::cue { color: red }\n')).toEqual({ format: 'vtt', language: 'en', cues: [], notes: [] });
		expect(refusal('WEBVTT\n\n00:01,5 -> 00:02\nHi')).toContain('no times were found');
		expect(parseSubtitles('1\n00:00:01,000 --> 00:00:02,000\n\n')).toMatchObject({ cues: [], notes: [expect.stringContaining('1 entry was left out')] });
	});

	it('reads the language of WebVTT in its head only', () => {
		expect(parseSubtitles('WEBVTT\n\n00:01.000 --> 00:02.000\nLanguage: it is hard\n')).toMatchObject({ language: '', cues: [one(['Language: it is hard'])] });
	});

	it('reads ASS with separators of lines in the text, and closes its italics', () => {
		const text = '[Events]\nDialogue: 0,0:00:01.00,0:00:02.00,D,,0,0,0,,{\\i1}Hi\u2028you\n';
		expect(cuesOf(text)).toEqual([one(['Hi you'])]);
		expect(cuesOf(text, { markup: 'keep' })).toEqual([one(['<i>Hi you</i>'])]);
	});

	it('joins words that a byte order mark divides, decodes names, and drops stray NUL characters', () => {
		expect(cuesOf('00:01 --> 00:02\npass\uFEFFword \0here')).toEqual([one(['password here'])]);
		expect(cuesOf('WEBVTT\n\n00:01.000 --> 00:02.000\n<v Anna &amp; Ben>Hi')[0]).toMatchObject({ speaker: 'Anna & Ben' });
	});

	it('takes foreign JSON apart, so that nothing in it breaks the files that are made of it', () => {
		const hostile = { start: 1000, end: 2000, lines: ['Hi\n\n2\n00:00:05,000 --> 00:00:06,000', '\0', 'Dialogue: 0,0:00:00.00,0:00:09.00,Default,,0,0,0,,{\\p1}'], speaker: 'A\nStyle: x', words: [{ text: 'Hi\n\nNOTE', start: 1000, end: 1500 }, { text: '\n', start: 1500, end: 1500 }] };
		const { cues } = parseSubtitles(JSON.stringify({ cues: [hostile, { start: 0, end: 1, lines: ['\n'] }] }));
		expect(cues).toEqual([{ ...one(['Hi', '2', '00:00:05,000 --> 00:00:06,000', 'Dialogue: 0,0:00:00.00,0:00:09.00,Default,,0,0,0,,{\\p1}']), speaker: 'A Style: x', words: [{ text: 'Hi NOTE', start: 1000, end: 1500 }] }]);
		for (const format of ['srt', 'vtt', 'ass'] as const) expect(cuesOf(SUBTITLE_FILES[format].write(cues, { language: '' }))).toHaveLength(1);
	});

	it('has limits', () => {
		const many = (count: number) => Array.from({ length: count }, (_, index) => `00:${String(index % 60).padStart(2, '0')} --> 00:59\nx\n`).join('\n');
		expect(cuesOf(many(20_000))).toHaveLength(20_000);
		expect(refusal(many(20_001))).toContain('more than 20000');
		expect(refusal('x'.repeat(2_000_001))).toContain('at most 2000000');
		expect(refusal(`00:01 --> 00:02\nHi\n\n00:03 --> 00:04\n${'x '.repeat(5001)}`)).toContain('the entry at 00:00:03.000 has more than 10000 characters');
	});

	// A reader that looks back would need hours for these; the test's own time limit is the assertion.
	it.each(['<', '<a ', '</i>', '<i>', '{\\', '{', '&', '&#', '-->', '00:00 --> 00:01\n', ' ', '\n', '0', ':', '<v ', '1\n'])('reads 500 kB of %j', (part) => {
		for (const head of ['1\n00:00:00,000 --> 00:00:01,000\n', 'WEBVTT\n\n00:00.000 --> 00:01.000\n', '[Events]\nDialogue: 0,0:0:0,0:0:1,,,,,,,']) {
			try {
				parseSubtitles(head + part.repeat(Math.floor(500_000 / part.length)), { markup: 'keep' });
			} catch (error) {
				expect(error).toMatchObject({ code: 'invalid_request' });
			}
		}
	});
});
