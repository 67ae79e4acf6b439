import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { PipelineError } from '../../errors.ts';
import { runTool } from '../../media/process.ts';
import { longestPiece, planPieces } from '../long-audio-plan.ts';
import { cutAtQuiet } from '../long-audio-quiet.ts';
import type { Transcriber, Transcript } from '../transcriber.ts';
import type { VoiceActivity } from '../voice-activity.ts';
import { wavDataStart, wavSeconds } from '../wav.ts';
import { readCtm } from './ctm.ts';
import { findProgram } from './programs.ts';
import { segmentsOf } from './spoken-words.ts';

export interface PocketsphinxDeps {
	/** Cuts the sound into utterances. The recogniser's own detector loses half of the words. */
	voiceActivity: VoiceActivity;
	/** Default: where Debian's pocketsphinx-en-us puts it. */
	modelDir?: string;
	/** Where programs are looked for, as in PATH. Default: PATH. */
	path?: string | undefined;
	/** Replaces the deadline derived from the length. */
	deadlineSeconds?: number;
}

const PROGRAM = 'pocketsphinx_batch';
const MODEL_DIR = '/usr/share/pocketsphinx/model/en-us';
const MODEL = ['en-us', 'en-us.lm.bin', 'cmudict-en-us.dict'] as const;
/** It takes a fifth of the time that the sound plays (measured on one idle core of 2020), several times as long for noise, on a busy machine. */
const DEADLINE_BASE_SECONDS = 120;
const DEADLINE_PER_SECOND = 30;
/** Short enough to share the work between cores and to tell progress, long enough that loading the model (0.5 s) is nothing. */
const MAX_SECONDS = 300;
/** Each holds a core and 110 MB. The other half of the cores is for ffmpeg. */
const MAX_PARALLEL = 4;
/** The recogniser is made for single sentences. */
const UTTERANCE = { format: 'wav', maxBytes: Infinity, maxSeconds: 20 } as const;
const UTTERANCE_PAUSE_SECONDS = 0.3;
/** Its unit of time. */
const FRAMES_PER_SECOND = 100;

const MISSING =
	'The local engine for English speech is not installed: run "apt-get install pocketsphinx pocketsphinx-en-us" (Debian, Ubuntu). Or put a whisper.cpp model (ggml-*.bin) into MODELS_DIR, or set OPENAI_API_KEY.';
const ENGLISH_ONLY =
	'The local engine understands English only. For other languages put a whisper.cpp model (ggml-*.bin) into MODELS_DIR, or set OPENAI_API_KEY.';
const DRAFT = 'Draft quality: the local engine for English understands clear speech without noise, and writes no punctuation. For better text put a whisper.cpp model into MODELS_DIR, or set OPENAI_API_KEY.';
const ASSUMED = 'The language was not given; the local engine takes it for English.';
const PROMPT_UNUSED = 'The local engine for English cannot use the prompt.';

/** PocketSphinx, a small recogniser of English, as packaged by Debian. A program of its own. */
export function createPocketsphinx({ voiceActivity, modelDir = MODEL_DIR, path = process.env['PATH'], deadlineSeconds }: PocketsphinxDeps): Transcriber {
	const find = (): string | null => (MODEL.every((file) => existsSync(join(modelDir, file))) ? findProgram(PROGRAM, path) : null);
	return {
		name: 'local',
		model: 'PocketSphinx en-us',
		takes: {
			format: 'wav',
			maxBytes: Infinity,
			maxSeconds: MAX_SECONDS,
			parallel: Math.max(1, Math.min(MAX_PARALLEL, Math.floor(availableParallelism() / 2))),
		},
		obstacle: (language) => (language !== undefined && language !== 'en' ? ENGLISH_ONLY : find() ? null : MISSING),
		async transcribe(audioPath, { language, prompt, signal, onProgress = () => {} }) {
			const program = find();
			if (!program) throw new PipelineError('provider_not_configured', MISSING);
			const started = performance.now();
			const durationSeconds = await wavSeconds(audioPath);
			const spans = await cutAtQuiet(audioPath, await voiceActivity.speech(audioPath, { signal }), longestPiece(UTTERANCE));
			const utterances = planPieces(spans, durationSeconds, UTTERANCE, UTTERANCE_PAUSE_SECONDS).map((piece, index) => ({ ...piece, name: `u${index}` }));
			onProgress(10);
			const words = utterances.length > 0 ? await recognise() : [];
			const segments = segmentsOf(words);
			const notes = [DRAFT, ...(language === undefined ? [ASSUMED] : []), ...(prompt ? [PROMPT_UNUSED] : [])];
			const usage = { audio_seconds: Math.round(durationSeconds * 10) / 10, ai_seconds: Math.round(performance.now() - started) / 1000 };
			const text = segments.map((segment) => segment.text).join(' ');
			return { provider: 'local', model: 'PocketSphinx en-us', usage, notes, text, language: 'en', durationSeconds, segments, words } satisfies Transcript;

			async function recognise() {
				const folder = await mkdtemp(join(dirname(audioPath), 'sphinx-'));
				try {
					const [list, ctm] = [join(folder, 'utterances'), join(folder, 'words.ctm')];
					const frame = (seconds: number): number => Math.round(seconds * FRAMES_PER_SECOND);
					// It reads stretches of the file itself: the place in frames, and a name for the answer. Its lists know no blanks in names.
					await symlink(resolve(audioPath), join(folder, 'sound'));
					const lines = utterances.map(({ start, end, name }) => `sound ${frame(start)} ${frame(end)} ${name}\n`);
					await writeFile(list, lines.join(''));
					const [hmm, lm, dict] = MODEL.map((file) => join(modelDir, file)) as [string, string, string];
					const args = ['-hmm', hmm, '-lm', lm, '-dict', dict, '-ctl', list, '-ctm', ctm, '-logfn', join(folder, 'log')];
					// The voice detector has done this, and better.
					const sound = ['-remove_silence', 'no'];
					const input = ['-adcin', 'yes', '-adchdr', String(await wavDataStart(audioPath)), '-cepdir', folder, '-cepext', ''];
					const limit = deadlineSeconds ?? DEADLINE_BASE_SECONDS + DEADLINE_PER_SECOND * durationSeconds;
					const { code, stopped } = await runTool(program!, [...args, ...sound, ...input], { timeoutMs: limit * 1000, signal });
					if (stopped === 'timeout') throw new PipelineError('processing_timeout', `The local engine for English speech was not done after ${Math.round(limit)} s, far longer than this sound should take.`);
					const written = await readFile(ctm, 'utf8').catch(() => null);
					if (code !== 0 || written === null) {
						const log = await readFile(join(folder, 'log'), 'utf8').catch(() => '');
						throw new PipelineError('processing_failed', 'The local engine for English speech failed. Install pocketsphinx and pocketsphinx-en-us again; the log of the sidecar has its words.', {
							cause: new Error(`exit ${code}: ${log.slice(-2000)}`),
						});
					}
					return readCtm(written, new Map(utterances.map(({ name, start }) => [name, frame(start) / FRAMES_PER_SECOND])));
				} finally {
					await rm(folder, { recursive: true, force: true });
				}
			}
		},
	};
}
