import { createHash } from 'node:crypto';
import { Emulator, formParts, Refusal, type Call, type EmulatorOptions } from './emulator.ts';
import { serveBytes } from './storedBytes.ts';

interface CloudinaryAsset {
	type: 'image' | 'video' | 'raw';
	publicId: string;
	format: string | null;
	bytes: Buffer;
	version: number;
	eager: string[];
}

interface ChunkedUpload {
	parts: Buffer[];
	length: number;
	/** Content-Range of each part that came, in order. */
	ranges: string[];
}

export interface CloudinaryEmulatorOptions extends EmulatorOptions {
	/** Largest file, bytes. Default 10 MB for raw files and images, 100 MB for videos, as in the free plan. */
	maxBytes?: number;
	/** Longest page of a list, whatever is asked for. Default 500. */
	pageSize?: number;
	/** Takes anything for the image or video that it is said to be: for tests that store texts under all kinds of names. */
	blind?: boolean;
}

/** "Each chunk must be larger than 5mb except the last one." */
const LEAST_CHUNK = 5 * 1024 * 1024;
/** "Signatures are valid for one hour." */
const SIGNATURE_SECONDS = 3600;
const UPLOAD_FIELDS = ['public_id', 'type', 'overwrite', 'invalidate', 'eager', 'eager_async', 'timestamp', 'api_key', 'signature', 'file'];
const DESTROY_FIELDS = ['public_id', 'type', 'invalidate', 'timestamp', 'api_key', 'signature'];

/** What the first bytes are; Cloudinary looks at them, never at the name. */
function formatOf(bytes: Buffer): { type: 'image' | 'video'; format: string } | null {
	const start = bytes.subarray(0, 16).toString('latin1');
	if (start.startsWith('\x89PNG')) return { type: 'image', format: 'png' };
	if (start.startsWith('\xff\xd8\xff')) return { type: 'image', format: 'jpg' };
	if (start.startsWith('GIF8')) return { type: 'image', format: 'gif' };
	if (start.startsWith('RIFF') && start.slice(8, 12) === 'WEBP') return { type: 'image', format: 'webp' };
	if (start.slice(4, 8) === 'ftyp') return start.slice(8, 12) === 'avif' ? { type: 'image', format: 'avif' } : { type: 'video', format: start.slice(8, 10) === 'qt' ? 'mov' : 'mp4' };
	if (start.startsWith('\x1aE\xdf\xa3')) return { type: 'video', format: 'webm' };
	return null;
}

/** A strict Cloudinary on loopback: Upload API, Admin API and delivery, on one port. */
export async function startCloudinaryEmulator(options: CloudinaryEmulatorOptions = {}) {
	const emulator = new Emulator(options);
	const { pageSize = 500 } = options;
	const account = { cloud: 'demo-cloud', apiKey: '123456789012345', apiSecret: 'abcd-EFGH_1234' };
	const assets = new Map<string, CloudinaryAsset>();
	const uploads = new Map<string, ChunkedUpload>();
	const state = { cutReadsAfter: 0, convertTo: '', adminCallsLeft: Infinity, loseBytes: false };
	let base = '';
	let lastVersion = 0;

	const refuse = (status: number, message: string, headers: Record<string, string> = {}): never => {
		throw new Refusal({ status, headers, body: { error: { message } } });
	};
	const typeOf = (call: Pick<Call, 'params'>): CloudinaryAsset['type'] => {
		const { type, cloud } = call.params;
		if (cloud !== account.cloud) refuse(401, `cloud_name mismatch`);
		return type === 'image' || type === 'video' || type === 'raw' ? type : refuse(400, `Invalid resource type ${type}`);
	};
	function admin(call: Pick<Call, 'headers' | 'params' | 'query'>, ...names: string[]): void {
		if (call.params.cloud !== account.cloud) refuse(401, 'cloud_name mismatch');
		if (call.headers.authorization !== `Basic ${Buffer.from(`${account.apiKey}:${account.apiSecret}`).toString('base64')}`) refuse(401, 'Invalid credentials');
		for (const name of Object.keys(call.query)) if (!names.includes(name)) refuse(400, `Unknown parameter ${name}`);
		if (state.adminCallsLeft <= 0) refuse(420, 'Rate Limit Exceeded. Limit of 500 api operations reached.', { 'x-featureratelimit-limit': '500', 'x-featureratelimit-reset': new Date(emulator.now() + 1_200_000).toUTCString() });
		state.adminCallsLeft -= 1;
	}
	/** The fields of a signed form, checked; `file` apart. */
	function signedForm(call: Call, allowed: readonly string[]): { fields: Record<string, string>; file: Buffer | string | null } {
		const parts = formParts(call) ?? refuse(400, 'The form cannot be read');
		const fields: Record<string, string> = {};
		let file: Buffer | string | null = null;
		for (const part of parts) {
			if (!allowed.includes(part.name)) refuse(400, `Unknown parameter ${part.name}`);
			if (part.name === 'file') file = part.fileName === null ? part.data.toString() : part.data;
			else fields[part.name] = part.data.toString();
		}
		const { api_key, signature, ...signed } = fields;
		if (api_key !== account.apiKey) refuse(401, 'Unknown API key');
		const text = Object.keys(signed).sort().map((name) => `${name}=${(signed[name] ?? '').replaceAll('&', '%26')}`).join('&');
		const right = ['sha1', 'sha256'].map((algorithm) => createHash(algorithm).update(text + account.apiSecret).digest('hex'));
		if (!signature || !right.includes(signature)) refuse(401, `Invalid Signature ${signature}. String to sign - '${text}'.`);
		if (Math.abs(Number(signed.timestamp) - emulator.now() / 1000) > SIGNATURE_SECONDS) refuse(400, 'Stale request - reported time is too long ago');
		if (signed.type !== undefined && signed.type !== 'upload') refuse(400, `This emulator has no type ${signed.type}`);
		return { fields, file };
	}
	const shown = ({ type, publicId, format, bytes, version }: CloudinaryAsset) => ({
		asset_id: createHash('md5').update(publicId).digest('hex'),
		public_id: publicId,
		...(format === null ? {} : { format }),
		version,
		resource_type: type,
		type: 'upload',
		created_at: new Date(version * 1000).toISOString(),
		bytes: bytes.length,
		secure_url: `${base}/${account.cloud}/${type}/upload/v${version}/${publicId}${format === null ? '' : `.${format}`}`,
	});
	function save(type: CloudinaryAsset['type'], fields: Record<string, string>, bytes: Buffer): CloudinaryAsset {
		if (bytes.length === 0) refuse(400, 'Empty file');
		const most = options.maxBytes ?? (type === 'video' ? 100 : 10) * 1024 * 1024;
		if (bytes.length > most) refuse(400, `File size too large. Got ${bytes.length}. Maximum is ${most}. Upgrade your plan to enjoy higher limits.`);
		const found = options.blind && type !== 'raw' ? { type, format: (fields.public_id?.split('-').at(-1) ?? '').replace('jpeg', 'jpg') } : formatOf(bytes);
		if (type !== 'raw' && found?.type !== type) refuse(400, `Invalid ${type} file`);
		const publicId = fields.public_id ?? refuse(400, 'This emulator wants a public_id');
		if (/^\/|\/$|[?&#%<>\\]/.test(publicId)) refuse(400, `public_id (${publicId}) is invalid`);
		const id = `${type}/${publicId}`;
		const existing = assets.get(id);
		if (existing && fields.overwrite === 'false') return existing;
		const asset = {
			type,
			publicId,
			format: type === 'raw' ? null : state.convertTo || (found?.format ?? null),
			bytes: state.loseBytes ? bytes.subarray(1) : bytes,
			// Two uploads in one second must differ.
			version: (lastVersion = Math.max(lastVersion + 1, Math.floor(emulator.now() / 1000))),
			eager: fields.eager ? fields.eager.split('|') : [],
		};
		assets.set(id, asset);
		return asset;
	}
	const copied = (address: string): Buffer => {
		const found = delivered(address.startsWith(`${base}/`) ? address.slice(base.length) : '');
		return found?.bytes ?? refuse(400, `Resource not found - ${address}`);
	};

	emulator.step('upload', 'post', '/v1_1/:cloud/:type/upload', (call) => {
		const type = typeOf(call);
		const { fields, file } = signedForm(call, UPLOAD_FIELDS);
		if (file === null) return refuse(400, 'Missing required parameter - file');
		const data = typeof file === 'string' ? copied(file) : file;
		const id = call.headers['x-unique-upload-id'];
		const range = call.headers['content-range'];
		if (!id && !range) return { status: 200, body: shown(save(type, fields, data)) };
		const [, first, last, total] = /^bytes (\d+)-(\d+)\/(-1|\d+)$/.exec(range ?? '') ?? [];
		if (!id || total === undefined) return refuse(400, 'Content-Range and X-Unique-Upload-Id belong together');
		if (Number(last) - Number(first) + 1 !== data.length) return refuse(400, 'Content-Range does not match the size of the chunk');
		const upload = uploads.get(id) ?? { parts: [], length: 0, ranges: [] };
		uploads.set(id, upload);
		const ends = total !== '-1' && Number(last) + 1 === Number(total);
		if (!ends && data.length <= LEAST_CHUNK) return refuse(400, 'All parts except EOF-chunk must be larger than 5mb');
		if (upload.ranges.at(-1) === range && upload.length === Number(last) + 1) upload.length -= upload.parts.pop()?.length ?? 0;
		else upload.ranges.push(range ?? '');
		if (Number(first) !== upload.length) return refuse(400, `Chunks are out of order: expected ${upload.length}`);
		upload.parts.push(data);
		upload.length += data.length;
		if (!ends) return { status: 200, body: { done: false, bytes: upload.length, public_id: fields.public_id } };
		uploads.delete(id);
		return { status: 200, body: { ...shown(save(type, fields, Buffer.concat(upload.parts))), done: true } };
	});
	emulator.step('destroy', 'post', '/v1_1/:cloud/:type/destroy', (call) => {
		const type = typeOf(call);
		const { fields } = signedForm(call, DESTROY_FIELDS);
		return { status: 200, body: { result: assets.delete(`${type}/${fields.public_id}`) ? 'ok' : 'not found' } };
	});
	emulator.step('ping', 'get', '/v1_1/:cloud/ping', (call) => {
		admin(call);
		return { status: 200, body: { status: 'ok' } };
	});
	emulator.step('list', 'get', '/v1_1/:cloud/resources/:type/upload', (call) => {
		admin(call, 'prefix', 'max_results', 'next_cursor');
		const type = typeOf(call);
		const most = Number(call.query.max_results ?? 10);
		if (!(most >= 1 && most <= 500)) return refuse(400, 'max_results must be 1 to 500');
		const after = Buffer.from(call.query.next_cursor ?? '', 'hex').toString();
		const found = [...assets.values()].filter((asset) => asset.type === type && asset.publicId.startsWith(call.query.prefix ?? '') && asset.publicId > after).sort((a, b) => (a.publicId < b.publicId ? -1 : 1));
		const items = found.slice(0, Math.min(most, pageSize));
		return { status: 200, body: { resources: items.map(shown), ...(found.length > items.length ? { next_cursor: Buffer.from(items.at(-1)?.publicId ?? '').toString('hex') } : {}) } };
	});
	emulator.step('resource', 'get', /^\/v1_1\/(?<cloud>[^/]+)\/resources\/(?<type>[^/]+)\/upload\/(?<id>.+)$/, (call) => {
		admin(call, 'max_results');
		const asset = assets.get(`${typeOf(call)}/${call.params.id}`);
		return asset ? { status: 200, body: { ...shown(asset), derived: [] } } : refuse(404, `Resource not found - ${call.params.id}`);
	});

	/** What an address of delivery names. */
	function delivered(path: string): CloudinaryAsset | undefined {
		const [, type = '', rest = ''] = new RegExp(`^/${account.cloud}/(image|video|raw)/upload/(?:[a-z]+_[^/]+/)*v\\d+/(.+)$`).exec(path) ?? [];
		if (type === 'raw') return assets.get(`raw/${rest}`);
		const [, id = '', format] = /^(.+)\.(\w+)$/.exec(rest) ?? [];
		const asset = assets.get(`${type}/${id}`);
		// Another format would be a conversion: other bytes.
		return asset && asset.format === format ? asset : undefined;
	}
	emulator.step('deliver', 'get', /^\/demo-cloud\/.+$/, (call) => {
		const asset = delivered(call.url);
		if (!asset) return { status: 404, headers: { 'x-cld-error': 'Resource not found' } };
		const cutAfter = state.cutReadsAfter || undefined;
		state.cutReadsAfter = 0;
		return serveBytes(asset.bytes, call.headers.range, { 'content-type': 'application/octet-stream', 'cache-control': 'public, max-age=2592000' }, cutAfter);
	});

	base = await emulator.listen(options.port);
	return {
		/** CLOUDINARY_API_BASE_URL and CLOUDINARY_DELIVERY_BASE_URL */
		url: base,
		account,
		/** CLOUDINARY_URL */
		cloudinaryUrl: `cloudinary://${account.apiKey}:${account.apiSecret}@${account.cloud}`,
		assets,
		state,
		fail: emulator.fail.bind(emulator),
		hold: emulator.hold.bind(emulator),
		count: emulator.count.bind(emulator),
		calls: emulator.calls,
		close: () => emulator.close(),
	};
}

export type CloudinaryEmulator = Awaited<ReturnType<typeof startCloudinaryEmulator>>;
