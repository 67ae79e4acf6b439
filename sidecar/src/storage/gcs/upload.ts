import type { Readable } from 'node:stream';
import { PipelineError } from '../../errors.ts';
import { atHost, type Api, type ApiAnswer } from '../cloud/api.ts';
import { inChunks, type Chunk } from '../cloud/chunks.ts';
import { Crc32c } from '../cloud/crc32c.ts';

/** A multiple of 256 KiB is demanded, 8 MiB is advised ("Resumable uploads", Cloud Storage). */
const CHUNK_BYTES = 8 * 1024 * 1024;
/** Tries of one chunk without a byte of progress. */
const TRIES = 5;
/** 308: more is wanted. */
const MORE = 308;

export interface UploadRequest {
	api: Api;
	/** Where a session begins: `{base}/upload/storage/v1/b/{bucket}/o?uploadType=resumable` */
	beginUrl: URL;
	key: string;
	/** Of the object: name, contentType, storageClass. */
	resource: Record<string, string>;
	stream: Readable;
	/** Of the stream, where it is known. */
	bytes: number | undefined;
}

export interface Uploaded {
	/** The object, as Google names it. */
	body: unknown;
	bytes: number;
	crc32c: string;
}

/**
 * A resumable upload. The object appears with its last chunk and not before; that one carries the CRC-32C of the whole, so that
 * bytes that were damaged on the way are refused and what was there before stays. Answers the new object.
 */
export async function upload({ api, beginUrl, key, resource, stream, bytes }: UploadRequest): Promise<Uploaded> {
	const action = `write ${key}`;
	const begun = await api.send({
		action,
		method: 'POST',
		url: beginUrl,
		headers: { 'content-type': 'application/json; charset=UTF-8', ...(resource.contentType ? { 'x-upload-content-type': resource.contentType } : {}) },
		body: JSON.stringify(resource),
	});
	if (!begun.headers.location) throw new PipelineError('storage_failed', `Google Cloud Storage gave no place to ${action} to.`);
	const session = atHost(beginUrl.origin, begun.headers.location);
	const crc = new Crc32c();
	try {
		for await (const chunk of inChunks(stream, CHUNK_BYTES, bytes)) {
			crc.update(chunk.data);
			const answer = await sendChunk(api, { action, session, chunk, hash: crc.base64() });
			if (chunk.last) return { body: answer.body, bytes: chunk.offset + chunk.data.length, crc32c: crc.base64() };
		}
		throw new Error('a stream without a last piece');
	} catch (error) {
		// Otherwise it would stay for a week. 499 is the answer of a session that was given up.
		await api.send({ action, method: 'DELETE', url: session, tries: 1, open: true, accepts: [404, 410, 499] }).catch(() => undefined);
		throw error;
	}
}

interface ChunkRequest {
	action: string;
	/** Carries its own permission. */
	session: URL;
	chunk: Chunk;
	hash: string;
}

/** Sends what is still missing of a chunk, until the session has all of it. */
async function sendChunk(api: Api, { action, session, chunk: { data, offset, last }, hash }: ChunkRequest): Promise<ApiAnswer> {
	const end = offset + data.length;
	const total = last ? String(end) : '*';
	const put = (range: string, body: Buffer, headers: Record<string, string> = {}) =>
		api.send({ action, method: 'PUT', url: session, open: true, tries: 1, accepts: [MORE], headers: { 'content-range': `bytes ${range}/${total}`, ...headers }, body });
	let from = offset;
	for (let attempt = 1; ; attempt++) {
		let answer: ApiAnswer;
		try {
			const range = from === end ? '*' : `${from}-${end - 1}`;
			answer = await put(range, data.subarray(from - offset), last ? { 'x-goog-hash': `crc32c=${hash}` } : {});
		} catch (error) {
			await api.again(error, attempt, TRIES);
			// What arrived is told by the session itself.
			answer = await put('*', Buffer.alloc(0)).catch((failed: unknown) => ({ status: 0, headers: {}, body: failed }));
			if (answer.status === 0) continue;
		}
		if (answer.status !== MORE) return answer;
		const has = nextByte(answer);
		if (has < from || has > end) throw new PipelineError('storage_failed', `Google Cloud Storage lost bytes while it should ${action}.`);
		if (has > from) attempt = 0;
		else if (attempt >= TRIES) throw new PipelineError('storage_failed', `Google Cloud Storage takes no more bytes while it should ${action}.`);
		from = has;
		if (from === end && !last) return answer;
	}
}

/** `Range: bytes=0-1048575` names what has arrived; without it nothing has. */
const nextByte = ({ headers }: ApiAnswer): number => Number(/^bytes=0-(\d+)$/.exec(headers.range ?? '')?.[1] ?? -1) + 1;
