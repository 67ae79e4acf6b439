import { createHash, randomBytes, type Hash } from 'node:crypto';
import { Emulator, jsonObject, Refusal, type Answer, type Call, type EmulatorOptions, type StoredMedia, type StreamCall } from './emulator.ts';
import { addExtras } from './youtubeExtras.ts';
import { contentRange, findingOfVideo, googleError, GRANULE, PARTS, PREFIX } from './youtubeRules.ts';

export interface YouTubeAccount {
	/** Null: a Google account without a channel. */
	channel: { id: string; title: string } | null;
	/** Whole addresses, or the part after `auth/`. */
	scopes: string[];
	/** Default allowed. */
	longUploads?: 'allowed' | 'eligible' | 'disallowed';
	/** Confirmed by phone: may set thumbnails. Default true. */
	verified?: boolean;
	suspended?: boolean;
}

export interface YouTubeEmulatorOptions extends EmulatorOptions {
	/** Default: `youtube-token` with the scopes that n8n's credential asks for. */
	tokens?: Record<string, YouTubeAccount>;
	/** How often videos.list says `uploaded` before `processed`. Default 1. */
	processingPolls?: number;
	/** Default a week. */
	sessionLifeSeconds?: number;
	/** The project has not been audited: whatever is asked for, videos become private (platforms.md 4.1). */
	unaudited?: boolean;
	/** Daily units of the project, and its uploads. Defaults 10,000 and 100 (platforms.md 4.6). */
	units?: number;
	uploads?: number;
	/** Second tracks of a language and name are refused, which is unconfirmed (platforms.md 4.4). Default true. */
	captionConflicts?: boolean;
	/** Bytes are hashed and forgotten: for files larger than memory. */
	discard?: boolean;
}

interface Session {
	id: string;
	owner: string;
	mime: string;
	total: number;
	stored: number;
	hash: Hash;
	kept: Buffer[];
	fields: { snippet: Record<string, unknown>; status: Record<string, unknown> };
	notify: boolean;
	expiresAt: number;
	video: YouTubeVideo | null;
}

export interface YouTubeCaption {
	id: string;
	language: string;
	name: string;
	isDraft: boolean;
	data: Buffer;
}

export interface YouTubeVideo {
	id: string;
	author: string;
	channelId: string;
	title: string;
	/** The description. */
	text: string;
	snippet: Record<string, unknown>;
	status: Record<string, unknown>;
	notifySubscribers: boolean;
	media: StoredMedia[];
	permalink: string;
	at: Date;
	pollsLeft: number;
	failure: { uploadStatus: 'failed' | 'rejected'; reason: string } | null;
	thumbnail: { mime: string; sha256: string } | null;
	captions: YouTubeCaption[];
	comments: Array<{ id: string; author: string; text: string; at: Date }>;
	statistics: { viewCount: string; likeCount: string; commentCount?: string };
}

const UPLOAD = ['youtube.upload', 'youtube', 'youtube.force-ssl', 'youtubepartner'];
const READ = ['youtube.readonly', 'youtube', 'youtube.force-ssl', 'youtubepartner'];
const CHANGE = ['youtube', 'youtube.force-ssl', 'youtubepartner'];
/** What n8n's credential asks for. */
const SCOPES = ['youtube', 'youtubepartner', 'youtube.force-ssl', 'youtube.upload', 'youtubepartner-channel-audit'];
const MAX_BYTES = 256e9;
/** A strict YouTube Data API v3 on loopback (platforms.md 4): refuses what the real one refuses, and counts what makes a video. */
export async function startYouTubeEmulator(options: YouTubeEmulatorOptions = {}) {
	const emulator = new Emulator(options);
	const { processingPolls = 1, sessionLifeSeconds = 7 * 86_400, unaudited = false, discard = false } = options;
	const standard: YouTubeAccount = { channel: { id: 'UCdemoDemoDemoDemoDemoDe', title: 'Demo' }, scopes: SCOPES };
	const tokens = new Map(Object.entries(options.tokens ?? { 'youtube-token': standard }));
	const sessions = new Map<string, Session>();
	const posts: YouTubeVideo[] = [];
	const counters = { publicCalls: 0, commentCalls: 0, units: 0, uploads: 0 };
	/** Scripted: what the next chunks keep, and how the next video ends. */
	const keepOnly: number[] = [];
	let nextFailure: YouTubeVideo['failure'] = null;
	let making = 0;
	let base = '';

	const refuse = (code: number, reason: string, message?: string): never => {
		throw new Refusal(googleError(code, reason, message));
	};
	const spend = (units: number) => {
		if (counters.units + units > (options.units ?? 10_000)) refuse(403, 'quotaExceeded', 'The request cannot be completed because you have exceeded your quota.');
		counters.units += units;
	};

	function account(call: Pick<Call, 'headers'>, scopes: string[]): YouTubeAccount {
		const token = /^Bearer (.+)$/.exec(call.headers['authorization'] ?? '')?.[1];
		const found = token === undefined ? undefined : tokens.get(token);
		if (!found) return refuse(401, 'authError', 'Request had invalid authentication credentials.');
		if (found.suspended) refuse(403, 'authenticatedUserAccountSuspended', "The authenticated user's YouTube account is suspended.");
		const given = found.scopes.map((scope) => scope.replace(PREFIX, ''));
		if (!scopes.some((scope) => given.includes(scope))) refuse(403, 'insufficientPermissions', 'Request had insufficient authentication scopes.');
		return found;
	}
	function channelOf(call: Pick<Call, 'headers'>, scopes: string[]): NonNullable<YouTubeAccount['channel']> & { account: YouTubeAccount } {
		const found = account(call, scopes);
		return found.channel ? { ...found.channel, account: found } : refuse(401, 'youtubeSignupRequired', 'The authenticated user has no YouTube channel.');
	}
	function parts(call: Pick<Call, 'query'>, resource: string): string[] {
		const given = (call.query['part'] ?? '').split(',').filter(Boolean);
		if (given.length === 0) refuse(400, 'missingRequiredParameter', 'No filter selected: part is required.');
		const unknown = given.find((part) => !PARTS[resource]!.includes(part));
		if (unknown) refuse(400, 'unknownPart', `'${unknown}'`);
		return given;
	}
	function only(call: Pick<Call, 'query'>, ...known: string[]): void {
		const unknown = Object.keys(call.query).find((name) => !known.includes(name));
		if (unknown) refuse(400, 'unexpectedParameter', `'${unknown}'`);
	}
	const pick = (whole: Record<string, unknown>, given: string[]) => Object.fromEntries(Object.entries(whole).filter(([name]) => name === 'kind' || name === 'id' || given.includes(name)));

	/** A private video with a time becomes public by itself. */
	function privacy(video: YouTubeVideo): string {
		const publishAt = video.status['publishAt'];
		if (typeof publishAt === 'string' && Date.parse(publishAt) <= emulator.now()) {
			delete video.status['publishAt'];
			video.status['privacyStatus'] = unaudited ? 'private' : 'public';
		}
		return String(video.status['privacyStatus']);
	}
	function resource(video: YouTubeVideo): Record<string, unknown> {
		const privacyStatus = privacy(video);
		const ended = video.failure && video.pollsLeft === 0 ? video.failure : null;
		const uploadStatus = video.pollsLeft > 0 ? 'uploaded' : (ended?.uploadStatus ?? 'processed');
		const reason = ended ? { [ended.uploadStatus === 'failed' ? 'failureReason' : 'rejectionReason']: ended.reason } : {};
		return {
			kind: 'youtube#video',
			id: video.id,
			snippet: { publishedAt: video.at.toISOString(), channelId: video.channelId, channelTitle: video.author, ...video.snippet },
			status: { uploadStatus, ...video.status, privacyStatus, ...reason },
			processingDetails: { processingStatus: video.pollsLeft > 0 ? 'processing' : ended ? 'failed' : 'succeeded' },
			statistics: video.statistics,
			contentDetails: { definition: 'hd' },
		};
	}
	const own = (id: string | undefined, channelId: string): YouTubeVideo =>
		posts.find((video) => video.id === id && video.channelId === channelId) ?? refuse(404, 'videoNotFound', 'The video that you are trying to use cannot be found.');

	emulator.step('channel', 'get', '/youtube/v3/channels', (call) => {
		const { channel, longUploads = 'allowed' } = account(call, READ);
		only(call, 'part', 'mine');
		const given = parts(call, 'channels');
		if (call.query['mine'] !== 'true') refuse(400, 'missingRequiredParameter', 'No filter selected. Expected one of: id, mine');
		spend(1);
		if (!channel) return { status: 200, body: { kind: 'youtube#channelListResponse', pageInfo: { totalResults: 0, resultsPerPage: 5 } } };
		const whole = {
			kind: 'youtube#channel',
			id: channel.id,
			snippet: { title: channel.title, customUrl: '@demo' },
			status: { privacyStatus: 'public', isLinked: true, longUploadsStatus: longUploads },
			contentDetails: { relatedPlaylists: { likes: '', uploads: `UU${channel.id.slice(2)}` } },
			statistics: { videoCount: String(posts.length) },
		};
		return { status: 200, body: { kind: 'youtube#channelListResponse', pageInfo: { totalResults: 1, resultsPerPage: 5 }, items: [pick(whole, given)] } };
	});

	emulator.step('initialize', 'post', '/upload/youtube/v3/videos', (call) => {
		const { id: owner } = channelOf(call, UPLOAD);
		only(call, 'uploadType', 'part', 'notifySubscribers');
		if (call.query['uploadType'] !== 'resumable') refuse(400, 'badRequest', 'uploadType must be resumable');
		const notify = call.query['notifySubscribers'] ?? 'true';
		if (!['true', 'false'].includes(notify)) refuse(400, 'invalidParameter', 'notifySubscribers');
		const body = jsonObject(call) ?? refuse(400, 'parseError', 'The body is not JSON');
		const finding = findingOfVideo(body, (call.query['part'] ?? '').split(',').filter(Boolean));
		if (finding) refuse(400, finding.reason, finding.message);
		const total = Number(call.headers['x-upload-content-length']);
		const mime = call.headers['x-upload-content-type'] ?? '';
		if (!Number.isSafeInteger(total) || total <= 0) refuse(400, 'badRequest', 'X-Upload-Content-Length is missing');
		if (total > MAX_BYTES) refuse(413, 'uploadTooLarge', 'The file is too large.');
		if (!/^(video\/[\w.+-]+|application\/octet-stream)$/.test(mime)) refuse(400, 'mediaBodyRequired', 'Media type is not supported.');
		if (counters.uploads >= (options.uploads ?? 100)) refuse(403, 'quotaExceeded', 'The request cannot be completed because you have exceeded your quota.');
		counters.uploads += 1;
		const fields = { snippet: body['snippet'] as Record<string, unknown>, status: { privacyStatus: 'public', ...(body['status'] as Record<string, unknown> | undefined) } };
		const id = randomBytes(24).toString('base64url');
		const expiresAt = emulator.now() + sessionLifeSeconds * 1000;
		sessions.set(id, { id, owner, mime, total, stored: 0, hash: createHash('sha256'), kept: [], fields, notify: notify === 'true', expiresAt, video: null });
		return { status: 200, headers: { location: `${base}/upload/youtube/v3/videos?uploadType=resumable&part=${call.query['part']}&upload_id=${id}`, 'x-guploader-uploadid': id } };
	});

	// One address, three kinds of call.
	const kindOf = (headers: Call['headers']): 'probe' | 'append' | 'create' => {
		const range = contentRange(headers['content-range']);
		if (range === null) return 'create';
		if (range.end === null) return 'probe';
		return range.end === range.total ? 'create' : 'append';
	};
	const SESSION = '/upload/youtube/v3/videos';

	function sessionOf(call: Omit<Call, 'body'>): Session {
		const { id: owner } = channelOf(call, UPLOAD);
		const session = sessions.get(call.query['upload_id'] ?? '');
		if (!session || session.owner !== owner || session.expiresAt <= emulator.now()) throw new Refusal({ status: 404, body: 'Not Found', headers: { 'content-type': 'text/plain' } });
		return session;
	}
	const incomplete = ({ stored }: Session): Answer => ({ status: 308, headers: stored > 0 ? { range: `bytes=0-${stored - 1}` } : {} });
	const complete = (video: YouTubeVideo): Answer => ({ status: 201, body: pick(resource(video), ['snippet', 'status']) });
	/** The video of a session that has all bytes; null while it is still in the making. */
	const made = (session: Session): YouTubeVideo | null => session.video ?? (session.stored < session.total || making-- > 0 ? null : (session.video = publish(session)));
	async function receive(call: StreamCall): Promise<{ session: Session; whole: boolean }> {
		const session = sessionOf(call);
		const range = contentRange(call.headers['content-range']) ?? { start: 0, end: session.total, total: session.total };
		if (session.video) {
			for await (const bytes of call.chunks) void bytes;
			return { session, whole: true };
		}
		if (range.end === null || range.total !== session.total || range.end > session.total) return refuse(400, 'badRequest', 'Failed to parse Content-Range header.');
		const size = range.end - range.start;
		if (size <= 0 || call.headers['content-length'] !== String(size)) refuse(400, 'badRequest', 'Content-Length and Content-Range differ.');
		if (range.end < range.total && size % GRANULE !== 0) refuse(400, 'badRequest', 'Chunks must be a multiple of 262144 bytes.');
		if (range.start !== session.stored) refuse(400, 'badRequest', `byte ${session.stored} is expected`);
		const limit = keepOnly.shift() ?? size;
		let [taken, pending] = [0, Buffer.alloc(0)];
		const keep = (bytes: Buffer) => {
			const part = bytes.subarray(0, Math.max(0, limit - taken));
			taken += bytes.length;
			session.hash.update(part);
			session.stored += part.length;
			if (!discard) session.kept.push(Buffer.from(part));
		};
		// What arrived of a chunk stays, in whole granules, also when the connection breaks.
		for await (const bytes of call.chunks) {
			pending = Buffer.concat([pending, bytes]);
			const full = pending.length - (pending.length % GRANULE);
			if (full > 0) keep(pending.subarray(0, full));
			pending = pending.subarray(full);
		}
		if (pending.length > 0) keep(pending);
		return { session, whole: session.stored === session.total };
	}

	const isA = (kind: ReturnType<typeof kindOf>) => (headers: Call['headers']) => kindOf(headers) === kind;
	const probe = async (call: StreamCall): Promise<Answer> => {
		const session = sessionOf(call);
		const range = contentRange(call.headers['content-range']);
		if (call.headers['content-length'] !== '0' || range?.total !== session.total) refuse(400, 'badRequest', 'Failed to parse Content-Range header.');
		const video = made(session);
		return video ? complete(video) : incomplete(session);
	};
	const create = async (call: StreamCall): Promise<Answer> => {
		const { session, whole } = await receive(call);
		counters.publicCalls += 1;
		const video = whole ? made(session) : null;
		return video ? complete(video) : incomplete(session);
	};
	emulator.stream('probe', 'put', SESSION, probe, isA('probe'));
	emulator.stream('append', 'put', SESSION, async (call) => incomplete((await receive(call)).session), isA('append'));
	emulator.stream('create', 'put', SESSION, create, isA('create'));

	function publish(session: Session): YouTubeVideo {
		const id = randomBytes(8).toString('base64url');
		const { snippet, status } = session.fields;
		const channel = [...tokens.values()].find((entry) => entry.channel?.id === session.owner)!.channel!;
		const hash = session.hash.digest('hex');
		const video: YouTubeVideo = {
			id,
			author: channel.title,
			channelId: channel.id,
			title: String(snippet['title']),
			text: String(snippet['description'] ?? ''),
			snippet,
			status: { license: 'youtube', embeddable: true, ...status, ...(unaudited ? { privacyStatus: 'private' } : {}) },
			notifySubscribers: session.notify,
			media: [{ mime: session.mime, bytes: Buffer.concat(session.kept), sha256: hash, alt: null }],
			permalink: `${base}/watch?v=${id}`,
			at: new Date(emulator.now()),
			pollsLeft: processingPolls,
			failure: nextFailure,
			thumbnail: null,
			captions: [],
			comments: [],
			statistics: { viewCount: '0', likeCount: '0', commentCount: '0' },
		};
		nextFailure = null;
		session.kept = [];
		posts.push(video);
		return video;
	}

	emulator.step('videos', 'get', '/youtube/v3/videos', (call) => {
		const reader = channelOf(call, READ);
		only(call, 'part', 'id', 'maxResults');
		const given = parts(call, 'videos');
		const ids = (call.query['id'] ?? '').split(',').filter(Boolean);
		if (ids.length === 0 || ids.length > 50) refuse(400, 'invalidFilters', 'id must name 1 to 50 videos');
		spend(1);
		const items = posts.filter((video) => ids.includes(video.id) && (video.channelId === reader.id || privacy(video) !== 'private')).map((video) => pick(resource(video), given));
		for (const video of posts) if (ids.includes(video.id)) video.pollsLeft = Math.max(0, video.pollsLeft - 1);
		return { status: 200, body: { kind: 'youtube#videoListResponse', items, pageInfo: { totalResults: items.length, resultsPerPage: items.length } } };
	});

	emulator.step('uploads', 'get', '/youtube/v3/playlistItems', (call) => {
		const reader = channelOf(call, READ);
		only(call, 'part', 'playlistId', 'maxResults', 'pageToken');
		const given = parts(call, 'playlistItems');
		const size = Number(call.query['maxResults'] ?? 5);
		if (!(size >= 0 && size <= 50)) refuse(400, 'invalidParameter', 'maxResults must be 0 to 50');
		if (call.query['playlistId'] !== `UU${reader.id.slice(2)}`) refuse(404, 'playlistNotFound');
		spend(1);
		const offset = Number(call.query['pageToken'] ?? 0);
		const all = posts.filter((video) => video.channelId === reader.id).toReversed();
		const items = all.slice(offset, offset + size).map((video) =>
			pick(
				{
					kind: 'youtube#playlistItem',
					id: `UU.${video.id}`,
					snippet: { publishedAt: video.at.toISOString(), title: video.title, description: video.text, resourceId: { kind: 'youtube#video', videoId: video.id } },
					contentDetails: { videoId: video.id, videoPublishedAt: video.at.toISOString() },
					status: { privacyStatus: privacy(video) },
				},
				given,
			),
		);
		return { status: 200, body: { kind: 'youtube#playlistItemListResponse', items, ...(offset + size < all.length ? { nextPageToken: String(offset + size) } : {}) } };
	});

	emulator.step('delete', 'delete', '/youtube/v3/videos', (call) => {
		const channel = channelOf(call, CHANGE);
		only(call, 'id');
		spend(50);
		posts.splice(posts.indexOf(own(call.query['id'], channel.id)), 1);
		return { status: 204 };
	});

	addExtras({ captionConflicts: options.captionConflicts ?? true, emulator, posts, channelOf, only, parts, spend, refuse, own, privacy, pick, comments: (count) => (counters.commentCalls += count), url: () => base });

	const shown = () =>
		posts.map((video) => {
			const notes = [privacy(video), ...video.captions.map(({ language }) => `captions: ${language}`), ...video.comments.map(({ text }) => `comment: ${text}`)];
			const media = video.media.map(({ mime, alt }) => ({ url: `/emulator/media/${video.id}`, mime, alt }));
			return { ...video, text: `${video.title}\n\n${video.text}\n\n(${notes.join(', ')})`, media };
		});
	emulator.show('YouTube', shown, (id) => posts.find((video) => video.id === id)?.media[0]);
	emulator.app.get('/watch', (request, response) => response.redirect(`/#${String(request.query['v'])}`));
	emulator.app.get('/shorts/:id', (request, response) => response.redirect(`/#${request.params.id}`));
	base = await emulator.listen(options.port);

	return {
		/** Settings of the adapter: `${url}/youtube/v3`, `${url}/upload/youtube/v3`, and `url` for the addresses of videos. */
		url: base,
		/** Videos of whatever privacy, oldest first. */
		posts,
		calls: emulator.calls,
		/** Final chunks that arrived whole in a session of a valid account, whatever their answer. */
		get publicCalls() {
			return counters.publicCalls;
		},
		get commentCalls() {
			return counters.commentCalls;
		},
		/** So far: units of the quota, and sessions. */
		get units() {
			return counters.units;
		},
		get uploads() {
			return counters.uploads;
		},
		count: (step: string) => emulator.count(step),
		fail: emulator.fail.bind(emulator),
		hold: emulator.hold.bind(emulator),
		/** Every step that `fail` and `hold` know. */
		steps: ['channel', 'initialize', 'append', 'create', 'probe', 'videos', 'uploads', 'thumbnail', 'captions', 'caption', 'comment', 'comments', 'comment-list', 'delete', 'comment-delete'] as const,
		revoke: (token: string) => tokens.delete(token),
		setToken: (token: string, entry: YouTubeAccount) => tokens.set(token, entry),
		/** What is missing of the last piece of each upload arrives at last. */
		arrive: () => sessions.forEach((session) => session.stored > 0 && (session.video ??= publish(session))),
		/** Every session is gone. */
		forgetMedia: () => sessions.clear(),
		/** So many answers say of a complete upload that nothing is missing, and of no video yet. */
		delayMaking: (answers: number) => (making = answers),
		/** The next chunks keep only so many bytes; 0: an answer without Range. */
		shorten: (...bytes: number[]) => void keepOnly.push(...bytes),
		/** The next video ends badly: failureReason or rejectionReason of platforms.md 4.4. */
		failProcessing: (uploadStatus: 'failed' | 'rejected', reason: string) => (nextFailure = { uploadStatus, reason }),
		close: () => emulator.close(),
	};
}

export type YouTubeEmulator = Awaited<ReturnType<typeof startYouTubeEmulator>>;
