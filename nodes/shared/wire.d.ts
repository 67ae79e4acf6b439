/**
 * The wire between the nodes and the sidecar, as types only. `sidecar/src/contract` holds the zod schemas of the same
 * shapes; `test/sidecar/contract/wire.test.ts` fails to compile when the two drift apart.
 */

/** Where the bytes of an asset come from. */
export type Source =
	| { type: 'url'; url: string }
	| { type: 'google_drive'; file_id: string; access_token: string }
	/** A shared link, or a path or id; without a token only the link. */
	| { type: 'dropbox'; url?: string; path?: string; access_token?: string }
	/** Link of an attachment; with the token of a bot it is renewed when it has expired. */
	| { type: 'discord'; url: string; bot_token?: string }
	| { type: 's3'; bucket: string; key: string; region?: string; endpoint?: string; access_key_id: string; secret_access_key: string; session_token?: string }
	/** Below WATCH_DIR of the sidecar. */
	| { type: 'folder'; path: string };

/** Places that hold many files. */
export type ListSource =
	| { type: 'google_drive_folder'; folder_id?: string; recursive?: boolean; access_token: string }
	| { type: 'google_drive_changes'; drive_id?: string; folder_id?: string; access_token: string }
	| { type: 'dropbox_folder'; url?: string; path?: string; recursive?: boolean; access_token: string }
	| { type: 'rss'; url: string }
	| { type: 'folder'; path?: string; recursive?: boolean }
	| { type: 's3_prefix'; bucket: string; prefix?: string; region?: string; endpoint?: string; access_key_id: string; secret_access_key: string; session_token?: string };

/** POST /api/media/sources/list */
export interface ListRequest {
	source: ListSource;
	/** From the last answer: the next page, or what is new since then. */
	cursor?: string | null;
	/** Default 100, at most 1000. */
	limit?: number;
}
export interface ListAnswer {
	entries: Array<{
		/** Ready for `source` of a batch item, once its token is added. */
		source: { type: string; [field: string]: unknown };
		name: string;
		bytes: number | null;
		mime: string | null;
		modified_at: string | null;
		/** The same as long as the content is the same. */
		version: string;
		metadata: Record<string, unknown>;
	}>;
	/** null: this place cannot tell what is new; list it again from the beginning. */
	cursor: string | null;
	/** There is more now: ask again with the cursor. */
	has_more: boolean;
	skipped: Array<{ name: string; reason: string }>;
}

/** When the same bytes are in the workspace already: share the stored file, store it again, or (with `asset_id`) make it the next version of that asset. */
export type Dedupe = 'link' | 'version' | 'copy';

export type JobStatus = 'pending' | 'processing' | 'completed' | 'failed' | 'cancelled';
export type AssetStatus = 'pending' | 'uploading' | 'queued' | 'processing' | 'analyzing' | 'ready' | 'processed' | 'failed';
export type FileType = 'video' | 'image' | 'audio';

/** One piece of work of a batch. Exactly one of `asset_id`, `file_url`, `source` names the media; `job_id` may stand alone. */
export interface BatchItem {
	/** `ingest`, `probe`, `thumbnail`, `compress`, `crop`, `convert`, `transcribe`, `caption`, `publish` … see GET /api/media/operations. */
	operation: string;
	/** A job that POST /api/media/process created and that waits to be started. Any other value is stored as the caller's own reference. */
	job_id?: string;
	asset_id?: string;
	file_url?: string;
	source?: Source;
	params?: Record<string, unknown>;
	/** false: made anew, even where the same result exists already. Default true. */
	reuse?: boolean;
	/** Tokens that only this job may use: `publish` takes `{ access_token }`. Encrypted at rest, erased when the job ends. */
	secrets?: Record<string, string>;
	/** Free data kept with a newly made asset. */
	metadata?: Record<string, unknown>;
	/** Default link. */
	dedupe?: Dedupe;
	/** With `ingest`: kept and shown with the asset that is made. */
	details?: AssetDetails;
	/** With `ingest`: must be scanned for viruses, also where the workspace does not ask for it. */
	scan?: boolean;
	/** With `ingest`: what is done with the asset afterwards, in the same batch. */
	pipeline?: string;
}

/** What people say of an asset. */
export interface AssetDetails {
	title?: string | null;
	description?: string | null;
	/** BCP 47 */
	language?: string | null;
	owner?: string | null;
	tags?: string[];
}
/** PATCH /api/media/assets/:id */
export type AssetChange = AssetDetails & { metadata?: Record<string, unknown> };

/** GET /api/media/assets */
export interface AssetList {
	assets: Asset[];
	next_cursor: string | null;
}
/** GET /api/media/pipelines */
export interface PipelineList {
	pipelines: Array<{ name: string; version: number; description: string; steps: Array<{ operation: string }> }>;
}

/** POST /api/media/batch */
export interface BatchRequest {
	items: BatchItem[];
	/** Called once, when every item has ended. n8n's resume URL, or any URL. */
	callback_url?: string;
	/** Told the percentage of each job while it runs, best effort. */
	progress_url?: string;
	/** Seconds after which unfinished items fail with `deadline_exceeded`. Default 86400, at most 604800. */
	deadline_seconds?: number;
	/** Higher goes first. Default 0; -10 to 10. */
	priority?: number;
}

/** Answer to POST /api/media/batch (202). `jobs` is in the order of `items`; an item with a pipeline has several. */
export interface BatchAccepted {
	batch_id: string;
	status: 'pending' | 'completed';
	jobs: Array<{ id: string; item_index: number; job_type: string; status: JobStatus; asset_id: string | null; estimated_duration: number }>;
}

export interface PublicError {
	code: string;
	message: string;
	details?: Record<string, unknown>;
}

export interface OutputFile {
	/** e.g. `compressed.mp4` */
	name: string;
	/** Signed, expires (FILE_URL_TTL_SECONDS). */
	url: string;
	mime: string;
	bytes: number;
	width?: number;
	height?: number;
	duration_seconds?: number;
}

/** What an operation made. Operations add their own fields beside these (`transcription`, `captions`, `post` …). */
export interface OutputData {
	files?: OutputFile[];
	/** First video or audio file made. */
	processed_url?: string;
	/** First image made. */
	thumbnail_url?: string;
	[field: string]: unknown;
}

export interface Job {
	id: string;
	/** Null for jobs that POST /api/media/process made, until n8n has started them, and for the ingest behind a `file_url`. */
	batch_id: string | null;
	asset_id: string | null;
	job_type: string;
	status: JobStatus;
	/** 0 to 100 */
	progress: number;
	params: Record<string, unknown>;
	output_data: OutputData | null;
	error: PublicError | null;
	attempts: number;
	priority: number;
	/** The caller's own reference, where one was given as `job_id`. */
	external_job_id: string | null;
	/** Milliseconds per step, e.g. `{ download: 812, ffmpeg: 10234 }`. */
	steps: Record<string, number>;
	/** What it used, e.g. `{ cpu_seconds: 12.1, storage_bytes: 1048576, ai_tokens: 900 }`. */
	cost: Record<string, number>;
	created_at: string;
	started_at: string | null;
	completed_at: string | null;
}

export interface Asset {
	id: string;
	workspace_id: string;
	source: string;
	source_id: string | null;
	file_type: FileType | null;
	status: AssetStatus;
	original_url: string | null;
	processed_url: string | null;
	thumbnail_url: string | null;
	/** Signed URL of the stored original; null until it is stored. */
	file_url: string | null;
	mime: string | null;
	duration_seconds: number | null;
	width: number | null;
	height: number | null;
	file_size_bytes: number | null;
	title: string | null;
	description: string | null;
	/** BCP 47 */
	language: string | null;
	owner: string | null;
	/** Counts the originals that it has had. */
	version: number;
	/** The asset with the same bytes that this one shares its original with. */
	same_as: string | null;
	original_state: 'stored' | 'archived' | 'replaced' | 'deleted';
	/** Since when anyone may look at its page. */
	public_at: string | null;
	metadata: Record<string, unknown>;
	/** Words that describe it, those of people first; `score` 0 to 1. */
	tags: Array<{ tag: string; source: 'analysis' | 'caption' | 'person'; score: number }>;
	/** What all jobs on it have used together. */
	cost: Record<string, number>;
	error: PublicError | null;
	created_at: string;
	updated_at: string;
}

/** Sent to `callback_url` of a batch, once, when all its jobs have ended. `jobs` is in the order of the items. */
export interface BatchCallback {
	type: 'batch.finished';
	batch_id: string;
	/** completed: all jobs; failed: none; partial: some. */
	status: 'completed' | 'failed' | 'partial';
	jobs: BatchCallbackJob[];
}

export interface BatchCallbackJob {
	job_id: string;
	/** Position of the item in the request. */
	item_index: number;
	asset_id: string | null;
	operation: string;
	status: 'completed' | 'failed' | 'cancelled';
	output_data: OutputData | null;
	error: PublicError | null;
}

/** GET /api/media/batches/:id, for nodes that hold and poll: the callback body, with `pending` until everything has ended. */
export interface BatchView {
	batch_id: string;
	status: 'pending' | 'completed' | 'failed' | 'partial';
	progress: { total: number; completed: number; failed: number; percent: number };
	jobs: Array<Omit<BatchCallbackJob, 'status'> & { status: JobStatus; progress: number }>;
}

/** POST /api/media/sign → where to PUT the bytes of an n8n binary, as a stream. */
export interface SignRequest {
	file_name: string;
	file_size: number;
	mime_type: string;
	/** Default put. tus: resumable; multipart: in parts straight to the store. */
	protocol?: 'put' | 'tus' | 'multipart';
	/** Of the whole file, hexadecimal. */
	sha256?: string;
	expires_in_seconds?: number;
	metadata?: Record<string, unknown>;
	details?: AssetDetails;
	dedupe?: Exclude<Dedupe, 'version'>;
	/** Must be scanned for viruses, also where the workspace does not ask for it. */
	scan?: boolean;
}
export interface SignAnswer {
	asset_id: string;
	upload_url: string;
	method: 'PUT' | 'POST';
	/** To be sent exactly so. */
	headers: Record<string, string>;
	expires_at: string;
	/** To be told (POST) when the bytes are there; null: the upload ends by itself. */
	complete_url: string | null;
	tus: { endpoint: string; expires_at: string; upload_url: string | null } | null;
	multipart: { part_bytes: number; parts: number; parts_url: string; abort_url: string } | null;
	/** For a person. */
	warnings: string[];
}

/** POST /api/media/webhooks */
export interface WebhookRequest {
	url: string;
	/** `post.published`, `post.*`, `*` … */
	events: string[];
	asset_id?: string;
	description?: string;
}
/** An entry of GET /api/media/webhooks. */
export interface Webhook {
	id: string;
	/** Without its query. */
	url: string;
	events: string[];
	asset_id: string | null;
	description: string;
	status: 'active' | 'disabled';
	disabled_reason: string | null;
	disabled_at: string | null;
	failing_since: string | null;
	failures: number;
	last_failure: string | null;
	last_delivered_at: string | null;
	pending: number;
	created_at: string;
}
/** `secret` is `whsec_…`, and shown this once. */
export interface WebhookCreated extends Webhook {
	secret: string;
}

/** Every 4xx and 5xx answer. */
export interface ErrorAnswer {
	error: PublicError;
}
