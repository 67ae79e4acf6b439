import type { PostStatus } from '../db/schema.ts';
import { PipelineError, toPipelineError, type ErrorCode } from '../errors.ts';
import { throttleSeconds } from './call.ts';
import { HttpFailure, type Decision } from './outcome.ts';
import type { Platform } from './platform.ts';

const CODES: Record<Decision, ErrorCode> = {
	retry: 'platform_unavailable',
	wait: 'platform_rate_limited',
	reauth: 'needs_reauth',
	stop: 'post_rejected',
	unknown: 'post_unknown',
};

interface Situation {
	platform: Pick<Platform, 'name' | 'title'>;
	/** Null: there is no row of it (yet). */
	postId: string | null;
	/** A publishing call may have taken effect without our knowing. */
	open: boolean;
	/** The post exists: what failed was to be added to it. */
	out?: boolean;
	/** Nothing was to be published: a look at a post, or its removal. */
	reading?: boolean;
	signal: AbortSignal;
	now?: Date;
}

/** What a failed run means for the post and for its user. */
export function explain(error: unknown, { platform, postId, open, out = false, reading = false, signal, now = new Date() }: Situation): { status: PostStatus; error: PipelineError } {
	const known = error instanceof HttpFailure ? fromHttp(error, platform.title, reading ? 'aside' : out ? 'out' : open ? 'open' : 'absent', now) : signal.aborted ? aborted(error) : toPipelineError(error);
	const status = statusOf(known, { open, out });
	// What a platform answered says so already.
	const unsure = open && !out && known.code !== 'post_unknown' && !(error instanceof HttpFailure);
	const after = unsure ? ' An earlier call may have published the post; that is not known.' : out && !(error instanceof HttpFailure) ? ' The post itself is out.' : '';
	return {
		status,
		error: new PipelineError(known.code, `${known.message}${after}`, {
			details: { ...known.details, platform: platform.name, ...(postId === null ? {} : { post_id: postId }), ...(reading ? {} : { post_status: status }) },
			cause: known.cause ?? error,
			...(known.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: known.retryAfterSeconds }),
			untried: known.untried,
		}),
	};
}

function statusOf({ code, untried }: PipelineError, { open, out }: { open: boolean; out: boolean }): PostStatus {
	if (out) return 'published';
	if (code === 'needs_reauth') return 'needs_reauth';
	if (open || code === 'post_unknown') return 'unknown';
	// It waits for its turn; when the job ends without, the end is written down then (pipeline/post-events.ts).
	return untried ? 'pending' : 'failed';
}

function aborted(error: unknown): PipelineError {
	return error instanceof PipelineError ? error : new PipelineError('cancelled', 'Publishing was stopped.', { cause: error });
}

/** What is known of the post: nothing is public; that is not known; it exists; or it is not what this is about. */
type Known = 'absent' | 'open' | 'out' | 'aside';

const STATES: Record<Known, string> = {
	absent: 'Nothing was posted.',
	aside: '',
	open: 'Whether the post was published is not known yet; it will be looked up before anything is sent again.',
	out: 'The post itself is out; what was to be added to it is missing.',
};

function fromHttp(failure: HttpFailure, title: string, post: Known, now: Date): PipelineError {
	const said = failure.detail ? ` (${failure.status === null ? '' : `HTTP ${failure.status}: `}${failure.detail})` : failure.status === null ? '' : ` (HTTP ${failure.status})`;
	const state = STATES[post];
	const hint = failure.hint ? ` ${failure.hint}` : '';
	const kept = post === 'aside' ? '' : '; uploads made so far are kept';
	const messages: Record<Decision, string> = {
		retry: `${title} could not be reached or did not work: ${failure.action}${said}.${hint} ${state}`,
		wait: `${title} asks to slow down: ${failure.action}${said}.${hint} ${state}`,
		reauth: `${title} does not accept the access token: ${failure.action}${said}.${hint} Reconnect the account in n8n, then run it again${kept}. ${state}`,
		stop: `${title} refused: ${failure.action}${said}.${hint} ${state}`,
		unknown: `It is not known whether ${title} published the post: ${failure.action}${said}. Look at the account before you post again.`,
	};
	const decision = decisionFor(failure.decision, post);
	return new PipelineError(CODES[decision], messages[decision].trim(), {
		details: {
			action: failure.action,
			...(failure.status === null ? {} : { http_status: failure.status }),
			...(failure.platformCode === null ? {} : { platform_code: failure.platformCode }),
			...(failure.hint === null ? {} : { hint: failure.hint }),
			...(failure.retryAt === null ? {} : { retry_at: failure.retryAt.toISOString() }),
		},
		cause: failure,
		...(failure.decision === 'wait' ? { retryAfterSeconds: throttleSeconds(failure, now) } : {}),
		untried: failure.untried,
	});
}

function decisionFor(decision: Decision, post: Known): Decision {
	// A refused repeat says nothing of the earlier call.
	if (post === 'open' && decision === 'stop') return 'unknown';
	// What is not known then is not whether the post exists.
	return decision === 'unknown' && (post === 'out' || post === 'aside') ? 'retry' : decision;
}
