import { randomBytes } from 'node:crypto';
import { jsonObject, Refusal, type Answer, type Call, type Emulator } from './emulator.ts';

export interface BlueskyAccount {
	did: string;
	handle: string;
	/** App passwords that have not been revoked. */
	appPasswords: string[];
	/** Without it no video may be uploaded. Default true. */
	emailConfirmed?: boolean;
	/** Default: active. */
	status?: 'takendown' | 'suspended' | 'deactivated';
}

/** The part of a request that is there before its body. */
export type Asked = Pick<Call, 'headers' | 'query'>;

export interface Hosts {
	/** What a credential names. */
	entryway: string;
	/** The account's own server, known only from its DID document. */
	pds: string;
	video: string;
}

const REFRESH_LIFE_SECONDS = 60 * 86_400;
const HOUR_SECONDS = 3600;
/** platforms.md 9.1: sessions of one account in 5 minutes, and in a day. */
const LOGINS = [[30, 300], [300, 86_400]] as const;

export const refuse = (status: number, error: string, message: string, headers: Record<string, string> = {}): never => {
	throw new Refusal({ status, headers, body: { error, message } });
};
export const invalid = (message: string, error = 'InvalidRequest'): never => refuse(400, error, message);

/** Refuses what is missing and what is unknown. */
export function fields(given: object, required: string[], optional: string[] = []): void {
	const missing = required.find((name) => !(name in given));
	if (missing !== undefined) invalid(`Missing required key "${missing}"`);
	const unknown = Object.keys(given).find((name) => !required.includes(name) && !optional.includes(name));
	if (unknown !== undefined) invalid(`Unexpected key "${unknown}"`);
}

export function json(call: Call, required: string[], optional: string[] = []): Record<string, unknown> {
	const body = jsonObject(call) ?? invalid('Request encoding (Content-Type) required but not provided, or no JSON object');
	fields(body, required, optional);
	return body;
}

const bearer = (call: Asked): string | undefined => /^Bearer (.+)$/.exec(call.headers['authorization'] ?? '')?.[1];

/** A token in the form of a JWT; nobody but its server reads it. */
const jwt = (payload: object): string =>
	[...[{ alg: 'ES256K', typ: 'JWT' }, payload].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')), randomBytes(24).toString('base64url')].join('.');

/** Who may do what: sessions of the accounts, and the tokens that their server gives them for other services. */
export class Sessions {
	readonly hosts: Hosts = { entryway: '', pds: '', video: '' };
	readonly accounts: BlueskyAccount[];
	/** Calls that came to the wrong host. */
	misdirected = 0;
	readonly #emulator: Emulator;
	readonly #accessLifeSeconds: number;
	readonly #tokens = new Map<string, { did: string; password: string; use: 'access' | 'refresh'; expires: number }>();
	readonly #serviceTokens = new Map<string, { did: string; aud: string; lxm: string; expires: number }>();
	readonly #logins: Array<{ identifier: string; at: number }> = [];

	constructor(emulator: Emulator, accounts: BlueskyAccount[], accessLifeSeconds: number) {
		this.#emulator = emulator;
		this.accounts = accounts;
		this.#accessLifeSeconds = accessLifeSeconds;
		this.#steps();
	}

	get seconds(): number {
		return Math.floor(this.#emulator.now() / 1000);
	}

	/** Of a host as a service; a port is written as %3A in such a name. */
	didOf(host: keyof Hosts): string {
		return `did:web:${new URL(this.hosts[host]).host.replace(':', '%3A')}`;
	}

	rate(limit: number, used: number, windowSeconds: number): Record<string, string> {
		return {
			'ratelimit-limit': String(limit),
			'ratelimit-remaining': String(Math.max(0, limit - used)),
			'ratelimit-reset': String(this.seconds + windowSeconds),
			'ratelimit-policy': `${limit};w=${windowSeconds}`,
		};
	}

	ok(body: unknown, headers = this.rate(3000, 1, 300)): Answer {
		return { status: 200, headers, body };
	}

	/** Refuses a call that was meant for another host. */
	at(call: Asked, ...allowed: Array<keyof Hosts>): void {
		if (allowed.some((host) => call.headers['host'] === new URL(this.hosts[host]).host)) return;
		this.misdirected += 1;
		refuse(501, 'MethodNotImplemented', 'Method Not Implemented');
	}

	/** The account of a session's token. */
	authorised(call: Asked, use: 'access' | 'refresh' = 'access'): { account: BlueskyAccount; token: string; password: string } {
		const token = bearer(call) ?? refuse(401, 'AuthMissing', 'Authentication Required');
		const known = this.#tokens.get(token) ?? invalid('Token could not be verified', 'InvalidToken');
		if (known.use !== use) invalid('Bad token scope', 'InvalidToken');
		const account = this.accounts.find(({ did }) => did === known.did) ?? invalid('Could not find user', 'InvalidToken');
		if (known.expires <= this.seconds) invalid('Token has expired', 'ExpiredToken');
		if (use === 'refresh' && !account.appPasswords.includes(known.password)) invalid('Token has been revoked', 'ExpiredToken');
		refuseTakendown(account);
		return { account, token, password: known.password };
	}

	/** Who a token for a service was made for. */
	trusted(call: Asked, aud: string, lxm: string): BlueskyAccount & { expires: number } {
		const given = this.#serviceTokens.get(bearer(call) ?? '') ?? refuse(401, 'AuthMissing', 'missing or unknown service token');
		if (given.aud !== aud) refuse(401, 'BadJwtAudience', `jwt audience does not match service did: ${given.aud}`);
		if (given.lxm !== lxm) refuse(401, 'BadJwtLexiconMethod', `bad jwt lexicon method ("lxm"). must match: ${lxm}`);
		if (given.expires <= this.seconds) refuse(401, 'JwtExpired', 'jwt expired');
		return { ...this.accounts.find(({ did }) => did === given.did)!, expires: given.expires };
	}

	/** Every access token has run out. */
	expire(): void {
		for (const token of this.#tokens.values()) if (token.use === 'access') token.expires = 0;
	}

	#steps(): void {
		this.#emulator.step('session', 'post', '/xrpc/com.atproto.server.createSession', (call) => {
			this.at(call, 'entryway', 'pds');
			const { identifier, password } = json(call, ['identifier', 'password'], ['authFactorToken', 'allowTakendown']);
			if (typeof identifier !== 'string' || typeof password !== 'string') return invalid('Input/identifier must be a string');
			for (const [points, window] of LOGINS) {
				const used = this.#logins.filter((entry) => entry.identifier === identifier && entry.at > this.seconds - window).length;
				if (used >= points) refuse(429, 'RateLimitExceeded', 'Rate Limit Exceeded', this.rate(points, used, window));
			}
			this.#logins.push({ identifier, at: this.seconds });
			const account = this.accounts.find(({ did, handle }) => did === identifier || handle === identifier.toLowerCase());
			if (!account?.appPasswords.includes(password)) return refuse(401, 'AuthenticationRequired', 'Invalid identifier or password');
			refuseTakendown(account);
			return this.ok(this.#issue(account, password));
		});

		this.#emulator.step('refresh', 'post', '/xrpc/com.atproto.server.refreshSession', (call) => {
			this.at(call, 'entryway', 'pds');
			if (call.body.length > 0) invalid('A request body was provided when none was expected');
			const { account, token, password } = this.authorised(call, 'refresh');
			this.#tokens.delete(token);
			return this.ok(this.#issue(account, password));
		});

		this.#emulator.step('me', 'get', '/xrpc/com.atproto.server.getSession', (call) => {
			this.at(call, 'entryway', 'pds');
			return this.ok(this.#about(this.authorised(call).account));
		});

		this.#emulator.step('serviceAuth', 'get', '/xrpc/com.atproto.server.getServiceAuth', (call) => {
			this.at(call, 'pds');
			const { account } = this.authorised(call);
			fields(call.query, ['aud'], ['exp', 'lxm']);
			const { aud = '', exp = String(this.seconds + 60), lxm = '' } = call.query;
			if (!/^did:[a-z]+:[A-Za-z0-9._:%-]+$/.test(aud)) invalid('aud must be a valid atproto DID or did#serviceId reference');
			const ahead = Number(exp) - this.#emulator.now() / 1000;
			if (!Number.isInteger(Number(exp)) || ahead < 0) invalid('expiration is in past', 'BadExpiration');
			if (ahead > HOUR_SECONDS) invalid('cannot request a token with an expiration more than an hour in the future', 'BadExpiration');
			if (lxm === '' && ahead > 60) invalid('cannot request a method-less token with an expiration more than a minute in the future', 'BadExpiration');
			const token = jwt({ iss: account.did, aud, lxm, exp: Number(exp) });
			this.#serviceTokens.set(token, { did: account.did, aud, lxm, expires: Number(exp) });
			return this.ok({ token });
		});
	}

	#issue(account: BlueskyAccount, password: string) {
		const make = (use: 'access' | 'refresh', life: number) => {
			const expires = this.seconds + life;
			const token = jwt({ scope: use === 'access' ? 'com.atproto.appPass' : 'com.atproto.refresh', sub: account.did, iat: this.seconds, exp: expires });
			this.#tokens.set(token, { did: account.did, password, use, expires });
			return token;
		};
		return { accessJwt: make('access', this.#accessLifeSeconds), refreshJwt: make('refresh', REFRESH_LIFE_SECONDS), ...this.#about(account) };
	}

	#about(account: BlueskyAccount) {
		return {
			did: account.did,
			handle: account.handle,
			emailConfirmed: account.emailConfirmed ?? true,
			active: account.status === undefined,
			...(account.status ? { status: account.status } : {}),
			didDoc: {
				'@context': ['https://www.w3.org/ns/did/v1'],
				id: account.did,
				alsoKnownAs: [`at://${account.handle}`],
				service: [{ id: '#atproto_pds', type: 'AtprotoPersonalDataServer', serviceEndpoint: this.hosts.pds }],
			},
		};
	}
}

function refuseTakendown({ status }: BlueskyAccount): void {
	if (status === 'takendown' || status === 'suspended') refuse(401, 'AccountTakedown', 'Account has been taken down');
}
