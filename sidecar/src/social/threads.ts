import { z } from 'zod';
import { PipelineError } from '../errors.ts';
import { isPublicHost } from '../net/addresses.ts';
import { createContainers, graphTime, isMissing, isNoPost, SETTLE_SECONDS, UNKNOWN } from './graph/container.ts';
import { createItems, type Container } from './graph/items.ts';
import { insightsSchema, numbersOf } from './graph/numbers.ts';
import { createGraph, graphId, UNREVIEWED, type GraphCall } from './graph.ts';
import type { Http } from './http.ts';
import type { AccountRun, CheckResult, Engagement, FinishResult, Platform, PlatformRun, PostProblem, ReconcileResult } from './platform.ts';
import { comparable } from './text.ts';
import { CONTAINER_ERRORS, carouselValues, threadsLimits, threadsSettings, threadsValues } from './threads/form.ts';

export interface ThreadsOptions {
	http: Http;
	/** Default https://graph.threads.net */
	apiBaseUrl?: string;
	/** How long a post may take to appear before its absence counts. Default: graph/container.ts. */
	settleSeconds?: number;
}

/** The only one there is (platforms.md 7.1). */
const VERSION = 'v1.0';
/** Posts are listed newest first. */
const LIST = { limit: 50, pages: 4 } as const;

/** Threads (platforms.md 7). */
export function createThreads({ http, apiBaseUrl = 'https://graph.threads.net', settleSeconds = SETTLE_SECONDS }: ThreadsOptions): Platform {
	const graph = createGraph({
		http,
		baseUrl: apiBaseUrl,
		version: VERSION,
		permissionHint: `The account has not granted a permission, or the app may not ask for it: connect again and allow threads_basic, threads_content_publish and, for threads and comments, threads_manage_replies and threads_read_replies. ${UNREVIEWED}`,
	});
	const settingsOf = (run: AccountRun) => threadsSettings.parse(run.settings);
	const accountId = ({ account }: AccountRun): string => {
		if (!account) throw new PipelineError('internal', 'The account of a post on Threads is not known.');
		return encodeURIComponent(account.id);
	};
	const containers = createContainers({
		graph,
		title: 'Threads',
		fields: 'status,error_message',
		settleSeconds,
		explain: (message) => CONTAINER_ERRORS[message] ?? null,
		publishPath: (run) => `/${accountId(run)}/threads_publish`,
		find,
	});
	const items = createItems({
		title: 'Threads',
		containers,
		make: (run, media, action) => create(run, threadsValues(run.post, media, settingsOf(run)), action),
		join: (run, children, action) => create(run, carouselValues(run.post, settingsOf(run), children), action),
	});

	async function create(run: PlatformRun, values: NonNullable<GraphCall<unknown>['values']>, action: string): Promise<Container> {
		const { data } = await graph.call(run, {
			action,
			effect: 'upload',
			method: 'POST',
			path: `/${accountId(run)}/threads`,
			values,
			schema: z.object({ id: graphId }),
		});
		return { id: data.id, uri: null, createdAt: run.now().getTime(), uploaded: false };
	}

	const listSchema = z.object({
		data: z.array(z.object({ id: graphId, text: z.string().default(''), timestamp: z.string() })),
		paging: z.object({ next: z.string().optional(), cursors: z.object({ after: z.string().optional() }).optional() }).optional(),
	});

	/** Own posts since then with the same text. Answers are listed apart from posts. */
	async function find(run: PlatformRun, since: Date): Promise<string[] | null> {
		const found: string[] = [];
		let after: string | undefined;
		for (let page = 0; page < LIST.pages; page += 1) {
			const { data: answer } = await graph.call(run, {
				action: 'read the posts of the account',
				effect: 'read',
				method: 'GET',
				path: `/${accountId(run)}/${run.post.replyTo ? 'replies' : 'threads'}`,
				values: { fields: 'id,text,timestamp', since: Math.floor(since.getTime() / 1000), limit: LIST.limit, after },
				schema: listSchema,
			});
			for (const { id, text, timestamp } of answer.data) {
				if (graphTime(timestamp) >= since.getTime() && comparable(text) === comparable(run.post.text)) found.push(id);
			}
			after = answer.paging?.next ? answer.paging.cursors?.after : undefined;
			if (after === undefined) return found;
		}
		return found.length === 0 ? null : found;
	}

	const quotaSchema = z.object({
		data: z.array(
			z.object({
				quota_usage: z.number().optional(),
				config: z.object({ quota_total: z.number() }).optional(),
				reply_quota_usage: z.number().optional(),
				reply_config: z.object({ quota_total: z.number() }).optional(),
			}),
		),
	});

	async function quotaProblems(run: PlatformRun): Promise<PostProblem[]> {
		const reply = run.post.replyTo !== null;
		const { data } = await graph.call(run, {
			action: 'read how much the account may post',
			effect: 'read',
			method: 'GET',
			path: `/${accountId(run)}/threads_publishing_limit`,
			values: { fields: reply ? 'reply_quota_usage,reply_config' : 'quota_usage,config' },
			schema: quotaSchema,
		});
		const [quota = {}] = data.data;
		const [used = 0, total] = reply ? [quota.reply_quota_usage, quota.reply_config?.quota_total] : [quota.quota_usage, quota.config?.quota_total];
		if (total === undefined || used < total) return [];
		return [
			{
				field: 'account',
				message: `The account has made ${used} ${reply ? 'replies' : 'posts'} through apps in 24 hours; Threads allows ${total}. Post again tomorrow.`,
			},
		];
	}

	return {
		name: 'threads',
		title: 'Threads',
		needsBaseUrl: false,
		settings: threadsSettings,

		async identify(run) {
			const schema = z.object({ id: graphId, username: z.string() });
			const { data } = await graph.call(run, {
				action: 'read the account',
				effect: 'read',
				method: 'GET',
				path: '/me',
				values: { fields: 'id,username' },
				schema,
			});
			return { id: data.id, name: data.username };
		},

		async limits(run) {
			return threadsLimits(run.post, isPublicHost(new URL(apiBaseUrl).hostname) ? 'public' : 'any', await quotaProblems(run));
		},

		start: (run) => items.start(run),

		async check(run): Promise<CheckResult> {
			const container = items.target(run);
			return container ? containers.check(run, container) : { state: 'restart', reason: 'nothing was prepared' };
		},

		async finish(run, arming): Promise<FinishResult> {
			const container = items.target(run);
			return container ? containers.finish(run, container, arming) : { state: 'restart', reason: 'nothing was prepared' };
		},

		async reconcile(run, arming): Promise<ReconcileResult> {
			const container = items.target(run);
			return container ? containers.reconcile(run, container, arming) : { state: 'unknown', reason: 'what was to be published is not known any more' };
		},

		look: (run, remoteId) => containers.find(run, remoteId),

		remove: (run, remoteId) => containers.remove(run, remoteId, 'Grant it threads_delete, or delete it in Threads.'),

		async measure(run, remoteIds) {
			const measured = new Map<string, Engagement>();
			for (const id of remoteIds) {
				try {
					const values = { metric: 'views,likes,replies,reposts,quotes,shares' };
					const { data } = await graph.call(run, {
						action: 'read the numbers',
						effect: 'read',
						method: 'GET',
						path: `/${encodeURIComponent(id)}/insights`,
						values,
						schema: insightsSchema,
					});
					const numbers = numbersOf(data);
					const spread = ['reposts', 'quotes', 'shares'].flatMap((name) => numbers.get(name) ?? []);
					measured.set(id, {
						views: numbers.get('views') ?? null,
						likes: numbers.get('likes') ?? null,
						comments: numbers.get('replies') ?? null,
						shares: spread.length > 0 ? spread.reduce((sum, number) => sum + number) : null,
						saves: null,
						clicks: null,
					});
				} catch (error) {
					if (isNoPost(error)) measured.set(id, UNKNOWN);
					else if (!isMissing(error)) throw error;
				}
			}
			return measured;
		},
	};
}
