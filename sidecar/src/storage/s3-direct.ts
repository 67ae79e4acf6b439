import { CompleteMultipartUploadCommand, CreateMultipartUploadCommand, GetObjectCommand, ListPartsCommand, PutObjectCommand, UploadPartCommand, type ListPartsCommandOutput, type Part, type S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { PipelineError } from '../errors.ts';
import { contentDisposition } from '../net/file-name.ts';
import { isUnknownUpload } from './s3-errors.ts';
import { abortUpload, MAX_PARTS } from './s3-upload.ts';
import type { DirectLinks, Multipart, StoredFile } from './storage.ts';

/** Parts of direct uploads: at least 5 MiB (AWS), and 10,000 of them make 156 GiB. */
export const DIRECT_PART_BYTES = 16 * 1024 ** 2;
/** Longest life of a presigned URL, seconds: a week (AWS, "Authenticating Requests: Using Query Parameters"). */
const LONGEST_SECONDS = 604_800;

export interface DirectDeps {
	client: S3Client;
	/** Signs for the address that others reach the store at. */
	signer: S3Client;
	bucket: string;
	objectKey(key: string): string;
	guarded<T>(key: string, doing: 'read' | 'written', work: () => Promise<T>): Promise<T>;
	/** Throws `not_found`. */
	stat(key: string): Promise<StoredFile>;
}

export function createS3Links({ signer, bucket: Bucket, objectKey }: DirectDeps): DirectLinks {
	return {
		get: (key, { expiresAt, mime, name, attachment }) =>
			getSignedUrl(
				signer,
				new GetObjectCommand({ Bucket, Key: objectKey(key), ResponseContentType: mime, ResponseContentDisposition: contentDisposition(name, attachment) }),
				until(expiresAt),
			),
		async put(key, { expiresAt, mime, bytes }) {
			const command = new PutObjectCommand({ Bucket, Key: objectKey(key), ContentType: mime, ContentLength: bytes });
			// Signed as headers: a body of another size or type has another signature.
			const url = await getSignedUrl(signer, command, { ...until(expiresAt), signableHeaders: new Set(['host', 'content-type', 'content-length']) });
			return { url, method: 'PUT', headers: { 'content-type': mime, 'content-length': String(bytes) } };
		},
	};
}

export function createS3Multipart({ client, signer, bucket: Bucket, objectKey, guarded, stat }: DirectDeps): Multipart {
	/** Not the SDK's paginator: it asks as long as a page names a marker, and some stores name one on the last page too. */
	async function listParts(upload: { Bucket: string; Key: string; UploadId: string }): Promise<Part[]> {
		const parts: Part[] = [];
		for (let PartNumberMarker: string | undefined; ; ) {
			const page: ListPartsCommandOutput = await client.send(new ListPartsCommand({ ...upload, PartNumberMarker }));
			parts.push(...(page.Parts ?? []));
			if (!page.IsTruncated || page.NextPartNumberMarker === undefined) return parts;
			PartNumberMarker = page.NextPartNumberMarker;
		}
	}

	return {
		partBytes: DIRECT_PART_BYTES,
		begin: (key, { mime }) =>
			guarded(key, 'written', async () => {
				const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: objectKey(key), ContentType: mime }));
				return UploadId ?? '';
			}),
		async signPart(key, UploadId, part, { expiresAt, bytes }) {
			if (!Number.isInteger(part) || part < 1 || part > MAX_PARTS) throw new PipelineError('invalid_request', `An upload has parts 1 to ${MAX_PARTS} (given: ${part}).`, { details: { field: 'part', given: part } });
			const command = new UploadPartCommand({ Bucket, Key: objectKey(key), UploadId, PartNumber: part, ContentLength: bytes });
			const url = await getSignedUrl(signer, command, { ...until(expiresAt), signableHeaders: new Set(['host', 'content-length']) });
			return { url, method: 'PUT', headers: { 'content-length': String(bytes) } };
		},
		complete: (key, UploadId, bytes) =>
			guarded(key, 'written', async () => {
				const Key = objectKey(key);
				try {
					const parts = await listParts({ Bucket, Key, UploadId });
					requireAll(parts, bytes);
					await client.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts: parts.map(({ PartNumber, ETag }) => ({ PartNumber, ETag })) } }));
				} catch (error) {
					// Completed before, and the answer was lost: the file is there.
					if (!isUnknownUpload(error)) throw error;
				}
				return await stat(key);
			}),
		abort: (key, UploadId) => guarded(key, 'written', () => abortUpload(client, { Bucket, Key: objectKey(key), UploadId })),
	};
}

/** Without gaps, and all but the last of full size: else a part was lost on its way. Where the size of the file is known, the last part is as well. */
function requireAll(parts: Part[], bytes?: number): void {
	parts.sort((a, b) => (a.PartNumber ?? 0) - (b.PartNumber ?? 0));
	const last = bytes === undefined ? (parts.at(-1)?.PartNumber ?? 1) : Math.ceil(bytes / DIRECT_PART_BYTES);
	const sizeOfLast = bytes === undefined ? undefined : bytes - (last - 1) * DIRECT_PART_BYTES;
	const whole = new Set(parts.filter(({ PartNumber, Size }) => Size === (PartNumber === last ? (sizeOfLast ?? Size) : DIRECT_PART_BYTES)).map(({ PartNumber }) => PartNumber));
	const missing = Array.from({ length: last }, (_, index) => index + 1).filter((part) => !whole.has(part));
	if (missing.length === 0) return;
	throw new PipelineError('conflict', `Parts of the upload are missing or too short: ${missing.slice(0, 20).join(', ')}${missing.length > 20 ? ', …' : ''}. Send them, then complete it again.`, { details: { missing_parts: missing.slice(0, 1000) } });
}

/** A time that has passed makes a link that is refused: it is signed as of then. */
function until(expiresAt: Date): { expiresIn: number; signingDate: Date } {
	const signingDate = new Date(Math.min(Date.now(), expiresAt.getTime() - 1000));
	return { signingDate, expiresIn: Math.min(LONGEST_SECONDS, Math.max(1, Math.floor((expiresAt.getTime() - signingDate.getTime()) / 1000))) };
}
