import { GetObjectCommand, HeadObjectCommand, ListObjectsV2Command, S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { Readable } from 'node:stream';
import { z } from 'zod';
import { PipelineError } from '../errors.ts';
import { safeFileName } from '../net/file-name.ts';
import { NetError, toNetError } from '../net/net-error.ts';
import { receive, tooLarge } from '../net/receive.ts';
import { tokenGone } from './api.ts';
import { readCursor, writeCursor } from './cursor.ts';
import { whyNoMedia } from './media-kind.ts';
import { asPercent, type FetchFrom, type ListFrom, type ListPlace, type Place, type SourceEntry, type SourceSettings } from './source.ts';

type ObjectPlace = Extract<Place, { type: 's3' }>;
type PrefixPlace = Extract<ListPlace, { type: 's3_prefix' }>;

/** A request of the SDK that brings no answer in this time is given up; downloads have their own limit (net/receive.ts). */
const TIMEOUT_MS = 60_000;

function connect({ region = 'us-east-1', endpoint }: ObjectPlace | PrefixPlace, secrets: Record<string, string>, { guard }: SourceSettings): S3Client {
	const { access_key_id: accessKeyId, secret_access_key: secretAccessKey, session_token: sessionToken } = secrets;
	// Without keys the SDK would look for those of the sidecar itself, which must never work for a stranger.
	if (!accessKeyId || !secretAccessKey) throw tokenGone('key of the S3 account');
	if (endpoint) guard.check(endpoint);
	const client = new S3Client({
		region,
		...(endpoint ? { endpoint, forcePathStyle: true } : {}),
		credentials: { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) },
		requestHandler: { httpAgent: guard.httpAgent, httpsAgent: guard.httpsAgent, connectionTimeout: 15_000, requestTimeout: TIMEOUT_MS },
		// The pipeline has its own tries, with their own pauses.
		maxAttempts: 1,
		// Not for parts of a file; the whole is checked below.
		responseChecksumValidation: 'WHEN_REQUIRED',
		requestChecksumCalculation: 'WHEN_REQUIRED',
	});
	// Lists and errors are read into memory by the SDK, whatever their size: the endpoint may be anybody's.
	client.middlewareStack.add(
		(next, { commandName }) => async (args) => {
			const result = await next(args);
			const { statusCode, body } = result.response as { statusCode?: number; body?: unknown };
			if (body instanceof Readable && (commandName !== 'GetObjectCommand' || (statusCode ?? 500) >= 300)) limit(body);
			return result;
		},
		{ step: 'deserialize', priority: 'low', name: 'limitAnswers' },
	);
	return client;
}

/** A page of a thousand keys has less than 2 MB. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

function limit(body: Readable): void {
	let bytes = 0;
	const { push } = body;
	body.push = function (this: Readable, chunk: unknown, encoding?: BufferEncoding): boolean {
		if (chunk instanceof Uint8Array) bytes += chunk.length;
		if (bytes <= MAX_ANSWER_BYTES) return push.call(this, chunk, encoding);
		this.destroy(Object.assign(new Error('its answer is too long'), { code: 'ERR_ANSWER_TOO_LONG' }));
		return false;
	};
}

const whereOf = ({ bucket, endpoint }: ObjectPlace | PrefixPlace): string => `the bucket ${bucket}${endpoint ? ` at ${new URL(endpoint).host}` : ' of AWS'}`;

/** An object of a bucket, of AWS or of a service like it. Its endpoint goes through the SSRF guard. */
export const fetchS3: FetchFrom<ObjectPlace> = async ({ place, secrets, destPath, signal, onProgress }, settings) => {
	const client = connect(place, secrets, settings);
	const where = whereOf(place);
	const object = { Bucket: place.bucket, Key: place.key };
	const call = async <T>(run: () => Promise<T>, stop: AbortSignal): Promise<T> => {
		try {
			return await run();
		} catch (error) {
			stop.throwIfAborted();
			throw refusal(error, where, place.key);
		}
	};
	try {
		const head = await call(() => client.send(new HeadObjectCommand({ ...object, ChecksumMode: 'ENABLED' }), { abortSignal: signal }), signal);
		const bytes = head.ContentLength ?? null;
		if (bytes !== null && bytes > settings.maxBytes) throw tooLarge(bytes, settings.maxBytes, where);
		const received = await receive({
			...settings,
			where,
			destPath,
			signal,
			onProgress: (done, total) => asPercent(onProgress)(done, total ?? bytes),
			async open({ offset, validator }, stop) {
				const rest = offset > 0 && validator ? { Range: `bytes=${offset}-`, IfMatch: validator } : {};
				const get = (more: typeof rest) => client.send(new GetObjectCommand({ ...object, ...more }), { abortSignal: stop });
				const answer = await call(
					() =>
						get(rest).catch((error: unknown) => {
							// Another version lies there now: from the beginning.
							if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 412) return get({});
							throw error;
						}),
					stop,
				);
				if (!(answer.Body instanceof Readable)) throw new PipelineError('input_unreachable', `${where} sent no file.`);
				return {
					status: answer.ContentRange ? 206 : 200,
					headers: {
						...(answer.ContentLength === undefined ? {} : { 'content-length': String(answer.ContentLength) }),
						...(answer.ContentRange ? { 'content-range': answer.ContentRange } : {}),
						...(answer.ETag ? { etag: answer.ETag } : {}),
					},
					stream: answer.Body,
				};
			},
		});
		// Of an upload in parts the checksum is one of checksums, marked by a dash.
		const told = head.ChecksumType === 'COMPOSITE' || head.ChecksumSHA256?.includes('-') ? undefined : head.ChecksumSHA256;
		if (told && Buffer.from(told, 'base64').toString('hex') !== received.sha256 && received.headers['etag'] === head.ETag) {
			throw new PipelineError('input_unreachable', `${safeFileName(place.key)} arrived with another checksum than ${where} names.`);
		}
		return { bytes: received.bytes, sha256: received.sha256, contentType: head.ContentType ?? null, fileName: safeFileName(place.key) };
	} finally {
		client.destroy();
	}
};

/** Objects whose keys begin with a prefix, in the order of their keys. The cursor is the last key: objects behind it may be new. */
export const listS3: ListFrom<PrefixPlace> = async ({ place, secrets, cursor, limit, signal }, settings) => {
	const client = connect(place, secrets, settings);
	const where = whereOf(place);
	const after = readCursor('s3_prefix', z.string().max(1024), cursor);
	try {
		const page = await client
			.send(new ListObjectsV2Command({ Bucket: place.bucket, ...(place.prefix ? { Prefix: place.prefix } : {}), ...(after ? { StartAfter: after } : {}), MaxKeys: limit }), { abortSignal: signal })
			.catch((error: unknown) => {
				signal.throwIfAborted();
				throw refusal(error, where, place.prefix);
			});
		const entries: SourceEntry[] = [];
		const skipped: Array<{ name: string; reason: string }> = [];
		let last = after;
		for (const { Key: key, Size: bytes, ETag: etag, LastModified: modified, StorageClass: storageClass } of page.Contents ?? []) {
			if (!key) continue;
			last = key;
			// What consoles make for a folder.
			if (key.endsWith('/') && !bytes) continue;
			const name = safeFileName(key);
			const archived = storageClass === 'GLACIER' || storageClass === 'DEEP_ARCHIVE';
			const reason = archived ? `It is in the archive (${storageClass}). Restore it in the store first.` : whyNoMedia(name, null);
			if (reason) skipped.push({ name, reason });
			else {
				const { bucket, region, endpoint } = place;
				const from: ObjectPlace = { type: 's3', bucket, key, ...(region === undefined ? {} : { region }), ...(endpoint === undefined ? {} : { endpoint }) };
				entries.push({ place: from, name, bytes: bytes ?? null, mime: null, modifiedAt: modified ?? null, version: etag ?? `${bytes}-${modified?.getTime()}`, metadata: { key } });
			}
		}
		// A page that leads no further would be asked for again and again.
		const hasMore = page.IsTruncated === true && last !== null && last !== after;
		return { entries, skipped, cursor: hasMore && last ? writeCursor('s3_prefix', last) : null, hasMore };
	} finally {
		client.destroy();
	}
};

/** What went wrong, for a person. Errors of the SDK name the request: only their code is passed on. */
function refusal(error: unknown, where: string, key: string): PipelineError {
	if (error instanceof PipelineError) return error;
	const thrown = error instanceof Error && error.cause instanceof PipelineError ? error.cause : null;
	if (thrown) return thrown;
	if (!(error instanceof S3ServiceException) || error.$metadata.httpStatusCode === undefined) {
		const net = toNetError(error, where, true);
		return net instanceof NetError ? new PipelineError('input_unreachable', `${where} was not reached: ${net.message}`, { cause: net }) : net;
	}
	const { name, $metadata: { httpStatusCode: status } } = error;
	const details = { status, reason: name };
	const retryAfter = Number(error.$response?.headers['retry-after']);
	if (status >= 500 || status === 429 || ['SlowDown', 'RequestTimeout', 'Throttling', 'ThrottlingException'].includes(name)) {
		return new PipelineError('input_unreachable', `${where} cannot answer at the moment (${status}, ${name}).`, { details, ...(retryAfter > 0 ? { retryAfterSeconds: Math.min(86_400, retryAfter) } : {}) });
	}
	if (['InvalidAccessKeyId', 'SignatureDoesNotMatch', 'ExpiredToken', 'TokenRefreshRequired', 'InvalidToken'].includes(name)) {
		return new PipelineError('needs_reauth', `${where} does not accept the access key (${name}). Check the key, its secret and the region; temporary keys may have expired.`, { details });
	}
	if (name === 'RequestTimeTooSkewed') return new PipelineError('input_forbidden', `The clock of the sidecar differs from that of ${where}. Set it right.`, { details });
	if (name === 'InvalidObjectState') return new PipelineError('storage_archived', `${safeFileName(key)} is in the archive of ${where}. Restore it there first; that takes hours.`, { details });
	if (name === 'PermanentRedirect' || name === 'AuthorizationHeaderMalformed' || status === 301) {
		return new PipelineError('input_forbidden', `${where} is in another region. Give its region.`, { details });
	}
	if (name === 'NoSuchBucket') return new PipelineError('input_not_found', `There is no ${where.slice(4)}. Check its name, the region and the endpoint.`, { details });
	if (status === 404) return new PipelineError('input_not_found', `There is no object ${key.slice(0, 200)} in ${where}. Keys are case-sensitive and begin without /.`, { details });
	if (status === 403) return new PipelineError('input_forbidden', `${where} refuses ${key.slice(0, 200) || 'the list'} (${name}). The key needs s3:GetObject, and s3:ListBucket for lists (without that, a missing object is refused, too).`, { details });
	return new PipelineError('input_not_found', `${where} answered ${status} (${name}) for ${key.slice(0, 200)}.`, { details });
}
