import { createHash, type Hash } from 'node:crypto';
import { Emulator, jsonObject, sha256, type Answer, type Call, type EmulatorOptions, type StoredMedia, type StreamCall } from './emulator.ts';
import { checkFileUpload, checkPhotos, checkPostInfo, envelope, isFields, refuse, tiktokAccount, type TikTokAccount, type TikTokRules, type Upload } from './tiktokRules.ts';

export interface TikTokEmulatorOptions extends EmulatorOptions, Partial<TikTokRules> {
	/** Default: `tiktok-token` with every scope. */
	tokens?: Record<string, TikTokAccount>;
	/** How often a complete video is still PROCESSING_UPLOAD. Default 1. */
	processingPolls?: number;
	/** How often a public post is PUBLISH_COMPLETE without its id. Default 0. */
	moderationPolls?: number;
	/** Default 3600. */
	uploadLifeSeconds?: number;
	/** What of a chunk that broke off counts. Default: nothing. */
	brokenChunks?: 'dropped' | 'kept';
	/** The bytes of videos are hashed only: large files leave no trace in memory. */
	discard?: boolean;
	/** The documented limits per minute and token. Default true. */
	rateLimits?: boolean;
}

export interface TikTokPost {
	/** 19 digits: a double cannot hold them. */
	id: string;
	publishId: string;
	kind: 'video' | 'photo';
	author: string;
	/** Title of a video, description of photos. */
	text: string;
	title: string | null;
	media: Array<StoredMedia & { id: string }>;
	privacy: string;
	/** `post_info` as it was sent. */
	info: Record<string, unknown>;
	permalink: string;
	at: Date;
}

interface Task {
	publishId: string;
	uploadId: string;
	owner: TikTokAccount;
	kind: 'video' | 'photo';
	direct: boolean;
	info: Record<string, unknown>;
	upload: Upload | null;
	received: number;
	pieces: Buffer[];
	hash: Hash;
	mime: string;
	expiresAt: number;
	createdAt: number;
	downloads: Promise<void> | null;
	pollsLeft: number;
	hiddenPolls: number;
	failReason: string | null;
	cancelled: boolean;
	/** Published, or in the inbox. */
	post: TikTokPost | null;
	/** A draft that its user has posted. */
	finished: boolean;
}

const MIMES = ['video/mp4', 'video/quicktime', 'video/webm'];
/** Per minute and token, platforms.md 3.2. */
const RATES: Record<string, number> = { creator_info: 20, init: 6, status: 30 };
const DAY_MS = 86_400_000;
const VIDEO_FIELDS = ['id', 'create_time', 'cover_image_url', 'share_url', 'video_description', 'duration', 'height', 'width', 'title', 'embed_html', 'embed_link', 'like_count', 'comment_count', 'share_count', 'view_count'];

/** A strict TikTok Content Posting API on loopback (platforms.md 3): refuses what the real one refuses, and counts what is public. */
export async function startTikTokEmulator(options: TikTokEmulatorOptions = {}) {
	const emulator = new Emulator(options);
	const tokens = new Map(Object.entries(options.tokens ?? { 'tiktok-token': tiktokAccount() }));
	const tasks = new Map<string, Task>();
	const posts: TikTokPost[] = [];
	const drafts: TikTokPost[] = [];
	const counts = new Map<string, { views: number; likes: number; comments: number; shares: number }>();
	const used = new Map<string, number[]>();
	const counters = { publicCalls: 0 };
	const { processingPolls = 1, moderationPolls = 0, uploadLifeSeconds = 3600, brokenChunks = 'dropped', discard = false, rateLimits = true } = options;
	const rules: TikTokRules = {
		audited: options.audited ?? true,
		minChunkBytes: options.minChunkBytes ?? 5 * 1024 * 1024,
		maxChunkBytes: options.maxChunkBytes ?? 64_000_000,
		verifiedHosts: options.verifiedHosts ?? ['127.0.0.1', 'localhost'],
	};
	let lastId = 7_512_345_678_901_234_567n;
	let failNext: string | null = null;
	let base = '';
	const nextId = () => String((lastId += 2n));
	const ok = (data: unknown): Answer => ({ status: 200, body: envelope(data) });

	/** The account of the token; refuses tokens without one of the scopes. */
	function account(call: Pick<Call, 'headers'>, ...scopes: string[]): TikTokAccount {
		const token = /^Bearer (.+)$/.exec(call.headers['authorization'] ?? '')?.[1];
		const found = token === undefined ? undefined : tokens.get(token);
		if (!found) return refuse('access_token_invalid', 'The access token is invalid or not found in the request.');
		if (!scopes.some((scope) => found.scopes.includes(scope))) refuse('scope_not_authorized', 'The user did not authorize the scope required for completing this request.');
		return found;
	}

	/** Counts a call of the last minute. */
	function pace(kind: string, { openId }: TikTokAccount): void {
		const key = `${kind} ${openId}`;
		const recent = (used.get(key) ?? []).filter((at) => at > emulator.now() - 60_000);
		if (rateLimits && recent.length >= (RATES[kind] ?? Infinity)) refuse('rate_limit_exceeded', 'The API rate limit was exceeded. Please try again later.');
		used.set(key, [...recent, emulator.now()]);
	}

	const isJson = (call: Call) => /^application\/json;\s*charset=utf-8$/i.test(call.headers['content-type'] ?? '');
	function fields(call: Call, ...allowed: string[]): Record<string, unknown> {
		if (!isJson(call)) refuse('invalid_params', 'the content type must be application/json; charset=UTF-8');
		const body = jsonObject(call) ?? refuse('invalid_params', 'the body is not a JSON object');
		const unknown = Object.keys(body).find((field) => !allowed.includes(field));
		return unknown ? refuse('invalid_params', `unknown field ${unknown}`) : body;
	}

	emulator.step('creator_info', 'post', '/v2/post/publish/creator_info/query/', (call) => {
		const owner = account(call, 'video.publish');
		pace('creator_info', owner);
		if (!isJson(call) || call.body.length > 0) refuse('invalid_params', 'the body must be empty, the content type application/json; charset=UTF-8');
		return ok({
			creator_username: owner.username,
			creator_nickname: `${owner.username} ✨`,
			creator_avatar_url: `${base}/avatar.webp`,
			privacy_level_options: owner.privacyLevels,
			comment_disabled: owner.commentDisabled,
			duet_disabled: owner.duetDisabled,
			stitch_disabled: owner.stitchDisabled,
			max_video_post_duration_sec: owner.maxVideoSeconds,
		});
	});

	emulator.step('user', 'get', '/v2/user/info/', (call) => {
		const owner = account(call, 'user.info.basic');
		const wanted = (call.query['fields'] ?? '').split(',');
		const known: Record<string, string> = { open_id: owner.openId, union_id: `u${owner.openId}`, avatar_url: `${base}/avatar.webp`, display_name: `${owner.username} ✨` };
		if (!wanted.every((field) => field in known)) refuse('invalid_params', `fields must be of ${Object.keys(known).join(', ')}`);
		return ok({ user: Object.fromEntries(wanted.map((field) => [field, known[field]])) });
	});

	function begin(owner: TikTokAccount, prefix: string, more: Pick<Task, 'kind' | 'direct' | 'info' | 'upload'>): Task {
		if (!more.direct) {
			const pending = [...tasks.values()].filter((task) => task.owner.openId === owner.openId && !task.direct && !task.finished && !task.cancelled);
			if (pending.filter((task) => task.createdAt > emulator.now() - DAY_MS).length >= 5) refuse('spam_risk_too_many_pending_share');
		}
		const number = nextId();
		const task: Task = {
			...more,
			publishId: `${prefix}v2-1.${number}`,
			uploadId: number,
			owner,
			received: 0,
			pieces: [],
			hash: createHash('sha256'),
			mime: '',
			expiresAt: emulator.now() + uploadLifeSeconds * 1000,
			createdAt: emulator.now(),
			downloads: null,
			pollsLeft: processingPolls,
			hiddenPolls: moderationPolls,
			failReason: null,
			cancelled: false,
			post: null,
			finished: false,
		};
		tasks.set(task.publishId, task);
		return task;
	}
	const uploadUrl = (task: Task) => `${base}/upload/?upload_id=${task.uploadId}&upload_token=${sha256(Buffer.from(task.uploadId)).slice(0, 16)}`;

	/** What becomes of a task whose media is complete. */
	function publish(task: Task, media: StoredMedia[]): void {
		[task.failReason, failNext] = [failNext, null];
		if (task.failReason || task.cancelled) return;
		const { info, owner, kind } = task;
		const id = nextId();
		const text = String((kind === 'video' ? info['title'] : info['description']) ?? '');
		task.post = {
			id,
			publishId: task.publishId,
			kind,
			author: owner.username,
			text,
			title: kind === 'photo' ? String(info['title'] ?? '') : null,
			media: media.map((entry, index) => ({ ...entry, id: `${id}-${index}` })),
			privacy: String(info['privacy_level'] ?? ''),
			info,
			permalink: `${base}/@${owner.username}/${kind}/${id}`,
			at: new Date(emulator.now()),
		};
		(task.direct ? posts : drafts).push(task.post);
	}

	emulator.step('init', 'post', '/v2/post/publish/video/init/', (call) => {
		const owner = account(call, 'video.publish');
		pace('init', owner);
		const body = fields(call, 'post_info', 'source_info');
		const info = checkPostInfo(body['post_info'], 'video', true, owner, rules);
		const task = begin(owner, 'v_pub_file~', { kind: 'video', direct: true, info, upload: checkFileUpload(body['source_info'], rules) });
		return ok({ publish_id: task.publishId, upload_url: uploadUrl(task) });
	});

	emulator.step('inbox_init', 'post', '/v2/post/publish/inbox/video/init/', (call) => {
		const owner = account(call, 'video.upload');
		pace('init', owner);
		const body = fields(call, 'source_info');
		const task = begin(owner, 'v_inbox_file~', { kind: 'video', direct: false, info: {}, upload: checkFileUpload(body['source_info'], rules) });
		return ok({ publish_id: task.publishId, upload_url: uploadUrl(task) });
	});

	emulator.step('content_init', 'post', '/v2/post/publish/content/init/', (call) => {
		const mode = jsonObject(call)?.['post_mode'];
		const direct = mode === 'DIRECT_POST';
		const owner = account(call, direct ? 'video.publish' : 'video.upload');
		pace('init', owner);
		counters.publicCalls += 1;
		const body = fields(call, 'post_info', 'source_info', 'post_mode', 'media_type');
		if (body['media_type'] !== 'PHOTO' || (!direct && mode !== 'MEDIA_UPLOAD')) refuse('invalid_params', 'media_type must be PHOTO, post_mode DIRECT_POST or MEDIA_UPLOAD');
		const info = checkPostInfo(body['post_info'], 'photo', direct, owner, rules);
		const urls = checkPhotos(body['source_info'], rules);
		const task = begin(owner, direct ? 'p_pub_url~' : 'p_inbox_url~', { kind: 'photo', direct, info, upload: null });
		task.downloads = Promise.all(urls.map(download)).then(
			(media) => publish(task, media),
			() => void (task.failReason = 'photo_pull_failed'),
		);
		return ok({ publish_id: task.publishId });
	});

	async function download(url: string): Promise<StoredMedia> {
		const response = await fetch(url, { redirect: 'error' });
		const mime = response.headers.get('content-type') ?? '';
		if (!response.ok || !['image/jpeg', 'image/webp'].includes(mime)) throw new Error('not a photo');
		const bytes = Buffer.from(await response.arrayBuffer());
		return { mime, bytes, sha256: sha256(bytes), alt: null };
	}

	const rangeOf = (headers: Call['headers']) => /^bytes (\d+)-(\d+)\/(\d+)$/.exec(headers['content-range'] ?? '')?.slice(1).map(Number) as [number, number, number] | undefined;

	async function take(call: StreamCall): Promise<Answer> {
		const task = [...tasks.values()].find(({ uploadId }) => uploadId === call.query['upload_id']);
		const answer = (status: number, headers: Record<string, string> = {}): Answer => ({ status, headers });
		const rest = async (refusal: Answer) => {
			for await (const _ of call.chunks);
			return refusal;
		};
		if (!task?.upload || call.query['upload_token'] !== new URL(uploadUrl(task)).searchParams.get('upload_token')) return rest(answer(404));
		if (task.expiresAt <= emulator.now()) return rest(answer(403));
		const range = rangeOf(call.headers);
		const mime = call.headers['content-type'] ?? '';
		const { size, chunkSize, chunks } = task.upload;
		if (!range || !MIMES.includes(mime)) return rest(answer(400));
		const [first, last, total] = range;
		if (total !== size || last < first || Number(call.headers['content-length']) !== last - first + 1) return rest(answer(400));
		const has = () => ({ 'content-range': task.received === 0 ? `bytes */${size}` : `bytes 0-${task.received - 1}/${size}` });
		const index = Math.min(chunks - 1, Math.floor(task.received / chunkSize));
		const end = index === chunks - 1 ? size : (index + 1) * chunkSize;
		if (task.received === size || task.cancelled || first !== task.received || last !== end - 1) {
			// Once more what has been published: a second public call. A range that does not follow on cannot publish.
			if (task.received === size) counters.publicCalls += 1;
			return rest(answer(416, has()));
		}
		const hash = task.hash.copy();
		const pieces: Buffer[] = [];
		let got = 0;
		const keep = () => {
			task.hash = hash;
			task.received += got;
			if (!discard) task.pieces.push(...pieces);
		};
		try {
			for await (const chunk of call.chunks) {
				hash.update(chunk);
				got += chunk.length;
				if (!discard) pieces.push(Buffer.from(chunk));
			}
		} catch (error) {
			// What a connection that broke has left is never the last byte.
			if (brokenChunks === 'kept' && task.received + got < size) keep();
			throw error;
		}
		if (got !== last - first + 1) return answer(400);
		keep();
		task.mime = mime;
		if (task.received < size) return answer(206, has());
		counters.publicCalls += 1;
		publish(task, [{ mime, bytes: Buffer.concat(task.pieces), sha256: task.hash.copy().digest('hex'), alt: null }]);
		task.pieces = [];
		return answer(201, has());
	}
	const isLast = (headers: Call['headers']) => {
		const range = rangeOf(headers);
		return range !== undefined && range[1] === range[2] - 1;
	};
	emulator.stream('last_chunk', 'put', '/upload/', take, isLast);
	emulator.stream('chunk', 'put', '/upload/', take);

	/** A task of the caller. */
	function own(call: Call): Task {
		const owner = account(call, 'video.publish', 'video.upload');
		const task = tasks.get(String(fields(call, 'publish_id')['publish_id']));
		if (!task) return refuse('invalid_publish_id', 'the publish_id does not exist');
		return task.owner.openId === owner.openId ? task : refuse('token_not_authorized_for_specified_publish_id');
	}

	emulator.step('status', 'post', '/v2/post/publish/status/fetch/', async (call) => {
		const task = own(call);
		pace('status', task.owner);
		await task.downloads;
		const counted = task.kind === 'photo' ? { downloaded_bytes: 1 } : { uploaded_bytes: task.received };
		// As the real one does: a number that is larger than 2^53 in plain JSON.
		const say = (status: string, ids = '', reason?: string): Answer => ({
			status: 200,
			headers: { 'content-type': 'application/json; charset=utf-8' },
			body: JSON.stringify(envelope({ status, ...(reason ? { fail_reason: reason } : {}), ...counted, publicaly_available_post_id: [] })).replace('post_id":[]', `post_id":[${ids}]`),
		});
		if (task.cancelled) return say('FAILED', '', 'publish_cancelled');
		if (task.upload && task.received < task.upload.size) return say('PROCESSING_UPLOAD');
		if (task.pollsLeft > 0) {
			task.pollsLeft -= 1;
			return say(task.kind === 'photo' ? 'PROCESSING_DOWNLOAD' : 'PROCESSING_UPLOAD');
		}
		if (task.failReason || !task.post) return say('FAILED', '', task.failReason ?? 'internal');
		if (!task.direct && !task.finished) return say('SEND_TO_USER_INBOX');
		if (task.post.privacy === 'SELF_ONLY') return say('PUBLISH_COMPLETE');
		if (task.hiddenPolls > 0) {
			task.hiddenPolls -= 1;
			return say('PUBLISH_COMPLETE');
		}
		return say('PUBLISH_COMPLETE', task.post.id);
	});

	emulator.step('cancel', 'post', '/v2/post/publish/cancel/', (call) => {
		const task = own(call);
		if (task.post) refuse('publish_not_cancellable');
		task.cancelled = true;
		return ok({});
	});

	emulator.step('videos', 'post', '/v2/video/query/', (call) => {
		const owner = account(call, 'video.list');
		const wanted = (call.query['fields'] ?? '').split(',');
		if (!wanted.every((field) => VIDEO_FIELDS.includes(field))) refuse('invalid_params', 'fields');
		const filters = fields(call, 'filters')['filters'];
		const ids = isFields(filters) ? filters['video_ids'] : undefined;
		if (!Array.isArray(ids) || ids.length < 1 || ids.length > 20 || !ids.every((id) => typeof id === 'string')) return refuse('invalid_params', 'video_ids must be 1 to 20 strings');
		const found = posts.filter((post) => ids.includes(post.id) && post.author === owner.username && post.privacy !== 'SELF_ONLY');
		return ok({
			videos: found.map((post) => {
				const { views = 0, likes = 0, comments = 0, shares = 0 } = counts.get(post.id) ?? {};
				const all: Record<string, unknown> = { id: post.id, title: post.text, share_url: post.permalink, view_count: views, like_count: likes, comment_count: comments, share_count: shares };
				return Object.fromEntries(wanted.map((field) => [field, all[field] ?? null]));
			}),
		});
	});

	const shown = () => [...posts, ...drafts].map((post) => ({ ...post, media: post.media.map(({ id, mime, alt }) => ({ url: `/emulator/media/${id}`, mime, alt })) }));
	emulator.show('TikTok', shown, (id) => [...posts, ...drafts].flatMap((post) => post.media).find((media) => media.id === id));
	emulator.app.get('/@:name/:kind/:id', (request, response) => response.redirect(`/#${request.params.id}`));
	base = await emulator.listen(options.port);

	return {
		url: base,
		/** Published posts, oldest first. */
		posts,
		/** What waits in the app's inbox for its user. */
		drafts,
		calls: emulator.calls,
		/** Calls that publish, or put a draft into the inbox: those with a video's last byte, and every init of photos. */
		get publicCalls() {
			return counters.publicCalls;
		},
		count: (step: string) => emulator.count(step),
		fail: emulator.fail.bind(emulator),
		hold: emulator.hold.bind(emulator),
		/** Every step that `fail` and `hold` know. */
		steps: ['creator_info', 'user', 'init', 'inbox_init', 'content_init', 'chunk', 'last_chunk', 'status', 'cancel', 'videos'] as const,
		revoke: (token: string) => tokens.delete(token),
		setToken: (token: string, entry: TikTokAccount) => tokens.set(token, entry),
		/** Every upload that is not complete is gone. */
		forgetMedia: () => {
			for (const [id, task] of tasks) if (task.upload && task.received < task.upload.size) tasks.delete(id);
		},
		/** The next media that is complete cannot be published, for this `fail_reason`. */
		failProcessing: (reason: string) => void (failNext = reason),
		/** The user posts a draft in the app. */
		finishDraft: (publishId: string) => {
			const task = tasks.get(publishId);
			if (!task?.post) throw new Error(`no draft ${publishId}`);
			task.finished = true;
			drafts.splice(drafts.indexOf(task.post), 1);
			posts.push(task.post);
		},
		setCounts: (id: string, given: { views: number; likes: number; comments: number; shares: number }) => counts.set(id, given),
		close: () => emulator.close(),
	};
}

export type TikTokEmulator = Awaited<ReturnType<typeof startTikTokEmulator>>;
export { tiktokAccount, tiktokError } from './tiktokRules.ts';
