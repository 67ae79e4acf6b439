import { createHash, randomBytes } from 'node:crypto';
import { BadRecord, blobCid, readPost, recordCid, type Blob, type ReadPost } from './blueskyRecord.ts';
import { fields, invalid, json, refuse, Sessions, type BlueskyAccount } from './blueskySessions.ts';
import { Emulator, Refusal, type EmulatorOptions, type StoredMedia, type StreamCall } from './emulator.ts';

export interface BlueskyEmulatorOptions extends EmulatorOptions {
	/** Default: `demo.test` with the app password `abcd-efgh-ijkl-mnop`. */
	accounts?: BlueskyAccount[];
	/** How often a job is not finished yet. Default 2. */
	processingPolls?: number;
	/** Life of an access token. Default 7,200. */
	accessLifeSeconds?: number;
	/** The answer of uploadVideo: the status itself, or within `jobStatus`. Both are seen (platforms.md 9.3). Default bare. */
	uploadAnswer?: 'bare' | 'wrapped';
	/** Default 300,000,000 */
	maxVideoBytes?: number;
	/** Of any other file. Default 5,242,880: a server of one's own. */
	maxBlobBytes?: number;
	/** Videos that may be uploaded today. Default 25. */
	videosPerDay?: number;
	/** Points for writing, 2 for each record that is put. Default 5000 in an hour. */
	writes?: { points: number; windowSeconds: number };
	/** Entryway, the account's server and the video service at one address, as a server of one's own may be. Default: three. */
	oneHost?: boolean;
	/** Drops the bytes of files: only their hash stays. */
	discard?: boolean;
}

interface StoredBlob extends Blob, StoredMedia {
	owner: string;
}

interface Job {
	id: string;
	did: string;
	blob: StoredBlob;
	pollsLeft: number;
	failure: { code: string; error: string; message: string } | null;
	/** Of the token that the service stores the video with. */
	tokenExpires: number;
}

interface Row {
	uri: string;
	cid: string;
	value: Record<string, unknown>;
}

export interface BlueskyPost extends Omit<ReadPost, 'media'> {
	/** at:// address. */
	id: string;
	cid: string;
	author: string;
	media: Array<{ sha256: string; mime: string; alt: string | null; aspectRatio: { width: number; height: number } | null }>;
	captionTexts: string[];
	permalink: string;
	at: Date;
}

const COLLECTION = 'app.bsky.feed.post';
const TID = /^[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}$/;
const NUMBERS = { likeCount: 0, repostCount: 0, replyCount: 0, quoteCount: 0, bookmarkCount: 0 };

/**
 * Bluesky on loopback (platforms.md 9): the entryway, the account's own server and the video service, each at its own port.
 * Refuses what they refuse, and counts what is public.
 */
export async function startBlueskyEmulator(options: BlueskyEmulatorOptions = {}) {
	const emulator = new Emulator(options);
	const { processingPolls = 2, accessLifeSeconds = 7200, uploadAnswer = 'bare', maxVideoBytes = 300_000_000, maxBlobBytes = 5_242_880, videosPerDay = 25, discard = false } = options;
	const writes = options.writes ?? { points: 5000, windowSeconds: 3600 };
	const accounts = options.accounts ?? [{ did: 'did:plc:ewvi7nxzyoun6zhxrhs64oiz', handle: 'demo.test', appPasswords: ['abcd-efgh-ijkl-mnop'] }];
	const sessions = new Sessions(emulator, accounts, accessLifeSeconds);
	const { hosts } = sessions;
	const blobs = new Map<string, StoredBlob>();
	const jobs = new Map<string, Job>();
	const records = new Map<string, Row>();
	const posts: BlueskyPost[] = [];
	const numbers = new Map<string, Partial<typeof NUMBERS>>();
	const written: Array<{ did: string; at: number; points: number }> = [];
	const uploads: Array<{ did: string; at: number }> = [];
	const counters = { publicCalls: 0, repeats: 0 };
	let nextFailure: Job['failure'] = null;

	const spent = (did: string) =>
		written.filter((entry) => entry.did === did && entry.at > sessions.seconds - writes.windowSeconds).reduce((sum, { points }) => sum + points, 0);
	const uploadedToday = (did: string) => uploads.filter((entry) => entry.did === did && entry.at > sessions.seconds - 86_400).length;

	emulator.step('limits', 'get', '/xrpc/app.bsky.video.getUploadLimits', (call) => {
		sessions.at(call, 'video');
		const { did, emailConfirmed = true } = sessions.trusted(call, sessions.didOf('video'), 'app.bsky.video.getUploadLimits');
		const left = videosPerDay - uploadedToday(did);
		if (!emailConfirmed) return sessions.ok({ canUpload: false, error: 'unconfirmed_email', message: 'Please verify your email address before uploading videos' });
		return sessions.ok({ canUpload: left > 0, remainingDailyVideos: left, remainingDailyBytes: left * 1_000_000_000, ...(left > 0 ? {} : { message: 'User has exceeded daily upload videos limit' }) });
	});

	/** Takes a body in while it arrives. */
	async function store(call: StreamCall, owner: string, mime: string, maxBytes: number): Promise<StoredBlob> {
		const length = Number(call.headers['content-length'] ?? invalid('Content-Length is required'));
		const hash = createHash('sha256');
		const kept: Buffer[] = [];
		let size = 0;
		for await (const chunk of call.chunks) {
			size += chunk.length;
			hash.update(chunk);
			if (!discard) kept.push(chunk);
		}
		if (size !== length) invalid('the body is shorter than its Content-Length');
		if (size === 0) invalid('the file is empty');
		if (size > maxBytes) refuse(413, 'PayloadTooLarge', 'request entity too large');
		const digest = hash.digest();
		return { cid: blobCid(digest), owner, mime, size, sha256: digest.toString('hex'), bytes: Buffer.concat(kept), alt: null };
	}

	emulator.stream('upload', 'post', '/xrpc/app.bsky.video.uploadVideo', async (call) => {
		sessions.at(call, 'video');
		const account = sessions.trusted(call, sessions.didOf('pds'), 'com.atproto.repo.uploadBlob');
		fields(call.query, ['did', 'name']);
		if (call.query['did'] !== account.did) refuse(403, 'Forbidden', 'the token is of somebody else');
		if (call.headers['content-type'] !== 'video/mp4') invalid(`Wrong request encoding (Content-Type): ${call.headers['content-type']}`);
		const refused = (error: string, message: string) => new Refusal({ status: 400, body: { jobId: '', did: account.did, state: 'JOB_STATE_FAILED', error, message } });
		if (account.emailConfirmed === false) throw refused('unconfirmed_email', 'Account must have a verified email to upload videos');
		if (uploadedToday(account.did) >= videosPerDay) throw refused('daily_limit_exceeded', 'User has exceeded daily upload videos limit');
		const blob = await store(call, account.did, 'video/mp4', maxVideoBytes);
		const known = [...jobs.values()].find((job) => job.did === account.did && job.blob.sha256 === blob.sha256 && !job.failure);
		if (known) return { status: 409, body: { ...statusOf(known), error: 'already_exists', message: 'Video already processed' } };
		uploads.push({ did: account.did, at: sessions.seconds });
		// What the service makes of it has another id.
		const made = { ...blob, cid: blobCid(createHash('sha256').update(`made of ${blob.sha256}`).digest()) };
		const job: Job = { id: `d${randomBytes(9).toString('hex')}`, did: account.did, blob: made, pollsLeft: processingPolls, failure: nextFailure, tokenExpires: account.expires };
		nextFailure = null;
		jobs.set(job.id, job);
		const body = statusOf(job);
		return sessions.ok(uploadAnswer === 'wrapped' ? { jobStatus: body } : body);
	});

	const blobRef = (blob: Blob) => ({ $type: 'blob', ref: { $link: blob.cid }, mimeType: blob.mime, size: blob.size });
	function statusOf(job: Job) {
		const base = { jobId: job.id, did: job.did };
		if (job.pollsLeft > 0) return { ...base, state: job.pollsLeft === processingPolls ? 'JOB_STATE_CREATED' : 'JOB_STATE_ENCODING', progress: 50 };
		if (job.failure) return { ...base, state: 'JOB_STATE_FAILED', failureCode: job.failure.code, error: job.failure.error, message: job.failure.message };
		if (job.tokenExpires <= sessions.seconds && !blobs.has(job.blob.cid)) return { ...base, state: 'JOB_STATE_FAILED', failureCode: 'pds_upload_failure', error: 'pds_upload_failure', message: 'the token has expired' };
		blobs.set(job.blob.cid, job.blob);
		return { ...base, state: 'JOB_STATE_COMPLETED', progress: 100, blob: blobRef(job.blob) };
	}

	emulator.step('job', 'get', '/xrpc/app.bsky.video.getJobStatus', (call) => {
		sessions.at(call, 'video');
		fields(call.query, ['jobId']);
		const job = jobs.get(call.query['jobId']!) ?? invalid('job not found');
		if (job.pollsLeft > 0) job.pollsLeft -= 1;
		return sessions.ok({ jobStatus: statusOf(job) });
	});

	emulator.stream('blob', 'post', '/xrpc/com.atproto.repo.uploadBlob', async (call) => {
		sessions.at(call, 'pds');
		const { account } = sessions.authorised(call);
		const mime = call.headers['content-type'] ?? invalid('Request encoding (Content-Type) required but not provided');
		const blob = await store(call, account.did, mime, maxBlobBytes);
		blobs.set(blob.cid, blob);
		return sessions.ok({ blob: blobRef(blob) });
	});

	emulator.step('create', 'post', '/xrpc/com.atproto.repo.putRecord', (call) => {
		sessions.at(call, 'pds');
		const { account } = sessions.authorised(call);
		const { repo, collection, rkey, record, swapRecord } = json(call, ['repo', 'collection', 'rkey', 'record'], ['validate', 'swapRecord', 'swapCommit']);
		if (account.status === 'deactivated') refuse(401, 'AccountDeactivated', 'Account is deactivated');
		if (repo !== account.did && repo !== account.handle) refuse(401, 'AuthenticationRequired', 'Authentication Required');
		if (collection !== COLLECTION) return invalid(`Unknown lexicon type: ${String(collection)}`);
		if (typeof rkey !== 'string' || !TID.test(rkey)) return invalid('Invalid record key for app.bsky.feed.post');
		if (typeof record !== 'object' || record === null) return invalid('Input/record must be an object');
		const uri = `at://${account.did}/${collection}/${rkey}`;
		const cid = recordCid(record);
		const current = records.get(uri);
		if (current?.cid === cid) {
			counters.repeats += 1;
			return sessions.ok({ uri, cid, validationStatus: 'valid' });
		}
		counters.publicCalls += 1;
		const used = spent(account.did);
		if (used + 2 > writes.points) refuse(429, 'RateLimitExceeded', 'Rate Limit Exceeded', sessions.rate(writes.points, used, writes.windowSeconds));
		written.push({ did: account.did, at: sessions.seconds, points: 2 });
		const post = read(record as Record<string, unknown>, account.did);
		// The real server would take it, and nobody would ever see it in the thread.
		for (const ref of Object.values(post.reply ?? {})) if (![...records.values()].some((row) => `${row.uri} ${row.cid}` === ref)) invalid(`a reply to what is not there: ${ref}`);
		if (current && swapRecord !== undefined && swapRecord !== current.cid) invalid(`Record was at ${current.cid}`, 'InvalidSwap');
		if (!current && typeof swapRecord === 'string') invalid('Record was at null', 'InvalidSwap');
		records.set(uri, { uri, cid, value: record as Record<string, unknown> });
		const known = posts.findIndex(({ id }) => id === uri);
		posts.splice(known < 0 ? posts.length : known, known < 0 ? 0 : 1, {
			...post,
			id: uri,
			cid,
			author: account.handle,
			media: post.media.map(({ blob, alt, aspectRatio }) => ({ sha256: blobs.get(blob.cid)!.sha256, mime: blob.mime, alt, aspectRatio })),
			captionTexts: post.captions.map(({ blob }) => blobs.get(blob.cid)!.bytes.toString('utf8')),
			permalink: `${hosts.entryway}/profile/${account.handle}/post/${rkey}`,
			at: new Date(emulator.now()),
		});
		return sessions.ok({ uri, cid, commit: { cid: recordCid({ uri, cid }), rev: rkey }, validationStatus: 'valid' }, sessions.rate(writes.points, used + 2, writes.windowSeconds));
	});

	function read(record: Record<string, unknown>, did: string): ReadPost {
		try {
			const blob = (cid: string) => (blobs.get(cid)?.owner === did ? blobs.get(cid) : undefined);
			return readPost(record, { blob, knowsDid: (known) => accounts.some((account) => account.did === known), maxVideoBytes });
		} catch (error) {
			if (error instanceof BadRecord) return invalid(error.message, error.error);
			throw error;
		}
	}

	emulator.step('record', 'get', '/xrpc/com.atproto.repo.getRecord', (call) => {
		sessions.at(call, 'pds');
		fields(call.query, ['repo', 'collection', 'rkey'], ['cid']);
		const { repo, collection, rkey } = call.query;
		const did = accounts.find((account) => account.did === repo || account.handle === repo)?.did;
		const uri = `at://${did}/${collection}/${rkey}`;
		return sessions.ok(records.get(uri) ?? invalid(`Could not locate record: ${uri}`, 'RecordNotFound'));
	});

	emulator.step('resolve', 'get', '/xrpc/com.atproto.identity.resolveHandle', (call) => {
		sessions.at(call, 'pds', 'entryway');
		fields(call.query, ['handle']);
		if (!/^[a-z0-9-]+(\.[a-z0-9-]+)+$/i.test(call.query['handle']!)) invalid('Params/handle must be a valid handle');
		const account = accounts.find(({ handle }) => handle === call.query['handle']!.toLowerCase()) ?? invalid('Unable to resolve handle');
		return sessions.ok({ did: account.did });
	});

	emulator.step('posts', 'get', '/xrpc/app.bsky.feed.getPosts', (call) => {
		sessions.at(call, 'pds');
		sessions.authorised(call);
		const uris = new URL(call.url, hosts.pds).searchParams.getAll('uris');
		if (uris.length === 0 || uris.length > 25) invalid('Params/uris must have 1 to 25 elements');
		const found = uris.flatMap((uri) => {
			const row = records.get(uri);
			const post = posts.find(({ id }) => id === uri);
			return row && post ? [{ uri, cid: row.cid, author: { handle: post.author }, record: row.value, indexedAt: post.at.toISOString(), ...NUMBERS, ...numbers.get(uri) }] : [];
		});
		return sessions.ok({ posts: found });
	});

	emulator.step('delete', 'post', '/xrpc/com.atproto.repo.deleteRecord', (call) => {
		sessions.at(call, 'pds');
		const { account } = sessions.authorised(call);
		const { collection, rkey } = json(call, ['repo', 'collection', 'rkey'], ['swapRecord', 'swapCommit']);
		const uri = `at://${account.did}/${String(collection)}/${String(rkey)}`;
		// Deleting what is not there succeeds, too.
		records.delete(uri);
		const index = posts.findIndex(({ id }) => id === uri);
		if (index >= 0) posts.splice(index, 1);
		return sessions.ok({});
	});

	const mediaOf = (sha256: string): StoredMedia | undefined => [...blobs.values()].find((blob) => blob.sha256 === sha256);
	const shown = () => posts.map((post) => ({ ...post, media: post.media.map(({ sha256, mime, alt }) => ({ url: `/emulator/media/${sha256}`, mime, alt })) }));
	emulator.show('Bluesky', shown, mediaOf);
	emulator.app.get('/profile/:name/post/:rkey', (request, response) => {
		const post = posts.find(({ permalink }) => permalink.endsWith(request.path));
		response.redirect(`/#${post?.id ?? ''}`);
	});
	hosts.entryway = await emulator.listen(options.port);
	hosts.pds = options.oneHost ? hosts.entryway : await emulator.alsoListen();
	hosts.video = options.oneHost ? hosts.entryway : await emulator.alsoListen();

	return {
		/** The entryway: what a credential names. */
		url: hosts.entryway,
		/** The account's own server, known only from its DID document. */
		pdsUrl: hosts.pds,
		videoUrl: hosts.video,
		/** Public posts, oldest first. */
		posts,
		/** Every record by its at:// address. */
		records,
		calls: emulator.calls,
		/** Calls to put a record that the server read and that changed something, or would have. */
		get publicCalls() {
			return counters.publicCalls;
		},
		/** Calls that put the same record again: no change. */
		get repeats() {
			return counters.repeats;
		},
		/** Calls that came to the wrong host. */
		get misdirected() {
			return sessions.misdirected;
		},
		count: (step: string) => emulator.count(step),
		fail: emulator.fail.bind(emulator),
		hold: emulator.hold.bind(emulator),
		/** Every step that `fail` and `hold` know. */
		steps: ['session', 'refresh', 'me', 'serviceAuth', 'limits', 'upload', 'job', 'blob', 'create', 'record', 'resolve', 'posts', 'delete'] as const,
		/** The user deletes an app password: access tokens live on, nothing can be refreshed. */
		revoke: (password: string) => {
			for (const account of accounts) account.appPasswords = account.appPasswords.filter((known) => known !== password);
		},
		setToken: (password: string, did = accounts[0]!.did) => accounts.find((account) => account.did === did)!.appPasswords.push(password),
		/** Every access token has run out. */
		expireTokens: () => sessions.expire(),
		accounts,
		/** Files that no record names are removed. */
		forgetMedia: () => {
			const used = JSON.stringify([...records.values()]);
			for (const cid of blobs.keys()) if (!used.includes(cid)) blobs.delete(cid);
			for (const [id, job] of jobs) if (!used.includes(job.blob.cid)) jobs.delete(id);
		},
		/** The next video cannot be processed. */
		failProcessing: (code = 'encoding_failure', message = 'the video could not be read') => (nextFailure = { code, error: code, message }),
		/** Sets what people did with a post. */
		engage: (id: string, given: Partial<typeof NUMBERS>) => numbers.set(id, given),
		close: () => emulator.close(),
	};
}

export type BlueskyEmulator = Awaited<ReturnType<typeof startBlueskyEmulator>>;
