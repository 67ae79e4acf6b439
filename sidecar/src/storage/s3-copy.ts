import { CompleteMultipartUploadCommand, CopyObjectCommand, CreateMultipartUploadCommand, UploadPartCopyCommand, type CompletedPart, type S3Client } from '@aws-sdk/client-s3';
import { abortUpload, MAX_PARTS, type Target } from './s3-upload.ts';

/** Largest object that one CopyObject takes: 5 GB (AWS, "Copying, moving, and renaming objects"). */
export const MAX_COPY_BYTES = 5 * 1024 ** 3;
/** Of larger ones: 1 GiB a part, more where that makes too many. */
const COPY_PART_BYTES = 1024 ** 3;

export interface CopyLimits {
	/** Larger objects are copied in parts. Default 5 GiB. */
	maxCopyBytes?: number | undefined;
	/** Default 1 GiB. */
	copyPartBytes?: number | undefined;
}

/** Copies within the bucket, on the side of the store. The new object has the type and the storage class of `target`. */
export async function copyObject(client: S3Client, fromKey: string, bytes: number, target: Target, { maxCopyBytes = MAX_COPY_BYTES, copyPartBytes = COPY_PART_BYTES }: CopyLimits = {}): Promise<void> {
	// Keys hold nothing that must be escaped (keys.ts), prefixes may.
	const CopySource = [target.Bucket, ...fromKey.split('/')].map(encodeURIComponent).join('/');
	if (bytes <= maxCopyBytes) {
		// REPLACE: an object may be copied onto itself only when something of it is given anew.
		await client.send(new CopyObjectCommand({ ...target, CopySource, MetadataDirective: 'REPLACE' }));
		return;
	}
	const { Bucket, Key } = target;
	const { UploadId } = await client.send(new CreateMultipartUploadCommand(target));
	try {
		const size = Math.max(copyPartBytes, Math.ceil(bytes / MAX_PARTS));
		const Parts: CompletedPart[] = [];
		for (let start = 0; start < bytes; start += size) {
			const PartNumber = Parts.length + 1;
			const range = `bytes=${start}-${Math.min(start + size, bytes) - 1}`;
			const { CopyPartResult } = await client.send(new UploadPartCopyCommand({ Bucket, Key, UploadId, PartNumber, CopySource, CopySourceRange: range }));
			Parts.push({ PartNumber, ETag: CopyPartResult?.ETag });
		}
		await client.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }));
	} catch (error) {
		await abortUpload(client, { Bucket, Key, UploadId }).catch(() => undefined);
		throw error;
	}
}
