import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import { spend } from '../meter.ts';
import { addUsage } from '../provider.ts';
import type { TextEmbedder } from '../embedder.ts';
import type { OpenAiClient } from './client.ts';
import { whole } from './text.ts';
import { countSchema } from './usage.ts';

/** Far below the 2048 texts and 300,000 tokens that one call may have (https://platform.openai.com/docs/api-reference/embeddings/create), also where a character is a token or two. */
const BATCH = 128;
const BATCH_CHARS = 100_000;
/** The same page: a text has at most 8192 tokens. Hardly a script needs more than one per character. */
const MAX_CHARS = 8000;

const answerSchema = z.object({
	data: z.array(z.object({ index: z.number().int(), embedding: z.array(z.number()) })),
	usage: z.object({ prompt_tokens: countSchema, total_tokens: countSchema }).nullish().catch(null),
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
			let usage: Record<string, number> = {};
			for (const input of batches(texts)) {
				// Base64, the default of the library, is more than other servers know.
				const request = { model, input, encoding_format: 'float' as const, ...(shortens ? { dimensions } : {}) };
				const answer: unknown = await client.call(model, signal, (openai, options) => openai.embeddings.create(request, options));
				const parsed = answerSchema.safeParse(answer);
				const sorted = parsed.data?.data.toSorted((a, b) => a.index - b.index) ?? [];
				if (!parsed.success || sorted.length !== input.length) throw client.strange('a list of embeddings');
				const { total_tokens: total, prompt_tokens: read = total } = parsed.data.usage ?? {};
				const took: Record<string, number> = read === undefined ? {} : { ai_input_tokens: read, ai_tokens: read };
				spend(took);
				usage = addUsage(usage, took);
				for (const { embedding } of sorted) vectors.push(unit(embedding, dimensions, model));
			}
			return { vectors, usage, provider: 'openai', model };
		},
	};
}

/** An empty text is refused; a full stop says as little. */
const cleaned = (text: string): string => whole(text.slice(0, MAX_CHARS)).trim() || '.';

function batches(texts: readonly string[]): string[][] {
	const all: string[][] = [];
	let chars = 0;
	for (const text of texts.map(cleaned)) {
		const batch = all.at(-1);
		chars += text.length;
		if (batch && batch.length < BATCH && chars <= BATCH_CHARS) {
			batch.push(text);
			continue;
		}
		all.push([text]);
		chars = text.length;
	}
	return all;
}

function unit(vector: number[], dimensions: number, model: string): number[] {
	if (vector.length !== dimensions) {
		throw new PipelineError('provider_rejected', `The model ${model} answers ${vector.length} numbers per text, not ${dimensions}. Set "dimensions": ${vector.length} for it in the routing file.`);
	}
	const length = Math.hypot(...vector);
	if (!(length > 0 && Number.isFinite(length))) throw new PipelineError('provider_answer_invalid', `The model ${model} answered a vector without direction.`);
	return vector.map((value) => value / length);
}
