/**
 * How much the sidecar's memory grows while it publishes a large video on three platforms at once. ffmpeg and the platforms are
 * processes of their own and not counted. Usage: npm run bench:post-memory [-- --rounds <number>]; GIGABYTES=1
 * Bar (docs/architecture.md): ≤ 64 MB for 1 GB on each of three.
 */
import { execFileSync, fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { makeSource, median, verdict, withSidecar } from './lib/bench-sidecar.ts';
import type { Places, Posted } from './lib/upload-platforms.ts';

const GIGABYTES = Number(process.env['GIGABYTES'] ?? 1);
const { values } = parseArgs({ options: { rounds: { type: 'string', default: '3' } } });
const ROUNDS = Number(values.rounds);
const SAMPLE_MS = 20;
/** At this bitrate a gigabyte stays below the five minutes that the account on TikTok may post. */
const BITRATE = '34M';
const POSTS = [
	{ platform: 'youtube', token: 'youtube-token', params: { title: 'A video', visibility: 'public' } },
	{ platform: 'tiktok', token: 'tiktok-token', params: { settings: { privacy: 'everyone' } } },
	{ platform: 'facebook', token: 'facebook-token', params: { settings: { form: 'video' } } },
] as const;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const folder = await mkdtemp(join(tmpdir(), 'bench-post-memory-'));
const short = makeSource(join(folder, 'short.mp4'), { seconds: 10, bitrate: BITRATE, noise: true });
const large = join(folder, 'large.mp4');
const times = Math.ceil((GIGABYTES * 1e9) / (await stat(short)).size);
execFileSync('ffmpeg', ['-v', 'error', '-stream_loop', String(times - 1), '-i', short, '-c', 'copy', '-movflags', '+faststart', large]);
const hash = createHash('sha256');
for await (const chunk of createReadStream(large) as AsyncIterable<Buffer>) hash.update(chunk);
const sha256 = hash.digest('hex');

const platforms = fork(fileURLToPath(new URL('./lib/upload-platforms.ts', import.meta.url)));
const answer = async <T>(): Promise<T> => ((await once(platforms, 'message')) as [T])[0];
const { variables, hosts } = await answer<Places>();
const posted = (): Promise<Posted> => {
	const told = answer<Posted>();
	platforms.send('posted');
	return told;
};

try {
	const environment = { ...variables, DATA_DIR: join(folder, 'data'), ALLOWED_PRIVATE_HOSTS: hosts.join(','), CONCURRENCY: '4', MAX_FILE_BYTES: String(8e9) };
	let [small, big] = ['', ''];
	await withSidecar(environment, async ({ upload }) => void ([small, big] = [await upload(short), await upload(large)]));
	// Started anew: what bringing the files in has needed would hide what publishing them needs.
	await withSidecar(environment, async ({ sidecar }) => {
		const rss = async (): Promise<number> => Number(/^VmRSS:\s+(\d+)/m.exec(await readFile(`/proc/${sidecar.pid}/status`, 'utf8'))?.[1]) / 1024;

		async function publish(assetId: string, round: string): Promise<{ before: number; peak: number; seconds: number }> {
			const before = await rss();
			let peak = before;
			let watching = true;
			const watch = (async () => {
				while (watching) {
					peak = Math.max(peak, await rss());
					await pause(SAMPLE_MS);
				}
			})();
			const start = performance.now();
			const items = POSTS.map(({ platform, token, params }) => ({
				operation: 'publish',
				asset_id: assetId,
				params: { ...params, platform, text: `Text ${round}`, media: [{ file: 'original' }] },
				secrets: { access_token: token },
			}));
			const { batch_id: id } = await sidecar.call('POST', '/api/media/batch', { items });
			let batch: Record<string, unknown>;
			do {
				await pause(200);
				batch = await sidecar.call('GET', `/api/media/batches/${String(id)}`);
			} while (batch['status'] === 'pending' || batch['status'] === 'processing');
			watching = false;
			await watch;
			if (batch['status'] !== 'completed') throw new Error(`not published: ${JSON.stringify(batch)}\n${sidecar.log().slice(-3000)}`);
			return { before, peak, seconds: (performance.now() - start) / 1000 };
		}

		// The first posts load code and fill caches that stay.
		for (let round = 1; round <= 3; round += 1) {
			const { before, peak } = await publish(small, `small ${round}`);
			console.log(`${((await stat(short)).size / 1e6).toFixed(0)} MB, round ${round}: ${before.toFixed(0)} MB before, peak ${peak.toFixed(0)} MB`);
		}
		const growths: number[] = [];
		for (let round = 1; round <= ROUNDS; round += 1) {
			const { before, peak, seconds } = await publish(big, `large ${round}`);
			growths.push(peak - before);
			console.log(`round ${round}: ${before.toFixed(0)} MB before, peak ${peak.toFixed(0)} MB, growth ${(peak - before).toFixed(1)} MB, ${seconds.toFixed(1)} s`);
		}
		const arrived = await posted();
		for (const [platform, hashes] of Object.entries(arrived)) {
			if (hashes.filter((one) => one === sha256).length !== ROUNDS) throw new Error(`${platform} did not get the file whole: ${hashes.join()}`);
		}
		console.log(`${((await stat(large)).size / 1e9).toFixed(2)} GB to each of ${POSTS.map(({ platform }) => platform).join(', ')} at once, all of it arrived unchanged`);
		verdict('RSS growth while a large video is published three times at once, MB, median', median(growths), 64, { digits: 0 });
		verdict('the same, worst round', Math.max(...growths), 64, { digits: 0 });
	});
} finally {
	platforms.disconnect();
	await rm(folder, { recursive: true, force: true });
}
