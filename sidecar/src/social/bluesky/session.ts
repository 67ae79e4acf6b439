import { createHash } from 'node:crypto';
import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import { ask, type TypedAnswer, type TypedRequest } from '../call.ts';
import type { Http } from '../http.ts';
import { classify, HttpFailure, isRecord, type Effect, type Judgement } from '../outcome.ts';
import type { AccountRun } from '../platform.ts';

/** Somebody who has signed in. */
export interface Session {
	did: string;
	handle: string;
	/** Origin of the server that has the account's posts. */
	pds: string;
	accessJwt: string;
	refreshJwt: string;
	/** False: deactivated by its owner, or stopped by the server. */
	active: boolean;
	/** How far the server's clock is ahead of ours, milliseconds. */
	aheadMs: number;
}

export type XrpcRequest<T> = Omit<TypedRequest<T>, 'url' | 'token' | 'judge'> & {
	/** Name of the method: `com.atproto.repo.putRecord`. */
	nsid: string;
	query?: Record<string, string> | URLSearchParams;
};

export interface BlueskySessions {
	/** The session of the account: that of an earlier call, or a new one. */
	of(run: AccountRun): Promise<Session>;
	/** A call to the account's own server, with its token; a token that has run out is renewed first. */
	send<T>(run: AccountRun, request: XrpcRequest<T>): Promise<TypedAnswer<T>>;
}

/** Sessions that nobody has used for this long are forgotten: as long as an access token lives. */
const IDLE_MS = 2 * 3_600_000;
/** Names of the errors that a new token puts right (platforms.md 9.1). */
const TOKEN_ERRORS = ['ExpiredToken', 'InvalidToken'];

const didDoc = z.object({ service: z.array(z.object({ id: z.string(), serviceEndpoint: z.string() }).catch({ id: '', serviceEndpoint: '' })).catch([]) });
const sessionAnswer = z.object({
	did: z.string(),
	handle: z.string(),
	accessJwt: z.string(),
	refreshJwt: z.string(),
	active: z.boolean().default(true),
	didDoc: didDoc.optional().catch(undefined),
});

/**
 * Sessions with app passwords. Only so many may be made (30 in 5 minutes, 300 a day: platforms.md 9.1), so each is kept in
 * memory and renewed; several posts at once share one. `http`: both hosts are named by the user, so it goes through the guard.
 */
export function blueskySessions(http: Http): BlueskySessions {
	const kept = new Map<string, { session: Promise<Session>; usedAt: number }>();

	async function of(run: AccountRun): Promise<Session> {
		const now = run.now().getTime();
		for (const [key, { usedAt }] of kept) if (usedAt < now - IDLE_MS) kept.delete(key);
		const key = keyOf(run);
		const entry = kept.get(key);
		if (!entry) return keep(key, now, () => signIn(http, run));
		entry.usedAt = now;
		try {
			return await entry.session;
		} catch (error) {
			// Somebody else's attempt was stopped before there was an answer.
			if (error instanceof HttpFailure || run.signal.aborted) throw error;
			return of(run);
		}
	}

	function keep(key: string, usedAt: number, make: () => Promise<Session>): Promise<Session> {
		const entry = { session: make(), usedAt };
		kept.set(key, entry);
		// A failed one is not kept.
		entry.session.catch(() => forget(key, entry.session));
		return entry.session;
	}

	function forget(key: string, session: Promise<Session>): void {
		if (kept.get(key)?.session === session) kept.delete(key);
	}

	/** Whoever comes first renews it; the others get what came of that. */
	async function renewed(run: AccountRun, old: Session): Promise<Session> {
		const key = keyOf(run);
		const current = kept.get(key);
		const session = await current?.session.catch(() => null);
		if (current && session && session !== old) return session;
		if (current && kept.get(key) !== current) return renewed(run, old);
		return keep(key, run.now().getTime(), () => refresh(http, run, old));
	}

	return {
		of,
		async send(run, request) {
			const session = await of(run);
			try {
				return await xrpc(http, run, session, request);
			} catch (error) {
				if (!(error instanceof HttpFailure)) throw error;
				const current = kept.get(keyOf(run));
				// Not one that somebody else has renewed meanwhile.
				if (error.status === 401 && current && (await current.session.catch(() => null)) === session) forget(keyOf(run), current.session);
				if (!TOKEN_ERRORS.includes(error.platformCode ?? '')) throw error;
				// The call was refused before it had any effect: it may be made again (platforms.md 0.2).
				return xrpc(http, run, await renewed(run, session), request);
			}
		},
	};
}

/** Whoever changes the app password gets another session. */
function keyOf({ credentials }: AccountRun): string {
	const parts = [credentials.baseUrl, credentials.extra['identifier'], credentials.accessToken];
	return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

function xrpc<T>(http: Http, run: AccountRun, session: Session, { nsid, query, ...request }: XrpcRequest<T>): Promise<TypedAnswer<T>> {
	const search = query ? `?${new URLSearchParams(query).toString()}` : '';
	return ask(http, { ...request, url: `${session.pds}/xrpc/${nsid}${search}`, token: session.accessJwt, judge: judgeFor(request.effect) }, run);
}

async function signIn(http: Http, run: AccountRun): Promise<Session> {
	const service = serviceOf(run);
	const identifier = run.credentials.extra['identifier'] ?? '';
	const password = run.credentials.accessToken;
	const { data } = await ask(
		http,
		{
			action: 'sign in',
			effect: 'read',
			method: 'POST',
			url: `${service}/xrpc/com.atproto.server.createSession`,
			token: null,
			secrets: [password],
			body: { kind: 'json', value: { identifier, password } },
			schema: sessionAnswer,
			judge: judgeFor('read'),
		},
		run,
	);
	return sessionOf(data, service, run.now());
}

/** Of an app password that has been deleted nothing can be renewed: signing in again says so. */
async function refresh(http: Http, run: AccountRun, { pds, refreshJwt }: Session): Promise<Session> {
	try {
		const url = `${pds}/xrpc/com.atproto.server.refreshSession`;
		const { data } = await ask(
			http,
			{ action: 'renew the session', effect: 'read', method: 'POST', url, token: refreshJwt, body: { kind: 'empty' }, schema: sessionAnswer, judge: judgeFor('read') },
			run,
		);
		return sessionOf(data, pds, run.now());
	} catch (error) {
		// An answer that was lost leaves no token that works, either.
		if (error instanceof HttpFailure && TOKEN_ERRORS.includes(error.platformCode ?? '')) return signIn(http, run);
		throw error;
	}
}

function serviceOf({ credentials }: AccountRun): string {
	if (credentials.baseUrl) return new URL(credentials.baseUrl).origin;
	throw new PipelineError('invalid_request', 'secrets.base_url is missing: where the account signs in, e.g. https://bsky.social.');
}

export function sessionOf({ didDoc: doc, ...answer }: z.infer<typeof sessionAnswer>, service: string, now: Date): Session {
	// The entryway passes calls on, but tokens for the video service must name the account's own server (platforms.md 9.1, 9.3).
	const endpoint = doc?.service.find(({ id }) => id.endsWith('#atproto_pds'))?.serviceEndpoint ?? '';
	const named = URL.canParse(endpoint) ? new URL(endpoint) : null;
	// Tokens that came encrypted are not sent in the clear.
	const safe = named?.protocol === 'https:' || (named?.protocol === 'http:' && service.startsWith('http:'));
	const pds = named && safe ? named.origin : service;
	const issued = issuedAt(answer.accessJwt);
	return { ...answer, pds, aheadMs: issued === null ? 0 : issued - now.getTime() };
}

/** When a token was made, by the clock of its server, milliseconds since 1970. Null: it does not say. */
export function issuedAt(jwt: string): number | null {
	try {
		const payload: unknown = JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString('utf8'));
		const iat = isRecord(payload) ? payload['iat'] : null;
		return typeof iat === 'number' ? iat * 1000 : null;
	} catch {
		return null;
	}
}

/** Name of a host as a service; the colon before a port is written as %3A. */
export const didOfHost = (url: string): string => `did:web:${new URL(url).host.replace(':', '%3A')}`;

const NEW_PASSWORD = 'Make a new app password on Bluesky (Settings, Privacy and Security, App Passwords) and put it into the credential.';

/** What the user can do about an error, by its name (platforms.md 9.1, 9.3). */
const HINTS: Record<string, string> = {
	AuthenticationRequired: `Check the handle, without the @. ${NEW_PASSWORD}`,
	AuthFactorTokenRequired: `This is the password of the account itself, which asks for a code sent by e-mail. ${NEW_PASSWORD}`,
	ExpiredToken: NEW_PASSWORD,
	InvalidToken: NEW_PASSWORD,
	AccountTakedown: 'Bluesky has stopped this account. Sign in at bsky.app to see why, and how to appeal.',
	AccountDeactivated: 'The account is deactivated. Sign in at bsky.app to activate it again.',
	BadExpiration: 'The clock of the sidecar, or that of the server, is wrong.',
	unconfirmed_email: "Videos need an account with a confirmed e-mail address: confirm it in Bluesky's settings.",
};

const STOPS = ['AccountTakedown', 'AccountDeactivated'];

/** Errors are `{error: name, message}`; the name is what counts. */
export const judgeFor =
	(effect: Effect) =>
	(status: number, body: unknown): Judgement | undefined => {
		const name = isRecord(body) && typeof body['error'] === 'string' && /^\w{3,60}$/.test(body['error']) ? body['error'] : null;
		if (status < 400 || name === null) return undefined;
		const hint = HINTS[name];
		const decision = STOPS.includes(name) ? 'stop' : TOKEN_ERRORS.includes(name) ? 'reauth' : classify({ kind: 'status', status }, effect);
		return { decision, platformCode: name, ...(hint === undefined ? {} : { hint }) };
	};
