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
	/** Who spoke the rest of a recording: nobody else may go on with it. Absent: whoever can. */
	like?: Pick<Answered, 'provider' | 'model'> | undefined;
	/** Path without extension, in an existing folder. */
	path: string;
	signal: AbortSignal;
}

/** Null: it may speak what is to sound like `like`. A local engine names the voice in its answers, not only itself. */
export function otherVoice({ name, model }: Pick<Provider, 'name' | 'model'>, like: SpeakRequest['like']): string | null {
	if (!like || (like.provider === name && (name === 'local' || like.model === model))) return null;
	return `The recording was begun by ${like.provider} ${like.model}, and voices do not change within it.`;
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
	/** Of the recording. */
	durationSeconds: number;
	/** Names this piece of work to the provider, the same on every try; tells nothing else. */
	key: string;
	/** An earlier try may have begun it: what is under way there is followed, and not paid again. */
	again: boolean;
	/** ISO 639-1; absent: to be found out. */
	from?: string | undefined;
	to: string;
	/** Path without extension. */
	path: string;
	signal: AbortSignal;
	onProgress?(percent: number): void;
}
