import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createPieceMemory } from '../../../../sidecar/src/ai/routing/remember.ts';
import type { TranscribeOptions, Transcriber } from '../../../../sidecar/src/ai/transcriber.ts';
import { inFolder } from '../../../support/engine.ts';

describe('pieces of sound that were written down already', () => {
	const signal = new AbortController().signal;

	/** Tells how often it was asked for each sound. */
	interface Tools {
		memory: ReturnType<typeof createPieceMemory>;
		say(sound: string): Promise<string>;
		asked: string[];
		clock: { now: number };
	}

	/** What is heard are ten letters. */
	async function withMemory(most: number | undefined, work: (tools: Tools) => Promise<void>): Promise<void> {
		await inFolder(async (folder) => {
			const asked: string[] = [];
			const transcriber: Transcriber = {
				name: 'openai',
				model: 'whisper-1',
				takes: { format: 'mp3', maxBytes: 1e6, maxSeconds: 60, parallel: 1 },
				obstacle: () => null,
				transcribe(path, { language }) {
					asked.push(`${path.split('/').at(-1)} ${language}`);
					return Promise.resolve({ provider: 'openai', model: 'whisper-1', usage: { audio_seconds: 7 }, text: 'abcdefghij', language: 'en', durationSeconds: 7, segments: [], words: null });
				},
			};
			const say = async (sound: string): Promise<string> => {
				const path = join(folder, `${asked.length}-${sound}`);
				await writeFile(path, sound);
				return path;
			};
			const clock = { now: 0 };
			await work({ memory: createPieceMemory(transcriber, most, () => clock.now), say, asked, clock });
		});
	}
	const options = (language = 'en'): TranscribeOptions => ({ language, signal });

	it('are not asked for again, and cost nothing the second time', () =>
		withMemory(undefined, async ({ memory, say, asked }) => {
			const first = await memory().remembering.transcribe(await say('hello'), options());
			const again = await memory().remembering.transcribe(await say('hello'), options());
			expect(asked).toHaveLength(1);
			expect(again).toEqual({ ...first, usage: {} });
			expect(first.usage).toEqual({ audio_seconds: 7 });
		}));

	it('are asked for again when anything is different', () =>
		withMemory(undefined, async ({ memory, say, asked }) => {
			const { remembering } = memory();
			await remembering.transcribe(await say('hello'), options());
			await remembering.transcribe(await say('hellO'), options());
			await remembering.transcribe(await say('hello'), options('de'));
			await remembering.transcribe(await say('hello'), { ...options(), prompt: 'n8n' });
			await remembering.transcribe(await say('hello'), { ...options(), speakers: true });
			expect(asked).toHaveLength(5);
		}));

	it('are forgotten when the whole is there', () =>
		withMemory(20, async ({ memory, say, asked }) => {
			for (let time = 0; time < 3; time++) {
				const { remembering, forget } = memory();
				for (const sound of ['a', 'b']) await remembering.transcribe(await say(sound), options());
				forget();
			}
			expect(asked).toHaveLength(6);
		}));

	it('are the first ones where there is no room for all: a try that begins anew finds those', () =>
		withMemory(20, async ({ memory, say, asked }) => {
			for (let time = 0; time < 2; time++) for (const sound of ['a', 'b', 'c', 'd']) await memory().remembering.transcribe(await say(sound), options());
			expect(asked.map((name) => name.replace(/^\d+-/, ''))).toEqual(['a en', 'b en', 'c en', 'd en', 'c en', 'd en']);
		}));

	it('make room for others when nobody has asked for them in a day', () =>
		withMemory(20, async ({ memory, say, asked, clock }) => {
			const { remembering } = memory();
			for (const sound of ['a', 'b']) await remembering.transcribe(await say(sound), options());
			clock.now += 20 * 3600_000;
			await remembering.transcribe(await say('b'), options());
			clock.now += 20 * 3600_000;
			for (const sound of ['c', 'b', 'c']) await remembering.transcribe(await say(sound), options());
			expect(asked).toHaveLength(3);
		}));
});
