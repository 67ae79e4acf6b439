/**
 * How much the sidecar's memory grows while a large source comes in by URL, is remuxed, and its result is fetched.
 * ffmpeg is a process of its own and not counted. Usage: npm run bench:memory. Bar (docs/architecture.md): ≤ 64 MB for 2 GB.
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeSource, verdict, withSidecar } from './lib/bench-sidecar.ts';

const GIGABYTES = Number(process.env['GIGABYTES'] ?? 2);
const folder = await mkdtemp(join(tmpdir(), 'bench-memory-'));

/** A long video of the wanted size out of a short one. Its bitrate is so low per picture that it complies: it is remuxed. */
async function makeLarge(path: string, bytes: number): Promise<void> {
	const short = makeSource(join(folder, 'short.mp4'), { seconds: 10, bitrate: '6M' });
	const times = Math.ceil(bytes / (await stat(short)).size);
	execFileSync('ffmpeg', ['-v', 'error', '-stream_loop', String(times), '-i', short, '-c', 'copy', '-movflags', '+faststart', path]);
}

const files = { small: join(folder, 'short.mp4'), large: join(folder, 'large.mp4') };
await makeLarge(files.large, GIGABYTES * 1024 ** 3);
const server = createServer((request, response) => {
	const path = request.url === '/large.mp4' ? files.large : files.small;
	void stat(path).then(({ size }) => {
		response.setHeader('content-type', 'video/mp4').setHeader('content-length', size);
		createReadStream(path).pipe(response);
	});
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;

await withSidecar({ ALLOWED_PRIVATE_HOSTS: host, MAX_FILE_BYTES: String(8 * 1024 ** 3) }, async ({ sidecar }) => {
	const rss = async (): Promise<number> => Number(/^VmRSS:\s+(\d+)/m.exec(await readFile(`/proc/${sidecar.pid}/status`, 'utf8'))?.[1]) / 1024;

	async function through(name: string): Promise<number> {
		let peak = 0;
		let watching = true;
		const watch = (async () => {
			while (watching) {
				peak = Math.max(peak, await rss());
				await new Promise((resolve) => setTimeout(resolve, 50));
			}
		})();
		const { job_id: id } = await sidecar.call('POST', '/compress', { file_url: `http://${host}/${name}.mp4`, params: { height: 1080 }, reuse: false });
		let job: Record<string, unknown>;
		do {
			await new Promise((resolve) => setTimeout(resolve, 100));
			job = await sidecar.call('GET', `/api/media/jobs/${String(id)}`);
		} while (job['status'] === 'pending' || job['status'] === 'processing');
		const output = job['output_data'] as { copied?: { video: boolean } };
		if (job['status'] !== 'completed' || !output.copied?.video) throw new Error(`not remuxed: ${JSON.stringify(job)}`);
		const [file] = (job['output_data'] as { files: Array<{ url: string; bytes: number }> }).files;
		const response = await fetch(file!.url);
		let bytes = 0;
		for await (const chunk of response.body!) bytes += (chunk as Uint8Array).length;
		if (bytes !== file!.bytes) throw new Error(`fetched ${bytes} of ${file!.bytes} bytes`);
		watching = false;
		await watch;
		return peak;
	}

	// The first jobs load code and fill caches that stay.
	for (let round = 0; round < 3; round += 1) await through('small');
	const small = await through('small');
	const large = await through('large');
	console.log(`peak RSS: ${small.toFixed(0)} MB with ${((await stat(files.small)).size / 1e6).toFixed(0)} MB of video, ${large.toFixed(0)} MB with ${((await stat(files.large)).size / 1e9).toFixed(2)} GB`);
	verdict('RSS growth for a large source, MB', large - small, 64, { digits: 0 });
});
server.close();
server.closeAllConnections();
await rm(folder, { recursive: true, force: true });
