import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { PipelineError } from '../../errors.ts';
import type { Api } from '../cloud/api.ts';
import { inChunks } from '../cloud/chunks.ts';

/** Every chunk but the last must have more than 5 MB ("Guidelines for self-implementing chunked upload"). */
const CHUNK_BYTES = 6 * 1024 * 1024;
const TRIES = 5;

export interface UploadRequest {
	api: Api;
	/** `https://api.cloudinary.com/v1_1/{cloud}/{type}/upload` */
	url: string;
	key: string;
	stream: Readable;
	/** Of the stream, where it is known. */
	expected: number | undefined;
	/** Signed anew for each request: a signature is valid for an hour. */
	parameters(): Record<string, string>;
	/** What is there now, when it is what was just sent; null otherwise. */
	arrived(bytes: number): Promise<unknown>;
}

/** In chunks of one upload; the file appears with the last. Answers what Cloudinary says of it, and the bytes that were sent. */
export async function upload({ api, url, key, stream, expected, parameters, arrived }: UploadRequest): Promise<{ body: unknown; bytes: number }> {
	const action = `write ${key}`;
	const id = randomUUID();
	for await (const { data, offset, last } of inChunks(stream, CHUNK_BYTES, expected)) {
		const end = offset + data.length;
		if (end === 0) throw new PipelineError('storage_failed', `Cloudinary takes no empty files: ${key} has no bytes.`);
		const whole = last && offset === 0;
		const headers: Record<string, string> = whole ? {} : { 'x-unique-upload-id': id, 'content-range': `bytes ${offset}-${end - 1}/${last ? end : -1}` };
		for (let attempt = 1; ; attempt++) {
			try {
				const made = form(parameters(), data);
				const answer = await api.send({ action, method: 'POST', url, open: true, tries: 1, body: made.body, headers: { ...made.headers, ...headers } });
				if (last) return { body: answer.body, bytes: end };
				break;
			} catch (error) {
				await api.again(error, attempt, TRIES);
				// The same chunk once more does no harm; the last one may have had its effect.
				const body = last ? await arrived(end) : null;
				if (body) return { body, bytes: end };
			}
		}
	}
	throw new Error('a stream without a last piece');
}

/** A form with a file of it, or the address of one. One piece of memory: the global FormData would keep several. */
export function form(parameters: Record<string, string>, file?: Buffer | string): { headers: Record<string, string>; body: Buffer } {
	const boundary = `media-pipeline-${randomUUID()}`;
	const head = (name: string, more = '') => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n`;
	const fields = Object.entries(typeof file === 'string' ? { ...parameters, file } : parameters).map(([name, value]) => `${head(name)}${value}\r\n`);
	const bytes = Buffer.isBuffer(file) ? [Buffer.from(head('file', '; filename="file"\r\nContent-Type: application/octet-stream')), file, Buffer.from('\r\n')] : [];
	return {
		headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
		body: Buffer.concat([Buffer.from(fields.join('')), ...bytes, Buffer.from(`--${boundary}--\r\n`)]),
	};
}
