import type { ServerResponse } from 'node:http';
import { startServer, type TestServer } from './http-server.ts';
import { until } from './pipeline.ts';

export interface Received<T> {
	path: string;
	headers: Record<string, string>;
	raw: string;
	json: T;
}

/** Somebody who is called back: keeps what came, answers 200 unless told otherwise. */
export interface Receiver<T> {
	server: TestServer;
	received: Received<T>[];
	/** Answers the next request to a path in another way. */
	answer(path: string, respond: (response: ServerResponse) => void): void;
	/** Waits for the `nth` (from 1) call of a path. */
	next(path: string, nth?: number): Promise<Received<T>>;
}

export async function startReceiver<T>(): Promise<Receiver<T>> {
	const received: Received<T>[] = [];
	const answers = new Map<string, Array<(response: ServerResponse) => void>>();
	const server = await startServer((request, response) => {
		const chunks: Buffer[] = [];
		request.on('data', (chunk: Buffer) => chunks.push(chunk));
		request.on('end', () => {
			const raw = Buffer.concat(chunks).toString();
			const path = request.url ?? '';
			received.push({ path, headers: request.headers as Record<string, string>, raw, json: JSON.parse(raw) as T });
			const respond = answers.get(path)?.shift();
			if (respond) respond(response);
			else response.setHeader('content-type', 'application/json').end('{}');
		});
	});
	return {
		server,
		received,
		answer: (path, respond) => void answers.set(path, [...(answers.get(path) ?? []), respond]),
		async next(path, nth = 1) {
			await until(() => received.filter((one) => one.path === path).length >= nth, `call ${nth} of ${path}`);
			return received.filter((one) => one.path === path)[nth - 1] as Received<T>;
		},
	};
}
