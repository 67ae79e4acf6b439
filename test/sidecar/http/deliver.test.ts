import { once } from 'node:events';
import { mkdtemp, readdir, readlink, rm } from 'node:fs/promises';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import express from 'express';
import { pino } from 'pino';
import { createDeliver } from '../../../sidecar/src/http/deliver.ts';
import { createDiskStorage } from '../../../sidecar/src/storage/disk.ts';
import { until } from '../../support/pipeline.ts';

const KEY = 'jobs/acme/1/big.bin';
const MEGABYTE = 1_000_000;

/** Bytes of buffers that somebody still holds. */
function heldBytes(): number {
	setFlagsFromString('--expose-gc');
	const collect = runInNewContext('gc') as () => void;
	// What one collection frees, the next one counts off.
	collect();
	collect();
	return process.memoryUsage().arrayBuffers;
}

describe('readers who take nothing', () => {
	let folder: string;
	let storage: ReturnType<typeof createDiskStorage>;

	beforeAll(async () => {
		folder = await mkdtemp(join(tmpdir(), 'deliver-'));
		storage = createDiskStorage({ root: folder });
		await storage.prepare();
		// More than the kernel keeps for a connection.
		await storage.putStream(KEY, Readable.from(Array.from({ length: 40 }, () => Buffer.alloc(MEGABYTE))));
	});
	afterAll(() => rm(folder, { recursive: true, force: true }));

	const openFiles = async () => (await Promise.all((await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')))).filter((path) => path.endsWith(KEY)).length;

	async function among(readers: number, stalledMs: number | undefined, work: (sockets: Socket[]) => Promise<void>): Promise<void> {
		const deliver = createDeliver({ storage, log: pino({ level: 'silent' }), delivery: { mode: 'proxy', xAccelPrefix: '/stored/', corsOrigins: ['*'] } }, stalledMs);
		const server = express()
			.get('/', (request, response) => deliver({ key: KEY, mime: 'video/mp4', name: 'big.bin', caching: 'private' }, request, response))
			.listen(0, '127.0.0.1');
		await once(server, 'listening');
		const sockets = Array.from({ length: readers }, () => {
			const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => {});
			// Nobody listens for data: nothing is read.
			socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
			return socket;
		});
		try {
			await work(sockets);
		} finally {
			for (const socket of sockets) socket.destroy();
			server.close();
			server.closeAllConnections();
		}
	}

	it('are cut off after a while, and the file is let go', async () => {
		await among(3, 300, async () => {
			await until(async () => (await openFiles()) === 3, 'they are being sent');
			await until(async () => (await openFiles()) === 0, 'they were cut off');
		});
	});

	it('do not fill the memory, however many they are', async () => {
		const before = heldBytes();
		await among(150, undefined, async () => {
			await until(async () => (await openFiles()) === 150, 'they are being sent');
			// Two pieces each, of half a megabyte, would be 150 MB.
			expect(heldBytes() - before).toBeLessThan(50 * MEGABYTE);
		});
		await until(async () => (await openFiles()) === 0, 'they are let go');
	});
});
