import type OpenAI from 'openai';
import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import { spend } from '../meter.ts';
import type { Written, WriteRequest } from '../writer.ts';
import type { OpenAiClient } from './client.ts';
import { whole } from './text.ts';
import { countSchema } from './usage.ts';

/** A completion whose JSON follows the schema of the request: what writer, describer and translator are made of. */
export async function complete(client: OpenAiClient, model: string, request: WriteRequest): Promise<Written> {
	const answer: unknown = await client.call(model, request.signal, (openai, options) => openai.chat.completions.create(chatRequest(request, model), options));
	const parsed = completionSchema.safeParse(answer);
	const choice = parsed.data?.choices[0];
	if (!parsed.success || !choice) throw client.strange('a chat completion');
	const usage = usageOf(parsed.data.usage);
	// It is paid, whatever becomes of it.
	spend(usage);
	if (choice.message.refusal) throw new PipelineError('provider_content_refused', `The model ${model} refused to write: ${choice.message.refusal.slice(0, 300)}`);
	if (choice.finish_reason === 'content_filter') throw new PipelineError('provider_content_refused', `The content filter of the AI server stopped the answer of ${model}.`);
	if (choice.finish_reason === 'length') {
		throw new PipelineError('provider_answer_invalid', `The answer of ${model} was cut off by its length limit. Ask for less at once, e.g. fewer variants or platforms.`);
	}
	const text = choice.message.content ?? '';
	return { text, json: parseJson(text), usage, provider: 'openai', model };
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
	usage: z.object({ prompt_tokens: countSchema, completion_tokens: countSchema, total_tokens: countSchema }).nullish().catch(null),
});

/** Only what the server tells: other servers leave out some of these, or all. */
function usageOf(told: z.infer<typeof completionSchema>['usage']): Record<string, number> {
	const { prompt_tokens: input, completion_tokens: output, total_tokens: total } = told ?? {};
	const all = total ?? (input !== undefined || output !== undefined ? (input ?? 0) + (output ?? 0) : undefined);
	return {
		...(input === undefined ? {} : { ai_input_tokens: input }),
		...(output === undefined ? {} : { ai_output_tokens: output }),
		...(all === undefined ? {} : { ai_tokens: all }),
	};
}

function chatRequest(request: WriteRequest, model: string): OpenAI.ChatCompletionCreateParamsNonStreaming {
	const images = request.images.map(({ mime, data }) => ({
		type: 'image_url' as const,
		// "low" is 512 px and a fixed small price: enough to see what a video is about.
		image_url: { url: `data:${mime};base64,${data.toString('base64')}`, detail: 'low' as const },
	}));
	const repair = request.repair
		? [
				{ role: 'assistant' as const, content: whole(request.repair.answer) },
				{ role: 'user' as const, content: whole(request.repair.complaint) },
			]
		: [];
	return {
		model,
		messages: [
			{ role: 'system', content: whole(request.system) },
			{ role: 'user', content: [{ type: 'text', text: whole(request.user) }, ...images] },
			...repair,
		],
		response_format: {
			type: 'json_schema',
			json_schema: { name: request.schemaName, strict: true, schema: request.schema },
		},
	};
}

/** Smaller models like to wrap JSON in a code fence, or in a sentence, although they were given a schema: asking again would cost as much again. */
function parseJson(text: string): unknown {
	for (const bare of [text, text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1)]) {
		try {
			return JSON.parse(bare);
		} catch {
			// The next one.
		}
	}
	return undefined;
}
