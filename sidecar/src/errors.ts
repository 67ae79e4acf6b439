/**
 * One error class with a closed list of codes, and the one table that says what each code means: its HTTP status, and
 * whether trying the same thing again can help. `message` is written for the person who must act; whatever helps only
 * the developer goes into `cause`, which is logged and never sent.
 */
interface ErrorKind {
	/** HTTP status when the error answers a request. */
	status: number;
	/** True when the same job can succeed later without anyone changing anything (architecture.md: "errors that can pass"). */
	retryable: boolean;
}

const bad = (status: number): ErrorKind => ({ status, retryable: false });
const passing = (status: number): ErrorKind => ({ status, retryable: true });

export const ERROR_KINDS = {
	// The request
	invalid_request: bad(400),
	unknown_operation: bad(400),
	unauthorized: bad(401),
	forbidden: bad(403),
	not_found: bad(404),
	conflict: bad(409),
	idempotency_conflict: bad(409),
	expired: bad(410),
	// The media
	input_forbidden: bad(422),
	input_too_large: bad(413),
	input_empty: bad(422),
	input_not_media: bad(422),
	input_unsupported: bad(422),
	input_corrupt: bad(422),
	input_no_audio: bad(422),
	input_no_video: bad(422),
	/** A safety scan found what its thresholds do not allow. */
	content_unsafe: bad(422),
	/** A virus scanner has found something in it. */
	input_infected: bad(422),
	/** The virus scanner that must look at it does not answer: nothing passes until it does. */
	scanner_unavailable: passing(503),
	input_not_found: bad(422),
	input_unreachable: passing(502),
	// The work
	processing_failed: bad(500),
	processing_timeout: bad(500),
	processing_stalled: passing(500),
	worker_lost: passing(500),
	dependency_failed: bad(424),
	deadline_exceeded: bad(504),
	cancelled: bad(409),
	storage_failed: passing(500),
	storage_full: bad(507),
	/** The file is in an archive: it must be fetched from there first, which takes hours. */
	storage_archived: bad(409),
	/** The workspace has used up what it may have. */
	quota_exceeded: bad(403),
	/** Too many requests with this key. */
	rate_limited: passing(429),
	// Providers of AI
	provider_not_configured: bad(424),
	/** The key is wrong, revoked, or not allowed to do this. */
	provider_key_refused: bad(424),
	/** The model, or a filter before it, does not want to deal with this content. */
	provider_content_refused: bad(422),
	/** What came back is not what was asked for: no JSON, no sound, another form. */
	provider_answer_invalid: bad(424),
	provider_rejected: bad(424),
	provider_rate_limited: passing(429),
	provider_unavailable: passing(502),
	// Social platforms
	post_invalid: bad(422),
	post_rejected: bad(424),
	post_unknown: bad(424),
	needs_reauth: bad(424),
	platform_rate_limited: passing(429),
	platform_unavailable: passing(502),
	// n8n
	n8n_unreachable: bad(502),
	// Ours
	internal: passing(500),
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERROR_KINDS;

/** What a user sees of an error: in HTTP answers (under `error`), in jobs, in callbacks. */
export interface PublicError {
	code: ErrorCode;
	message: string;
	details?: Record<string, unknown>;
}

export interface PipelineErrorOptions {
	/** Facts a program can use, e.g. `{ field: 'params.height', given: -1, allowed: '16 to 4320' }`. Never secrets. */
	details?: Record<string, unknown>;
	/** The original error; logged, never sent. */
	cause?: unknown;
	/** Earliest time of the next try, where the other side named one (Retry-After). */
	retryAfterSeconds?: number;
	/** Nothing was tried: it was clear that it had to wait. A job that ends so is not one try further. */
	untried?: boolean;
}

export class PipelineError extends Error {
	readonly code: ErrorCode;
	readonly details: Record<string, unknown> | undefined;
	readonly retryAfterSeconds: number | undefined;
	readonly untried: boolean;

	constructor(code: ErrorCode, message: string, options: PipelineErrorOptions = {}) {
		super(message, { cause: options.cause });
		this.name = 'PipelineError';
		this.code = code;
		this.details = options.details;
		this.retryAfterSeconds = options.retryAfterSeconds;
		this.untried = options.untried ?? false;
	}

	get status(): number {
		return ERROR_KINDS[this.code].status;
	}

	get retryable(): boolean {
		return ERROR_KINDS[this.code].retryable;
	}

	toPublic(): PublicError {
		return { code: this.code, message: this.message, ...(this.details ? { details: this.details } : {}) };
	}
}

/** Any thrown value as a PipelineError. What we did not foresee becomes `internal`: its text stays in the log. */
export function toPipelineError(error: unknown): PipelineError {
	if (error instanceof PipelineError) return error;
	return new PipelineError('internal', 'Something unexpected went wrong in the sidecar. Its log has the details.', {
		cause: error,
	});
}

/**
 * Whether work that was aborted for this reason is taken up again, by this process or by another one: what it has begun
 * elsewhere, and paid, is left for then.
 */
export const goesOn = (reason: unknown): boolean => reason instanceof Error && 'goesOn' in reason && reason.goesOn === true;
