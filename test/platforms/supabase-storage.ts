import { createHash, createHmac, randomUUID } from 'node:crypto';
import { Emulator, jsonObject, Refusal, type Answer, type Call, type EmulatorOptions } from './emulator.ts';
import { serveBytes } from './storedBytes.ts';

interface SupabaseObject {
	id: string;
	bytes: Buffer;
	mime: string;
	updated: Date;
}

interface TusUpload {
	key: string;
	mime: string;
	upsert: boolean;
	/** Null: told later. */
	length: number | null;
	bytes: Buffer;
	done: boolean;
}

export interface SupabaseEmulatorOptions extends EmulatorOptions {
	bucket?: string;
	public?: boolean;
	/** Largest file, bytes. Default 50 MB, as a new project has it. */
	fileSizeLimit?: number;
}

/** "It must be set to 6MB" ("Resumable Uploads"). */
const CHUNK_BYTES = 6 * 1024 * 1024;
/** A strict Supabase Storage on loopback: its own API and its tus endpoint, with keys that are JWTs. */
export async function startSupabaseEmulator(options: SupabaseEmulatorOptions = {}) {
	const emulator = new Emulator(options);
	const { bucket = 'media', fileSizeLimit = 50 * 1024 * 1024 } = options;
	const secret = 'super-secret-jwt-token-with-at-least-32-characters-long';
	const objects = new Map<string, SupabaseObject>();
	const uploads = new Map<string, TusUpload>();
	const state = { cutReadsAfter: 0, loseBytes: false };
	let base = '';

	const refuse = (status: number, statusCode: string, error: string, message: string): never => {
		throw new Refusal({ status, body: { statusCode, error, message } });
	};
	const notFound = (): never => refuse(400, '404', 'not_found', 'Object not found');
	const invalid = (message: string): never => refuse(400, '400', 'InvalidRequest', message);
	const text = (status: number, body: string): never => {
		throw new Refusal({ status, headers: { 'content-type': 'text/plain' }, body });
	};

	const jwt = (claims: object) => {
		const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
		const unsigned = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`;
		return `${unsigned}.${createHmac('sha256', secret).update(unsigned).digest('base64url')}`;
	};
	function verified(token: string): Record<string, unknown> | null {
		const [head = '', claims = '', signature] = token.split('.');
		if (createHmac('sha256', secret).update(`${head}.${claims}`).digest('base64url') !== signature) return null;
		const read = JSON.parse(Buffer.from(claims, 'base64url').toString()) as Record<string, unknown>;
		return typeof read.exp === 'number' && read.exp * 1000 < emulator.now() ? null : read;
	}
	function authorized({ headers }: Pick<Call, 'headers'>): void {
		const bearer = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1] ?? '';
		if (!headers.apikey) return refuse(401, '401', 'Unauthorized', 'No API key found in request');
		const claims = verified(bearer);
		if (!claims) return refuse(400, '403', 'Unauthorized', 'invalid signature');
		if (claims.role !== 'service_role') refuse(400, '403', 'Unauthorized', 'new row violates row-level security policy');
	}
	function inBucket(name: string | undefined): void {
		if (name !== bucket) refuse(400, '404', 'Bucket not found', 'Bucket not found');
	}
	const keyOf = ({ params }: Pick<Call, 'params'>): string => {
		inBucket(params.bucket);
		return params.key ?? '';
	};
	const objectOf = (key: string): SupabaseObject => objects.get(key) ?? notFound();
	function fields(call: Call, ...names: string[]): Record<string, unknown> {
		const given = jsonObject(call) ?? invalid('body must be object');
		for (const name of Object.keys(given)) if (!names.includes(name)) invalid(`body must NOT have additional properties: ${name}`);
		return given;
	}
	function save(key: string, bytes: Buffer, mime: string, upsert: boolean): SupabaseObject {
		if (!/^[\w/!\-.*'() &$@=;:+,?]+$/.test(key) || key.split('/').includes('')) invalid(`Invalid key: ${key}`);
		if (objects.has(key) && !upsert) refuse(400, '409', 'Duplicate', 'The resource already exists');
		const object = { id: randomUUID(), bytes: state.loseBytes ? bytes.subarray(1) : bytes, mime, updated: new Date(emulator.now()) };
		objects.set(key, object);
		return object;
	}
	function tooLarge(bytes: number): void {
		if (bytes > fileSizeLimit) refuse(400, '413', 'Payload too large', 'The object exceeded the maximum allowed size');
	}
	const etagOf = (bytes: Buffer) => `"${createHash('md5').update(bytes).digest('hex')}"`;
	const at = (path: string) => new RegExp(`^/storage/v1${path}`);
	const serve = (object: SupabaseObject, call: Call, headers: Record<string, string> = {}): Answer => {
		const cutAfter = state.cutReadsAfter || undefined;
		state.cutReadsAfter = 0;
		return serveBytes(object.bytes, call.headers.range, { 'content-type': object.mime, etag: etagOf(object.bytes), ...headers }, cutAfter);
	};

	emulator.step('bucket', 'get', '/storage/v1/bucket/:bucket', (call) => {
		authorized(call);
		inBucket(call.params.bucket);
		return { status: 200, body: { id: bucket, name: bucket, public: options.public ?? false, file_size_limit: null, allowed_mime_types: null } };
	});
	emulator.step('info', 'get', at('/object/info/(?<bucket>[^/]+)/(?<key>.+)$'), (call) => {
		authorized(call);
		const key = keyOf(call);
		const { id, bytes, mime, updated } = objectOf(key);
		return { status: 200, body: { id, name: key, bucket_id: bucket, size: bytes.length, content_type: mime, cache_control: 'max-age=3600', etag: etagOf(bytes), metadata: {}, last_modified: updated.toISOString(), created_at: updated.toISOString() } };
	});
	emulator.step('read', 'get', at('/object/authenticated/(?<bucket>[^/]+)/(?<key>.+)$'), (call) => {
		authorized(call);
		return serve(objectOf(keyOf(call)), call);
	});
	emulator.step('list', 'post', '/storage/v1/object/list/:bucket', (call) => {
		authorized(call);
		inBucket(call.params.bucket);
		const { prefix = '', limit = 100, offset = 0, sortBy } = fields(call, 'prefix', 'limit', 'offset', 'sortBy', 'search') as { prefix?: string; limit?: number; offset?: number; sortBy?: { column: string } };
		if (limit > 1000 || (sortBy && sortBy.column !== 'name')) invalid('limit or sortBy');
		const folder = prefix && !prefix.endsWith('/') ? `${prefix}/` : prefix;
		const names = new Map<string, SupabaseObject | null>();
		for (const [key, object] of objects) {
			if (!key.startsWith(folder)) continue;
			const [name = '', ...deeper] = key.slice(folder.length).split('/');
			names.set(name, deeper.length > 0 ? null : object);
		}
		const rows = [...names].sort(([a], [b]) => (a < b ? -1 : 1)).slice(offset, offset + limit);
		return {
			status: 200,
			body: rows.map(([name, object]) =>
				object
					? { name, id: object.id, updated_at: object.updated.toISOString(), created_at: object.updated.toISOString(), metadata: { eTag: etagOf(object.bytes), size: object.bytes.length, mimetype: object.mime, lastModified: object.updated.toISOString() } }
					: { name, id: null, updated_at: null, created_at: null, metadata: null },
			),
		};
	});
	emulator.step('delete', 'delete', '/storage/v1/object/:bucket', (call) => {
		authorized(call);
		inBucket(call.params.bucket);
		const { prefixes } = fields(call, 'prefixes');
		if (!Array.isArray(prefixes) || prefixes.length < 1 || prefixes.length > 1000) return invalid('body/prefixes');
		return { status: 200, body: prefixes.filter((key) => objects.delete(String(key))).map((name) => ({ name: String(name), bucket_id: bucket })) };
	});
	emulator.step('copy', 'post', '/storage/v1/object/copy', (call) => {
		authorized(call);
		const { bucketId, sourceKey, destinationKey } = fields(call, 'bucketId', 'sourceKey', 'destinationKey') as Record<string, string>;
		inBucket(bucketId);
		const source = objectOf(sourceKey ?? '');
		save(destinationKey ?? '', source.bytes, source.mime, call.headers['x-upsert'] === 'true');
		return { status: 200, body: { Key: `${bucket}/${destinationKey}` } };
	});
	emulator.step('sign', 'post', at('/object/sign/(?<bucket>[^/]+)/(?<key>.+)$'), (call) => {
		authorized(call);
		const key = keyOf(call);
		objectOf(key);
		const { expiresIn } = fields(call, 'expiresIn');
		if (typeof expiresIn !== 'number' || expiresIn < 1) return invalid('body/expiresIn must be >= 1');
		const token = jwt({ url: `${bucket}/${key}`, exp: Math.floor(emulator.now() / 1000) + expiresIn });
		return { status: 200, body: { signedURL: `/object/sign/${bucket}/${key}?token=${token}` } };
	});
	emulator.step('signed read', 'get', at('/object/sign/(?<bucket>[^/]+)/(?<key>.+)$'), (call) => {
		const key = keyOf(call);
		if (verified(call.query.token ?? '')?.url !== `${bucket}/${key}`) return refuse(400, '400', 'InvalidJWT', '"exp" claim timestamp check failed');
		return serve(objectOf(key), call, call.query.download === undefined ? {} : { 'content-disposition': `attachment; filename=${encodeURIComponent(call.query.download)};` });
	});
	const tus = (call: Pick<Call, 'headers'>) => {
		authorized(call);
		if (call.headers['tus-resumable'] !== '1.0.0') text(412, 'Tus-Resumable Required');
	};
	const common = { 'tus-resumable': '1.0.0' };
	emulator.step('begin', 'post', '/storage/v1/upload/resumable', (call) => {
		tus(call);
		const { 'upload-length': length, 'upload-defer-length': defer, 'upload-metadata': metadata = '' } = call.headers;
		if ((length === undefined) === (defer === undefined) || (defer !== undefined && defer !== '1')) text(400, 'Upload-Length or Upload-Defer-Length header required');
		const given = Object.fromEntries(metadata.split(',').map((pair): [string, string] => [pair.split(' ')[0] ?? '', Buffer.from(pair.split(' ')[1] ?? '', 'base64').toString()]));
		for (const name of Object.keys(given)) if (!['bucketName', 'objectName', 'contentType', 'cacheControl', 'metadata'].includes(name)) text(400, `Unknown metadata ${name}`);
		if (given.bucketName !== bucket) text(404, 'Bucket not found');
		if (length !== undefined && Number(length) > fileSizeLimit) text(413, 'Maximum size exceeded');
		const id = Buffer.from(`${bucket}/${given.objectName}/${randomUUID()}`).toString('base64url');
		uploads.set(id, { key: given.objectName ?? '', mime: given.contentType ?? 'application/octet-stream', upsert: call.headers['x-upsert'] === 'true', length: length === undefined ? null : Number(length), bytes: Buffer.alloc(0), done: false });
		// As behind a proxy that does not tell of itself.
		return { status: 201, headers: { ...common, location: `http://storage.internal/storage/v1/upload/resumable/${id}` } };
	});
	const uploadOf = (call: Pick<Call, 'params'>): TusUpload => uploads.get(call.params.id ?? '') ?? text(404, 'The file for this url was not found');
	const progress = ({ bytes, length }: TusUpload) => ({ ...common, 'upload-offset': String(bytes.length), ...(length === null ? { 'upload-defer-length': '1' } : { 'upload-length': String(length) }) });
	emulator.stream('chunk', 'patch', '/storage/v1/upload/resumable/:id', async (call) => {
		tus(call);
		const upload = uploadOf(call);
		if (call.headers['content-type'] !== 'application/offset+octet-stream') return text(415, 'Unsupported Media Type');
		if (Number(call.headers['upload-offset']) !== upload.bytes.length || upload.done) return text(409, 'Upload-Offset conflict');
		const told = call.headers['upload-length'];
		if (told !== undefined && upload.length !== null) return text(400, 'Upload-Length was told before');
		if (told !== undefined) upload.length = Number(told);
		if (upload.length !== null && upload.length > fileSizeLimit) return text(413, 'Maximum size exceeded');
		const before = upload.bytes;
		const taken = [before];
		try {
			for await (const piece of call.chunks) taken.push(Buffer.from(piece));
		} finally {
			upload.bytes = Buffer.concat(taken);
		}
		const ends = upload.bytes.length === upload.length;
		if (upload.bytes.length > (upload.length ?? fileSizeLimit)) {
			upload.bytes = before;
			return text(413, 'Maximum size exceeded');
		}
		// What a broken connection left is filled up to the next whole chunk.
		if (!ends && upload.bytes.length % CHUNK_BYTES !== 0) return text(400, 'Chunks must have 6 MB.');
		if (ends) {
			save(upload.key, upload.bytes, upload.mime, upload.upsert);
			upload.done = true;
		}
		return { status: 204, headers: progress(upload) };
	});
	emulator.step('offset', 'head', '/storage/v1/upload/resumable/:id', (call) => {
		tus(call);
		return { status: 200, headers: { ...progress(uploadOf(call)), 'cache-control': 'no-store' } };
	});
	emulator.step('cancel', 'delete', '/storage/v1/upload/resumable/:id', (call) => {
		tus(call);
		if (uploadOf(call).done) return text(400, 'The upload is finished');
		uploads.delete(call.params.id ?? '');
		return { status: 204, headers: common };
	});

	/** After everything else that begins with /object/. */
	emulator.step('put', 'post', at('/object/(?<bucket>[^/]+)/(?<key>.+)$'), (call) => {
		authorized(call);
		const key = keyOf(call);
		tooLarge(call.body.length);
		if (!call.headers['content-type']) return refuse(400, '415', 'invalid_mime_type', 'mime type is not supported');
		const { id } = save(key, call.body, call.headers['content-type'], call.headers['x-upsert'] === 'true');
		return { status: 200, body: { Id: id, Key: `${bucket}/${key}` } };
	});

	base = await emulator.listen(options.port);
	return {
		/** SUPABASE_URL */
		url: base,
		bucket,
		objects,
		openUploads: () => [...uploads.values()].filter(({ done }) => !done).map(({ key }) => key),
		state,
		/** SUPABASE_SERVICE_KEY */
		serviceKey: jwt({ iss: 'supabase', role: 'service_role', exp: 4_000_000_000 }),
		anonKey: jwt({ iss: 'supabase', role: 'anon', exp: 4_000_000_000 }),
		fail: emulator.fail.bind(emulator),
		hold: emulator.hold.bind(emulator),
		count: emulator.count.bind(emulator),
		calls: emulator.calls,
		close: () => emulator.close(),
	};
}

export type SupabaseEmulator = Awaited<ReturnType<typeof startSupabaseEmulator>>;
