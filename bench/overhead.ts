/**
 * Wall time of one job through the sidecar (HTTP request → queue → ffmpeg → stored → callback received) against the very
 * same ffmpeg command run by hand: 60 s of 1080p to 720p. Runs alternate, so that a busy machine hits both alike.
 * Usage: npm run bench:overhead. Bar (docs/architecture.md): ratio ≤ 1.03.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ffmpegCall } from '../sidecar/src/media/ffmpeg-arguments.ts';
import { probe } from '../sidecar/src/media/probe.ts';
import { compress } from '../sidecar/src/operations/video/compress.ts';
import { spawnSidecar } from '../test/support/sidecar-process.ts';

const PAIRS = Number(process.env['PAIRS'] ?? 5);

const folder = await mkdtemp(join(tmpdir(), 'bench-overhead-'));
const source = join(folder, 'source.mp4');
execFileSync('ffmpeg', [
	...['-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=size=1920x1080:rate=30:duration=60', '-f', 'lavfi', '-i', 'sine=frequency=440:duration=60'],
	...['-c:v', 'libx264', '-preset', 'ultrafast', '-b:v', '8M', '-pix_fmt', 'yuv420p', '-c:a', 'aac', '-shortest', source],
]);

let arrived = (): void => {};
const receiver = createServer((request, response) => {
	request.resume().on('end', () => {
		response.setHeader('content-type', 'application/json').end('{}');
		arrived();
	});
});
receiver.listen(0, '127.0.0.1');
await once(receiver, 'listening');
const receiverHost = `127.0.0.1:${(receiver.address() as AddressInfo).port}`;
const sidecar = await spawnSidecar({ DATA_DIR: join(folder, 'data'), ALLOWED_PRIVATE_HOSTS: receiverHost, LOG_LEVEL: 'info' });

const signed = await sidecar.call('POST', '/api/media/sign', { file_name: 'source.mp4', file_size: (await readFile(source)).length, mime_type: 'video/mp4' });
await fetch(String(signed['upload_url']), { method: 'PUT', body: new Uint8Array(await readFile(source)) });
const assetId = String(signed['asset_id']);
while ((await sidecar.call('GET', `/api/media/assets/${assetId}`))['status'] !== 'ready') await new Promise((resolve) => setTimeout(resolve, 50));

const facts = await probe(source);
const plan = compress.plan(facts, compress.params.parse({}));
const call = ffmpegCall({ inputPath: source, facts, plan }, () => join(folder, 'by-hand.mp4'));
const byHandArguments = [...call.inputs.flatMap(({ options, url }) => [...options, '-i', url]), ...call.outputs.flatMap(({ options, path }) => [...options, '-f', 'mp4', path])];

/** Detached like the sidecar's: a session of its own, which the scheduler treats alike. */
async function byHand(): Promise<number> {
	const start = performance.now();
	const child = spawn('ffmpeg', byHandArguments, { stdio: 'ignore', detached: true });
	const [code] = (await once(child, 'exit')) as [number];
	if (code !== 0) throw new Error(`ffmpeg by hand ended with ${code}`);
	return performance.now() - start;
}

async function throughSidecar(): Promise<number> {
	const start = performance.now();
	const called = new Promise<void>((resolve) => (arrived = resolve));
	const { job_id: id } = await sidecar.call('POST', '/compress', { asset_id: assetId, callback_url: `http://${receiverHost}/done` });
	await called;
	const took = performance.now() - start;
	const job = await sidecar.call('GET', `/api/media/jobs/${String(id)}`);
	if (job['status'] !== 'completed') throw new Error(`the job is ${String(job['status'])}: ${JSON.stringify(job['error'])}`);
	return took;
}

const ratios: number[] = [];
for (let pair = 0; pair < PAIRS; pair += 1) {
	// Which one goes first alternates: caches and clocks favour neither.
	const [hand, side] = pair % 2 === 0 ? [await byHand(), await throughSidecar()] : await throughSidecar().then(async (time) => [await byHand(), time] as const);
	ratios.push(side / hand);
	console.log(`pair ${pair + 1}: by hand ${(hand / 1000).toFixed(2)} s, sidecar ${(side / 1000).toFixed(2)} s, ratio ${(side / hand).toFixed(3)}`);
}
ratios.sort((a, b) => a - b);
console.log(`median ratio ${ratios[Math.floor(ratios.length / 2)]?.toFixed(3)} (bar: 1.03)`);
await sidecar.kill();
receiver.close();
receiver.closeAllConnections();
await rm(folder, { recursive: true, force: true });
