/** Speech to text. One file per provider implements it; operations know only this. */
export interface Transcriber {
	readonly name: string;
	/** Largest audio file it takes, bytes. */
	readonly maxBytes: number;
	/** Throws `provider_not_configured` when it cannot work at all; asked before any costly preparation. */
	check(): void;
	/** `audioPath`: a local file with a telling extension. Throws the `provider_…` codes and the signal's reason. */
	transcribe(audioPath: string, options: TranscribeOptions): Promise<Transcript>;
}

export interface TranscribeOptions {
	/** ISO 639-1; absent: found out by the provider. */
	language?: string | undefined;
	/** Names and terms that occur, or the style wanted. */
	prompt?: string | undefined;
	signal: AbortSignal;
}

export interface Transcript {
	text: string;
	/** ISO 639-1 where the provider's answer can be read as such; `''` when it says nothing. */
	language: string;
	durationSeconds: number;
	/** In order. Empty when nothing was said. Times in seconds. */
	segments: Segment[];
	/** Null when the provider gives no times of words. */
	words: Word[] | null;
	/** e.g. `{ audio_seconds: 12.5 }`; becomes part of the job's cost. */
	usage: Record<string, number>;
}

export interface Segment {
	start: number;
	end: number;
	text: string;
}

export interface Word {
	start: number;
	end: number;
	word: string;
}
