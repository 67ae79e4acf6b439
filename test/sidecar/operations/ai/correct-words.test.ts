import { setTimeout as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { joinLines } from '../../../../sidecar/src/ai/subtitles/text.ts';
import type { Segment, Transcript } from '../../../../sidecar/src/ai/transcriber.ts';
import { correctTranscript, createCorrector } from '../../../../sidecar/src/operations/ai/correct-words.ts';

const corrected = (text: string, ...pairs: Array<[string, string]>) => createCorrector(pairs.map(([wrong, right]) => ({ wrong, right })))(text);

describe('corrections of what was heard', () => {
	it('change whole words only', () => {
		expect(corrected('An eight in eighteen', ['eight', 'n8n'])).toEqual({ text: 'An n8n in eighteen', count: 1 });
		expect(corrected("It's its", ['its', 'his'])).toEqual({ text: "It's his", count: 1 });
	});

	it('keep the case of names, and take that of the place for other words', () => {
		expect(corrected('cuber netties. Cuber-netties', ['cuber netties', 'Kubernetes'])).toEqual({ text: 'Kubernetes. Kubernetes', count: 2 });
		expect(corrected('Their THEIR their', ['their', 'there'])).toEqual({ text: 'There THERE there', count: 3 });
	});

	it('take the longest, and never go over a comma', () => {
		expect(corrected('new york times, new york, new, york', ['new york', 'New York'], ['new york times', 'New York Times'])).toEqual({ text: 'New York Times, New York, new, york', count: 2 });
	});

	it('count nothing that was heard right', () => {
		expect(corrected('Kubernetes', ['kubernetes', 'Kubernetes'])).toEqual({ text: 'Kubernetes', count: 0 });
	});

	it('work in scripts without spaces, with accents and with signs', () => {
		expect(corrected('緑茶を飲む', ['緑茶', '紅茶'])).toEqual({ text: '紅茶を飲む', count: 1 });
		expect(corrected('ང་ལ་ངས་བོད་ཡིག', ['ང', 'ཁོ'], ['བོད་ཡིག', 'བོད་སྐད'])).toEqual({ text: 'ཁོ་ལ་ངས་བོད་སྐད', count: 2 });
		expect(corrected('cafe\u0301 bar', ['café', 'Kaffee'])).toEqual({ text: 'Kaffee bar', count: 1 });
		expect(corrected('a $& b', ['a', '$&'])).toEqual({ text: '$& $& b', count: 1 });
	});

	it('end for any text and any corrections', () => {
		fc.assert(
			fc.property(fc.string({ unit: 'binary', maxLength: 200 }), fc.array(fc.tuple(fc.string({ maxLength: 10 }), fc.string({ maxLength: 10 })), { maxLength: 10 }), (text, pairs) => {
				const { count } = corrected(text, ...pairs);
				if (count === 0) expect(corrected(text, ...pairs).text).toBe(text);
			}),
			{ numRuns: 200 },
		);
	});

	it('of words with signs take the signs for a part of them', () => {
		expect(corrected('Vitamin C and C++ and c++.', ['C++', 'Rust'])).toEqual({ text: 'Vitamin C and Rust and Rust.', count: 2 });
		expect(corrected('We like Node.JS, notnode.js', ['node.js', 'Node.js'])).toEqual({ text: 'We like Node.js, notnode.js', count: 1 });
		expect(corrected('Cooper netties are here', ['Cooper Netties.', 'Kubernetes'])).toEqual({ text: 'Kubernetes are here', count: 1 });
		expect(corrected('$9 and $90', ['$9', '9 USD'])).toEqual({ text: '9 USD and $90', count: 1 });
	});

	it('change nothing when they are applied once more', () => {
		const pairs: Array<[string, string]> = [['tea', 'green tea'], ['緑茶', '緑茶ラテ'], ['c#', 'C# 12']];
		const once = corrected('Tea, 緑茶 and C#', ...pairs).text;
		expect(once).toBe('Green tea, 緑茶ラテ and C# 12');
		expect(corrected(once, ...pairs)).toEqual({ text: once, count: 0 });
	});

	it('reach segments and words, which share out the time of those they replace', () => {
		const transcript: Transcript = {
			text: 'We use cuber netties daily.',
			language: 'en',
			durationSeconds: 3,
			segments: [{ start: 0, end: 3, text: 'We use cuber netties daily.' }],
			words: ['We', 'use', 'cuber', 'netties', 'daily'].map((word, index) => ({ word, start: index * 0.5, end: index * 0.5 + 0.4 })),
			provider: 'openai',
			model: 'x',
			usage: {},
		};
		const { transcript: right, count } = correctTranscript(transcript, [{ wrong: 'cuber netties', right: 'Kubernetes' }, { wrong: 'daily', right: 'every day' }]);
		expect(count).toBe(2);
		expect(right.text).toBe('We use Kubernetes every day.');
		expect(right.segments[0]?.text).toBe('We use Kubernetes every day.');
		expect(right.words).toEqual([
			{ word: 'We', start: 0, end: 0.4 },
			{ word: 'use', start: 0.5, end: 0.9 },
			{ word: 'Kubernetes', start: 1, end: 1.9 },
			{ word: 'every', start: 2, end: 2.25 },
			{ word: 'day', start: 2.25, end: 2.4 },
		]);
		expect(correctTranscript(transcript, []).transcript).toBe(transcript);
	});

	it('reach words that are one character each, as engines give them for Chinese and Japanese', () => {
		const words = [...'我们去东经吧'].map((word, index) => ({ word, start: index * 0.5, end: index * 0.5 + 0.4 }));
		const transcript: Transcript = { text: '我们去东经吧', language: 'zh', durationSeconds: 3, segments: [{ start: 0, end: 3, text: '我们去东经吧' }], words, provider: 'local', model: 'x', usage: {} };
		const { transcript: right } = correctTranscript(transcript, [{ wrong: '东经', right: '东京' }]);
		expect(right.segments[0]?.text).toBe('我们去东京吧');
		expect(right.words?.map(({ word }) => word).join('')).toBe('我们去东京吧');
		expect(right.words?.find(({ word }) => word === '东京')).toEqual({ word: '东京', start: 1.5, end: 2.4 });
	});

	it('reach over the end of a segment', () => {
		const of = (...texts: string[]) => texts.map((text, index) => ({ start: index, end: index + 1, text }));
		const right = (segments: Segment[], ...pairs: Array<[string, string]>) => {
			const transcript: Transcript = { text: '', language: '', durationSeconds: 9, segments, words: null, provider: 'local', model: 'x', usage: {} };
			return correctTranscript(transcript, pairs.map(([wrong, correction]) => ({ wrong, right: correction }))).transcript.segments.map(({ start, end, text }) => [start, end, text]);
		};
		expect(right(of('We use cuber', 'netties here.', 'Cuber netties!'), ['cuber netties', 'Kubernetes'])).toEqual([
			[0, 1, 'We use Kubernetes'],
			[1, 2, 'here.'],
			[2, 3, 'Kubernetes!'],
		]);
		expect(right(of('We use cuber', 'netties', 'here'), ['cuber netties', 'Kubernetes'])).toEqual([
			[0, 2, 'We use Kubernetes'],
			[2, 3, 'here'],
		]);
		expect(right(of('我们去东', '经吧'), ['东经', '东京'])).toEqual([
			[0, 1, '我们去东京'],
			[1, 2, '吧'],
		]);
	});

	it('leave words in order, with the text that the whole has, whatever is corrected', () => {
		const vocabulary = fc.constantFrom('new', 'york', 'New York', 'tea', 'green tea', 'c++', '東', '京', '東京', 'is', 'it.', '');
		fc.assert(
			fc.property(fc.array(vocabulary, { maxLength: 30 }), fc.array(fc.tuple(fc.constantFrom('new york', 'tea', 'c++', '東京', '京', 'is it', 'york'), fc.constantFrom('', 'Rust', 'New York', 'green tea', '京都', 'so be it')), { maxLength: 4 }), (said, pairs) => {
				const words = said.filter(Boolean).map((word, index) => ({ word, start: index, end: index + 0.9 }));
				const text = joinLines(words.map(({ word }) => word));
				const corrections = pairs.map(([wrong, right]) => ({ wrong, right }));
				const { transcript } = correctTranscript({ text, language: 'en', durationSeconds: 30, segments: words.map(({ word, ...times }) => ({ ...times, text: word })), words, provider: 'local', model: 'x', usage: {} }, corrections);
				const bare = (value: string): string => value.replace(/\s+/gu, '');
				expect(bare(transcript.words?.map(({ word }) => word).join('') ?? '')).toBe(bare(transcript.text));
				expect(bare(transcript.segments.map((segment) => segment.text).join(''))).toBe(bare(transcript.text));
				for (const [index, { start, end }] of (transcript.words ?? []).entries()) {
					expect(end).toBeGreaterThanOrEqual(start);
					expect(start).toBeGreaterThanOrEqual(transcript.words?.[index - 1]?.start ?? 0);
				}
			}),
			{ numRuns: 300 },
		);
	});

	it('take time in proportion to the length', async () => {
		expect(corrected('緑茶と'.repeat(100_000), ['緑茶', '紅茶']).count).toBe(100_000);
		expect(corrected('C++ and '.repeat(100_000), ['C++', 'Rust']).count).toBe(100_000);
		const words = Array.from({ length: 60_000 }, (_, index) => ({ word: 'the', start: index, end: index + 1 }));
		const transcript: Transcript = { text: '', language: 'en', durationSeconds: 3, segments: [], words, provider: 'local', model: 'x', usage: {} };
		expect(correctTranscript(transcript, [{ wrong: 'the', right: 'thee' }]).transcript.words).toHaveLength(60_000);
		// Jest looks at its time limit when others have their turn.
		await turn(0);
	});
});
