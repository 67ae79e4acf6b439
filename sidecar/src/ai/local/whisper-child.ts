import { open } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { findSamples } from '../wav.ts';
import { serve } from './infer-child.ts';
import type { Token } from './whisper-words.ts';

/**
 * A process of its own: writes down what is said in a WAV of 16 kHz, mono, 16 bits. Arguments: the package.json of
 * @fugood/whisper.node, and the model. A model that cannot be loaded is an answer, too: the user must hear of it.
 */

export interface WhisperRequest {
	wavPath: string;
	/** ISO 639-1, or `auto`. */
	language: string;
	prompt: string;
	threads: number;
}
export type WhisperAnswer = { problem: string } | { problem: null; text: string; language: string; tokens: Token[] };

/** What is used of the package, which is not installed where this is compiled. */
interface Context {
	transcribeData(
		samples: ArrayBuffer,
		options: object,
	): { promise: Promise<{ result: string; language?: string; segments: Array<{ text: string; t0: number; t1: number }> }> };
}
interface Package {
	initWhisper(options: object): Promise<Context>;
}

const [packagePath = '', modelPath = ''] = process.argv.slice(2);

serve<WhisperRequest, WhisperAnswer>(async () => {
	const { initWhisper } = createRequire(packagePath)('@fugood/whisper.node') as Package;
	const context = await initWhisper({ filePath: modelPath, useGpu: false }).catch((error: unknown) => String(error));
	return async ({ wavPath, language, prompt, threads }, report) => {
		if (typeof context === 'string') return { problem: context };
		const { promise } = context.transcribeData(await samplesOf(wavPath), {
			language,
			...(prompt === '' ? {} : { prompt }),
			maxThreads: threads,
			// Segments of one token each: the only way to the times of words.
			tokenTimestamps: true,
			maxLen: 1,
			onProgress: report,
		});
		const { result, segments, language: heard = '' } = await promise;
		return { problem: null, text: result, language: heard, tokens: segments.map(({ text, t0, t1 }) => ({ text, start: t0, end: t1 })) };
	};
});

async function samplesOf(path: string): Promise<ArrayBuffer> {
	const file = await open(path, 'r');
	try {
		const { start, bytes } = await findSamples(file);
		const samples = new ArrayBuffer(bytes);
		await file.read(new Uint8Array(samples), 0, bytes, start);
		return samples;
	} finally {
		await file.close();
	}
}
