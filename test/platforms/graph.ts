import { createHash } from 'node:crypto';
import { formParts, jsonObject, Refusal, type Answer, type Call, type Emulator, type Part } from './emulator.ts';

/** Whose token it is: a user, a page, an Instagram account. */
export interface GraphAccount {
	id: string;
	username: string;
	scopes: string[];
	/** Accepted no more: 190/463. */
	expired?: boolean;
}

export interface GraphErrorFacts {
	message: string;
	code: number;
	subcode?: number;
	/** Default 400: Graph answers nearly everything with it. */
	status?: number;
	type?: string;
	transient?: boolean;
	userTitle?: string;
	userMessage?: string;
	/** `error_data`: the offsets that were expected (platforms.md 6.3). */
	data?: object;
	headers?: Record<string, string>;
}

/** Graph's error envelope (platforms.md 6.5), also for `fail`. */
export function graphError({
	message,
	code,
	subcode,
	status = 400,
	type = 'OAuthException',
	transient = false,
	userTitle,
	userMessage,
	data,
	headers,
}: GraphErrorFacts): Answer {
	return {
		status,
		...(headers ? { headers } : {}),
		body: {
			error: {
				message,
				type,
				code,
				...(subcode === undefined ? {} : { error_subcode: subcode }),
				is_transient: transient,
				...(userTitle === undefined ? {} : { error_user_title: userTitle }),
				...(userMessage === undefined ? {} : { error_user_msg: userMessage }),
				...(data === undefined ? {} : { error_data: data }),
				fbtrace_id: 'AbCdEfGhIjKlMnOpQrStUvW',
			},
		},
	};
}

export function refuseGraph(facts: GraphErrorFacts): never {
	throw new Refusal(graphError(facts));
}

/** A throttle as Graph tells it: a code in the body, minutes in a header. For `fail`. */
export const graphThrottle = (accountId: string, code: number, minutes: number, status = 400): Answer =>
	graphError({
		message: `(#${code}) There have been too many calls`,
		code,
		status,
		headers: { 'X-Business-Use-Case-Usage': businessUsage(accountId, 100, minutes) },
	});

const businessUsage = (accountId: string, percent: number, minutes: number): string =>
	JSON.stringify({ [accountId]: [{ type: 'instagram', call_count: percent, total_cputime: 5, total_time: 7, estimated_time_to_regain_access: minutes }] });

/** A request with a valid token, known parameters, and the scopes that the step needs. */
export interface GraphRequest<A extends GraphAccount> {
	account: A;
	/** Of the path. */
	params: Record<string, string>;
	/** Of query and body together. Texts, except in a JSON body. */
	values: Record<string, unknown>;
	/** Of a multipart body. */
	files: Part[];
	headers: Record<string, string | undefined>;
}

export interface GraphRules {
	scopes?: readonly string[];
	/** Others are refused. `fields` needs no mention where the method is GET. */
	parameters?: readonly string[];
	/** Names of multipart fields that carry files. */
	files?: readonly string[];
	/** Whether a call with these values can make something public: it is counted then, whatever its answer. */
	makesPublic?: (values: Record<string, unknown>) => boolean;
}

export interface GraphOptions<A extends GraphAccount> {
	tokens: Record<string, A>;
	/** Accepted ones. */
	versions: readonly string[];
	/** First id. 17 digits and more: a double cannot hold them. */
	firstId?: bigint;
	/** Before the version in every path: stands for one of several hosts. Default: none. */
	base?: string;
}

/**
 * What Meta's APIs have in common (platforms.md 5 to 7): versions in the path, tokens with scopes, parameters as a form or as
 * JSON, the error envelope, usage headers, paging, selection of fields. Stricter than the real one in that it refuses
 * unknown parameters, and tokens in the address.
 */
export class Graph<A extends GraphAccount> {
	readonly tokens: Map<string, A>;
	/** Percent, sent with every answer as X-App-Usage. */
	readonly usage = { call_count: 3, total_time: 2, total_cputime: 1 };
	publicCalls = 0;
	readonly #emulator: Emulator;
	readonly #versions: readonly string[];
	readonly #base: string;
	#lastId: bigint;

	constructor(emulator: Emulator, { tokens, versions, firstId = 17_841_405_822_304_914n, base = '' }: GraphOptions<A>) {
		this.#base = base;
		this.#emulator = emulator;
		this.#versions = versions;
		this.#lastId = firstId;
		this.tokens = new Map(Object.entries(tokens));
	}

	nextId(): string {
		return String((this.#lastId += 11n));
	}

	/** The account of the token, sent as Bearer or OAuth. */
	authenticate(headers: Call['headers'], ...schemes: string[]): A {
		const allowed = schemes.length > 0 ? schemes : ['Bearer', 'OAuth'];
		const [, scheme = '', token = ''] = /^(\w+) (\S+)$/.exec(headers['authorization'] ?? '') ?? [];
		if (!allowed.includes(scheme)) return refuseGraph({ message: 'An access token is required to request this resource.', code: 104 });
		const account = this.tokens.get(token);
		if (!account) return refuseGraph({ message: 'Invalid OAuth access token - Cannot parse access token', code: 190 });
		if (account.expired)
			return refuseGraph({ message: 'Error validating access token: Session has expired on Saturday, 21-Nov-26 10:00:00 PST.', code: 190, subcode: 463 });
		return account;
	}

	need(account: A, ...scopes: string[]): void {
		const missing = scopes.find((scope) => !account.scopes.includes(scope));
		if (missing) refuseGraph({ message: `(#10) Application does not have permission for this action (${missing})`, code: 10, status: 403 });
	}

	/**
	 * Registers `/{version}{path}`, where `:id` is a part of the path and `:id<17\d+>` one of this form; or a path as a whole with the
	 * groups `version` and `id`. What the handler answers is sent as JSON, with the usage headers.
	 */
	step(
		step: string,
		method: 'get' | 'post' | 'delete',
		path: string | RegExp,
		rules: GraphRules,
		handler: (request: GraphRequest<A>) => object | Promise<object>,
	): void {
		this.#emulator.step(step, method, typeof path === 'string' ? pattern(`${this.#base}/:version${path}`) : path, async (call) => {
			if (!this.#versions.includes(call.params['version'] ?? '')) refuseGraph({ message: `Unknown path components: /${call.params['version']}`, code: 2500 });
			if ('access_token' in call.query) refuseGraph({ message: 'This stand-in takes no tokens in addresses: they end up in logs', code: 1 });
			const account = this.authenticate(call.headers);
			this.need(account, ...(rules.scopes ?? []));
			const { values, files } = parameters(call, method);
			if (rules.makesPublic?.(values)) this.publicCalls += 1;
			const known = [...(rules.parameters ?? []), ...(method === 'get' ? ['fields'] : [])];
			const unknown = Object.keys(values).find((name) => !known.includes(name)) ?? files.find((file) => !rules.files?.includes(file.name))?.name;
			if (unknown !== undefined) refuseGraph({ message: `(#100) Param ${unknown} is not known here`, code: 100 });
			const body = await handler({ account, params: call.params, values, files, headers: call.headers });
			return {
				status: 200,
				headers: { 'X-App-Usage': JSON.stringify(this.usage), 'X-Business-Use-Case-Usage': businessUsage(account.id, this.usage.call_count, 0) },
				body,
			};
		});
	}

	/**
	 * Registers a host of resumable uploads (platforms.md 5.2, 6.2): `path` has `:version` and `:id`. Bytes are kept as they
	 * arrive, so that an upload can go on behind them.
	 */
	resumable(step: string, path: string, find: (account: A, id: string) => ResumableFile | null, done: (file: ResumableFile) => void): void {
		this.#emulator.stream(step, 'post', pattern(path), async ({ params, headers, chunks }) => {
			const problem = (type: string, message: string, retriable: boolean): never => {
				throw new Refusal({ status: 400, body: { debug_info: { retriable, type, message } } });
			};
			let account: A;
			try {
				account = this.authenticate(headers, 'OAuth');
			} catch {
				return problem('NotAuthorizedError', 'User not authorized to perform this request', false);
			}
			const file = find(account, params['id'] ?? '');
			if (!file) return problem('NotFoundError', 'Unknown upload', false);
			const [offset, size] = [headers['offset'], headers['file_size']];
			if (!/^\d+$/.test(offset ?? '') || !/^[1-9]\d*$/.test(size ?? '')) problem('RequestError', 'The headers offset and file_size are needed', false);
			if (file.size !== null && file.size !== Number(size)) problem('RequestError', 'file_size differs from the first request', false);
			if (Number(offset) !== file.received) problem('OffsetInvalidError', `Request starting offset is invalid: ${file.received} is next`, true);
			file.size = Number(size);
			for await (const chunk of chunks) file.take(chunk);
			if (file.received > file.size) problem('RequestError', 'More bytes than file_size', false);
			if (file.received < file.size) problem('PartialRequestError', `Partial request (did not match length of file): ${file.received} of ${file.size}`, true);
			done(file);
			return { status: 200, body: { success: true, message: 'Upload successful.' } };
		});
	}

	/** `fields=a,b{c},d.limit(2)`: of the node only those, and always the id. */
	pick(values: Record<string, unknown>, node: Record<string, unknown> & { id: string }): Record<string, unknown> {
		const wanted = fieldNames(values['fields']);
		const unknown = wanted.find((name) => !(name in node));
		if (unknown) refuseGraph({ message: `(#100) Tried accessing nonexisting field (${unknown})`, code: 100 });
		return Object.fromEntries(
			Object.entries(node).filter(([name, value]) => (name === 'id' || wanted.includes(name)) && value !== undefined && value !== null),
		);
	}

	/** A list as Graph gives it: `limit` and `after` of the values, cursors in `paging`. */
	page<T>(values: Record<string, unknown>, items: readonly T[], show: (item: T) => object, defaultLimit = 25): object {
		const limit = values['limit'] === undefined ? defaultLimit : Number(values['limit']);
		if (!(limit >= 1 && limit <= 100)) refuseGraph({ message: '(#100) limit must be 1 to 100', code: 100 });
		const start = values['after'] === undefined ? 0 : Number(Buffer.from(String(values['after']), 'base64url').toString());
		if (!Number.isInteger(start) || start < 0) refuseGraph({ message: '(#100) Invalid cursor', code: 100 });
		const cursor = (at: number) => Buffer.from(String(at)).toString('base64url');
		const end = start + limit;
		const more = end < items.length ? { next: 'https://graph.invalid/next' } : {};
		return { data: items.slice(start, end).map(show), paging: { cursors: { before: cursor(start), after: cursor(end) }, ...more } };
	}
}

const pattern = (path: string): RegExp => {
	const literal = path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/<[^>]*>/g, (form) => form.replace(/\\(.)/g, '$1'));
	return new RegExp(`^${literal.replace(/:(\w+)(?:<([^>]*)>)?/g, (_, name: string, form?: string) => `(?<${name}>${form ?? '[^/]+'})`)}$`);
};

/** Bytes that arrive in pieces, hashed; kept only where they are to be shown. */
export class ResumableFile {
	readonly id: string;
	/** Null until the first request says it. */
	size: number | null = null;
	received = 0;
	readonly #keep: boolean;
	readonly #hash = createHash('sha256');
	readonly #chunks: Buffer[] = [];

	constructor(id: string, keep: boolean) {
		this.id = id;
		this.#keep = keep;
	}

	take(chunk: Buffer): void {
		this.received += chunk.length;
		this.#hash.update(chunk);
		if (this.#keep) this.#chunks.push(Buffer.from(chunk));
	}

	get bytes(): Buffer {
		return Buffer.concat(this.#chunks);
	}

	get sha256(): string {
		return this.#hash.copy().digest('hex');
	}
}

function parameters(call: Call, method: 'get' | 'post' | 'delete'): { values: Record<string, unknown>; files: Part[] } {
	if (method === 'get') return { values: call.query, files: [] };
	const type = call.headers['content-type'] ?? '';
	if (call.body.length === 0) return { values: call.query, files: [] };
	if (type.startsWith('application/x-www-form-urlencoded'))
		return { values: { ...call.query, ...Object.fromEntries(new URLSearchParams(call.body.toString('utf8'))) }, files: [] };
	if (type.startsWith('multipart/form-data')) {
		const parts = formParts(call) ?? refuseGraph({ message: '(#100) The form is malformed', code: 100 });
		const texts = parts.filter((part) => part.fileName === null).map((part) => [part.name, part.data.toString('utf8')] as const);
		return { values: { ...call.query, ...Object.fromEntries(texts) }, files: parts.filter((part) => part.fileName !== null) };
	}
	const json = jsonObject(call) ?? refuseGraph({ message: `(#100) A body of the type "${type}" is not understood`, code: 100 });
	return { values: { ...call.query, ...json }, files: [] };
}

const fieldNames = (fields: unknown): string[] => {
	let flat = typeof fields === 'string' ? fields : '';
	// Innermost first: a{b{c}} becomes a.
	while (/\{[^{}]*\}/.test(flat)) flat = flat.replace(/\{[^{}]*\}/g, '');
	return flat
		.split(',')
		.map((name) => name.replace(/\..*$/, '').trim())
		.filter(Boolean);
};

/** The text of a parameter; null where it is not given. */
export function textValue(values: Record<string, unknown>, name: string): string | null {
	const value = values[name];
	if (value === undefined) return null;
	return typeof value === 'string' && value !== '' ? value : refuseGraph({ message: `(#100) Param ${name} must be a string`, code: 100 });
}

/** `true` of a form or of JSON; false where it is not given. */
export function flagValue(values: Record<string, unknown>, name: string): boolean {
	const value = values[name];
	if (value === undefined) return false;
	return (
		value === true ||
		value === 'true' ||
		(value === false || value === 'false' ? false : refuseGraph({ message: `(#100) Param ${name} must be a boolean`, code: 100 }))
	);
}

/** Several ids: an array of JSON, such an array as text, or separated by commas. */
export function listValue(values: Record<string, unknown>, name: string): unknown[] | null {
	const value = values[name];
	if (value === undefined) return null;
	if (Array.isArray(value)) return value;
	if (typeof value !== 'string') return refuseGraph({ message: `(#100) Param ${name} must be an array.`, code: 100 });
	if (!value.startsWith('[')) return value.split(',');
	try {
		return JSON.parse(value) as unknown[];
	} catch {
		return refuseGraph({ message: `(#100) Param ${name} must be an array.`, code: 100 });
	}
}

export interface Fetched {
	mime: string;
	size: number;
	sha256: string;
	/** Empty where they are not kept. */
	bytes: Buffer;
}

/**
 * Fetches what the platform is to publish, as its crawler does: https (http only from this machine), ASCII addresses, no
 * redirects, an answer 200 that is complete. What the first bytes say counts more than the header.
 * @returns what was wrong, as a text
 */
export async function fetchPublic(url: string, { maxBytes, keep }: { maxBytes: number; keep: boolean }): Promise<Fetched | string> {
	if (!/^[\x21-\x7e]+$/.test(url)) return 'the address has characters beyond ASCII';
	const parsed = URL.canParse(url) ? new URL(url) : null;
	if (!parsed || !(parsed.protocol === 'https:' || (parsed.protocol === 'http:' && parsed.hostname === '127.0.0.1')))
		return 'the address is not a public https address';
	try {
		const response = await fetch(parsed, { redirect: 'manual', headers: { 'user-agent': 'facebookexternalhit/1.1' }, signal: AbortSignal.timeout(20_000) });
		if (response.status !== 200 || !response.body) return `the server of the address answers ${response.status}`;
		const hash = createHash('sha256');
		const chunks: Buffer[] = [];
		let [size, head] = [0, Buffer.alloc(0)];
		for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
			size += chunk.length;
			if (size > maxBytes) return `the file is over ${maxBytes} bytes`;
			hash.update(chunk);
			if (head.length < 16) head = Buffer.concat([head, chunk]).subarray(0, 16);
			if (keep) chunks.push(Buffer.from(chunk));
		}
		if (size === 0) return 'the file is empty';
		const mime = sniff(head) ?? (response.headers.get('content-type') ?? '').split(';')[0]!.trim();
		return { mime, size, sha256: hash.digest('hex'), bytes: Buffer.concat(chunks) };
	} catch (error) {
		return `the address could not be fetched: ${String(error)}`;
	}
}

/** The type that the first bytes prove; null where they prove none. */
function sniff(head: Buffer): string | null {
	if (head.subarray(0, 3).equals(Buffer.from([0xff, 0xd8, 0xff]))) return 'image/jpeg';
	if (head.subarray(0, 8).equals(Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]))) return 'image/png';
	if (head.subarray(0, 4).toString('latin1') === 'GIF8') return 'image/gif';
	if (head.subarray(0, 4).toString('latin1') === 'RIFF' && head.subarray(8, 12).toString('latin1') === 'WEBP') return 'image/webp';
	return null;
}
