import { createHash, createVerify, generateKeyPairSync, randomUUID } from 'node:crypto';
import { Emulator, jsonObject, Refusal, type Answer, type Call, type EmulatorOptions, type StreamCall } from './emulator.ts';
import { crc32cOf } from './crc32cOf.ts';
import { serveBytes } from './storedBytes.ts';

export interface GcsObject {
	bytes: Buffer;
	crc32c: string;
	contentType: string;
	storageClass: string;
	generation: number;
	updated: Date;
}

interface Session {
	name: string;
	contentType: string;
	storageClass: string;
	/** What has arrived. */
	parts: Buffer[];
	length: number;
	gone: boolean;
	/** What became of it: told again to whoever asks ("Check the status of a resumable upload"). */
	made: object | null;
}

export interface GcsEmulatorOptions extends EmulatorOptions {
	bucket?: string;
	/** What the service account may do. */
	permissions?: string[];
	/** Longest page of a list, whatever is asked for. Default 1000. */
	pageSize?: number;
	/** Calls that a rewrite takes. Default 1. */
	rewriteCalls?: number;
}

const ALL = ['create', 'delete', 'get', 'list'].map((action) => `storage.objects.${action}`);
const SCOPE = 'https://www.googleapis.com/auth/devstorage.read_write';
const CLASSES = ['STANDARD', 'NEARLINE', 'COLDLINE', 'ARCHIVE'];
/** Of every chunk but the last ("Resumable uploads"). */
const CHUNK_UNIT = 262_144;

/** A strict Google Cloud Storage on loopback: JSON API v1, resumable uploads, signed addresses of the XML API, tokens of service accounts. */
export async function startGcsEmulator(options: GcsEmulatorOptions = {}) {
	const emulator = new Emulator(options);
	const { bucket = 'media-bucket', permissions = ALL, pageSize = 1000, rewriteCalls = 1 } = options;
	const email = 'sidecar@demo-project.iam.gserviceaccount.com';
	const keys = generateKeyPairSync('rsa', { modulusLength: 2048, publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } });
	const objects = new Map<string, GcsObject>();
	const sessions = new Map<string, Session>();
	const tokens = new Map<string, number>();
	const rewrites = new Map<string, number>();
	const state = { keyRevoked: false, damageUploads: false, damageReads: false, cutReadsAfter: 0, ignoreChecksums: false, sessionHost: '' };
	let generation = 1_700_000_000_000_000;
	let base = '';

	const refuse = (status: number, reason: string, message: string): never => {
		throw new Refusal({ status, body: { error: { code: status, message, errors: [{ message, domain: 'global', reason }] } } });
	};
	const invalid = (message: string): never => refuse(400, 'invalid', message);
	const only = (call: Pick<Call, 'query'>, ...names: string[]) => {
		for (const name of Object.keys(call.query)) if (!names.includes(name)) invalid(`Unknown query parameter ${name}`);
	};
	function authorized(call: Pick<Call, 'headers'>): void {
		const token = /^Bearer (.+)$/.exec(call.headers.authorization ?? '')?.[1] ?? '';
		if ((tokens.get(token) ?? 0) < emulator.now()) refuse(401, 'authError', 'Invalid Credentials');
	}
	function inBucket(call: Pick<Call, 'params'>): void {
		if (call.params.bucket !== bucket) refuse(404, 'notFound', 'The specified bucket does not exist.');
	}
	const objectOf = (name: string): GcsObject => objects.get(name) ?? refuse(404, 'notFound', `No such object: ${bucket}/${name}`);
	const resource = (name: string, object: GcsObject) => ({
		name,
		size: String(object.bytes.length),
		updated: object.updated.toISOString(),
		crc32c: object.crc32c,
		storageClass: object.storageClass,
	});
	function save(name: string, bytes: Buffer, contentType: string, storageClass: string, crc32c = crc32cOf(bytes)): GcsObject {
		if (Buffer.byteLength(name) > 1024 || name.length === 0) invalid('The specified object name is not valid.');
		const object = { bytes, crc32c, contentType, storageClass, generation: (generation += 7), updated: new Date(emulator.now()) };
		objects.set(name, object);
		return object;
	}

	emulator.step('token', 'post', '/token', ({ headers, body }) => {
		const fail = (error: string, description: string): never => {
			throw new Refusal({ status: 400, body: { error, error_description: description } });
		};
		if (!headers['content-type']?.startsWith('application/x-www-form-urlencoded')) fail('invalid_request', 'Wrong content type.');
		const form = Object.fromEntries(new URLSearchParams(body.toString()));
		if (form.grant_type !== 'urn:ietf:params:oauth:grant-type:jwt-bearer') fail('unsupported_grant_type', 'Invalid grant_type');
		const [head = '', claims = '', signature = ''] = (form.assertion ?? '').split('.');
		const json = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString() || 'null') as Record<string, unknown>;
		if (json(head).alg !== 'RS256') fail('invalid_grant', 'Invalid JWT: alg.');
		if (state.keyRevoked || !createVerify('sha256').update(`${head}.${claims}`).verify(keys.publicKey, signature, 'base64url')) fail('invalid_grant', 'Invalid JWT Signature.');
		const { iss, scope, aud, iat, exp } = json(claims);
		const now = emulator.now() / 1000;
		if (iss !== email || aud !== `${base}/token` || scope !== SCOPE) fail('invalid_grant', 'Invalid JWT: iss, aud or scope.');
		if (typeof iat !== 'number' || typeof exp !== 'number' || Math.abs(iat - now) > 300 || exp <= now || exp - iat > 3600) fail('invalid_grant', 'Invalid JWT: Token must be a short-lived token.');
		const token = `ya29.${randomUUID()}`;
		tokens.set(token, emulator.now() + 3_600_000);
		return { status: 200, body: { access_token: token, expires_in: 3600, token_type: 'Bearer' } };
	});

	emulator.step('permissions', 'get', '/storage/v1/b/:bucket/iam/testPermissions', (call) => {
		authorized(call);
		inBucket(call);
		const asked = new URL(call.url, base).searchParams.getAll('permissions');
		if (asked.length === 0) invalid('Required parameter: permissions');
		return { status: 200, body: { kind: 'storage#testIamPermissionsResponse', permissions: asked.filter((one) => permissions.includes(one)) } };
	});

	function openSession(name: string, contentType = 'application/octet-stream', storageClass = 'STANDARD'): string {
		const id = randomUUID();
		sessions.set(id, { name, contentType, storageClass, parts: [], length: 0, gone: false, made: null });
		return `${state.sessionHost || base}/upload/storage/v1/b/${bucket}/o?uploadType=resumable&upload_id=${id}`;
	}
	emulator.step('begin', 'post', '/upload/storage/v1/b/:bucket/o', (call) => {
		authorized(call);
		inBucket(call);
		only(call, 'uploadType', 'name', 'fields');
		if (call.query.uploadType !== 'resumable') invalid('This emulator only takes resumable uploads.');
		const given = jsonObject(call) ?? invalid('The body is no JSON object.');
		for (const name of Object.keys(given)) if (!['name', 'contentType', 'storageClass'].includes(name)) invalid(`Unknown field ${name}`);
		const { name = call.query.name, contentType = 'application/octet-stream', storageClass = 'STANDARD' } = given as Record<string, string>;
		if (!name || (call.query.name && name !== call.query.name)) invalid('Required: one name.');
		if (!CLASSES.includes(storageClass)) invalid(`Invalid storage class ${storageClass}`);
		if (!permissions.includes('storage.objects.create')) refuse(403, 'forbidden', `${email} does not have storage.objects.create access.`);
		return { status: 200, headers: { location: openSession(name ?? '', contentType, storageClass) } };
	});

	function sessionOf(call: Pick<Call, 'query'>): Session {
		const session = sessions.get(call.query.upload_id ?? '');
		if (!session) return refuse(404, 'notFound', 'No such upload.');
		if (session.gone) return refuse(410, 'gone', 'This upload was given up.');
		return session;
	}
	const more = ({ length }: Session): Answer => ({ status: 308, headers: length > 0 ? { range: `bytes=0-${length - 1}` } : {} });
	function finish(call: Pick<StreamCall, 'headers' | 'query'>, session: Session): Answer {
		const whole = Buffer.concat(session.parts.splice(0));
		const bytes = state.damageUploads ? Buffer.concat([Buffer.from('x'), whole.subarray(1)]) : whole;
		const told = /^crc32c=(\S+)$/.exec(call.headers['x-goog-hash'] ?? '')?.[1];
		const right = crc32cOf(bytes);
		if (told && told !== right && !state.ignoreChecksums) {
			sessions.delete(call.query.upload_id ?? '');
			return refuse(400, 'invalid', `Provided CRC32C "${told}" doesn't match calculated CRC32C "${right}".`);
		}
		session.made = resource(session.name, save(session.name, bytes, session.contentType, session.storageClass, right));
		return { status: 200, body: session.made };
	}
	emulator.stream('chunk', 'put', '/upload/storage/v1/b/:bucket/o', async (call) => {
		const session = sessionOf(call);
		const [, range, first, last, total] = /^bytes (?:(\*)|(\d+)-(\d+))\/(\*|\d+)$/.exec(call.headers['content-range'] ?? '') ?? [];
		if (total === undefined) return invalid('Content-Range is missing or malformed.');
		if (session.made) return { status: 200, body: session.made };
		if (range === '*') return total !== '*' && Number(total) === session.length ? finish(call, session) : more(session);
		const [start, end] = [Number(first), Number(last)];
		if (start !== session.length) return refuse(503, 'backendError', 'Invalid request. This chunk does not follow what has arrived.');
		const taken: Buffer[] = [];
		let length = 0;
		try {
			for await (const piece of call.chunks) {
				taken.push(Buffer.from(piece));
				length += piece.length;
			}
		} catch (error) {
			// What has arrived is kept in whole units.
			const kept = length - (length % CHUNK_UNIT);
			session.parts.push(Buffer.concat(taken).subarray(0, kept));
			session.length += kept;
			throw error;
		}
		if (length !== end - start + 1) return invalid(`Content-Range promises ${end - start + 1} bytes, ${length} came.`);
		if (total === '*' && (end + 1) % CHUNK_UNIT !== 0) return invalid('Chunks must be multiples of 256 KiB.');
		session.parts.push(...taken);
		session.length += length;
		return total === '*' || session.length < Number(total) ? more(session) : finish(call, session);
	});
	emulator.step('cancel', 'delete', '/upload/storage/v1/b/:bucket/o', (call) => {
		sessionOf(call).gone = true;
		return { status: 499 };
	});

	emulator.step('list', 'get', '/storage/v1/b/:bucket/o', (call) => {
		authorized(call);
		inBucket(call);
		only(call, 'prefix', 'pageToken', 'fields', 'maxResults');
		const after = Buffer.from(call.query.pageToken ?? '', 'base64').toString();
		const found = [...objects.keys()].filter((name) => name.startsWith(call.query.prefix ?? '') && name > after).sort();
		const items = found.slice(0, pageSize);
		const next = found.length > items.length ? { nextPageToken: Buffer.from(items.at(-1) ?? '').toString('base64') } : {};
		return { status: 200, body: { ...(items.length > 0 ? { items: items.map((name) => resource(name, objectOf(name))) } : {}), ...next } };
	});
	emulator.step('object', 'get', '/storage/v1/b/:bucket/o/:object', (call) => {
		authorized(call);
		inBucket(call);
		only(call, 'alt', 'fields', 'generation');
		const name = call.params.object ?? '';
		const object = objectOf(name);
		if (call.query.generation && Number(call.query.generation) !== object.generation) return refuse(404, 'notFound', 'No such generation.');
		if (call.query.alt !== 'media') return { status: 200, body: resource(name, object) };
		const bytes = state.damageReads ? Buffer.concat([Buffer.from('x'), object.bytes.subarray(1)]) : object.bytes;
		const cutAfter = state.cutReadsAfter || undefined;
		state.cutReadsAfter = 0;
		const headers = { 'content-type': object.contentType, 'x-goog-generation': String(object.generation), 'x-goog-hash': `crc32c=${object.crc32c}` };
		return serveBytes(bytes, call.headers.range, headers, cutAfter);
	});
	emulator.step('delete', 'delete', '/storage/v1/b/:bucket/o/:object', (call) => {
		authorized(call);
		inBucket(call);
		only(call);
		objectOf(call.params.object ?? '');
		objects.delete(call.params.object ?? '');
		return { status: 204 };
	});
	emulator.step('rewrite', 'post', '/storage/v1/b/:bucket/o/:object/rewriteTo/b/:toBucket/o/:to', (call) => {
		authorized(call);
		inBucket(call);
		only(call, 'rewriteToken', 'fields');
		const given = jsonObject(call) ?? invalid('The body is no JSON object.');
		for (const name of Object.keys(given)) if (!['storageClass', 'contentType'].includes(name)) invalid(`Unknown field ${name}`);
		const source = objectOf(call.params.object ?? '');
		const storageClass = typeof given.storageClass === 'string' ? given.storageClass : source.storageClass;
		if (!CLASSES.includes(storageClass)) return invalid(`Invalid storage class ${storageClass}`);
		const token = call.query.rewriteToken ?? randomUUID();
		if (call.query.rewriteToken && !rewrites.has(token)) return invalid('Unknown rewriteToken.');
		const calls = (rewrites.get(token) ?? 0) + 1;
		rewrites.set(token, calls);
		if (calls < rewriteCalls) return { status: 200, body: { kind: 'storage#rewriteResponse', done: false, rewriteToken: token } };
		const made = save(call.params.to ?? '', source.bytes, source.contentType, storageClass);
		return { status: 200, body: { kind: 'storage#rewriteResponse', done: true, resource: resource(call.params.to ?? '', made) } };
	});

	/** The signature of an address of the XML API, checked as "V4 signing process" describes it. */
	function signedFor(call: Pick<Call, 'url' | 'headers'>, method: string): void {
		const deny = (code: string): never => {
			throw new Refusal({ status: code === 'ExpiredToken' ? 400 : 403, headers: { 'content-type': 'application/xml' }, body: `<?xml version='1.0'?><Error><Code>${code}</Code></Error>` });
		};
		const [path = '', query = ''] = call.url.split('?');
		const pairs = query.split('&').map((pair): [string, string] => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]);
		const value = (name: string) => decodeURIComponent(pairs.find(([given]) => given === name)?.[1] ?? '');
		const time = value('X-Goog-Date');
		const scope = `${time.slice(0, 8)}/auto/storage/goog4_request`;
		if (value('X-Goog-Algorithm') !== 'GOOG4-RSA-SHA256' || value('X-Goog-Credential') !== `${email}/${scope}`) deny('InvalidArgument');
		const begins = Date.parse(time.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
		const seconds = Number(value('X-Goog-Expires'));
		if (!(seconds >= 1 && seconds <= 604_800) || Number.isNaN(begins)) deny('InvalidArgument');
		if (emulator.now() > begins + seconds * 1000) deny('ExpiredToken');
		const names = value('X-Goog-SignedHeaders').split(';');
		if (!names.includes('host') || names.join() !== [...names].sort().join()) deny('InvalidArgument');
		// A header of Google that is sent must be signed.
		for (const name of Object.keys(call.headers)) if (name.startsWith('x-goog-') && !names.includes(name)) deny('SignatureDoesNotMatch');
		const canonicalQuery = pairs.filter(([name]) => name !== 'X-Goog-Signature').sort(([a], [b]) => (a < b ? -1 : 1));
		const canonical = [method, path, canonicalQuery.map((pair) => pair.join('=')).join('&'), ...names.map((name) => `${name}:${(call.headers[name] ?? '').trim()}`), '', names.join(';'), 'UNSIGNED-PAYLOAD'].join('\n');
		const text = ['GOOG4-RSA-SHA256', time, scope, createHash('sha256').update(canonical).digest('hex')].join('\n');
		if (!createVerify('sha256').update(text).verify(keys.publicKey, value('X-Goog-Signature'), 'hex')) deny('SignatureDoesNotMatch');
	}
	const xmlPath = new RegExp(`^/${bucket}/(?<object>.+)$`);
	emulator.step('signed get', 'get', xmlPath, (call) => {
		signedFor(call, 'GET');
		const object = objects.get(call.params.object ?? '');
		if (!object) return { status: 404, headers: { 'content-type': 'application/xml' }, body: "<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>" };
		const { 'response-content-type': type = object.contentType, 'response-content-disposition': disposition } = call.query;
		return serveBytes(object.bytes, call.headers.range, { 'content-type': type, ...(disposition ? { 'content-disposition': disposition } : {}) });
	});
	emulator.step('signed put', 'put', xmlPath, (call) => {
		signedFor(call, 'PUT');
		const [least, most] = (call.headers['x-goog-content-length-range'] ?? '0,5497558138880').split(',').map(Number);
		if (call.body.length < (least ?? 0) || call.body.length > (most ?? 0)) return { status: 400, headers: { 'content-type': 'application/xml' }, body: "<?xml version='1.0'?><Error><Code>EntityTooLarge</Code></Error>" };
		save(call.params.object ?? '', call.body, call.headers['content-type'] ?? 'application/octet-stream', 'STANDARD');
		return { status: 200 };
	});

	base = await emulator.listen(options.port);
	return {
		url: base,
		bucket,
		email,
		objects,
		/** Uploads that have begun and not ended. */
		openSessions: () => [...sessions.values()].filter(({ gone, made }) => !gone && !made).map(({ name }) => name),
		/** Address of an upload that has begun. */
		openSession: (name: string) => openSession(name),
		state,
		/** Every token given out so far is refused from now on. */
		revokeTokens: () => tokens.clear(),
		/** GCS_CREDENTIALS */
		credentials: JSON.stringify({ type: 'service_account', project_id: 'demo-project', private_key_id: 'k1', private_key: keys.privateKey, client_email: email, token_uri: `${base}/token` }),
		fail: emulator.fail.bind(emulator),
		hold: emulator.hold.bind(emulator),
		count: emulator.count.bind(emulator),
		calls: emulator.calls,
		close: () => emulator.close(),
	};
}

export type GcsEmulator = Awaited<ReturnType<typeof startGcsEmulator>>;
