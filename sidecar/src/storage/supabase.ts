import type { Readable } from 'node:stream';
import { z } from 'zod';
import { PipelineError } from '../errors.ts';
import { createApi, parsed } from './cloud/api.ts';
import { putLocalFile } from './cloud/local-file.ts';
import { readWithResume } from './cloud/reading.ts';
import { assertKey, isKey } from './keys.ts';
import type { PutOptions, Storage, StoredFile } from './storage.ts';
import { upload } from './supabase/upload.ts';

const WHERE = 'Supabase Storage';

export interface SupabaseOptions {
	/** `https://{project}.supabase.co`, or where Supabase is hosted by oneself. */
	url: string;
	/** The secret key, or the legacy service_role key: row-level security does not hold it up. */
	serviceKey: string;
	bucket: string;
	/** Entries of a list that are asked for at once. Default 1000. */
	pageSize?: number;
	now?: () => number;
	sleep?: (ms: number) => Promise<unknown>;
}

const time = z.iso.datetime({ offset: true });
const info = z.object({ size: z.number(), last_modified: time });
const bucketAnswer = z.object({ public: z.boolean() });
/** A folder has no id. */
const listed = z.array(z.object({ name: z.string(), id: z.string().nullable(), updated_at: time.nullish(), metadata: z.object({ size: z.number(), lastModified: time.optional() }).nullish() }));

/** A private bucket of Supabase Storage, through its own API. It knows no archive and no parts for others to upload. */
export function createSupabaseStorage({ url, serviceKey, bucket, pageSize = 1000, now = Date.now, sleep }: SupabaseOptions): Storage {
	const base = storageUrl(url);
	// Both, and the same: keys of the newer kind (sb_secret_…) are no JWT, and pass as a bearer only beside themselves.
	const api = createApi({ where: WHERE, authorize: () => Promise.resolve({ authorization: `Bearer ${serviceKey}`, apikey: serviceKey }), explain, sleep });
	const objectUrl = (kind: string, key: string) => `${base}/object/${kind}${bucket}/${assertKey(key)}`;

	async function head(key: string): Promise<StoredFile | null> {
		try {
			const answer = await api.send({ action: `look at ${key}`, method: 'GET', url: objectUrl('info/', key) });
			const { size, last_modified } = read(info, answer.body, `look at ${key}`);
			return { key, bytes: size, modifiedAt: new Date(last_modified) };
		} catch (error) {
			if (error instanceof PipelineError && error.code === 'not_found') return null;
			throw error;
		}
	}

	/** What was just written; throws when it is not there, or not as long as what was sent. */
	async function written(key: string, bytes: number): Promise<StoredFile> {
		const stored = await head(key);
		if (stored?.bytes === bytes) return stored;
		if (stored) await remove(key).catch(() => undefined);
		throw new PipelineError('storage_failed', `Supabase Storage has ${stored?.bytes ?? 'none'} of the ${bytes} bytes that were sent for ${key}. Try again.`);
	}

	/** By a list: one that is gone already is no error then. */
	async function remove(key: string): Promise<void> {
		await api.send({ action: `delete ${key}`, method: 'DELETE', url: `${base}/object/${bucket}`, headers: JSON_BODY, body: JSON.stringify({ prefixes: [assertKey(key)] }) });
	}

	async function putStream(key: string, stream: Readable, options: PutOptions = {}): Promise<StoredFile> {
		try {
			return await written(key, await upload({ api, baseUrl: base, bucket, key: assertKey(key), stream, options }));
		} finally {
			stream.destroy();
		}
	}

	/**
	 * The entries of one folder. All of them before the first is used: pages go by offset, and whoever deletes files while the list
	 * goes on would make it skip as many.
	 */
	async function entries(folder: string): Promise<z.infer<typeof listed>> {
		const all: z.infer<typeof listed> = [];
		for (;;) {
			const body = JSON.stringify({ prefix: folder, limit: pageSize, offset: all.length, sortBy: { column: 'name', order: 'asc' } });
			const answer = await api.send({ action: 'list files', method: 'POST', url: `${base}/object/list/${bucket}`, headers: JSON_BODY, body });
			const page = read(listed, answer.body, 'list files');
			all.push(...page);
			if (page.length < pageSize) return all;
		}
	}

	/** `folder` ends with a slash, or is empty. */
	async function* walk(folder: string, prefix: string): AsyncGenerator<StoredFile> {
		for (const { name, id, metadata, updated_at } of await entries(folder)) {
			const key = folder + name;
			// The dashboard keeps empty folders by a hidden file.
			if (name.startsWith('.')) continue;
			if (id === null) {
				if (`${key}/`.startsWith(prefix) || prefix.startsWith(`${key}/`)) yield* walk(`${key}/`, prefix);
			} else if (key.startsWith(prefix) && metadata && isKey(key)) {
				yield { key, bytes: metadata.size, modifiedAt: new Date(metadata.lastModified ?? updated_at ?? 0) };
			}
		}
	}

	return {
		name: 'supabase',
		async prepare() {
			const role = roleOf(serviceKey);
			if (role !== null && role !== 'service_role') {
				throw new PipelineError('storage_failed', `SUPABASE_SERVICE_KEY is the key of the role ${role}. It must be a secret key (Settings, API Keys), or the legacy one of service_role.`);
			}
			const action = `look at the bucket ${bucket}`;
			const answer = await api.send({ action, method: 'GET', url: `${base}/bucket/${bucket}` });
			if (read(bucketAnswer, answer.body, action).public) {
				throw new PipelineError('storage_failed', `The bucket ${bucket} of SUPABASE_BUCKET is public: whoever guesses a name could read every original. Make it private in Supabase, Storage, Edit bucket.`);
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
				async open(headers, etag) {
					const answer = await api.stream({ action: `read ${key}`, method: 'GET', accepts: [416], url: objectUrl('authenticated/', key), headers });
					if (etag === null || answer.headers.etag === etag) return answer;
					answer.stream.destroy();
					throw new PipelineError('not_found', `The stored file ${key} was replaced by another one while it was read.`);
				},
				validatorOf: ({ etag }) => etag ?? null,
			}),
		head,
		delete: remove,
		async copy(from, to) {
			const body = JSON.stringify({ bucketId: bucket, sourceKey: assertKey(from), destinationKey: assertKey(to) });
			await api.send({ action: `copy ${from}`, method: 'POST', url: `${base}/object/copy`, headers: { ...JSON_BODY, 'x-upsert': 'true' }, body });
			const stored = await head(to);
			if (stored) return stored;
			throw new PipelineError('storage_failed', `Supabase Storage says that it copied ${from}, but has no ${to}.`);
		},
		list: (prefix) => walk(prefix.slice(0, prefix.lastIndexOf('/') + 1), prefix),
		// Uploads that were not finished are no files; Supabase throws them away after a day.
		deleteUnfinished: () => Promise.resolve(),
		localPath: () => null,
		setClass: () => Promise.resolve(false),
		direct: () => ({
			// The type is that of the upload; no link can change it.
			async get(key, { expiresAt, name, attachment }) {
				const expiresIn = Math.floor((expiresAt.getTime() - now()) / 1000);
				// Supabase makes none that has ended already; without a token it is refused alike.
				if (expiresIn < 1) return objectUrl('sign/', key);
				const action = `make a link to ${key}`;
				const answer = await api.send({ action, method: 'POST', url: objectUrl('sign/', key), headers: JSON_BODY, body: JSON.stringify({ expiresIn }) });
				const { signedURL } = read(z.object({ signedURL: z.string().startsWith('/object/sign/') }), answer.body, action);
				return `${base}${signedURL}${attachment ? `&download=${encodeURIComponent(name)}` : ''}`;
			},
			// Supabase has links for one upload, but they are bound to the key alone, for two hours: neither size nor type nor end can be told.
			put: null,
		}),
		multipart: () => null,
	};
}

const JSON_BODY = { 'content-type': 'application/json' };

/** The address of the API. Projects at Supabase have a host for storage alone, which takes large files faster. */
function storageUrl(url: string): string {
	const { origin, pathname } = new URL(url);
	const path = pathname.replace(/\/+$/, '').replace(/\/storage\/v1$/, '');
	return `${origin.replace(/^https:\/\/([a-z0-9-]+)\.supabase\.co$/, 'https://$1.storage.supabase.co')}${path}/storage/v1`;
}

/** The role in a JWT; null for keys of the newer kind. */
function roleOf(key: string): string | null {
	const [, claims, signature] = key.split('.');
	if (!claims || !signature) return null;
	return z.object({ role: z.string() }).safeParse(parsed(Buffer.from(claims, 'base64url').toString())).data?.role ?? 'unknown';
}

function read<T>(schema: z.ZodType<T>, body: unknown, action: string): T {
	const answer = schema.safeParse(body);
	if (answer.success) return answer.data;
	throw new PipelineError('storage_failed', `Supabase Storage answered in an unknown form to ${action}.`, { cause: answer.error });
}

const refusal = z.object({ statusCode: z.coerce.number().optional(), error: z.string().optional(), message: z.string().optional() });

/** Most refusals come as 400; what they mean stands in the body ("Error codes", Supabase Storage). */
function explain(status: number, text: string): PipelineError | undefined {
	const told = refusal.safeParse(parsed(text)).data;
	const meant = told?.statusCode ?? status;
	const details = { status: meant };
	if (/bucket not found/i.test(told?.message ?? '')) {
		return new PipelineError('storage_failed', 'There is no such bucket in Supabase Storage. Create it (private), or correct SUPABASE_BUCKET.', { details });
	}
	if (meant === 404) return new PipelineError('not_found', 'There is no such file in Supabase Storage.', { details });
	if (meant === 413) {
		return new PipelineError('storage_full', 'The file is larger than Supabase Storage takes. Raise the limit in Storage, Settings (and of the bucket, where it has its own): it is 50 MB at first, and stays so in the free plan.', { details });
	}
	if (meant === 402 || /quota/i.test(`${told?.error} ${told?.message}`)) {
		return new PipelineError('storage_full', 'The Supabase project has used up its storage, or is restricted. Look at Usage in its dashboard.', { details });
	}
	if (meant === 415 || told?.error === 'invalid_mime_type') {
		return new PipelineError('storage_failed', 'The bucket of SUPABASE_BUCKET does not allow this type of file. Take the restriction of types from the bucket.', { details });
	}
	if (meant === 401 || meant === 403) {
		return new PipelineError('storage_failed', 'Supabase Storage refuses the key. Copy the secret key of this project into SUPABASE_SERVICE_KEY once more.', { details });
	}
	if (meant !== status && (meant === 429 || meant >= 500)) {
		return new PipelineError('storage_failed', `Supabase Storage cannot do this at the moment (${meant}).`, { details: { ...details, passing: true } });
	}
	return undefined;
}
