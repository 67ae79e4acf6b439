import { Emulator, type EmulatorOptions, type StoredMedia } from './emulator.ts';
import { fetchPublic, Graph, refuseGraph, textValue, type GraphAccount, type GraphRequest } from './graph.ts';
import { checkThreadsMedia, readThreadsContainer, THREADS_PARAMETERS, type ThreadsKind } from './threadsRules.ts';

export interface ThreadsEmulatorOptions extends EmulatorOptions {
	/** Default: `threads-token` with every scope. */
	tokens?: Record<string, GraphAccount>;
	/** How often a video is still IN_PROGRESS. Default 2. */
	processingPolls?: number;
	/** Default 86,400. */
	containerLifeSeconds?: number;
	/** Posts a day. Default 250. */
	quota?: number;
	/** Replies a day. Default 1000. */
	replyQuota?: number;
	/** Hash media and drop the bytes: for large files. */
	discard?: boolean;
}

export interface ThreadsMedia extends StoredMedia {
	id: string;
}

interface Container {
	id: string;
	owner: string;
	kind: ThreadsKind;
	text: string;
	carouselItem: boolean;
	replyTo: string | null;
	options: Record<string, unknown>;
	media: ThreadsMedia[];
	pollsLeft: number;
	error: string | null;
	expiresAt: number;
	published: boolean;
}

export interface ThreadsPost {
	id: string;
	owner: string;
	author: string;
	text: string;
	kind: ThreadsKind;
	media: ThreadsMedia[];
	replyTo: string | null;
	options: Record<string, unknown>;
	permalink: string;
	at: Date;
	engagement: { views: number; likes: number; replies: number; reposts: number; quotes: number; shares: number };
}

const SCOPES = ['threads_basic', 'threads_content_publish', 'threads_manage_replies', 'threads_read_replies', 'threads_manage_insights', 'threads_delete'];
const CONTAINER = ':id<179\\d+>';
const MEDIA = ':id<180\\d+>';

/** A strict Threads API on loopback (platforms.md 7): refuses what the real one refuses, and counts what is public. */
export async function startThreadsEmulator(options: ThreadsEmulatorOptions = {}) {
	const emulator = new Emulator(options);
	const { processingPolls = 2, containerLifeSeconds = 86_400, quota = 250, replyQuota = 1000, discard = false } = options;
	const graph = new Graph<GraphAccount>(emulator, {
		tokens: options.tokens ?? { 'threads-token': { id: '26084512345678901', username: 'demo', scopes: SCOPES } },
		versions: ['v1.0'],
	});
	const containers = new Map<string, Container>();
	const posts: ThreadsPost[] = [];
	let [lastContainer, lastMedia] = [17_910_000_000_000_017n, 18_010_000_000_000_019n];
	const nextContainer = () => String((lastContainer += 13n));
	const nextMedia = () => String((lastMedia += 13n));
	let nextError: string | null = null;
	let base = '';

	const missing = (id: string | undefined): never =>
		refuseGraph({
			message: `Unsupported request. Object with ID '${id}' does not exist, cannot be loaded due to missing permissions, or does not support this operation`,
			code: 100,
			subcode: 33,
			type: 'GraphMethodException',
		});
	const self = ({ account, params }: GraphRequest<GraphAccount>) =>
		params['user'] === 'me' || params['user'] === account.id ? account : missing(params['user']);
	const ownPost = ({ account, params }: GraphRequest<GraphAccount>) =>
		posts.find((post) => post.id === params['id'] && post.owner === account.id) ?? missing(params['id']);
	const ownContainer = (account: GraphAccount, id: string | null | undefined) => {
		const found = containers.get(id ?? '');
		return found?.owner === account.id ? found : null;
	};
	const used = (owner: string, replies: boolean) =>
		posts.filter((post) => post.owner === owner && (post.replyTo !== null) === replies && post.at.getTime() > emulator.now() - 86_400_000).length;

	function status(container: Container): { status: string; error_message?: string } {
		if (container.published) return { status: 'PUBLISHED' };
		if (container.expiresAt <= emulator.now()) return { status: 'EXPIRED' };
		if (container.error !== null) return { status: 'ERROR', error_message: container.error };
		return { status: container.pollsLeft > 0 ? 'IN_PROGRESS' : 'FINISHED' };
	}

	graph.step('me', 'get', '/me', { scopes: ['threads_basic'] }, ({ account, values }) =>
		graph.pick(values, { id: account.id, username: account.username, name: account.username }),
	);

	graph.step('limit', 'get', '/:user/threads_publishing_limit', { scopes: ['threads_basic', 'threads_content_publish'] }, (request) => {
		const { id, scopes } = self(request);
		if (String(request.values['fields']).includes('reply_') && !scopes.includes('threads_manage_replies'))
			graph.need(request.account, 'threads_manage_replies');
		const all = {
			quota_usage: used(id, false),
			config: { quota_total: quota, quota_duration: 86_400 },
			reply_quota_usage: used(id, true),
			reply_config: { quota_total: replyQuota, quota_duration: 86_400 },
		};
		return { data: [Object.fromEntries(Object.entries(all).filter(([name]) => String(request.values['fields']).split(',').includes(name)))] };
	});

	graph.step(
		'container',
		'post',
		'/:user/threads',
		{ scopes: ['threads_basic', 'threads_content_publish'], parameters: THREADS_PARAMETERS },
		async (request) => {
			const account = self(request);
			const { url, children, alt, ...wanted } = readThreadsContainer(request.values);
			if (wanted.replyTo !== null) {
				graph.need(account, 'threads_manage_replies');
				if (!posts.some((post) => post.id === wanted.replyTo)) missing(wanted.replyTo);
			}
			const container: Container = {
				id: nextContainer(),
				owner: account.id,
				...wanted,
				media: children.flatMap((child) => childMedia(account, child)),
				pollsLeft: wanted.kind === 'VIDEO' ? processingPolls : 0,
				error: null,
				expiresAt: emulator.now() + containerLifeSeconds * 1000,
				published: false,
			};
			if (url !== null) {
				const fetched = await fetchPublic(url, { maxBytes: wanted.kind === 'IMAGE' ? 8e6 : 2e9, keep: wanted.kind === 'IMAGE' || !discard });
				container.error = await checkThreadsMedia(fetched, wanted.kind);
				if (typeof fetched !== 'string')
					container.media = [{ id: nextMedia(), mime: fetched.mime, sha256: fetched.sha256, bytes: discard ? Buffer.alloc(0) : fetched.bytes, alt }];
				if (nextError !== null) [container.error, nextError] = [nextError, null];
			}
			containers.set(container.id, container);
			return { id: container.id };
		},
	);

	/** The media of a finished item of a carousel. */
	function childMedia(account: GraphAccount, id: string): ThreadsMedia[] {
		const child = ownContainer(account, id) ?? missing(id);
		if (!child.carouselItem || status(child).status !== 'FINISHED')
			refuseGraph({ message: 'Invalid parameter', code: 100, userMessage: `The item ${id} is not ready for a carousel` });
		return child.media;
	}

	graph.step('status', 'get', `/${CONTAINER}`, { scopes: ['threads_basic'] }, ({ account, params, values }) => {
		const container = ownContainer(account, params['id']) ?? missing(params['id']);
		const answer = graph.pick(values, { id: container.id, error_message: undefined, ...status(container) });
		container.pollsLeft = Math.max(0, container.pollsLeft - 1);
		return answer;
	});

	graph.step(
		'publish',
		'post',
		'/:user/threads_publish',
		{ scopes: ['threads_basic', 'threads_content_publish'], parameters: ['creation_id'], makesPublic: () => true },
		(request) => {
			const account = self(request);
			const creation = textValue(request.values, 'creation_id');
			const container = ownContainer(account, creation);
			// What the real one says of a container that is not there, not ready, expired, or published already.
			if (!container || container.carouselItem || status(container).status !== 'FINISHED') {
				return refuseGraph({
					message: 'The requested resource does not exist',
					code: 24,
					subcode: 4_279_009,
					userTitle: 'Media Not Found',
					userMessage: `The media with id ${creation} cannot be found.`,
				});
			}
			const reply = container.replyTo !== null;
			if (used(account.id, reply) >= (reply ? replyQuota : quota))
				refuseGraph({
					message: 'Application request limit reached',
					code: 9,
					subcode: 2207042,
					userMessage: 'You reached the maximum number of posts of 24 hours',
				});
			container.published = true;
			const id = nextMedia();
			const { text, kind, media, replyTo, options: chosen } = container;
			const permalink = `${base}/@${account.username}/post/${Buffer.from(id.slice(-9)).toString('base64url')}`;
			const engagement = { views: 340, likes: 21, replies: 4, reposts: 2, quotes: 1, shares: 5 };
			posts.push({
				id,
				owner: account.id,
				author: account.username,
				text,
				kind,
				media,
				replyTo,
				options: chosen,
				permalink,
				at: new Date(emulator.now()),
				engagement,
			});
			return { id };
		},
	);

	const shownPost = (post: ThreadsPost) => ({
		id: post.id,
		text: post.text || undefined,
		media_type: post.kind === 'TEXT' ? 'TEXT_POST' : post.kind === 'CAROUSEL' ? 'CAROUSEL_ALBUM' : post.kind,
		media_product_type: 'THREADS',
		permalink: post.permalink,
		timestamp: post.at.toISOString().replace(/\.\d+Z$/, '+0000'),
		username: post.author,
		is_reply: post.replyTo !== null,
		replied_to: post.replyTo === null ? undefined : { id: post.replyTo },
	});
	const listed = (replies: boolean) => (request: GraphRequest<GraphAccount>) => {
		const { id } = self(request);
		const [since, until] = ['since', 'until'].map((name) => (request.values[name] === undefined ? null : Number(request.values[name]) * 1000));
		const own = posts.filter(
			(post) => post.owner === id && (post.replyTo !== null) === replies && post.at.getTime() >= (since ?? 0) && post.at.getTime() <= (until ?? Infinity),
		);
		return graph.page(request.values, own.toReversed(), (post) => graph.pick(request.values, shownPost(post)));
	};
	const listing = ['limit', 'after', 'since', 'until'];
	graph.step('list', 'get', '/:user/threads', { scopes: ['threads_basic'], parameters: listing }, listed(false));
	graph.step('replies', 'get', '/:user/replies', { scopes: ['threads_basic', 'threads_read_replies'], parameters: listing }, listed(true));
	graph.step('media', 'get', `/${MEDIA}`, { scopes: ['threads_basic'] }, (request) => graph.pick(request.values, shownPost(ownPost(request))));

	graph.step('insights', 'get', `/${MEDIA}/insights`, { scopes: ['threads_basic', 'threads_manage_insights'], parameters: ['metric'] }, (request) => {
		const { engagement, id } = ownPost(request);
		const all: Record<string, number> = engagement;
		const names = String(request.values['metric']).split(',');
		return {
			data: names.map((name) => ({
				name,
				period: 'lifetime',
				values: [{ value: all[name] ?? refuseGraph({ message: `(#100) metric ${name}`, code: 100 }) }],
				id: `${id}/insights/${name}/lifetime`,
			})),
		};
	});

	graph.step('delete', 'delete', `/${MEDIA}`, { scopes: ['threads_basic', 'threads_delete'] }, (request) => {
		const [{ id }] = posts.splice(posts.indexOf(ownPost(request)), 1) as [ThreadsPost];
		return { success: true, deleted_id: id };
	});

	emulator.show(
		'Threads',
		() => posts.map((post) => ({ ...post, media: post.media.map(({ id, mime, alt }) => ({ url: `/emulator/media/${id}`, mime, alt })) })),
		(id) => posts.flatMap((post) => post.media).find((media) => media.id === id),
	);
	emulator.app.get(/^\/@[^/]+\/post\//, (_request, response) => response.redirect('/'));
	base = await emulator.listen(options.port);

	return {
		url: base,
		/** Public posts and replies, oldest first. */
		posts,
		calls: emulator.calls,
		/** Calls to publish that came from a valid account, whatever their answer. */
		get publicCalls() {
			return graph.publicCalls;
		},
		usage: (percent: number) => (graph.usage.call_count = percent),
		count: (step: string) => emulator.count(step),
		fail: emulator.fail.bind(emulator),
		hold: emulator.hold.bind(emulator),
		/** Every step that `fail` and `hold` know. */
		steps: ['me', 'limit', 'container', 'status', 'publish', 'media', 'list', 'replies', 'insights', 'delete'] as const,
		revoke: (token: string) => graph.tokens.delete(token),
		setToken: (token: string, account: GraphAccount) => graph.tokens.set(token, account),
		/** Every container is gone. */
		forgetMedia: () => containers.clear(),
		/** The next image or video cannot be processed. */
		failProcessing: (message: string) => (nextError = message),
		close: () => emulator.close(),
	};
}

export type ThreadsEmulator = Awaited<ReturnType<typeof startThreadsEmulator>>;
