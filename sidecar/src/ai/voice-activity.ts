/** Where somebody speaks. */
export interface VoiceActivity {
	/** `local`: Silero. `ffmpeg`: only tells sound from silence; music counts as speech. */
	readonly name: 'local' | 'ffmpeg';
	obstacle(): string | null;
	/** `wavPath`: 16 kHz, mono, 16 bits. Spans in order, in seconds, without overlap; empty where nobody speaks. */
	speech(wavPath: string, options: { signal: AbortSignal; onProgress?(percent: number): void }): Promise<Span[]>;
}

export interface Span {
	start: number;
	end: number;
}
