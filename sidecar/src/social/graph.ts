import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import { ask, type TypedAnswer, type TypedRequest } from './call.ts';
import { judgeGraph, readGraphError } from './graph/errors.ts';
import { parseAnswer, type Http } from './http.ts';
import { isRecord } from './outcome.ts';
import type { AccountRun } from './platform.ts';

/** Newest version is v26.0; v25.0 ends in July 2028 (platforms.md 5.1). */
export const GRAPH_VERSION = 'v25.0';

/** Part of many permission hints (platforms.md 5.1). */
export const UNREVIEWED = 'An app that has not passed App Review works only for people with a role in it.';

/** An id as Graph gives it. It goes into paths: nothing that would lead elsewhere. */
export const graphId = z
	.union([z.string(), z.number()])
	.transform(String)
	.pipe(z.string().regex(/^[\w-]{1,100}$/));

export interface GraphOptions {
	http: Http;
	/** https://graph.facebook.com */
	baseUrl: string;
	/** `v25.0`. Default: GRAPH_VERSION. */
	version?: string;
	/** What the user does about a missing permission, a whole sentence. */
	permissionHint: string;
}

export type GraphValue = string | number | boolean | readonly unknown[] | Record<string, unknown> | null | undefined;

export interface GraphCall<T> extends Pick<TypedRequest<T>, 'action' | 'effect' | 'schema' | 'timeoutSeconds' | 'headers' | 'body' | 'scheme'> {
	method: 'GET' | 'POST' | 'DELETE';
	/** Behind the version: `/me`; or a whole address that Graph has given. */
	path: string;
	/** Go into the address of GET and DELETE, into a form otherwise. What is null or undefined is left out; lists and objects become JSON. */
	values?: Record<string, GraphValue>;
	/** Default: that of the run. */
	token?: string;
	/** Judges before Graph's own codes are looked at. */
	judge?: TypedRequest<T>['judge'];
}

/** Meta's Graph, as Instagram, Facebook and Threads speak it (platforms.md 5 to 7). */
export interface Graph {
	call<T>(run: AccountRun, call: GraphCall<T>): Promise<TypedAnswer<T>>;
}

/** From this share of what an app or an account may do on, calls are spread out (platforms.md 6.5). */
const SLOW_FROM_PERCENT = 80;
/** Longest pause between calls on account of it. */
const SLOWEST_SECONDS = 30;
/** All calls of an account are counted together. */
const BUCKET = 'graph';

export function createGraph({ http, baseUrl, version = GRAPH_VERSION, permissionHint }: GraphOptions): Graph {
	return {
		async call(run, { path, values = {}, judge, method, token = run.credentials.accessToken, ...request }) {
			const texts = Object.entries(values).flatMap(([name, value]) => (value === null || value === undefined ? [] : [[name, asText(value)] as const]));
			const url = new URL(/^https?:/.test(path) ? path : `${baseUrl.replace(/\/$/, '')}/${version}${path}`);
			const inBody = method === 'POST';
			if (!inBody) for (const [name, text] of texts) url.searchParams.set(name, text);
			let headers: IncomingHttpHeaders = {};
			const answer = await ask(
				http,
				{
					...request,
					method,
					url,
					token,
					secrets: [run.credentials.accessToken],
					bucket: BUCKET,
					...(inBody && !request.body ? { body: { kind: 'urlencoded', fields: Object.fromEntries(texts) } } : {}),
					seen: (_status, seen) => void (headers = seen),
					judge: (status, body) => {
						const special = judge?.(status, body);
						if (special) return special;
						const error = readGraphError(body);
						return error ? judgeGraph(error, { effect: request.effect, status, retryAt: usage(headers, run.now()).retryAt, permissionHint }) : undefined;
					},
				},
				run,
			);
			await slowDown(run, headers);
			return answer;
		},
	};
}

const asText = (value: NonNullable<GraphValue>): string => (typeof value === 'object' ? JSON.stringify(value) : String(value));

/** Spreads calls out when the account or the app comes near to what it may do. */
async function slowDown(run: AccountRun, headers: IncomingHttpHeaders): Promise<void> {
	const now = run.now();
	const { percent, retryAt } = usage(headers, now);
	if (!run.pace || (percent < SLOW_FROM_PERCENT && !retryAt)) return;
	const seconds = (SLOWEST_SECONDS * Math.min(20, Math.max(1, percent - SLOW_FROM_PERCENT))) / 20;
	const until = retryAt ?? new Date(now.getTime() + seconds * 1000);
	// What is known of the limit is a help: that it could not be stored must not lose the answer.
	await run.pace.block(BUCKET, now, until).catch((error: unknown) => run.log.warn({ err: error }, 'a rate limit could not be stored'));
}

/** Nobody is made to wait for longer, whatever an answer says. */
const LONGEST_WAIT_MINUTES = 24 * 60;

export interface GraphUsage {
	/** Of what the app or the account may do, the highest number given. 0: nothing is said. */
	percent: number;
	/** When calls are taken again; null: they are. */
	retryAt: Date | null;
}

/** X-App-Usage, X-Page-Usage, and X-Business-Use-Case-Usage, which also tells minutes (platforms.md 6.5). */
export function usage(headers: IncomingHttpHeaders, now: Date): GraphUsage {
	const parse = (name: string): unknown => {
		const text = headers[name];
		return typeof text === 'string' ? parseAnswer(text) : null;
	};
	const business = parse('x-business-use-case-usage');
	const entries = [parse('x-app-usage'), parse('x-page-usage'), ...(isRecord(business) ? Object.values(business).flat() : [])].filter(isRecord);
	const numbers = (names: readonly string[]): number[] =>
		entries.flatMap((entry) => names.map((name) => entry[name])).filter((value) => typeof value === 'number');
	const minutes = Math.min(LONGEST_WAIT_MINUTES, Math.max(0, ...numbers(['estimated_time_to_regain_access'])));
	return {
		percent: Math.max(0, ...numbers(['call_count', 'total_time', 'total_cputime'])),
		retryAt: minutes > 0 ? new Date(now.getTime() + minutes * 60_000) : null,
	};
}
