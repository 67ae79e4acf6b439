import type OpenAI from 'openai';
import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import type { Written, WriteRequest } from '../writer.ts';
import type { OpenAiClient } from './client.ts';

/** A completion whose JSON follows the schema of the request: what writer, describer and translator are made of. */
export async function complete(client: OpenAiClient, model: string, request: WriteRequest): Promise<Written> {
	const answer: unknown = await client.call(model, request.signal, (openai, options) => openai.chat.completions.create(chatRequest(request, model), options));
	const parsed = completionSchema.safeParse(answer);
	const choice = parsed.data?.choices[0];
	if (!parsed.success || !choice) throw client.strange('a chat completion');
	if (choice.message.refusal) throw new PipelineError('provider_rejected', `The model ${model} refused to write: ${choice.message.refusal.slice(0, 300)}`);
	if (choice.finish_reason === 'content_filter') throw new PipelineError('provider_rejected', `The content filter of the AI server stopped the answer of ${model}.`);
	if (choice.finish_reason === 'length') {
		throw new PipelineError('provider_rejected', `The answer of ${model} was cut off by its length limit. Ask for less at once, e.g. fewer variants or platforms.`);
	}
	const text = choice.message.content ?? '';
	const { prompt_tokens: input = 0, completion_tokens: output = 0, total_tokens: total = 0 } = parsed.data.usage ?? {};
	return { text, json: parseJson(text), usage: { ai_input_tokens: input, ai_output_tokens: output, ai_tokens: total }, provider: 'openai', model };
}

const completionSchema = z.object({
	choices: z
		.array(
			z.object({
				finish_reason: z.string().nullish(),
				message: z.object({ content: z.string().nullish(), refusal: z.string().nullish() }),
			}),
		)
		.min(1),
	usage: z.object({ prompt_tokens: z.number(), completion_tokens: z.number(), total_tokens: z.number() }).nullish(),
});

function chatRequest(request: WriteRequest, model: string): OpenAI.ChatCompletionCreateParamsNonStreaming {
	const images = request.images.map(({ mime, data }) => ({
		type: 'image_url' as const,
		// "low" is 512 px and a fixed small price: enough to see what a video is about.
		image_url: { url: `data:${mime};base64,${data.toString('base64')}`, detail: 'low' as const },
	}));
	const repair = request.repair
		? [
				{ role: 'assistant' as const, content: request.repair.answer },
				{ role: 'user' as const, content: request.repair.complaint },
			]
		: [];
	return {
		model,
		messages: [
			{ role: 'system', content: request.system },
			{ role: 'user', content: [{ type: 'text', text: request.user }, ...images] },
			...repair,
		],
		response_format: {
			type: 'json_schema',
			json_schema: { name: request.schemaName, strict: true, schema: request.schema },
		},
	};
}

/** Smaller models like to wrap JSON in a code fence although they were given a schema. */
function parseJson(text: string): unknown {
	const bare = /^\s*```(?:json)?\s*([\s\S]*?)\s*```\s*$/.exec(text)?.[1] ?? text;
	try {
		return JSON.parse(bare);
	} catch {
		return undefined;
	}
}
