import { z } from 'zod';
import { PipelineError } from '../errors.ts';
import { isPublicHost } from '../net/addresses.ts';
import { createContainers, isMissing } from './graph-container.ts';
import { createGraph, type Graph } from './graph.ts';
import type { Http } from './http.ts';
import { findInstagramAccount } from './instagram-account.ts';
import { instagramForm, instagramLimits, instagramSettings, isUploaded, itemValues, postValues, sourceValues, type InstagramLogin } from './instagram-form.ts';
import { measureInstagram } from './instagram-numbers.ts';
import { uploadToContainer } from './instagram-upload.ts';
import type { AccountRun, Arming, CheckResult, FinishResult, Platform, PlatformRun, PostMedia, PostProblem, ReconcileResult } from './platform.ts';
import { comparable } from './text.ts';

export interface InstagramOptions {
	http: Http;
	/** For accounts that are connected with Instagram Login. Default https://graph.instagram.com */
	instagramBaseUrl?: string;
	/** For accounts that are connected with Facebook Login. Default https://graph.facebook.com */
	facebookBaseUrl?: string;
	/** Of Graph. Default: graph.ts. */
	version?: string;
	/** How long a post may take to appear before its absence counts. Default 30. */
	settleSeconds?: number;
}

const containerSchema = z.object({
	id: z.string(),
	/** Where its bytes go; as good as a token. */
	uri: z.string().nullable(),
	/** Milliseconds since 1970. */
	createdAt: z.number(),
	uploaded: z.boolean(),
});
type Container = z.infer<typeof containerSchema>;
const stateSchema = z.looseObject({
	/** One for each file. */
	items: z.array(containerSchema.nullable()).default([]),
	/** What is published, where that is not the only item. */
	carousel: containerSchema.nullable().default(null),
});

/** Containers live 24 hours (platforms.md 5.2): one that expires sooner than this is made again. */
const LIFE_MS = 24 * 3_600_000 - 15 * 60_000;
const LONGEST_PROCESSING_SECONDS = 30 * 60;
/** Posts are listed newest first: more than an account may publish in a day. */
const LIST = { limit: 50, pages: 4 } as const;
const CLOCK_MARGIN_MS = 60_000;

export const loginOf = ({ credentials }: Pick<AccountRun, 'credentials'>): InstagramLogin => (credentials.extra['login'] === 'facebook' ? 'facebook' : 'instagram');

/** Instagram, content publishing, with both logins (platforms.md 5). */
export function createInstagram(options: InstagramOptions): Platform {
	const { http, instagramBaseUrl = 'https://graph.instagram.com', facebookBaseUrl = 'https://graph.facebook.com', version, settleSeconds = 30 } = options;
	const hosts = { instagram: instagramBaseUrl, facebook: facebookBaseUrl } as const;
	const graphOf = (login: InstagramLogin): Graph =>
		createGraph({
			http,
			baseUrl: hosts[login],
			...(version === undefined ? {} : { version }),
			permissionHint:
				login === 'instagram'
					? 'The account has not granted a permission, or the app may not ask for it: connect again and allow instagram_business_basic, instagram_business_content_publish and, for a first comment, instagram_business_manage_comments. An app that has not passed App Review works only for people with a role in it.'
					: 'The token lacks a permission: instagram_basic, instagram_content_publish, pages_show_list, pages_read_engagement and, for a first comment, instagram_manage_comments are needed. An app that has not passed App Review works only for people with a role in it.',
		});
	const graphs = { instagram: graphOf('instagram'), facebook: graphOf('facebook') };
	/** The host is that of the account's login. */
	const graph: Graph = { call: (run, call) => graphs[loginOf(run)].call(run, call) };

	const accountId = ({ account }: AccountRun): string => {
		if (!account) throw new PipelineError('internal', 'The account of a post on Instagram is not known.');
		return encodeURIComponent(account.id);
	};
	const settingsOf = (run: AccountRun) => instagramSettings.parse(run.settings);
	const containers = createContainers({
		graph,
		title: 'Instagram',
		fields: 'status_code,status',
		settleSeconds,
		publishPath: (run) => `/${accountId(run)}/media_publish`,
		find,
	});

	const listSchema = z.object({
		data: z.array(z.object({ id: z.string(), caption: z.string().default(''), timestamp: z.string() })),
		paging: z.object({ next: z.string().optional(), cursors: z.object({ after: z.string() }).optional() }).optional(),
	});

	/** Own posts since then with the same caption; stories have none. Newest first, so that the first older one ends it. */
	async function find(run: PlatformRun, since: Date): Promise<string[]> {
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
			for (const { id, caption, timestamp } of answer.data) {
				if (graphTime(timestamp) < since.getTime()) return found;
				if (story || comparable(caption) === comparable(run.post.text)) found.push(id);
			}
			after = answer.paging?.next ? answer.paging.cursors?.after : undefined;
			if (after === undefined) return found;
		}
		return found;
	}

	async function create(run: PlatformRun, values: Parameters<Graph['call']>[1]['values']): Promise<Container> {
		const { data } = await graph.call(run, {
			action: 'prepare the post',
			effect: 'upload',
			method: 'POST',
			path: `/${accountId(run)}/media`,
			values: values ?? {},
			schema: z.object({ id: z.string(), uri: z.string().optional() }),
		});
		return { id: data.id, uri: data.uri ?? null, createdAt: run.now().getTime(), uploaded: false };
	}

	/** A container of one file, with its bytes where they are uploaded. */
	async function prepare(run: PlatformRun, media: PostMedia, known: Container | null, keep: (container: Container | null) => Promise<void>): Promise<void> {
		const login = loginOf(run);
		const alone = run.post.media.length === 1;
		let container = known;
		if (!container) {
			container = await create(run, { ...(alone ? postValues(run.post, settingsOf(run)) : itemValues(media)), ...sourceValues(media, login) });
			await keep(container);
		}
		if (!isUploaded(media, login) || container.uploaded) return;
		if (container.uri === null) throw new PipelineError('platform_unavailable', 'Instagram did not say where the video is to be uploaded. Nothing was posted.');
		try {
			await uploadToContainer(graph, run, { id: container.id, uri: container.uri, media });
		} catch (error) {
			// Instagram forgot what a former process had begun: once more from the start.
			if (!known || !isMissing(error)) throw error;
			await keep(null);
			return prepare(run, media, null, keep);
		}
		await keep({ ...container, uploaded: true });
	}

	/** A carousel is made of items that are ready. */
	async function waitForItems(run: PlatformRun, items: readonly Container[]): Promise<boolean> {
		for (const item of items) {
			for (let waited = 0; ; ) {
				const result = await containers.check(run, item);
				if (result.state === 'ready') break;
				if (result.state === 'restart') return false;
				if (waited >= LONGEST_PROCESSING_SECONDS) throw new PipelineError('platform_unavailable', `Instagram has not finished processing the media after ${LONGEST_PROCESSING_SECONDS / 60} minutes. Nothing was posted.`);
				waited += result.afterSeconds;
				await run.sleep(result.afterSeconds * 1000);
			}
		}
		return true;
	}

	const usable = (run: PlatformRun, container: Container | null | undefined): Container | null => (container && container.createdAt + LIFE_MS > run.now().getTime() ? container : null);

	/** What is published; null: a comment. */
	function target(run: PlatformRun): Container | null {
		const { items, carousel } = stateSchema.parse(run.state);
		return run.post.media.length > 1 ? carousel : (items[0] ?? null);
	}

	const commentAnswer = z.object({ id: z.string() });
	async function comment(run: PlatformRun, mediaId: string): Promise<FinishResult> {
		const { data } = await graph.call(run, {
			action: 'comment the post',
			effect: 'publish',
			method: 'POST',
			path: `/${encodeURIComponent(mediaId)}/comments`,
			values: { message: run.post.text },
			schema: commentAnswer,
			timeoutSeconds: 30,
		});
		return { state: 'published', remoteId: data.id, permalink: null };
	}

	const commentsSchema = z.object({ data: z.array(z.object({ id: z.string(), text: z.string().default(''), username: z.string().optional(), timestamp: z.string() })) });
	async function findComment(run: PlatformRun, mediaId: string, { firstArmedAt, openSince }: Arming): Promise<ReconcileResult> {
		const { data: answer } = await graph.call(run, {
			action: 'read the comments',
			effect: 'read',
			method: 'GET',
			path: `/${encodeURIComponent(mediaId)}/comments`,
			values: { fields: 'id,text,username,timestamp', limit: LIST.limit },
			schema: commentsSchema,
		});
		const own = answer.data.find(
			({ text, username, timestamp }) =>
				comparable(text) === comparable(run.post.text) && (username === undefined || username === run.account?.name) && graphTime(timestamp) >= firstArmedAt.getTime() - CLOCK_MARGIN_MS,
		);
		if (own) return { state: 'published', remoteId: own.id, permalink: null };
		return run.now().getTime() < openSince.getTime() + settleSeconds * 1000 ? { state: 'waiting', afterSeconds: 5 } : { state: 'absent' };
	}

	return {
		name: 'instagram',
		title: 'Instagram',
		needsBaseUrl: false,
		needsSecrets: ['login'],
		settings: instagramSettings,

		identify: (run) => findInstagramAccount(graph, run, loginOf(run), settingsOf(run).account),

		async limits(run) {
			const login = loginOf(run);
			const problems = run.post.replyTo ? [] : await quotaProblems(graph, run, accountId(run));
			const fetches = isPublicHost(new URL(hosts[login]).hostname) ? 'public' : 'any';
			return instagramLimits(run.post, settingsOf(run), login, fetches, problems);
		},

		async start(run) {
			if (run.post.replyTo) return;
			const { media } = run.post;
			for (let round = 0; ; round += 1) {
				const saved = stateSchema.parse(run.state);
				if (media.length > 1 && usable(run, saved.carousel)) return;
				for (const [index, one] of media.entries()) {
					const keep = (container: Container | null) => {
						const state = stateSchema.parse(run.state);
						state.items[index] = container;
						return run.save({ ...state, items: Array.from(state.items, (entry) => entry ?? null) });
					};
					await prepare(run, one, usable(run, saved.items[index]), keep);
					run.progress(((index + 1) / media.length) * 100);
				}
				if (media.length === 1) return;
				const { items } = stateSchema.parse(run.state);
				const ready = items.filter((item) => item !== null);
				if (await waitForItems(run, ready)) {
					const carousel = await create(run, { ...postValues(run.post, settingsOf(run)), children: ready.map(({ id }) => id) });
					return run.save({ ...stateSchema.parse(run.state), carousel });
				}
				if (round === 2) throw new PipelineError('platform_unavailable', 'Instagram lost the uploaded media again and again. Nothing was posted.');
				await run.save({});
			}
		},

		async check(run): Promise<CheckResult> {
			const container = target(run);
			return container ? containers.check(run, container) : { state: 'ready' };
		},

		async finish(run, arming): Promise<FinishResult> {
			if (run.post.replyTo) return comment(run, run.post.replyTo.remoteId);
			const container = target(run);
			return container ? containers.finish(run, container, arming) : { state: 'restart', reason: 'nothing was prepared' };
		},

		async reconcile(run, arming): Promise<ReconcileResult> {
			if (run.post.replyTo) return findComment(run, run.post.replyTo.remoteId, arming);
			const container = target(run);
			return container ? containers.reconcile(run, container, arming) : { state: 'unknown', reason: 'what was to be published is not known any more' };
		},

		async look(run, remoteId) {
			try {
				return { state: 'published', remoteId, permalink: await containers.permalink(run, encodeURIComponent(remoteId)) };
			} catch (error) {
				if (isMissing(error)) return { state: 'gone', reason: 'Instagram does not know the post (any more).' };
				throw error;
			}
		},

		async remove(run, remoteId) {
			// platforms.md 5.4: Facebook Login only (third party).
			if (loginOf(run) === 'instagram') {
				throw new PipelineError('post_rejected', 'Instagram lets an app delete posts only of accounts that are connected with Facebook Login. Delete it in the Instagram app.');
			}
			try {
				await graph.call(run, { action: 'delete the post', effect: 'upload', method: 'DELETE', path: `/${encodeURIComponent(remoteId)}`, schema: z.object({ success: z.literal(true) }) });
			} catch (error) {
				if (!isMissing(error)) throw error;
			}
		},

		measure: (run, remoteIds) => measureInstagram(graph, run, remoteIds),
	};
}

/** `2026-11-21T10:00:00+0000` */
export const graphTime = (text: string): number => Date.parse(text.replace(/([+-]\d\d)(\d\d)$/, '$1:$2'));

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
	return [{ field: 'account', message: `The account has made ${quota.quota_usage} posts through apps in 24 hours; Instagram allows ${quota.config.quota_total}. Post again tomorrow.` }];
}
