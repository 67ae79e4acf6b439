import { Emulator, jsonObject, Refusal, type Answer, type Call, type EmulatorOptions, type StoredMedia } from './emulator.ts';
import { countStatus, renderStatus } from './mastodonText.ts';
import { streamForm } from './streamForm.ts';

export interface MastodonAccount {
	id: string;
	acct: string;
	scopes: string[];
}

export interface MastodonEmulatorOptions extends EmulatorOptions {
	/** Default: `mastodon-token` with the scopes that publishing needs. */
	tokens?: Record<string, MastodonAccount>;
	/** 1: an old server without /api/v2/instance. */
	instanceVersion?: 1 | 2;
	/** Default 500. */
	maxCharacters?: number;
	/** How often a video answers 206 before it is ready. Default 2. */
	processingPolls?: number;
	/** Default 103,809,024 */
	videoSizeLimit?: number;
	/** Not Mastodon itself: keys mean nothing, and media look the same whether they are attached or not. */
	fork?: boolean;
	/** Hash what is uploaded and drop it. */
	discard?: boolean;
}

interface Media extends StoredMedia {
	id: string;
	owner: string;
	kind: 'image' | 'gif' | 'video' | 'audio';
	pollsLeft: number;
	failed: boolean;
	attached: boolean;
	/** SHA-256 of the picture that is shown before it plays. */
	thumbnail: string | null;
}

export interface MastodonPost {
	id: string;
	account: string;
	text: string;
	visibility: string;
	language: string | null;
	sensitive: boolean;
	spoilerText: string;
	media: Media[];
	replyTo: string | null;
	metrics: MastodonMetrics;
	permalink: string;
	at: Date;
	scheduledAt: string | null;
}

export interface MastodonMetrics {
	favourites: number;
	reblogs: number;
	replies: number;
}

const SCOPES = ['write:media', 'write:statuses', 'read:accounts', 'read:statuses'];
const MIMES: Record<string, Media['kind']> = {
	'image/jpeg': 'image',
	'image/png': 'image',
	'image/webp': 'image',
	'image/gif': 'gif',
	'video/mp4': 'video',
	'video/webm': 'video',
	'video/quicktime': 'video',
	'audio/mpeg': 'audio',
	'audio/ogg': 'audio',
};
const IMAGE_SIZE_LIMIT = 16_777_216;
const DESCRIPTION_LIMIT = 1500;
const KEY_LIFE_MS = 3_600_000;
const SCHEDULE_LEAD_MS = 5 * 60_000;
const STATUS_FIELDS = ['status', 'media_ids', 'sensitive', 'spoiler_text', 'visibility', 'language', 'scheduled_at', 'in_reply_to_id'];

/** A strict Mastodon server on loopback (platforms.md 10): refuses what a real one refuses, and counts what is public. */
export async function startMastodonEmulator(options: MastodonEmulatorOptions = {}) {
	const emulator = new Emulator(options);
	const tokens = new Map(Object.entries(options.tokens ?? { 'mastodon-token': { id: '110000000000000001', acct: 'demo', scopes: SCOPES } }));
	const media = new Map<string, Media>();
	const posts: MastodonPost[] = [];
	const scheduled: MastodonPost[] = [];
	const keys = new Map<string, { post: MastodonPost; at: number }>();
	const counters = { publicCalls: 0, repeats: 0 };
	let lastId = 113_500_000_000_000_000n;
	let failNextProcessing = false;
	let base = '';
	const nextId = () => String((lastId += 7n));
	const limits = {
		maxCharacters: options.maxCharacters ?? 500,
		videoSizeLimit: options.videoSizeLimit ?? 103_809_024,
		polls: options.processingPolls ?? 2,
	};

	const refuse = (status: number, error: string): never => {
		throw new Refusal({ status, headers: rateHeaders(), body: { error } });
	};
	const rateHeaders = () => ({
		'X-RateLimit-Limit': '300',
		'X-RateLimit-Remaining': '299',
		'X-RateLimit-Reset': new Date(emulator.now() + 300_000).toISOString(),
	});
	const ok = (body: unknown, status = 200): Answer => ({ status, headers: rateHeaders(), body });

	/** The account of the token; refuses tokens without one of the scopes. `read` includes `read:accounts` and so on. */
	function account(call: Pick<Call, 'headers'>, ...scopes: string[]): MastodonAccount {
		const token = /^Bearer (.+)$/.exec(call.headers['authorization'] ?? '')?.[1];
		const found = token === undefined ? undefined : tokens.get(token);
		if (!found) return refuse(401, 'The access token is invalid');
		const wanted = scopes.flatMap((scope) => [scope, scope.split(':')[0]!]);
		if (!found.scopes.some((scope) => wanted.includes(scope))) return refuse(403, 'This action is outside the authorized scopes');
		return found;
	}

	const configuration = {
		statuses: { max_characters: limits.maxCharacters, max_media_attachments: 4, characters_reserved_per_url: 23 },
		media_attachments: {
			supported_mime_types: Object.keys(MIMES),
			description_limit: DESCRIPTION_LIMIT,
			image_size_limit: IMAGE_SIZE_LIMIT,
			image_matrix_limit: 33_177_600,
			video_size_limit: limits.videoSizeLimit,
			video_matrix_limit: 8_294_400,
			video_frame_rate_limit: 120,
		},
	};
	if ((options.instanceVersion ?? 2) === 2) {
		emulator.step('instance', 'get', '/api/v2/instance', () => ok({ domain: 'localhost', version: options.fork ? '2.7.2 (compatible; Pleroma 2.9.0)' : '4.5.0', configuration }));
	}
	emulator.step('instance', 'get', '/api/v1/instance', () => ok({ uri: 'localhost', version: '3.5.0', configuration }));

	emulator.step('me', 'get', '/api/v1/accounts/verify_credentials', (call) => {
		const { id, acct } = account(call, 'read:accounts', 'profile');
		return ok({ id, username: acct, acct, url: `${base}/@${acct}` });
	});

	const mediaJson = (entry: Media) => ({
		id: entry.id,
		type: entry.kind === 'gif' ? 'gifv' : entry.kind,
		url: entry.pollsLeft > 0 ? null : `${base}/emulator/media/${entry.id}`,
		description: entry.alt,
	});

	emulator.stream('upload', 'post', '/api/v2/media', async (call) => {
		const owner = account(call, 'write:media');
		const parts = (await streamForm(call, options.discard)) ?? refuse(400, 'not multipart/form-data');
		const unknown = parts.find((part) => !['file', 'description', 'focus', 'thumbnail'].includes(part.name));
		if (unknown) refuse(422, `unknown field ${unknown.name}`);
		const file = parts.find((part) => part.name === 'file') ?? refuse(422, "Validation failed: File can't be blank");
		if (!file.fileName || !file.mime) refuse(422, 'Validation failed: the file has no name or type');
		const kind = MIMES[file.mime ?? ''] ?? refuse(422, 'Validation failed: File content type is invalid');
		const limit = kind === 'image' || kind === 'gif' ? IMAGE_SIZE_LIMIT : limits.videoSizeLimit;
		if (file.size === 0 || file.size > limit) refuse(422, `Validation failed: File must be between 1 and ${limit} bytes`);
		const alt = parts.find((part) => part.name === 'description')?.data.toString('utf8') ?? null;
		if (alt !== null && [...alt].length > DESCRIPTION_LIMIT) refuse(422, 'Validation failed: Description is too long');
		const thumbnail = parts.find((part) => part.name === 'thumbnail');
		if (thumbnail && (!thumbnail.fileName || MIMES[thumbnail.mime ?? ''] !== 'image')) refuse(422, 'Validation failed: Thumbnail content type is invalid');
		if (thumbnail && kind !== 'video' && kind !== 'audio') refuse(422, 'a thumbnail goes with video or audio');
		const slow = kind !== 'image';
		const entry: Media = {
			id: nextId(),
			owner: owner.id,
			kind,
			mime: file.mime!,
			bytes: file.data,
			sha256: file.sha256,
			alt,
			pollsLeft: slow ? limits.polls : 0,
			failed: failNextProcessing,
			attached: false,
			thumbnail: thumbnail?.sha256 ?? null,
		};
		failNextProcessing = false;
		media.set(entry.id, entry);
		return ok(mediaJson(entry), entry.pollsLeft > 0 ? 202 : 200);
	});

	emulator.step('media', 'get', '/api/v1/media/:id', (call) => {
		const owner = account(call, 'write:media');
		const entry = media.get(call.params['id'] ?? '');
		if (!entry || entry.owner !== owner.id || (entry.attached && !options.fork)) return refuse(404, 'Record not found');
		if (entry.failed) refuse(422, 'There was an error processing the media');
		if (entry.pollsLeft > 0) {
			entry.pollsLeft -= 1;
			return ok(mediaJson({ ...entry, pollsLeft: 1 }), 206);
		}
		return ok(mediaJson(entry));
	});

	const statusJson = (post: MastodonPost) =>
		post.scheduledAt
			? { id: post.id, scheduled_at: post.scheduledAt, params: { text: post.text }, media_attachments: post.media.map(mediaJson) }
			: {
					id: post.id,
					uri: `${base}/users/${tokenOwner(post.account)}/statuses/${post.id}`,
					url: post.permalink,
					created_at: post.at.toISOString(),
					content: renderStatus(post.text, base),
					visibility: post.visibility,
					in_reply_to_id: post.replyTo,
					replies_count: post.metrics.replies,
					reblogs_count: post.metrics.reblogs,
					favourites_count: post.metrics.favourites,
					media_attachments: post.media.map(mediaJson),
				};
	const tokenOwner = (id: string) => [...tokens.values()].find((entry) => entry.id === id)?.acct ?? 'gone';

	emulator.step('create', 'post', '/api/v1/statuses', (call) => {
		const owner = account(call, 'write:statuses');
		const body = jsonObject(call) ?? refuse(400, 'the body is not a JSON object');
		const key = options.fork ? undefined : call.headers['idempotency-key'];
		const remembered = key === undefined ? undefined : keys.get(`${owner.id} ${key}`);
		if (remembered && emulator.now() - remembered.at < KEY_LIFE_MS) {
			counters.repeats += 1;
			return ok(statusJson(remembered.post));
		}
		counters.publicCalls += 1;
		const post = validStatus(owner, body);
		(post.scheduledAt ? scheduled : posts).push(post);
		for (const entry of post.media) entry.attached = true;
		if (key !== undefined) keys.set(`${owner.id} ${key}`, { post, at: emulator.now() });
		return ok(statusJson(post));
	});

	function validStatus(owner: MastodonAccount, body: Record<string, unknown>): MastodonPost {
		const unknown = Object.keys(body).find((field) => !STATUS_FIELDS.includes(field));
		if (unknown) refuse(422, `unknown field ${unknown}`);
		const { status: text = '', media_ids: ids = [], visibility = 'public', language = null, spoiler_text: spoilerText = '', sensitive = false, scheduled_at: at = null, in_reply_to_id: replyTo = null } = body;
		if (typeof text !== 'string' || typeof spoilerText !== 'string') return refuse(422, 'Validation failed: Text is invalid');
		if (!Array.isArray(ids) || !ids.every((id) => typeof id === 'string')) return refuse(422, 'media_ids must be strings');
		if (typeof sensitive !== 'boolean') return refuse(422, 'sensitive is not a boolean');
		if (typeof visibility !== 'string' || !['public', 'unlisted', 'private', 'direct'].includes(visibility)) return refuse(422, 'Validation failed: Visibility is not included in the list');
		if (language !== null && (typeof language !== 'string' || !/^[a-z]{2,3}(-[A-Za-z]+)?$/.test(language))) return refuse(422, 'Validation failed: Language is invalid');
		if (text === '' && ids.length === 0) refuse(422, "Validation failed: Text can't be blank");
		if (countStatus(text) + countStatus(spoilerText) > limits.maxCharacters) refuse(422, `Validation failed: Text character limit of ${limits.maxCharacters} exceeded`);
		if (ids.length > 4) refuse(422, 'Cannot attach more than 4 files');
		const attached = ids.map((id) => {
			const entry = media.get(id);
			return entry && entry.owner === owner.id && !entry.attached ? entry : refuse(422, `Media ${id} not found or already attached to another post`);
		});
		if (attached.some((entry) => entry.pollsLeft > 0 || entry.failed)) refuse(422, 'Cannot attach files that have not finished processing. Try again in a moment!');
		if (attached.length > 1 && attached.some((entry) => entry.kind !== 'image')) refuse(422, 'Cannot attach a video to a post that already contains images');
		if (at !== null && (typeof at !== 'string' || !(Date.parse(at) >= emulator.now() + SCHEDULE_LEAD_MS))) refuse(422, 'Validation failed: Scheduled at must be in the future');
		if (replyTo !== null && typeof replyTo !== 'string') return refuse(422, 'in_reply_to_id must be a string');
		publishDue();
		if (replyTo !== null && !posts.some((post) => post.id === replyTo)) refuse(404, 'The post you are trying to reply to does not appear to exist.');
		const id = nextId();
		return {
			id,
			account: owner.id,
			text,
			visibility,
			language: language,
			sensitive,
			spoilerText,
			media: attached,
			replyTo,
			metrics: { favourites: 0, reblogs: 0, replies: 0 },
			permalink: `${base}/@${owner.acct}/${id}`,
			at: new Date(emulator.now()),
			scheduledAt: at as string | null,
		};
	}

	/** What was scheduled and is due becomes a status, with another id, under which it was never told of. */
	function publishDue(): void {
		for (const post of scheduled.filter(({ scheduledAt }) => Date.parse(scheduledAt ?? '') <= emulator.now())) {
			scheduled.splice(scheduled.indexOf(post), 1);
			const id = nextId();
			posts.push({ ...post, id, scheduledAt: null, at: new Date(emulator.now()), permalink: post.permalink.replace(/\d+$/, id) });
		}
	}
	const ownScheduled = (call: Call, scope: string) => {
		const owner = account(call, scope);
		publishDue();
		return scheduled.find((post) => post.id === call.params['id'] && post.account === owner.id) ?? refuse(404, 'Record not found');
	};
	emulator.step('allScheduled', 'get', '/api/v1/scheduled_statuses', (call) => {
		const owner = account(call, 'read:statuses');
		publishDue();
		return ok(scheduled.filter((post) => post.account === owner.id).toReversed().slice(0, Math.min(40, Number(call.query['limit'] ?? 20))).map(statusJson));
	});
	emulator.step('scheduled', 'get', '/api/v1/scheduled_statuses/:id', (call) => ok(statusJson(ownScheduled(call, 'read:statuses'))));
	emulator.step('unschedule', 'delete', '/api/v1/scheduled_statuses/:id', (call) => {
		scheduled.splice(scheduled.indexOf(ownScheduled(call, 'write:statuses')), 1);
		return ok({});
	});

	emulator.step('status', 'get', '/api/v1/statuses/:id', (call) => {
		const reader = call.headers['authorization'] === undefined ? null : account(call, 'read:statuses');
		publishDue();
		const found = posts.find((post) => post.id === call.params['id']);
		const visible = found && (['public', 'unlisted'].includes(found.visibility) || found.account === reader?.id);
		return visible ? ok(statusJson(found)) : refuse(404, 'Record not found');
	});

	emulator.step('statuses', 'get', '/api/v1/accounts/:id/statuses', (call) => {
		publishDue();
		const signedIn = call.headers['authorization'] !== undefined;
		const own = signedIn && account(call, 'read:statuses').id === call.params['id'];
		const limit = Math.min(40, Number(call.query['limit'] ?? 20));
		const below = call.query['max_id'];
		const found = posts
			.filter((post) => post.account === call.params['id'])
			.filter((post) => own || ['public', 'unlisted'].includes(post.visibility))
			.filter((post) => below === undefined || BigInt(post.id) < BigInt(below))
			.toReversed()
			.slice(0, limit);
		return ok(found.map(statusJson));
	});

	emulator.step('delete', 'delete', '/api/v1/statuses/:id', (call) => {
		const owner = account(call, 'write:statuses');
		const index = posts.findIndex((post) => post.id === call.params['id'] && post.account === owner.id);
		if (index < 0) refuse(404, 'Record not found');
		return ok(statusJson(posts.splice(index, 1)[0]!));
	});

	const shown = () => posts.map((post) => ({ ...post, author: tokenOwner(post.account), media: post.media.map(({ id, mime, alt }) => ({ url: `/emulator/media/${id}`, mime, alt })) }));
	emulator.show('Mastodon', shown, (id) => media.get(id));
	emulator.app.get('/@:name/:id', (request, response) => response.redirect(`/#${request.params.id}`));
	base = await emulator.listen(options.port);

	return {
		url: base,
		/** Public posts, oldest first. */
		posts,
		scheduled,
		calls: emulator.calls,
		/** Calls to create a status that the server read and that were no idempotent repeats. */
		get publicCalls() {
			return counters.publicCalls;
		},
		/** Calls with a key that the server knew. */
		get repeats() {
			return counters.repeats;
		},
		count: (step: string) => emulator.count(step),
		fail: emulator.fail.bind(emulator),
		hold: emulator.hold.bind(emulator),
		/** Every step that `fail` and `hold` know. */
		steps: ['instance', 'me', 'upload', 'media', 'create', 'statuses', 'status', 'delete', 'allScheduled', 'scheduled', 'unschedule'] as const,
		revoke: (token: string) => tokens.delete(token),
		setToken: (token: string, entry: MastodonAccount) => tokens.set(token, entry),
		/** Numbers of a status. */
		setMetrics: (id: string, metrics: Partial<MastodonMetrics>) => Object.assign(posts.find((post) => post.id === id)?.metrics ?? {}, metrics),
		/** Unattached media are cleaned up. */
		forgetMedia: () => media.clear(),
		/** The next upload cannot be processed. */
		failProcessing: () => (failNextProcessing = true),
		close: () => emulator.close(),
	};
}

export type MastodonEmulator = Awaited<ReturnType<typeof startMastodonEmulator>>;
