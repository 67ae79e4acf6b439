import type { Logger } from 'pino';
import type { MediaFacts } from '../media/facts.ts';
import type { MediaKind, MediaLimits } from '../media/platform-limits.ts';

/** One file that goes with a post. */
export interface PostMedia {
	/** Local path; it is read as a stream. */
	path: string;
	mime: string;
	bytes: number;
	facts: MediaFacts;
	/** SHA-256 of the bytes, hex: what makes two submissions the same post. */
	sha256: string;
	altText: string | null;
}

export type Visibility = 'public' | 'unlisted' | 'private' | 'direct';

/** What is to be published. */
export interface Post {
	text: string;
	media: PostMedia[];
	visibility: Visibility | null;
	/** ISO 639-1 code. A hint: platforms without such a field ignore it. */
	language: string | null;
	sensitive: boolean;
	spoilerText: string | null;
	scheduledAt: Date | null;
}

export interface Credentials {
	accessToken: string;
	/** Origin of the account's server, for platforms where every account has its own. */
	baseUrl: string | null;
}

/** The account as the platform names it. */
export interface Account {
	id: string;
	name: string;
}

/** The limits of a platform, or of one account's server, as data. */
export interface Limits {
	text: {
		max: number;
		/** Names the unit in messages: "characters (a link counts 23)". */
		unit: string;
		count(post: Post): number;
	};
	maxAltText: number;
	media: Partial<Record<MediaKind, MediaLimits>>;
	/** Options of a post that this platform has. */
	options: {
		visibility: readonly Visibility[];
		sensitive: boolean;
		spoilerText: boolean;
		/** Seconds that a scheduled time must lie ahead; null: no scheduling of its own. */
		scheduleLeadSeconds: number | null;
	};
}

/** Opaque small JSON of a platform's steps: ids of uploads, byte offsets. */
export type PostState = Record<string, unknown>;

/** What a step may use. */
export interface PlatformRun {
	post: Post;
	credentials: Credentials;
	/** Null until `identify` has answered, and where the platform does not tell. */
	account: Account | null;
	/** Stable for this logical post, however often it is tried. */
	operationKey: string;
	/** As last saved. */
	readonly state: PostState;
	/** Makes the state durable. Awaited after every step that changed something on the platform. */
	save(state: PostState): Promise<void>;
	/** 0 to 100, of the upload. */
	progress(percent: number): void;
	signal: AbortSignal;
	log: Logger;
	now(): Date;
	sleep(milliseconds: number): Promise<void>;
	random(): number;
	/** Longest time to wait for a throttled call inside this run; longer: the job is put back. */
	maxWaitSeconds: number;
}

/** What is known of the publishing calls made so far. */
export interface Arming {
	/** Before the first publishing call of all. */
	firstArmedAt: Date;
	/** Before the earliest publishing call whose outcome is not known. */
	openSince: Date;
	/** Publishing calls begun so far, this one included, without those that the platform refused: 1 means that no other can have posted. */
	attempts: number;
}

export interface Published {
	state: 'published';
	remoteId: string;
	permalink: string | null;
}
export interface Scheduled {
	state: 'scheduled';
	remoteId: string;
}
/** What was uploaded is gone on the platform (expired, forgotten): upload again. */
export interface Restart {
	state: 'restart';
	reason: string;
}
export interface Waiting {
	state: 'waiting';
	afterSeconds: number;
}

export type CheckResult = { state: 'ready' } | Waiting | Restart;
export type FinishResult = Published | Scheduled | Waiting | Restart;
export type ReconcileResult =
	| Published
	| Scheduled
	/** Proven: nothing was posted. */
	| { state: 'absent' }
	/** Not proven, and not needed: the platform gives a repeat the same post. */
	| { state: 'repeat' }
	/** Too early to tell. */
	| Waiting
	| { state: 'unknown'; reason: string };

/**
 * One platform. The steps are called in this order; each may be called again after a crash, with the state last saved.
 * Failures are HttpFailure (already classified) or PipelineError; both leave the state usable.
 */
export interface Platform {
	/** On the wire: `x`, `mastodon`. */
	readonly name: string;
	/** For people: `X`, `Mastodon`. */
	readonly title: string;
	/** True where every account has its own server: `secrets.base_url` is needed. */
	readonly needsBaseUrl: boolean;
	/** Who the token belongs to. Reads only; also the early test of the token. Null where the token may not tell. */
	identify(run: PlatformRun): Promise<Account | null>;
	/** Reads only. */
	limits(run: PlatformRun): Promise<Limits>;
	/** Uploads. Nothing becomes public; continues from `run.state`. */
	start(run: PlatformRun): Promise<void>;
	/** One look at whether the uploads are ready. Reads only. */
	check(run: PlatformRun): Promise<CheckResult>;
	/** The one call that makes the post public. Never repeats itself. */
	finish(run: PlatformRun, arming: Arming): Promise<FinishResult>;
	/** After a `finish` whose outcome is unknown: one look at whether the post exists. Reads only. */
	reconcile(run: PlatformRun, arming: Arming): Promise<ReconcileResult>;
}
