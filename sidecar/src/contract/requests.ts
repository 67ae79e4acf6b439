import { z } from 'zod';
import { assetDetailsSchema } from './assets.ts';
import { pipelineReference } from './pipelines.ts';
import { dedupeSchema, sourceSchema, type Source } from './sources.ts';

/** Schemas of what callers send. `nodes/shared/wire.d.ts` names the same shapes as types. */

const url = z.url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' }).max(8192);
const record = z.record(z.string(), z.unknown());

export { sourceSchema, type Source };

/** 1 s to 7 days; default one day. */
const deadlineSeconds = z.number().int().min(1).max(604_800).default(86_400).describe('Unfinished jobs fail with `deadline_exceeded` after this many seconds.');
const priority = z.number().int().min(-10).max(10).default(0).describe('Higher goes first.');
const reuse = z.boolean().optional().describe('false: made anew, even where the same result exists already. Default true.');
const workspaceId = z.string().optional().describe('Must be the workspace of the API key, when given.');

export const batchItemSchema = z.strictObject({
	operation: z.string().min(1),
	job_id: z.string().min(1).max(200).optional().describe('A job that waits to be started, or your own reference.'),
	asset_id: z.uuid().optional(),
	file_url: url.optional(),
	source: sourceSchema.optional(),
	params: record.default({}),
	reuse,
	secrets: z.record(z.string(), z.string()).optional().describe('Tokens that only this job may use. Encrypted at rest, erased when the job ends.'),
	metadata: record.optional(),
	dedupe: dedupeSchema.optional(),
	details: assetDetailsSchema.optional(),
	scan: z.boolean().optional().describe('Only with the operation ingest: true: must be scanned for viruses, also where the settings of the workspace do not ask for it.'),
	pipeline: pipelineReference.optional().describe('Only with the operation ingest: the pipeline whose steps are run on the asset afterwards, in the same batch, as further jobs of this item.'),
});
export type BatchItem = z.infer<typeof batchItemSchema>;

export const batchRequestSchema = z.strictObject({
	workspace_id: workspaceId,
	items: z.array(batchItemSchema).min(1).max(1000),
	callback_url: url.optional().describe('Called once, when every item has ended.'),
	progress_url: url.optional().describe('Told the percentage of each job while it runs, best effort, at most once a second per job.'),
	deadline_seconds: deadlineSeconds,
	priority,
});
export type BatchRequest = z.infer<typeof batchRequestSchema>;

/** POST /thumbnail and its siblings (P3). */
export const operationRequestSchema = z.strictObject({
	job_id: z.string().min(1).max(200).optional(),
	asset_id: z.uuid().optional(),
	file_url: url.optional(),
	params: record.default({}),
	reuse,
	callback_url: url.optional(),
	progress_url: url.optional(),
	secrets: z.record(z.string(), z.string()).optional(),
	deadline_seconds: deadlineSeconds,
	priority,
});

/** POST /api/media/process (P1). */
export const processRequestSchema = z.strictObject({
	workspace_id: workspaceId,
	asset_id: z.uuid().optional().describe('An asset that exists already, instead of a source; needed with retry_failed_only.'),
	source: z.union([z.enum(['url', 'google_drive', 'upload']), sourceSchema]).optional().describe('A source, e.g. `{ "type": "dropbox", "url": "https://…" }`; or only its name, with the fields beside it. Default: url when original_url is given.'),
	source_id: z.string().max(500).optional().describe('The Google Drive file id, with source google_drive.'),
	access_token: z.string().optional().describe('The Google OAuth token, with source google_drive.'),
	file_type: z.enum(['video', 'image', 'audio']).optional(),
	original_url: url.optional(),
	operations: z
		.array(z.union([z.string(), z.strictObject({ operation: z.string(), params: record.optional(), reuse })]))
		.max(100)
		.default([])
		.describe('Names, or `{operation, params, reuse}`. None: those of the pipeline.'),
	pipeline: pipelineReference.optional().describe('A named pipeline, instead of operations. Neither: the pipeline that the settings of the workspace name, else `default`.'),
	params: record.default({}).describe('Parameters by operation name, `{ "compress": { "height": 720 } }`. Any other field is given to every operation that knows it.'),
	metadata: record.default({}).describe('Kept with the asset and passed on to n8n, e.g. `{ "platforms": ["x"] }`.'),
	callback_url: url.optional().describe('Told when all jobs have ended.'),
	dedupe: dedupeSchema.exclude(['version']).optional(),
	details: assetDetailsSchema.optional(),
	retry_failed_only: z.boolean().default(false),
	priority,
});
export type ProcessRequest = z.infer<typeof processRequestSchema>;

const publicError = z.union([z.string(), z.object({ code: z.string().optional(), message: z.string() })]);

/** POST /api/media/callback: an external processor reports a job (P4). */
export const callbackRequestSchema = z.object({
	job_id: z.uuid(),
	status: z.enum(['completed', 'failed']),
	output_data: record.default({}),
	error: publicError.nullish(),
});

/** POST /api/media/distribute: publish now, or, without posts, have n8n's distribute workflow do it. */
export const distributeRequestSchema = z.strictObject({
	workspace_id: workspaceId,
	asset_id: z.uuid(),
	posts: z
		.array(z.looseObject({ platform: z.string(), text: z.string().default(''), secrets: z.record(z.string(), z.string()) }))
		.max(50)
		.optional()
		.describe('Parameters of the operation `publish`, each with its `secrets`.'),
	platforms: z.array(z.string()).max(50).optional(),
	text: z.string().optional(),
	metadata: record.optional(),
	callback_url: url.optional(),
	deadline_seconds: deadlineSeconds,
	priority,
});

/** POST /api/media/distribute-callback: posts that somebody else made (P5). */
export const distributeCallbackSchema = z.object({
	asset_id: z.uuid(),
	posts: z
		.array(
			z.object({
				platform: z.string().min(1).max(50),
				status: z.enum(['published', 'failed', 'scheduled']).default('published'),
				external_post_id: z.string().max(500).optional(),
				permalink: url.optional(),
				text: z.string().optional(),
				account: z.string().max(200).optional(),
				error: publicError.nullish(),
			}),
		)
		.min(1)
		.max(100),
});

/** A week; at most a year. */
const LINK_SECONDS = 604_800;

/** POST /api/media/assets/:id/renditions (I13). */
export const renditionRequestSchema = z.strictObject({
	operation: z.string().min(1).describe('One that makes media from media.'),
	params: record.default({}),
	file: z.string().min(1).max(200).optional().describe('Which of the files it makes, e.g. `hls/master.m3u8`. Default: the first one.'),
	expires_in_seconds: z.number().int().min(1).max(31_536_000).default(LINK_SECONDS).describe('How long the link works. Default a week.'),
});

/** POST /api/media/sign (I2, I3). */
export const signRequestSchema = z.strictObject({
	workspace_id: workspaceId,
	file_name: z.string().min(1).max(500),
	file_size: z.number().int().positive().describe('Bytes. Exactly so many are taken.'),
	mime_type: z.string().min(3).max(200),
	protocol: z
		.enum(['put', 'tus', 'multipart'])
		.default('put')
		.describe('put: one request, up to MAX_FILE_BYTES. tus: resumable (tus 1.0), up to MAX_UPLOAD_BYTES. multipart: in parts straight to the store, where it can do that, up to MAX_UPLOAD_BYTES.'),
	sha256: z
		.string()
		.regex(/^[0-9a-f]{64}$/i, 'must be 64 hexadecimal digits')
		.optional()
		.describe('Of the whole file. What arrives and is another file fails with `input_corrupt`.'),
	expires_in_seconds: z.number().int().min(900).max(86_400).optional().describe('How long the links work: put 900 to 3600 (default UPLOAD_URL_TTL_SECONDS), tus and multipart 900 to 86400 (default 86400).'),
	dedupe: dedupeSchema.exclude(['version']).optional(),
	scan: z.boolean().optional().describe('true: must be scanned for viruses, also where the settings of the workspace do not ask for it.'),
	metadata: record.default({}),
	details: assetDetailsSchema.optional(),
});
export type SignRequest = z.infer<typeof signRequestSchema>;

/** POST /api/media/sign/{id} */
export const renewRequestSchema = z.strictObject({
	workspace_id: workspaceId,
	expires_in_seconds: signRequestSchema.shape.expires_in_seconds,
});

/** POST /direct-uploads/{permission}/{asset}/parts */
export const partsRequestSchema = z.strictObject({
	from: z.number().int().min(1).max(100_000).default(1).describe('Number of the first part, counted from 1.'),
	count: z.number().int().min(1).max(100).default(20).describe('How many links.'),
});
