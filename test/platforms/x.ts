import { createHash, type Hash } from 'node:crypto';
import { Emulator, formParts, jsonObject, Refusal, sha256, type Answer, type Call, type EmulatorOptions } from './emulator.ts';
import { createWindows, metricsOf, NO_METRICS, rateHeaders, replyProblem, subtitlesProblem, type RateWindow, type XMetrics } from './xRules.ts';
import { countWeighted, shortenUrls } from './xText.ts';

export interface XAccount {
	id: string;
	username: string;
	scopes: string[];
}

export interface XEmulatorOptions extends EmulatorOptions {
	/** Default: `x-token` with every scope that publishing needs. */
	tokens?: Record<string, XAccount>;
	/** How often STATUS of a video is not yet `succeeded`. Default 2: pending, in_progress. */
	processingPolls?: number;
	/** check_after_secs. Default 1. */
	checkAfterSeconds?: number;
	/** Default 86,400. */
	mediaLifeSeconds?: number;
	/** Hash what is uploaded and drop it. */
	discard?: boolean;
	/** Posts that each account may make in a window, which begins with the first one in it. Default: as many as it likes. */
	createLimit?: RateWindow;
}

interface Media {
	id: string;
	key: string;
	owner: string;
	mime: string;
	category: string;
	totalBytes: number;
	segments: Buffer[];
	/** Of the segments that were dropped, where nothing is kept. */
	dropped: { hash: Hash; count: number; bytes: number } | null;
	bytes: Buffer;
	sha256: string;
	finalized: boolean;
	/** Null: media of this category is not processed. */
	pollsLeft: number | null;
	error: { code: number; name: string; message: string } | null;
	expiresAt: number;
	alt: string | null;
	/** Tracks of subtitles, by language. */
	subtitles: Map<string, { text: string; name: string }>;
}

export interface XPost {
	id: string;
	author: string;
	/** As it was sent. */
	text: string;
	/** As the API shows it: links shortened, one more for the media. */
	shownText: string;
	links: Array<{ url: string; expanded_url: string; media_key?: string }>;
	media: Media[];
	cover: Media | null;
	/** The post that it answers. */
	replyTo: string | null;
	replySettings: string | null;
	madeWithAi: boolean;
	paidPartnership: boolean;
	metrics: XMetrics;
	permalink: string;
	at: Date;
}

const SCOPES = ['tweet.read', 'tweet.write', 'users.read', 'media.write', 'offline.access'];
const CATEGORIES: Record<string, { mimes: string[]; maxBytes: number; processed: boolean }> = {
	tweet_image: { mimes: ['image/jpeg', 'image/png', 'image/webp', 'image/bmp', 'image/tiff', 'image/pjpeg'], maxBytes: 5 * 1024 * 1024, processed: false },
	tweet_gif: { mimes: ['image/gif'], maxBytes: 15 * 1024 * 1024, processed: true },
	tweet_video: { mimes: ['video/mp4', 'video/webm', 'video/mp2t', 'video/quicktime'], maxBytes: 512 * 1024 * 1024, processed: true },
	// No limit is documented; a track of subtitles has some hundred kilobytes.
	subtitles: { mimes: ['text/srt', 'text/vtt'], maxBytes: 5 * 1024 * 1024, processed: false },
};
/** A request of 5 MB is refused by X's edge, one of 1 MiB is not (platforms.md 1.2, 15). */
const EDGE_LIMIT_BYTES = 4 * 1024 * 1024;
const POST_FIELDS = ['text', 'media', 'reply', 'reply_settings', 'made_with_ai', 'paid_partnership'];

/** A strict X API v2 on loopback (platforms.md 1): refuses what the real one refuses, and counts what is public. */
export async function startXEmulator(options: XEmulatorOptions = {}) {
	const emulator = new Emulator(options);
	const tokens = new Map(Object.entries(options.tokens ?? { 'x-token': { id: '1450000000000000001', username: 'demo', scopes: SCOPES } }));
	const media = new Map<string, Media>();
	const posts: XPost[] = [];
	const counters = { publicCalls: 0, refused429: 0 };
	const { processingPolls = 2, checkAfterSeconds = 1, mediaLifeSeconds = 86_400, discard = false, createLimit } = options;
	const windows = createLimit ? createWindows(createLimit) : null;
	/** 19 digits: a double cannot hold them. */
	let lastId = 1_987_654_321_098_765_431n;
	let processingError: Media['error'] = null;
	let base = '';
	const nextId = () => String((lastId += 2n));

	/** Of calls that nobody counts. */
	const plenty = () => rateHeaders({ limit: 100, remaining: 99, resetsAt: Math.ceil(emulator.now() / 1000) + 900 });
	const ok = (body: unknown, status = 200, headers = plenty()): Answer => ({ status, headers, body });
	const refuse = (status: number, detail: string, type = 'about:blank'): never => {
		const title = { 400: 'Invalid Request', 401: 'Unauthorized', 403: 'Forbidden', 404: 'Not Found' }[status] ?? 'Error';
		throw new Refusal({ status, headers: plenty(), body: { title, detail, status, type } });
	};

	function account(call: Call, ...scopes: string[]): XAccount {
		const token = /^Bearer (.+)$/.exec(call.headers['authorization'] ?? '')?.[1];
		const found = token === undefined ? undefined : tokens.get(token);
		if (!found) return refuse(401, 'Unauthorized');
		const missing = scopes.find((scope) => !found.scopes.includes(scope));
		if (missing) refuse(403, 'You are not permitted to perform this action.', 'https://api.twitter.com/2/problems/client-forbidden');
		return found;
	}

	/** The caller's unexpired media. */
	function own(call: Call, id: string | undefined): Media {
		const owner = account(call, 'media.write');
		const entry = id === undefined ? undefined : media.get(id);
		if (!entry || entry.owner !== owner.id || entry.expiresAt <= emulator.now()) return refuse(404, 'Media not found');
		return entry;
	}

	function processing(entry: Media): object | undefined {
		if (entry.pollsLeft === null) return undefined;
		if (entry.pollsLeft > 0) {
			const state = entry.pollsLeft === processingPolls ? 'pending' : 'in_progress';
			return { state, check_after_secs: checkAfterSeconds, progress_percent: 10 };
		}
		return entry.error ? { state: 'failed', progress_percent: 0, error: entry.error } : { state: 'succeeded', progress_percent: 100 };
	}
	const describe = (entry: Media) => {
		const info = processing(entry);
		return { id: entry.id, media_key: entry.key, size: entry.totalBytes, expires_after_secs: mediaLifeSeconds, ...(info ? { processing_info: info } : {}) };
	};

	emulator.step('me', 'get', '/2/users/me', (call) => {
		const { id, username } = account(call, 'users.read', 'tweet.read');
		return ok({ data: { id, name: username, username } });
	});

	emulator.step('initialize', 'post', '/2/media/upload/initialize', (call) => {
		const owner = account(call, 'media.write');
		const body = jsonObject(call) ?? refuse(400, 'Request body must be a JSON object.');
		const unknown = Object.keys(body).find((field) => !['media_type', 'total_bytes', 'media_category', 'shared', 'additional_owners'].includes(field));
		if (unknown) refuse(400, `unknown field ${unknown}`);
		const { media_type: mime, total_bytes: totalBytes, media_category: category } = body;
		const rules = typeof category === 'string' ? CATEGORIES[category] : undefined;
		if (!rules) return refuse(400, `media_category ${String(category)} is not one of ${Object.keys(CATEGORIES).join(', ')}`);
		if (typeof mime !== 'string' || !rules.mimes.includes(mime)) return refuse(400, `media_type ${String(mime)} does not fit ${String(category)}`);
		if (typeof totalBytes !== 'number' || !Number.isInteger(totalBytes) || totalBytes <= 0) return refuse(400, 'total_bytes must be a positive integer');
		if (totalBytes > rules.maxBytes) refuse(400, `total_bytes is over ${rules.maxBytes}`);
		const id = nextId();
		const entry: Media = {
			id,
			key: `${rules.processed ? 7 : 3}_${id}`,
			owner: owner.id,
			mime,
			category: category as string,
			totalBytes,
			segments: [],
			dropped: discard ? { hash: createHash('sha256'), count: 0, bytes: 0 } : null,
			bytes: Buffer.alloc(0),
			sha256: '',
			finalized: false,
			pollsLeft: null,
			error: null,
			expiresAt: emulator.now() + mediaLifeSeconds * 1000,
			alt: null,
			subtitles: new Map(),
		};
		media.set(id, entry);
		return ok({ data: { id, media_key: entry.key, expires_after_secs: mediaLifeSeconds } });
	});

	emulator.step('append', 'post', '/2/media/upload/:id/append', (call) => {
		if (call.body.length > EDGE_LIMIT_BYTES) throw new Refusal({ status: 413 });
		const entry = own(call, call.params['id']);
		const parts = formParts(call) ?? refuse(400, 'not multipart/form-data');
		const index = parts.find((part) => part.name === 'segment_index')?.data.toString('utf8') ?? '';
		const data = parts.find((part) => part.name === 'media')?.data;
		if (parts.length !== 2 || !data || data.length === 0) return refuse(400, 'expected the fields media and segment_index');
		if (!/^\d{1,3}$/.test(index)) refuse(400, 'segment_index must be 0 to 999');
		if (entry.finalized) refuse(400, 'the upload has been finalized');
		const arrived = entry.dropped?.count ?? entry.segments.length;
		if (Number(index) > arrived) refuse(400, `segment ${arrived} is missing`);
		if (!entry.dropped) entry.segments[Number(index)] = Buffer.from(data);
		else if (Number(index) === arrived) {
			entry.dropped.hash.update(data);
			entry.dropped.count += 1;
			entry.dropped.bytes += data.length;
		}
		return ok({ data: { expires_at: Math.floor(entry.expiresAt / 1000) } });
	});

	emulator.step('finalize', 'post', '/2/media/upload/:id/finalize', (call) => {
		const entry = own(call, call.params['id']);
		if (!jsonObject(call)) refuse(400, 'Request body must be a JSON object.');
		const bytes = Buffer.concat(entry.segments);
		const arrived = entry.dropped?.bytes ?? bytes.length;
		if (arrived !== entry.totalBytes) refuse(400, `${arrived} bytes arrived, ${entry.totalBytes} were announced`);
		if (!entry.finalized) {
			const processed = CATEGORIES[entry.category]!.processed;
			const hash = entry.dropped ? entry.dropped.hash.digest('hex') : sha256(bytes);
			Object.assign(entry, { finalized: true, bytes, sha256: hash, segments: [], pollsLeft: processed ? processingPolls : null });
			if (processed) [entry.error, processingError] = [processingError, null];
			// What has been put together is kept in `bytes`; a repeat of the call finds it by length.
			entry.segments = [bytes];
		}
		return ok({ data: describe(entry) });
	});

	emulator.step('status', 'get', '/2/media/upload', (call) => {
		if (call.query['command'] !== 'STATUS') refuse(400, 'command must be STATUS');
		const entry = own(call, call.query['media_id']);
		if (!entry.finalized || entry.pollsLeft === null) return refuse(400, 'Not found');
		const answer = ok({ data: describe(entry) });
		entry.pollsLeft = Math.max(0, entry.pollsLeft - 1);
		return answer;
	});

	emulator.step('metadata', 'post', '/2/media/metadata', (call) => {
		const body = jsonObject(call) ?? refuse(400, 'Request body must be a JSON object.');
		const entry = own(call, typeof body['id'] === 'string' ? body['id'] : undefined);
		const text = (body['metadata'] as { alt_text?: { text?: unknown } } | undefined)?.alt_text?.text;
		if (typeof text !== 'string' || text === '' || [...text].length > 1000) return refuse(400, 'alt_text must have 1 to 1000 characters');
		if (!entry.finalized) refuse(400, 'the media is not finalized');
		entry.alt = text;
		return ok({ data: { id: entry.id, associated_metadata: { alt_text: { text } } } });
	});

	emulator.step('subtitles', 'post', '/2/media/subtitles', (call) => {
		const body = jsonObject(call) ?? refuse(400, 'Request body must be a JSON object.');
		const problem = subtitlesProblem(body);
		if (problem) return refuse(400, problem);
		const { id, subtitles } = body as { id: string; subtitles: { id: string; language_code: string; display_name: string } };
		const [video, track] = [own(call, id), own(call, subtitles.id)];
		if (video.category !== 'tweet_video' || !video.finalized) refuse(400, 'id is no finalized video');
		if (track.category !== 'subtitles' || !track.finalized) refuse(400, 'subtitles.id is no finalized file of subtitles');
		video.subtitles.set(subtitles.language_code, { text: track.bytes.toString('utf8'), name: subtitles.display_name });
		return ok({ data: { id, media_category: 'TweetVideo', associated_subtitles: [...video.subtitles].map(([language_code, { name }]) => ({ language_code, display_name: name })) } });
	});

	emulator.step('create', 'post', '/2/tweets', (call) => {
		const author = account(call, 'tweet.read', 'tweet.write', 'users.read');
		counters.publicCalls += 1;
		const taken = windows?.(author.id, emulator.now());
		if (taken?.refused) {
			counters.refused429 += 1;
			throw new Refusal({ status: 429, headers: rateHeaders(taken), body: { title: 'Too Many Requests', detail: 'Too Many Requests', status: 429, type: 'about:blank' } });
		}
		const body = jsonObject(call) ?? refuse(400, 'Request body must be a JSON object.');
		const unknown = Object.keys(body).find((field) => !POST_FIELDS.includes(field));
		if (unknown) refuse(400, `unknown field ${unknown}`);
		const { text = '', media: attached } = body as { text?: unknown; media?: { media_ids?: unknown; preview_media_id?: unknown } };
		if (typeof text !== 'string') return refuse(400, 'text must be a string');
		const entries = attached === undefined ? [] : attachable(author, attached.media_ids);
		const cover = attached?.preview_media_id === undefined ? null : coverOf(author, entries, attached.preview_media_id);
		if (text === '' && entries.length === 0) refuse(400, 'text or media is required');
		if (countWeighted(text) > 280) refuse(400, 'Your Tweet text is too long.');
		const problem = replyProblem(body);
		if (problem) refuse(400, problem);
		const replyTo = (body['reply'] as { in_reply_to_tweet_id: string } | undefined)?.in_reply_to_tweet_id ?? null;
		// Self-serve apps may answer others only where they were mentioned (platforms.md 1.5).
		if (replyTo !== null && !posts.some((post) => post.id === replyTo && post.author === author.username)) {
			refuse(403, 'Reply to this conversation is not allowed because you have not been mentioned or otherwise engaged by the author of the post you are replying to.');
		}
		const same = (post: XPost) => post.author === author.username && post.text === text && post.media.map((entry) => entry.sha256).join() === entries.map((entry) => entry.sha256).join();
		if (posts.some(same)) refuse(403, 'You are not allowed to create a Tweet with duplicate content.');
		const id = nextId();
		const permalink = `${base}/${author.username}/status/${id}`;
		const shortened = shortenUrls(text);
		const mediaLink = entries.map((entry) => ({ url: `https://t.co/m${id.slice(-9)}`, expanded_url: `https://x.com/${author.username}/status/${id}/video/1`, media_key: entry.key }));
		const shownText = [shortened.text, ...new Set(mediaLink.map((link) => link.url))].filter(Boolean).join(' ');
		posts.push({
			id,
			author: author.username,
			text,
			shownText,
			links: [...shortened.links, ...mediaLink],
			media: entries,
			cover,
			replyTo,
			replySettings: (body['reply_settings'] as string | undefined) ?? null,
			madeWithAi: body['made_with_ai'] === true,
			paidPartnership: body['paid_partnership'] === true,
			metrics: { ...NO_METRICS },
			permalink,
			at: new Date(emulator.now()),
		});
		return ok({ data: { id, text: shownText, edit_history_post_ids: [id] } }, 201, taken ? rateHeaders(taken) : plenty());
	});

	/** The picture before a video plays (platforms.md 1.4). */
	function coverOf(author: XAccount, entries: Media[], id: unknown): Media {
		const [cover] = attachable(author, [id]);
		if (cover?.category !== 'tweet_image' || entries[0]?.category !== 'tweet_video') return refuse(400, 'preview_media_id must be a picture, and goes with a video');
		return cover;
	}

	function attachable(author: XAccount, ids: unknown): Media[] {
		if (!Array.isArray(ids) || ids.length < 1 || ids.length > 4 || !ids.every((id) => typeof id === 'string')) {
			return refuse(400, 'media_ids must be 1 to 4 strings');
		}
		const entries = ids.map((id) => {
			const entry = media.get(id);
			const usable = entry && entry.category !== 'subtitles' && entry.owner === author.id && entry.expiresAt > emulator.now() && entry.finalized;
			return usable ? entry : refuse(400, 'Your media IDs are invalid.');
		});
		if (entries.some((entry) => entry.pollsLeft !== null && (entry.pollsLeft > 0 || entry.error))) refuse(400, 'The media has not been processed.');
		const moving = entries.filter((entry) => entry.category !== 'tweet_image').length;
		if (moving > 0 && entries.length > 1) refuse(400, 'One video or GIF, or up to four images, never mixed.');
		return entries;
	}

	emulator.step('timeline', 'get', '/2/users/:id/tweets', (call) => {
		const reader = account(call, 'tweet.read', 'users.read');
		const size = Number(call.query['max_results'] ?? 10);
		if (!(size >= 5 && size <= 100)) refuse(400, 'max_results must be 5 to 100');
		const since = call.query['start_time'];
		if (since !== undefined && !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(since)) refuse(400, 'start_time must be YYYY-MM-DDTHH:mm:ssZ');
		const fields = (call.query['tweet.fields'] ?? '').split(',');
		const offset = Number(call.query['pagination_token'] ?? 0);
		const all = posts
			.filter((post) => call.params['id'] === reader.id && post.author === reader.username && (since === undefined || post.at.getTime() >= Date.parse(since)))
			.toReversed();
		const data = all.slice(offset, offset + size).map((post) => ({
			id: post.id,
			text: post.shownText,
			edit_history_tweet_ids: [post.id],
			...(fields.includes('created_at') ? { created_at: post.at.toISOString() } : {}),
			...(fields.includes('attachments') && post.media.length > 0 ? { attachments: { media_keys: post.media.map((entry) => entry.key) } } : {}),
			...(fields.includes('entities') && post.links.length > 0 ? { entities: { urls: post.links } } : {}),
		}));
		const more = offset + size < all.length ? { next_token: String(offset + size) } : {};
		return ok(data.length > 0 ? { data, meta: { result_count: data.length, ...more } } : { meta: { result_count: 0 } });
	});

	emulator.step('lookup', 'get', '/2/tweets', (call) => {
		const reader = account(call, 'tweet.read', 'users.read');
		const unknown = Object.keys(call.query).find((name) => !['ids', 'tweet.fields'].includes(name));
		if (unknown) refuse(400, `The query parameter [${unknown}] is not one of [ids,tweet.fields]`);
		const ids = (call.query['ids'] ?? '').split(',');
		if (ids.length > 100 || !ids.every((id) => /^\d{1,19}$/.test(id))) refuse(400, 'ids must be 1 to 100 numbers');
		const fields = (call.query['tweet.fields'] ?? '').split(',');
		const data: object[] = [];
		const errors: object[] = [];
		for (const id of ids) {
			const post = posts.find((entry) => entry.id === id);
			const found = post && metricsOf(post, fields, { own: post.author === reader.username, now: emulator.now() });
			if (post && found) data.push({ id, text: post.shownText, edit_history_tweet_ids: [id], ...found });
			else {
				const problem = post ? 'not-authorized-for-field' : 'resource-not-found';
				const detail = post ? `Sorry, you are not authorized to access 'non_public_metrics' on the Tweet with ids : [${id}].` : `Could not find tweet with ids: [${id}].`;
				errors.push({ value: id, detail, title: post ? 'Field Authorization Error' : 'Not Found Error', resource_type: 'tweet', parameter: 'ids', resource_id: id, type: `https://api.twitter.com/2/problems/${problem}` });
			}
		}
		return ok({ ...(data.length > 0 ? { data } : {}), ...(errors.length > 0 ? { errors } : {}) });
	});

	emulator.step('delete', 'delete', '/2/tweets/:id', (call) => {
		const author = account(call, 'tweet.read', 'tweet.write', 'users.read');
		const index = posts.findIndex((post) => post.id === call.params['id'] && post.author === author.username);
		if (index >= 0) posts.splice(index, 1);
		return ok({ data: { deleted: index >= 0 } });
	});

	const shown = () => posts.map((post) => ({ ...post, media: post.media.map(({ id, mime, alt }) => ({ url: `/emulator/media/${id}`, mime, alt })) }));
	emulator.show('X', shown, (id) => media.get(id));
	emulator.app.get('/:name/status/:id', (request, response) => response.redirect(`/#${request.params.id}`));
	base = await emulator.listen(options.port);

	return {
		url: base,
		/** Public posts, oldest first. */
		posts,
		calls: emulator.calls,
		/** Calls to create a post that came from a valid account, whatever their answer. */
		get publicCalls() {
			return counters.publicCalls;
		},
		/** Of those, the ones over `createLimit`. */
		get refused429() {
			return counters.refused429;
		},
		count: (step: string) => emulator.count(step),
		fail: emulator.fail.bind(emulator),
		hold: emulator.hold.bind(emulator),
		/** Every step that `fail` and `hold` know. */
		steps: ['me', 'initialize', 'append', 'finalize', 'status', 'metadata', 'subtitles', 'create', 'timeline', 'lookup', 'delete'] as const,
		revoke: (token: string) => tokens.delete(token),
		setToken: (token: string, entry: XAccount) => tokens.set(token, entry),
		/** Every upload is gone. */
		forgetMedia: () => media.clear(),
		/** Numbers of a post. */
		setMetrics: (id: string, metrics: Partial<XMetrics>) => Object.assign(posts.find((post) => post.id === id)?.metrics ?? {}, metrics),
		/** Processing of the next video fails. */
		failProcessing: (name: string, message: string) => (processingError = { code: 1, name, message }),
		close: () => emulator.close(),
	};
}

export type XEmulator = Awaited<ReturnType<typeof startXEmulator>>;
