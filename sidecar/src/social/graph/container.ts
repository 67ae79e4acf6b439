import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import { graphId, type Graph } from '../graph.ts';
import { hintOfSubcode, isNotReady, isPassing } from './errors.ts';
import { HttpFailure, redact } from '../outcome.ts';
import type { AccountRun, Arming, CheckResult, Engagement, FinishResult, LookResult, PlatformRun, Published, ReconcileResult } from '../platform.ts';
import { unsettledMs } from '../settle.ts';

/** What became of a container, as Instagram and Threads tell it; GONE: they do not know it. */
export interface ContainerLook {
	status: 'IN_PROGRESS' | 'FINISHED' | 'ERROR' | 'EXPIRED' | 'PUBLISHED' | 'GONE';
	/** Of an ERROR: whether a new container may end otherwise. */
	passing: boolean;
	/** Of an ERROR: what is wrong, and what to do. */
	reason: string;
	/** Of an ERROR. */
	platformCode: string | null;
}

const answerSchema = z.object({
	id: graphId,
	/** Instagram. */
	status_code: z.string().optional(),
	/** Threads: the status. Instagram: a sentence with the subcode of the error. */
	status: z.string().optional(),
	/** Threads. */
	error_message: z.string().optional(),
});

const STATUSES = ['IN_PROGRESS', 'FINISHED', 'ERROR', 'EXPIRED', 'PUBLISHED'] as const;

/** Asked for a field that the object does not have: it exists, but is no post (a comment; a container whose post was not found). */
export const isNoPost = (error: unknown): error is HttpFailure => error instanceof HttpFailure && error.platformCode === '100';

/** Numbers of what exists, but has none. */
export const UNKNOWN: Engagement = { views: null, likes: null, comments: null, shares: null, saves: null, clicks: null };

/** Where a container is published, and how its post is found again. */
export interface ContainerParts {
	graph: Graph;
	/** `Instagram` */
	title: string;
	/** Fields of a container's status. */
	fields: string;
	/** What an error of a container means, where it is no subcode. */
	explain?(message: string): { reason: string; passing: boolean } | null;
	/** `/178…/media_publish` */
	publishPath(run: PlatformRun): string;
	/** Ids of the account's posts since `since` that look like this one. Null: none was found, but not all could be looked through. */
	find(run: PlatformRun, since: Date): Promise<string[] | null>;
	/** What the user should know although the post is out. */
	warnings?(run: PlatformRun): string[];
	/** How long after a publishing call it can still take effect, or its post be unseen: well above PUBLISH_TIMEOUT_SECONDS. Default 75. */
	settleSeconds?: number;
}

/** What the flow keeps in the state of the steps, beside what the platform keeps there. */
export const containerStateSchema = z.looseObject({
	/** Id of the post, known before its permalink is. */
	mediaId: z.string().optional(),
	/** Code with which the publishing call was refused although the post may be out (platforms.md 5.3). */
	blocked: z.string().optional(),
	/** Before the last publishing call, by the clock of its process (milliseconds since 1970). */
	sentAt: z.number().nullable().default(null),
});

/** Longest a publishing call may take: less than the lease of a claim. */
export const PUBLISH_TIMEOUT_SECONDS = 30;
/** As it is by default, for comments as for posts. */
export const SETTLE_SECONDS = 75;
/** Clocks differ: posts are looked for from this time before the call. */
const CLOCK_MARGIN_MS = 5 * 60_000;
/** A container just made may not be found yet (platforms.md 5.5, 100/33). */
const YOUNG_MS = 60_000;
/** Advised is once a minute, others ask every 20 s (platforms.md 5.2); pictures and short videos are ready sooner. */
const POLLS = [
	{ youngerThanMs: 10_000, seconds: 2 },
	{ youngerThanMs: YOUNG_MS, seconds: 5 },
	{ youngerThanMs: Infinity, seconds: 20 },
] as const;
const LOOK_SECONDS = 5;
/** Which posts are seen is known after this time: a post is published, but its id is not found. */
const FIND_SECONDS = 120;

export const pollSeconds = (createdAt: number, now: Date): number =>
	POLLS.find(({ youngerThanMs }) => now.getTime() - createdAt < youngerThanMs)?.seconds ?? LOOK_SECONDS;

/** `2026-11-21T10:00:00+0000` */
export const graphTime = (text: string): number => Date.parse(text.replace(/([+-]\d\d)(\d\d)$/, '$1:$2'));

/** Where a post is seen: shown to people as a link, so nothing but an address of the web. */
const permalinkSchema = z.object({
	id: graphId,
	permalink: z
		.url({ protocol: /^https?$/ })
		.nullish()
		.catch(null),
});

/** Object not found, or not to be seen. */
export const isMissing = (error: unknown): error is HttpFailure => error instanceof HttpFailure && error.platformCode === '100/33';

/** Containers, as Instagram and Threads have them: made, looked at, published once, found again (platforms.md 5.2, 5.3, 7.2). */
export function createContainers({ graph, title, fields, explain, publishPath, find, warnings = () => [], settleSeconds = SETTLE_SECONDS }: ContainerParts) {
	async function look(run: AccountRun, id: string): Promise<ContainerLook> {
		const nothing = { passing: false, reason: '', platformCode: null };
		try {
			const { data } = await graph.call(run, {
				action: 'ask whether the media is ready',
				effect: 'read',
				method: 'GET',
				path: `/${id}`,
				values: { fields },
				schema: answerSchema,
			});
			const status = STATUSES.find((known) => known === (data.status_code ?? data.status)) ?? 'IN_PROGRESS';
			return status === 'ERROR' ? { status, ...whatIsWrong(run, data) } : { status, ...nothing };
		} catch (error) {
			if (isMissing(error)) return { status: 'GONE', ...nothing };
			throw error;
		}
	}

	function whatIsWrong({ credentials }: AccountRun, answer: z.infer<typeof answerSchema>): Omit<ContainerLook, 'status'> {
		// They may repeat the address of the file, which is signed.
		const [message, status] = [answer.error_message, answer.status ?? ''].map((text) => (text === undefined ? text : redact(text, [credentials.accessToken])));
		if (message !== undefined) {
			const known = explain?.(message);
			return { passing: known?.passing ?? false, reason: known?.reason ?? `${title} says: ${message}.`, platformCode: /^\w{1,100}$/.test(message) ? message : null };
		}
		const subcode = /\b(22\d{5})\b/.exec(status ?? '')?.[1];
		if (subcode === undefined) return { passing: true, reason: `${title} says: ${status || 'no reason given'}.`, platformCode: null };
		const hint = hintOfSubcode(Number(subcode));
		return { passing: isPassing(Number(subcode)), reason: hint ?? `${title} says: ${status}.`, platformCode: subcode };
	}

	async function permalink(run: AccountRun, id: string): Promise<string | null> {
		const { data } = await graph.call(run, {
			action: 'read the address of the post',
			effect: 'read',
			method: 'GET',
			path: `/${id}`,
			values: { fields: 'permalink' },
			schema: permalinkSchema,
		});
		return data.permalink ?? null;
	}

	/** The post is out: that its address cannot be read must not hide it. */
	async function published(run: PlatformRun, id: string): Promise<Published> {
		const link = await permalink(run, id).catch((error: unknown) => {
			if (run.signal.aborted) throw error;
			run.log.warn({ err: error }, 'the address of a post could not be read');
			return null;
		});
		return { state: 'published', remoteId: id, permalink: link, warnings: warnings(run) };
	}

	/** A container that says it is published does not say as what. */
	async function locate(run: PlatformRun, container: string, since: Date, openFor: number): Promise<ReconcileResult & (Published | { state: 'waiting' })> {
		const ids = await find(run, new Date(since.getTime() - CLOCK_MARGIN_MS)).catch((error: unknown) => {
			// It is out: that the list may not be read must not make it a failure.
			if (error instanceof HttpFailure && /^(10|2\d\d)(\/|$)/.test(error.platformCode ?? '')) return null;
			throw error;
		});
		const [only, ...others] = ids ?? [];
		if (only !== undefined && others.length === 0) return published(run, only);
		if (ids?.length === 0 && openFor < FIND_SECONDS * 1000) return { state: 'waiting', afterSeconds: LOOK_SECONDS };
		const why = only === undefined ? 'it was not found among the posts of the account' : 'the account has several posts of that time with the same text';
		return { state: 'published', remoteId: container, permalink: null, warnings: [`The post is out on ${title}, but its address is not known: ${why}.`, ...warnings(run)] };
	}

	return {
		look,

		/** The post as it is now. */
		async find(run: AccountRun, remoteId: string): Promise<LookResult> {
			try {
				return { state: 'published', remoteId, permalink: await permalink(run, encodeURIComponent(remoteId)) };
			} catch (error) {
				if (isMissing(error)) return { state: 'gone', reason: `${title} does not know the post (any more).` };
				if (isNoPost(error)) return { state: 'published', remoteId, permalink: null };
				throw error;
			}
		},

		/** One look at whether a container is ready. `what`: what it holds, for people. */
		async check(run: PlatformRun, { id, createdAt }: { id: string; createdAt: number }, what = 'the media'): Promise<CheckResult> {
			const { status, passing, reason, platformCode } = await look(run, id);
			if (status === 'FINISHED' || status === 'PUBLISHED') return { state: 'ready' };
			const waiting = { state: 'waiting', afterSeconds: pollSeconds(createdAt, run.now()) } as const;
			if (status === 'IN_PROGRESS') return waiting;
			if (status === 'EXPIRED') return { state: 'restart', reason: 'it was older than 24 hours' };
			if (status === 'GONE') return run.now().getTime() - createdAt < YOUNG_MS ? waiting : { state: 'restart', reason: 'it is not known any more' };
			if (passing) return { state: 'restart', reason };
			throw new PipelineError('post_rejected', `${title} could not process ${what}. ${reason} Nothing was posted.`, {
				details: { platform_code: platformCode },
			});
		},

		/** Takes a post away; one that is gone already is a success. `hint`: what a missing permission is called. */
		async remove(run: AccountRun, remoteId: string, hint: string): Promise<void> {
			try {
				await graph.call(run, {
					action: 'delete the post',
					effect: 'upload',
					method: 'DELETE',
					path: `/${encodeURIComponent(remoteId)}`,
					schema: z.object({ success: z.literal(true) }),
				});
			} catch (error) {
				if (!isMissing(error)) throw error;
				// Graph says the same of what is gone and of what may not be deleted.
				if ((await this.find(run, remoteId)).state === 'gone') return;
				throw new PipelineError('post_rejected', `${title} does not let this credential delete the post, which is still there. ${hint}`, { cause: error });
			}
		},

		/** Publishes a container: the one call that makes the post public. */
		async finish(run: PlatformRun, container: { id: string; createdAt: number }, { firstArmedAt, attempts }: Arming): Promise<FinishResult> {
			// What an earlier call was refused with says nothing of this one.
			await run.save({ ...run.state, blocked: undefined, sentAt: run.now().getTime() });
			try {
				const { data } = await graph.call(run, {
					action: 'publish the post',
					effect: 'publish',
					method: 'POST',
					path: publishPath(run),
					values: { creation_id: container.id },
					schema: z.object({ id: graphId }),
					timeoutSeconds: PUBLISH_TIMEOUT_SECONDS,
				});
				await run.save({ ...run.state, mediaId: data.id });
				return await published(run, data.id);
			} catch (error) {
				if (!(error instanceof HttpFailure)) throw error;
				if (error.decision === 'unknown') {
					if (error.platformCode?.endsWith('/2207051')) await run.save({ ...run.state, blocked: error.platformCode });
					throw error;
				}
				if (error.decision !== 'stop') throw error;
				// The container knows better than the refusal what is the matter.
				const { status } = await look(run, container.id).catch(() => {
					// An earlier call may have published it after all: then a refusal proves nothing.
					throw attempts > 1 ? error.as('unknown') : error;
				});
				if (status === 'FINISHED' && !isNotReady(error)) throw error;
				if (status === 'FINISHED' || status === 'IN_PROGRESS') return { state: 'waiting', afterSeconds: pollSeconds(container.createdAt, run.now()) };
				if (status === 'PUBLISHED') return locate(run, container.id, firstArmedAt, Infinity) as Promise<Published>;
				return { state: 'restart', reason: `${error.detail} (${status})` };
			}
		},

		/** What became of a container whose publishing call is open. */
		async reconcile(run: PlatformRun, container: { id: string; createdAt: number }, { firstArmedAt, openSince }: Arming): Promise<ReconcileResult> {
			const { mediaId, blocked, sentAt } = containerStateSchema.parse(run.state);
			if (mediaId !== undefined) return published(run, mediaId);
			const { status, reason, platformCode } = await look(run, container.id);
			const openFor = run.now().getTime() - openSince.getTime();
			const waiting = { state: 'waiting', afterSeconds: Math.min(LOOK_SECONDS, settleSeconds) } as const;
			if (status === 'PUBLISHED') return locate(run, container.id, firstArmedAt, openFor);
			if (status === 'IN_PROGRESS') return waiting;
			if (status === 'ERROR') return { state: 'rejected', reason, ...(platformCode === null ? {} : { platformCode }) };
			if (status === 'GONE') {
				const ids = await find(run, new Date(firstArmedAt.getTime() - CLOCK_MARGIN_MS));
				if (ids === null) return { state: 'unknown', reason: `${title} does not know any more what was prepared, and the posts of that time cannot all be looked through` };
				const [found, ...others] = ids;
				if (others.length > 0) return { state: 'unknown', reason: 'the account has several posts of that time with the same text' };
				if (found !== undefined) return published(run, found);
			}
			if (unsettledMs({ openSince, sentAt, now: run.now(), seconds: settleSeconds }) > 0) return waiting;
			if (blocked !== undefined) return { state: 'rejected', reason: hintOfSubcode(2_207_051) ?? '', platformCode: blocked };
			return { state: 'absent' };
		},
	};
}

export type Containers = ReturnType<typeof createContainers>;
