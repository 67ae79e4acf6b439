import { z } from 'zod';
import { PipelineError } from '../errors.ts';
import { isPublicHost } from '../net/addresses.ts';
import { createContainers, graphTime, SETTLE_SECONDS } from './graph/container.ts';
import { createItems, type Container } from './graph/items.ts';
import { createGraph, graphId, UNREVIEWED, type Graph } from './graph.ts';
import type { Http } from './http.ts';
import { findInstagramAccount } from './instagram/account.ts';
import { createInstagramComments } from './instagram/comments.ts';
import { instagramForm, instagramLimits, instagramSettings, isUploaded, itemValues, leftOut, postValues, sourceValues, type InstagramLogin } from './instagram/form.ts';
import { measureInstagram } from './instagram/numbers.ts';
import { uploadToContainer } from './instagram/upload.ts';
import type { AccountRun, CheckResult, FinishResult, Platform, PlatformRun, PostProblem, ReconcileResult } from './platform.ts';
import { comparable } from './text.ts';

export interface InstagramOptions {
	http: Http;
	/** For accounts that are connected with Instagram Login. Default https://graph.instagram.com */
	instagramBaseUrl?: string;
	/** For accounts that are connected with Facebook Login. Default https://graph.facebook.com */
	facebookBaseUrl?: string;
	/** Of Graph. Default: graph.ts. */
	version?: string;
	/** How long a post may take to appear before its absence counts. Default: graph/container.ts. */
	settleSeconds?: number;
}

/** Posts are listed newest first: more than an account may publish in a day. */
const LIST = { limit: 50, pages: 4 } as const;
/** A story is listed for a day: after that its absence proves nothing. */
const STORY_LISTED_MS = 23 * 3_600_000;

export const loginOf = ({ credentials }: Pick<AccountRun, 'credentials'>): InstagramLogin =>
	credentials.extra['login'] === 'facebook' ? 'facebook' : 'instagram';

/** Instagram, content publishing, with both logins (platforms.md 5). */
export function createInstagram(options: InstagramOptions): Platform {
	const { http, instagramBaseUrl = 'https://graph.instagram.com', facebookBaseUrl = 'https://graph.facebook.com', version, settleSeconds = SETTLE_SECONDS } = options;
	const hosts = { instagram: instagramBaseUrl, facebook: facebookBaseUrl } as const;
	const graphOf = (login: InstagramLogin): Graph =>
		createGraph({
			http,
			baseUrl: hosts[login],
			...(version === undefined ? {} : { version }),
			permissionHint:
				login === 'instagram'
					? `The account has not granted a permission, or the app may not ask for it: connect again and allow instagram_business_basic, instagram_business_content_publish and, for a first comment, instagram_business_manage_comments. ${UNREVIEWED}`
					: `The token lacks a permission: instagram_basic, instagram_content_publish, pages_show_list, pages_read_engagement and, for a first comment, instagram_manage_comments are needed. ${UNREVIEWED}`,
		});
	const graphs = { instagram: graphOf('instagram'), facebook: graphOf('facebook') };
	/** The host is that of the account's login. */
	const graph: Graph = { call: (run, call) => graphs[loginOf(run)].call(run, call) };

	const accountId = ({ account }: AccountRun): string => {
		if (!account) throw new PipelineError('internal', 'The account of a post on Instagram is not known.');
		return encodeURIComponent(account.id);
	};
	const comments = createInstagramComments(graph, settleSeconds);
	const settingsOf = (run: AccountRun) => instagramSettings.parse(run.settings);
	const containers = createContainers({
		graph,
		title: 'Instagram',
		fields: 'status_code,status',
		settleSeconds,
		warnings: ({ post }) => leftOut(post),
		publishPath: (run) => `/${accountId(run)}/media_publish`,
		find,
	});

	const listSchema = z.object({
		data: z.array(z.object({ id: graphId, caption: z.string().default(''), timestamp: z.string() })),
		paging: z.object({ next: z.string().optional(), cursors: z.object({ after: z.string().optional() }).optional() }).optional(),
	});

	/** Own posts since then with the same caption; stories have none. Newest first, but for what is pinned: a page of older ones ends it. */
	async function find(run: PlatformRun, since: Date): Promise<string[] | null> {
		const story = instagramForm(run.post, settingsOf(run)) === 'story';
		const found: string[] = [];
		let after: string | undefined;
		for (let page = 0; page < LIST.pages; page += 1) {
			const { data: answer } = await graph.call(run, {
				action: 'read the posts of the account',
				effect: 'read',
				method: 'GET',
				path: `/${accountId(run)}/${story ? 'stories' : 'media'}`,
				values: { fields: 'id,caption,timestamp', limit: LIST.limit, after },
				schema: listSchema,
			});
			const recent = answer.data.filter(({ timestamp }) => !(graphTime(timestamp) < since.getTime()));
			found.push(...recent.filter(({ caption }) => story || comparable(caption) === comparable(run.post.text)).map(({ id }) => id));
			after = answer.paging?.next ? answer.paging.cursors?.after : undefined;
			if (recent.length > 0 && after !== undefined) continue;
			return found.length === 0 && story && run.now().getTime() - since.getTime() > STORY_LISTED_MS ? null : found;
		}
		return found.length === 0 ? null : found;
	}

	async function create(run: PlatformRun, values: Parameters<Graph['call']>[1]['values'], action: string): Promise<Container> {
		const { data } = await graph.call(run, {
			action,
			effect: 'upload',
			method: 'POST',
			path: `/${accountId(run)}/media`,
			values: values ?? {},
			schema: z.object({ id: graphId, uri: z.string().optional() }),
		});
		return { id: data.id, uri: data.uri ?? null, createdAt: run.now().getTime(), uploaded: false };
	}

	const items = createItems({
		title: 'Instagram',
		containers,
		make(run, media, action) {
			const alone = run.post.media.length < 2;
			const values = alone ? postValues(run.post, settingsOf(run)) : media ? itemValues(media) : {};
			return create(run, { ...values, ...(media ? sourceValues(media, loginOf(run)) : {}) }, action);
		},
		join: (run, children, action) => create(run, { ...postValues(run.post, settingsOf(run)), children }, action),
		upload: {
			needed: (run, media) => isUploaded(media, loginOf(run)),
			async send(run, { id, uri }, media, fresh) {
				if (uri === null) throw new PipelineError('platform_unavailable', 'Instagram did not say where the video is to be uploaded. Nothing was posted.');
				await uploadToContainer(graph, run, { id, uri, media, fresh, baseUrl: facebookBaseUrl });
			},
		},
	});

	return {
		name: 'instagram',
		title: 'Instagram',
		needsBaseUrl: false,
		needsSecrets: ['login'],
		settings: instagramSettings,
		settingsOf: (accountId) => ({ account: accountId }),

		identify: (run) => findInstagramAccount(graph, run, loginOf(run), settingsOf(run).account),

		async limits(run) {
			const login = loginOf(run);
			const problems = run.post.replyTo ? [] : await quotaProblems(graph, run, accountId(run));
			const fetches = isPublicHost(new URL(hosts[login]).hostname) ? 'public' : 'any';
			return instagramLimits(run.post, settingsOf(run), login, fetches, problems);
		},

		async start(run) {
			if (!run.post.replyTo) await items.start(run);
		},

		async check(run): Promise<CheckResult> {
			const container = items.target(run);
			return container ? containers.check(run, container) : { state: 'ready' };
		},

		async finish(run, arming): Promise<FinishResult> {
			if (run.post.replyTo) return comments.make(run, run.post.replyTo.remoteId);
			const container = items.target(run);
			return container ? containers.finish(run, container, arming) : { state: 'restart', reason: 'nothing was prepared' };
		},

		async reconcile(run, arming): Promise<ReconcileResult> {
			if (run.post.replyTo) return comments.find(run, run.post.replyTo.remoteId, arming);
			const container = items.target(run);
			return container ? containers.reconcile(run, container, arming) : { state: 'unknown', reason: 'what was to be published is not known any more' };
		},

		look: (run, remoteId) => containers.find(run, remoteId),

		async remove(run, remoteId) {
			// platforms.md 5.4: Facebook Login only (third party).
			if (loginOf(run) === 'instagram') {
				throw new PipelineError(
					'post_rejected',
					'Instagram lets an app delete posts only of accounts that are connected with Facebook Login. Delete it in the Instagram app.',
				);
			}
			await containers.remove(run, remoteId, 'Grant it instagram_manage_contents, or delete it in the Instagram app.');
		},

		measure: (run, remoteIds) => measureInstagram(graph, run, remoteIds),
	};
}

const quotaSchema = z.object({ data: z.array(z.object({ quota_usage: z.number().default(0), config: z.object({ quota_total: z.number() }).optional() })) });

/** 100 posts a day by one page, 50 by another (platforms.md 5.4, conflict): the account says it itself. */
async function quotaProblems(graph: Graph, run: PlatformRun, account: string): Promise<PostProblem[]> {
	const { data } = await graph.call(run, {
		action: 'read how much the account may post',
		effect: 'read',
		method: 'GET',
		path: `/${account}/content_publishing_limit`,
		values: { fields: 'config,quota_usage' },
		schema: quotaSchema,
	});
	const [quota] = data.data;
	if (!quota?.config || quota.quota_usage < quota.config.quota_total) return [];
	return [
		{
			field: 'account',
			message: `The account has made ${quota.quota_usage} posts through apps in 24 hours; Instagram allows ${quota.config.quota_total}. Post again tomorrow.`,
		},
	];
}
