import { readTokens, type Token } from '../../../../sidecar/src/ai/local/whisper-words.ts';

/** Tokens of 100 ms each. */
const tokens = (...texts: string[]): Token[] => texts.map((text, index) => ({ text, start: index * 100, end: index * 100 + 100 }));

describe('tokens of Whisper', () => {
	it('become words and sentences', () => {
		const { words, segments, text } = readTokens(' Good mor ning.  Hello', tokens(' Good', ' mor', 'ning', '.', ' Hello'), 'en');
		expect(words).toEqual([
			{ start: 0, end: 0.1, word: 'Good' },
			{ start: 0.1, end: 0.4, word: 'morning.' },
			{ start: 0.4, end: 0.5, word: 'Hello' },
		]);
		expect(segments).toEqual([
			{ start: 0, end: 0.4, text: 'Good morning.' },
			{ start: 0.4, end: 0.5, text: 'Hello' },
		]);
		expect(text).toBe('Good morning. Hello');
	});

	it('get back the characters that were divided between them', () => {
		const { words } = readTokens(' Café früh', tokens(' Caf', '\ufffd', '\ufffd', ' fr', '\ufffd\ufffd', 'h'), 'de');
		expect(words.map(({ word, start, end }) => [word, start, end])).toEqual([['Café', 0, 0.3], ['früh', 0.3, 0.6]]);
		expect(readTokens('你好🎉', tokens('你', '\ufffd', '\ufffd', '\ufffd'), 'zh').text).toBe('你好🎉');
	});

	it('are words of their own where nobody writes spaces', () => {
		const { words, text } = readTokens('明日会いましょう。はい', tokens('明日', '会', 'い', 'ましょう', '。', 'はい'), 'ja');
		expect(words.map(({ word }) => word)).toEqual(['明日', '会', 'い', 'ましょう。', 'はい']);
		expect(text).toBe('明日会いましょう。はい');
	});

	it('keep the spaces that are there, and whole names, where nobody writes spaces between words', () => {
		const { words, segments, text } = readTokens('我用OpenAI Whisper 3.5。', tokens('我', '用', 'Open', 'AI', ' Whis', 'per', ' 3', '.', '5', '。'), 'zh');
		expect(words.map(({ word }) => word)).toEqual(['我', '用', 'OpenAI', 'Whisper', '3.5。']);
		expect([text, segments.map((one) => one.text).join('|')]).toEqual(['我用OpenAI Whisper 3.5。', '我用OpenAI Whisper 3.5。']);
		expect(readTokens('สวัสดีครับ ผมชื่อ', tokens('สวัสดี', 'ครับ', ' ', 'ผม', 'ชื่อ'), 'th').text).toBe('สวัสดีครับ ผมชื่อ');
		expect(readTokens('彼は「データ」と', tokens('彼', 'は', '「', 'デ', 'ー', 'タ', '」', 'と'), 'ja')).toMatchObject({ text: '彼は「データ」と', words: [{ word: '彼' }, { word: 'は' }, { word: '「デ' }, { word: 'ー' }, { word: 'タ」' }, { word: 'と' }] });
	});

	it('lose no character beside an empty token', () => {
		expect(readTokens(' früh auf', tokens(' fr', '\ufffd', '\ufffd', '', 'h', ' auf'), 'de').text).toBe('früh auf');
	});

	it('are put in order where their times are not', () => {
		const { words } = readTokens(' a b c', [{ text: ' a', start: 500, end: 900 }, { text: ' b', start: 300, end: 200 }, { text: ' c', start: 950, end: 980 }], 'en');
		expect(words.map(({ start, end }) => [start, end])).toEqual([[0.5, 0.9], [0.5, 0.5], [0.95, 0.98]]);
	});

	it('leave out what nobody said', () => {
		expect(readTokens(' [BLANK_AUDIO]', tokens(' [', 'BLANK', '_AUDIO', ']'), 'en')).toEqual({ words: [], segments: [], text: '' });
		expect(readTokens(' Hi [ Silence ] there', tokens(' Hi', ' [', ' Silence', ' ]', ' there'), 'en').text).toBe('Hi there');
		expect(readTokens('はい[音楽]そう ♪', tokens('はい', '[', '音', '楽', ']', 'そう', ' ♪'), 'ja').text).toBe('はいそう');
		expect(readTokens(' an array[0] of', tokens(' an', ' array', '[', '0', ']', ' of'), 'en').text).toBe('an array[0] of');
	});

	it('of a speaker without breaks are cut after a while', () => {
		const long = Array.from({ length: 60 }, (_, index): Token => ({ text: ` w${index}`, start: index * 500, end: index * 500 + 500 }));
		const { segments } = readTokens(long.map(({ text }) => text).join(''), long, 'en');
		expect(segments.length).toBeGreaterThan(1);
		expect(segments.every(({ start, end }) => end - start <= 15)).toBe(true);
	});
});
