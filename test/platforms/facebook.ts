import { Emulator, sha256, type EmulatorOptions } from './emulator.ts';
import { addFacebookFeed } from './facebookFeed.ts';
import { addFacebookVideos, type FacebookVideo } from './facebookVideos.ts';
import { Graph, refuseGraph, textValue, type GraphAccount, type GraphRequest } from './graph.ts';

/** Whose token it is: a user's, who manages pages, or a Page's own. */
export interface FacebookAccount extends GraphAccount {
	kind: 'user' | 'page';
	/** Ids of the Pages of a user. */
	pages?: string[];
}

export interface FacebookPage {
	id: string;
	name: string;
	/** The Page's own token. */
	token: string;
	/** What the user may do there: CREATE_CONTENT to post. */
	tasks: string[];
}

export interface FacebookEmulatorOptions extends EmulatorOptions {
	tokens?: Record<string, FacebookAccount>;
	/** Default: one, "demo". */
	pages?: FacebookPage[];
	/** Looks at a finished video before it is published. Default 2. */
	processingPolls?: number;
	/** What one request of a feed video may carry. Default 1 MiB. */
	chunkBytes?: number;
	/** All three hosts are one: for those who can be told one address only. */
	oneHost?: boolean;
	/** Bytes are hashed and dropped. */
	discard?: boolean;
	/** Default 24 hours: photos that belong to no post. */
	photoLifeSeconds?: number;
	/** Reels in 24 hours. Default 30 (platforms.md 6.2). */
	reelsPerDay?: number;
}

export interface FacebookMedia {
	id: string;
	mime: string;
	bytes: Buffer;
	sha256: string;
	alt: string | null;
}

export interface FacebookComment {
	id: string;
	text: string;
	at: Date;
}

export interface FacebookPost {
	id: string;
	page: string;
	/** Name of the Page. */
	author: string;
	kind: 'feed' | 'video' | 'reel' | 'story';
	text: string;
	title: string | null;
	link: string | null;
	media: FacebookMedia[];
	permalink: string;
	at: Date;
	/** Unix seconds. */
	scheduledFor: number | null;
	/** SHA-256 of the picture. */
	thumbnail: string | null;
	captions: Array<{ locale: string; text: string; isDefault: boolean }>;
	comments: FacebookComment[];
	numbers: { views: number; reactions: number; shares: number };
}

/** What the parts of the stand-in share. */
export interface FacebookWorld {
	graph: Graph<FacebookAccount>;
	now(): number;
	pages: FacebookPage[];
	posts: FacebookPost[];
	scheduled: FacebookPost[];
	media: Map<string, FacebookMedia>;
	videos: Map<string, FacebookVideo>;
	/** Base addresses, known once the server listens. */
	hosts: { graph: string; video: string; upload: string };
	options: Required<Pick<FacebookEmulatorOptions, 'processingPolls' | 'chunkBytes' | 'discard' | 'photoLifeSeconds' | 'reelsPerDay'>>;
	/** What goes wrong with the next video that is finished. */
	trouble: { at: 'processing' | 'publishing'; code: number; message: string } | null;
	/** The Page of the path; the token must be its own. */
	page(request: GraphRequest<FacebookAccount>): FacebookPage;
	publish(post: FacebookPost): void;
	/** Scheduled posts whose time has come are public. */
	publishDue(): void;
	/** A published or scheduled post of the caller's Page. */
	find(request: GraphRequest<FacebookAccount>): FacebookPost;
	/** Checks `scheduled_publish_time`; null where it is not given. */
	scheduleOf(values: Record<string, unknown>, maxDays: number): number | null;
}

const SCOPES = ['pages_show_list', 'pages_read_engagement', 'pages_manage_posts', 'pages_manage_engagement', 'pages_read_user_content'];
const PAGE: FacebookPage = { id: '110000000000000123', name: 'demo', token: 'facebook-page-token', tasks: ['CREATE_CONTENT', 'MODERATE', 'ANALYZE', 'MANAGE'] };
const SCHEDULE_LEAD_SECONDS = 600;
const DAY_SECONDS = 86_400;

export const FACEBOOK_STEPS = [
	'accounts', 'me', 'page', 'photo', 'feed', 'posts', 'scheduledPosts', 'post', 'comment', 'comments', 'delete', 'reelStart', 'upload', 'reelFinish', 'video', 'storyStart',
	'storyFinish', 'photoStory', 'stories', 'story', 'readComment', 'deleteComment', 'videoStart', 'videoTransfer', 'videoFinish', 'thumbnail', 'captions',
] as const;

/** A strict Graph API for Facebook Pages on loopback, at three ports as at three hosts (platforms.md 6). */
export async function startFacebookEmulator(options: FacebookEmulatorOptions = {}) {
	const emulator = new Emulator(options);
	const pages = options.pages ?? [PAGE];
	const tokens: Record<string, FacebookAccount> = options.tokens ?? {
		'facebook-token': { id: '122000000000000457', username: 'Dana', scopes: SCOPES, kind: 'user', pages: pages.map((page) => page.id) },
	};
	for (const page of pages) tokens[page.token] ??= { id: page.id, username: page.name, scopes: SCOPES, kind: 'page' };
	const graph = new Graph<FacebookAccount>(emulator, { tokens, versions: ['v26.0', 'v25.0', 'v24.0'], firstId: 20_000_000_000_000_011n });
	const { processingPolls = 2, chunkBytes = 1024 * 1024, discard = false, photoLifeSeconds = DAY_SECONDS, reelsPerDay = 30 } = options;
	const posts: FacebookPost[] = [];
	const scheduled: FacebookPost[] = [];

	const world: FacebookWorld = {
		graph,
		now: emulator.now,
		pages,
		posts,
		scheduled,
		media: new Map(),
		videos: new Map(),
		hosts: { graph: '', video: '', upload: '' },
		options: { processingPolls, chunkBytes, discard, photoLifeSeconds, reelsPerDay },
		trouble: null,
		page({ account, params }) {
			if (account.kind === 'user') refuseGraph({ message: '(#200) A Page access token is required', code: 200, status: 403 });
			if (account.id !== params['id']) refuseGraph({ message: `Unsupported post request. Object with ID '${params['id']}' does not exist`, code: 100, subcode: 33, type: 'GraphMethodException' });
			const page = pages.find((entry) => entry.id === account.id)!;
			if (!page.tasks.includes('CREATE_CONTENT')) refuseGraph({ message: '(#200) The user has no role that may create content on this Page', code: 200, status: 403 });
			return page;
		},
		publish(post) {
			(post.scheduledFor === null ? posts : scheduled).push(post);
		},
		publishDue,
		find({ account, params }) {
			publishDue();
			const found = [...posts, ...scheduled].find((post) => post.id === params['id'] && post.page === account.id);
			return found ?? refuseGraph({ message: `Unsupported request. Object with ID '${params['id']}' does not exist, cannot be loaded due to missing permissions`, code: 100, subcode: 33, type: 'GraphMethodException' });
		},
		scheduleOf(values, maxDays) {
			const time = values['scheduled_publish_time'];
			if (time === undefined) return null;
			if (!/^\d{10}$/.test(String(time))) refuseGraph({ message: '(#100) scheduled_publish_time must be in unix seconds', code: 100 });
			const ahead = Number(time) - emulator.now() / 1000;
			if (ahead >= SCHEDULE_LEAD_SECONDS && ahead <= maxDays * DAY_SECONDS) return Number(time);
			return refuseGraph({ message: '(#100) The specified scheduled publish time is invalid.', code: 100, subcode: 1_363_118, userMessage: `It must be 10 minutes to ${maxDays} days ahead.` });
		},
	};

	/** What was to appear by now does. */
	function publishDue(): void {
		for (const post of scheduled.filter((entry) => entry.scheduledFor! * 1000 <= emulator.now())) {
			scheduled.splice(scheduled.indexOf(post), 1);
			posts.push(Object.assign(post, { at: new Date(post.scheduledFor! * 1000), scheduledFor: null }));
		}
	}

	graph.step('accounts', 'get', '/me/accounts', { scopes: ['pages_show_list'], parameters: ['limit', 'after'] }, ({ account, values }) => {
		if (account.kind === 'page') refuseGraph({ message: '(#100) Tried accessing nonexisting field (accounts) on node type (Page)', code: 100 });
		const own = pages.filter((page) => account.pages?.includes(page.id));
		return graph.page(values, own, (page) => graph.pick(values, { id: page.id, name: page.name, access_token: page.token, tasks: page.tasks }));
	});
	graph.step('me', 'get', '/me', {}, ({ account, values }) => graph.pick(values, { id: account.id, name: account.username }));
	graph.step('page', 'get', /^\/(?<version>[^/]+)\/(?<id>1\d+)$/, { scopes: ['pages_show_list'] }, ({ account, params, values }) => {
		const page = pages.find((entry) => entry.id === params['id']);
		const own = page && (account.kind === 'page' ? account.id === page.id : account.pages?.includes(page.id));
		if (!page) return refuseGraph({ message: `Unsupported get request. Object with ID '${params['id']}' does not exist`, code: 100, subcode: 33, type: 'GraphMethodException' });
		// Of a Page that others manage, only what is public is told.
		return graph.pick(values, { id: page.id, name: page.name, access_token: own ? page.token : null });
	});

	addFacebookFeed(world);
	addFacebookVideos(world, emulator);

	graph.step('delete', 'delete', '/:id', { scopes: ['pages_manage_posts'] }, (request) => {
		const post = world.find(request);
		if (post.kind === 'story' && !post.media[0]!.mime.startsWith('video/')) {
			refuseGraph({ message: `Unsupported delete request. Object with ID '${post.id}' does not exist, cannot be loaded due to missing permissions, or does not support this operation`, code: 100, subcode: 33, type: 'GraphMethodException' });
		}
		for (const list of [posts, scheduled]) if (list.includes(post)) list.splice(list.indexOf(post), 1);
		world.videos.delete(post.id);
		return { success: true };
	});

	const shown = () => {
		publishDue();
		return posts.map((post) => ({
			...post,
			text: [post.title, post.text, post.link, ...post.comments.map((comment) => `↳ ${comment.text}`)].filter(Boolean).join('\n'),
			media: post.media.map(({ id, mime, alt }) => ({ url: `/emulator/media/${id}`, mime, alt })),
		}));
	};
	emulator.show('Facebook', shown, (id) => world.media.get(id));
	emulator.app.get(/^\/(?:reel|\d+\/(?:posts|videos)|stories\/\d+)\/(?<id>\d+)\/?$/, (request, response) => response.redirect(`/#${(request.params as Record<string, string>)['id']}`));
	world.hosts.graph = await emulator.listen(options.port);
	world.hosts.video = options.oneHost ? world.hosts.graph : await emulator.alsoListen();
	world.hosts.upload = options.oneHost ? world.hosts.graph : await emulator.alsoListen();

	return {
		/** graph.facebook.com, and where posts are seen. */
		url: world.hosts.graph,
		/** graph-video.facebook.com */
		videoUrl: world.hosts.video,
		/** rupload.facebook.com */
		uploadUrl: world.hosts.upload,
		/** Public posts, oldest first. */
		posts,
		scheduled,
		calls: emulator.calls,
		/** Calls that can make something public, with a valid token, whatever their answer. */
		get publicCalls() {
			return graph.publicCalls;
		},
		count: (step: string) => emulator.count(step),
		fail: emulator.fail.bind(emulator),
		hold: emulator.hold.bind(emulator),
		/** Every step that `fail` and `hold` know. */
		steps: FACEBOOK_STEPS,
		revoke: (token: string) => graph.tokens.delete(token),
		setToken: (token: string, entry: FacebookAccount) => graph.tokens.set(token, entry),
		/** Uploads that belong to no post are gone. */
		forgetMedia: () => {
			const used = new Set([...posts, ...scheduled].flatMap((post) => post.media.map((media) => media.id)));
			for (const map of [world.media, world.videos]) for (const id of map.keys()) if (!used.has(id)) map.delete(id);
		},
		/** The next finished video ends with this. */
		failVideo: (at: 'processing' | 'publishing', code: number, message: string) => (world.trouble = { at, code, message }),
		/** X-App-Usage, percent. */
		setUsage: (percent: number) => Object.assign(graph.usage, { call_count: percent }),
		close: () => emulator.close(),
	};
}

export type FacebookEmulator = Awaited<ReturnType<typeof startFacebookEmulator>>;

/** Keeps a file, or only what it was. */
export function keepMedia(world: FacebookWorld, media: Omit<FacebookMedia, 'sha256'> & { sha256?: string }): FacebookMedia {
	const entry = { ...media, sha256: media.sha256 ?? sha256(media.bytes), bytes: world.options.discard ? Buffer.alloc(0) : media.bytes };
	world.media.set(entry.id, entry);
	return entry;
}

export const newPost = (page: FacebookPage, post: Pick<FacebookPost, 'id' | 'kind' | 'permalink' | 'at'> & Partial<FacebookPost>): FacebookPost => ({
	page: page.id,
	author: page.name,
	text: '',
	title: null,
	link: null,
	media: [],
	scheduledFor: null,
	thumbnail: null,
	captions: [],
	comments: [],
	numbers: { views: 0, reactions: 0, shares: 0 },
	...post,
});

/** The text of a post; platforms.md 0.4: 63,206 (unconfirmed). */
export function messageOf(values: Record<string, unknown>, name: string): string {
	const text = textValue(values, name) ?? '';
	if (text.length > 63_206) refuseGraph({ message: '(#100) The text is too long', code: 100 });
	return text;
}

/** As Graph writes times. */
export const graphTime = (at: Date): string => at.toISOString().replace(/\.\d{3}Z$/, '+0000');
