/**
 * The same request again: wall time of a job whose result exists already, against the first one (HTTP request → queue → result →
 * callback received): 60 s of 1080p to 720p. Each pair asks for another quality, so that each first one is really made.
 * Usage: npm run bench:cache. Bar (docs/architecture.md): ratio ≤ 0.02.
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnSidecar } from '../test/support/sidecar-process.ts';

const PAIRS = Number(process.env['PAIRS'] ?? 3);

const folder = await mkdtemp(join(tmpdir(), 'bench-cache-'));
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

const bytes = await readFile(source);
const signed = await sidecar.call('POST', '/api/media/sign', { file_name: 'source.mp4', file_size: bytes.length, mime_type: 'video/mp4' });
await fetch(String(signed['upload_url']), { method: 'PUT', body: new Uint8Array(bytes) });
const assetId = String(signed['asset_id']);
while ((await sidecar.call('GET', `/api/media/assets/${assetId}`))['status'] !== 'ready') await new Promise((resolve) => setTimeout(resolve, 50));

async function ask(crf: number): Promise<{ took: number; reused: boolean }> {
	const start = performance.now();
	const called = new Promise<void>((resolve) => (arrived = resolve));
	const { job_id: id } = await sidecar.call('POST', '/compress', { asset_id: assetId, params: { height: 720, crf }, callback_url: `http://${receiverHost}/done` });
	await called;
	const took = performance.now() - start;
	const job = await sidecar.call('GET', `/api/media/jobs/${String(id)}`);
	if (job['status'] !== 'completed') throw new Error(`the job is ${String(job['status'])}: ${JSON.stringify(job['error'])}`);
	return { took, reused: 'reused_from' in (job['output_data'] as object) };
}

const ratios: number[] = [];
for (let pair = 0; pair < PAIRS; pair += 1) {
	const [first, again] = [await ask(23 + pair), await ask(23 + pair)];
	if (first.reused || !again.reused) throw new Error('the first one must be made, the second one reused');
	ratios.push(again.took / first.took);
	console.log(`pair ${pair + 1}: first ${(first.took / 1000).toFixed(2)} s, again ${(again.took / 1000).toFixed(3)} s, ratio ${ratios.at(-1)?.toFixed(4)}`);
}
ratios.sort((a, b) => a - b);
console.log(`median ratio ${ratios[Math.floor(ratios.length / 2)]?.toFixed(4)} (bar: 0.02)`);
await sidecar.kill();
receiver.close();
receiver.closeAllConnections();
await rm(folder, { recursive: true, force: true });
