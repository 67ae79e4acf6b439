import { Emulator, jsonObject, Refusal, sha256, type Answer, type Call, type EmulatorOptions, type StoredMedia } from './emulator.ts';
import { analyticsProblem, pinProblem, type MediaSource, type PinFields } from './pinterestRules.ts';
import { streamForm } from './streamForm.ts';

export interface PinterestAccount {
	id: string;
	username: string;
	scopes: string[];
	/** Trial apps may read, but create nothing (platforms.md 8.1). Default standard. */
	access?: 'trial' | 'standard';
}

export interface PinterestEmulatorOptions extends EmulatorOptions {
	/** Default: `pinterest-token` with every scope that publishing needs. */
	tokens?: Record<string, PinterestAccount>;
	/** How often an uploaded video is still `processing`. Default 2. */
	processingPolls?: number;
	/** How long the form of an upload is valid. Default 3600. */
	uploadLifeSeconds?: number;
	/** Hash uploaded videos and drop them. */
	discard?: boolean;
}

export interface PinterestBoard {
	id: string;
	name: string;
	owner: string;
	privacy: 'PUBLIC' | 'PROTECTED' | 'SECRET';
}

interface Media extends StoredMedia {
	id: string;
	owner: string;
	/** What its form must repeat. */
	parameters: Record<string, string>;
	formValidUntil: number;
	status: 'registered' | 'processing' | 'succeeded' | 'failed';
	pollsLeft: number;
	fails: boolean;
}

export interface PinterestPost {
	id: string;
	author: string;
	/** The description. */
	text: string;
	title: string;
	link: string;
	boardId: string;
	boardSectionId: string | null;
	sourceType: MediaSource['source_type'];
	media: Array<StoredMedia & { id: string; title: string; link: string }>;
	/** Of a video: a picture, or a second of it. */
	cover: { sha256: string } | { url: string } | { seconds: number } | null;
	metrics: Record<string, number>;
	permalink: string;
	at: Date;
}

export const PINTEREST_SCOPES = ['boards:read', 'boards:write', 'pins:read', 'pins:write', 'user_accounts:read'];
/** 8.4 (third party). */
const MAX_VIDEO_BYTES = 2e9;
/** platforms.md 8.3: JSON with pictures of 20 MB each in it. */
const MAX_IMAGE_BYTES = 20e6;

/** A strict Pinterest v5 with its upload bucket on loopback (platforms.md 8): refuses what the real one refuses, counts what is public. */
export async function startPinterestEmulator(options: PinterestEmulatorOptions = {}) {
	const emulator = new Emulator(options);
	const tokens = new Map(Object.entries(options.tokens ?? { 'pinterest-token': { id: '549755885175000001', username: 'demo', scopes: PINTEREST_SCOPES } }));
	const boards: PinterestBoard[] = [
		{ id: '549755813888000001', name: 'Ideas', owner: 'demo', privacy: 'PUBLIC' },
		{ id: '549755813888000002', name: 'Videos', owner: 'demo', privacy: 'PUBLIC' },
	];
	const media = new Map<string, Media>();
	const posts: PinterestPost[] = [];
	const counters = { publicCalls: 0 };
	const { processingPolls = 2, uploadLifeSeconds = 3600, discard = false } = options;
	/** 19 digits: a double cannot hold them. */
	let lastId = 1_040_190_845_164_935_001n;
	let failNextProcessing = false;
	let base = '';
	const nextId = () => String((lastId += 3n));

	// Seen on real answers: several windows in one header, and a reset that counts seconds.
	const rateHeaders = { 'X-RateLimit-Limit': '100, 100;w=1, 1000;w=60', 'X-RateLimit-Remaining': '99', 'X-RateLimit-Reset': '1' };
	const ok = (body: unknown, status = 200): Answer => ({ status, headers: rateHeaders, body });
	const refuse = (status: number, code: number, message: string): never => {
		throw new Refusal({ status, headers: rateHeaders, body: { code, message } });
	};
	const invalid = (reason: string) => refuse(400, 1, `Invalid request: ${reason}`);

	function account(call: Pick<Call, 'headers'>, ...scopes: string[]): PinterestAccount {
		const token = /^Bearer (.+)$/.exec(call.headers['authorization'] ?? '')?.[1];
		const found = token === undefined ? undefined : tokens.get(token);
		if (!found) return refuse(401, 2, 'Authentication failed.');
		if (scopes.some((scope) => !found.scopes.includes(scope))) {
			refuse(401, 3, 'Your token does not have sufficient permissions to perform this operation. Please ensure your token is authorized with the correct set of scopes.');
		}
		return found;
	}
	const sees = (reader: PinterestAccount, board: PinterestBoard | undefined): board is PinterestBoard =>
		board !== undefined && board.owner === reader.username && (board.privacy !== 'SECRET' || reader.scopes.includes('boards:read_secret'));
	function boardOf(reader: PinterestAccount, id: string | undefined): PinterestBoard {
		const found = boards.find((board) => board.id === id);
		return sees(reader, found) ? found : refuse(404, 40, 'Board not found.');
	}
	function pinOf(reader: PinterestAccount, id: string | undefined): PinterestPost {
		if (!/^\d+$/.test(id ?? '')) invalid(`'${id}' does not match '^\\\\d+$'`);
		return posts.find((post) => post.id === id && post.author === reader.username) ?? refuse(404, 50, 'Pin not found.');
	}
	/** One page of a list; refuses parameters that the list does not have. */
	function pageOf<T>(call: Call, all: readonly T[], allowed: readonly string[] = []): { items: T[]; bookmark: string | null } {
		const unknown = Object.keys(call.query).find((name) => !['page_size', 'bookmark', ...allowed].includes(name));
		if (unknown) invalid(`unknown parameter ${unknown}`);
		const size = Number(call.query['page_size'] ?? 25);
		if (!Number.isInteger(size) || size < 1 || size > 250) invalid('page_size must be 1 to 250');
		const bookmark = call.query['bookmark'];
		const offset = bookmark === undefined ? 0 : Number(Buffer.from(bookmark, 'base64').toString('utf8'));
		if (!Number.isInteger(offset)) invalid('bookmark is invalid');
		const next = offset + size < all.length ? Buffer.from(String(offset + size)).toString('base64') : null;
		return { items: all.slice(offset, offset + size), bookmark: next };
	}

	emulator.step('me', 'get', '/v5/user_account', (call) => {
		const { id, username } = account(call, 'user_accounts:read');
		return ok({ id, username, account_type: 'BUSINESS', profile_image: '', website_url: '', board_count: boards.length, pin_count: posts.length });
	});

	emulator.step('boards', 'get', '/v5/boards', (call) => {
		const reader = account(call, 'boards:read');
		const page = pageOf(call, boards.filter((board) => sees(reader, board)), ['privacy']);
		return ok({ ...page, items: page.items.map(({ id, name, owner, privacy }) => ({ id, name, privacy, description: '', owner: { username: owner }, created_at: '2026-01-01T00:00:00' })) });
	});

	emulator.step('register', 'post', '/v5/media', (call) => {
		const owner = account(call, 'pins:read', 'pins:write');
		const body = jsonObject(call) ?? invalid('the body is not a JSON object');
		if (Object.keys(body).join() !== 'media_type' || body['media_type'] !== 'video') return invalid("media_type must be 'video'");
		const id = nextId();
		const parameters = {
			'x-amz-date': '20261121T100000Z',
			'x-amz-signature': sha256(Buffer.from(id)),
			'x-amz-security-token': `token-${id}`,
			'x-amz-algorithm': 'AWS4-HMAC-SHA256',
			key: `uploads/11/aa/22/3:video:${owner.id}:${id}`,
			policy: Buffer.from(`{"id":"${id}"}`).toString('base64'),
			'x-amz-credential': 'ASIA/20261121/us-east-1/s3/aws4_request',
			'Content-Type': 'multipart/form-data',
		};
		const formValidUntil = emulator.now() + uploadLifeSeconds * 1000;
		media.set(id, { id, owner: owner.id, parameters, formValidUntil, status: 'registered', pollsLeft: 0, fails: failNextProcessing, mime: 'video/mp4', bytes: Buffer.alloc(0), sha256: '', alt: null });
		failNextProcessing = false;
		return ok({ media_id: id, media_type: 'video', upload_url: `${base}/upload-bucket/`, upload_parameters: parameters }, 201);
	});

	/** The bucket is another service: it knows no tokens, and its errors are XML. */
	const bucketRefuses = (status: number, code: string, message: string): never => {
		throw new Refusal({ status, headers: { 'content-type': 'application/xml' }, body: `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>` });
	};

	emulator.stream('bucket', 'post', '/upload-bucket/', async (call) => {
		if (call.headers['authorization'] !== undefined) bucketRefuses(400, 'InvalidArgument', 'Only one auth mechanism allowed');
		if (!/^\d+$/.test(call.headers['content-length'] ?? '')) bucketRefuses(411, 'MissingContentLength', 'You must provide the Content-Length HTTP header.');
		const parts = (await streamForm(call, discard)) ?? bucketRefuses(400, 'MalformedPOSTRequest', 'The body of your POST request is not well-formed multipart/form-data.');
		const file = parts.at(-1);
		if (!file || file.name !== 'file') return bucketRefuses(400, 'InvalidArgument', 'POST requires exactly one file upload per request, as the last field.');
		const fields = Object.fromEntries(parts.slice(0, -1).map((part) => [part.name, part.data.toString('utf8')]));
		const entry = [...media.values()].find(({ parameters }) => parameters.key === fields['key']);
		const given = Object.entries(entry?.parameters ?? {});
		if (!entry || parts.length !== given.length + 1 || given.some(([name, value]) => fields[name] !== value)) {
			return bucketRefuses(403, 'SignatureDoesNotMatch', 'The request signature we calculated does not match the signature you provided.');
		}
		if (emulator.now() >= entry.formValidUntil) bucketRefuses(403, 'AccessDenied', 'Invalid according to Policy: Policy expired.');
		if (file.size === 0 || file.size > MAX_VIDEO_BYTES) bucketRefuses(400, 'EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size');
		if (entry.status === 'registered') Object.assign(entry, { status: 'processing', pollsLeft: processingPolls, bytes: file.data, sha256: file.sha256 });
		return { status: 204, headers: { etag: `"${file.sha256.slice(0, 32)}"` } };
	});

	emulator.step('media', 'get', '/v5/media/:id', (call) => {
		const owner = account(call, 'pins:read');
		const entry = media.get(call.params['id'] ?? '');
		if (!entry || entry.owner !== owner.id) return refuse(404, 404, 'Media upload not found.');
		if (entry.status === 'processing') {
			if (entry.pollsLeft === 0) entry.status = entry.fails ? 'failed' : 'succeeded';
			entry.pollsLeft -= 1;
		}
		return ok({ media_id: entry.id, media_type: 'video', status: entry.status });
	});

	emulator.step('create', 'post', '/v5/pins', (call) => {
		const author = account(call, 'boards:read', 'boards:write', 'pins:read', 'pins:write');
		if (author.access === 'trial') {
			refuse(403, 29, 'Apps with Trial access may not create Pins in production https://api.pinterest.com - use API Sandbox https://api-sandbox.pinterest.com instead.');
		}
		counters.publicCalls += 1;
		const body = jsonObject(call) ?? invalid('the body is not a JSON object');
		const problem = pinProblem(body);
		if (problem) return invalid(problem);
		const fields = body as unknown as PinFields;
		const board = boardOf(author, fields.board_id);
		if (board.privacy === 'SECRET' && !author.scopes.includes('pins:write_secret')) return refuse(403, 3, 'You are not permitted to access that resource.');
		const id = nextId();
		const source = fields.media_source;
		const { title, description, link, alt_text: alt } = fields;
		posts.push({
			id,
			author: author.username,
			text: description ?? '',
			title: title ?? '',
			link: link ?? '',
			boardId: board.id,
			boardSectionId: fields.board_section_id ?? null,
			sourceType: source.source_type,
			media: attached(author, source).map((entry, index) => ({ ...entry, id: `${id}-${index}`, alt: alt ?? null })),
			cover: coverOf(source),
			metrics: {},
			permalink: `${base}/pin/${id}/`,
			at: new Date(emulator.now()),
		});
		return ok(pinJson(posts.at(-1)!), 201);
	});

	function attached(owner: PinterestAccount, source: MediaSource): Array<StoredMedia & { title: string; link: string }> {
		if (source.source_type === 'video_id') {
			const entry = media.get(source.media_id);
			if (!entry || entry.owner !== owner.id) return refuse(404, 404, 'Media upload not found.');
			if (entry.status !== 'succeeded') return invalid(`media ${entry.id} is not ready: ${entry.status}`);
			return [{ mime: entry.mime, bytes: entry.bytes, sha256: entry.sha256, alt: null, title: '', link: '' }];
		}
		const items = 'items' in source ? source.items : [source];
		return items.map((item) => {
			const { title = '', link = '' } = item as { title?: string; link?: string };
			// A picture that is fetched: what it is like is not known here.
			if ('url' in item) return { mime: 'image/jpeg', bytes: Buffer.alloc(0), sha256: sha256(Buffer.from(item.url)), alt: null, title, link };
			const bytes = Buffer.from(item.data, 'base64');
			if (bytes.length > MAX_IMAGE_BYTES) return invalid('the image is too large');
			return { mime: item.content_type, bytes, sha256: sha256(bytes), alt: null, title, link };
		});
	}

	function coverOf(source: MediaSource): PinterestPost['cover'] {
		if (source.source_type !== 'video_id') return null;
		if (source.cover_image_url !== undefined) return { url: source.cover_image_url };
		if (source.cover_image_data !== undefined) return { sha256: sha256(Buffer.from(source.cover_image_data, 'base64')) };
		return { seconds: source.cover_image_key_frame_time ?? 0 };
	}

	const MEDIA_TYPES: Record<MediaSource['source_type'], string> = {
		image_base64: 'image', image_url: 'image', video_id: 'video', multiple_image_base64: 'multiple_images', multiple_image_urls: 'multiple_images',
	};
	const pinJson = (pin: PinterestPost) => ({
		id: pin.id,
		// Without a zone, as the real one writes it: UTC.
		created_at: pin.at.toISOString().slice(0, 19),
		link: pin.link || null,
		title: pin.title || null,
		description: pin.text || null,
		alt_text: pin.media[0]?.alt ?? null,
		board_id: pin.boardId,
		board_section_id: pin.boardSectionId,
		board_owner: { username: pin.author },
		creative_type: pin.sourceType === 'video_id' ? 'VIDEO' : pin.media.length > 1 ? 'CAROUSEL' : 'REGULAR',
		is_owner: true,
		parent_pin_id: null,
		media: { media_type: MEDIA_TYPES[pin.sourceType] },
	});

	emulator.step('boardPins', 'get', '/v5/boards/:id/pins', (call) => {
		const reader = account(call, 'boards:read', 'pins:read');
		const board = boardOf(reader, call.params['id']);
		// What is in a section is in the list of the section alone: not documented, and the case in which a pin is overlooked.
		const page = pageOf(call, posts.filter((post) => post.boardId === board.id && post.boardSectionId === null).toReversed());
		return ok({ ...page, items: page.items.map(pinJson) });
	});

	emulator.step('sectionPins', 'get', '/v5/boards/:id/sections/:section/pins', (call) => {
		const reader = account(call, 'boards:read', 'pins:read');
		const board = boardOf(reader, call.params['id']);
		const page = pageOf(call, posts.filter((post) => post.boardId === board.id && post.boardSectionId === call.params['section']).toReversed());
		return ok({ ...page, items: page.items.map(pinJson) });
	});

	emulator.step('pin', 'get', '/v5/pins/:id', (call) => {
		const pin = pinOf(account(call, 'boards:read', 'pins:read'), call.params['id']);
		const unknown = Object.keys(call.query).find((name) => name !== 'pin_metrics');
		if (unknown) invalid(`unknown parameter ${unknown}`);
		const { IMPRESSION = 0, PIN_CLICK = 0, OUTBOUND_CLICK = 0, TOTAL_REACTIONS = 0, TOTAL_COMMENTS = 0 } = pin.metrics;
		const recent = { impression: IMPRESSION, pin_click: PIN_CLICK, clickthrough: OUTBOUND_CLICK };
		const metrics = { '90d': recent, lifetime_metrics: { ...recent, reaction: TOTAL_REACTIONS, comment: TOTAL_COMMENTS } };
		return ok({ ...pinJson(pin), ...(call.query['pin_metrics'] === 'true' ? { pin_metrics: metrics } : {}) });
	});

	emulator.step('delete', 'delete', '/v5/pins/:id', (call) => {
		const pin = pinOf(account(call, 'boards:read', 'boards:write', 'pins:read', 'pins:write'), call.params['id']);
		posts.splice(posts.indexOf(pin), 1);
		return { status: 204, headers: rateHeaders };
	});

	emulator.step('analytics', 'get', '/v5/pins/:id/analytics', (call) => {
		const pin = pinOf(account(call, 'boards:read', 'pins:read'), call.params['id']);
		const wanted = (call.query['metric_types'] ?? '').split(',');
		const problem = analyticsProblem(call.query, pin.sourceType === 'video_id', emulator.now());
		if (problem) return refuse(400, 400, `Invalid pins analytics parameters. ${problem}`);
		const numbers = (lifetime: boolean) => Object.fromEntries(wanted.filter((name) => name.startsWith('TOTAL_') === lifetime).map((name) => [name, pin.metrics[name] ?? 0]));
		return ok({ all: { summary_metrics: numbers(false), lifetime_metrics: numbers(true), daily_metrics: [] } });
	});

	const shown = () =>
		posts.map((post) => ({
			...post,
			text: [post.title, post.text, post.link].filter(Boolean).join('\n'),
			media: post.media.map(({ id, mime, alt }) => ({ url: `/emulator/media/${id}`, mime, alt })),
		}));
	emulator.show('Pinterest', shown, (id) => posts.flatMap((post) => post.media).find((entry) => entry.id === id));
	emulator.app.get('/pin/:id/', (request, response) => response.redirect(`/#${request.params.id}`));
	base = await emulator.listen(options.port);

	return {
		url: base,
		/** The API's base, with its version. */
		apiUrl: `${base}/v5`,
		/** Public pins, oldest first. */
		posts,
		boards,
		calls: emulator.calls,
		/** Calls to create a pin that came from an account that may, whatever their answer. */
		get publicCalls() {
			return counters.publicCalls;
		},
		count: (step: string) => emulator.count(step),
		fail: emulator.fail.bind(emulator),
		hold: emulator.hold.bind(emulator),
		/** Every step that `fail` and `hold` know. */
		steps: ['me', 'boards', 'register', 'bucket', 'media', 'create', 'boardPins', 'sectionPins', 'pin', 'delete', 'analytics'] as const,
		revoke: (token: string) => tokens.delete(token),
		setToken: (token: string, entry: PinterestAccount) => tokens.set(token, entry),
		/** Every upload is gone. */
		forgetMedia: () => media.clear(),
		/** Processing of the next video fails. */
		failProcessing: () => (failNextProcessing = true),
		/** Numbers of a pin, by the names of the analytics. */
		setMetrics: (id: string, metrics: Record<string, number>) => Object.assign(posts.find((post) => post.id === id)?.metrics ?? {}, metrics),
		close: () => emulator.close(),
	};
}

export type PinterestEmulator = Awaited<ReturnType<typeof startPinterestEmulator>>;
