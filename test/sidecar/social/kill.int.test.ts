import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PostMedia } from '../../../sidecar/src/social/platform.ts';
import { startMastodonEmulator } from '../../platforms/mastodon.ts';
import { startXEmulator } from '../../platforms/x.ts';
import type { Orders } from './publisher.ts';
import { postOf, videoOf } from './support.ts';

const script = fileURLToPath(new URL('publisher.ts', import.meta.url));
let folder: string;
let video: PostMedia;
beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'kill-'));
	video = await videoOf(folder, 3 * 1024 * 1024 + 5);
});
afterAll(() => rm(folder, { recursive: true }));

function start(orders: Orders): ChildProcess {
	const child = spawn(process.execPath, ['--no-warnings', script, JSON.stringify(orders)], { stdio: ['ignore', 'pipe', 'inherit'], env: {} });
	children.push(child);
	return child;
}

async function finish(child: ChildProcess): Promise<{ status: string; externalPostId: string }> {
	let output = '';
	child.stdout!.on('data', (chunk: Buffer) => (output += chunk.toString()));
	const [code] = await once(child, 'close');
	expect(code).toBe(0);
	return JSON.parse(output) as { status: string; externalPostId: string };
}

const stages = {
	x: () => startXEmulator({ processingPolls: 1, checkAfterSeconds: 0.1 }),
	mastodon: () => startMastodonEmulator({ processingPolls: 1 }),
};

let emulator: Awaited<ReturnType<(typeof stages)['x' | 'mastodon']>>;
let children: ChildProcess[];
beforeEach(() => (children = []));
afterEach(async () => {
	for (const child of children) child.kill('SIGKILL');
	await emulator.close();
});

describe('a process that is killed with SIGKILL while it publishes', () => {
	it.each<['x' | 'mastodon', string, string, 'before' | 'after', number]>([
		['x', 'in the middle of the upload', 'append', 'after', 1],
		['x', 'with the publishing call on its way', 'create', 'before', 0],
		['x', 'after the post is public, before it knows', 'create', 'after', 0],
		['mastodon', 'in the middle of the upload', 'upload', 'before', 0],
		['mastodon', 'with the publishing call on its way', 'create', 'before', 0],
		['mastodon', 'after the post is public, before it knows', 'create', 'after', 0],
	])('on %s, %s, leaves one post', async (platform, _, step, when, skip) => {
		emulator = await stages[platform]();
		const credentials = { accessToken: `${platform}-token`, baseUrl: platform === 'mastodon' ? emulator.url : null };
		const data = await mkdtemp(join(folder, 'data-'));
		const orders: Orders = { folder: join(data, 'db'), platform, url: emulator.url, credentials, post: postOf('Survives', [video]), key: 'k' };
		const hold = emulator.hold(step, when, skip);
		const victim = start(orders);
		const dead = once(victim, 'close');
		await Promise.race([hold.reached, dead.then(() => Promise.reject(new Error('it ended before it was killed')))]);
		victim.kill('SIGKILL');
		await dead;
		hold.release();
		const sent = emulator.count('append');

		const row = await finish(start(orders));
		expect(row.status).toBe('published');
		expect(emulator.posts.map((post) => [post.id, post.media[0]!.sha256])).toEqual([[row.externalPostId, video.sha256]]);
		expect(emulator.publicCalls).toBe(1);
		// Four segments. The second one's answer was lost, so it is sent again; once all are there, none is.
		if (platform === 'x') expect(emulator.count('append')).toBe(step === 'append' ? sent + 3 : 4);
	});
});
