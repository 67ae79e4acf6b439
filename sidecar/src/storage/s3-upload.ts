import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { AbortMultipartUploadCommand, CompleteMultipartUploadCommand, CreateMultipartUploadCommand, PutObjectCommand, UploadPartCommand, type CompletedPart, type S3Client, type StorageClass } from '@aws-sdk/client-s3';
import { PipelineError } from '../errors.ts';
import { isUnknownUpload } from './s3-errors.ts';
import { requireWhole } from './whole.ts';

/** Most parts of a multipart upload (AWS, "Amazon S3 multipart upload limits"). */
export const MAX_PARTS = 10_000;
/** Parts that are sent while the next one is filled. With a buffer each: 3 × 8 MiB for a file of any length. */
const SENT_AT_ONCE = 2;

export interface Target {
	Bucket: string;
	Key: string;
	ContentType?: string | undefined;
	StorageClass?: StorageClass | undefined;
}

interface Sent {
	bytes: number;
	etag: string | undefined;
}

/**
 * Sends a stream of any length: what fits into one part by one PUT, the rest in parts. The object appears when all of it is
 * there. Each body carries its MD5, which the store compares: every S3-like store knows that header, newer checksums few do.
 * Parts are all of one size, because R2 refuses others. A failed upload is taken back.
 */
export async function sendStream(client: S3Client, target: Target, stream: Readable, { bytes, partBytes }: { bytes: number | undefined; partBytes: number }): Promise<Sent> {
	const size = Math.max(partBytes, Math.ceil((bytes ?? 0) / MAX_PARTS));
	const spare: Buffer[] = [];
	const blocks = inBlocks(stream, size, spare);
	const first = await blocks.next();
	const end = first.value?.length ?? 0;
	if (first.done || end < size) {
		requireWhole(target.Key, end, bytes);
		const body = first.value ?? Buffer.alloc(0);
		const { ETag } = await client.send(new PutObjectCommand({ ...target, Body: body, ContentLength: end, ContentMD5: md5(body) }));
		return { bytes: end, etag: ETag };
	}
	return await sendParts(client, target, first.value, blocks, { expected: bytes, spare });
}

async function sendParts(client: S3Client, target: Target, first: Buffer, rest: AsyncGenerator<Buffer, void, undefined>, { expected, spare }: { expected: number | undefined; spare: Buffer[] }): Promise<Sent> {
	const { Bucket, Key } = target;
	const { UploadId } = await client.send(new CreateMultipartUploadCommand(target));
	const stop = new AbortController();
	const underWay = new Set<Promise<void>>();
	const failures: unknown[] = [];
	const parts: CompletedPart[] = [];
	let sent = 0;
	const begin = (body: Buffer): void => {
		const PartNumber = parts.push({});
		const command = new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body: body, ContentLength: body.length, ContentMD5: md5(body) });
		const sending: Promise<void> = client
			.send(command, { abortSignal: stop.signal })
			.then(({ ETag }) => void (parts[PartNumber - 1] = { PartNumber, ETag }))
			.catch((error: unknown) => void failures.push(error))
			.finally(() => {
				underWay.delete(sending);
				spare.push(body);
			});
		underWay.add(sending);
		sent += body.length;
	};
	try {
		begin(first);
		for (;;) {
			const next = await rest.next();
			if (next.done) break;
			if (parts.length === MAX_PARTS) throw new PipelineError('storage_failed', `${Key} has more than ${MAX_PARTS} parts. Files of this size need their size to be known before.`);
			begin(next.value);
			// Waited for here, so that at most SENT_AT_ONCE blocks are out while the generator fills one.
			if (underWay.size >= SENT_AT_ONCE) await Promise.race(underWay);
			if (failures.length > 0) throw failures[0];
		}
		await Promise.all(underWay);
		if (failures.length > 0) throw failures[0];
		requireWhole(Key, sent, expected);
		const { ETag } = await client.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts: parts } }));
		return { bytes: sent, etag: ETag };
	} catch (error) {
		stop.abort();
		// A part that arrives after the abort would stay, and be paid for.
		await Promise.all(underWay);
		await rest.return().catch(() => undefined);
		await abortUpload(client, { Bucket, Key, UploadId }).catch(() => undefined);
		throw error;
	}
}

export async function abortUpload(client: S3Client, upload: { Bucket: string; Key: string; UploadId: string | undefined }): Promise<void> {
	try {
		await client.send(new AbortMultipartUploadCommand(upload));
	} catch (error) {
		if (!isUnknownUpload(error)) throw error;
	}
}

const md5 = (bytes: Buffer): string => createHash('md5').update(bytes).digest('base64');

/**
 * The stream in blocks of `size` bytes, the last one shorter (none is empty). A block is filled in a buffer of its own, or in one of
 * `spare`: those whose request has ended for good, as one that is tried again reads its body a second time.
 */
async function* inBlocks(stream: Readable, size: number, spare: Buffer[]): AsyncGenerator<Buffer, void, undefined> {
	let block: Buffer | null = null;
	let filled = 0;
	for await (const piece of stream as AsyncIterable<Buffer | string>) {
		let rest = typeof piece === 'string' ? Buffer.from(piece) : piece;
		while (rest.length > 0) {
			// Slow: not of the shared pool, so that it is given back as soon as nobody holds it.
			block ??= spare.pop() ?? Buffer.allocUnsafeSlow(size);
			const taken = rest.copy(block, filled);
			filled += taken;
			rest = rest.subarray(taken);
			if (filled === size) {
				yield block;
				[block, filled] = [null, 0];
			}
		}
	}
	if (block && filled > 0) yield block.subarray(0, filled);
}
