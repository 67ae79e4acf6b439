import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { PipelineError } from '../errors.ts';
import type { MediaFacts } from '../media/facts.ts';
import type { MediaPlan, PlanResult } from '../media/plan.ts';
import { abortError, probe } from '../media/probe.ts';
import { joinTranscripts, type Heard } from './long-audio-join.ts';
import { longestPiece, MP3_KBPS, planPieces, type Piece } from './long-audio-plan.ts';
import { cutAtQuiet } from './long-audio-quiet.ts';
import type { TakesAudio, TranscribeOptions, Transcriber, Transcript } from './transcriber.ts';
import type { VoiceActivity } from './voice-activity.ts';
import { cutWav } from './wav.ts';

export interface LongAudioDeps {
	/** Of the media engine; makes mp3. */
	runPlan(request: {
		inputPath: string;
		facts: MediaFacts;
		plan: MediaPlan;
		workDir: string;
		signal: AbortSignal;
		onProgress(percent: number): void;
		log: Logger;
	}): Promise<PlanResult>;
	voiceActivity: VoiceActivity;
}

export interface LongAudioOptions extends TranscribeOptions {
	/** Scratch folder. Only pieces that are being transcribed lie in it. */
	workDir: string;
	log: Logger;
}

export type TranscribeLong = (
	transcriber: Transcriber,
	/** 16 kHz, mono, 16 bits; of any length. */
	wavPath: string,
	durationSeconds: number,
	options: LongAudioOptions,
) => Promise<Transcript>;

/** Looking for speech takes a hundredth of the time that it plays, transcribing a twentieth at best. */
const VOICE_SHARE = 10;
const NOTHING_SAID = 'No speech was found.';
const BY_LOUDNESS = 'Where somebody speaks was told by loudness alone, so there may be text that nobody said, for music or noise. For better results run "npm run engines" and set ENGINES_DIR.';

/**
 * Transcribes sound of any length: finds where somebody speaks, cuts it there into pieces that the transcriber takes, sends
 * as many at a time as it takes, and puts the answers together. Where nobody speaks, nothing is sent: recognisers invent
 * text for music and silence. One piece that fails ends all; its error is thrown.
 */
export function createLongAudio({ runPlan, voiceActivity }: LongAudioDeps): TranscribeLong {
	return async (transcriber, wavPath, durationSeconds, { workDir, log, ...options }) => {
		const { signal, onProgress = () => {} } = options;
		if (signal.aborted) throw abortError(signal);
		const found = await voiceActivity.speech(wavPath, {
			signal,
			onProgress: (percent) => onProgress((percent * VOICE_SHARE) / 100),
		});
		const spans = await cutAtQuiet(wavPath, found, longestPiece(transcriber.takes));
		const pieces = planPieces(spans, durationSeconds, transcriber.takes);
		log.info({ spans: found.length, pieces: pieces.length, voice_activity: voiceActivity.name }, 'where somebody speaks');
		if (pieces.length === 0) return nothingSaid(transcriber, durationSeconds, options.language);
		onProgress(VOICE_SHARE);
		const total = pieces.reduce((sum, piece) => sum + lengthOf(piece), 0);
		const done = pieces.map(() => 0);
		const folder = await mkdtemp(join(workDir, 'speech-'));
		try {
			const heard = await inParallel(pieces, transcriber.takes.parallel, signal, async (piece, index, pieceSignal): Promise<Heard> => {
				const report = (percent: number): void => {
					done[index] = Math.max(done[index]!, (Math.min(100, percent) / 100) * lengthOf(piece));
					const share = done.reduce((sum, seconds) => sum + seconds, 0) / total;
					onProgress(VOICE_SHARE + share * (100 - VOICE_SHARE));
				};
				const path = await writePiece(piece, index, pieceSignal);
				try {
					const transcript = await transcriber.transcribe(path, { ...options, signal: pieceSignal, onProgress: report });
					report(100);
					return { piece, transcript };
				} finally {
					await rm(path, { force: true });
				}
			});
			const joined = joinTranscripts(heard, durationSeconds);
			return voiceActivity.name === 'ffmpeg' && joined.text !== '' ? { ...joined, notes: [...(joined.notes ?? []), BY_LOUDNESS] } : joined;
		} finally {
			await rm(folder, { recursive: true, force: true });
		}

		async function writePiece(piece: Piece, index: number, pieceSignal: AbortSignal): Promise<string> {
			const wav = join(folder, `piece-${index}.wav`);
			await cutWav(wavPath, wav, piece);
			if (transcriber.takes.format === 'wav') return wav;
			try {
				const { files } = await runPlan({
					inputPath: wav,
					facts: await probe(wav),
					plan: planMp3(`piece-${index}.mp3`, lengthOf(piece)),
					workDir: folder,
					signal: pieceSignal,
					onProgress: () => {},
					log,
				});
				return files[0]!.path;
			} finally {
				await rm(wav, { force: true });
			}
		}
	};
}

const lengthOf = ({ start, end }: Piece): number => end - start;

const nothingSaid = (
	{ name, model }: Transcriber,
	durationSeconds: number,
	language: string | undefined,
): Transcript => ({
	provider: name,
	model,
	usage: {},
	notes: [NOTHING_SAID],
	text: '',
	language: language ?? '',
	durationSeconds,
	segments: [],
	words: null,
});

function planMp3(name: string, seconds: number): MediaPlan {
	const options = ['-ac', '1', '-ar', '16000', '-c:a', 'libmp3lame', '-b:a', `${MP3_KBPS}k`, '-map_metadata', '-1'];
	return {
		estimatedCpuSeconds: 0.1 + seconds * 0.01,
		outputs: [{ name, kind: 'audio', mime: 'audio/mpeg', options, expectedSeconds: seconds }],
	};
}

/** All results in order. The first failure aborts the others and is thrown when they have ended. */
async function inParallel<T, R>(
	items: readonly T[],
	parallel: TakesAudio['parallel'],
	signal: AbortSignal,
	work: (item: T, index: number, signal: AbortSignal) => Promise<R>,
): Promise<R[]> {
	const results: R[] = [];
	const stop = new AbortController();
	const both = AbortSignal.any([signal, stop.signal]);
	let next = 0;
	const worker = async (): Promise<void> => {
		while (next < items.length && !both.aborted) {
			const index = next++;
			results[index] = await work(items[index]!, index, both);
		}
	};
	const workers = Array.from({ length: Math.max(1, Math.min(parallel, items.length)) }, async () => {
		try {
			await worker();
		} catch (error) {
			stop.abort(error instanceof PipelineError ? error : new PipelineError('internal', 'A part of the sound could not be transcribed.', { cause: error }));
			throw error;
		}
	});
	const failed = (await Promise.allSettled(workers)).some(({ status }) => status === 'rejected');
	if (signal.aborted) throw abortError(signal);
	if (failed) throw stop.signal.reason;
	return results;
}
