import { createHash, randomBytes, type Hash } from 'node:crypto';
import { jsonObject, sha256, type Answer, type Call, type Emulator, type StoredMedia } from './emulator.ts';

export type LinkedInMediaKind = 'image' | 'document' | 'video';

export interface LinkedInMedia extends StoredMedia {
	/** URN. */
	id: string;
	owner: string;
	kind: LinkedInMediaKind;
	title: string | null;
	status: 'WAITING_UPLOAD' | 'PROCESSING' | 'AVAILABLE' | 'PROCESSING_FAILED';
	captions: string | null;
	thumbnail: StoredMedia | null;
}

/** What is known of an upload until its media can be used. */
interface Upload {
	media: LinkedInMedia;
	key: string;
	totalBytes: number;
	/** Videos: first and last byte of each part. */
	ranges: Array<[number, number]>;
	parts: Array<Buffer | null>;
	etags: string[];
	/** State of the hash before each part. */
	before: Hash[];
	token: string;
	wantsCaptions: boolean;
	wantsThumbnail: boolean;
	pollsLeft: number;
	readyAt: number;
	expiresAt: number;
}

export interface UploadRules {
	partBytes: number;
	processingPolls: number;
	imageSeconds: number;
	uploadLifeSeconds: number;
	/** Bytes of videos are hashed and dropped. */
	discard: boolean;
}

interface Doors {
	emulator: Emulator;
	rules: UploadRules;
	base(): string;
	/** Refuses who may not do this for the owner. */
	mayWrite(call: Call, owner: string, kind: LinkedInMediaKind): void;
	/** Refuses a call without a valid token, versions or scope; answers its scopes. */
	scopes(call: Call): readonly string[];
	signedIn(call: Call): void;
	refuse(status: number, code: string, message: string): never;
}

/** platforms.md 2.6 */
const MIN_VIDEO_BYTES = 75_000;
const MAX_VIDEO_BYTES = 500e6;
const MAX_DOCUMENT_BYTES = 100e6;
const MIMES: Record<LinkedInMediaKind, readonly string[]> = {
	image: ['image/jpeg', 'image/png', 'image/gif'],
	document: [
		'application/pdf',
		'application/vnd.ms-powerpoint',
		'application/vnd.openxmlformats-officedocument.presentationml.presentation',
		'application/msword',
		'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
	],
	video: ['video/mp4'],
};

/** Images, documents and videos of the stand-in (platforms.md 2.2 and 2.3). */
export function linkedInMedia({ emulator, rules, base, mayWrite, scopes, signedIn, refuse }: Doors) {
	const uploads = new Map<string, Upload>();
	let failNext: string | null = null;
	let bare = false;

	const find = (key: string | undefined): Upload => {
		const upload = [...uploads.values()].find((entry) => entry.key === key);
		return upload ?? refuse(404, 'NOT_FOUND', 'No such upload');
	};

	function begin(call: Call, kind: LinkedInMediaKind): Answer {
		const body = jsonObject(call) ?? refuse(400, 'INVALID_BODY', 'The body is not a JSON object');
		const request = body['initializeUploadRequest'];
		if (Object.keys(body).length !== 1 || typeof request !== 'object' || request === null) return refuse(400, 'MISSING_FIELD', 'initializeUploadRequest is required');
		const fields = request as Record<string, unknown>;
		const known = kind === 'video' ? ['owner', 'fileSizeBytes', 'uploadCaptions', 'uploadThumbnail'] : ['owner'];
		const unknown = Object.keys(fields).find((field) => !known.includes(field));
		if (unknown) refuse(400, 'UNKNOWN_FIELD', `unknown field ${unknown}`);
		const { owner, fileSizeBytes: size = 0, uploadCaptions = false, uploadThumbnail = false } = fields;
		if (typeof owner !== 'string') return refuse(400, 'MISSING_FIELD', 'owner is required');
		mayWrite(call, owner, kind);
		if (typeof size !== 'number' || !Number.isInteger(size)) return refuse(400, 'INVALID_VALUE', 'fileSizeBytes must be an integer');
		if (kind === 'video' && (size < MIN_VIDEO_BYTES || size > MAX_VIDEO_BYTES)) refuse(400, 'INVALID_VALUE', `fileSizeBytes must be ${MIN_VIDEO_BYTES} to ${MAX_VIDEO_BYTES}`);
		if (typeof uploadCaptions !== 'boolean' || typeof uploadThumbnail !== 'boolean') return refuse(400, 'INVALID_VALUE', 'uploadCaptions and uploadThumbnail are booleans');
		const key = randomBytes(12).toString('hex');
		const ranges: Array<[number, number]> = [];
		for (let first = 0; first < size; first += rules.partBytes) ranges.push([first, Math.min(size, first + rules.partBytes) - 1]);
		const upload: Upload = {
			media: {
				id: `urn:li:${kind}:C4E22AQ${key.slice(0, 12)}`,
				owner,
				kind,
				mime: kind === 'video' ? 'video/mp4' : '',
				bytes: Buffer.alloc(0),
				sha256: '',
				alt: null,
				title: null,
				status: 'WAITING_UPLOAD',
				captions: null,
				thumbnail: null,
			},
			key,
			totalBytes: size,
			ranges,
			parts: [],
			etags: [],
			before: [createHash('sha256')],
			// One part: an empty token, which has to be echoed as well.
			token: ranges.length > 1 ? randomBytes(9).toString('base64') : '',
			wantsCaptions: uploadCaptions,
			wantsThumbnail: uploadThumbnail,
			pollsLeft: rules.processingPolls,
			readyAt: 0,
			expiresAt: emulator.now() + rules.uploadLifeSeconds * 1000,
		};
		uploads.set(upload.media.id, upload);
		const url = (what: string) => `${base()}/dms-uploads/${key}/${what}?sig=${randomBytes(6).toString('hex')}`;
		if (kind !== 'video') return { status: 200, body: { value: { uploadUrl: url('file'), uploadUrlExpiresAt: upload.expiresAt, [kind]: upload.media.id } } };
		return {
			status: 200,
			body: {
				value: {
					video: upload.media.id,
					uploadToken: upload.token,
					uploadUrlsExpireAt: upload.expiresAt,
					uploadInstructions: ranges.map(([firstByte, lastByte], index) => ({ uploadUrl: url(`part/${index}`), firstByte, lastByte })),
					...(uploadCaptions && !bare ? { captionsUploadUrl: url('captions') } : {}),
					...(uploadThumbnail && !bare ? { thumbnailUploadUrl: url('thumbnail') } : {}),
				},
			},
		};
	}

	for (const kind of ['image', 'document', 'video'] as const) emulator.step('initialize', 'post', `/rest/${kind}s/action/initializeUpload`, (call) => begin(call, kind));

	/** The upload that a signed address belongs to. */
	function addressed(call: Call): Upload {
		signedIn(call);
		const upload = find(call.params['key']);
		if (call.query['sig'] === undefined) refuse(403, 'INVALID_SIGNATURE', 'The address is not signed');
		if (upload.expiresAt <= emulator.now()) refuse(403, 'EXPIRED_UPLOAD_URL', 'The upload URL has expired');
		return upload;
	}

	emulator.step('bytes', 'put', '/dms-uploads/:key/file', (call) => {
		const upload = addressed(call);
		const { media } = upload;
		const mime = call.headers['content-type'] ?? '';
		if (!MIMES[media.kind].includes(mime)) refuse(415, 'UNSUPPORTED_MEDIA_TYPE', `${mime} is not one of ${MIMES[media.kind].join(', ')}`);
		if (call.body.length === 0 || (media.kind === 'document' && call.body.length > MAX_DOCUMENT_BYTES)) refuse(400, 'INVALID_FILE_SIZE', 'The file is empty or too large');
		Object.assign(media, { mime, bytes: Buffer.from(call.body), sha256: sha256(call.body), status: 'PROCESSING' });
		upload.readyAt = emulator.now() + rules.imageSeconds * 1000;
		return { status: 201 };
	});

	emulator.step('part', 'put', '/dms-uploads/:key/part/:index', (call) => {
		const upload = addressed(call);
		const index = Number(call.params['index']);
		const range = upload.ranges[index] ?? refuse(404, 'NOT_FOUND', 'No such part');
		if (call.headers['content-type'] !== 'application/octet-stream') refuse(415, 'UNSUPPORTED_MEDIA_TYPE', 'application/octet-stream is expected');
		if (upload.media.status !== 'WAITING_UPLOAD') refuse(400, 'ALREADY_FINALIZED', 'The upload has been finalized');
		const wanted = range[1] - range[0] + 1;
		if (call.body.length !== wanted) refuse(400, 'INVALID_PART_SIZE', `Bytes ${range[0]} to ${range[1]} are expected: ${wanted}, not ${call.body.length}`);
		const etag = `${createHash('md5').update(call.body).digest('hex')}-${index}`;
		if (rules.discard) {
			const state = upload.before[index];
			if (!state) throw new Error('a stand-in that discards wants parts in order');
			upload.before[index + 1] = state.copy().update(call.body);
		}
		upload.parts[index] = rules.discard ? null : Buffer.from(call.body);
		upload.etags[index] = etag;
		return { status: 200, headers: { etag: `"${etag}"` } };
	});

	emulator.step('captions', 'put', '/dms-uploads/:key/captions', (call) => {
		const upload = addressed(call);
		const text = call.body.toString('utf8');
		if (!upload.wantsCaptions) refuse(400, 'CAPTIONS_NOT_ANNOUNCED', 'uploadCaptions was false');
		if (!/^\uFEFF?1\r?\n\d\d:\d\d:\d\d,\d{3} --> \d\d:\d\d:\d\d,\d{3}/.test(text)) refuse(400, 'INVALID_CAPTIONS', 'Only SRT is supported');
		upload.media.captions = text;
		return { status: 201 };
	});

	emulator.step('thumbnail', 'put', '/dms-uploads/:key/thumbnail', (call) => {
		const upload = addressed(call);
		const mime = call.headers['content-type'] ?? '';
		if (!upload.wantsThumbnail) refuse(400, 'THUMBNAIL_NOT_ANNOUNCED', 'uploadThumbnail was false');
		if (!['image/jpeg', 'image/png'].includes(mime) || call.body.length === 0) refuse(415, 'UNSUPPORTED_MEDIA_TYPE', 'A thumbnail is JPEG or PNG');
		upload.media.thumbnail = { mime, bytes: Buffer.from(call.body), sha256: sha256(call.body), alt: null };
		return { status: 201 };
	});

	emulator.step('finalize', 'post', '/rest/videos/action/finalizeUpload', (call) => {
		const body = jsonObject(call) ?? refuse(400, 'INVALID_BODY', 'The body is not a JSON object');
		const request = body['finalizeUploadRequest'] as Record<string, unknown> | undefined;
		if (!request || Object.keys(request).some((field) => !['video', 'uploadToken', 'uploadedPartIds'].includes(field))) {
			return refuse(400, 'MISSING_FIELD', 'finalizeUploadRequest needs video, uploadToken and uploadedPartIds');
		}
		const upload = uploads.get(String(request['video'])) ?? refuse(404, 'NOT_FOUND', 'No such video');
		mayWrite(call, upload.media.owner, 'video');
		if (upload.media.status !== 'WAITING_UPLOAD') refuse(400, 'ALREADY_FINALIZED', 'The upload has been finalized');
		if (request['uploadToken'] !== upload.token) refuse(400, 'INVALID_UPLOAD_TOKEN', 'uploadToken is not the one that was given');
		const ids = request['uploadedPartIds'];
		if (!Array.isArray(ids) || ids.length !== upload.ranges.length || ids.some((id, index) => id !== upload.etags[index])) {
			return refuse(400, 'INVALID_PART_IDS', 'uploadedPartIds are not the ETags of all parts in order, without quotes');
		}
		if (!bare && upload.wantsCaptions && upload.media.captions === null) refuse(400, 'CAPTIONS_MISSING', 'uploadCaptions was true, no captions arrived');
		if (!bare && upload.wantsThumbnail && upload.media.thumbnail === null) refuse(400, 'THUMBNAIL_MISSING', 'uploadThumbnail was true, no thumbnail arrived');
		const bytes = rules.discard ? Buffer.alloc(0) : Buffer.concat(upload.parts.map((part) => part!));
		const hash = rules.discard ? upload.before.at(-1)!.copy().digest('hex') : sha256(bytes);
		Object.assign(upload.media, { bytes, sha256: hash, status: 'PROCESSING' });
		upload.parts = [];
		return { status: 200 };
	});

	/** The status as of now. */
	function settle(upload: Upload): LinkedInMedia['status'] {
		const { media } = upload;
		const done = media.kind === 'video' ? upload.pollsLeft === 0 : upload.readyAt <= emulator.now();
		if (media.status === 'PROCESSING' && done) {
			media.status = failNext === null ? 'AVAILABLE' : 'PROCESSING_FAILED';
		}
		return media.status;
	}

	for (const kind of ['image', 'document', 'video'] as const) {
		emulator.step('status', 'get', `/rest/${kind}s/:urn`, (call) => {
			const held = scopes(call);
			// platforms.md 2.3: with w_member_social alone, images and documents cannot be asked about.
			if (kind !== 'video' && !held.some((scope) => scope === 'r_member_social' || scope === 'w_organization_social')) {
				refuse(403, 'ACCESS_DENIED', `Not enough permissions to access: partnerApi${kind}s.GET`);
			}
			const upload = uploads.get(call.params['urn'] ?? '');
			if (!upload || upload.media.kind !== kind) return refuse(404, 'NOT_FOUND', 'Not found');
			mayWrite(call, upload.media.owner, kind);
			const status = settle(upload);
			if (status === 'PROCESSING') upload.pollsLeft = Math.max(0, upload.pollsLeft - 1);
			const failure = status === 'PROCESSING_FAILED' ? { processingFailureReason: failNext } : {};
			return { status: 200, body: { id: upload.media.id, owner: upload.media.owner, status, ...failure } };
		});
	}

	return {
		/** Media that a post may use now, or the reason why not. */
		usable(id: string, owner: string): LinkedInMedia {
			const upload = uploads.get(id);
			if (!upload || upload.media.owner !== owner) return refuse(400, 'MEDIA_ASSET_NOT_FOUND', `${id} is not a media asset of ${owner}`);
			const status = settle(upload);
			if (status === 'PROCESSING_FAILED') refuse(422, 'MEDIA_ASSET_PROCESSING_FAILED', `${id} could not be processed`);
			if (status !== 'AVAILABLE') refuse(422, 'MEDIA_ASSET_WAITING_UPLOAD', `${id} is not ready`);
			return upload.media;
		},
		get: (id: string): StoredMedia | undefined => uploads.get(id)?.media ?? uploads.get(id.replace(/-thumbnail$/, ''))?.media.thumbnail ?? undefined,
		forget: () => uploads.clear(),
		failProcessing: (reason: string) => (failNext = reason),
		/** No address is given for captions and thumbnails from now on. */
		withoutExtras: () => (bare = true),
	};
}
