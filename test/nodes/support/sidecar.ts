import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
	method: string;
	path: string;
	headers: Record<string, string | string[] | undefined>;
	body: string;
	bytes: number;
}

export interface TestServer {
	url: string;
	received: Received[];
	/** The batches that were submitted, as JSON. */
	batches(): Array<{ items: Array<Record<string, unknown>>; callback_url?: string; deadline_seconds?: number; priority?: number }>;
	close(): Promise<void>;
}

export type Answer = (request: Received) => { status: number; body: unknown; location?: string; headers?: Record<string, string> } | undefined;

/** A server on loopback that answers as the sidecar does, unless `answer` says otherwise. */
export async function startServer(answer: Answer = () => undefined): Promise<TestServer> {
	const received: Received[] = [];
	const server: Server = createServer((request, response) => {
		const chunks: Buffer[] = [];
		request.on('data', (chunk: Buffer) => chunks.push(chunk));
		request.on('end', () => {
			const body = Buffer.concat(chunks);
			const entry: Received = {
				method: request.method ?? '',
				path: request.url ?? '',
				headers: request.headers,
				body: body.toString('utf8'),
				bytes: body.length,
			};
			received.push(entry);
			const reply: ReturnType<Answer> = answer(entry) ?? defaultAnswer(entry, url);
			const location = reply.location ? { location: reply.location } : {};
			response.writeHead(reply.status, { 'content-type': 'application/json', ...location, ...reply.headers });
			response.end(typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body));
		});
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	return {
		url,
		received,
		batches: () =>
			received.filter(({ path }) => path === '/api/media/batch').map(({ body }) => JSON.parse(body) as ReturnType<TestServer['batches']>[number]),
		close: () => new Promise((resolve) => void server.close(() => resolve())),
	};
}

function defaultAnswer({ path, body }: Received, url: string): { status: number; body: unknown } {
	if (path === '/api/media/batch') {
		const { items } = JSON.parse(body) as { items: Array<{ operation: string; asset_id?: string }> };
		const jobs = items.map(({ operation, asset_id: asset }, index) => ({
			id: `job-${index}`,
			item_index: index,
			job_type: operation,
			status: 'pending',
			asset_id: asset ?? `asset-${index}`,
			estimated_duration: 3,
		}));
		return { status: 202, body: { batch_id: 'batch-1', status: 'pending', jobs } };
	}
	if (path === '/api/media/sign') {
		return {
			status: 201,
			body: { asset_id: 'asset-up', upload_url: `${url}/uploads/w/asset-up?sig=s`, method: 'PUT', headers: { 'content-type': 'video/mp4' }, expires_at: '' },
		};
	}
	if (path.startsWith('/uploads/')) return { status: 201, body: {} };
	return { status: 404, body: { error: { code: 'not_found', message: 'There is nothing here.' } } };
}
