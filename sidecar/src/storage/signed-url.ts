import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { PipelineError } from '../errors.ts';
import { assertKey } from './keys.ts';

/**
 * Links that carry their own permission: an HMAC-SHA256 over method, path, expiry and size limit. Nothing is stored, every
 * process with the same key can check them.
 */
export interface SignedAccess {
	/** GET also permits HEAD. */
	method: 'GET' | 'PUT';
	/** Path as it stands in the URL, e.g. `/files/raw/default/4f0c.mp4`. */
	path: string;
	expiresAt: Date;
	/** Largest body of a PUT, bytes. */
	maxBytes?: number;
	/** Of a GET: browsers save the file, under this name, instead of showing it. */
	download?: string;
}

/** What links are signed with; those signed with a previous one are valid until they expire. */
export interface SigningKey {
	current: Buffer;
	previous: readonly Buffer[];
}

/** Key material for links, derived so that a leak of one use of ENCRYPTION_KEY says nothing about another. */
export function deriveSigningKey(encryptionKey: string, previousKeys: readonly string[] = []): SigningKey {
	const derive = (key: string): Buffer => Buffer.from(hkdfSync('sha256', key, 'media-pipeline', 'signed urls', 32));
	return { current: derive(encryptionKey), previous: previousKeys.map(derive) };
}

/** `/files/<key>` of a storage key. Keys hold nothing that must be escaped (keys.ts). */
export const filePath = (key: string): string => `/files/${key}`;

/** `{baseUrl}{path}?expires=…[&max_bytes=…][&download=…]&signature=…` */
export function signedUrl(signingKey: SigningKey, baseUrl: string, access: SignedAccess): string {
	const expires = Math.floor(access.expiresAt.getTime() / 1000);
	const query = new URLSearchParams({ expires: String(expires) });
	if (access.maxBytes !== undefined) query.set('max_bytes', String(access.maxBytes));
	if (access.download !== undefined) query.set('download', access.download);
	query.set(
		'signature',
		signature(signingKey.current, access.method, access.path, String(expires), query.get('max_bytes') ?? '', query.get('download') ?? ''),
	);
	return `${baseUrl.replace(/\/+$/, '')}${access.path}?${query}`;
}

/** What players load further files relative to: RFC 8216 4.1 (HLS), ISO/IEC 23009-1 5.6.4 (DASH). */
const MANIFEST = /\.(m3u8|mpd)$/;

/**
 * A link to a stored file. That of a manifest carries its permission in the path, and for the whole folder: a player asks for
 * the segments at addresses relative to the manifest's, and a query would not come along.
 */
export function fileLink(signingKey: SigningKey, baseUrl: string, key: string, expiresAt: Date): string {
	if (!MANIFEST.test(key)) return signedUrl(signingKey, baseUrl, { method: 'GET', path: filePath(key), expiresAt });
	return `${baseUrl.replace(/\/+$/, '')}/packages/${signPath(signingKey, 'FOLDER', key.slice(0, key.lastIndexOf('/')), expiresAt)}/${key}`;
}

/**
 * The storage key that a path `<expires>.<signature>/<key>` (what follows `/packages/`) permits to read, and until when. Throws `invalid_request`
 * (not a key: `..` and the like), `unauthorized` (no signature), `forbidden` (a wrong one), `expired`.
 */
export function verifyFolderLink(signingKey: SigningKey, path: string, now = new Date()): { key: string; expiresAt: Date } {
	// Asserted first of all: `..` must not lead out of the folder that the signature is for.
	const key = verifyPath(signingKey, 'FOLDER', path, (key) => [...assertKey(key).matchAll(/\//g)].map(({ index }) => key.slice(0, index)), now);
	return { key, expiresAt: new Date(Number.parseInt(path, 10) * 1000) };
}

/** What a permission in a path is for. */
export type PathKind = 'FOLDER' | 'RENDITION' | 'UPLOAD';

/** A permission that stands in a path: `<expires>.<signature>`. */
export function signPath(signingKey: SigningKey, kind: PathKind, text: string, expiresAt: Date): string {
	const expires = String(Math.floor(expiresAt.getTime() / 1000));
	return `${expires}.${signature(signingKey.current, kind, text, expires, '')}`;
}

/** What follows the permission in `path`, where that is for one of the texts that `permitted` names for it. */
export function verifyPath(signingKey: SigningKey, kind: PathKind, path: string, permitted: (rest: string) => string[], now = new Date()): string {
	const [, expires, given, rest] = /^(\d{1,12})\.([\w-]{43})\/(.+)$/.exec(path) ?? [];
	if (!expires || !given || !rest) throw unsigned();
	if (!permitted(rest).some((text) => isSigned(given, signingKey, kind, text, expires, ''))) throw wrong();
	notExpired(expires, now);
	return rest;
}

export interface SignedRequest {
	method: string;
	/** Path of the request as it came, without the query. */
	path: string;
	/** `expires`, `signature`, `max_bytes`, `download`, unparsed; anything but one text each counts as absent. */
	query: Record<string, unknown>;
}

/** What the link permits. Throws `unauthorized` (no signature), `forbidden` (a wrong one), `expired`. */
export function verifySignedUrl(
	signingKey: SigningKey,
	request: SignedRequest,
	now = new Date(),
): { expiresAt: Date; maxBytes: number | null; download: string | null } {
	const text = (name: string): string => (typeof request.query[name] === 'string' ? request.query[name] : '');
	const [given, expires, maxBytes, download] = [text('signature'), text('expires'), text('max_bytes'), text('download')];
	if (!given || !expires) throw unsigned();
	const method = request.method === 'HEAD' ? 'GET' : request.method;
	// The signature first: an expiry that was tampered with must read as a forgery, not as a hint.
	if (!/^\d{1,12}$/.test(expires) || !isSigned(given, signingKey, method, request.path, expires, maxBytes, download)) throw wrong();
	return { expiresAt: notExpired(expires, now), maxBytes: maxBytes === '' ? null : Number(maxBytes), download: download === '' ? null : download };
}

const unsigned = () => new PipelineError('unauthorized', 'This link has no signature. Take the complete link from the job or the asset.');

const wrong = () => new PipelineError('forbidden', 'The signature of this link is wrong. Take the complete, unchanged link from the job or the asset.');

function notExpired(expires: string, now: Date): Date {
	const expiresAt = new Date(Number(expires) * 1000);
	if (expiresAt > now) return expiresAt;
	throw new PipelineError('expired', `This link has expired (${expiresAt.toISOString()}). Ask for the job or the asset again to get a fresh one.`);
}

const isSigned = (given: string, { current, previous }: SigningKey, ...what: [method: string, path: string, expires: string, maxBytes: string, download?: string]): boolean =>
	[current, ...previous].some((key) => equal(given, signature(key, ...what)));

/** As JSON, so that no two requests share one text. */
function signature(key: Buffer, method: string, path: string, expires: string, maxBytes: string, download = ''): string {
	return createHmac('sha256', key)
		.update(JSON.stringify(['v1', method, path, expires, maxBytes, ...(download ? [download] : [])]))
		.digest('base64url');
}

function equal(given: string, expected: string): boolean {
	const [a, b] = [Buffer.from(given), Buffer.from(expected)];
	return a.length === b.length && timingSafeEqual(a, b);
}
