import type { Readable } from 'node:stream';
import { PipelineError } from '../../errors.ts';
import { usualTypes } from '../../net/mime-of-name.ts';
import { atHost, type Api, type ApiAnswer } from '../cloud/api.ts';
import { inChunks, type Chunk } from '../cloud/chunks.ts';
import type { PutOptions } from '../storage.ts';

/** "It must be set to 6MB": every chunk but the last ("Resumable Uploads", Supabase). Up to it, one POST is advised. */
export const CHUNK_BYTES = 6 * 1024 * 1024;
/** Tries of one chunk without a byte of progress. */
const TRIES = 5;
const TUS = { 'tus-resumable': '1.0.0' };

export interface UploadRequest {
	api: Api;
	/** `https://{project}.storage.supabase.co/storage/v1` */
	baseUrl: string;
	bucket: string;
	key: string;
	stream: Readable;
	options: PutOptions;
}

/** Small files by one POST, larger ones by the tus protocol. The file appears when it is whole. Answers its bytes. */
export async function upload({ api, baseUrl, bucket, key, stream, options }: UploadRequest): Promise<number> {
	const action = `write ${key}`;
	const mime = options.mime ?? usualTypes(key)?.[0] ?? 'application/octet-stream';
	let session: URL | null = null;
	try {
		for await (const chunk of inChunks(stream, CHUNK_BYTES, options.bytes)) {
			const end = chunk.offset + chunk.data.length;
			if (chunk.last && !session) {
				await api.send({ action, method: 'POST', url: `${baseUrl}/object/${bucket}/${key}`, headers: { 'content-type': mime, 'x-upsert': 'true' }, body: chunk.data });
				return end;
			}
			session ??= await begin(api, { action, baseUrl, bucket, key, mime, bytes: options.bytes });
			await sendChunk(api, { action, session, chunk, tellLength: options.bytes === undefined });
			if (chunk.last) return end;
		}
		throw new Error('a stream without a last piece');
	} catch (error) {
		// Otherwise it would stay for a day.
		if (session) await api.send({ action, method: 'DELETE', url: session, headers: TUS, tries: 1 }).catch(() => undefined);
		throw error;
	}
}

interface Beginning extends Pick<UploadRequest, 'baseUrl' | 'bucket' | 'key'> {
	action: string;
	mime: string;
	bytes: number | undefined;
}

async function begin(api: Api, { action, baseUrl, bucket, key, mime, bytes }: Beginning): Promise<URL> {
	const metadata = Object.entries({ bucketName: bucket, objectName: key, contentType: mime, cacheControl: '3600' })
		.map(([name, value]) => `${name} ${Buffer.from(value).toString('base64')}`)
		.join(',');
	const { headers } = await api.send({
		action,
		method: 'POST',
		url: `${baseUrl}/upload/resumable`,
		// The length that comes later is part of tus, and of the server that Supabase uses; its own pages do not speak of it (unconfirmed).
		headers: { ...TUS, 'x-upsert': 'true', 'upload-metadata': metadata, ...(bytes === undefined ? { 'upload-defer-length': '1' } : { 'upload-length': String(bytes) }) },
	});
	if (!headers.location) throw new PipelineError('storage_failed', `Supabase Storage gave no place to ${action} to.`);
	return atHost(baseUrl, headers.location);
}

interface ChunkRequest {
	action: string;
	session: URL;
	chunk: Chunk;
	/** The last chunk says how long the whole is. */
	tellLength: boolean;
}

/** Sends what is still missing of a chunk, until the server has all of it. */
async function sendChunk(api: Api, { action, session, chunk: { data, offset, last }, tellLength }: ChunkRequest): Promise<void> {
	const end = offset + data.length;
	/** Told once: a server that knows it already refuses to hear it again. */
	let length: Record<string, string> = last && tellLength ? { 'upload-length': String(end) } : {};
	let from = offset;
	for (let attempt = 1; from < end; attempt++) {
		let answer: ApiAnswer | null;
		try {
			const headers = { ...TUS, ...length, 'content-type': 'application/offset+octet-stream', 'upload-offset': String(from) };
			// 409: another part of it has arrived than is thought.
			answer = await api.send({ action, method: 'PATCH', url: session, tries: 1, accepts: [409], headers, body: data.subarray(from - offset) });
			if (answer.status === 409) answer = await ask(api, action, session);
		} catch (error) {
			await api.again(error, attempt, TRIES);
			answer = await ask(api, action, session).catch(() => null);
			if (!answer) continue;
		}
		const has = Number(answer.headers['upload-offset'] ?? NaN);
		if (!(has >= from && has <= end)) throw new PipelineError('storage_failed', `Supabase Storage lost bytes while it should ${action}.`);
		if (answer.headers['upload-length'] !== undefined) length = {};
		if (has > from) attempt = 0;
		else if (attempt >= TRIES) throw new PipelineError('storage_failed', `Supabase Storage takes no more bytes while it should ${action}.`);
		from = has;
	}
}

const ask = (api: Api, action: string, session: URL): Promise<ApiAnswer> => api.send({ action, method: 'HEAD', url: session, headers: TUS, tries: 1 });
