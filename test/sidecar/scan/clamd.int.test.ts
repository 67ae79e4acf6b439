import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClamd } from '../../../sidecar/src/scan/clamd.ts';
import { EICAR, EICAR_NAME, startClamd, type TestClamd } from '../../support/clamd.ts';

const signal = new AbortController().signal;
let folder: string;
let clamd: TestClamd;
beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'scan-'));
	clamd = await startClamd({ StreamMaxLength: '4M', MaxFileSize: '2M', MaxScanSize: '8M' });
});
afterAll(async () => {
	await clamd.close();
	await rm(folder, { recursive: true, force: true });
});

async function file(name: string, content: string | Buffer): Promise<string> {
	const path = join(folder, name);
	await writeFile(path, content);
	return path;
}
const scanner = (maxBytes = 1e9) => createClamd({ address: clamd.socket, maxBytes });

describe('a real clamd', () => {
	it('finds nothing in what is clean, and says how far it is', async () => {
		const seen: number[] = [];
		const path = await file('clean.bin', Buffer.alloc(300_000, 7));
		await expect(scanner().scan(path, { signal, onProgress: (percent) => void seen.push(percent) })).resolves.toBeNull();
		expect(seen.at(-1)).toBe(100);
	});

	it('takes an empty file', async () => {
		await expect(scanner().scan(await file('empty.bin', ''), { signal })).resolves.toBeNull();
	});

	it('names the signature that it found, wherever in the file', async () => {
		await expect(scanner().scan(await file('eicar.com', EICAR), { signal })).resolves.toBe(EICAR_NAME);
		const behind = Buffer.concat([Buffer.alloc(200_001, 1), Buffer.from(EICAR)]);
		await expect(scanner().scan(await file('behind.bin', behind), { signal })).resolves.toBe(EICAR_NAME);
	});

	it('refuses what is larger than clamd takes as a stream, and says which setting to raise', async () => {
		const path = await file('stream.bin', Buffer.alloc(6_000_000, 1));
		// clamd closes while it is still being written to: what comes first, its answer or the broken pipe, differs.
		for (let times = 0; times < 20; times++) await expect(scanner().scan(path, { signal })).rejects.toThrow(/StreamMaxLength/);
	});

	it('refuses what clamd did not look at as a whole', async () => {
		const path = await file('scan.bin', Buffer.alloc(3_000_000, 1));
		await expect(scanner().scan(path, { signal })).rejects.toMatchObject({ code: 'scanner_unavailable', message: expect.stringContaining('MaxFileSize') });
	});

	it('does not even send what is larger than it was told that clamd looks at', async () => {
		const path = await file('told.bin', Buffer.alloc(2000, 1));
		await expect(createClamd({ address: join(folder, 'nobody.sock'), maxBytes: 1000 }).scan(path, { signal })).rejects.toMatchObject({ message: expect.stringContaining('CLAMD_MAX_BYTES') });
	});

	it('says that it is there', async () => {
		await expect(scanner().ping()).resolves.toBeUndefined();
	});
});

describe('a scanner that fails', () => {
	let server: Server | null = null;
	const open: Socket[] = [];
	afterEach(async () => {
		for (const socket of open.splice(0)) socket.destroy();
		await new Promise((done) => (server ? server.close(done) : done(null)));
		server = null;
	});
	async function listen(answer: (socket: Socket) => void): Promise<string> {
		server = createServer((socket) => {
			open.push(socket);
			socket.on('error', () => undefined);
			answer(socket);
		});
		await new Promise<void>((done) => server?.listen(0, '127.0.0.1', done));
		const address = server.address();
		return typeof address === 'object' && address ? `127.0.0.1:${address.port}` : '';
	}
	const scan = async (address: string, on = signal) => createClamd({ address, maxBytes: 1e9, silenceMs: 100 }).scan(await file('some.bin', Buffer.alloc(200_000)), { signal: on });

	it('is unavailable when nobody listens', async () => {
		await expect(scan(join(folder, 'nobody.sock'))).rejects.toMatchObject({ code: 'scanner_unavailable' });
		await expect(createClamd({ address: '127.0.0.1:1', maxBytes: 1 }).ping()).rejects.toMatchObject({ code: 'scanner_unavailable' });
	});

	it.each([
		['closes without a word', (socket: Socket) => socket.end()],
		['breaks the connection', (socket: Socket) => socket.destroy()],
		['falls silent', (socket: Socket) => socket.resume()],
		['says something else', (socket: Socket) => socket.end('HTTP/1.1 400 Bad Request\r\n')],
		['says OK of something else', (socket: Socket) => socket.end('other: OK\0')],
		['says OK before it has read anything', (socket: Socket) => socket.write('stream: OK\0')],
		['reports an error', (socket: Socket) => socket.end('stream: Can’t allocate memory ERROR\0')],
		['never ends its answer', (socket: Socket) => socket.write('x'.repeat(10_000))],
	])('is unavailable when it %s', async (_, answer) => {
		await expect(scan(await listen(answer))).rejects.toMatchObject({ code: 'scanner_unavailable' });
	});

	it('stops at once when the job is cancelled, with its reason', async () => {
		const stop = new AbortController();
		const reason = new Error('cancelled');
		await expect(scan(await listen(() => stop.abort(reason)), stop.signal)).rejects.toBe(reason);
	});
});
