import { z } from 'zod';
import type { Correction } from '../../db/feedback.ts';
import type { TaskOperation } from '../operation.ts';
import type { GiveFeedback } from './give-feedback.ts';
import { PLATFORM_NAMES } from './platform-texts.ts';

const word = (description: string) =>
	z
		.string()
		.trim()
		.min(1)
		.max(200)
		// Line ends and controls have no place in a word, and much in a prompt that is not ours.
		.regex(/^[^\p{Cc}\p{Zl}\p{Zp}]+$/u, 'must be one line without control characters')
		.describe(description);
const code = z.string().regex(/^[a-z]{2}$/, 'must be an ISO 639-1 code of two letters, e.g. en');

/** Also the body of POST /api/media/feedback, beside `asset_id`. */
export const correctionSchema = z.discriminatedUnion('kind', [
	z.strictObject({
		kind: z.literal('word'),
		wrong: word('As it was heard or written.'),
		right: word('As it is right; the same as `wrong` takes an earlier correction back.'),
		language: code.optional().describe('Where it holds, ISO 639-1. Absent: in every language.'),
	}),
	z.strictObject({
		kind: z.literal('translation'),
		from: word('Word or phrase as it is said.'),
		to: word('How it is to be translated.'),
		language: code.describe('Language that it is translated into, ISO 639-1.'),
	}),
	z.strictObject({
		kind: z.literal('label'),
		label: word('A tag of the asset.'),
		action: z.enum(['add', 'remove']).describe('Whether it fits.'),
	}),
	z.strictObject({
		kind: z.literal('caption'),
		platform: z.enum(PLATFORM_NAMES).describe('Where the text is posted.'),
		text: z.string().trim().min(1).max(10_000).describe('The text that was taken.'),
		action: z.enum(['chosen', 'edited']).default('chosen').describe('`chosen`: as it was proposed. `edited`: changed by somebody.'),
		job_id: z.uuid().optional().describe('The caption job that proposed it.'),
		variant: z.number().int().min(1).max(5).optional().describe('Which of its variants.'),
	}),
]) satisfies z.ZodType<Correction>;

/** A correction by a person or an agent: stored, and applied from now on. */
export function createFeedback({ give }: { give: GiveFeedback }): TaskOperation<Correction> {
	return {
		kind: 'task',
		name: 'feedback',
		version: 1,
		summary: 'Takes a correction (a word, a translation, a label, a chosen caption); later transcripts, translations, tags and captions of the workspace follow it. Takes an asset or none.',
		accepts: 'none',
		params: correctionSchema,
		produces: '`feedback_id`, `kind`, `applied` (sentences: what changed at once), `tags` (of the asset, after a label).',
		example: { kind: 'word', wrong: 'Cooper Netties', right: 'Kubernetes' },
		estimateSeconds: () => 1,
		async run({ jobId, workspaceId, assetId, signal, step }, correction) {
			// The id of the job: a second try of it gives no second correction.
			const { usage, ...output } = await step('feedback', () => give({ id: jobId, workspaceId, assetId, correction }, signal));
			return { output: { ...output }, cost: usage };
		},
	};
}
