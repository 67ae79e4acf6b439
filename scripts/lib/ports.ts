import { createServer, type AddressInfo } from 'node:net';

const LOOPBACK = '127.0.0.1';

/** How many ports after the wanted one are tried. */
const PORTS_TRIED = 50;

/** Whether this process could listen on the port now. */
export function isFree(port: number, host = LOOPBACK): Promise<boolean> {
	return listen(port, host).then(
		() => true,
		() => false,
	);
}

/** A port that nobody listens on. Given once per process: two calls never answer the same one. */
export async function freePort(): Promise<number> {
	for (;;) {
		const port = await listen(0, LOOPBACK);
		if (!given.has(port)) {
			given.add(port);
			return port;
		}
	}
}
const given = new Set<number>();

/** The wanted port, or the next free one after it that is not in `taken`. */
export async function nextFreePort(wanted: number, taken: readonly number[] = []): Promise<number> {
	for (let port = wanted; port < wanted + PORTS_TRIED; port++) {
		if (!taken.includes(port) && (await isFree(port))) return port;
	}
	throw new Error(`The ports ${wanted} to ${wanted + PORTS_TRIED - 1} are all in use.`);
}

/** Listens for a moment, and answers the port. */
function listen(port: number, host: string): Promise<number> {
	return new Promise((resolve, reject) => {
		const server = createServer();
		server.once('error', reject);
		server.listen({ port, host, exclusive: true }, () => {
			const address = server.address() as AddressInfo;
			server.close(() => resolve(address.port));
		});
	});
}
