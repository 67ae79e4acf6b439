/**
 * How much the sidecar's memory grows while a large file goes through it, one way after the other: fetched from a URL, uploaded with
 * the tus protocol, put into an S3-compatible store, sent to somebody who asks for it, and from a URL through a remux to that. ffmpeg and
 * the store are processes of their own and not counted.
 * Usage: npm run bench:memory; GIGABYTES=2. Bar (docs/architecture.md): ≤ 64 MB each for 2 GB.
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Upload } from 'tus-js-client';
import { startS3 } from '../test/support/s3.ts';
import { makeSource, verdict, withSidecar } from './lib/bench-sidecar.ts';

const GIGABYTES = Number(process.env['GIGABYTES'] ?? 2);
const BAR_MB = 64;
/** The first ones load code and fill caches that stay. */
const ROUNDS_BEFORE = 4;
const SAMPLE_MS = 20;
const TUS_CHUNK = 64 * 1024 * 1024;

type Size = 'small' | 'large';
type Call = (method: string, path: string, body?: unknown) => Promise<Record<string, unknown>>;

const folder = await mkdtemp(join(tmpdir(), 'bench-memory-'));
const files: Record<Size, string> = { small: makeSource(join(folder, 'small.mp4'), { seconds: 10, bitrate: '6M' }), large: join(folder, 'large.mp4') };
// A long video out of a short one. Its bitrate is so low per picture that it complies with `compress`: it is remuxed.
const times = Math.ceil((GIGABYTES * 1024 ** 3) / (await stat(files.small)).size);
execFileSync('ffmpeg', ['-v', 'error', '-stream_loop', String(times), '-i', files.small, '-c', 'copy', '-movflags', '+faststart', files.large]);

const server = createServer((request, response) => {
	const path = files[(request.url ?? '').startsWith('/large') ? 'large' : 'small'];
	void stat(path).then(({ size }) => {
		response.setHeader('content-type', 'video/mp4').setHeader('content-length', size);
		createReadStream(path).pipe(response);
	});
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
const environment = { ALLOWED_PRIVATE_HOSTS: host, MAX_FILE_BYTES: String(8 * 1024 ** 3) };

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function ended(call: Call, jobId: string): Promise<Record<string, unknown>> {
	for (;;) {
		const job = await call('GET', `/api/media/jobs/${jobId}`);
		if (job['status'] === 'completed') return job;
		if (job['status'] !== 'pending' && job['status'] !== 'processing') throw new Error(JSON.stringify(job['error']));
		await pause(100);
	}
}

/** Reads all of it, and nothing of it into memory. */
async function fetchAll(url: string): Promise<number> {
	let bytes = 0;
	for await (const chunk of (await fetch(url)).body!) bytes += (chunk as Uint8Array).length;
	return bytes;
}

/** Each ends when the sidecar has nothing more to do with the file. */
const fromUrl = async (call: Call, size: Size): Promise<string> => {
	const { job_id: id, asset_id: assetId } = await call('POST', '/ingest', { file_url: `http://${host}/${size}-${Math.random()}.mp4` });
	await ended(call, String(id));
	return String(assetId);
};

const byTus = async (call: Call, size: Size): Promise<void> => {
	const { size: bytes } = await stat(files[size]);
	const signed = (await call('POST', '/api/media/sign', { file_name: 'clip.mp4', file_size: bytes, mime_type: 'video/mp4', protocol: 'tus' })) as { asset_id: string; tus: { endpoint: string } };
	await new Promise<void>((resolve, reject) => {
		new Upload(createReadStream(files[size]), { endpoint: signed.tus.endpoint, uploadSize: bytes, chunkSize: TUS_CHUNK, onSuccess: () => resolve(), onError: reject }).start();
	});
	for (;;) {
		const { status, error } = await call('GET', `/api/media/assets/${signed.asset_id}`);
		if (status === 'ready') return;
		if (status === 'failed') throw new Error(JSON.stringify(error));
		await pause(100);
	}
};

const delivery = () => {
	const delivered: Partial<Record<Size, string>> = {};
	return async (call: Call, size: Size): Promise<void> => {
		delivered[size] ??= await fromUrl(call, size);
		const { file_url: url } = await call('GET', `/api/media/assets/${delivered[size]}`);
		const bytes = await fetchAll(String(url));
		if (bytes !== (await stat(files[size])).size) throw new Error(`fetched ${bytes} bytes`);
	};
};

const remuxed = async (call: Call, size: Size): Promise<void> => {
	const { job_id: id } = await call('POST', '/compress', { file_url: `http://${host}/${size}-${Math.random()}.mp4`, params: { height: 1080 }, reuse: false });
	const { output_data: output } = (await ended(call, String(id))) as { output_data: { copied?: { video: boolean }; files: Array<{ url: string; bytes: number }> } };
	if (!output.copied?.video) throw new Error(`not remuxed: ${JSON.stringify(output)}`);
	const [file] = output.files;
	if ((await fetchAll(file!.url)) !== file!.bytes) throw new Error('the result was not fetched whole');
};

/** Peak of the small file in a sidecar that is warm, then of the large one. */
async function measure(claim: string, variables: Record<string, string>, way: (call: Call, size: Size) => Promise<unknown>, before?: (call: Call) => Promise<unknown>): Promise<void> {
	await withSidecar({ ...environment, ...variables }, async ({ sidecar }) => {
		const rss = async (): Promise<number> => Number(/^VmRSS:\s+(\d+)/m.exec(await readFile(`/proc/${sidecar.pid}/status`, 'utf8'))?.[1]) / 1024;
		const peakOf = async (size: Size): Promise<number> => {
			let peak = 0;
			let watching = true;
			const watch = (async () => {
				for (; watching; await pause(SAMPLE_MS)) peak = Math.max(peak, await rss());
			})();
			await way(sidecar.call, size);
			watching = false;
			await watch;
			return peak;
		};
		await before?.(sidecar.call);
		for (let round = 0; round < ROUNDS_BEFORE; round += 1) await peakOf('small');
		const small = await peakOf('small');
		const large = await peakOf('large');
		console.log(`${claim}: peak ${small.toFixed(0)} MB with ${((await stat(files.small)).size / 1e6).toFixed(0)} MB of video, ${large.toFixed(0)} MB with ${((await stat(files.large)).size / 1e9).toFixed(2)} GB`);
		verdict(`RSS growth, ${claim}, MB`, large - small, BAR_MB, { digits: 0 });
	});
}

await measure('from a URL', {}, fromUrl);
await measure('tus upload', {}, byTus);
// The large file comes in before anything is measured: what that takes must not hide what sending it takes.
const fromDisk = delivery();
await measure('delivery', {}, fromDisk, (call) => fromDisk(call, 'large'));
await measure('from a URL, remuxed, delivered', {}, remuxed);
const s3 = await startS3();
try {
	const { bucket, endpoint, credentials, region } = await s3.bucket();
	const variables = {
		STORAGE: 's3',
		S3_BUCKET: bucket,
		S3_ENDPOINT: endpoint,
		S3_REGION: region ?? 'us-east-1',
		S3_FORCE_PATH_STYLE: 'true',
		S3_ACCESS_KEY_ID: credentials?.accessKeyId ?? '',
		S3_SECRET_ACCESS_KEY: credentials?.secretAccessKey ?? '',
		ALLOWED_PRIVATE_HOSTS: `${host},${new URL(endpoint).host}`,
	};
	await measure('from a URL into S3', variables, fromUrl);
	const fromS3 = delivery();
	await measure('delivery out of S3', variables, fromS3, (call) => fromS3(call, 'large'));
} finally {
	await s3.stop();
}
server.close();
server.closeAllConnections();
await rm(folder, { recursive: true, force: true });
