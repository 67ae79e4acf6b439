import * as http from 'node:http';
import * as https from 'node:https';
import type { AddressInfo } from 'node:net';

export interface TestServer {
	/** `http://127.0.0.1:PORT` */
	url: string;
	host: string;
	port: number;
	/** TCP connections so far: what a guard must keep at zero. */
	connections(): number;
	requests: http.IncomingMessage[];
	close(): Promise<void>;
}

/** A real server on a free port of 127.0.0.1. With `tls` it speaks https. */
export async function startServer(handler: http.RequestListener, tls?: https.ServerOptions): Promise<TestServer> {
	const requests: http.IncomingMessage[] = [];
	const listener: http.RequestListener = (request, response) => {
		requests.push(request);
		handler(request, response);
	};
	const server = tls ? https.createServer(tls, listener) : http.createServer(listener);
	let connections = 0;
	server.on('connection', () => connections++);
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const { port } = server.address() as AddressInfo;
	return {
		url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
		host: `127.0.0.1:${port}`,
		port,
		connections: () => connections,
		requests,
		close: () =>
			new Promise((resolve) => {
				server.close(() => resolve());
				server.closeAllConnections();
			}),
	};
}
