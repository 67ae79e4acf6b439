import type { Readable } from 'node:stream';
import { z } from 'zod';
import { PipelineError } from '../errors.ts';
import { createApi, parsed } from './cloud/api.ts';
import { putLocalFile } from './cloud/local-file.ts';
import { readWithResume } from './cloud/reading.ts';
import { deliveryPath, keyOf, placeOf, RESOURCE_TYPES, type Place } from './cloudinary/public-id.ts';
import { signParameters, type CloudinaryAccount } from './cloudinary/signature.ts';
import { form, upload } from './cloudinary/upload.ts';
import type { PutOptions, Storage, StoredFile } from './storage.ts';

const WHERE = 'Cloudinary';
/** Names of what people look at in lists: requirement I9. */
const PREVIEWS = /_(thumb|preview)\.[a-z0-9]+$/;
/** The Admin API takes 500 calls an hour in the free plan; readiness is asked for far more often. */
const TRUSTED_MS = 600_000;

export interface CloudinaryOptions {
	account: CloudinaryAccount;
	/** In front of every key: `media/`. Default: nothing. */
	folder?: string | undefined;
	/** What keys must begin with. Default `public/`; whoever sets it knows that anyone can fetch what lies here. */
	only?: string | undefined;
	/** Transformations that are made at upload of thumbnails and previews: `c_fill,w_320,h_180|w_640`. Default: none. */
	eager?: string | undefined;
	/** Default https://api.cloudinary.com. */
	apiBaseUrl?: string | undefined;
	/** Default https://res.cloudinary.com. */
	deliveryBaseUrl?: string | undefined;
	now?: () => number;
	sleep?: (ms: number) => Promise<unknown>;
}

/** The storage of public media, with the addresses that it gives to the world: every file has one. */
export interface CloudinaryStorage extends Storage {
	/** Of the newest version. `transformation`: `c_fill,w_320,h_180/f_auto`, for images and videos. */
	publicUrl(key: string, transformation?: string): string;
}

const resource = z.object({ public_id: z.string(), bytes: z.number(), version: z.coerce.number(), format: z.string().nullish() });
const page = z.object({ resources: z.array(resource), next_cursor: z.string().optional() });

/**
 * Public media at Cloudinary, delivered by its network. Only keys under `public/`. It keeps no archive, and takes uploads of others
 * as forms only, which the interface does not know: bytes come through the sidecar.
 */
export function createCloudinaryStorage(options: CloudinaryOptions): CloudinaryStorage {
	const { account, eager, only = 'public/', now = Date.now, sleep } = options;
	const folder = options.folder ? `${options.folder.replace(/^\/+|\/+$/g, '')}/` : '';
	const admin = `${(options.apiBaseUrl ?? 'https://api.cloudinary.com').replace(/\/+$/, '')}/v1_1/${account.cloud}`;
	const delivery = `${(options.deliveryBaseUrl ?? 'https://res.cloudinary.com').replace(/\/+$/, '')}/${account.cloud}`;
	const basic = `Basic ${Buffer.from(`${account.apiKey}:${account.apiSecret}`).toString('base64')}`;
	const api = createApi({ where: WHERE, authorize: () => Promise.resolve({ authorization: basic }), explain, sleep });
	const names = { folder, only };
	const place = (key: string) => placeOf(key, names);
	const signed = (parameters: Record<string, string>) => signParameters(account, { ...parameters, timestamp: String(Math.floor(now() / 1000)) });
	const stored = (key: string, { bytes, version }: z.infer<typeof resource>): StoredFile =>
		// A version is the second of its upload.
		({ key, bytes, modifiedAt: new Date(version * 1000) });
	let trustedUntil = 0;

	async function resourceOf(key: string): Promise<z.infer<typeof resource> | null> {
		const { type, publicId } = place(key);
		const action = `look at ${key}`;
		const answer = await api.send({ action, method: 'GET', url: `${admin}/resources/${type}/upload/${publicId}`, accepts: [404] });
		return answer.status === 404 ? null : read(resource, answer.body, action);
	}

	const uploading = (key: string, { publicId, type }: Place): Record<string, string> => ({
		public_id: publicId,
		type: 'upload',
		overwrite: 'true',
		invalidate: 'true',
		...(eager && type !== 'raw' && PREVIEWS.test(key) ? { eager, eager_async: 'true' } : {}),
	});

	/** What an upload answered, when it is what was meant. */
	async function checked(key: string, body: unknown, bytes: number): Promise<StoredFile> {
		const { publicId, format } = place(key);
		const made = read(resource, body, `write ${key}`);
		if (made.public_id === publicId && made.bytes === bytes && (format === null || made.format === format)) return stored(key, made);
		await remove(key);
		throw new PipelineError('storage_failed', `Cloudinary made something else of ${key}: ${made.bytes} of ${bytes} bytes, ${made.format ?? 'raw'}. Look for upload presets or incoming transformations in its settings.`);
	}

	async function putStream(key: string, stream: Readable, given: PutOptions = {}): Promise<StoredFile> {
		try {
			const where = place(key);
			const begun = Math.floor(now() / 1000);
			const { body, bytes } = await upload({
				api,
				url: `${admin}/${where.type}/upload`,
				key,
				stream,
				expected: given.bytes,
				parameters: () => signed(uploading(key, where)),
				async arrived(sent) {
					const found = await resourceOf(key).catch(() => null);
					return found && found.bytes === sent && found.version >= begun ? found : null;
				},
			});
			return await checked(key, body, bytes);
		} finally {
			stream.destroy();
		}
	}

	async function remove(key: string): Promise<void> {
		const { type, publicId } = place(key);
		const answer = await api.send({ action: `delete ${key}`, method: 'POST', url: `${admin}/${type}/destroy`, open: true, ...form(signed({ public_id: publicId, type: 'upload', invalidate: 'true' })) });
		read(z.object({ result: z.enum(['ok', 'not found']) }), answer.body, `delete ${key}`);
	}

	const missing = (key: string) => new PipelineError('not_found', `There is no stored file ${key}.`);

	return {
		name: 'cloudinary',
		publicOnly: true,
		async prepare() {
			if (now() < trustedUntil) return;
			await api.send({ action: 'answer to the key of CLOUDINARY_URL', method: 'GET', url: `${admin}/ping` });
			trustedUntil = now() + TRUSTED_MS;
		},
		putFile: async (key, localPath, given) => {
			place(key);
			return putLocalFile(putStream, key, localPath, given);
		},
		putStream,
		async read(key, range) {
			const found = await resourceOf(key);
			if (!found) throw missing(key);
			const url = `${delivery}/${deliveryPath(place(key), found.version)}`;
			return readWithResume({
				api,
				where: WHERE,
				key,
				range,
				// The version stands in the address: it is always the same file.
				open: (headers) => api.stream({ action: `read ${key}`, method: 'GET', accepts: [416], url, headers, open: true }),
				validatorOf: () => String(found.version),
			});
		},
		async head(key) {
			const found = await resourceOf(key);
			return found && stored(key, found);
		},
		delete: remove,
		async copy(from, to) {
			const found = await resourceOf(from);
			if (!found) throw missing(from);
			const where = place(to);
			const source = `${delivery}/${deliveryPath(place(from), found.version)}`;
			const answer = await api.send({ action: `copy ${from}`, method: 'POST', url: `${admin}/${where.type}/upload`, open: true, ...form(signed(uploading(to, where)), source) });
			return checked(to, answer.body, found.bytes);
		},
		async *list(prefix) {
			if (!prefix.startsWith(only) && !only.startsWith(prefix)) return;
			// Endings lie otherwise there: asked for by folder, looked at here.
			const below = folder + (prefix.startsWith(only) ? prefix.slice(0, prefix.lastIndexOf('/') + 1) : only);
			for (const type of RESOURCE_TYPES) {
				let cursor: string | undefined;
				do {
					const query = new URLSearchParams({ prefix: below, max_results: '500', ...(cursor ? { next_cursor: cursor } : {}) });
					const answer = await api.send({ action: 'list files', method: 'GET', url: `${admin}/resources/${type}/upload?${query}` });
					const found = read(page, answer.body, 'list files');
					for (const one of found.resources) {
						const key = keyOf(type, one.public_id, names);
						if (key?.startsWith(prefix)) yield stored(key, one);
					}
					cursor = found.next_cursor;
				} while (cursor);
			}
		},
		// Chunks of uploads that were not finished are no files, and nothing lists them.
		deleteUnfinished: () => Promise.resolve(),
		localPath: () => null,
		setClass: () => Promise.resolve(false),
		direct: () => null,
		multipart: () => null,
		publicUrl: (key, transformation) => `${delivery}/${deliveryPath(place(key), 1, place(key).type === 'raw' ? '' : transformation)}`,
	};
}

function read<T>(schema: z.ZodType<T>, body: unknown, action: string): T {
	const answer = schema.safeParse(body);
	if (answer.success) return answer.data;
	throw new PipelineError('storage_failed', `Cloudinary answered in an unknown form to ${action}.`, { cause: answer.error });
}

const refusal = z.object({ error: z.object({ message: z.string() }) });

function explain(status: number, text: string): PipelineError | undefined {
	const message = refusal.safeParse(parsed(text)).data?.error.message ?? '';
	const details = { status };
	if (status === 401 || status === 403) {
		return new PipelineError('storage_failed', 'Cloudinary refuses the key. Copy the "API environment variable" of Settings, API Keys into CLOUDINARY_URL once more.', { details });
	}
	const [, most] = /file size too large.*maximum is (\d+)/i.exec(message) ?? [];
	if (most) return new PipelineError('storage_full', `The file is larger than the plan at Cloudinary allows (${most} bytes). Choose a larger plan, or another PUBLIC_STORAGE.`, { details });
	if (/disabled|quota|credit/i.test(message)) {
		return new PipelineError('storage_full', 'The Cloudinary account has used up its plan, or is disabled. Look at its dashboard.', { details });
	}
	if (status === 400 && /invalid (image|video) file|unsupported (image|video) format/i.test(message)) {
		return new PipelineError('storage_failed', 'Cloudinary does not take this for the image or video that its name says.', { details });
	}
	return undefined;
}
