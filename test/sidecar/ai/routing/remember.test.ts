import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createPieceMemory } from '../../../../sidecar/src/ai/routing/remember.ts';
import type { TranscribeOptions, Transcriber } from '../../../../sidecar/src/ai/transcriber.ts';
import { inFolder } from '../../../support/engine.ts';

describe('pieces of sound that were written down already', () => {
	const signal = new AbortController().signal;

	/** Tells how often it was asked for each sound. */
	async function withMemory(most: number | undefined, work: (tools: { memory: ReturnType<typeof createPieceMemory>; say: (sound: string) => Promise<string>; asked: string[] }) => Promise<void>): Promise<void> {
		await inFolder(async (folder) => {
			const asked: string[] = [];
			const transcriber: Transcriber = {
				name: 'openai',
				model: 'whisper-1',
				takes: { format: 'mp3', maxBytes: 1e6, maxSeconds: 60, parallel: 1 },
				obstacle: () => null,
				transcribe(path, { language }) {
					asked.push(`${path.split('/').at(-1)} ${language}`);
					return Promise.resolve({ provider: 'openai', model: 'whisper-1', usage: { audio_seconds: 7 }, text: `said ${path}`, language: 'en', durationSeconds: 7, segments: [], words: null });
				},
			};
			const say = async (sound: string): Promise<string> => {
				const path = join(folder, `${asked.length}-${sound}`);
				await writeFile(path, sound);
				return path;
			};
			await work({ memory: createPieceMemory(transcriber, most), say, asked });
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

	it('are forgotten when the whole is there, and the oldest when there are too many', () =>
		withMemory(2, async ({ memory, say, asked }) => {
			const one = memory();
			await one.remembering.transcribe(await say('a'), options());
			one.forget();
			const two = memory();
			for (const sound of ['a', 'b', 'c', 'b', 'a']) await two.remembering.transcribe(await say(sound), options());
			expect(asked.map((name) => name.replace(/^\d+-/, ''))).toEqual(['a en', 'a en', 'b en', 'c en', 'a en']);
		}));
});
