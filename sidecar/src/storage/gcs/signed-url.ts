import { createHash } from 'node:crypto';
import { signWith, type ServiceAccount } from './service-account.ts';

/** Longest life of a V4 signature: 7 days ("Signed URLs", Cloud Storage). */
const LONGEST_SECONDS = 604_800;

export interface SignRequest {
	account: ServiceAccount;
	/** `https://storage.googleapis.com` */
	baseUrl: string;
	bucket: string;
	/** Name of the object in the bucket. */
	object: string;
	method: 'GET' | 'PUT';
	/** Lower-case names; the request must carry them exactly so. */
	headers?: Record<string, string>;
	query?: Record<string, string>;
	expiresAt: Date;
	now: Date;
}

/** An address that carries its own permission: V4 signing process of Cloud Storage, with the RSA key of a service account. */
export function signV4({ account, baseUrl, bucket, object, method, headers = {}, query = {}, expiresAt, now }: SignRequest): string {
	const base = new URL(baseUrl);
	// A link that has ended already is one that was made, for a second, before.
	const begins = new Date(Math.min(now.getTime(), expiresAt.getTime() - 1000));
	const time = begins.toISOString().replace(/[-:]|\.\d{3}/g, '');
	const scope = `${time.slice(0, 8)}/auto/storage/goog4_request`;
	const seconds = Math.min(LONGEST_SECONDS, Math.max(1, Math.floor((expiresAt.getTime() - begins.getTime()) / 1000)));
	const signed = Object.entries({ ...headers, host: base.host }).sort(byName);
	const names = signed.map(([name]) => name).join(';');
	const path = `/${bucket}/${object.split('/').map(encode).join('/')}`;
	const canonicalQuery = Object.entries({
		...query,
		'X-Goog-Algorithm': 'GOOG4-RSA-SHA256',
		'X-Goog-Credential': `${account.email}/${scope}`,
		'X-Goog-Date': time,
		'X-Goog-Expires': String(seconds),
		'X-Goog-SignedHeaders': names,
	})
		.map(([name, value]): [string, string] => [encode(name), encode(value)])
		.sort(byName)
		.map(([name, value]) => `${name}=${value}`)
		.join('&');
	const canonical = [method, path, canonicalQuery, ...signed.map(([name, value]) => `${name}:${value.trim()}`), '', names, 'UNSIGNED-PAYLOAD'].join('\n');
	const toSign = ['GOOG4-RSA-SHA256', time, scope, createHash('sha256').update(canonical).digest('hex')].join('\n');
	return `${base.origin}${path}?${canonicalQuery}&X-Goog-Signature=${signWith(account, toSign).toString('hex')}`;
}

/** By code point, as the documentation demands. */
const byName = ([a]: [string, string], [b]: [string, string]): number => (a < b ? -1 : a > b ? 1 : 0);

/** RFC 3986: `encodeURIComponent` leaves five characters that must be escaped here. */
const encode = (text: string): string => encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
