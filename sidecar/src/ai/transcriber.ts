import type { Answered, Provider } from './provider.ts';

/** Speech to text. */
export interface Transcriber extends Provider {
	/** What one call takes; longer sound is cut at silences (ai/long-audio.ts). */
	readonly takes: TakesAudio;
	/** Null: it can, for this language (ISO 639-1; absent: to be found out). */
	obstacle(language?: string): string | null;
	/** `audioPath`: a file of the format it takes, 16 kHz mono, within its limits. Throws the `provider_…` codes and the signal's reason. */
	transcribe(audioPath: string, options: TranscribeOptions): Promise<Transcript>;
}

export interface TakesAudio {
	format: 'wav' | 'mp3';
	maxBytes: number;
	maxSeconds: number;
	/** Calls at the same time. */
	parallel: number;
}

export interface TranscribeOptions {
	/** ISO 639-1; absent: found out by the provider. */
	language?: string | undefined;
	/** Names and terms that occur, or the style wanted. */
	prompt?: string | undefined;
	/** Tell speakers apart, where the provider can. */
	speakers?: boolean | undefined;
	signal: AbortSignal;
	/** 0 to 100, where the provider tells it. */
	onProgress?(percent: number): void;
}

export interface Transcript extends Answered {
	text: string;
	/** ISO 639-1 where the provider's answer can be read as such; `''` when it says nothing. */
	language: string;
	durationSeconds: number;
	/** In order. Empty when nothing was said. Times in seconds. */
	segments: Segment[];
	/** Null when the provider gives no times of words. */
	words: Word[] | null;
}

export interface Segment {
	start: number;
	end: number;
	text: string;
	/** `A`, `B` …; absent where the provider does not tell speakers apart. */
	speaker?: string;
}

export interface Word {
	start: number;
	end: number;
	word: string;
	/** 0 to 1 */
	confidence?: number;
	speaker?: string;
}
