import type { Span } from '../voice-activity.ts';

/** Samples that Silero judges at a time, at 16 kHz. */
export const FRAME_SAMPLES = 512;
const FRAME_SECONDS = FRAME_SAMPLES / 16_000;
/** Silero's own defaults: speech begins at one probability and ends below a lower one, so that it does not flicker. */
const ON = 0.5;
const OFF = 0.35;
/** Also Silero's defaults, in frames: shorter sounds are coughs and clicks, shorter pauses are stops of consonants. */
const LEAST_SPEECH = Math.ceil(0.25 / FRAME_SECONDS);
const LEAST_SILENCE = Math.ceil(0.1 / FRAME_SECONDS);

/** Turns the probabilities of speech, frame by frame, into spans. */
export class SpeechFinder {
	readonly #spans: Span[] = [];
	#frame = 0;
	#start: number | null = null;
	/** First frame of the silence after speech; null: still speaking. */
	#silence: number | null = null;

	push(probability: number): void {
		const frame = this.#frame++;
		if (probability >= ON) {
			this.#start ??= frame;
			this.#silence = null;
		} else if (this.#start !== null && (probability < OFF || this.#silence !== null)) {
			this.#silence ??= frame;
			if (frame - this.#silence >= LEAST_SILENCE) this.#take(this.#silence);
		}
	}

	/** All spans, seconds. @param durationSeconds the last frame is filled up with silence: no span ends behind the sound */
	end(durationSeconds: number): Span[] {
		this.#take(this.#silence ?? this.#frame);
		return this.#spans.map(({ start, end }) => ({ start: round(start), end: round(Math.min(end, durationSeconds)) }));
	}

	#take(until: number): void {
		if (this.#start !== null && until - this.#start >= LEAST_SPEECH)
			this.#spans.push({ start: this.#start * FRAME_SECONDS, end: until * FRAME_SECONDS });
		this.#start = null;
		this.#silence = null;
	}
}

const round = (seconds: number): number => Math.round(seconds * 1000) / 1000;
