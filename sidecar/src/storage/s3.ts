import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import {
	DeleteObjectCommand,
	GetObjectCommand,
	HeadBucketCommand,
	HeadObjectCommand,
	paginateListObjectsV2,
	ListMultipartUploadsCommand,
	PutObjectCommand,
	RestoreObjectCommand,
	S3Client,
	type HeadObjectCommandOutput,
	type ListMultipartUploadsCommandInput,
	type ListMultipartUploadsCommandOutput,
	type StorageClass as S3StorageClass,
} from '@aws-sdk/client-s3';
import { PipelineError } from '../errors.ts';
import { assertKey, isKey } from './keys.ts';
import { copyObject, type CopyLimits } from './s3-copy.ts';
import { createS3Links, createS3Multipart } from './s3-direct.ts';
import { archived, isBeyondEnd, isMissing, isNamed, s3Error } from './s3-errors.ts';
import { abortUpload, sendStream, type Target } from './s3-upload.ts';
import type { PutOptions, Storage, StoredFile } from './storage.ts';

export interface S3Options extends CopyLimits {
	bucket: string;
	/** Absent: AWS. */
	endpoint?: string | undefined;
	/** Address of the same store for browsers and n8n, where that is another one (a MinIO beside the sidecar). Absent: `endpoint`. */
	publicEndpoint?: string | undefined;
	/** Default `us-east-1`. R2: `auto`. */
	region?: string | undefined;
	/** Absent: as the AWS SDK finds them (role of the machine, `AWS_…`, profile). */
	credentials?: { accessKeyId: string; secretAccessKey: string } | undefined;
	/** `https://endpoint/bucket/key` instead of `https://bucket.endpoint/key`. */
	forcePathStyle?: boolean;
	/** Put before every key, e.g. `media-pipeline/`. */
	prefix?: string | undefined;
	/** Storage class of archived files, e.g. `GLACIER`, `GLACIER_IR`, `DEEP_ARCHIVE`. Absent: this store has no archive. */
	archiveClass?: string | undefined;
	/** False: others cannot reach the store, bytes go through the sidecar. Default true. */
	direct?: boolean;
	/** Size of the parts that streams are sent in; at least 5 MiB. Default 8 MiB. */
	partBytes?: number;
	/** Silence on a connection, ms, after which it counts as broken. Default two minutes. */
	silenceMs?: number;
	/** Keys asked for at once. Default 1000, the most that stores answer. */
	pageSize?: number;
}

interface Range {
	start: number;
	end?: number | undefined;
}

interface Opened {
	body: Readable;
	etag: string | undefined;
}

const PART_BYTES = 8 * 1024 ** 2;
const CONNECT_TIMEOUT_MS = 10_000;
/** A connection that says nothing for so long is dead. Completing an upload of thousands of parts takes a while. */
const SILENCE_TIMEOUT_MS = 120_000;
/** Tries of one request, with growing pauses between them (the SDK's standard mode). */
const MAX_ATTEMPTS = 5;
const SOCKETS = 128;
/** How often a read that broke off goes on where it stopped. */
const READ_RESUMES = 3;
/** How long a file that was fetched from the archive stays at hand. */
const RESTORED_DAYS = 7;

/** Any store that speaks S3: AWS, Cloudflare R2, MinIO, Supabase's S3, Ceph, … */
export function createS3Storage(options: S3Options): Storage {
	const { bucket, prefix = '', partBytes = PART_BYTES } = options;
	const client = createClient(options, options.endpoint);
	const signer = options.publicEndpoint ? createClient(options, options.publicEndpoint) : client;
	const objectKey = (key: string): string => prefix + assertKey(key);
	const at = (key: string) => ({ Bucket: bucket, Key: objectKey(key) });

	async function guarded<T>(key: string, doing: 'read' | 'written', work: () => Promise<T>): Promise<T> {
		try {
			return await work();
		} catch (error) {
			throw s3Error(error, bucket, key, doing);
		}
	}

	const ask = (key: string): Promise<HeadObjectCommandOutput> => client.send(new HeadObjectCommand(at(key)));
	const describe = (key: string, { ContentLength, LastModified }: HeadObjectCommandOutput): StoredFile => ({ key, bytes: ContentLength ?? 0, modifiedAt: LastModified ?? new Date(0) });
	const stat = (key: string): Promise<StoredFile> => guarded(key, 'read', async () => describe(key, await ask(key)));

	const classFor = ({ storageClass }: PutOptions): Pick<Target, 'StorageClass'> =>
		storageClass === 'archive' && options.archiveClass ? { StorageClass: options.archiveClass as S3StorageClass } : {};

	async function putStream(key: string, stream: Readable, put: PutOptions = {}): Promise<StoredFile> {
		try {
			return await guarded(key, 'written', async () => {
				const target = { ...at(key), ContentType: put.mime ?? 'application/octet-stream', ...classFor(put) };
				const sent = await sendStream(client, target, stream, { bytes: put.bytes, partBytes });
				// The store has compared the MD5 of every body: what is gone now was deleted by somebody else.
				const there = await ask(key).catch((error: unknown) => {
					if (isMissing(error)) return null;
					throw error;
				});
				if (!there) return { key, bytes: sent.bytes, modifiedAt: new Date() };
				// With another ETag it is another file: somebody has written the same key meanwhile.
				if (there.ETag === sent.etag && there.ContentLength !== sent.bytes) {
					throw new PipelineError('storage_failed', `The store has ${there.ContentLength ?? 0} of the ${sent.bytes} bytes of ${key} that were sent. Try again.`);
				}
				return { ...describe(key, there), bytes: sent.bytes };
			});
		} finally {
			stream.destroy();
		}
	}

	const open = async (key: string, range: Range | undefined, IfMatch?: string): Promise<Opened> => {
		const { Body, ETag, ContentRange } = await client.send(new GetObjectCommand({ ...at(key), ...(range ? { Range: `bytes=${range.start}-${range.end ?? ''}` } : {}), ...(IfMatch ? { IfMatch } : {}) }));
		if (!(Body instanceof Readable)) throw new Error('the answer has no body');
		if (range && !ContentRange?.startsWith(`bytes ${range.start}-`)) {
			Body.destroy();
			throw new Error('the store does not answer ranges');
		}
		return { body: Body, etag: ETag };
	};

	/** Goes on where the line broke, as long as the file is the same. */
	async function* steady(key: string, first: Opened, range: Range, use: (body: Readable) => void): AsyncGenerator<Buffer> {
		let at = range.start;
		let source = first.body[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
		for (let resumes = 0; ; ) {
			let piece: IteratorResult<Buffer>;
			try {
				piece = await source.next();
			} catch (error) {
				// Without an ETag nothing tells whether it is still the same file.
				if (resumes++ === READ_RESUMES || first.etag === undefined) throw s3Error(error, bucket, key, 'read');
				const { body } = await guarded(key, 'read', () => open(key, { start: at, end: range.end }, first.etag));
				use(body);
				source = body[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
				continue;
			}
			if (piece.done) return;
			at += piece.value.length;
			yield piece.value;
		}
	}

	let written = false;
	const links = { client, signer, bucket, objectKey, guarded, stat };
	const direct = options.direct === false ? null : createS3Links(links);
	const multipart = options.direct === false ? null : createS3Multipart(links);

	return {
		name: 's3',
		async prepare() {
			await guarded(`of the bucket ${bucket}`, 'read', () => client.send(new HeadBucketCommand({ Bucket: bucket })).catch(missingBucket));
			if (written) return;
			const probe = { Bucket: bucket, Key: `${prefix}probe-${randomUUID()}` };
			await guarded(probe.Key, 'written', async () => {
				await client.send(new PutObjectCommand({ ...probe, Body: 'probe' }));
				await client.send(new DeleteObjectCommand(probe));
			});
			written = true;
		},
		async putFile(key, localPath, put) {
			objectKey(key);
			const stored = await putStream(key, createReadStream(localPath), put);
			await rm(localPath, { force: true });
			return stored;
		},
		putStream,
		async read(key, range) {
			const first = await guarded(key, 'read', () =>
				open(key, range).catch((error: unknown) => {
					if (range && isBeyondEnd(error)) return null;
					throw error;
				}),
			);
			if (!first) return Readable.from([]);
			let current = first.body;
			const stream = Readable.from(steady(key, first, range ?? { start: 0 }, (body) => (current = body)), { objectMode: false });
			// A reader that goes away, perhaps before it has read anything, must not leave the connection open.
			stream.once('close', () => current.destroy());
			return stream;
		},
		head: (key) =>
			guarded(key, 'read', async () => {
				try {
					return describe(key, await ask(key));
				} catch (error) {
					if (isMissing(error)) return null;
					throw error;
				}
			}),
		delete: (key) =>
			guarded(key, 'written', async () => {
				await client.send(new DeleteObjectCommand(at(key))).catch((error: unknown) => {
					if (!isMissing(error)) throw error;
				});
			}),
		async copy(from, to) {
			const source = await guarded(from, 'read', () => ask(from));
			await guarded(to, 'written', () => copyObject(client, objectKey(from), source.ContentLength ?? 0, { ...at(to), ContentType: source.ContentType }, options));
			const copied = await stat(to);
			if (copied.bytes === source.ContentLength) return copied;
			throw new PipelineError('storage_failed', `The copy ${to} has ${copied.bytes} bytes, ${from} has ${source.ContentLength ?? 0}. Try again.`);
		},
		async *list(below) {
			try {
				const pages = paginateListObjectsV2({ client, pageSize: options.pageSize ?? 1000 }, { Bucket: bucket, Prefix: prefix + below });
				for await (const { Contents = [] } of pages) {
					for (const { Key = '', Size = 0, LastModified = new Date(0) } of Contents) {
						const key = Key.slice(prefix.length);
						// What others put into the bucket is not ours.
						if (isKey(key)) yield { key, bytes: Size, modifiedAt: LastModified };
					}
				}
			} catch (error) {
				throw s3Error(error, bucket, below, 'read');
			}
		},
		deleteUnfinished: (below) =>
			guarded(below, 'written', async () => {
				const Prefix = `${objectKey(below.replace(/[/]$/, ''))}/`;
				for (let next: Pick<ListMultipartUploadsCommandInput, 'KeyMarker' | 'UploadIdMarker'> | null = {}; next; ) {
					const page: ListMultipartUploadsCommandOutput = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix, ...next }));
					for (const { Key = '', UploadId } of page.Uploads ?? []) await abortUpload(client, { Bucket: bucket, Key, UploadId });
					next = page.IsTruncated ? { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker } : null;
				}
			}),
		localPath: () => null,
		async setClass(key, storageClass) {
			objectKey(key);
			if (!options.archiveClass) return false;
			const found = await guarded(key, 'read', () => ask(key));
			// STANDARD is not named by AWS.
			const [wanted, has] = [storageClass === 'archive' ? options.archiveClass : 'STANDARD', found.StorageClass ?? 'STANDARD'];
			if (wanted === has) return true;
			await fetchFromArchive(key, found);
			await guarded(key, 'written', () => copyObject(client, objectKey(key), found.ContentLength ?? 0, { ...at(key), ContentType: found.ContentType, StorageClass: wanted as S3StorageClass }, options));
			return true;
		},
		direct: (key) => (objectKey(key) ? direct : null),
		multipart: (key) => (objectKey(key) ? multipart : null),
	};

	/** Classes that must be restored first. Throws `storage_archived` until that is done; the first call begins it. */
	async function fetchFromArchive(key: string, { StorageClass, Restore }: HeadObjectCommandOutput): Promise<void> {
		if (StorageClass !== 'GLACIER' && StorageClass !== 'DEEP_ARCHIVE') return;
		if (Restore?.includes('ongoing-request="false"')) return;
		if (!Restore) {
			await guarded(key, 'read', async () => {
				const command = new RestoreObjectCommand({ ...at(key), RestoreRequest: { Days: RESTORED_DAYS, GlacierJobParameters: { Tier: 'Standard' } } });
				await client.send(command).catch((error: unknown) => {
					if (!isNamed(error, 'RestoreAlreadyInProgress')) throw error;
				});
			});
		}
		throw archived(key);
	}
}

function createClient({ region = 'us-east-1', credentials, forcePathStyle = false, silenceMs = SILENCE_TIMEOUT_MS }: S3Options, endpoint: string | undefined): S3Client {
	return new S3Client({
		region,
		forcePathStyle,
		...(endpoint ? { endpoint } : {}),
		...(credentials ? { credentials } : {}),
		maxAttempts: MAX_ATTEMPTS,
		requestHandler: { connectionTimeout: CONNECT_TIMEOUT_MS, socketTimeout: silenceMs, httpAgent: { maxSockets: SOCKETS }, httpsAgent: { maxSockets: SOCKETS } },
		// The SDK's own checksums are trailers that many S3-like stores do not take (Ceph, Swift, older MinIO, R2 in places), and
		// in presigned links they would be those of an empty body. What we send carries its MD5 instead (s3-upload.ts).
		requestChecksumCalculation: 'WHEN_REQUIRED',
		responseChecksumValidation: 'WHEN_REQUIRED',
	});
}

/** The answer to HEAD has no body; of a bucket, 404 means the bucket. */
function missingBucket(error: unknown): never {
	if (isMissing(error)) throw Object.assign(new Error('the bucket does not exist'), { name: 'NoSuchBucket' });
	throw error;
}
