/**
 * Asks for ranges of one file over kept connections, as fast as they come, and throws the bytes away: what it costs is little more than what the
 * kernel does. A process of its own: `node range-client.ts <url> <bytes of the file> <bytes of a range> <connections> <seconds>`; prints JSON.
 */
import { connect, type Socket } from 'node:net';

const [, , address = '', fileBytes = '', rangeBytes = '', connections = '', seconds = ''] = process.argv;
const url = new URL(address);
const size = Number(rangeBytes);
const places = Math.floor(Number(fileBytes) / size);
const HEAD_END = Buffer.from('\r\n\r\n');

let asked = 0;
let done = 0;
let stopped = false;

function open(): Socket {
	/** Bytes of the body that are still to come; null: the head is. */
	let left: number | null = null;
	let head = Buffer.alloc(0);
	const ask = (): void => {
		// A stride that visits every place.
		const start = ((asked++ * 7919) % places) * size;
		socket.write(`GET ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\nRange: bytes=${start}-${start + size - 1}\r\n\r\n`);
	};
	const take = (count: number): void => {
		left = (left ?? 0) - count;
		if (left < 0) throw new Error('more bytes than were announced');
		if (left > 0) return;
		left = null;
		done += 1;
		if (!stopped) ask();
	};
	const buffer = Buffer.alloc(1024 * 1024);
	const socket = connect({
		host: url.hostname,
		port: Number(url.port),
		noDelay: true,
		onread: {
			buffer,
			callback(count) {
				if (left !== null) {
					take(count);
					return true;
				}
				head = Buffer.concat([head, buffer.subarray(0, count)]);
				const end = head.indexOf(HEAD_END);
				if (end < 0) return true;
				const text = head.toString('latin1', 0, end);
				const length = Number(/^content-length: (\d+)/im.exec(text)?.[1]);
				if (!text.startsWith('HTTP/1.1 206') || length !== size) throw new Error(`not the range that was asked for:\n${text}`);
				const rest = head.length - end - HEAD_END.length;
				head = Buffer.alloc(0);
				left = length;
				take(rest);
				return true;
			},
		},
	});
	socket.once('connect', ask);
	return socket;
}

const sockets = Array.from({ length: Number(connections) }, open);
const start = performance.now();
await new Promise((resolve) => setTimeout(resolve, Number(seconds) * 1000));
stopped = true;
const wall = (performance.now() - start) / 1000;
const counted = done;
for (const socket of sockets) socket.destroy();
const { user, system } = process.cpuUsage();
console.log(JSON.stringify({ requests: counted, seconds: wall, cpuSeconds: (user + system) / 1e6 }));
process.exit(0);
