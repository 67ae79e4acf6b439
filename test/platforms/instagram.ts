import { Emulator, type EmulatorOptions } from './emulator.ts';
import { fetchPublic, Graph, refuseGraph, ResumableFile, textValue, type Fetched, type GraphAccount, type GraphRequest } from './graph.ts';
import { ACCOUNT, checkImage, checkVideo, CONTAINER_PARAMETERS, readContainer, SCOPES, videoProblem, type ContainerKind } from './instagramRules.ts';

export interface InstagramAccount extends GraphAccount {
	/** With `facebook`, `id` is the one of a person, or of a page that is its own. */
	login: 'instagram' | 'facebook';
	/** Default BUSINESS. */
	accountType?: 'BUSINESS' | 'MEDIA_CREATOR' | 'PERSONAL';
	/** Facebook Login of a person. */
	pages?: Array<{ id: string; name: string; instagram: { id: string; username: string } | null }>;
	/** Facebook Login with the token of a page: its Instagram account. */
	instagram?: { id: string; username: string };
}

export interface InstagramEmulatorOptions extends EmulatorOptions {
	/** Default: `instagram-token` and `facebook-token` for the same account, with every scope. */
	tokens?: Record<string, InstagramAccount>;
	/** How often a video is still IN_PROGRESS. Default 2. */
	processingPolls?: number;
	/** Default 86,400. */
	containerLifeSeconds?: number;
	/** Posts a day. Default 100. */
	quota?: number;
	/** Hash media and drop the bytes: for large files. */
	discard?: boolean;
}

export interface InstagramMedia {
	id: string;
	mime: string;
	sha256: string;
	bytes: Buffer;
	alt: string | null;
}

interface Container {
	id: string;
	owner: string;
	kind: ContainerKind;
	caption: string;
	carouselItem: boolean;
	media: InstagramMedia[];
	cover: string | null;
	thumbOffset: number | null;
	options: Record<string, unknown>;
	/** Null: nothing is uploaded to it. */
	upload: ResumableFile | null;
	pollsLeft: number;
	/** Subcode of an ERROR. */
	error: number | null;
	expiresAt: number;
	published: boolean;
}

export interface InstagramPost {
	id: string;
	/** Id of the account. */
	owner: string;
	author: string;
	text: string;
	kind: ContainerKind;
	media: InstagramMedia[];
	/** SHA-256 of a reel's cover. */
	cover: string | null;
	thumbOffset: number | null;
	options: Record<string, unknown>;
	permalink: string;
	at: Date;
	comments: Array<{ id: string; text: string; username: string; at: Date }>;
	engagement: { views: number; likes: number; shares: number; saved: number };
}

const VERSIONS = ['v23.0', 'v24.0', 'v25.0', 'v26.0'];
const CONTAINER = ':id<179\\d+>';
const MEDIA = ':id<180\\d+>';

/** Instagram's content publishing with both logins on loopback (platforms.md 5): refuses what the real one refuses, and counts what is public. */
export async function startInstagramEmulator(options: InstagramEmulatorOptions = {}) {
	const emulator = new Emulator(options);
	const { processingPolls = 2, containerLifeSeconds = 86_400, quota = 100, discard = false } = options;
	const tokens: Record<string, InstagramAccount> = options.tokens ?? {
		'instagram-token': { ...ACCOUNT, login: 'instagram', scopes: Object.values(SCOPES.instagram) },
		'facebook-token': {
			id: '10158000000000001',
			username: 'Demo Person',
			login: 'facebook',
			scopes: [...Object.values(SCOPES.facebook), 'pages_show_list', 'pages_read_engagement', 'instagram_manage_contents'],
			pages: [{ id: '104000000000000001', name: 'Demo Page', instagram: ACCOUNT }],
		},
	};
	const ofLogin = (login: InstagramAccount['login']) => Object.fromEntries(Object.entries(tokens).filter(([, account]) => account.login === login));
	const graphs = {
		instagram: new Graph<InstagramAccount>(emulator, { tokens: ofLogin('instagram'), versions: VERSIONS, base: '/instagram' }),
		facebook: new Graph<InstagramAccount>(emulator, { tokens: ofLogin('facebook'), versions: VERSIONS, base: '/facebook' }),
	};
	const containers = new Map<string, Container>();
	const posts: InstagramPost[] = [];
	let [lastContainer, lastMedia] = [17_900_000_000_000_017n, 18_000_000_000_000_019n];
	const nextContainer = () => String((lastContainer += 13n));
	const nextMedia = () => String((lastMedia += 13n));
	let nextError: number | null = null;
	let base = '';

	const accountsOf = ({ login, id, username, pages = [], instagram }: InstagramAccount) =>
		login === 'instagram' ? [{ id, username }] : instagram ? [instagram] : pages.flatMap((page) => page.instagram ?? []);
	const missing = (id: string | undefined): never =>
		refuseGraph({
			message: `Unsupported request. Object with ID '${id}' does not exist, cannot be loaded due to missing permissions, or does not support this operation.`,
			code: 100,
			subcode: 33,
			type: 'GraphMethodException',
		});
	/** The Instagram account that a path names. */
	const ownAccount = ({ account, params }: GraphRequest<InstagramAccount>) =>
		accountsOf(account).find(({ id }) => id === params['id']) ?? missing(params['id']);
	const ownPost = ({ account, params }: GraphRequest<InstagramAccount>) =>
		posts.find((post) => post.id === params['id'] && accountsOf(account).some(({ id }) => id === post.owner)) ?? missing(params['id']);
	const ownContainer = (account: InstagramAccount, id: string | undefined) => {
		const found = containers.get(id ?? '');
		return found && accountsOf(account).some((entry) => entry.id === found.owner) ? found : null;
	};
	const used = (owner: string) => posts.filter((post) => post.owner === owner && post.at.getTime() > emulator.now() - 86_400_000).length;
	const asMedia = ({ mime, sha256, bytes }: Pick<Fetched, 'mime' | 'sha256' | 'bytes'>, alt: string | null = null): InstagramMedia => ({
		id: nextMedia(),
		mime,
		sha256,
		bytes: discard ? Buffer.alloc(0) : bytes,
		alt,
	});
	const graphTime = (date: Date) => date.toISOString().replace(/\.\d+Z$/, '+0000');

	function status(container: Container): { status_code: string; status: string } {
		if (container.published) return { status_code: 'PUBLISHED', status: 'Published: Media has been successfully published.' };
		if (container.expiresAt <= emulator.now())
			return { status_code: 'EXPIRED', status: 'Expired: The container was not published within 24 hours and has expired.' };
		if (container.error !== null) return { status_code: 'ERROR', status: `Error: Media upload has failed with error code ${container.error}` };
		const uploading = container.upload !== null && container.upload.received !== container.upload.size;
		if (uploading || container.pollsLeft > 0) return { status_code: 'IN_PROGRESS', status: 'In Progress: Media is still being processed.' };
		return { status_code: 'FINISHED', status: 'Finished: Media has been uploaded and it is ready to be published.' };
	}

	for (const login of ['instagram', 'facebook'] as const) {
		const graph = graphs[login];
		const scope = SCOPES[login];
		const pages = login === 'facebook' ? ['pages_show_list', 'pages_read_engagement'] : [];

		if (login === 'instagram') {
			graph.step('me', 'get', '/me', { scopes: [scope.basic] }, ({ account, values }) =>
				graph.pick(values, {
					id: `9${account.id}`,
					user_id: account.id,
					username: account.username,
					account_type: account.accountType ?? 'BUSINESS',
					name: account.username,
				}),
			);
		} else {
			const shown = (page: { id: string; name: string; instagram: { id: string; username: string } | null | undefined }) => ({
				id: page.id,
				name: page.name,
				instagram_business_account: page.instagram ?? undefined,
			});
			graph.step('me', 'get', '/me', { scopes: [scope.basic] }, ({ account, values }) => {
				const page = { id: account.id, name: account.username };
				return graph.pick(values, account.instagram ? shown({ ...page, instagram: account.instagram }) : page);
			});
			graph.step('me', 'get', '/me/accounts', { scopes: [scope.basic, ...pages], parameters: ['limit', 'after'] }, ({ account, values }) => {
				if (account.instagram) refuseGraph({ message: '(#100) Tried accessing nonexisting field (accounts) on node type (Page)', code: 100 });
				return graph.page(values, account.pages ?? [], (page) => graph.pick(values, shown(page)));
			});
		}

		graph.step('limit', 'get', '/:id/content_publishing_limit', { scopes: [scope.basic, scope.publish] }, (request) => {
			const { id } = ownAccount(request);
			return { data: [{ config: { quota_total: quota, quota_duration: 86_400 }, quota_usage: used(id) }] };
		});

		graph.step('container', 'post', '/:id/media', { scopes: [scope.basic, scope.publish, ...pages], parameters: CONTAINER_PARAMETERS }, async (request) => {
			const { id: owner } = ownAccount(request);
			const wanted = readContainer(request.values, login);
			const container: Container = {
				id: nextContainer(),
				owner,
				...wanted,
				media: [],
				cover: null,
				upload: null,
				pollsLeft: wanted.imageUrl === null && wanted.kind !== 'CAROUSEL' ? processingPolls : 0,
				error: null,
				expiresAt: emulator.now() + containerLifeSeconds * 1000,
				published: false,
			};
			if (wanted.imageUrl !== null)
				container.media = [asMedia(await checkImage(await fetchPublic(wanted.imageUrl, { maxBytes: 8e6, keep: true })), wanted.alt)];
			if (wanted.videoUrl !== null) {
				const fetched = await fetchPublic(wanted.videoUrl, { maxBytes: 2e9, keep: !discard });
				container.error = checkVideo(fetched, wanted.kind);
				if (typeof fetched !== 'string') container.media = [asMedia(fetched)];
			}
			if (wanted.coverUrl !== null) container.cover = (await checkImage(await fetchPublic(wanted.coverUrl, { maxBytes: 8e6, keep: true }))).sha256;
			if (wanted.resumable) container.upload = new ResumableFile(container.id, !discard);
			if (wanted.kind === 'CAROUSEL') container.media = wanted.children.flatMap((child) => childMedia(request.account, child));
			if (wanted.kind !== 'IMAGE' && wanted.kind !== 'CAROUSEL' && nextError !== null) [container.error, nextError] = [nextError, null];
			containers.set(container.id, container);
			return { id: container.id, ...(container.upload ? { uri: `${base}/rupload/ig-api-upload/${request.params['version']}/${container.id}` } : {}) };
		});

		graph.step('status', 'get', `/${CONTAINER}`, { scopes: [scope.basic] }, ({ account, params, values }) => {
			const container = ownContainer(account, params['id']) ?? missing(params['id']);
			const upload = container.upload;
			const video_status = upload && {
				uploading_phase: { status: upload.received === upload.size ? 'complete' : 'in_progress', bytes_transferred: upload.received },
				processing_phase: { status: container.pollsLeft > 0 ? 'in_progress' : 'complete' },
			};
			const answer = graph.pick(values, { id: container.id, ...status(container), video_status });
			if (!upload || upload.received === upload.size) container.pollsLeft = Math.max(0, container.pollsLeft - 1);
			return answer;
		});

		graph.step(
			'publish',
			'post',
			'/:id/media_publish',
			{ scopes: [scope.basic, scope.publish, ...pages], parameters: ['creation_id'], makesPublic: () => true },
			(request) => {
				const { id: owner, username } = ownAccount(request);
				const creation = textValue(request.values, 'creation_id');
				const container = ownContainer(request.account, creation ?? undefined) ?? missing(creation ?? undefined);
				const { status_code } = status(container);
				if (container.carouselItem) refuseGraph({ message: '(#100) An item of a carousel cannot be published alone', code: 100 });
				if (status_code === 'PUBLISHED') refuseGraph({ message: '(#100) The media has been published already', code: 100 });
				if (status_code === 'EXPIRED') refuseGraph({ message: 'The media container has expired', code: -2, subcode: 2207020 });
				if (status_code === 'ERROR') refuseGraph({ message: 'The media cannot be published', code: -1, subcode: 2207032 });
				if (status_code === 'IN_PROGRESS')
					refuseGraph({
						message: 'Media ID is not available',
						code: 9007,
						subcode: 2207027,
						userMessage: 'The media is not ready for publishing, please wait for a moment',
					});
				if (used(owner) >= quota)
					refuseGraph({
						message: 'Application request limit reached',
						code: 9,
						subcode: 2207042,
						userMessage: 'You reached the maximum number of posts that is allowed to be published by the Content Publishing API',
					});
				container.published = true;
				const id = nextMedia();
				const { caption: text, kind, media, cover, thumbOffset, options: chosen } = container;
				const permalink = `${base}/${kind === 'REELS' ? 'reel' : kind === 'STORIES' ? 'stories' : 'p'}/${Buffer.from(id.slice(-9)).toString('base64url')}/`;
				posts.push({
					id,
					owner,
					author: username,
					text,
					kind,
					media,
					cover,
					thumbOffset,
					options: chosen,
					permalink,
					at: new Date(emulator.now()),
					comments: [],
					engagement: { views: 120, likes: 14, shares: 3, saved: 2 },
				});
				return { id };
			},
		);

		const shownPost = (post: InstagramPost) => ({
			id: post.id,
			caption: post.text || undefined,
			media_type: post.kind === 'CAROUSEL' ? 'CAROUSEL_ALBUM' : post.media[0]?.mime.startsWith('video/') ? 'VIDEO' : 'IMAGE',
			media_product_type: post.kind === 'REELS' ? 'REELS' : post.kind === 'STORIES' ? 'STORY' : 'FEED',
			permalink: post.permalink,
			timestamp: graphTime(post.at),
			username: post.author,
			like_count: post.engagement.likes,
			comments_count: post.comments.length,
		});
		const listed = (story: boolean) => (request: GraphRequest<InstagramAccount>) => {
			const { id } = ownAccount(request);
			const listedFrom = story ? emulator.now() - 86_400_000 : 0;
			const own = posts.filter((post) => post.owner === id && (post.kind === 'STORIES') === story && post.at.getTime() > listedFrom);
			return graph.page(request.values, own.toReversed(), (post) => graph.pick(request.values, shownPost(post)));
		};
		graph.step('list', 'get', '/:id/media', { scopes: [scope.basic], parameters: ['limit', 'after'] }, listed(false));
		graph.step('stories', 'get', '/:id/stories', { scopes: [scope.basic], parameters: ['limit', 'after'] }, listed(true));
		graph.step('media', 'get', `/${MEDIA}`, { scopes: [scope.basic] }, (request) => {
			const comment = posts.flatMap((post) => post.comments).find(({ id }) => id === request.params['id']);
			return graph.pick(request.values, comment ? { id: comment.id, text: comment.text, username: comment.username } : shownPost(ownPost(request)));
		});

		graph.step(
			'comment',
			'post',
			`/${MEDIA}/comments`,
			{ scopes: [scope.basic, scope.comments], parameters: ['message'], makesPublic: () => true },
			(request) => {
				const post = ownPost(request);
				const text = textValue(request.values, 'message') ?? refuseGraph({ message: '(#100) The parameter message is required', code: 100 });
				if (post.kind === 'STORIES') refuseGraph({ message: '(#100) Stories have no comments', code: 100 });
				if (text.length > 2200) refuseGraph({ message: '(#100) The comment is too long', code: 100 });
				const id = nextMedia();
				post.comments.push({ id, text, username: post.author, at: new Date(emulator.now()) });
				return { id };
			},
		);
		graph.step('comments', 'get', `/${MEDIA}/comments`, { scopes: [scope.basic, scope.comments], parameters: ['limit', 'after'] }, (request) =>
			graph.page(request.values, ownPost(request).comments.toReversed(), ({ id, text, username, at }) =>
				graph.pick(request.values, { id, text, username, timestamp: graphTime(at) }),
			),
		);

		graph.step('insights', 'get', `/${MEDIA}/insights`, { scopes: [scope.basic, scope.insights], parameters: ['metric'] }, (request) => {
			const post = ownPost(request);
			const { likes, ...rest } = post.engagement;
			const all: Record<string, number> =
				post.kind === 'STORIES' ? { views: rest.views, shares: rest.shares } : { ...rest, likes, comments: post.comments.length };
			return {
				data: String(request.values['metric'])
					.split(',')
					.map((name) => {
						const value = all[name] ?? refuseGraph({ message: `(#100) The metric ${name} is not available for this media`, code: 100 });
						return { name, period: 'lifetime', values: [{ value }], id: `${post.id}/insights/${name}/lifetime` };
					}),
			};
		});

		if (login === 'facebook') {
			graph.step('delete', 'delete', `/${MEDIA}`, { scopes: [scope.basic, 'instagram_manage_contents'] }, (request) => {
				posts.splice(posts.indexOf(ownPost(request)), 1);
				return { success: true };
			});
			graph.resumable(
				'upload',
				'/rupload/ig-api-upload/:version/:id',
				(account, id) => ownContainer(account, id)?.upload ?? null,
				(file) => {
					const container = containers.get(file.id)!;
					container.error ??= videoProblem('video/mp4', file.received, container.kind);
					container.media = [asMedia({ mime: 'video/mp4', sha256: file.sha256, bytes: file.bytes })];
				},
			);
		}
	}

	/** A finished item of a carousel that is not yet used. */
	function childMedia(account: InstagramAccount, id: string): InstagramMedia[] {
		const child = ownContainer(account, id) ?? missing(id);
		if (!child.carouselItem || status(child).status_code !== 'FINISHED')
			refuseGraph({ message: `(#100) The item ${id} is not ready for a carousel`, code: 9007, subcode: 2207027 });
		return child.media;
	}

	emulator.show(
		'Instagram',
		() => posts.map((post) => ({ ...post, media: post.media.map(({ id, mime, alt }) => ({ url: `/emulator/media/${id}`, mime, alt })) })),
		(id) => posts.flatMap((post) => post.media).find((media) => media.id === id),
	);
	emulator.app.get(/^\/(p|reel|stories)\//, (_request, response) => response.redirect('/'));
	base = await emulator.listen(options.port);

	return {
		/** The page of posts. */
		url: base,
		/** In place of https://graph.instagram.com, https://graph.facebook.com and https://rupload.facebook.com. */
		instagramUrl: `${base}/instagram`,
		facebookUrl: `${base}/facebook`,
		uploadUrl: `${base}/rupload`,
		/** Public posts, oldest first. */
		posts,
		calls: emulator.calls,
		/** Calls to publish or to comment that came from a valid account, whatever their answer. */
		get publicCalls() {
			return graphs.instagram.publicCalls + graphs.facebook.publicCalls;
		},
		/** Percent of X-App-Usage. */
		usage: (percent: number) => Object.values(graphs).forEach((graph) => (graph.usage.call_count = percent)),
		count: (step: string) => emulator.count(step),
		fail: emulator.fail.bind(emulator),
		hold: emulator.hold.bind(emulator),
		/** Every step that `fail` and `hold` know. */
		steps: ['me', 'limit', 'container', 'upload', 'status', 'publish', 'media', 'list', 'stories', 'comment', 'comments', 'insights', 'delete'] as const,
		revoke: (token: string) => Object.values(graphs).some((graph) => graph.tokens.delete(token)),
		setToken: (token: string, account: InstagramAccount) => graphs[account.login].tokens.set(token, account),
		/** Every container is gone. */
		forgetMedia: () => containers.clear(),
		/** The next video cannot be processed, for the reason of this subcode. */
		failProcessing: (subcode: number) => (nextError = subcode),
		close: () => emulator.close(),
	};
}

export type InstagramEmulator = Awaited<ReturnType<typeof startInstagramEmulator>>;
