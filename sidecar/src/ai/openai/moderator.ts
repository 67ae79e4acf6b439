import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { spend } from '../meter.ts';
import { addUsage, type Picture } from '../provider.ts';
import type { Moderator, SafetyCategory, SafetyScores } from '../vision.ts';
import type { OpenAiClient } from './client.ts';

/**
 * Categories of https://platform.openai.com/docs/guides/moderation that are found in pictures, as ours. Hate is found in
 * text only, and bare skin without sex is no category there: both are left out.
 */
const CATEGORIES: Array<[theirs: string, ours: SafetyCategory]> = [
	['sexual', 'sexual'],
	['violence', 'violence'],
	['violence/graphic', 'violence'],
	['self-harm', 'self_harm'],
	['self-harm/intent', 'self_harm'],
	['self-harm/instructions', 'self_harm'],
];

const answerSchema = z.object({ results: z.array(z.object({ category_scores: z.record(z.string(), z.number()) })).min(1) });

/** One call per picture: the endpoint takes one picture at a time, and it costs nothing. */
export function createOpenAiModerator({ client, model }: { client: OpenAiClient; model: string }): Moderator {
	const look = async ({ path, mime }: Picture, signal: AbortSignal): Promise<SafetyScores> => {
		const url = `data:${mime};base64,${(await readFile(path)).toString('base64')}`;
		const answer: unknown = await client.call(model, signal, (openai, options) => openai.moderations.create({ model, input: [{ type: 'image_url', image_url: { url } }] }, options));
		const parsed = answerSchema.safeParse(answer);
		const scores = parsed.data?.results[0]?.category_scores;
		if (!scores) throw client.strange('a moderation');
		const found: SafetyScores = {};
		for (const [theirs, ours] of CATEGORIES) {
			const score = scores[theirs];
			if (score !== undefined) found[ours] = Math.max(found[ours] ?? 0, Math.min(1, score));
		}
		// Another server may have categories of its own: nothing that is known is not the same as nothing bad.
		if (Object.keys(found).length === 0) throw client.strange('a moderation with known categories');
		spend({ ai_images: 1 });
		return found;
	};
	return {
		name: 'openai',
		model,
		obstacle: () => client.obstacle(),
		async moderate(pictures, { signal, onProgress }) {
			const scores: SafetyScores[] = [];
			for (const picture of pictures) {
				scores.push(await look(picture, signal));
				onProgress?.((scores.length / pictures.length) * 100);
			}
			return { scores, usage: addUsage({ ai_images: pictures.length }), provider: 'openai', model };
		},
	};
}
