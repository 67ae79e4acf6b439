import type { Random } from './random.ts';
import { placesIn, replaced, valueFor, without, type JsonSchema } from './schema.ts';
import type { Sent } from './send.ts';
import { HOSTILE_NUMBERS, HOSTILE_SEGMENTS, HOSTILE_SHAPES, HOSTILE_TEXTS, Raw, write } from './values.ts';

/** One endpoint as the document of the API describes it. */
export interface Endpoint {
	method: string;
	/** With `{names}`. */
	template: string;
	inPath: string[];
	inQuery: string[];
	body: { schema: JsonSchema; example?: unknown } | null;
	/** Needs no key. */
	open: boolean;
	/** Made for people: its errors are pages, too. */
	page: boolean;
}

interface Described {
	parameters?: Array<{ name: string; in: string }>;
	requestBody?: { content: Record<string, { schema: JsonSchema; example?: unknown }> };
	security?: unknown[];
	responses?: Record<string, { content?: Record<string, unknown> }>;
}

const METHODS = ['get', 'post', 'put', 'patch', 'delete', 'head', 'options'];

export function endpointsOf(document: { paths: Record<string, Record<string, Described>> }): Endpoint[] {
	return Object.entries(document.paths).flatMap(([template, methods]) =>
		Object.entries(methods)
			.filter(([method]) => METHODS.includes(method))
			.map(([method, { parameters = [], requestBody, security, responses = {} }]) => ({
				method: method.toUpperCase(),
				template,
				inPath: [...template.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string),
				inQuery: parameters.filter((one) => one.in === 'query').map(({ name }) => name),
				body: requestBody?.content['application/json'] ?? null,
				open: security?.length === 0,
				page: Object.values(responses).some(({ content }) => content !== undefined && 'text/html' in content),
			})),
	);
}

export interface Known {
	apiKey: string;
	/** Ids of things that exist. */
	ids: readonly string[];
}

const MALFORMED_KEYS = ['', 'Bearer', 'Bearer ', 'Bearer  x', `Bearer ${'x'.repeat(5000)}`, 'Basic YTpi', 'Bearer \u00ff\u00fe', "Bearer ' or 1=1 --", 'Bearer __proto__', 'Bearer a,b', 'bearer\tx'];
const TYPES = ['', 'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', 'application/json; charset=utf-16', 'application/json; charset=nonsense', 'application/json; charset="', 'application/xml', '*/*', 'a'.repeat(300), 'application/json, text/html'];
const HEADERS: Array<Record<string, string>> = [
	{ 'idempotency-key': '' },
	{ 'idempotency-key': 'k'.repeat(300) },
	{ 'idempotency-key': '\u00e9\u00ff' },
	{ 'idempotency-key': '__proto__' },
	{ range: 'bytes=-1-2,5-,0-99999999999999999999' },
	{ range: `bytes=${'0-0,'.repeat(1000)}` },
	{ 'if-none-match': '"', 'if-range': 'nonsense', 'if-modified-since': 'never' },
	{ 'last-event-id': '-1' },
	{ 'last-event-id': '9'.repeat(40) },
	{ accept: 'application/xml;q=nonsense', 'accept-language': '*'.repeat(500) },
	{ 'x-forwarded-for': '\u00ff, ../../x', 'x-forwarded-host': 'evil.invalid', 'x-forwarded-proto': 'gopher', forwarded: 'for=;;' },
	{ 'x-http-method-override': 'DELETE' },
	{ origin: 'null', 'access-control-request-method': 'DELETE' },
	{ 'upload-length': '-1', 'upload-offset': '1e9', 'upload-metadata': 'filename !!!', 'tus-resumable': '9.9.9', 'upload-concat': 'final;x' },
	{ cookie: 'a=b; '.repeat(200), expect: '200-maybe' },
];
/** Bodies that are no JSON. */
const BODIES: ReadonlyArray<string | Buffer> = ['', '{', '{"a":', '[', 'nul', "{'a':1}", '{"a":1}{"b":2}', '\u0000', '\ufeff{}', Buffer.from([0xff, 0xfe, 0x7b, 0x7d]), Buffer.concat([Buffer.from('{"metadata":{"a":"'), Buffer.from([0xc3, 0x28, 0xed, 0xa0, 0x80]), Buffer.from('"}}')]), Buffer.from('{}', 'utf16le'), '{"a":"\\ud800"}', '{"a":"\\u0000"}', '"text"', '1', 'true', 'null', '[]', '{}', '{"__proto__":{"polluted":true}}', '{"constructor":{"prototype":{"polluted":true}}}'];

/** Requests to one endpoint: every place of it wrong in some way, about `effort` of each kind. */
export function* requestsTo(endpoint: Endpoint, random: Random, { apiKey, ids }: Known, effort: number): Generator<Sent> {
	const key = { authorization: `Bearer ${apiKey}` };
	const json = { ...key, 'content-type': 'application/json' };
	const path = (change: Record<string, string> = {}, query = '') => endpoint.template.replace(/\{(\w+)\}/g, (_, name: string) => change[name] ?? random.pick(ids)) + query;
	const base = endpoint.body ? baseOf(endpoint.body, random, ids) : undefined;
	const well = (): Sent => ({ method: endpoint.method, path: path(), headers: base === undefined ? key : json, ...(base === undefined ? {} : { body: write(base) }) });

	yield well();
	const { authorization: _, ...unknown } = well().headers;
	yield { ...well(), headers: unknown };
	for (const authorization of random.some(MALFORMED_KEYS, effort)) yield { ...well(), headers: { ...unknown, authorization } };
	for (const headers of random.some(HEADERS, effort)) yield { ...well(), headers: { ...well().headers, ...headers } };
	for (const name of endpoint.inPath) {
		for (const segment of random.some(HOSTILE_SEGMENTS, effort * 4)) yield { ...well(), path: path({ [name]: segment }) };
	}
	for (const name of endpoint.inQuery) {
		for (const text of random.some(HOSTILE_TEXTS, effort * 3)) yield { ...well(), path: path({}, `?${name}=${escaped(text).slice(0, 12_000)}`) };
		yield { ...well(), path: path({}, `?${name}=${random.pick(HOSTILE_SEGMENTS)}`) };
		yield { ...well(), path: path({}, random.pick([`?${name}=1&${name}=2`, `?${name}[]=1`, `?${name}[a]=1`, `?${name}`, `?${name}[__proto__]=1`])) };
	}
	yield { ...well(), path: path({}, random.pick([`?${'a=1&'.repeat(2000)}`, '?__proto__=1&constructor=2', '?%00=%00', '?=&&&=', '?%ff=%zz', `?${'x'.repeat(5000)}`, '?#'])) };
	if (base !== undefined) yield* bodies(endpoint, base, random, ids, effort, well, json);
	else if (endpoint.method !== 'GET') yield { ...well(), headers: json, body: write(random.pick(HOSTILE_SHAPES)) };
}

function* bodies(endpoint: Endpoint, base: unknown, random: Random, ids: readonly string[], effort: number, well: () => Sent, json: Record<string, string>): Generator<Sent> {
	const another = baseOf({ schema: endpoint.body?.schema ?? {} }, random, ids);
	for (const body of random.some(BODIES, effort * 2)) yield { ...well(), body };
	for (const type of random.some(TYPES, effort)) yield { ...well(), headers: { ...json, 'content-type': type } };
	yield { ...well(), headers: { ...json, 'content-encoding': random.pick(['gzip', 'br', 'deflate', 'nonsense', 'gzip, gzip']) } };
	for (const shape of random.some(HOSTILE_SHAPES, effort * 2)) yield { ...well(), body: write(shape) };
	for (const whole of [base, another]) {
		const places = placesIn(whole).filter(({ length }) => length > 0);
		for (const place of random.some(places, effort * 3)) yield { ...well(), body: write(without(whole, place)) };
		for (const place of random.some(places, effort * 8)) {
			const hostile = random.pick<readonly unknown[]>([HOSTILE_TEXTS, HOSTILE_TEXTS, HOSTILE_NUMBERS, HOSTILE_SHAPES]);
			yield { ...well(), body: write(replaced(whole, place, random.pick(hostile))) };
		}
	}
	const twice = write(base).replace(/^\{("[^"]+":(?:"[^"]*"|\d+|true|false|null))/, '{$1,$1');
	yield { ...well(), body: twice };
	yield { ...well(), body: write({ ...(base as object), [random.pick(['extra', '__defineGetter__', 'a\0', '\ud800', '', 'x'.repeat(5000)])]: random.pick([...HOSTILE_SHAPES, ...HOSTILE_TEXTS]) }) };
	yield { ...well(), body: write(new Raw(`{"__proto__":${write(base)}}`)) };
}

const baseOf = ({ schema, example }: { schema: JsonSchema; example?: unknown }, random: Random, ids: readonly string[]): unknown => {
	const value = valueFor(schema, random, ids);
	return typeof example === 'object' && example !== null ? { ...(typeof value === 'object' ? value : {}), ...example } : value;
};

/** encodeURIComponent refuses halves of surrogate pairs; they go over the line as the three bytes they would be. */
const escaped = (text: string): string => [...text].map((letter) => (/\p{Surrogate}/u.test(letter) ? '%ed%a0%80' : encodeURIComponent(letter))).join('');
