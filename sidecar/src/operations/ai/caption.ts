import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { isLanguageCode } from '../../ai/languages.ts';
import { addUsage } from '../../ai/provider.ts';
import type { Writer } from '../../ai/writer.ts';
import type { CaptionExample } from '../../db/feedback.ts';
import { PipelineError } from '../../errors.ts';
import type { TaskOperation } from '../operation.ts';
import { finish, judge, type Judgement } from './caption-answer.ts';
import { answerSchema, captionParams, systemPrompt, userPrompt, type CaptionParams } from './caption-prompt.ts';
import type { Engine } from './engine.ts';
import { sampleFrames } from './sample-frames.ts';

export interface CaptionDeps {
	writer: Writer;
	engine: Engine;
	/** Texts that people of the workspace chose or edited. Default: none. */
	examples?(workspaceId: string, platform: string, most: number): Promise<CaptionExample[]>;
}

/** Hosted models look at 512 pixels (openai/chat.ts); others, which take pictures as they are, at what a text in it needs to be read. */
const MAX_SIDE = 768;
/** Each is paid for; of a short film, four show what it is about. */
const PICTURES = 4;
/** Enough to show a style. */
const EXAMPLES_PER_PLATFORM = 3;
const MOST_EXAMPLES = 9;

/** Post texts from what is seen (key frames) and heard (the asset's transcript, when there is one). */
export function createCaption({ writer, engine, examples }: CaptionDeps): TaskOperation<CaptionParams> {
	const liked = async (workspaceId: string, { platforms }: CaptionParams): Promise<CaptionExample[]> => {
		if (!examples) return [];
		const each = await Promise.all([...new Set(platforms)].map((platform) => examples(workspaceId, platform, EXAMPLES_PER_PLATFORM)));
		// The first of each platform before the second of any.
		const inTurn = Array.from({ length: EXAMPLES_PER_PLATFORM }, (_, place) => each.flatMap((some) => some[place] ?? []));
		return inTurn.flat().slice(0, MOST_EXAMPLES);
	};
	return {
		kind: 'task',
		name: 'caption',
		version: 3,
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
			const seen = images.length > 0;
			if (!seen && !heard?.text && !params.brief?.trim()) {
				throw new PipelineError(
					'input_unsupported',
					heard
						? 'There is nothing to see in this file, and its transcript is empty: nothing was said, or nothing was understood. Say in the brief what it is about.'
						: 'There is nothing to see in this file, and it has no transcript yet. Run transcribe on it first, then caption, or say in the brief what it is about.',
				);
			}
			const language = params.language ?? heard?.language ?? 'en';
			const { $schema: _dialect, ...schema } = z.toJSONSchema(answerSchema(params));
			const request = {
				system: systemPrompt(params, language, seen),
				user: userPrompt(params, heard?.text || null, await liked(context.workspaceId, params)),
				images,
				schemaName: 'captions',
				schema,
				signal: context.signal,
			};
			context.progress(35);
			const first = await context.step('write', () => writer.write(request));
			const answers = [first];
			let judgement = judge(first.json, params, seen);
			const notes: string[] = [];
			context.progress(70);
			if (judgement.complaints.length > 0) {
				const complaint = `This cannot be used yet:\n- ${judgement.complaints.join('\n- ')}\nAnswer again, complete, with these points put right.`;
				const second = await context.step('repair', () => writer.write({ ...request, repair: { answer: first.text, complaint } })).catch((error: unknown) => {
					context.signal.throwIfAborted();
					// The job would be tried again, and the first answer paid twice, where a little shortening is all that it needs.
					if (!isUsable(judgement, params)) throw error;
					notes.push(`The writer could not be asked a second time (${error instanceof PipelineError ? error.message : 'an unexpected error'}): its first texts were put right without it.`);
					return null;
				});
				if (second) {
					answers.push(second);
					const again = judge(second.json, params, seen);
					// A second answer of the wrong shape, or with a banned word, is worse than a first one that was only too long.
					if (isUsable(again, params) || !isUsable(judgement, params)) judgement = again.answer || !judgement.answer ? again : judgement;
				}
			}
			const { provider, model } = answers.at(-1) ?? first;
			notes.unshift(...answers.flatMap(({ notes: own = [] }) => own));
			return {
				output: { ...finish(judgement, params), language, provider, model, notes: [...new Set([...notes, ...judgement.alike])] },
				cost: { ...addUsage(...answers.map(({ usage }) => usage)), cpu_seconds: cpuSeconds },
			};
		},
	};
}

/** Whether posts can be made of it as it is. */
function isUsable(judgement: Judgement, params: CaptionParams): boolean {
	try {
		finish(judgement, params);
		return true;
	} catch {
		return false;
	}
}

/** Only the two fields that are needed, whatever else an external processor may have put there; an empty text where nothing was said. */
async function readTranscript(
	output: Promise<Record<string, unknown> | null>,
): Promise<{ text: string; language: string | undefined } | null> {
	const { transcription, language } = (await output) ?? {};
	if (typeof transcription !== 'string') return null;
	return {
		text: transcription.trim(),
		language: typeof language === 'string' && isLanguageCode(language) ? language : undefined,
	};
}
