/**
 * Many posts to one account whose platform takes only so many in a window, while others post to accounts of their own. The stand-in of X
 * refuses and counts what is too much. Two worker processes on one Postgres, four jobs at once each; with --pglite one process on the
 * embedded database. Usage: npm run bench:post-rate [-- --window <seconds> --calls <number> --posts <number> --pglite]
 * Bar (docs/architecture.md): every post once, none refused.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startXEmulator } from '../test/platforms/x.ts';
import { startPostgres } from '../test/support/postgres.ts';
import { freePort, spawnSidecar, type SidecarProcess } from '../test/support/sidecar-process.ts';
import { median, verdict } from './lib/bench-sidecar.ts';

const { values } = parseArgs({
	options: {
		window: { type: 'string', default: '60' },
		calls: { type: 'string', default: '10' },
		posts: { type: 'string', default: '100' },
		pglite: { type: 'boolean', default: false },
	},
});
const [windowSeconds, calls, posts] = [Number(values.window), Number(values.calls), Number(values.posts)];
const CONCURRENCY = 4;
const SCOPES = ['tweet.read', 'tweet.write', 'users.read', 'media.write', 'offline.access'];

const pause = (seconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, seconds * 1000));
/** Milliseconds of an otherwise idle sidecar, then of one whose jobs wait. */
const alone: number[] = [];
const beside: number[] = [];

const folder = await mkdtemp(join(tmpdir(), 'bench-post-rate-'));
const postgres = values.pglite ? null : await startPostgres();
const x = await startXEmulator({ createLimit: { calls, windowSeconds } });
const port = await freePort();
const environment = {
	DATA_DIR: join(folder, 'data'),
	X_API_BASE_URL: x.url,
	X_WEB_BASE_URL: x.url,
	ALLOWED_PRIVATE_HOSTS: new URL(x.url).host,
	CONCURRENCY: String(CONCURRENCY),
	PUBLIC_URL: `http://127.0.0.1:${port}`,
	ENCRYPTION_KEY: 'a key for benchmarks, long enough',
	...(postgres ? { DATABASE_URL: postgres.url } : {}),
};
const sidecars: SidecarProcess[] = [await spawnSidecar({ ...environment, PORT: String(port) })];
if (postgres) sidecars.push(await spawnSidecar({ ...environment, ROLE: 'worker' }));
const [sidecar] = sidecars as [SidecarProcess];

const ended = async (id: unknown): Promise<Record<string, unknown>> => {
	for (;;) {
		const job = await sidecar.call('GET', `/api/media/jobs/${String(id)}`);
		if (job['status'] !== 'pending' && job['status'] !== 'processing') return job;
		await pause(0.02);
	}
};
let others = 0;
/** A post to an account that nobody else posts to. */
async function other(): Promise<number> {
	others += 1;
	const token = `other-${others}`;
	x.setToken(token, { id: String(2_000_000_000_000_000_000n + BigInt(others)), username: token, scopes: SCOPES });
	const start = performance.now();
	const { job_id: id } = await sidecar.call('POST', '/publish', { params: { platform: 'x', text: `Of ${token}` }, secrets: { access_token: token } });
	const job = await ended(id);
	if (job['status'] !== 'completed') throw new Error(`a post of another account is ${String(job['status'])}: ${JSON.stringify(job['error'])}`);
	return performance.now() - start;
}

try {
	// The first ones load code.
	for (let round = 0; round < 5; round += 1) await other();
	for (let round = 0; round < 10; round += 1) alone.push(await other());

	const start = performance.now();
	const items = Array.from({ length: posts }, (_, index) => ({ operation: 'publish', params: { platform: 'x', text: `Post ${index + 1}` }, secrets: { access_token: 'x-token' } }));
	const { batch_id: batch } = await sidecar.call('POST', '/api/media/batch', { items });
	let done = false;
	const probing = (async () => {
		while (!done) {
			await pause(windowSeconds / 12);
			if (!done) beside.push(await other());
		}
	})();
	let view: Record<string, unknown>;
	do {
		await pause(0.1);
		view = await sidecar.call('GET', `/api/media/batches/${String(batch)}`);
	} while (view['status'] === 'pending' || view['status'] === 'processing');
	const seconds = (performance.now() - start) / 1000;
	done = true;
	await probing;

	const own = x.posts.filter(({ author }) => author === 'demo');
	const distinct = new Set(own.map(({ text }) => text)).size;
	const ideal = (Math.ceil(posts / calls) - 1) * windowSeconds;
	const rank = (list: number[], part: number): string => (list.toSorted((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * part))] ?? Number.NaN).toFixed(0);
	const ms = (list: number[]): string => `median ${median(list).toFixed(0)} ms, 95th percentile ${rank(list, 0.95)}, longest ${rank(list, 1)} (${list.length} posts)`;
	const returns = sidecars.reduce((sum, { log }) => sum + log().split('the job waits for its turn').length - 1, 0);
	console.log(`${posts} posts, ${calls} in ${windowSeconds} s, ${sidecars.length} × ${CONCURRENCY} jobs at once on ${postgres ? 'Postgres' : 'PGlite'}: batch ${String(view['status'])}`);
	console.log(`out: ${own.length}, different: ${distinct}; publishing calls ${x.publicCalls - others}, put back to wait ${returns}, read the account ${x.count('me') - others} times`);
	console.log(`${seconds.toFixed(1)} s; the last window begins after ${ideal} s at best: ${(seconds / ideal).toFixed(3)}`);
	console.log(`a post to another account: alone ${ms(alone)}, beside those that wait ${ms(beside)}`);
	verdict('refused for too many', x.refused429, 0, { digits: 0 });
	verdict('posts missing or out twice', posts - distinct + (own.length - distinct), 0, { digits: 0 });
} catch (error) {
	for (const { log } of sidecars) console.error(log().slice(-3000));
	throw error;
} finally {
	for (const one of sidecars) await one.kill();
	await x.close();
	await postgres?.stop();
	await rm(folder, { recursive: true, force: true });
}
