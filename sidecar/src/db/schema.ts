import { sql } from 'drizzle-orm';
import { bigint, bigserial, boolean, customType, doublePrecision, index, integer, jsonb, pgTable, primaryKey, real, text, timestamp, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import { completeFacts, type MediaFacts, type StoredFacts } from '../media/facts.ts';
import type { PublicError } from '../errors.ts';

/** Every time is `timestamptz`, every id a random UUID made by the application. */
const time = (name: string) => timestamp(name, { withTimezone: true });
const createdAt = () => time('created_at').notNull().defaultNow();

/** jsonb. What earlier versions stored is completed when it is read. */
const mediaFacts = customType<{ data: MediaFacts; driverData: unknown }>({
	dataType: () => 'jsonb',
	toDriver: (facts) => JSON.stringify(facts),
	fromDriver: (value) => completeFacts((typeof value === 'string' ? JSON.parse(value) : value) as StoredFacts),
});

export const workspaces = pgTable('workspaces', {
	id: text('id').primaryKey(),
	name: text('name').notNull(),
	createdAt: createdAt(),
});

export const apiKeys = pgTable('api_keys', {
	id: uuid('id').primaryKey(),
	workspaceId: text('workspace_id').notNull().references(() => workspaces.id),
	name: text('name').notNull(),
	/** SHA-256 of the key, hex. The key itself is shown once and never stored. */
	hash: text('hash').notNull().unique(),
	createdAt: createdAt(),
	revokedAt: time('revoked_at'),
});

export type AssetStatus = 'pending' | 'uploading' | 'queued' | 'processing' | 'analyzing' | 'ready' | 'processed' | 'failed';

export const assets = pgTable(
	'assets',
	{
		id: uuid('id').primaryKey(),
		workspaceId: text('workspace_id').notNull().references(() => workspaces.id),
		/** url, google_drive, upload, generated */
		source: text('source').notNull(),
		sourceId: text('source_id'),
		fileType: text('file_type').$type<'video' | 'image' | 'audio'>(),
		/** Where it came from, query string and credentials removed. The URL to fetch is in `jobs.input` (encrypted). */
		originalUrl: text('original_url'),
		/** Storage key of the stored original; null until it is stored. */
		storageKey: text('storage_key'),
		sha256: text('sha256'),
		mime: text('mime'),
		bytes: bigint('bytes', { mode: 'number' }),
		durationSeconds: doublePrecision('duration_seconds'),
		width: integer('width'),
		height: integer('height'),
		facts: mediaFacts('facts'),
		status: text('status').$type<AssetStatus>().notNull(),
		/** Encrypted. Told when all jobs of POST /api/media/process have ended. */
		callbackUrl: text('callback_url'),
		/** When that was done last. */
		toldAt: time('told_at'),
		/** The job that brings the original into storage; others wait for it. */
		ingestJobId: uuid('ingest_job_id'),
		metadata: jsonb('metadata').$type<Record<string, unknown>>().notNull().default({}),
		error: jsonb('error').$type<PublicError>(),
		createdAt: createdAt(),
		updatedAt: time('updated_at').notNull().defaultNow(),
	},
	(t) => [
		index('assets_workspace_created').on(t.workspaceId, t.createdAt),
		index('assets_workspace_sha256').on(t.workspaceId, t.sha256),
	],
);

export const batches = pgTable(
	'batches',
	{
		id: uuid('id').primaryKey(),
		workspaceId: text('workspace_id').notNull().references(() => workspaces.id),
		/** batch: its callback carries all jobs; job: POST /thumbnail and its siblings, whose callback is that of one job (P4). */
		kind: text('kind').$type<'batch' | 'job'>().notNull(),
		/** Encrypted: a resume URL carries a token. */
		callbackUrl: text('callback_url'),
		/** SHA-256 of the URL: finds earlier callbacks to the same place without decrypting. */
		callbackUrlHash: text('callback_url_hash'),
		/** Encrypted. Told the percentage of running jobs, best effort. */
		progressUrl: text('progress_url'),
		deadlineAt: time('deadline_at'),
		createdAt: createdAt(),
		completedAt: time('completed_at'),
	},
	(t) => [index('batches_callback_hash').on(t.callbackUrlHash), index('batches_deadline').on(t.deadlineAt)],
);

export type JobStatus = 'pending' | 'processing' | 'completed' | 'failed' | 'cancelled';

export const jobs = pgTable(
	'jobs',
	{
		id: uuid('id').primaryKey(),
		workspaceId: text('workspace_id').notNull().references(() => workspaces.id),
		/** Null for jobs that only the sidecar asked for (the ingest behind a `file_url`). */
		batchId: uuid('batch_id').references(() => batches.id),
		assetId: uuid('asset_id').references(() => assets.id),
		/** Position in the batch. */
		itemIndex: integer('item_index').notNull().default(0),
		jobType: text('job_type').notNull(),
		status: text('status').$type<JobStatus>().notNull(),
		/** Belongs to the asset's POST /api/media/process: when all of these have ended, the asset is processed. */
		process: boolean('process').notNull().default(false),
		/** True while n8n must start it (made by POST /api/media/process with N8N_WEBHOOK_URL set). */
		held: boolean('held').notNull().default(false),
		/** Waits until this job has completed; fails with it. */
		afterJobId: uuid('after_job_id'),
		params: jsonb('params').$type<Record<string, unknown>>().notNull(),
		/** Whether an earlier result may be returned instead of making it again. */
		reuse: boolean('reuse').notNull().default(true),
		/** Hash of all that the result depends on (pipeline/reuse.ts), of jobs that make or have such a result. */
		reuseKey: text('reuse_key'),
		/** Hash of the link of a rendition that was asked for and did not exist (pipeline/rendition.ts). */
		renditionKey: text('rendition_key'),
		/** Encrypted JSON: where an ingest fetches from (a URL may carry a token in its query). Null once it is fetched. */
		source: text('source'),
		/** Encrypted JSON: the tokens of this job. Null when there are none, and once the job has ended. */
		secret: text('secret'),
		/** True when the job came with tokens: a retry must bring fresh ones. */
		needsSecret: boolean('needs_secret').notNull().default(false),
		output: jsonb('output').$type<Record<string, unknown>>(),
		error: jsonb('error').$type<PublicError>(),
		externalJobId: text('external_job_id'),
		/** How often it was claimed. Only ever grows: it is what tells a worker that its claim is void. */
		attempts: integer('attempts').notNull().default(0),
		/** Attempts that do not count as tries: those before somebody asked for a retry, and those that a shutdown cut short. */
		uncounted: integer('uncounted').notNull().default(0),
		/** How often the reconciler has sent its message again since it became pending. */
		resent: integer('resent').notNull().default(0),
		priority: integer('priority').notNull().default(0),
		/** Its turn among all waiting jobs, lowest first (pipeline/fairness.ts). Null until it is ready. */
		rank: doublePrecision('rank'),
		progress: integer('progress').notNull().default(0),
		/** Not before this time. */
		runAt: time('run_at').notNull().defaultNow(),
		/** The claim is void after this time unless a heartbeat moved it. */
		leaseUntil: time('lease_until'),
		workerId: text('worker_id'),
		estimatedSeconds: doublePrecision('estimated_seconds').notNull().default(0),
		steps: jsonb('steps').$type<Record<string, number>>().notNull().default({}),
		cost: jsonb('cost').$type<Record<string, number>>().notNull().default({}),
		createdAt: createdAt(),
		startedAt: time('started_at'),
		completedAt: time('completed_at'),
	},
	(t) => [
		index('jobs_batch').on(t.batchId),
		index('jobs_open_batch').on(t.batchId).where(sql`status in ('pending', 'processing')`),
		index('jobs_asset').on(t.assetId, t.jobType),
		index('jobs_after').on(t.afterJobId),
		index('jobs_lease').on(t.status, t.leaseUntil),
		index('jobs_reuse').on(t.workspaceId, t.reuseKey).where(sql`reuse_key is not null`),
		index('jobs_rendition').on(t.renditionKey).where(sql`rendition_key is not null`),
		index('jobs_rank').on(t.rank).where(sql`started_at is not null`),
		index('jobs_workspace_completed').on(t.workspaceId, t.completedAt).where(sql`completed_at is not null`),
		index('jobs_workspace_status').on(t.workspaceId, t.status, t.createdAt),
	],
);

/** Where each workspace stands with its jobs of each priority (pipeline/fairness.ts). */
export const queueFlows = pgTable(
	'queue_flows',
	{
		workspaceId: text('workspace_id').notNull(),
		priority: integer('priority').notNull(),
		lastTag: doublePrecision('last_tag').notNull(),
	},
	(t) => [primaryKey({ columns: [t.workspaceId, t.priority] })],
);

/** Files that jobs made. */
export const files = pgTable(
	'files',
	{
		id: uuid('id').primaryKey(),
		workspaceId: text('workspace_id').notNull(),
		assetId: uuid('asset_id').references(() => assets.id),
		jobId: uuid('job_id').references(() => jobs.id),
		name: text('name').notNull(),
		/** Not unique: a job that reuses the result of another one has rows of its own for the same stored files. */
		storageKey: text('storage_key').notNull(),
		mime: text('mime').notNull(),
		bytes: bigint('bytes', { mode: 'number' }).notNull(),
		width: integer('width'),
		height: integer('height'),
		durationSeconds: doublePrecision('duration_seconds'),
		/** Belongs to a package (a segment of HLS, say): stored, but not listed. */
		part: boolean('part').notNull().default(false),
		/** Place among the files of its job: the first one made is its main one. */
		position: integer('position').notNull().default(0),
		createdAt: createdAt(),
	},
	(t) => [index('files_job').on(t.jobId), index('files_asset').on(t.assetId), index('files_storage_key').on(t.storageKey)],
);

export type CallbackStatus = 'pending' | 'delivered' | 'dead' | 'obsolete';

/** The outbox. Bodies are rendered from the database when they are sent, so that signed URLs in them are fresh. */
export const callbacks = pgTable(
	'callbacks',
	{
		/** Also the `webhook-id`, the same on every try. */
		id: uuid('id').primaryKey(),
		workspaceId: text('workspace_id').notNull(),
		/** batch: body of a batch; job: body of one job (P4); process and distribute: the n8n webhooks; asset: the asset has been processed. */
		kind: text('kind').$type<'batch' | 'job' | 'process' | 'distribute' | 'asset'>().notNull(),
		batchId: uuid('batch_id').references(() => batches.id),
		assetId: uuid('asset_id').references(() => assets.id),
		/** What the caller wants passed on to n8n's distribute workflow. */
		payload: jsonb('payload').$type<Record<string, unknown>>().notNull().default({}),
		/** Encrypted. */
		url: text('url').notNull(),
		urlHash: text('url_hash').notNull(),
		status: text('status').$type<CallbackStatus>().notNull().default('pending'),
		attempts: integer('attempts').notNull().default(0),
		nextAt: time('next_at').notNull().defaultNow(),
		leaseUntil: time('lease_until'),
		lastHttpStatus: integer('last_http_status'),
		/** Why it was retried or given up, in words for a person. */
		reason: text('reason'),
		createdAt: createdAt(),
		endedAt: time('ended_at'),
	},
	(t) => [index('callbacks_due').on(t.status, t.nextAt), index('callbacks_url').on(t.urlHash, t.status)],
);

export type PostStatus = 'pending' | 'processing' | 'scheduled' | 'published' | 'failed' | 'unknown' | 'needs_reauth';

/** Posts, and at the same time the ledger of publishing (platforms.md section 0). One row per logical post. */
export const posts = pgTable(
	'posts',
	{
		id: uuid('id').primaryKey(),
		workspaceId: text('workspace_id').notNull().references(() => workspaces.id),
		assetId: uuid('asset_id').references(() => assets.id),
		jobId: uuid('job_id').references(() => jobs.id),
		platform: text('platform').notNull(),
		/** The account as the platform names it; empty until known. */
		account: text('account').notNull().default(''),
		/** The same logical post has the same key however often it is submitted: hash of workspace, job or idempotency key, platform, text, media. */
		operationKey: text('operation_key').notNull(),
		status: text('status').$type<PostStatus>().notNull(),
		text: text('text').notNull().default(''),
		/** Opaque state of the platform's steps (ids of uploads, byte offsets). Encrypted: upload handles are bearer-like. */
		state: text('state'),
		/** Set before the first call that can make the post public; stays set. */
		armedAt: time('armed_at'),
		/** Since when the outcome of such a call is not known. Set before the call, null again once the platform has answered. */
		openSince: time('open_since'),
		/** How often such a call was begun, without those that the platform refused. */
		finishAttempts: integer('finish_attempts').notNull().default(0),
		/** Who works on it, until when: writes need the same value, so a process that lost the claim changes nothing. */
		claim: uuid('claim'),
		leaseUntil: time('lease_until'),
		externalPostId: text('external_post_id'),
		permalink: text('permalink'),
		/** When the platform itself is to publish it. */
		scheduledFor: time('scheduled_for'),
		error: jsonb('error').$type<PublicError>(),
		createdAt: createdAt(),
		publishedAt: time('published_at'),
		updatedAt: time('updated_at').notNull().defaultNow(),
	},
	(t) => [uniqueIndex('posts_operation_key').on(t.workspaceId, t.operationKey), index('posts_asset').on(t.assetId)],
);

/** Answers to requests that carried an idempotency key. */
export const idempotencyKeys = pgTable(
	'idempotency_keys',
	{
		workspaceId: text('workspace_id').notNull(),
		key: text('key').notNull(),
		/** `POST /api/media/process` */
		route: text('route').notNull(),
		requestHash: text('request_hash').notNull(),
		/** Null while the first request is still being worked on. */
		status: integer('status'),
		answer: jsonb('answer'),
		createdAt: createdAt(),
	},
	(t) => [uniqueIndex('idempotency_keys_key').on(t.workspaceId, t.key)],
);

/** What happened, for SSE and for the history of an asset. */
export const events = pgTable(
	'events',
	{
		id: bigserial('id', { mode: 'number' }).primaryKey(),
		workspaceId: text('workspace_id').notNull(),
		/** job.progress, job.completed, job.failed, asset.ready, post.published … */
		type: text('type').notNull(),
		assetId: uuid('asset_id'),
		jobId: uuid('job_id'),
		data: jsonb('data').$type<Record<string, unknown>>().notNull(),
		createdAt: createdAt(),
	},
	(t) => [index('events_workspace').on(t.workspaceId, t.id), index('events_asset').on(t.assetId, t.id)],
);

/** Made by Postgres of a text. */
const searchWords = customType<{ data: string }>({ dataType: () => 'tsvector' });
/**
 * Thai, Lao, Burmese, Khmer, Chinese, Japanese: written without blanks, so that the parser of Postgres takes a sentence for one word, and a
 * Latin word in it for a part of that. They are looked for as pieces of the text (search-query.ts), what stands between them as words.
 */
const WITHOUT_BLANKS = sql.raw(
	String.raw`'[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]+'`,
);

/** What can be found: a passage of a transcript, a frame, what an asset says of itself. */
export const searchEntries = pgTable(
	'search_entries',
	{
		id: uuid('id').primaryKey(),
		workspaceId: text('workspace_id').notNull(),
		assetId: uuid('asset_id').notNull().references(() => assets.id, { onDelete: 'cascade' }),
		kind: text('kind').$type<'transcript' | 'frame' | 'metadata'>().notNull(),
		/** The moment; null for the asset as a whole. */
		startSeconds: doublePrecision('start_seconds'),
		endSeconds: doublePrecision('end_seconds'),
		text: text('text').notNull(),
		words: searchWords('words').notNull().generatedAlwaysAs(sql`to_tsvector('simple', regexp_replace("text", ${WITHOUT_BLANKS}, ' ', 'g'))`),
		/** ISO 639-1; null: unknown. */
		language: text('language'),
		createdAt: createdAt(),
	},
	(t) => [index('search_entries_asset').on(t.assetId), index('search_entries_workspace').on(t.workspaceId), index('search_entries_words').using('gin', t.words)],
);

/** Vectors of entries; an entry may have one per space (ai/embedder.ts). Indexed per space by pgvector, where it is there (db/search.ts). */
export const searchVectors = pgTable(
	'search_vectors',
	{
		entryId: uuid('entry_id').notNull().references(() => searchEntries.id, { onDelete: 'cascade' }),
		space: text('space').notNull(),
		workspaceId: text('workspace_id').notNull(),
		values: real('values').array().notNull(),
	},
	(t) => [primaryKey({ columns: [t.entryId, t.space] }), index('search_vectors_workspace').on(t.workspaceId, t.space)],
);

/** Words that describe an asset, from analysis, captions and people. */
export const assetTags = pgTable(
	'asset_tags',
	{
		assetId: uuid('asset_id').notNull().references(() => assets.id, { onDelete: 'cascade' }),
		/** As `plainTag` makes it (db/tags.ts). */
		tag: text('tag').notNull(),
		workspaceId: text('workspace_id').notNull(),
		source: text('source').$type<'analysis' | 'caption' | 'person'>().notNull(),
		/** 0 to 1 */
		score: real('score').notNull().default(1),
		createdAt: createdAt(),
	},
	(t) => [primaryKey({ columns: [t.assetId, t.tag] }), index('asset_tags_workspace').on(t.workspaceId, t.tag)],
);

/** What two assets are compared by to find copies. */
export const fingerprints = pgTable(
	'fingerprints',
	{
		id: uuid('id').primaryKey(),
		workspaceId: text('workspace_id').notNull(),
		assetId: uuid('asset_id').notNull().references(() => assets.id, { onDelete: 'cascade' }),
		kind: text('kind').$type<'picture' | 'sound'>().notNull(),
		/** The moment of a frame; null for a still picture, and for sound. */
		atSeconds: doublePrecision('at_seconds'),
		/** Perceptual hash of a picture, 64 bits. */
		hash: bigint('hash', { mode: 'bigint' }),
		/** Chromaprint of a sound: 32 bits every eighth of a second. */
		sequence: integer('sequence').array(),
	},
	(t) => [
		index('fingerprints_workspace').on(t.workspaceId, t.kind),
		index('fingerprints_asset').on(t.assetId),
		// Copies of a sound share some of its numbers exactly: few of all sounds are read then.
		index('fingerprints_sequence').using('gin', t.sequence),
	],
);

/** Corrections by people and agents (C9). Never changed, only added to; the latest one on a subject holds. */
export const feedback = pgTable(
	'feedback',
	{
		id: uuid('id').primaryKey(),
		workspaceId: text('workspace_id').notNull(),
		assetId: uuid('asset_id').references(() => assets.id, { onDelete: 'cascade' }),
		kind: text('kind').$type<'word' | 'translation' | 'label' | 'caption'>().notNull(),
		data: jsonb('data').$type<Record<string, unknown>>().notNull(),
		createdAt: createdAt(),
	},
	(t) => [index('feedback_workspace').on(t.workspaceId, t.kind, t.createdAt), index('feedback_asset').on(t.assetId)],
);
