import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { Readable } from 'node:stream';
import axios from 'axios';
import { PipelineError } from '../../errors.ts';

/** Vectors of 128 texts are 12 MB of JSON, the words of 23 minutes 1 MB, five minutes of spoken WAV 15 MB. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
/** One connection per call: a kept one that the server has just closed looks like a call whose outcome is not known. */
const agents = { httpAgent: new HttpAgent({ keepAlive: false }), httpsAgent: new HttpsAgent({ keepAlive: false }) };

/**
 * The `fetch` that the library is given. Node's own gives up after five minutes without an answer, follows redirects
 * with sound and all, and reads without end: this one waits as long as its signal lets it, and does neither. Of the library's
 * headers it sends what a server needs: not what OPENAI_CUSTOM_HEADERS says, nor what machine this is.
 */
export function createTransport(apiKey: string, maxAnswerBytes = MAX_ANSWER_BYTES): typeof fetch {
	return async (input, init = {}) => {
		const given = new Headers(init.headers);
		// Text, or a form with sound of 25 MB at most.
		const packed = new Response(init.body ?? null);
		const type = given.get('content-type') ?? packed.headers.get('content-type');
		const { status, headers, data } = await axios
			.request<Readable>({
				url: input instanceof Request ? input.url : String(input),
				method: init.method ?? 'GET',
				headers: { accept: given.get('accept') ?? '*/*', authorization: `Bearer ${apiKey}`, 'user-agent': 'media-pipeline', ...(type ? { 'content-type': type } : {}) },
				// A buffer: axios would re-format JSON that it is given as text.
				...(init.body ? { data: Buffer.from(await packed.arrayBuffer()) } : {}),
				responseType: 'stream',
				maxRedirects: 0,
				maxBodyLength: Infinity,
				maxContentLength: Infinity,
				validateStatus: () => true,
				proxy: false,
				...agents,
				...(init.signal ? { signal: init.signal } : {}),
			})
			.catch((error: unknown) => {
				// The error of axios carries the whole request, key included.
				throw new TypeError(error instanceof Error ? error.message : String(error));
			});
		const answered = new Headers();
		for (const [name, value] of Object.entries(headers)) {
			// Of the body as it was sent; what is handed on has been unpacked.
			if (!/^content-(length|encoding)$/i.test(name)) answered.set(name, String(value));
		}
		// A Response of these must not have a body (https://fetch.spec.whatwg.org/#null-body-status).
		const empty = [204, 205, 304].includes(status);
		if (empty) data.destroy();
		return new Response(empty ? null : Readable.toWeb(Readable.from(bounded(data, maxAnswerBytes), { objectMode: false })), { status, headers: answered });
	};
}

async function* bounded(stream: Readable, most: number): AsyncGenerator<Buffer> {
	let bytes = 0;
	try {
		for await (const chunk of stream as AsyncIterable<Buffer>) {
			bytes += chunk.length;
			if (bytes > most) throw new PipelineError('provider_answer_invalid', `The AI server answered more than ${most} bytes, which is no answer.`);
			yield chunk;
		}
	} catch (error) {
		if (error instanceof PipelineError) throw error;
		throw new PipelineError('provider_unavailable', 'The connection to the AI server broke off in the middle of its answer.', {
			cause: new Error(error instanceof Error ? error.message : String(error)),
		});
	} finally {
		stream.destroy();
	}
}
