import type { Answered, Provider } from './provider.ts';

/** Text to speech. */
export interface Speaker extends Provider {
	/** Null: it can, in this language (ISO 639-1). */
	obstacle(language?: string): string | null;
	/** Writes a WAV, MP3 or FLAC file to `path` + `.` + extension; answers where. Throws the `provider_…` codes and the signal's reason. */
	speak(request: SpeakRequest): Promise<Spoken>;
}

export interface SpeakRequest {
	text: string;
	/** ISO 639-1 */
	language: string;
	/** A name or id that the provider knows; absent: its default for the language. */
	voice?: string | undefined;
	/** Path without extension, in an existing folder. */
	path: string;
	signal: AbortSignal;
}

export interface Spoken extends Answered {
	path: string;
}

/** A whole recording in another language, with the voices kept. */
export interface Dubber extends Provider {
	dub(request: DubRequest): Promise<Spoken>;
}

export interface DubRequest {
	/** A small MP3 or MP4. */
	audioPath: string;
	/** ISO 639-1; absent: to be found out. */
	from?: string | undefined;
	to: string;
	/** Path without extension. */
	path: string;
	signal: AbortSignal;
	onProgress?(percent: number): void;
}
