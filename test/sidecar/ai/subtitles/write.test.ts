import type { Cue } from '../../../../sidecar/src/ai/subtitles/cue.ts';
import { SUBTITLE_FILES } from '../../../../sidecar/src/ai/subtitles/write.ts';

const cues: Cue[] = [
	{ start: 0, end: 1500, lines: ['Tom & <b>Jerry</b>', 'a --> b'], speaker: 'A' },
	{ start: 3_723_004, end: 3_725_000, lines: ['{later} \\N'], speaker: 'B' },
];
const plain = { language: 'en' };

describe('subtitle files', () => {
	it('are SubRip', () => {
		expect(SUBTITLE_FILES.srt.write(cues, plain)).toBe(
			'1\n00:00:00,000 --> 00:00:01,500\nTom & <\u2060b>Jerry<\u2060/b>\na → b\n\n2\n01:02:03,004 --> 01:02:05,000\n{later} \\N\n',
		);
		expect(SUBTITLE_FILES.srt.write([], plain)).toBe('');
	});

	it('are SubRip whose text no player takes for a command', () => {
		const text = (line: string, markup = false) => SUBTITLE_FILES.srt.write([{ start: 0, end: 1, lines: [line] }], { ...plain, markup }).split('\n')[2];
		expect(text('List<String> {\\an8} {x} 1 < 2 <3')).toBe('List<\u2060String> {\u2060\\an8} {x} 1 < 2 <3');
		expect(text('<i>so</i> {\\an8}', true)).toBe('<i>so</i> {\u2060\\an8}');
	});

	it('are WebVTT in which the text cannot become markup', () => {
		expect(SUBTITLE_FILES.vtt.write(cues, plain)).toBe(
			'WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nTom &amp; &lt;b&gt;Jerry&lt;/b&gt;\na --&gt; b\n\n01:02:03.004 --> 01:02:05.000\n{later} \\N\n',
		);
		expect(SUBTITLE_FILES.vtt.write([], plain)).toBe('WEBVTT\n');
	});

	it('are WebVTT with the times of words, in order and after the beginning', () => {
		const words = [
			{ text: 'Hi', start: 1000, end: 1200 },
			{ text: '<you>', start: 1500, end: 1700 },
			{ text: 'there', start: 1500, end: 1900 },
		];
		expect(SUBTITLE_FILES.vtt.write([{ start: 1000, end: 2000, lines: ['Hi', '<you> there'], words }], { ...plain, wordTimes: true })).toBe(
			'WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nHi\n<00:00:01.500>&lt;you&gt; there\n',
		);
	});

	it('are ASS in which the text cannot become a command', () => {
		const ass = SUBTITLE_FILES.ass.write(cues, plain);
		expect(ass).toMatch(/^\[Script Info\]\n/);
		expect(ass).toContain('Dialogue: 0,0:00:00.00,0:00:01.50,Default,A,0,0,0,,Tom & <b>Jerry</b>\\Na --> b\n');
		expect(ass).toContain('Dialogue: 0,1:02:03.00,1:02:05.00,Default,B,0,0,0,,\\{later\\} \\\u2060N\n');
	});

	it('are ASS in which nothing ends when it begins', () => {
		expect(SUBTITLE_FILES.ass.write([{ start: 1000, end: 1004, lines: ['x'] }], plain)).toContain('Dialogue: 0,0:00:01.00,0:00:01.01,');
	});

	it('are text in paragraphs, begun by speakers and pauses', () => {
		const talk: Cue[] = [
			{ start: 0, end: 1000, lines: ['One', 'two.'] },
			{ start: 1100, end: 2000, lines: ['Three.'] },
			{ start: 9000, end: 9900, lines: ['Four.'], speaker: 'B' },
		];
		expect(SUBTITLE_FILES.txt.write(talk, plain)).toBe('One two. Three.\n\nB: Four.\n');
		expect(SUBTITLE_FILES.txt.write([], plain)).toBe('');
		expect(SUBTITLE_FILES.txt.write([{ start: 0, end: 1000, lines: ['東京の', '新しい'] }, { start: 1000, end: 2000, lines: ['美術館。'] }], plain)).toBe('東京の新しい美術館。\n');
	});

	it('keep italics, bold and underlining where they are told to, and only those', () => {
		const marked: Cue[] = [{ start: 0, end: 1000, lines: ['<i>so</i> <u>5 < 6</u>'] }];
		const keep = { ...plain, markup: true };
		expect(SUBTITLE_FILES.vtt.write(marked, keep)).toContain('\n<i>so</i> <u>5 &lt; 6</u>\n');
		expect(SUBTITLE_FILES.ass.write(marked, keep)).toContain(',{\\i1}so{\\i0} {\\u1}5 < 6{\\u0}\n');
		expect(SUBTITLE_FILES.txt.write(marked, keep)).toBe('so 5 < 6\n');
		expect(JSON.parse(SUBTITLE_FILES.json.write(marked, keep))).toEqual({ language: 'en', cues: [{ start: 0, end: 1000, lines: ['so 5 < 6'] }] });
	});
});
