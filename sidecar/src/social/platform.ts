import type { Logger } from 'pino';
import type { z } from 'zod';
import type { MediaFacts } from '../media/facts.ts';
import type { MediaKind, MediaLimits, VideoPlatformName } from '../media/platform-limits.ts';
import type { Pace } from './pace.ts';

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
	/** Where platforms that fetch media themselves find it, for as long as a publication takes. Null: there is no such address. */
	url: string | null;
}

/** Subtitles that go with a video, in both common forms. */
export interface PostSubtitles {
	/** BCP 47: `en`, `pt-BR`. */
	language: string;
	/** As the platform shows the track in its list. */
	label: string;
	srt: string;
	vtt: string;
}

/** What a post answers: the post before it in a thread, or the one that it comments. */
export interface ReplyTo {
	/** Id on the platform. */
	remoteId: string;
	/** Id of the first post of the thread; `remoteId` itself where the answered post is the first. */
	rootId: string;
}

export type Visibility = 'public' | 'unlisted' | 'private' | 'direct';

/** What is to be published. */
export interface Post {
	text: string;
	media: PostMedia[];
	/** Headline, where posts have one. */
	title: string | null;
	/** Search words beside the text, without `#`. */
	tags: string[];
	/** What the post links to: a card, or the destination of a pin. Links within the text are in the text. */
	link: string | null;
	/** Picture that is shown before the video plays. */
	cover: PostMedia | null;
	/** Moment of the video that is shown before it plays, seconds, where no `cover` is given. */
	coverSeconds: number | null;
	subtitles: PostSubtitles[];
	/** Set: this is a further post of a thread, or a comment on the platforms that have those instead. */
	replyTo: ReplyTo | null;
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
	/** Further secrets that one platform needs, by name (the identifier that goes with an app password). */
	extra: Readonly<Record<string, string>>;
}

/** The account as the platform names it. */
export interface Account {
	id: string;
	name: string;
}

/** What must be changed before a post can be made. */
export interface PostProblem {
	/** Parameter of the operation: `text`, `media[1]`; `account` for what only the account's owner can change. */
	field: string;
	/** What is wrong, and what would put it right. */
	message: string;
	/** True: the operation itself can put it right (shorten the text, make a rendition) when it is told to. */
	fixable?: boolean;
}

/** The limits of a platform, or of one account's server, as data. What is absent, the platform does not have. */
export interface Limits {
	text: {
		max: number;
		/** Names the unit in messages: "characters (a link counts 23)". */
		unit: string;
		count(post: Post): number;
	};
	title?: {
		max: number;
		unit: string;
		count(title: string): number;
		required: boolean;
	};
	maxAltText: number;
	media: Partial<Record<MediaKind, MediaLimits>>;
	/** A post of words alone cannot be made. */
	needsMedia?: boolean;
	/** Files of different kinds may be in one post, this many together. Absent: never. */
	maxMixed?: number;
	/** The preset of `platform_rendition` that makes a video fit: a key of VIDEO_PLATFORMS. */
	videoPreset?: VideoPlatformName;
	/** The platform fetches the media itself, from `PostMedia.url`: public https, or anything where it runs on this machine. */
	fetchesMedia?: 'public' | 'any';
	/** What the account does not allow now (quota, permission), and what else only this platform knows: further problems of this post. */
	problems?: PostProblem[];
	/** Options of a post that this platform has. */
	options: {
		visibility: readonly Visibility[];
		sensitive: boolean;
		spoilerText: boolean;
		/** Seconds that a scheduled time must lie ahead; null: no scheduling of its own. */
		scheduleLeadSeconds: number | null;
		/** Seconds that it may lie ahead at most. */
		scheduleMaxSeconds?: number;
		link?: boolean;
		tags?: boolean;
		cover?: boolean;
		coverSeconds?: boolean;
		/** Tracks of subtitles. */
		subtitles?: number;
		/** What may follow the post: further posts of a thread (each also serves as first comment), or comments only. */
		replies?: 'thread' | 'comments';
	};
}

/** Opaque small JSON of a platform's steps: ids of uploads, byte offsets. */
export type PostState = Record<string, unknown>;

/** What a call on behalf of an account may use. */
export interface AccountRun {
	credentials: Credentials;
	/** Null until `identify` has answered, and where the platform does not tell. */
	readonly account: Account | null;
	/** The platform's own options, as its `settings` schema gives them. */
	settings: Settings;
	signal: AbortSignal;
	log: Logger;
	now(): Date;
	sleep(milliseconds: number): Promise<void>;
	random(): number;
	/** Longest time to wait for a throttled call inside this run; longer: the job is put back. */
	maxWaitSeconds: number;
	/** Longest time to wait inside this run for a turn under a rate limit; longer: the job is put back, as it has tried nothing. */
	maxTurnSeconds: number;
	/** The call for which an earlier try was put back. */
	waitedFor: string | null;
	/** Rate limits of the account, shared with all workers. Null: nobody counts. */
	pace: Pace | null;
}

/** What a step of publishing may use. */
export interface PlatformRun extends AccountRun {
	post: Post;
	/** Stable for this logical post, however often it is tried. */
	operationKey: string;
	/** As last saved. */
	readonly state: PostState;
	/** Makes the state durable. Awaited after every step that changed something on the platform. */
	save(state: PostState): Promise<void>;
	/** 0 to 100, of the upload. */
	progress(percent: number): void;
}

/** Options that one platform has and others do not. */
export type Settings = Record<string, unknown>;

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
	/** What the user should know although the post is out: "YouTube made it private". */
	warnings?: string[];
}
export interface Scheduled {
	state: 'scheduled';
	remoteId: string;
	permalink?: string | null;
	warnings?: string[];
}
/** The platform has everything and publishes by itself: `reconcile` tells when. */
export interface Accepted {
	state: 'accepted';
	afterSeconds: number;
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
export type FinishResult = Published | Scheduled | Accepted | Waiting | Restart;
export type ReconcileResult =
	| Published
	| Scheduled
	/** Proven: nothing was posted. */
	| { state: 'absent' }
	/** Not proven, and not needed: the platform gives a repeat the same post. */
	| { state: 'repeat' }
	/** Too early to tell. */
	| Waiting
	/** The platform took it and then refused it: nothing is out, and trying again would end the same. */
	| { state: 'rejected'; reason: string; platformCode?: string }
	| { state: 'unknown'; reason: string };

/** What has become of a post that exists. */
export type LookResult =
	| Published
	| Scheduled
	/** Not there any more, or taken down. */
	| { state: 'gone'; reason: string };

/** What the ledger knows of a post that is looked at. */
export interface PostRecord {
	text: string;
	/** Null: it is not scheduled, as far as is known. */
	scheduledFor: Date | null;
}

/** Numbers as the platform gives them; null where it gives none. */
export interface Engagement {
	/** How often it was seen: plays of a video, impressions of anything else. */
	views: number | null;
	likes: number | null;
	comments: number | null;
	shares: number | null;
	saves: number | null;
	clicks: number | null;
}

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
	/** Names in `secrets` that the platform needs beside `access_token`. Default: none. */
	readonly needsSecrets?: readonly string[];
	/** The platform's own options: strict, `.describe()` on every field, everything optional or with a default where that can be. */
	readonly settings: z.ZodType<Settings>;
	/** Settings that choose this account, where a token reaches several: for a post that was made with them. Absent: a token is one account. */
	settingsOf?(accountId: string): Settings;
	/** Who the token belongs to. Reads only; also the early test of the token. Null where the token may not tell. */
	identify(run: AccountRun): Promise<Account | null>;
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
	/**
	 * What can only be added to a post that exists (a thumbnail, tracks of subtitles). Called with the state of the steps until it
	 * ends; each part of it may be repeated. Answers what could not be added, in words for the user.
	 */
	readonly after?: {
		needed(post: Post): boolean;
		run(run: PlatformRun, remote: Published | Scheduled): Promise<string[]>;
	};
	/** The post as it is now. Reads only. Absent: the platform does not tell. */
	look?(run: AccountRun, remoteId: string, record?: PostRecord): Promise<LookResult>;
	/** Takes the post away; one that is gone already is a success. Absent: `cannot.remove` says what the user does instead. */
	remove?(run: AccountRun, remoteId: string, status: 'published' | 'scheduled'): Promise<void>;
	/** Reads only. A post that is not in the answer is gone. Absent: `cannot.measure` says why. */
	measure?(run: AccountRun, remoteIds: readonly string[]): Promise<ReadonlyMap<string, Engagement>>;
	readonly cannot?: { remove?: string; measure?: string };
}
