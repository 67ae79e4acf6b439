import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname } from 'node:path';

/** What files are sent as is held against what they are. */
const TYPES: Record<string, string> = { '.jpg': 'image/jpeg', '.png': 'image/png', '.mp3': 'audio/mpeg', '.xml': 'application/rss+xml' };

export interface FileServer {
	url: string;
	close(): Promise<void>;
}

/** Serves files on loopback. @param files path by name, e.g. `{ 'speech.mp4': '/tmp/…' }` */
export async function startFileServer(files: Record<string, string>): Promise<FileServer> {
	const server = createServer((request, response) => {
		const path = files[(request.url ?? '').slice(1)];
		if (!path) return void response.writeHead(404).end();
		stat(path).then(
			({ size }) => {
				response.writeHead(200, { 'content-type': TYPES[extname(request.url ?? '')] ?? 'video/mp4', 'content-length': size });
				createReadStream(path).pipe(response);
			},
			() => response.writeHead(404).end(),
		);
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const { port } = server.address() as AddressInfo;
	return {
		url: `http://127.0.0.1:${port}`,
		close: () =>
			new Promise((resolve) => {
				server.close(() => resolve());
				server.closeAllConnections();
			}),
	};
}
