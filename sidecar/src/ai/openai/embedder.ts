import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import type { TextEmbedder } from '../embedder.ts';
import type { OpenAiClient } from './client.ts';

/** Far below the 2048 texts and 300,000 tokens that one call may have (https://platform.openai.com/docs/api-reference/embeddings/create). */
const BATCH = 128;
/** The same page: a text has at most 8192 tokens. Hardly a script needs more than one per character. */
const MAX_CHARS = 8000;
/** Half of an emoji, e.g. where a text was cut; JSON with it is refused. */
const LONE = /\p{Surrogate}/gu;

const answerSchema = z.object({
	data: z.array(z.object({ index: z.number().int(), embedding: z.array(z.number()) })),
	usage: z.object({ prompt_tokens: z.number(), total_tokens: z.number() }).nullish(),
});

export interface OpenAiEmbedderSettings {
	client: OpenAiClient;
	model: string;
	/** Numbers per vector. Models from text-embedding-3 on shorten by themselves; others must answer just as many. */
	dimensions: number;
}

export function createOpenAiEmbedder({ client, model, dimensions }: OpenAiEmbedderSettings): TextEmbedder {
	const shortens = model.startsWith('text-embedding-3');
	return {
		name: 'openai',
		model,
		space: `openai:${model}:${dimensions}`,
		dimensions,
		obstacle: () => client.obstacle(),
		async embed(texts, { signal }) {
			const vectors: number[][] = [];
			let tokens = 0;
			for (let at = 0; at < texts.length; at += BATCH) {
				// An empty text is refused; a full stop says as little.
				const input = texts.slice(at, at + BATCH).map((text) => text.slice(0, MAX_CHARS).replace(LONE, '').trim() || '.');
				// Base64, the default of the library, is more than other servers know.
				const request = { model, input, encoding_format: 'float' as const, ...(shortens ? { dimensions } : {}) };
				const answer: unknown = await client.call(model, signal, (openai, options) => openai.embeddings.create(request, options));
				const parsed = answerSchema.safeParse(answer);
				const sorted = parsed.data?.data.toSorted((a, b) => a.index - b.index) ?? [];
				if (!parsed.success || sorted.length !== input.length) throw client.strange('a list of embeddings');
				for (const { embedding } of sorted) vectors.push(unit(embedding, dimensions, model));
				tokens += parsed.data.usage?.total_tokens ?? 0;
			}
			return { vectors, usage: { ai_input_tokens: tokens, ai_tokens: tokens }, provider: 'openai', model };
		},
	};
}

function unit(vector: number[], dimensions: number, model: string): number[] {
	if (vector.length !== dimensions) {
		throw new PipelineError('provider_rejected', `The model ${model} answers ${vector.length} numbers per text, not ${dimensions}. Set "dimensions": ${vector.length} for it in the routing file.`);
	}
	const length = Math.hypot(...vector);
	if (!(length > 0 && Number.isFinite(length))) throw new PipelineError('provider_rejected', `The model ${model} answered a vector without direction.`);
	return vector.map((value) => value / length);
}
