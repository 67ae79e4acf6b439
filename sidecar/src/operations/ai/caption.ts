import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { addUsage } from '../../ai/provider.ts';
import type { Writer } from '../../ai/writer.ts';
import type { CaptionExample } from '../../db/feedback.ts';
import { PipelineError } from '../../errors.ts';
import type { TaskOperation } from '../operation.ts';
import { finish, judge } from './caption-answer.ts';
import { answerSchema, captionParams, systemPrompt, userPrompt, type CaptionParams } from './caption-prompt.ts';
import type { Engine } from './engine.ts';
import { sampleFrames } from './sample-frames.ts';

export interface CaptionDeps {
	writer: Writer;
	engine: Engine;
	/** Texts that people of the workspace chose or edited. Default: none. */
	examples?(workspaceId: string, platform: string, most: number): Promise<CaptionExample[]>;
}

/** Vision models scale down to this or less (OpenAI "high" detail: short side 768). */
const MAX_SIDE = 768;
/** Each costs some 1000 tokens; of a short film, four show what it is about. */
const PICTURES = 4;
/** Enough to show a style. */
const EXAMPLES_PER_PLATFORM = 3;
const MOST_EXAMPLES = 9;

/** Post texts from what is seen (key frames) and heard (the asset's transcript, when there is one). */
export function createCaption({ writer, engine, examples }: CaptionDeps): TaskOperation<CaptionParams> {
	const liked = async (workspaceId: string, { platforms }: CaptionParams): Promise<CaptionExample[]> => {
		if (!examples) return [];
		const each = await Promise.all([...new Set(platforms)].map((platform) => examples(workspaceId, platform, EXAMPLES_PER_PLATFORM)));
		return each.flat().slice(0, MOST_EXAMPLES);
	};
	return {
		kind: 'task',
		name: 'caption',
		version: 2,
		summary: 'Writes post texts per platform, title, description, tags and alt text from frames and transcript.',
		buildsOn: ['transcribe'],
		accepts: ['video', 'audio', 'image'],
		params: captionParams,
		produces:
			'`captions` (each with `platform`, `variant`, `angle`, `text`, `hashtags`, `length` as the platform counts, `limit`, and `title`, `tags`, `alt_text` where the platform has them), `title`, `description`, `tags`, `alt_text`, `language`, `provider`, `model`, `notes`.',
		example: { platforms: ['x', 'mastodon'], tone: 'friendly and clear' },
		estimateSeconds: (_facts, { platforms, variants }) => 5 + platforms.length * variants * 2,
		async run(context, params) {
			const obstacle = writer.obstacle();
			if (obstacle) throw new PipelineError('provider_not_configured', obstacle);
			const heard = await readTranscript(context.earlierOutput('transcribe'));
			const { pictures, cpuSeconds } = await context.step('frames', () => sampleFrames(context, engine, { most: PICTURES, maxSide: MAX_SIDE }));
			const images = await Promise.all(pictures.map(async ({ path, mime }) => ({ mime, data: await readFile(path) })));
			if (images.length === 0 && !heard) {
				throw new PipelineError(
					'input_unsupported',
					'There is nothing to see in this file, and it has no transcript yet. Run transcribe on it first, then caption.',
				);
			}
			const language = params.language ?? heard?.language ?? 'en';
			const { $schema: _dialect, ...schema } = z.toJSONSchema(answerSchema(params));
			const request = {
				system: systemPrompt(params, language),
				user: userPrompt(params, heard?.text ?? null, await liked(context.workspaceId, params)),
				images,
				schemaName: 'captions',
				schema,
				signal: context.signal,
			};
			context.progress(35);
			const first = await context.step('write', () => writer.write(request));
			const answers = [first];
			let judgement = judge(first.json, params);
			context.progress(70);
			if (judgement.complaints.length > 0) {
				const complaint = `This cannot be used yet:\n- ${judgement.complaints.join('\n- ')}\nAnswer again, complete, with these points put right.`;
				const second = await context.step('repair', () =>
					writer.write({ ...request, repair: { answer: first.text, complaint } }),
				);
				answers.push(second);
				const again = judge(second.json, params);
				// A second answer of the wrong shape is worse than a first one that was only too long.
				if (again.answer || !judgement.answer) judgement = again;
			}
			const { provider, model } = answers.at(-1) ?? first;
			const notes = [...new Set(answers.flatMap(({ notes: own = [] }) => own))];
			return {
				output: { ...finish(judgement, params), language, provider, model, notes },
				cost: { ...addUsage(...answers.map(({ usage }) => usage)), cpu_seconds: cpuSeconds },
			};
		},
	};
}

/** Only the two fields that are needed, whatever else an external processor may have put there. */
async function readTranscript(
	output: Promise<Record<string, unknown> | null>,
): Promise<{ text: string; language: string | undefined } | null> {
	const { transcription, language } = (await output) ?? {};
	if (typeof transcription !== 'string' || transcription.trim() === '') return null;
	return {
		text: transcription,
		language: typeof language === 'string' && /^[a-z]{2}$/.test(language) ? language : undefined,
	};
}
