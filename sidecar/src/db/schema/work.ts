import { sql } from 'drizzle-orm';
import { bigint, boolean, doublePrecision, index, integer, jsonb, pgTable, primaryKey, text, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import type { Condition } from '../../contract/pipelines.ts';
import type { PublicError } from '../../errors.ts';
import { createdAt, mediaFacts, ofWorkspace, THE_WORKSPACE, time } from './columns.ts';

export const workspaces = pgTable('workspaces', {
	id: text('id').primaryKey(),
	name: text('name').notNull(),
	/** Only what was set (contract/workspace.ts). */
	settings: jsonb('settings').$type<Record<string, unknown>>().notNull().default({}),
	/** The back end that its files are written to, by name; null: the one that STORAGE names. */
	storage: text('storage'),
	/** The back end that its files are being moved from: what is not at the new place yet is read there. Null: no move is under way. */
	storageFrom: text('storage_from'),
	createdAt: createdAt(),
}, () => [ofWorkspace(`id = ${THE_WORKSPACE}`)]);

export const apiKeys = pgTable('api_keys', {
	id: uuid('id').primaryKey(),
	workspaceId: text('workspace_id').notNull().references(() => workspaces.id),
	name: text('name').notNull(),
	/** SHA-256 of the key, hex. The key itself is shown once and never stored. */
	hash: text('hash').notNull().unique(),
	/** Its last characters: people tell keys apart by them. */
	hint: text('hint').notNull().default(''),
	/** What it may do (contract/scopes.ts). */
	scopes: text('scopes').array().notNull().default(['*']),
	/** To the minute. */
	lastUsedAt: time('last_used_at'),
	/** Stops working then: the old key of a rotation. Null: never. */
	expiresAt: time('expires_at'),
	/** When another key took its place. */
	rotatedAt: time('rotated_at'),
	createdAt: createdAt(),
	revokedAt: time('revoked_at'),
}, () => [ofWorkspace()]);

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
		/** Counts the originals it has had; earlier ones are in `asset_versions`. */
		version: integer('version').notNull().default(1),
		/** The asset with the same bytes that this one was found to be a copy of; its files are not stored twice. */
		sameAs: uuid('same_as'),
		/** What the policy of the workspace has made of the original. */
		originalState: text('original_state').$type<'stored' | 'archived' | 'replaced' | 'deleted'>().notNull().default('stored'),
		/** Where the original lies since a mezzanine has taken its place (`replaced`), until retention deletes it. `sha256` stays that of the original. */
		originalKey: text('original_key'),
		originalBytes: bigint('original_bytes', { mode: 'number' }),
		/** Anyone may look at it since then: it has a player page. Null: nobody without a signed link. */
		publicAt: time('public_at'),
		title: text('title'),
		description: text('description'),
		/** BCP 47; null: unknown. */
		language: text('language'),
		owner: text('owner'),
		/** While it is uploaded: how large it may become. Counts for the quota. */
		expectedBytes: bigint('expected_bytes', { mode: 'number' }),
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
		// Holds all that db/quota.ts adds up.
		index('assets_usage').on(t.workspaceId, t.sameAs, t.originalState, t.bytes, t.expectedBytes, t.originalBytes),
		index('assets_storage_key').on(t.storageKey),
		index('assets_original_key').on(t.originalKey).where(sql`original_key is not null`),
		ofWorkspace(),
	],
);

/** Earlier originals of assets. */
export const assetVersions = pgTable(
	'asset_versions',
	{
		id: uuid('id').primaryKey(),
		workspaceId: text('workspace_id').notNull().references(() => workspaces.id),
		assetId: uuid('asset_id').notNull().references(() => assets.id, { onDelete: 'cascade' }),
		version: integer('version').notNull(),
		storageKey: text('storage_key').notNull(),
		sha256: text('sha256'),
		mime: text('mime'),
		bytes: bigint('bytes', { mode: 'number' }),
		createdAt: createdAt(),
	},
	(t) => [uniqueIndex('asset_versions_version').on(t.assetId, t.version), index('asset_versions_storage_key').on(t.storageKey), index('asset_versions_workspace').on(t.workspaceId, t.createdAt), ofWorkspace()],
);

/** Named lists of operations (P15). Every change is a new version; the newest one holds. */
export const pipelines = pgTable(
	'pipelines',
	{
		id: uuid('id').primaryKey(),
		workspaceId: text('workspace_id').notNull().references(() => workspaces.id),
		name: text('name').notNull(),
		version: integer('version').notNull(),
		definition: jsonb('definition').$type<Record<string, unknown>>().notNull(),
		/** Set on the newest version when it was deleted. */
		deletedAt: time('deleted_at'),
		createdAt: createdAt(),
	},
	(t) => [uniqueIndex('pipelines_version').on(t.workspaceId, t.name, t.version), ofWorkspace()],
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
	(t) => [index('batches_callback_hash').on(t.callbackUrlHash), index('batches_deadline').on(t.deadlineAt), ofWorkspace()],
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
		/** Of a job that a named pipeline asked for: its condition, and whether it may fail (pipeline/pipelines.ts). */
		step: jsonb('step').$type<{ pipeline: string; version: number; when?: Condition; optional?: boolean }>(),
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
		/** Passed over because its workspace works on as many jobs as it may (`max_concurrent_jobs`): it has no message until one of them ends. */
		waitsForSlot: boolean('waits_for_slot').notNull().default(false),
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
		index('jobs_waiting_for_slot').on(t.workspaceId, t.rank).where(sql`waits_for_slot`),
		index('jobs_workspace_completed').on(t.workspaceId, t.completedAt).where(sql`completed_at is not null`),
		index('jobs_workspace_status').on(t.workspaceId, t.status, t.createdAt),
		ofWorkspace(),
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
	(t) => [primaryKey({ columns: [t.workspaceId, t.priority] }), ofWorkspace()],
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
	(t) => [index('files_job').on(t.jobId), index('files_asset').on(t.assetId), index('files_storage_key').on(t.storageKey), index('files_usage').on(t.workspaceId, t.storageKey, t.bytes), ofWorkspace()],
);

/** Answers to requests that carried an idempotency key. */
export const idempotencyKeys = pgTable(
	'idempotency_keys',
	{
		workspaceId: text('workspace_id').notNull(),
		key: text('key').notNull(),
		/** `POST /api/media/process` */
		route: text('route').notNull(),
		/** Of the body, and of the scopes of the API key. */
		requestHash: text('request_hash').notNull(),
		/** Null while the first request is still being worked on. */
		status: integer('status'),
		answer: jsonb('answer'),
		createdAt: createdAt(),
	},
	(t) => [uniqueIndex('idempotency_keys_key').on(t.workspaceId, t.key), ofWorkspace()],
);
