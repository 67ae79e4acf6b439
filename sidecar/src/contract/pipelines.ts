import { z } from 'zod';

/** Named pipelines (P15): which operations a workspace wants done to what it ingests. */

const record = z.record(z.string(), z.unknown());
const kind = z.enum(['video', 'audio', 'image']);
const least = z.number().min(0).optional();

/** What the probe must have found for a step to run. All of it must hold. */
export const conditionSchema = z.strictObject({
	file_type: z.union([kind, z.array(kind).min(1)]).optional().describe('Kind of the source, or several.'),
	has_audio: z.boolean().optional().describe('Whether it has sound.'),
	orientation: z.enum(['landscape', 'portrait', 'square']).optional().describe('Of the picture, as shown.'),
	min_duration_seconds: least,
	max_duration_seconds: least,
	min_width: least.describe('Pixels, as shown.'),
	max_width: least.describe('Pixels, as shown.'),
	min_height: least.describe('Pixels, as shown.'),
	max_height: least.describe('Pixels, as shown.'),
	min_bytes: least,
	max_bytes: least,
	hdr: z.boolean().optional().describe('Whether it has a high dynamic range.'),
});
export type Condition = z.infer<typeof conditionSchema>;

export const pipelineStepSchema = z.strictObject({
	operation: z.string().min(1).max(100),
	params: record.default({}),
	when: conditionSchema.optional().describe('Looked at once the source is known. A step whose condition does not hold completes without doing anything, and says so (`skipped`).'),
	optional: z.boolean().default(false).describe('The asset counts as processed also when this step fails. One that cannot be done here at all (no provider configured, no sound) is skipped.'),
	reuse: z.boolean().optional(),
});
export type PipelineStep = z.infer<typeof pipelineStepSchema>;

export const pipelineDefinitionSchema = z.strictObject({
	description: z.string().max(2000).default(''),
	steps: z.array(pipelineStepSchema).min(1).max(100).describe('Worked on in parallel; steps that build on another one (caption on transcribe) wait for it by themselves.'),
	destinations: z
		.strictObject({
			platforms: z.array(z.string().min(1).max(50)).max(20).optional().describe('Platforms that the distribute workflow is to post to.'),
			text: z.string().max(10_000).optional().describe('Text for the posts.'),
			metadata: record.optional().describe('Further fields of the metadata of the asset, for workflows.'),
		})
		.default({})
		.describe('Passed on to the distribute workflow of n8n, in the metadata of the asset. What the request itself says goes first.'),
});
export type PipelineDefinition = z.infer<typeof pipelineDefinitionSchema>;

/** `podcast`, or `podcast@3` for a fixed version. */
export const PIPELINE_NAME = /^[a-z][a-z0-9_-]{0,62}$/;
export const PIPELINE_REFERENCE = /^[a-z][a-z0-9_-]{0,62}(@[1-9]\d{0,8})?$/;
export const pipelineReference = z
	.string()
	.regex(PIPELINE_REFERENCE, 'must be the name of a pipeline, such as podcast, or podcast@3 for one version of it')
	.describe('A named pipeline of the workspace, e.g. `podcast`, or `podcast@3` for one version of it.');

export const pipelineViewSchema = pipelineDefinitionSchema.extend({
	name: z.string(),
	version: z.number().describe('0: it comes with the program.'),
	created_at: z.string().nullable().describe('ISO 8601; null: it comes with the program.'),
});
export type PipelineView = z.infer<typeof pipelineViewSchema>;
