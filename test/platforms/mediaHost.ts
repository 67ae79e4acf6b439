import { createReadStream } from 'node:fs';
import { startServer } from '../support/http-server.ts';

type Served = { mime: string; path: string } | { mime: string; bytes: Buffer } | { redirect: string } | { status: number };

/** A public place for media, on loopback: what platforms that fetch media themselves fetch it from. */
export async function startMediaHost() {
	const files = new Map<string, Served>();
	const server = await startServer((request, response) => {
		const file = files.get(request.url ?? '');
		if (!file) return void response.writeHead(404).end();
		if ('redirect' in file) return void response.writeHead(302, { location: file.redirect }).end();
		if ('status' in file) return void response.writeHead(file.status).end();
		response.writeHead(200, { 'content-type': file.mime });
		if ('bytes' in file) response.end(file.bytes);
		else
			createReadStream(file.path)
				.on('error', () => response.destroy())
				.pipe(response);
	});
	return {
		url: server.url,
		/** @returns the address under which it is served */
		serve(name: string, file: Served): string {
			files.set(`/${name}`, file);
			return `${server.url}/${name}`;
		},
		fetched: () => server.requests.length,
		close: () => server.close(),
	};
}

export type MediaHost = Awaited<ReturnType<typeof startMediaHost>>;
