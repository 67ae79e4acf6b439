import { z } from 'zod';
import type { Writer, Written } from '../../ai/writer.ts';
import { PipelineError } from '../../errors.ts';
import type { TaskOperation } from '../operation.ts';
import { finish, judge } from './caption-answer.ts';
import { answerSchema, captionParams, systemPrompt, userPrompt, type CaptionParams } from './caption-prompt.ts';
import type { Engine } from './engine.ts';
import { keyFrames } from './frames.ts';

/** Post texts from what is seen (key frames) and heard (the asset's transcript, when there is one). */
export function createCaption({ writer, engine }: { writer: Writer; engine: Engine }): TaskOperation<CaptionParams> {
	return {
		kind: 'task',
		name: 'caption',
		version: 1,
		summary: 'Writes post texts per platform, title, description, tags and alt text from frames and transcript.',
		buildsOn: ['transcribe'],
		accepts: ['video', 'audio', 'image'],
		params: captionParams,
		produces:
			'`captions` (each with `platform`, `variant`, `text`, `hashtags`), `title`, `description`, `tags`, `alt_text`, `language`.',
		example: { platforms: ['x', 'mastodon'], tone: 'friendly and clear' },
		estimateSeconds: (_facts, { platforms, variants }) => 5 + platforms.length * variants * 2,
		async run(context, params) {
			const obstacle = writer.obstacle();
			if (obstacle) throw new PipelineError('provider_not_configured', obstacle);
			const heard = await readTranscript(context.earlierOutput('transcribe'));
			const { images, cpuSeconds } = await context.step('frames', () => keyFrames(context, engine));
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
				user: userPrompt(params, heard?.text ?? null),
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
			return { output: { ...finish(judgement, params), language }, cost: { ...sum(answers), cpu_seconds: cpuSeconds } };
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

function sum(answers: readonly Written[]): Record<string, number> {
	const total: Record<string, number> = {};
	for (const { usage } of answers) {
		for (const [name, amount] of Object.entries(usage)) total[name] = (total[name] ?? 0) + amount;
	}
	return total;
}
