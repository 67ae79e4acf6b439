/**
 * Ranges of 1 MB of one file over 8 kept connections: the sidecar against nginx with one worker on the same folder, and nginx that asks the
 * sidecar for the permission and sends the bytes itself (DELIVERY=x-accel). Requests per second, and CPU seconds of the server per gigabyte: medians
 * of rounds that alternate, so that what else the machine does hits both. The CPU counts more than the rate where other work runs beside it,
 * or where the client needs a core of its own: both are said.
 * Usage: npm run bench:delivery, with RANGE_MB=16 for larger ranges. Needs nginx. Bar (docs/performance.md): at least half of nginx's requests per second.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus as cores, loadavg } from 'node:os';
import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startNginx } from '../test/support/nginx.ts';
import { freePort } from '../test/support/sidecar-process.ts';
import { makeSource, median, verdict, withSidecar } from './lib/bench-sidecar.ts';

const run = promisify(execFile);
const CLIENT = fileURLToPath(new URL('./lib/range-client.ts', import.meta.url));
const ROUNDS = Number(process.env['ROUNDS'] ?? 5);
const SECONDS = Number(process.env['SECONDS'] ?? 4);
const CONNECTIONS = Number(process.env['CONNECTIONS'] ?? 8);
const RANGE = Number(process.env['RANGE_MB'] ?? 1) * 1_000_000;
/** Of the kernel's clock, getconf CLK_TCK. */
const TICKS = 100;

/** CPU seconds of these processes so far, in user and system together (proc(5): fields 14 and 15 of stat). */
const cpuOf = (pids: number[]): number =>
	pids.reduce((sum, pid) => {
		const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ');
		return sum + (Number(fields[11]) + Number(fields[12])) / TICKS;
	}, 0);

interface Measured {
	rate: number;
	cpuPerGb: number;
	clientShare: number;
}

async function load(url: string, bytes: number, pids: number[]): Promise<Measured> {
	const before = cpuOf(pids);
	const { stdout } = await run(process.execPath, [CLIENT, url, String(bytes), String(RANGE), String(CONNECTIONS), String(SECONDS)]);
	const cpu = cpuOf(pids) - before;
	const { requests, seconds, cpuSeconds } = JSON.parse(stdout) as { requests: number; seconds: number; cpuSeconds: number };
	return { rate: requests / seconds, cpuPerGb: cpu / ((requests * RANGE) / 1e9), clientShare: cpuSeconds / seconds };
}

/** A sidecar whose files an nginx serves too: openly under /plain/, and by permission under everything else. */
async function measure(mode: 'proxy' | 'x-accel', work: (at: { sidecar: string; nginx: string; bytes: number; sidecarPid: number; nginxPids: number[] }) => Promise<void>): Promise<void> {
	const port = await freePort();
	await withSidecar({ PORT: String(port), DELIVERY: mode, LOG_LEVEL: 'info', MAX_FILE_BYTES: '1000000000' }, async ({ folder, sidecar, upload }) => {
		const assetId = await upload(makeSource(join(folder, 'source.mp4'), { seconds: 20, bitrate: '40M', noise: true }));
		const link = new URL(String((await sidecar.call('GET', `/api/media/assets/${assetId}`))['file_url']));
		const files = join(folder, 'data', 'files');
		const { size: bytes } = await stat(join(files, link.pathname.slice('/files/'.length)));
		const prefix = join(folder, 'nginx');
		await mkdir(prefix);
		const nginx = await startNginx(
			prefix,
			`location /plain/ { alias ${files}/; }
location /stored/ { internal; alias ${files}/; }
location / { proxy_pass http://127.0.0.1:${port}; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host; }`,
		);
		try {
			const path = mode === 'proxy' ? link.pathname.replace('/files/', '/plain/') : link.pathname + link.search;
			await work({ sidecar: sidecar.url + link.pathname + link.search, nginx: nginx.url + path, bytes, sidecarPid: sidecar.pid, nginxPids: nginx.pids });
		} finally {
			await nginx.close();
			await rm(prefix, { recursive: true, force: true });
		}
	});
}

const say = (who: string, { rate, cpuPerGb, clientShare }: Measured): string => `${who} ${rate.toFixed(0)}/s, ${cpuPerGb.toFixed(2)} CPU s/GB (client ${(clientShare * 100).toFixed(0)} % of a core)`;

const ratios: number[] = [];
const cpus: number[] = [];
const own: Measured[] = [];
const plain: Measured[] = [];
const busy = (): string => `load ${(loadavg()[0] ?? 0).toFixed(1)} on ${cores().length} cores`;
console.log(`before: ${busy()}`);
await measure('proxy', async ({ sidecar, nginx, bytes, sidecarPid, nginxPids }) => {
	// Once each, not counted: the file is in the cache of the kernel, the code is compiled.
	for (let round = 0; round <= ROUNDS; round += 1) {
		const ours = () => load(sidecar, bytes, [sidecarPid]);
		const theirs = () => load(nginx, bytes, nginxPids);
		const first = round % 2 === 0 ? await ours() : await theirs();
		const second = round % 2 === 0 ? await theirs() : await ours();
		const [mine, other] = round % 2 === 0 ? [first, second] : [second, first];
		if (round === 0) continue;
		own.push(mine);
		plain.push(other);
		ratios.push(mine.rate / other.rate);
		cpus.push(mine.cpuPerGb / other.cpuPerGb);
		console.log(`round ${round}: ${say('sidecar', mine)}; ${say('nginx', other)}; ratio ${(mine.rate / other.rate).toFixed(3)}; ${busy()}`);
	}
});
const handed: Measured[] = [];
await measure('x-accel', async ({ nginx, bytes, sidecarPid, nginxPids }) => {
	for (let round = 0; round <= ROUNDS; round += 1) handed.push(await load(nginx, bytes, [sidecarPid, ...nginxPids]));
});
const middle = (all: Measured[]): Measured => ({ rate: median(all.map(({ rate }) => rate)), cpuPerGb: median(all.map(({ cpuPerGb }) => cpuPerGb)), clientShare: median(all.map(({ clientShare }) => clientShare)) });
for (const [who, all] of [['sidecar', own], ['nginx', plain], ['x-accel, nginx and sidecar together', handed.slice(1)]] as const) console.log(`median: ${say(who, middle(all))}`);
console.log(`CPU of the server per gigabyte, sidecar / nginx, median: ${median(cpus).toFixed(2)}`);
verdict('sidecar / nginx, requests per second, median', median(ratios), 0.5, { atLeast: true });
