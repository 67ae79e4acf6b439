import { Agent, request as httpRequest, type OutgoingHttpHeaders } from 'node:http';
import { connect } from 'node:net';

export interface Sent {
	method: string;
	/** As it goes over the line. */
	path: string;
	headers: Record<string, string>;
	body?: string | Buffer;
}

export interface Received {
	status: number;
	headers: Record<string, string>;
	body: string;
}

/** Far longer than any answer takes: passing it is a hang. */
const HANGS_AFTER_MS = 20_000;

export class Client {
	readonly #agent = new Agent({ keepAlive: true, maxSockets: 8 });
	readonly #port: number;
	constructor(url: string) {
		this.#port = Number(new URL(url).port);
	}

	/** Of a stream that never ends, the beginning. Rejects when nothing comes. */
	send({ method, path, headers, body }: Sent): Promise<Received> {
		return new Promise((resolve, reject) => {
			const length: OutgoingHttpHeaders = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
			const sent = httpRequest({ agent: this.#agent, host: '127.0.0.1', port: this.#port, method, path, headers: { ...length, ...headers } });
			const hang = setTimeout(() => sent.destroy(new Error(`no answer within ${HANGS_AFTER_MS / 1000} s`)), HANGS_AFTER_MS);
			let answered = false;
			sent.on('error', (error) => {
				clearTimeout(hang);
				if (!answered) reject(error);
			});
			sent.on('response', (response) => {
				const chunks: Buffer[] = [];
				const done = () => {
					answered = true;
					clearTimeout(hang);
					const flat = Object.fromEntries(Object.entries(response.headers).map(([name, value]) => [name, String(value)]));
					resolve({ status: response.statusCode ?? 0, headers: flat, body: Buffer.concat(chunks).toString('utf8') });
				};
				if (response.headers['content-type']?.startsWith('text/event-stream')) {
					done();
					sent.destroy();
					return;
				}
				response.on('data', (chunk: Buffer) => chunks.push(chunk));
				response.on('end', done);
				response.on('error', (error) => {
					clearTimeout(hang);
					reject(error);
				});
			});
			sent.end(body);
		});
	}

	/** Bytes as they are; what comes back until the other side ends the connection, or the answer is there. */
	raw(bytes: string | Buffer): Promise<string> {
		return new Promise((resolve, reject) => {
			let text = '';
			const socket = connect(this.#port, '127.0.0.1', () => socket.write(bytes));
			const hang = setTimeout(() => socket.destroy(new Error(`no answer within ${HANGS_AFTER_MS / 1000} s`)), HANGS_AFTER_MS);
			const done = () => {
				clearTimeout(hang);
				socket.destroy();
				resolve(text);
			};
			socket.setEncoding('utf8').on('data', (chunk: string) => {
				text += chunk;
				const [head, body] = text.split('\r\n\r\n', 2);
				const length = /^content-length: (\d+)/im.exec(head ?? '')?.[1];
				if (body !== undefined && length !== undefined && Buffer.byteLength(body) >= Number(length)) done();
			});
			socket.on('end', done);
			socket.on('error', (error: NodeJS.ErrnoException) => {
				clearTimeout(hang);
				if (error.code === 'ECONNRESET' || error.code === 'EPIPE') resolve(text);
				else reject(error);
			});
		});
	}

	close(): void {
		this.#agent.destroy();
	}
}
