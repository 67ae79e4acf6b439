import * as dns from 'node:dns';
import * as http from 'node:http';
import * as https from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import type { Duplex } from 'node:stream';
import { PipelineError } from '../errors.ts';
import { normaliseHost, parseAllowList, whyNotPublic } from './addresses.ts';

export interface GuardOptions {
	/** Entries of ALLOWED_PRIVATE_HOSTS: host, host:port, IP, IP:port, CIDR. */
	allowedPrivateHosts: readonly string[];
	/** Allow plain http:// to public hosts. Default false: https only, allow-listed hosts excepted (requirement O6). */
	allowHttp?: boolean;
	/** The resolver; default the system's (dns.lookup with `all`). */
	resolve?: Resolve;
}

export type Resolve = (host: string) => Promise<dns.LookupAddress[]>;

/**
 * Stands between the sidecar and every URL that came from outside. What decides is the address that is about to be
 * connected to, seen in the agents' own `lookup`: so a redirect, a second DNS answer (rebinding), or a name that points
 * inwards changes nothing. A refused request opens no connection.
 */
export interface Guard {
	/** What can be refused without DNS: scheme, credentials, literal addresses. Throws `invalid_request`, `input_forbidden`. */
	check(url: string | URL): URL;
	/** The same with DNS, for an address that is stored for later: throws also when it has none. Each request to it is checked again. */
	checkAddress(url: string | URL): Promise<URL>;
	/** Agents for node:http and axios. One connection per request: a reused one that the server just closed looks like an unknown outcome. */
	readonly httpAgent: http.Agent;
	readonly httpsAgent: https.Agent;
	/** A guard that allows these hosts, too: those that the operator configured (n8n, the base URL of a provider). */
	withAllowed(hosts: readonly string[], options?: { allowHttp?: boolean }): Guard;
}

/** Throws a plain Error when an entry of the allow-list is not understood: a problem of the configuration. */
export function createGuard(options: GuardOptions): Guard {
	const { allowHttp = false, resolve = resolveAll } = options;
	const allowList = parseAllowList(options.allowedPrivateHosts);

	/** The one decision. Null: go ahead. */
	function refusal(protocol: string, host: string, address: string, port: number): PipelineError | null {
		if (allowList.allows(host, address, port)) return null;
		const why = whyNotPublic(address);
		const name = normaliseHost(host);
		if (why) {
			return forbidden(
				`${name} may not be reached: ${name === address ? 'it' : `its address ${address}`} is ${why}. ` +
					`If this host is yours and meant, add ${name} to ALLOWED_PRIVATE_HOSTS of the sidecar.`,
				{ host: name, reason: why },
			);
		}
		if (protocol === 'http:' && !allowHttp) {
			return forbidden(
				`${name} may only be reached over https://, this URL says http://. Use the https:// URL, or set ALLOW_HTTP=true ` +
					'(or add the host to ALLOWED_PRIVATE_HOSTS) when its content may travel readable.',
				{ host: name, reason: 'plain http' },
			);
		}
		return null;
	}

	const connectOptions = (protocol: string, options: http.ClientRequestArgs) => {
		const host = String(options.host ?? options.hostname ?? 'localhost');
		const port = Number(options.port ?? (protocol === 'https:' ? 443 : 80));
		const literal = isIP(host) ? refusal(protocol, host, host, port) : null;
		const lookup: LookupFunction = (name, { all, family }, done) => {
			resolve(name).then(
				(addresses) => {
					const wanted = addresses.filter(
						(entry) => !family || entry.family === Number(String(family).replace('IPv', '')),
					);
					const first = wanted[0];
					// One refused address refuses the name: which of them gets connected to is not ours to choose.
					const refused = addresses.map((entry) => refusal(protocol, host, entry.address, port)).find(Boolean);
					if (refused) return done(refused, '', 4);
					if (!first) return done(noAddress(name), '', 4);
					return all ? done(null, wanted) : done(null, first.address, first.family);
				},
				(error: NodeJS.ErrnoException) => done(error, '', 4),
			);
		};
		return { literal, options: { ...options, lookup } };
	};

	type Created = (error: Error | null, stream: Duplex) => void;
	const refuse = (error: Error, callback: Created | undefined): undefined => {
		if (!callback) throw error;
		(callback as (error: Error) => void)(error);
	};

	class GuardedHttpAgent extends http.Agent {
		override createConnection(given: http.ClientRequestArgs, callback?: Created): Duplex | null | undefined {
			const { literal, options } = connectOptions('http:', given);
			return literal ? refuse(literal, callback) : super.createConnection(options, callback);
		}
	}
	class GuardedHttpsAgent extends https.Agent {
		override createConnection(given: https.RequestOptions, callback?: Created): Duplex | null | undefined {
			const { literal, options } = connectOptions('https:', given);
			return literal ? refuse(literal, callback) : super.createConnection(options, callback);
		}
	}

	const portOf = (url: URL): number => Number(url.port || (url.protocol === 'https:' ? 443 : 80));
	const check = (given: string | URL): URL => {
		const url = parseUrl(given);
		const host = normaliseHost(url.hostname);
		// The URL parser has already turned 2130706433, 0x7f.1 and 0177.0.0.1 into 127.0.0.1.
		const refused = isIP(host) ? refusal(url.protocol, host, host, portOf(url)) : null;
		if (refused) throw refused;
		return url;
	};
	return {
		httpAgent: new GuardedHttpAgent({ keepAlive: false }),
		httpsAgent: new GuardedHttpsAgent({ keepAlive: false }),
		check,
		async checkAddress(given) {
			const url = check(given);
			const host = normaliseHost(url.hostname);
			if (isIP(host)) return url;
			const addresses = await resolve(host).catch(() => []);
			if (addresses.length === 0) throw new PipelineError('invalid_request', `${host} has no address: the name is wrong, or cannot be looked up from the sidecar.`);
			const refused = addresses.map(({ address }) => refusal(url.protocol, host, address, portOf(url))).find(Boolean);
			if (refused) throw refused;
			return url;
		},
		withAllowed: (hosts, more = {}) =>
			createGuard({
				allowedPrivateHosts: [...options.allowedPrivateHosts, ...hosts],
				allowHttp: more.allowHttp ?? allowHttp,
				resolve,
			}),
	};
}

function parseUrl(given: string | URL): URL {
	const url = URL.canParse(String(given)) ? new URL(String(given)) : null;
	if (!url) {
		throw new PipelineError(
			'invalid_request',
			'This is not a URL. Expected something like https://example.com/video.mp4.',
		);
	}
	if (url.protocol !== 'https:' && url.protocol !== 'http:') {
		throw forbidden(`URLs that begin with ${url.protocol} are not fetched. Use an https:// URL.`, { reason: 'scheme' });
	}
	if (url.username || url.password) {
		throw forbidden(
			`The URL of ${url.hostname} holds a user name or password. Links with credentials are not fetched: use a signed link instead.`,
			{ host: url.hostname, reason: 'credentials' },
		);
	}
	return url;
}

const forbidden = (message: string, details: Record<string, unknown>) =>
	new PipelineError('input_forbidden', message, { details });

const resolveAll: Resolve = (host) => dns.promises.lookup(host, { all: true });

function noAddress(name: string): NodeJS.ErrnoException {
	return Object.assign(new Error(`no address for ${name}`), { code: 'ENOTFOUND' });
}

/** Tells what is wrong with a base URL of the operator: it may be private; all else that the guard asks for holds. */
export function checkBaseUrl(url: string, guard: Guard, complain: (problem: string) => unknown): void {
	try {
		const { host, search, hash } = guard.withAllowed([new URL(url).host]).check(url);
		if (search || hash) complain(`Behind ${host} only a path may stand, e.g. /v1: what follows a ? or # cannot be sent along.`);
	} catch (error) {
		complain(error instanceof Error ? error.message : String(error));
	}
}

/** Host and path: enough to recognise a URL, without the query, where signatures and tokens are. */
export function describeUrl(url: string | URL): string {
	const parsed = URL.canParse(String(url)) ? new URL(String(url)) : null;
	return parsed ? `${parsed.protocol}//${parsed.host}${parsed.pathname}` : 'the URL';
}
