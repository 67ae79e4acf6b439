import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { page, type ShownPost } from './page.ts';

/** What a step answers. */
export interface Answer {
	status: number;
	headers?: Record<string, string>;
	/** Sent as JSON; a text as it is (HTML, unless `headers` say otherwise), bytes as they are; undefined: an empty body. */
	body?: unknown;
	/** The connection breaks after so many bytes of the body. */
	cutAfter?: number | undefined;
}

/** Thrown by a step that refuses a request. */
export class Refusal extends Error {
	readonly answer: Answer;
	constructor(answer: Answer) {
		super(`refused: ${JSON.stringify(answer)}`);
		this.answer = answer;
	}
}

/** A request as a step sees it: its body is complete. */
export interface Call {
	params: Record<string, string>;
	/** Names that are given once; `url` has those that are given several times. */
	query: Record<string, string>;
	/** Path and query. */
	url: string;
	headers: Record<string, string | undefined>;
	body: Buffer;
}

/** A request whose body is still on its way. */
export interface StreamCall extends Omit<Call, 'body'> {
	chunks: AsyncIterable<Buffer>;
}

type Method = 'get' | 'head' | 'post' | 'put' | 'patch' | 'delete';

/**
 * What goes wrong at a step. before: the platform never sees the request. during: the connection breaks while the body is
 * under way. after: the request has its effect, its answer does not arrive (or another one does).
 */
export interface Failure {
	when: 'before' | 'during' | 'after';
	answer: 'drop' | Answer;
	/** Requests to the step that go well before. */
	skip?: number;
	/** Default 1. */
	times?: number;
}

/** A request that is stopped on its way, so that a test can do something at exactly this point. */
export interface Hold {
	reached: Promise<void>;
	release(): void;
}

export interface StoredMedia {
	mime: string;
	bytes: Buffer;
	sha256: string;
	alt: string | null;
}

type Scripted = { skip: number; times: number } & (
	| { kind: 'failure'; failure: Failure }
	| { kind: 'hold'; when: 'before' | 'after'; reached(): void; released: Promise<void> }
);

export interface EmulatorOptions {
	/** Default 0: any free one. */
	port?: number;
	/** Milliseconds since 1970. */
	now?: () => number;
}

/** The part that every emulator shares: a real server, a script of failures, a page that shows what was published. */
export class Emulator {
	readonly app = express();
	/** Every request that arrived, in order. */
	readonly calls: Array<{ step: string; status: number | 'dropped' | 'held' }> = [];
	readonly now: () => number;
	readonly #script = new Map<string, Scripted[]>();
	readonly #servers: Array<ReturnType<typeof this.app.listen>> = [];

	constructor({ now = Date.now }: EmulatorOptions) {
		this.now = now;
		this.app.disable('x-powered-by');
	}

	/** Lets something go wrong at the next request (or after `skip` ones) to a step. */
	fail(step: string, failure: Failure): void {
		this.#add(step, { kind: 'failure', failure, skip: failure.skip ?? 0, times: failure.times ?? 1 });
	}

	/** Stops the next request (after `skip` ones) before or after its effect, without an answer, until released. */
	hold(step: string, when: 'before' | 'after', skip = 0): Hold {
		const reached = deferred();
		const released = deferred();
		this.#add(step, { kind: 'hold', when, reached: () => reached.resolve(), released: released.promise, skip, times: 1 });
		return { reached: reached.promise, release: () => released.resolve() };
	}

	count(step: string): number {
		return this.calls.filter((call) => call.step === step).length;
	}

	/** Registers a step. Its handler runs when the whole body has arrived, and takes effect at once. */
	step(step: string, method: Method, path: string | RegExp, handler: (call: Call) => Answer | Promise<Answer>): void {
		this.app[method](path, (request, response) =>
			this.#serve(step, request, response, async (call, failure) => {
				if (failure?.when === 'during') {
					await Promise.race([once(request, 'data'), once(request, 'end')]);
					return null;
				}
				const body = await readAll(request);
				if (!body) return null;
				return instead(failure) ?? handler({ ...call, body });
			}),
		);
	}

	/**
	 * Registers a step with a large body: its handler takes the bytes in while they arrive, and what it took in stays when the
	 * connection breaks (`during`: after the first piece). The iteration throws then. `applies`: requests of other headers go to
	 * the step that is registered next for the path.
	 */
	stream(step: string, method: Method, path: string | RegExp, handler: (call: StreamCall) => Promise<Answer>, applies = (_headers: Call['headers']) => true): void {
		this.app[method](path, (request, response, next) => {
			if (!applies(strings(request.headers))) return next();
			return this.#serve(step, request, response, async (call, failure) => {
				const early = instead(failure);
				if (early) return (await readAll(request)) && early;
				try {
					return await handler({ ...call, chunks: failure?.when === 'during' ? firstOf(request) : (request as AsyncIterable<Buffer>) });
				} catch (error) {
					if (error instanceof Refusal || (!request.destroyed && !(error instanceof Broken))) throw error;
					return null;
				}
			});
		});
	}

	/** One request, with what the script wants. `run` answers null when the connection broke. */
	async #serve(
		step: string,
		request: express.Request,
		response: express.Response,
		run: (call: Omit<Call, 'body'>, failure: Failure | null) => Promise<Answer | null>,
	): Promise<void> {
		// Kept: a request that is given up halfway lets go of it.
		const { socket } = request;
		const scripted = this.#take(step);
		const drop = () => {
			this.calls.push({ step, status: 'dropped' });
			socket.destroy();
		};
		const held = async (when: 'before' | 'after') => {
			if (scripted?.kind !== 'hold' || scripted.when !== when) return;
			this.calls.push({ step, status: 'held' });
			scripted.reached();
			await scripted.released;
		};
		const failure = scripted?.kind === 'failure' ? scripted.failure : null;
		if (failure?.when === 'before' && failure.answer === 'drop') return drop();
		await held('before');
		if (socket.destroyed) return;
		let answer: Answer;
		try {
			const given = await run({ params: strings(request.params), query: strings(request.query), url: request.originalUrl, headers: strings(request.headers) }, failure);
			if (!given) return drop();
			answer = given;
		} catch (error) {
			answer = error instanceof Refusal ? error.answer : { status: 500, body: { error: String(error) } };
		}
		if (failure?.when === 'after') {
			if (failure.answer === 'drop') return drop();
			answer = failure.answer;
		}
		await held('after');
		if (socket.destroyed) return;
		this.calls.push({ step, status: answer.status });
		// By the clock of the emulator, as everything else that it tells.
		response.set('date', new Date(this.now()).toUTCString()).status(answer.status).set(answer.headers ?? {});
		if (answer.body === undefined) response.end();
		else if (Buffer.isBuffer(answer.body)) sendBytes(response, answer.body, answer.cutAfter);
		else if (typeof answer.body === 'string') response.send(answer.body);
		else response.json(answer.body);
	}

	/** The page of published posts, and their media. */
	show(title: string, posts: () => ShownPost[], media: (id: string) => StoredMedia | undefined): void {
		this.app.get('/', (_request, response) => void response.type('html').send(page(title, posts())));
		this.app.get('/emulator/posts', (_request, response) => void response.json(posts()));
		this.app.get('/emulator/media/:id', (request, response) => {
			const found = media(request.params.id);
			if (!found) return void response.status(404).end();
			const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
			response.type(found.mime).set('accept-ranges', 'bytes');
			if (!range) return void response.send(found.bytes);
			const start = Number(range[1]);
			const end = range[2] ? Math.min(Number(range[2]), found.bytes.length - 1) : found.bytes.length - 1;
			if (start > end) return void response.status(416).set('content-range', `bytes */${found.bytes.length}`).end();
			response.status(206).set('content-range', `bytes ${start}-${end}/${found.bytes.length}`).send(found.bytes.subarray(start, end + 1));
		});
	}

	/** Listens on loopback; answers the base URL. Every path that no step knows is refused. */
	async listen(port = 0): Promise<string> {
		this.app.use((request, response) => {
			this.calls.push({ step: `unknown ${request.method} ${request.path}`, status: 404 });
			response.status(404).json({ title: 'Not Found', status: 404, error: 'Not Found' });
		});
		return this.alsoListen(port);
	}

	/** A further host of the same platform: the same steps at another port. Which one was meant is seen in the header `host`. */
	async alsoListen(port = 0): Promise<string> {
		const server = this.app.listen(port, '127.0.0.1');
		this.#servers.push(server);
		await once(server, 'listening');
		return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	}

	async close(): Promise<void> {
		const closed = this.#servers.map((server) => once(server, 'close'));
		for (const server of this.#servers.splice(0)) {
			server.close();
			server.closeAllConnections();
		}
		await Promise.all(closed);
	}

	#add(step: string, scripted: Scripted): void {
		this.#script.set(step, [...(this.#script.get(step) ?? []), scripted]);
	}

	#take(step: string): Scripted | null {
		const queue = this.#script.get(step);
		const next = queue?.[0];
		if (!queue || !next) return null;
		if (next.skip > 0) {
			next.skip -= 1;
			return null;
		}
		next.times -= 1;
		if (next.times === 0) queue.shift();
		return next;
	}
}

function sendBytes(response: express.Response, bytes: Buffer, cutAfter = Infinity): void {
	response.set('content-length', String(bytes.length));
	if (bytes.length <= cutAfter) return void response.end(bytes);
	response.write(bytes.subarray(0, cutAfter), () => response.socket?.destroy());
}

function deferred(): { promise: Promise<void>; resolve(): void } {
	let resolve = () => {};
	const promise = new Promise<void>((done) => (resolve = done));
	return { promise, resolve };
}

class Broken extends Error {}

/** The first piece of a body; then the connection is broken. */
async function* firstOf(request: express.Request): AsyncIterable<Buffer> {
	for await (const chunk of request as AsyncIterable<Buffer>) {
		yield chunk;
		break;
	}
	throw new Broken();
}

/** What a failure answers in place of the step. */
const instead = (failure: Failure | null): Answer | null => (failure?.when === 'before' && failure.answer !== 'drop' ? failure.answer : null);

/** Null when the connection broke before the end. */
async function readAll(request: express.Request): Promise<Buffer | null> {
	const chunks: Buffer[] = [];
	try {
		for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
	} catch {
		return null;
	}
	return Buffer.concat(chunks);
}

function strings(record: object): Record<string, string> {
	return Object.fromEntries(Object.entries(record).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** The body as a JSON object; null when it is not one, or not labelled as one. */
export function jsonObject({ headers, body }: Call): Record<string, unknown> | null {
	if (!headers['content-type']?.startsWith('application/json')) return null;
	try {
		const value: unknown = JSON.parse(body.toString('utf8'));
		return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
	} catch {
		return null;
	}
}

export interface Part {
	name: string;
	fileName: string | null;
	mime: string | null;
	data: Buffer;
}

/** The fields of a form; null when it is not a well-formed one. */
export function formParts({ headers, body }: Call): Part[] | null {
	const boundary = /^multipart\/form-data;\s*boundary="?([^";]+)"?$/.exec(headers['content-type'] ?? '')?.[1];
	if (!boundary) return null;
	const delimiter = Buffer.from(`--${boundary}`);
	const parts: Part[] = [];
	let at = body.indexOf(delimiter);
	if (at !== 0) return null;
	for (;;) {
		const start = at + delimiter.length;
		const mark = body.subarray(start, start + 2).toString('latin1');
		if (mark === '--') return parts;
		const headEnd = body.indexOf('\r\n\r\n', start);
		const next = body.indexOf(Buffer.concat([Buffer.from('\r\n'), delimiter]), start);
		if (mark !== '\r\n' || headEnd < 0 || next < 0) return null;
		const head = body.subarray(start + 2, headEnd).toString('utf8');
		const name = /\bname="([^"]*)"/.exec(head)?.[1];
		if (name === undefined) return null;
		parts.push({
			name,
			fileName: /\bfilename="([^"]*)"/.exec(head)?.[1] ?? null,
			mime: /^content-type:\s*(\S+)/im.exec(head)?.[1] ?? null,
			data: body.subarray(headEnd + 4, next),
		});
		at = next + 2;
	}
}
