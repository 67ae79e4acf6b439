import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { spawnSidecar, type SidecarProcess } from '../../test/support/sidecar-process.ts';

/** A sidecar in a process of its own, with somebody who receives its callbacks. */
export interface Bench {
	/** Scratch folder, removed at the end. */
	folder: string;
	sidecar: SidecarProcess;
	/** Brings a file in by a signed link; answers the id of the asset once it is ready. */
	upload(path: string): Promise<string>;
	/** From the request to the received callback. Fails unless the job completed. `reuse` is off unless asked for. */
	job(operation: string, assetId: string, params: Record<string, unknown>, options?: { reuse?: boolean }): Promise<{ seconds: number; job: Record<string, unknown> }>;
}

export async function withSidecar(environment: Record<string, string>, work: (bench: Bench) => Promise<void>): Promise<void> {
	const folder = await mkdtemp(join(tmpdir(), 'bench-'));
	let arrived = (): void => {};
	const receiver = createServer((request, response) => {
		request.resume().on('end', () => {
			response.setHeader('content-type', 'application/json').end('{}');
			arrived();
		});
	});
	receiver.listen(0, '127.0.0.1');
	await once(receiver, 'listening');
	const host = `127.0.0.1:${(receiver.address() as AddressInfo).port}`;
	const allowed = [host, environment['ALLOWED_PRIVATE_HOSTS']].filter(Boolean).join(',');
	const sidecar = await spawnSidecar({ DATA_DIR: join(folder, 'data'), LOG_LEVEL: 'info', ...environment, ALLOWED_PRIVATE_HOSTS: allowed });
	try {
		await work({
			folder,
			sidecar,
			async upload(path) {
				const { size } = await stat(path);
				const signed = await sidecar.call('POST', '/api/media/sign', { file_name: basename(path), file_size: size, mime_type: 'video/mp4' });
				const body = Readable.toWeb(createReadStream(path)) as unknown as ReadableStream;
				const put = await fetch(String(signed['upload_url']), { method: 'PUT', body, duplex: 'half', headers: { 'content-length': String(size) } });
				if (!put.ok) throw new Error(`the upload was refused: ${await put.text()}`);
				const assetId = String(signed['asset_id']);
				while ((await sidecar.call('GET', `/api/media/assets/${assetId}`))['status'] !== 'ready') await new Promise((resolve) => setTimeout(resolve, 50));
				return assetId;
			},
			async job(operation, assetId, params, { reuse = false } = {}) {
				const start = performance.now();
				const called = new Promise<void>((resolve) => (arrived = resolve));
				const { job_id: id, error } = await sidecar.call('POST', `/${operation}`, { asset_id: assetId, params, reuse, callback_url: `http://${host}/done` });
				if (typeof id !== 'string') throw new Error(`${operation} was refused: ${JSON.stringify(error)}`);
				await called;
				const seconds = (performance.now() - start) / 1000;
				const job = await sidecar.call('GET', `/api/media/jobs/${id}`);
				if (job['status'] !== 'completed') throw new Error(`${operation} is ${String(job['status'])}: ${JSON.stringify(job['error'])}`);
				return { seconds, job };
			},
		});
	} finally {
		await sidecar.kill();
		receiver.close();
		receiver.closeAllConnections();
		await rm(folder, { recursive: true, force: true });
	}
}

/** 1080p of 30 pictures a second with sound, as H.264 and AAC. `noise`: it needs the whole bitrate. */
export function makeSource(path: string, { seconds = 60, size = '1920x1080', bitrate = '8M', noise = false } = {}): string {
	execFileSync('ffmpeg', [
		...['-v', 'error', '-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=30:duration=${seconds}${noise ? ',noise=alls=20:allf=t' : ''}`, '-f', 'lavfi', '-i', `sine=frequency=440:duration=${seconds}`],
		...['-c:v', 'libx264', '-preset', 'ultrafast', '-b:v', bitrate, '-pix_fmt', 'yuv420p', '-c:a', 'aac', '-shortest', path],
	]);
	return path;
}

export function median(values: number[]): number {
	const sorted = [...values].sort((a, b) => a - b);
	const middle = Math.floor(sorted.length / 2);
	return sorted.length % 2 === 1 ? (sorted[middle] ?? Number.NaN) : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}

/** Runs both in turn, each first as often as the other: caches and clocks favour neither. Answers the ratios first / second. */
export async function alternate(pairs: number, first: () => Promise<number>, second: () => Promise<number>, say: (pair: number, a: number, b: number) => void): Promise<number[]> {
	const ratios: number[] = [];
	for (let pair = 1; pair <= pairs; pair += 1) {
		let a: number;
		let b: number;
		if (pair % 2 === 1) {
			a = await first();
			b = await second();
		} else {
			b = await second();
			a = await first();
		}
		ratios.push(a / b);
		say(pair, a, b);
	}
	return ratios;
}

/** The line that everything before it leads to. */
export function verdict(claim: string, measured: number, bar: number, { atLeast = false, digits = 3 } = {}): void {
	const met = atLeast ? measured >= bar : measured <= bar;
	console.log(`${claim}: ${measured.toFixed(digits)} (bar: ${atLeast ? '≥' : '≤'} ${bar}) ${met ? 'met' : 'MISSED'}`);
}
