import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { TranscribeOptions, Transcriber, Transcript } from '../transcriber.ts';

/** Three hours are some 8 to 40 pieces; the words of one are 0.5 MB at most. */
const MOST_PIECES = 100;

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

/** Of one provider; each of its transcripts gets a `PieceMemory` of its own, all with the same pieces behind it. */
export function createPieceMemory(transcriber: Transcriber, most = MOST_PIECES): () => PieceMemory {
	const known = new Map<string, Transcript>();
	return () => {
		const mine: string[] = [];
		return {
			remembering: {
				...transcriber,
				async transcribe(path, options) {
					const key = await keyOf(path, options);
					mine.push(key);
					const before = known.get(key);
					// What it took is part of the cost of the try that asked for it.
					if (before) return { ...before, usage: {} };
					const transcript = await transcriber.transcribe(path, options);
					known.set(key, transcript);
					const [oldest] = known.keys();
					if (known.size > most && oldest !== undefined) known.delete(oldest);
					return transcript;
				},
			},
			forget: () => mine.forEach((key) => known.delete(key)),
		};
	};
}

async function keyOf(path: string, { language, prompt, speakers }: TranscribeOptions): Promise<string> {
	const hash = createHash('sha256').update(await readFile(path));
	return `${hash.digest('hex')} ${JSON.stringify([language, prompt, speakers])}`;
}
