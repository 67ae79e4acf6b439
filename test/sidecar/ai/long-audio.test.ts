import { execFileSync } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createLongAudio } from '../../../sidecar/src/ai/long-audio.ts';
import type { TakesAudio, Transcriber, TranscribeOptions, Transcript } from '../../../sidecar/src/ai/transcriber.ts';
import type { Span, VoiceActivity } from '../../../sidecar/src/ai/voice-activity.ts';
import { wavSeconds } from '../../../sidecar/src/ai/wav.ts';
import { PipelineError } from '../../../sidecar/src/errors.ts';
import { runPlan } from '../../../sidecar/src/media/engine.ts';
import { probe } from '../../../sidecar/src/media/probe.ts';
import { inFolder, silentLog } from '../../support/engine.ts';

function sweep(path: string, seconds: number): void {
	execFileSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', `aevalsrc=0.3*sin(2*PI*(200+5*t)*t):s=16000:d=${seconds}`, '-c:a', 'pcm_s16le', path]);
}

const voice = (spans: Span[]): VoiceActivity => ({ name: 'local', obstacle: () => null, speech: () => Promise.resolve(spans) });

interface Call {
	seconds: number;
	bytes: number;
	codec: string | undefined;
}

/** Answers what it was sent, and looks at it. */
function listener(takes: Partial<TakesAudio>, answer: (index: number, call: Call, options: TranscribeOptions) => Partial<Transcript> | Promise<Partial<Transcript>>) {
	const calls: Call[] = [];
	const transcriber: Transcriber = {
		name: 'openai',
		model: 'listener',
		takes: { format: 'wav', maxBytes: 25e6, maxSeconds: 600, parallel: 1, ...takes },
		obstacle: () => null,
		async transcribe(path, options) {
			const facts = await probe(path);
			const call = { seconds: facts.durationSeconds, bytes: (await stat(path)).size, codec: facts.audio?.codec };
			const index = calls.push(call) - 1;
			const given = await answer(index, call, options);
			return { provider: 'openai', model: 'listener', usage: { audio_seconds: 1 }, text: '', language: 'en', durationSeconds: call.seconds, segments: [], words: null, ...given };
		},
	};
	return { transcriber, calls };
}

describe('long audio', () => {
	async function run(
		spans: Span[],
		seconds: number,
		transcriber: Transcriber,
		options: Partial<TranscribeOptions> = {},
	): Promise<{ transcript: Transcript; left: string[] }> {
		return inFolder(async (workDir) => {
			const wav = join(workDir, 'sound.wav');
			sweep(wav, seconds);
			const work = createLongAudio({ runPlan, voiceActivity: voice(spans) });
			const transcript = await work(transcriber, wav, await wavSeconds(wav), { signal: new AbortController().signal, ...options, workDir, log: silentLog });
			return { transcript, left: (await readdir(workDir)).filter((name) => name !== 'sound.wav') };
		});
	}

	it('sends nothing where nobody speaks', async () => {
		const { transcriber, calls } = listener({}, () => ({ text: 'Thanks for watching' }));
		const { transcript } = await run([], 5, transcriber, { language: 'de' });
		expect(calls).toEqual([]);
		expect(transcript).toMatchObject({ text: '', segments: [], language: 'de', durationSeconds: 5, provider: 'openai', notes: ['No speech was found.'] });
	});

	it('leaves out what is silent, and moves times to where they belong', async () => {
		const { transcriber, calls } = listener({}, (index) => ({
			text: `part ${index}`,
			segments: [{ start: 0.25, end: 1.25, text: `part ${index}` }],
			words: [{ start: 0.25, end: 0.75, word: 'part' }, { start: 0.75, end: 99, word: String(index), confidence: 0.5 }],
		}));
		const { transcript, left } = await run([{ start: 3, end: 4 }, { start: 20, end: 21 }], 30, transcriber);
		expect(calls.map(({ seconds, codec }) => [seconds, codec])).toEqual([[1.5, 'pcm_s16le'], [1.5, 'pcm_s16le']]);
		expect(transcript.text).toBe('part 0 part 1');
		expect(transcript.segments).toEqual([{ start: 3, end: 4, text: 'part 0' }, { start: 20, end: 21, text: 'part 1' }]);
		expect(transcript.words).toEqual([
			{ start: 3, end: 3.5, word: 'part' },
			{ start: 3.5, end: 4.25, word: '0', confidence: 0.5 },
			{ start: 20, end: 20.5, word: 'part' },
			{ start: 20.5, end: 21.25, word: '1', confidence: 0.5 },
		]);
		expect(transcript.usage).toEqual({ audio_seconds: 2 });
		expect(left).toEqual([]);
	});

	it('sends mp3 within the limit of bytes', async () => {
		const { transcriber, calls } = listener({ format: 'mp3', maxBytes: 30_000, parallel: 2 }, () => ({ text: 'x' }));
		await run([{ start: 0, end: 20 }], 20, transcriber);
		expect(calls).toHaveLength(4);
		for (const { bytes, codec } of calls) {
			expect(codec).toBe('mp3');
			expect(bytes).toBeLessThanOrEqual(30_000);
		}
	});

	it('sends as many at a time as the transcriber takes, and keeps the order', async () => {
		let running = 0;
		let most = 0;
		const arrived: Array<() => void> = [];
		const { transcriber } = listener({ maxSeconds: 3, parallel: 3 }, async (index) => {
			most = Math.max(most, ++running);
			// The first three wait for each other; the later ones end before the first.
			await new Promise<void>((resolve) => {
				arrived.push(resolve);
				if (arrived.length >= 3) for (const go of arrived.toReversed()) go();
			});
			running--;
			return { text: String(index) };
		});
		const spans = Array.from({ length: 9 }, (_, index) => ({ start: index * 3, end: index * 3 + 2.5 }));
		const { transcript } = await run(spans, 27, transcriber);
		expect(most).toBe(3);
		expect(transcript.segments.map(({ start }) => start)).toEqual([...transcript.segments.map(({ start }) => start)].sort((a, b) => a - b));
		expect(transcript.segments).toHaveLength(9);
	});

	it('ends all when one piece fails, with its error', async () => {
		const aborted: unknown[] = [];
		const { transcriber, calls } = listener({ maxSeconds: 3, parallel: 2 }, async (index, _call, { signal }) => {
			if (index === 1) throw new PipelineError('provider_rejected', 'The key was revoked.');
			await new Promise<void>((resolve) => (signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve())));
			aborted.push(signal.reason);
			throw signal.reason;
		});
		const spans = Array.from({ length: 9 }, (_, index) => ({ start: index * 3, end: index * 3 + 2.5 }));
		await expect(run(spans, 27, transcriber)).rejects.toMatchObject({ code: 'provider_rejected', message: 'The key was revoked.' });
		expect(aborted).toHaveLength(1);
		expect(calls).toHaveLength(2);
	});

	it('ends with the reason of its signal', async () => {
		const abort = new AbortController();
		const { transcriber, calls } = listener({ maxSeconds: 3 }, (_index, _call, { signal }) => {
			abort.abort(new PipelineError('deadline_exceeded', 'Too late.'));
			signal.throwIfAborted();
			return {};
		});
		await expect(run([{ start: 0, end: 9 }], 9, transcriber, { signal: abort.signal })).rejects.toMatchObject({ code: 'deadline_exceeded' });
		expect(calls).toHaveLength(1);
	});

	it('takes the language of most of the sound', async () => {
		const languages = ['de', 'en', 'en'];
		const { transcriber } = listener({ maxSeconds: 4 }, (index) => ({ text: 'x', language: languages[index] ?? '' }));
		expect((await run([{ start: 0, end: 9 }], 9, transcriber)).transcript.language).toBe('en');
	});

	it('gives speakers of each piece letters of their own, and says why', async () => {
		const { transcriber } = listener({ maxSeconds: 4 }, () => ({
			text: 'Hello there',
			segments: [{ start: 0, end: 1, text: 'Hello', speaker: 'A' }, { start: 1, end: 2, text: 'there', speaker: 'B' }],
		}));
		const { transcript } = await run([{ start: 0, end: 3 }, { start: 3.5, end: 6 }], 9, transcriber);
		expect(transcript.segments.map(({ speaker }) => speaker)).toEqual(['A', 'B', 'C', 'D']);
		expect(transcript.notes).toEqual([expect.stringContaining('speakers cannot be matched')]);
	});

	it('says so where loudness alone told where somebody speaks', async () => {
		const { transcriber } = listener({}, () => ({ text: 'Hello' }));
		const loud: VoiceActivity = { ...voice([{ start: 0, end: 2 }]), name: 'ffmpeg' };
		await inFolder(async (workDir) => {
			const wav = join(workDir, 'sound.wav');
			sweep(wav, 3);
			const { notes } = await createLongAudio({ runPlan, voiceActivity: loud })(transcriber, wav, 3, { signal: new AbortController().signal, workDir, log: silentLog });
			expect(notes).toEqual([expect.stringMatching(/loudness alone.*npm run engines/)]);
		});
	});

	it('cuts what nobody pauses in at a quiet place', async () => {
		const { transcriber, calls } = listener({ maxSeconds: 10 }, () => ({ text: 'x' }));
		await inFolder(async (workDir) => {
			const wav = join(workDir, 'sound.wav');
			execFileSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', "aevalsrc='(0.3-0.25*between(t,7,7.3))*sin(2*PI*300*t)':s=16000:d=16", '-c:a', 'pcm_s16le', wav]);
			await createLongAudio({ runPlan, voiceActivity: voice([{ start: 0, end: 16 }]) })(transcriber, wav, 16, { signal: new AbortController().signal, workDir, log: silentLog });
		});
		expect(calls.map(({ seconds }) => seconds)).toEqual([expect.closeTo(7.15, 0), expect.closeTo(8.85, 0)]);
		expect(Math.abs(calls[0]!.seconds - 7.15)).toBeLessThan(0.15);
	});

	it('reports how far it is, never backwards, up to 100', async () => {
		const percents: number[] = [];
		const { transcriber } = listener({ maxSeconds: 3, parallel: 2 }, (_index, _call, { onProgress }) => {
			onProgress?.(50);
			return { text: 'x' };
		});
		await run([{ start: 0, end: 9 }], 9, transcriber, { onProgress: (percent) => void percents.push(percent) });
		expect(percents).toEqual([...percents].sort((a, b) => a - b));
		expect(percents.at(-1)).toBeCloseTo(100);
		expect(new Set(percents).size).toBeGreaterThan(4);
	});
});
