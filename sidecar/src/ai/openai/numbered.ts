import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import { addUsage } from '../provider.ts';
import type { WriteRequest } from '../writer.ts';
import { complete } from './chat.ts';
import type { OpenAiClient } from './client.ts';

/** One text for each of `count` numbered things. The numbers come back, so that a text that was left out or joined with its neighbour is noticed. */
const answerSchema = z.strictObject({ items: z.array(z.strictObject({ n: z.number().int(), text: z.string() })) });
const { $schema: _, ...schema } = z.toJSONSchema(answerSchema);

interface Ask extends Pick<WriteRequest, 'system' | 'user' | 'images' | 'signal'> {
	schemaName: string;
	/** The things have the numbers 1 to `count`. */
	count: number;
}

/** Asks; where the answer does not fit, asks once more with what is wrong; then gives up with `provider_answer_invalid`. */
export async function askForEach(client: OpenAiClient, model: string, { count, ...ask }: Ask): Promise<{ texts: string[]; usage: Record<string, number> }> {
	const request = { ...ask, schema };
	const first = await complete(client, model, request);
	const read = readItems(first.json, count);
	if (Array.isArray(read)) return { texts: read, usage: first.usage };
	const second = await complete(client, model, { ...request, repair: { answer: first.text, complaint: `${read} Answer again, with all ${count} items.` } });
	const better = readItems(second.json, count);
	const usage = addUsage(first.usage, second.usage);
	if (Array.isArray(better)) return { texts: better, usage };
	throw new PipelineError('provider_answer_invalid', `The model ${model} did not answer in the form that was asked for, twice: ${better} Try another model.`);
}

/** The texts in their order, or what is wrong with the answer. */
function readItems(json: unknown, count: number): string[] | string {
	if (json === undefined) return 'The answer is not JSON.';
	const parsed = answerSchema.safeParse(json);
	if (!parsed.success) return 'The answer does not follow the schema.';
	const byNumber = new Map(parsed.data.items.map(({ n, text }) => [n, text.trim()]));
	if (parsed.data.items.length !== count || byNumber.size !== count) return `There are ${parsed.data.items.length} items, but there must be ${count}, each number from 1 to ${count} once.`;
	const texts = Array.from({ length: count }, (_entry, index) => byNumber.get(index + 1) ?? '');
	const empty = texts.findIndex((text) => text === '');
	return empty < 0 ? texts : `Item ${empty + 1} is missing or empty.`;
}
