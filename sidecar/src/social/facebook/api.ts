import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import { hasCode, isGone, judgeFacebook, PERMISSION_HINT } from './errors.ts';
import { facebookSettings } from './form.ts';
import { createGraph, type GraphCall } from '../graph.ts';
import type { Http } from '../http.ts';
import type { AccountRun, Arming, Credentials, FinishResult, PlatformRun, PostState, ReconcileResult } from '../platform.ts';

export interface FacebookHosts {
	/** Default https://graph.facebook.com */
	graph: string;
	/** Takes the bytes of feed videos. Default https://graph-video.facebook.com */
	video: string;
	/** Takes the bytes of reels and stories. Default https://rupload.facebook.com */
	upload: string;
	/** Where posts are seen. Default https://www.facebook.com */
	web: string;
	/** Version of the Graph API: platforms.md 5.1. */
	version: string;
}

/** A Page, with the token that posts as it. */
export interface FacebookPage {
	id: string;
	name: string;
	token: string;
}

/** What has been sent so far. */
const stateSchema = z.object({
	video: z
		.object({
			id: z.string(),
			/** Takes the bytes of reels and stories. */
			url: z.string().nullable(),
			/** Of a feed video: its session, and the range that Facebook wants next (`end`: the byte after it). */
			session: z.string().nullable(),
			offset: z.number(),
			end: z.number(),
			complete: z.boolean(),
			/** Facebook said that it will publish. */
			acknowledged: z.boolean(),
		})
		.nullable()
		.default(null),
	/** `at`: milliseconds since 1970. */
	photos: z.array(z.object({ id: z.string(), at: z.number() }).nullable()).default([]),
	/** Facebook has said "duplicate" to a repeat, or that its photo is used: the first call did post. */
	duplicate: z.boolean().default(false),
});
export type FacebookState = z.infer<typeof stateSchema>;
export type UploadedVideo = NonNullable<FacebookState['video']>;
export const facebookState = (state: PostState): FacebookState => stateSchema.parse(state);

/** How one form of post is made. The steps are those of Platform. */
export interface FormSteps {
	start(run: PlatformRun, page: FacebookPage): Promise<void>;
	finish(run: PlatformRun, page: FacebookPage, arming: Arming): Promise<FinishResult>;
	reconcile(run: PlatformRun, page: FacebookPage, arming: Arming): Promise<ReconcileResult>;
}

export interface Patience {
	/** How long a post may take to appear in the lists of the Page before its absence counts. */
	settleSeconds: number;
	/** Between two looks at a video that is being processed. Facebook names no number. */
	pollSeconds: number;
}

/** Longest a publishing call may take: less than the lease of a claim. */
export const PUBLISH_TIMEOUT_SECONDS = 30;
/** Clocks differ: lists are read from a minute before the call. */
export const CLOCK_MARGIN_MS = 60_000;

export type PageCall<T> = Omit<GraphCall<T>, 'token'> & { host?: 'graph' | 'video' };

export interface FacebookApi {
	readonly http: Http;
	readonly hosts: FacebookHosts;
	/** A call as the Page. */
	send<T>(run: AccountRun, page: FacebookPage, call: PageCall<T>): Promise<T>;
	/** The Page that is posted to, found out once per run. */
	page(run: AccountRun): Promise<FacebookPage>;
	/** Graph gives some links without their host. Null: it is no link. */
	link(path: string): string | null;
}

const pageAnswer = z.object({ id: z.string(), name: z.string().default(''), access_token: z.string().optional(), tasks: z.array(z.string()).optional() });
const meAnswer = z.object({ id: z.string(), name: z.string().default('') });
const accountsAnswer = z.object({ data: z.array(pageAnswer) });
/** More Pages than this are not looked through: their id must be given. */
const PAGES_READ = 100;

export function createFacebookApi(http: Http, hosts: FacebookHosts): FacebookApi {
	const graphs = {
		graph: createGraph({ http, baseUrl: hosts.graph, version: hosts.version, permissionHint: PERMISSION_HINT }),
		video: createGraph({ http, baseUrl: hosts.video, version: hosts.version, permissionHint: PERMISSION_HINT }),
	};
	const read = async <T>(run: AccountRun, path: string, values: GraphCall<T>['values'] & object, schema: z.ZodType<T>, action = 'read the Page') =>
		(await graphs.graph.call(run, { action, effect: 'read', method: 'GET', path, values, schema })).data;

	/** Kept for as long as the credentials of this run: the Page's token is not written down. */
	const pages = new WeakMap<Credentials, Promise<FacebookPage>>();

	async function findPage(run: AccountRun): Promise<FacebookPage> {
		const wanted = run.account?.id ?? facebookSettings.parse(run.settings).page_id;
		if (wanted !== undefined) {
			const page = await read(run, `/${encodeURIComponent(wanted)}`, { fields: 'id,name,access_token' }, pageAnswer).catch((error: unknown) => {
				if (isGone(error)) throw noPage(`There is no Page ${wanted} that this account may see.`, error);
				throw error;
			});
			if (page.access_token) return { id: page.id, name: page.name, token: page.access_token };
			// That a Page's token is shown to itself is documented nowhere.
			const { id } = await read(run, '/me', { fields: 'id,name' }, meAnswer);
			if (id === page.id) return { id, name: page.name, token: run.credentials.accessToken };
			throw noPage(`The account of the credential does not manage the Page ${page.name || page.id}.`);
		}
		let own: z.infer<typeof accountsAnswer>['data'];
		try {
			({ data: own } = await read(run, '/me/accounts', { fields: 'id,name,access_token,tasks', limit: PAGES_READ }, accountsAnswer, 'list the Pages'));
		} catch (error) {
			// "nonexisting field (accounts) on node type (Page)": the token is a Page's own.
			if (!hasCode(error, 100)) throw error;
			const { id, name } = await read(run, '/me', { fields: 'id,name' }, meAnswer);
			return { id, name, token: run.credentials.accessToken };
		}
		const usable = own.filter((page) => page.access_token);
		const [page] = usable;
		if (!page?.access_token) {
			throw noPage(
				'The account of the credential manages no Page, or none was ticked when it was connected. Facebook lets programs post to Pages only, not to profiles or groups.',
			);
		}
		if (usable.length === 1) {
			if (page.tasks && !page.tasks.includes('CREATE_CONTENT')) {
				throw noPage(`The account of the credential may not create content on the Page ${page.name}. Have someone who manages the Page give it that right.`);
			}
			return { id: page.id, name: page.name, token: page.access_token };
		}
		const names = usable.map(({ id, name }) => `${name} (${id})`).join(', ');
		throw new PipelineError('post_invalid', `The account manages several Pages: ${names}. Say which one: give its number as the Page ID.`, {
			details: { problems: [{ field: 'settings.page_id', message: `Choose one of: ${names}.` }] },
		});
	}

	return {
		http,
		hosts,
		async send(run, page, { host = 'graph', ...call }) {
			const judge = call.judge ?? ((_status: number, body: unknown) => judgeFacebook(body));
			return (await graphs[host].call(run, { ...call, judge, token: page.token })).data;
		},
		page(run) {
			const known = pages.get(run.credentials) ?? findPage(run);
			pages.set(run.credentials, known);
			known.catch(() => pages.delete(run.credentials));
			return known;
		},
		link(path) {
			const base = `${hosts.web.replace(/\/$/, '')}/`;
			return URL.canParse(path, base) && /^https?:$/.test(new URL(path, base).protocol) ? new URL(path, base).href : null;
		},
	};
}

const noPage = (message: string, cause?: unknown): PipelineError =>
	new PipelineError('post_invalid', message, { cause, details: { problems: [{ field: 'account', message }] } });
