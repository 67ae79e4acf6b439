import { Emulator, jsonObject, Refusal, sha256, type Call, type EmulatorOptions } from './emulator.ts';
import { linkedInMedia, type LinkedInMedia, type LinkedInMediaKind } from './linkedinMedia.ts';
import { renderLittleText } from './linkedinText.ts';

export interface LinkedInAccount {
	sub: string;
	name: string;
	scopes: string[];
	/** Pages of the member: id to role, e.g. ADMINISTRATOR. */
	organizations?: Record<string, string>;
}

export interface LinkedInEmulatorOptions extends EmulatorOptions {
	/** Default: `linkedin-token`, a member; `linkedin-page-token`, one who may also post as the page 2414183 and read posts back. */
	tokens?: Record<string, LinkedInAccount>;
	/** Default 4,194,304 as the real one gives them. */
	partBytes?: number;
	/** How often the status of a video is PROCESSING. Default 2. */
	processingPolls?: number;
	/** How long an image or document is not ready after its upload. Default 2. */
	imageSeconds?: number;
	/** Default 86,400. */
	uploadLifeSeconds?: number;
	/** Bytes of videos are hashed and dropped. */
	discard?: boolean;
}

export interface LinkedInPost {
	/** URN. */
	id: string;
	/** Name of the member or page. */
	author: string;
	authorUrn: string;
	/** As readers see it. */
	text: string;
	/** As it was sent. */
	commentary: string;
	mentions: string[];
	hashtags: string[];
	visibility: string;
	media: LinkedInMedia[];
	article: Record<string, string> | null;
	permalink: string;
	at: Date;
	likes: number;
	comments: Array<{ id: string; actor: string; text: string; at: number }>;
}

const MEMBER_SCOPES = ['openid', 'profile', 'email', 'w_member_social'];
const PAGE = '2414183';
/** Who may post as a page, and who may give it videos (platforms.md 2.1; videos: Microsoft's page on the Videos API). */
const ROLES = ['ADMINISTRATOR', 'CONTENT_ADMIN', 'DIRECT_SPONSORED_CONTENT_POSTER'];
const VIDEO_ROLES = ['ADMINISTRATOR', 'DIRECT_SPONSORED_CONTENT_POSTER'];
const MAX_COMMENTARY = 3000;
const MAX_ALT = 4086;
/** A text stays a duplicate this long, also of a post that was deleted. */
const DUPLICATE_MS = 48 * 3_600_000;
/** A version is served for about 12 months. */
const VERSION_MONTHS = 12;
const POST_FIELDS = ['author', 'commentary', 'visibility', 'distribution', 'lifecycleState', 'isReshareDisabledByAuthor', 'content'];

/** A strict LinkedIn on loopback (platforms.md 2): refuses what the real one refuses, and counts what is public. */
export async function startLinkedInEmulator(options: LinkedInEmulatorOptions = {}) {
	const emulator = new Emulator(options);
	const tokens = new Map(
		Object.entries(
			options.tokens ?? {
				'linkedin-token': { sub: '782bbtaQ', name: 'demo', scopes: MEMBER_SCOPES },
				'linkedin-page-token': { sub: 'h7Q0pa9', name: 'demo', scopes: [...MEMBER_SCOPES, 'w_organization_social', 'r_organization_social', 'r_member_social'], organizations: { [PAGE]: 'ADMINISTRATOR' } },
			},
		),
	);
	const posts: LinkedInPost[] = [];
	const said: Array<{ author: string; content: string; urn: string; at: number }> = [];
	const counters = { publicCalls: 0, repeats: 0 };
	let base = '';
	/** As LinkedIn's ids: milliseconds since 1970 in the upper bits, 19 digits, which a double cannot hold. */
	let serial = 0n;
	const nextId = () => String((BigInt(Math.floor(emulator.now())) << 22n) + (serial += 3n));

	const refuse = (status: number, code: string, message: string): never => {
		throw new Refusal({ status, body: { status, code, message } });
	};

	function member(call: Call): LinkedInAccount {
		const token = /^Bearer (.+)$/.exec(call.headers['authorization'] ?? '')?.[1];
		const found = token === undefined ? undefined : tokens.get(token);
		return found ?? refuse(401, 'INVALID_ACCESS_TOKEN', 'The token used in the request has been revoked by the user or has expired');
	}

	/** The member of a call to the versioned API. */
	function versioned(call: Call): LinkedInAccount {
		const account = member(call);
		const version = call.headers['linkedin-version'];
		if (version === undefined) refuse(400, 'VERSION_MISSING', 'A version must be present. Please specify a version by adding the LinkedIn-Version header.');
		if (!/^\d{6}$/.test(version ?? '')) refuse(400, 'INVALID_VERSION', `Invalid version ${version}`);
		const now = new Date(emulator.now());
		const age = now.getUTCFullYear() * 12 + now.getUTCMonth() + 1 - (Number(version!.slice(0, 4)) * 12 + Number(version!.slice(4)));
		if (age < 0 || age >= VERSION_MONTHS) refuse(426, 'NONEXISTENT_VERSION', `Requested version ${version} is not active`);
		if (call.headers['x-restli-protocol-version'] !== '2.0.0') refuse(400, 'INVALID_PROTOCOL', 'X-Restli-Protocol-Version 2.0.0 is required');
		return account;
	}

	/** Refuses who may not write (or read) for this member or page. */
	function allowed(call: Call, owner: string, what: 'w' | 'r', roles: readonly string[] = ROLES): LinkedInAccount {
		const account = versioned(call);
		const denied = () => refuse(403, 'ACCESS_DENIED', `Not enough permissions to access as ${owner}`);
		const page = /^urn:li:organization:(\d+)$/.exec(owner)?.[1];
		if (page === undefined) {
			if (owner !== `urn:li:person:${account.sub}` || !account.scopes.includes(`${what}_member_social`)) denied();
		} else {
			const role = account.organizations?.[page];
			if (role === undefined || !roles.includes(role) || !account.scopes.includes(`${what}_organization_social`)) denied();
		}
		return account;
	}

	// Express looks at the path only: actions become part of it. URNs in a path must be encoded (platforms.md 2.1).
	emulator.app.use((request, response, next) => {
		const [path = '', query = ''] = request.url.split('?');
		if (/^\/rest\/.*\/urn:/.test(path)) return void response.status(400).json({ status: 400, code: 'ILLEGAL_ARGUMENT', message: 'Syntax exception in path variables' });
		const action = new URLSearchParams(query).get('action');
		if (action !== null) request.url = `${path}/action/${action}?${query}`;
		next();
	});

	emulator.step('me', 'get', '/v2/userinfo', (call) => {
		const { sub, name, scopes } = member(call);
		if (!scopes.includes('openid') || !scopes.includes('profile')) refuse(403, 'ACCESS_DENIED', 'Not enough permissions to access: userinfo.GET.NO_VERSION');
		return { status: 200, body: { sub, name, given_name: name, family_name: '', locale: { country: 'US', language: 'en' } } };
	});

	emulator.step('profile', 'get', '/v2/me', (call) => {
		const { sub, name, scopes } = member(call);
		if (!scopes.includes('r_liteprofile') && !scopes.includes('r_basicprofile')) refuse(403, 'ACCESS_DENIED', 'Not enough permissions to access: me.GET.NO_VERSION');
		return { status: 200, body: { id: sub, localizedFirstName: name, localizedLastName: '' } };
	});

	const media = linkedInMedia({
		emulator,
		refuse,
		base: () => base,
		signedIn: (call) => void member(call),
		scopes: (call) => versioned(call).scopes,
		mayWrite: (call, owner: string, kind: LinkedInMediaKind) => void allowed(call, owner, 'w', kind === 'video' ? VIDEO_ROLES : ROLES),
		rules: {
			partBytes: options.partBytes ?? 4_194_304,
			processingPolls: options.processingPolls ?? 2,
			imageSeconds: options.imageSeconds ?? 2,
			uploadLifeSeconds: options.uploadLifeSeconds ?? 86_400,
			discard: options.discard ?? false,
		},
	});

	emulator.step('create', 'post', '/rest/posts', (call) => {
		versioned(call);
		const body = jsonObject(call) ?? refuse(400, 'INVALID_BODY', 'The body is not a JSON object');
		const author = typeof body['author'] === 'string' ? body['author'] : refuse(400, 'MISSING_FIELD', 'author is required');
		const account = allowed(call, author, 'w');
		const content = sha256(Buffer.from(JSON.stringify([body['commentary'], body['content']])));
		const known = said.find((entry) => entry.author === author && entry.content === content && emulator.now() - entry.at < DUPLICATE_MS);
		if (known) {
			// A repeat that LinkedIn knows cannot make anything public.
			counters.repeats += 1;
			const inputErrors = [{ description: 'Duplicate post is detected', input: {}, code: 'DUPLICATE_POST' }];
			throw new Refusal({ status: 422, body: { errorDetailType: 'com.linkedin.common.error.BadRequest', message: `Content is a duplicate of ${known.urn}`, errorDetails: { inputErrors }, status: 422 } });
		}
		counters.publicCalls += 1;
		const post = validPost(account, author, body);
		posts.push(post);
		said.push({ author, content, urn: post.id, at: emulator.now() });
		return { status: 201, headers: { 'x-restli-id': post.id, 'x-linkedin-id': post.id } };
	});

	function validPost(account: LinkedInAccount, author: string, body: Record<string, unknown>): LinkedInPost {
		const unknown = Object.keys(body).find((field) => !POST_FIELDS.includes(field));
		if (unknown) refuse(400, 'UNKNOWN_FIELD', `unknown field ${unknown}`);
		const { commentary, visibility, distribution, lifecycleState, isReshareDisabledByAuthor: noReshare = false, content } = body;
		if (typeof commentary !== 'string') return refuse(400, 'MISSING_FIELD', 'commentary is required');
		if (typeof visibility !== 'string' || !['PUBLIC', 'CONNECTIONS', 'LOGGED_IN'].includes(visibility)) return refuse(400, 'INVALID_VALUE_FOR_FIELD', 'visibility');
		if (lifecycleState !== 'PUBLISHED') refuse(400, 'INVALID_VALUE_FOR_FIELD', 'lifecycleState must be PUBLISHED');
		if (typeof noReshare !== 'boolean') refuse(400, 'INVALID_VALUE_FOR_FIELD', 'isReshareDisabledByAuthor');
		if (JSON.stringify(distribution) !== '{"feedDistribution":"MAIN_FEED","targetEntities":[],"thirdPartyDistributionChannels":[]}') refuse(400, 'INVALID_VALUE_FOR_FIELD', 'distribution');
		const rendered = renderLittleText(commentary);
		if (rendered.text.length > MAX_COMMENTARY) refuse(400, 'FIELD_LENGTH_TOO_LONG', `commentary is longer than ${MAX_COMMENTARY}`);
		const attached = content === undefined ? { media: [], article: null } : validContent(author, content);
		if (commentary.trim() === '' && content === undefined) refuse(400, 'MISSING_FIELD', 'a post needs commentary or content');
		const id = `urn:li:${attached.media.some((entry) => entry.kind === 'video') ? 'ugcPost' : 'share'}:${nextId()}`;
		return {
			id,
			author: nameOf(author, account),
			authorUrn: author,
			text: rendered.text,
			commentary,
			mentions: rendered.mentions,
			hashtags: rendered.hashtags,
			visibility,
			...attached,
			permalink: `${base}/feed/update/${id}/`,
			at: new Date(emulator.now()),
			likes: 0,
			comments: [],
		};
	}
	const nameOf = (urn: string, account: LinkedInAccount) => (urn.startsWith('urn:li:person:') ? account.name : urn.replace('urn:li:organization:', 'page-'));

	function validContent(author: string, content: unknown): Pick<LinkedInPost, 'media' | 'article'> {
		const kinds = Object.entries(content as Record<string, unknown>);
		const [kind, value] = kinds[0] ?? [];
		if (kinds.length !== 1 || typeof value !== 'object' || value === null) return refuse(400, 'INVALID_CONTENT', 'content is one of media, multiImage, article');
		if (kind === 'article') {
			const fields = Object.entries(value as Record<string, unknown>);
			if (fields.some(([name, text]) => !['source', 'title', 'description', 'thumbnail'].includes(name) || typeof text !== 'string')) refuse(400, 'UNKNOWN_FIELD', 'article');
			const article = Object.fromEntries(fields) as Record<string, string>;
			if (!/^https?:\/\/./.test(article['source'] ?? '') || !article['title']) refuse(400, 'MISSING_FIELD', 'article needs source and title');
			return { media: article['thumbnail'] === undefined ? [] : [attach(author, article['thumbnail'], 'image', null, null)], article };
		}
		if (kind === 'media') return { media: [one(author, value, true)], article: null };
		const images = kind === 'multiImage' ? (value as { images?: unknown }).images : undefined;
		if (!Array.isArray(images) || images.length < 2 || images.length > 20) return refuse(400, 'INVALID_CONTENT', 'multiImage has 2 to 20 images');
		return { media: images.map((image: unknown) => one(author, image, false)), article: null };
	}

	function one(author: string, value: unknown, single: boolean): LinkedInMedia {
		const { id, title = null, altText = null, ...rest } = (value ?? {}) as Record<string, unknown>;
		if (Object.keys(rest).length > 0 || typeof id !== 'string') return refuse(400, 'UNKNOWN_FIELD', 'media has id, title and altText');
		if ((title !== null && (typeof title !== 'string' || !single)) || (altText !== null && typeof altText !== 'string')) return refuse(400, 'INVALID_VALUE_FOR_FIELD', 'title, altText');
		// platforms.md 11: alternative text is for images.
		if (altText !== null && (altText.length > MAX_ALT || !id.startsWith('urn:li:image:'))) refuse(400, 'INVALID_VALUE_FOR_FIELD', 'altText');
		if (id.startsWith('urn:li:document:') && !title) refuse(400, 'MISSING_FIELD', 'a document needs a title');
		return attach(author, id, single ? null : 'image', title, altText);
	}

	function attach(author: string, id: string, kind: LinkedInMediaKind | null, title: string | null, alt: string | null): LinkedInMedia {
		const entry = media.usable(id, author);
		if (kind !== null && entry.kind !== kind) refuse(400, 'INVALID_CONTENT', `${id} is no ${kind}`);
		return { ...entry, title, alt };
	}

	/** The caller's own post. */
	function own(call: Call, what: 'w' | 'r'): LinkedInPost {
		versioned(call);
		const post = posts.find((entry) => entry.id === call.params['urn']) ?? refuse(404, 'NOT_FOUND', 'Not found');
		allowed(call, post.authorUrn, what);
		return post;
	}

	emulator.step('comment', 'post', '/rest/socialActions/:urn/comments', (call) => {
		versioned(call);
		const body = jsonObject(call) ?? refuse(400, 'INVALID_BODY', 'The body is not a JSON object');
		const { actor, object, message, ...rest } = body;
		const text = (message as { text?: unknown } | undefined)?.text;
		if (Object.keys(rest).length > 0 || typeof actor !== 'string' || typeof text !== 'string' || text === '') return refuse(400, 'MISSING_FIELD', 'actor, object and message.text');
		allowed(call, actor, 'w');
		if (object !== call.params['urn']) refuse(400, 'INVALID_VALUE_FOR_FIELD', 'object');
		counters.publicCalls += 1;
		const post = posts.find((entry) => entry.id === object) ?? refuse(404, 'NOT_FOUND', 'The post does not exist');
		const id = nextId();
		const urn = `urn:li:comment:(${post.id},${id})`;
		post.comments.push({ id: urn, actor, text, at: emulator.now() });
		return { status: 201, headers: { 'x-restli-id': id }, body: { id, commentUrn: urn, actor, object, message: { text } } };
	});

	const commentJson = ({ id, actor, text, at }: LinkedInPost['comments'][number]) => ({ id: /,(\d+)\)$/.exec(id)![1], commentUrn: id, actor, created: { time: at }, message: { text } });

	emulator.step('comments', 'get', '/rest/socialActions/:urn/comments', (call) => {
		const all = own(call, 'r').comments.map(commentJson);
		const start = Number(call.query['start'] ?? 0);
		// However many were asked for: no source names the most that a page has.
		const count = Math.min(Number(call.query['count'] ?? 10), 10);
		return { status: 200, body: { paging: { start, count, total: all.length }, elements: all.slice(start, start + count) } };
	});

	emulator.step('readComment', 'get', '/rest/socialActions/:urn/comments/:id', (call) => {
		const comment = own(call, 'r').comments.find(({ id }) => id.endsWith(`,${call.params['id']})`));
		return { status: 200, body: commentJson(comment ?? refuse(404, 'NOT_FOUND', 'Not found')) };
	});

	emulator.step('removeComment', 'delete', '/rest/socialActions/:urn/comments/:id', (call) => {
		const post = own(call, 'w');
		const index = post.comments.findIndex((comment) => comment.id.endsWith(`,${call.params['id']})`));
		if (index < 0) refuse(404, 'NOT_FOUND', 'Not found');
		post.comments.splice(index, 1);
		return { status: 204 };
	});

	emulator.step('post', 'get', '/rest/posts/:urn', (call) => {
		const { id, authorUrn: author, commentary, visibility, at } = own(call, 'r');
		return { status: 200, body: { id, author, commentary, visibility, lifecycleState: 'PUBLISHED', publishedAt: at.getTime(), createdAt: at.getTime() } };
	});

	emulator.step('metadata', 'get', '/rest/socialMetadata/:urn', (call) => {
		const inner = /^urn:li:comment:\((urn:li:\w+:\d+),\d+\)$/.exec(call.params['urn'] ?? '')?.[1];
		const post = own(inner === undefined ? call : { ...call, params: { urn: inner } }, 'r');
		const comment = inner === undefined ? null : (post.comments.find(({ id }) => id === call.params['urn']) ?? refuse(404, 'NOT_FOUND', 'Not found'));
		const { id, likes, comments } = comment ? { ...comment, likes: 0, comments: [] } : post;
		// Reactions of several kinds, and none at all: an empty object.
		const split: Array<[string, number]> = likes > 1 ? [['LIKE', likes - 1], ['EMPATHY', 1]] : likes === 1 ? [['LIKE', 1]] : [];
		const reactionSummaries = Object.fromEntries(split.map(([reactionType, count]) => [reactionType, { reactionType, count }]));
		return { status: 200, body: { entity: id, reactionSummaries, commentsState: 'OPEN', commentSummary: { count: comments.length, topLevelCount: comments.length } } };
	});

	emulator.step('delete', 'delete', '/rest/posts/:urn', (call) => {
		versioned(call);
		const index = posts.findIndex((entry) => entry.id === call.params['urn']);
		if (index >= 0) {
			allowed(call, posts[index]!.authorUrn, 'w');
			posts.splice(index, 1);
		}
		return { status: 204 };
	});

	const shown = () =>
		posts.map((post) => ({
			...post,
			media: post.media.map(({ id, mime, alt }) => ({ url: `/emulator/media/${encodeURIComponent(id)}`, mime, alt })),
			notes: [
				...(post.article ? [`Link: ${post.article['title']} (${post.article['source']})`] : []),
				...post.media.flatMap((entry) => (entry.captions ? ['Captions: SRT'] : [])),
				...post.comments.map((comment) => `Comment: ${comment.text}`),
			],
		}));
	emulator.show('LinkedIn', shown, media.get);
	emulator.app.get('/feed/update/:urn', (request, response) => response.redirect(`/#${request.params.urn}`));
	base = await emulator.listen(options.port);

	return {
		url: base,
		/** Public posts, oldest first. */
		posts,
		calls: emulator.calls,
		/** Calls to create a post or a comment that came from an account that may, whatever their answer; without refused duplicates. */
		get publicCalls() {
			return counters.publicCalls;
		},
		/** Calls that were refused as duplicates. */
		get repeats() {
			return counters.repeats;
		},
		count: (step: string) => emulator.count(step),
		fail: emulator.fail.bind(emulator),
		hold: emulator.hold.bind(emulator),
		/** Every step that `fail` and `hold` know. */
		steps: ['me', 'profile', 'initialize', 'bytes', 'part', 'captions', 'thumbnail', 'finalize', 'status', 'create', 'comment', 'comments', 'readComment', 'removeComment', 'post', 'metadata', 'delete'] as const,
		revoke: (token: string) => tokens.delete(token),
		setToken: (token: string, entry: LinkedInAccount) => tokens.set(token, entry),
		/** Every upload is gone. */
		forgetMedia: () => media.forget(),
		/** Processing of videos fails from now on. */
		failProcessing: media.failProcessing,
		withoutExtras: media.withoutExtras,
		close: () => emulator.close(),
	};
}

export type LinkedInEmulator = Awaited<ReturnType<typeof startLinkedInEmulator>>;
