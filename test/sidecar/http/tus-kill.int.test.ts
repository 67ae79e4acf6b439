import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { createServer, connect, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Upload } from 'tus-js-client';
import { freePort, spawnSidecar, type SidecarProcess } from '../../support/sidecar-process.ts';
import { fixture } from '../../fixtures/media.ts';
import { until } from '../../support/pipeline.ts';

/** Megabytes to upload; `TUS_TEST_MB=2048` for the real thing. */
const MEGABYTES = Number(process.env['TUS_TEST_MB'] ?? 64);
const INTERRUPTIONS = 10;
/** Buffers of sockets and streams between client and file, bytes. */
const ON_THE_LINE = 8 * 1024 ** 2;
/** After these the sidecar is killed as well. */
const KILLS = new Set([3, 7]);

/** A video whose `mdat` is followed by a `free` box of random bytes: a large file that is still a video. */
async function largeVideo(path: string, bytes: number): Promise<string> {
	const video = await readFile(fixture('landscape'));
	const hash = createHash('sha256');
	const file = await open(path, 'w');
	const write = async (chunk: Buffer) => {
		hash.update(chunk);
		await file.writeFile(chunk);
	};
	await write(video);
	const header = Buffer.alloc(8);
	header.writeUInt32BE(bytes - video.length, 0);
	header.write('free', 4, 'latin1');
	await write(header);
	for (let left = bytes - video.length - 8; left > 0; ) {
		const chunk = randomBytes(Math.min(left, 4 * 1024 * 1024));
		await write(chunk);
		left -= chunk.length;
	}
	await file.close();
	return hash.digest('hex');
}

/** Between client and sidecar, as a proxy: counts what clients send, cuts all connections each time that `every` further bytes have come, and answers 502 while there is no sidecar. */
async function startCutter(port: number, every: number, onCut: (nth: number) => void): Promise<{ url: string; sent: () => number; server: Server }> {
	let sockets: Socket[] = [];
	let sent = 0;
	let cuts = 0;
	const server = createServer((client) => {
		const target = connect(port, '127.0.0.1');
		let open = false;
		sockets.push(client, target);
		client.on('error', () => client.destroy());
		target.on('connect', () => (open = true));
		target.on('error', (error: NodeJS.ErrnoException) => {
			if (error.code === 'ECONNREFUSED') client.end('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
			else target.destroy();
		});
		client.on('data', (chunk) => {
			// What nobody takes is not sent.
			if (!open) return;
			sent += chunk.length;
			if (cuts === INTERRUPTIONS || sent < (cuts + 1) * every) return;
			cuts += 1;
			for (const socket of sockets) socket.destroy();
			sockets = [];
			onCut(cuts);
		});
		client.pipe(target).pipe(client);
		client.on('close', () => target.destroy());
		target.on('close', () => client.destroySoon());
	}).listen(0, '127.0.0.1');
	await once(server, 'listening');
	const address = server.address();
	return { url: `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`, sent: () => sent, server };
}

describe('an upload that is interrupted ten times, twice by the end of the sidecar', () => {
	let folder: string;
	let sidecar: SidecarProcess;
	beforeAll(async () => {
		folder = await mkdtemp(join(tmpdir(), 'tus-'));
	});
	afterAll(async () => {
		await sidecar.kill('SIGKILL').catch(() => {});
		await rm(folder, { recursive: true, force: true });
	});

	it('ends byte-identical', async () => {
		const bytes = MEGABYTES * 1024 * 1024;
		const source = join(folder, 'large.mp4');
		const sha256 = await largeVideo(source, bytes);
		const port = String(await freePort());
		let restarting: Promise<void> = Promise.resolve();
		let interruptions = 0;
		const cutter = await startCutter(Number(port), bytes / (INTERRUPTIONS + 1), (nth) => {
			interruptions = nth;
			if (!KILLS.has(nth)) return;
			restarting = sidecar.kill('SIGKILL').then(async () => {
				sidecar = await spawnSidecar(environment);
			});
		});
		const environment = { DATA_DIR: join(folder, 'data'), PORT: port, PUBLIC_URL: cutter.url, LOG_LEVEL: 'info' };
		sidecar = await spawnSidecar(environment);
		const signed = await sidecar.call('POST', '/api/media/sign', { file_name: 'large.mp4', file_size: bytes, mime_type: 'video/mp4', protocol: 'tus', sha256 });
		const { endpoint } = signed['tus'] as { endpoint: string };

		const offsets: number[] = [];
		await new Promise<void>((resolve, reject) => {
			const upload = new Upload(createReadStream(source), {
				endpoint,
				uploadSize: bytes,
				chunkSize: Infinity,
				// More than enough for two restarts.
				retryDelays: Array.from({ length: 60 }, () => 500),
				onError: reject,
				onUploadUrlAvailable: () => {
					upload.options.endpoint = null;
				},
				onSuccess: () => resolve(),
				onAfterResponse: (_request, response) => {
					const offset = response.getHeader('Upload-Offset');
					if (offset) offsets.push(Number(offset));
				},
			});
			upload.start();
		});

		await restarting;
		expect(interruptions).toBe(INTERRUPTIONS);
		// It went on where it was, each time further: not one byte more than was on the line when it was cut.
		expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
		expect(offsets.length).toBeGreaterThanOrEqual(INTERRUPTIONS);
		// A cut may come while all that was sent is still on the line: then there is nothing to go on from.
		expect(offsets.filter((offset) => offset === 0).length).toBeLessThanOrEqual(Math.ceil((ON_THE_LINE * (INTERRUPTIONS + 1)) / bytes));
		expect(cutter.sent()).toBeLessThan(bytes + INTERRUPTIONS * ON_THE_LINE);
		const asset = async () => sidecar.call('GET', `/api/media/assets/${String(signed['asset_id'])}`);
		await until(async () => ['ready', 'failed'].includes(String((await asset())['status'])), 'the asset is ready', 600_000);
		const { status, error, file_url: url } = await asset();
		expect({ status, error }).toEqual({ status: 'ready', error: null });
		const stored = createHash('sha256');
		for await (const chunk of (await fetch(String(url))).body ?? []) stored.update(chunk as Uint8Array);
		expect(stored.digest('hex')).toBe(sha256);
		cutter.server.close();
	}, 600_000);
});
