import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { TranscribeOptions, Transcriber, Transcript } from '../transcriber.ts';

/**
 * Letters of all that is remembered: some fifty hours of speech, in pieces of five minutes or of ten hours. With the time of each
 * word they take 100 MB at most.
 */
const MOST_CHARACTERS = 3_000_000;
/** A job waits a day at most for its next try: what has not been asked for since then will not be. */
const KEPT_MS = 30 * 3600_000;

/**
 * Pieces of sound that were written down for a transcript that failed at another piece. The next try of the job, in this process,
 * takes them from here: they are neither sent nor paid again. Sound and options must be the same to the last bit.
 */
export interface PieceMemory {
	/** The same provider, which remembers. */
	remembering: Transcriber;
	/** The transcript is complete: nothing of it is needed any more. */
	forget(): void;
}

interface Known {
	transcript: Transcript;
	askedAt: number;
}

/**
 * Of one provider; each of its transcripts gets a `PieceMemory` of its own, all with the same pieces behind it. When it is full, what is
 * there stays, and new pieces are not remembered: a try that asks in the same order finds its beginning, instead of nothing.
 */
export function createPieceMemory(transcriber: Transcriber, most = MOST_CHARACTERS, now: () => number = Date.now): () => PieceMemory {
	const known = new Map<string, Known>();
	let characters = 0;
	const forget = (key: string): void => {
		characters -= known.get(key)?.transcript.text.length ?? 0;
		known.delete(key);
	};
	const remember = (key: string, transcript: Transcript): void => {
		const { length } = transcript.text;
		if (characters + length > most) for (const [old, { askedAt }] of known) if (now() - askedAt > KEPT_MS) forget(old);
		if (characters + length > most || known.has(key)) return;
		known.set(key, { transcript, askedAt: now() });
		characters += length;
	};
	return () => {
		const mine: string[] = [];
		return {
			remembering: {
				...transcriber,
				async transcribe(path, options) {
					const key = await keyOf(path, options);
					mine.push(key);
					const before = known.get(key);
					if (before) {
						before.askedAt = now();
						// What it took is part of the cost of the try that asked for it.
						return { ...before.transcript, usage: {} };
					}
					const transcript = await transcriber.transcribe(path, options);
					remember(key, transcript);
					return transcript;
				},
			},
			forget: () => mine.forEach(forget),
		};
	};
}

async function keyOf(path: string, { language, prompt, speakers }: TranscribeOptions): Promise<string> {
	const hash = createHash('sha256');
	// A piece may be a gigabyte.
	await pipeline(createReadStream(path), hash);
	return `${hash.digest('hex')} ${JSON.stringify([language, prompt, speakers])}`;
}
