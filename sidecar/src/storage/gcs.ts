import type { Readable } from 'node:stream';
import { z } from 'zod';
import { PipelineError } from '../errors.ts';
import { contentDisposition } from '../net/file-name.ts';
import { createApi, parsed } from './cloud/api.ts';
import { Crc32c } from './cloud/crc32c.ts';
import { putLocalFile } from './cloud/local-file.ts';
import { readWithResume } from './cloud/reading.ts';
import { createAccessToken, readServiceAccount } from './gcs/service-account.ts';
import { signV4 } from './gcs/signed-url.ts';
import { upload } from './gcs/upload.ts';
import { assertKey, isKey } from './keys.ts';
import type { PutOptions, Storage, StorageClass, StoredFile } from './storage.ts';

const WHERE = 'Google Cloud Storage';

export interface GcsOptions {
	bucket: string;
	/** JSON key of a service account, or the path of its file. */
	credentials: string;
	/** In front of every key: `media/`. Default: nothing. */
	prefix?: string | undefined;
	/** Default https://storage.googleapis.com. */
	baseUrl?: string | undefined;
	now?: () => number;
	sleep?: (ms: number) => Promise<unknown>;
	/** See ApiOptions. */
	idleMs?: number;
}

/** What is asked of an object. Sizes are texts: a double cannot hold every one. */
const objectResource = z.object({ name: z.string(), size: z.string().regex(/^\d+$/), updated: z.iso.datetime({ offset: true }), crc32c: z.string().optional(), storageClass: z.string().optional() });
const FIELDS = 'name,size,updated,crc32c,storageClass';
const page = z.object({ items: z.array(objectResource).default([]), nextPageToken: z.string().optional() });
const rewritten = z.union([z.object({ done: z.literal(true), resource: objectResource }), z.object({ done: z.literal(false), rewriteToken: z.string() })]);
const CLASSES: Record<StorageClass, string> = { standard: 'STANDARD', archive: 'ARCHIVE' };
const NEEDED = ['storage.objects.create', 'storage.objects.delete', 'storage.objects.get', 'storage.objects.list'];

/**
 * A bucket of Google Cloud Storage, through its JSON API (the signed links through the XML API, as it must be). An object appears when
 * it is whole. Throws an Error in words when the credentials are none. Archived objects are read at once, for a fee: there is no `storage_archived` here.
 */
export function createGcsStorage({ bucket, credentials, prefix = '', baseUrl = 'https://storage.googleapis.com', now = Date.now, sleep, idleMs }: GcsOptions): Storage {
	const account = readServiceAccount(credentials);
	const base = baseUrl.replace(/\/+$/, '');
	const front = prefix && `${prefix.replace(/^\/+|\/+$/g, '')}/`;
	const api = createApi({ where: WHERE, authorize: async (anew) => ({ authorization: `Bearer ${await token(anew)}` }), explain, sleep, idleMs });
	const token = createAccessToken(account, api, now);
	const nameOf = (key: string) => front + assertKey(key);
	const bucketUrl = `${base}/storage/v1/b/${encodeURIComponent(bucket)}`;
	const objectUrl = (key: string, query: Record<string, string> = {}) => withQuery(`${bucketUrl}/o/${encodeURIComponent(nameOf(key))}`, query);
	const stored = (resource: z.infer<typeof objectResource>): StoredFile => ({
		key: resource.name.slice(front.length),
		bytes: Number(resource.size),
		modifiedAt: new Date(resource.updated),
	});

	/** Also onto itself, with another class. Large objects take several calls. */
	async function rewrite(from: string, to: string, resource: Record<string, string>): Promise<StoredFile> {
		const url = `${objectUrl(from)}/rewriteTo/b/${encodeURIComponent(bucket)}/o/${encodeURIComponent(nameOf(to))}`;
		const action = from === to ? `change the storage class of ${from}` : `copy ${from}`;
		let query: Record<string, string> = {};
		for (;;) {
			const answer = await api.send({ action, method: 'POST', url: withQuery(url, query), headers: JSON_BODY, body: JSON.stringify(resource) });
			const state = read(rewritten, answer.body, action);
			if (state.done) return stored(state.resource);
			query = { rewriteToken: state.rewriteToken };
		}
	}

	async function resourceOf(key: string): Promise<z.infer<typeof objectResource> | null> {
		const answer = await api.send({ action: `look at ${key}`, method: 'GET', url: objectUrl(key, { fields: FIELDS }), accepts: [404] });
		return answer.status === 404 ? null : read(objectResource, answer.body, `look at ${key}`);
	}

	async function putStream(key: string, stream: Readable, { mime, bytes, storageClass }: PutOptions = {}): Promise<StoredFile> {
		try {
			const name = nameOf(key);
			const resource = { name, ...(mime ? { contentType: mime } : {}), ...(storageClass ? { storageClass: CLASSES[storageClass] } : {}) };
			const beginUrl = withQuery(`${base}/upload/storage/v1/b/${encodeURIComponent(bucket)}/o`, { uploadType: 'resumable', name, fields: FIELDS });
			const sent = await upload({ api, beginUrl, key, resource, stream, bytes });
			const made = read(objectResource, sent.body, `write ${key}`);
			// It was told the checksum, and refuses others. Looked at here too: whoever answers in its place may not.
			if (made.size === String(sent.bytes) && (made.crc32c === undefined || made.crc32c === sent.crc32c)) return stored(made);
			await remove(key).catch(() => undefined);
			throw new PipelineError('storage_failed', `Google Cloud Storage had other bytes of ${key} than were sent. Try again.`);
		} finally {
			stream.destroy();
		}
	}

	async function remove(key: string): Promise<void> {
		await api.send({ action: `delete ${key}`, method: 'DELETE', url: objectUrl(key), accepts: [404] });
	}

	return {
		name: 'gcs',
		async prepare() {
			const url = withQuery(`${bucketUrl}/iam/testPermissions`);
			for (const permission of NEEDED) url.searchParams.append('permissions', permission);
			const action = `look at the bucket ${bucket}`;
			const answer = await api.send({ action, method: 'GET', url, accepts: [404] });
			if (answer.status === 404) throw new PipelineError('storage_failed', `There is no bucket ${bucket} in Google Cloud Storage. Create it, or correct GCS_BUCKET.`);
			const { permissions } = read(z.object({ permissions: z.array(z.string()).default([]) }), answer.body, action);
			const missing = NEEDED.filter((permission) => !permissions.includes(permission));
			if (missing.length > 0) {
				throw new PipelineError(
					'storage_failed',
					`The service account of GCS_CREDENTIALS may not ${missing.map((permission) => permission.slice(permission.lastIndexOf('.') + 1)).join(', ')} objects of the bucket ${bucket}. Give it the role "Storage Object User" on this bucket.`,
				);
			}
		},
		putFile: async (key, localPath, options) => putLocalFile(putStream, assertKey(key), localPath, options),
		putStream,
		read: async (key, range) =>
			readWithResume({
				api,
				where: WHERE,
				key,
				range,
				open: (headers, generation) =>
					api.stream({ action: `read ${key}`, method: 'GET', accepts: [416], url: objectUrl(key, { alt: 'media', ...(generation ? { generation } : {}) }), headers }),
				validatorOf: (headers) => headers['x-goog-generation'] ?? null,
				check: range ? undefined : sameAsStored(key),
			}),
		async head(key) {
			const resource = await resourceOf(key);
			return resource && stored(resource);
		},
		delete: remove,
		copy: (from, to) => rewrite(from, to, {}),
		async *list(below) {
			let pageToken: string | undefined;
			do {
				const query = { prefix: front + below, fields: `items(${FIELDS}),nextPageToken`, ...(pageToken ? { pageToken } : {}) };
				const answer = await api.send({ action: 'list files', method: 'GET', url: withQuery(`${bucketUrl}/o`, query) });
				const found = read(page, answer.body, 'list files');
				for (const resource of found.items) if (isKey(resource.name.slice(front.length))) yield stored(resource);
				pageToken = found.nextPageToken;
			} while (pageToken);
		},
		// Uploads that were not finished are no objects; Google throws them away after a week.
		deleteUnfinished: () => Promise.resolve(),
		localPath: () => null,
		async setClass(key, storageClass) {
			const resource = await resourceOf(key);
			if (!resource) throw new PipelineError('not_found', `There is no stored file ${key}.`);
			// An archived object that is written anew costs a year of its storage: not without need.
			if (resource.storageClass !== CLASSES[storageClass]) await rewrite(key, key, { storageClass: CLASSES[storageClass] });
			return true;
		},
		direct: () => ({
			async get(key, { expiresAt, mime, name, attachment }) {
				const query = { 'response-content-type': mime, 'response-content-disposition': contentDisposition(name, attachment) };
				return signV4({ account, baseUrl: base, bucket, object: nameOf(key), method: 'GET', query, expiresAt, now: new Date(now()) });
			},
			async put(key, { expiresAt, mime, bytes }) {
				const headers = { 'content-type': mime, 'x-goog-content-length-range': `${bytes},${bytes}` };
				const url = signV4({ account, baseUrl: base, bucket, object: nameOf(key), method: 'PUT', headers, expiresAt, now: new Date(now()) });
				return { url, method: 'PUT', headers };
			},
		}),
		// One signed PUT takes 5 TiB. Parts would need the second, XML-based API for everything around them.
		multipart: () => null,
	};
}

const JSON_BODY = { 'content-type': 'application/json; charset=UTF-8' };

function withQuery(url: string, query: Record<string, string> = {}): URL {
	const made = new URL(url);
	for (const [name, value] of Object.entries(query)) made.searchParams.set(name, value);
	return made;
}

function read<T>(schema: z.ZodType<T>, body: unknown, action: string): T {
	const answer = schema.safeParse(body);
	if (answer.success) return answer.data;
	throw new PipelineError('storage_failed', `Google Cloud Storage answered in an unknown form to ${action}.`, { cause: answer.error });
}

/** The whole of an object against the CRC-32C that Google keeps of it. */
function sameAsStored(key: string) {
	const crc = new Crc32c();
	return {
		update: (chunk: Buffer) => void crc.update(chunk),
		end(headers: Record<string, string>) {
			const kept = /\bcrc32c=([\w+/=]+)/.exec(headers['x-goog-hash'] ?? '')?.[1];
			if (kept && kept !== crc.base64()) throw new PipelineError('storage_failed', `The bytes of ${key} are not those that Google Cloud Storage has: they were damaged on the way.`, { details: { passing: true } });
		},
	};
}

const refusal = z.object({ error: z.object({ message: z.string().optional(), errors: z.array(z.object({ reason: z.string() })).optional() }) });

/** JSON API, "HTTP status and error codes". */
function explain(status: number, text: string): PipelineError | undefined {
	const told = refusal.safeParse(parsed(text)).data?.error;
	const reasons = told?.errors?.map(({ reason }) => reason) ?? [];
	if (reasons.some((reason) => ['accountDisabled', 'quotaExceeded'].includes(reason)) || /billing/i.test(told?.message ?? '')) {
		return new PipelineError('storage_full', 'Google Cloud Storage takes no more: the billing account of the project is closed, or a quota is used up. Look at Billing and Quotas in the Google Cloud console.', { details: { status } });
	}
	if (text.includes('invalid_grant')) {
		return new PipelineError('storage_failed', 'Google refuses the key of the service account: it was deleted, or the clock of this machine is wrong. Make a new key and put it into GCS_CREDENTIALS.', { details: { status } });
	}
	return undefined;
}
