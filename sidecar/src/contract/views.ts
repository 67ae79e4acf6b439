import { z } from 'zod';
import { POST_STATUSES } from './post-statuses.ts';
import { ERROR_KINDS, type ErrorCode } from '../errors.ts';

/** Schemas of what the sidecar answers and sends. `nodes/shared/wire.d.ts` names the same shapes as types. */

const record = z.record(z.string(), z.unknown());
const time = z.string().describe('ISO 8601');

export const publicErrorSchema = z.object({
	code: z.enum(Object.keys(ERROR_KINDS) as [ErrorCode, ...ErrorCode[]]),
	message: z.string(),
	details: record.optional(),
});
export const errorAnswerSchema = z.object({ error: publicErrorSchema });

export const outputFileSchema = z.object({
	name: z.string(),
	url: z.string().describe('Signed; expires after FILE_URL_TTL_SECONDS.'),
	mime: z.string(),
	bytes: z.number(),
	width: z.number().optional(),
	height: z.number().optional(),
	duration_seconds: z.number().optional(),
});

export const outputDataSchema = z.looseObject({
	files: z.array(outputFileSchema).optional(),
	processed_url: z.string().optional(),
	thumbnail_url: z.string().optional(),
});

export const jobStatusSchema = z.enum(['pending', 'processing', 'completed', 'failed', 'cancelled']);

export const jobSchema = z.object({
	id: z.string(),
	batch_id: z.string().nullable(),
	asset_id: z.string().nullable(),
	job_type: z.string(),
	status: jobStatusSchema,
	progress: z.number().describe('0 to 100'),
	params: record,
	output_data: outputDataSchema.nullable(),
	error: publicErrorSchema.nullable(),
	attempts: z.number(),
	priority: z.number(),
	external_job_id: z.string().nullable(),
	steps: z.record(z.string(), z.number()).describe('Milliseconds per step.'),
	cost: z.record(z.string(), z.number()),
	created_at: time,
	started_at: time.nullable(),
	completed_at: time.nullable(),
});
export type JobView = z.infer<typeof jobSchema>;

export const assetSchema = z.object({
	id: z.string(),
	workspace_id: z.string(),
	source: z.string(),
	source_id: z.string().nullable(),
	file_type: z.enum(['video', 'image', 'audio']).nullable(),
	status: z.enum(['pending', 'uploading', 'queued', 'processing', 'analyzing', 'ready', 'processed', 'failed']),
	original_url: z.string().nullable(),
	processed_url: z.string().nullable(),
	thumbnail_url: z.string().nullable(),
	file_url: z.string().nullable().describe('Signed link to the stored original.'),
	mime: z.string().nullable(),
	duration_seconds: z.number().nullable(),
	width: z.number().nullable(),
	height: z.number().nullable(),
	file_size_bytes: z.number().nullable(),
	title: z.string().nullable(),
	description: z.string().nullable(),
	language: z.string().nullable().describe('BCP 47'),
	owner: z.string().nullable(),
	version: z.number().describe('Counts the originals that it has had.'),
	same_as: z.string().nullable().describe('The asset with the same bytes that this one shares its original with.'),
	original_state: z.enum(['stored', 'archived', 'replaced', 'deleted']).describe('What the policy of the workspace has made of the original.'),
	public_at: time.nullable().describe('Since when anyone may look at its page; null: nobody may.'),
	metadata: record,
	tags: z
		.array(z.object({ tag: z.string(), source: z.enum(['analysis', 'caption', 'person']), score: z.number().describe('0 to 1') }))
		.describe('Words that describe it, those of people first.'),
	cost: z.record(z.string(), z.number()).describe('What all jobs on it have used together.'),
	error: publicErrorSchema.nullable(),
	created_at: time,
	updated_at: time,
});
export type AssetView = z.infer<typeof assetSchema>;

export const renditionAnswerSchema = z.object({
	asset_id: z.string(),
	operation: z.string(),
	url: z.string().describe('Open to anyone who has it. The first request makes the file; then it leads to it.'),
	expires_at: time,
});

const usageSchema = z.object({
	jobs: z.number().describe('That ended in this time.'),
	completed: z.number(),
	failed: z.number(),
	cancelled: z.number(),
	reused: z.number().describe('Completed ones that returned an earlier result.'),
	source_bytes: z.number().describe('Size of the sources that were worked on.'),
	cost: z.record(z.string(), z.number()).describe('Sums of `cost` of the jobs: `cpu_seconds`, `storage_bytes` (written), and the units of providers.'),
});
export const usageViewSchema = z.object({ from: time, to: time, total: usageSchema, operations: z.record(z.string(), usageSchema) });

export const batchAcceptedSchema = z.object({
	batch_id: z.string(),
	status: z.enum(['pending', 'completed']),
	jobs: z.array(
		z.object({ id: z.string(), item_index: z.number(), job_type: z.string(), status: jobStatusSchema, asset_id: z.string().nullable(), estimated_duration: z.number().describe('Seconds, roughly.') }),
	),
});
export type BatchAccepted = z.infer<typeof batchAcceptedSchema>;

const batchJobSchema = z.object({
	job_id: z.string(),
	item_index: z.number(),
	asset_id: z.string().nullable(),
	operation: z.string(),
	output_data: outputDataSchema.nullable(),
	error: publicErrorSchema.nullable(),
});

export const batchCallbackSchema = z.object({
	type: z.literal('batch.finished'),
	batch_id: z.string(),
	status: z.enum(['completed', 'failed', 'partial']),
	jobs: z.array(batchJobSchema.extend({ status: z.enum(['completed', 'failed', 'cancelled']) })),
});
export type BatchCallback = z.infer<typeof batchCallbackSchema>;

export const batchViewSchema = z.object({
	batch_id: z.string(),
	status: z.enum(['pending', 'completed', 'failed', 'partial']),
	progress: z.object({ total: z.number(), completed: z.number(), failed: z.number(), percent: z.number() }),
	jobs: z.array(batchJobSchema.extend({ status: jobStatusSchema, progress: z.number() })),
});
export type BatchView = z.infer<typeof batchViewSchema>;

/** Body of a job callback (P4), and the answer of the operation endpoints before that (P3). */
export const jobCallbackSchema = z.object({
	job_id: z.string(),
	status: z.enum(['completed', 'failed', 'cancelled']),
	output_data: outputDataSchema.nullable(),
	error: publicErrorSchema.nullable(),
});
export const operationAcceptedSchema = z.object({
	job_id: z.string(),
	asset_id: z.string().nullable(),
	status: jobStatusSchema,
	estimated_duration: z.number(),
});

export const processViewSchema = z.object({
	asset: assetSchema,
	jobs: z.array(jobSchema),
	progress: z.object({ total: z.number(), completed: z.number(), failed: z.number() }),
});
export const processAcceptedSchema = z.object({ asset: assetSchema, jobs: z.array(jobSchema), message: z.string() });

export const signAnswerSchema = z.object({
	asset_id: z.string(),
	upload_url: z.string().describe('put: where the bytes go. tus: the endpoint. multipart: where links to parts are asked for.'),
	method: z.enum(['PUT', 'POST']),
	headers: z.record(z.string(), z.string()).describe('To be sent exactly so.'),
	expires_at: time,
	complete_url: z.string().nullable().describe('To be told (POST) when the bytes are there; null: the upload ends by itself.'),
	tus: z.object({ endpoint: z.string(), expires_at: time, upload_url: z.string().nullable().describe('The upload that has begun; null: none.') }).nullable().describe('The resumable way to the same asset, through the sidecar; null: the bytes go straight to the store.'),
	multipart: z.object({ part_bytes: z.number(), parts: z.number(), parts_url: z.string(), abort_url: z.string() }).nullable(),
	warnings: z.array(z.string()).describe('What looks odd about the request, for a person.'),
});

export const partsAnswerSchema = z.object({
	parts: z.array(z.object({ part: z.number(), upload_url: z.string(), method: z.enum(['PUT', 'POST']), headers: z.record(z.string(), z.string()), bytes: z.number() })),
	next: z.number().nullable().describe('`from` of the next page; null: that was the last part.'),
	expires_at: time,
});
export const postSchema = z.object({
	id: z.string(),
	asset_id: z.string().nullable(),
	job_id: z.string().nullable(),
	platform: z.string(),
	account: z.string(),
	status: z.enum(POST_STATUSES),
	text: z.string(),
	external_post_id: z.string().nullable(),
	permalink: z.string().nullable(),
	parent_id: z.string().nullable().describe('The first post of the thread that this one belongs to, or the one that it comments.'),
	experiment: z.string().nullable(),
	variant: z.string().nullable(),
	warnings: z.array(z.string()).describe('What one should know although the post is out.'),
	error: publicErrorSchema.nullable(),
	created_at: time,
	scheduled_at: time.nullable().describe('When the platform itself is to publish it.'),
	published_at: time.nullable(),
	deleted_at: time.nullable(),
});
export type PostView = z.infer<typeof postSchema>;

const count = z.number().nullable();
export const engagementSchema = z
	.object({ at: time, views: count, likes: count, comments: count, shares: count, saves: count, clicks: count })
	.describe('Numbers at a time, as the platform gave them; null: it gives none.');
export type EngagementView = z.infer<typeof engagementSchema>;

export const measuredPostSchema = postSchema.extend({
	engagement: engagementSchema.nullable().describe('The newest numbers.'),
	series: z.array(engagementSchema).describe('All that were read, oldest first.'),
});

export const callbackViewSchema = z.object({
	id: z.string(),
	kind: z.string(),
	batch_id: z.string().nullable(),
	asset_id: z.string().nullable(),
	webhook_id: z.string().nullable(),
	event_id: z.string().nullable(),
	status: z.enum(['pending', 'delivered', 'dead', 'obsolete']),
	attempts: z.number(),
	last_http_status: z.number().nullable(),
	reason: z.string().nullable(),
	next_at: time,
	created_at: time,
	ended_at: time.nullable(),
});

const matchedBy = z.array(z.enum(['words', 'meaning', 'similar'])).describe('words: its text; meaning: what it says, in whatever words; similar: it is like the asset `similar_to`.');
const seconds = z.number().nullable();
const searchScore = z.number().describe('0 to 1; 1: the first one of every method');

export const searchResultSchema = z.object({
	asset_id: z.string(),
	file_type: z.enum(['video', 'audio', 'image']).nullable(),
	title: z.string(),
	tags: z.array(z.string()),
	duration_seconds: seconds,
	width: z.number().nullable(),
	height: z.number().nullable(),
	created_at: time,
	score: searchScore,
	matched_by: matchedBy,
	start_seconds: seconds.describe('Of the best moment; null: the asset as a whole.'),
	end_seconds: seconds,
	text: z.string().describe('Of the best moment.'),
	moments: z
		.array(
			z.object({
				kind: z.enum(['transcript', 'frame', 'metadata']),
				start_seconds: seconds,
				end_seconds: seconds,
				text: z.string(),
				marked: z.string().describe('The text as HTML, with the words that matched in `<mark>`.'),
				score: searchScore,
				matched_by: matchedBy,
			}),
		)
		.describe('Best first, at most three.'),
	file_url: z.string().nullable().describe('Signed link to the stored original.'),
	thumbnail_url: z.string().nullable(),
});

export const searchAnswerSchema = z.object({
	results: z.array(searchResultSchema).describe('Best first.'),
	count: z.number().describe('Of `results`.'),
	methods: matchedBy.describe('How was searched. Empty: by filters alone, newest first.'),
	notes: z.array(z.string()).describe('What did not work, and why.'),
});
export type SearchView = z.infer<typeof searchAnswerSchema>;

export const feedbackAnswerSchema = z.object({
	feedback_id: z.string(),
	kind: z.enum(['word', 'translation', 'label', 'caption']),
	applied: z.array(z.string()).describe('What changed at once, and what will, in sentences.'),
	tags: z.array(z.string()).optional().describe('Of the asset, after a label.'),
});

export const historySchema = z.object({
	asset_id: z.string(),
	history: z
		.array(z.object({ type: z.string().describe('asset.created, job.completed, post.published, feedback.given …'), created_at: time, job_id: z.string().nullable(), data: record }))
		.describe('Newest first. Events are kept for 30 days, feedback for ever.'),
});
