import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { OpenDatabase } from '../../../../sidecar/src/db/database.ts';
import { assets, jobs } from '../../../../sidecar/src/db/schema.ts';
import { PipelineError } from '../../../../sidecar/src/errors.ts';
import type { TaskContext } from '../../../../sidecar/src/operations/operation.ts';
import type { MediaReference } from '../../../../sidecar/src/operations/social/assemble.ts';
import { createPublish } from '../../../../sidecar/src/operations/social/publish.ts';
import type { PostMedia } from '../../../../sidecar/src/social/platform.ts';
import { STAGES } from '../../social/stages/index.ts';
import type { Stage } from '../../social/stages/stage.ts';
import { dependencies, fakeClock, openTestDatabase, videoOf, WORKSPACE } from '../../social/support.ts';
import { NO_FITTING } from './support.ts';

const clock = fakeClock();
let database: OpenDatabase;
let folder: string;
let video: PostMedia;
let x: Stage;
let mastodon: Stage;
let asked: MediaReference[];
/** Assets of which it was asked whether they may be published, and how often that is so. */
let looks: string[];
let mayLook: number;

beforeAll(async () => {
	database = await openTestDatabase();
	folder = await mkdtemp(join(tmpdir(), 'publish-'));
	video = await videoOf(folder, 1000);
});
afterAll(async () => {
	await database.close();
	await rm(folder, { recursive: true });
});
beforeEach(async () => {
	asked = [];
	looks = [];
	mayLook = Infinity;
	[x, mastodon] = [await STAGES['x']!(clock), await STAGES['mastodon']!(clock)];
});
afterEach(() => Promise.all([x.close(), mastodon.close()]));

const never = () => Promise.reject(new Error('not needed'));

const operation = () =>
	createPublish({
		platforms: [x.platform(), mastodon.platform()],
		publish: dependencies(database, clock),
		resolveMedia: async (_, reference) => {
			asked.push(reference);
			const { path, mime, bytes, facts } = video;
			return { path, mime, bytes, facts, url: null };
		},
		fitting: NO_FITTING,
		refusePublishing: async ({ assetId }) => {
			looks.push(assetId);
			if (looks.length > mayLook) throw new PipelineError('content_unsafe', 'stopped by a safety scan');
		},
	});

async function context(more: Partial<TaskContext> = {}): Promise<TaskContext> {
	const assetId = randomUUID();
	const jobId = randomUUID();
	await database.db.insert(assets).values({ id: assetId, workspaceId: WORKSPACE, source: 'url', status: 'ready' });
	await database.db.insert(jobs).values({ id: jobId, workspaceId: WORKSPACE, assetId, jobType: 'publish', status: 'processing', params: {} });
	return {
		jobId,
		workspaceId: WORKSPACE,
		assetId,
		attempt: 1,
		source: never,
		open: never,
		earlierOutput: never,
		readStored: never,
		workDir: folder,
		secrets: { access_token: 'x-token' },
		signal: new AbortController().signal,
		progress: () => {},
		step: (_, work) => work(),
		log: pino({ level: 'silent' }),
		...more,
	};
}
const run = async (given: Record<string, unknown>, more: Partial<TaskContext> = {}) => {
	const publish = operation();
	return publish.run(await context(more), publish.params.parse(given));
};

describe('publish', () => {
	it("attaches the asset's most useful file when nothing is said, and answers the post", async () => {
		const { output } = await run({ platform: 'x', text: 'Hello' });
		expect(asked).toEqual([{ kind: 'useful' }]);
		const post = x.emulator.posts[0]!;
		expect(output).toEqual({
			post: { id: expect.any(String), platform: 'x', status: 'published', external_post_id: post.id, permalink: post.permalink, text: 'Hello' },
			platform: 'x',
			status: 'published',
			external_post_id: post.id,
			permalink: post.permalink,
		});
		expect(x.remoteHashes()).toEqual([[video.sha256]]);
	});

	it('attaches the files that are named, with their descriptions, or none', async () => {
		const job = randomUUID();
		for (const media of [[{ file: 'a.mp4', alt_text: ' Words ' }], [{ job_id: job }], [{ file: 'original' }], [{}], []]) {
			await run({ platform: 'x', text: JSON.stringify(media), media });
		}
		expect(asked).toEqual([
			{ kind: 'named', file: 'a.mp4', jobId: null },
			{ kind: 'named', file: null, jobId: job },
			{ kind: 'named', file: null, jobId: null },
			{ kind: 'named', file: null, jobId: null },
		]);
		expect(x.emulator.posts.map((post) => post.media.length)).toEqual([1, 1, 1, 1, 0]);
		expect(x.emulator.posts[0]!.media[0]!.alt).toBe('Words');
	});

	it('posts nothing of an asset that a scan has stopped, not even words, nor when that happens while it is uploaded', async () => {
		for (const [count, media] of [[0, []], [0, undefined], [1, []], [1, undefined]] as const) {
			looks = [];
			mayLook = count;
			await expect(run({ platform: 'x', text: `Words ${count}`, media })).rejects.toMatchObject({ code: 'content_unsafe' });
			expect(looks).toHaveLength(count + 1);
		}
		expect(x.emulator.posts).toEqual([]);
		mayLook = 2;
		looks = [];
		await run({ platform: 'x', text: 'Fine' });
		expect(x.emulator.posts).toHaveLength(1);
	});

	it('finds what it has posted, whatever a scan has found since', async () => {
		const given = await context();
		const publish = operation();
		const params = publish.params.parse({ platform: 'x', text: 'Out already' });
		const { output } = await publish.run(given, params);
		mayLook = 0;
		expect((await publish.run(given, params)).output).toEqual(output);
		expect(x.emulator.posts).toHaveLength(1);
	});

	it('posts words without an asset', async () => {
		await run({ platform: 'x', text: 'Only words' }, { assetId: null });
		expect(x.remoteTexts()).toEqual(['Only words']);
		await expect(run({ platform: 'x', text: 't', media: [{}] }, { assetId: null })).rejects.toMatchObject({ code: 'invalid_request' });
	});

	it('posts to the server that the credential names, written however', async () => {
		const shouted = mastodon.emulator.url.replace('http', 'HTTP');
		const secrets = { access_token: ' mastodon-token ', base_url: `${shouted}/some/path` };
		const given = { platform: 'mastodon', text: 'Hallo', visibility: 'unlisted', language: 'de', sensitive: true, spoiler_text: 'cw', idempotency_key: 'one' };
		await run(given, { secrets });
		await run(given, { secrets: { access_token: 'mastodon-token', base_url: mastodon.emulator.url } });
		expect(mastodon.emulator.posts).toHaveLength(1);
		expect(mastodon.emulator.posts[0]).toMatchObject({ visibility: 'unlisted', language: 'de', sensitive: true, spoilerText: 'cw' });
	});

	it('schedules where the platform can', async () => {
		const scheduled_at = new Date(clock.now() + 7_200_000).toISOString();
		const secrets = { access_token: 'mastodon-token', base_url: mastodon.emulator.url };
		const { output } = await run({ platform: 'mastodon', text: 'Later', scheduled_at }, { secrets });
		expect(output).toMatchObject({ status: 'scheduled', permalink: null, post: { scheduled_at } });
	});

	it('makes one post of one key in several jobs, and two of two jobs without a key', async () => {
		await run({ platform: 'x', text: 'keyed', idempotency_key: 'k' });
		await run({ platform: 'x', text: 'keyed', idempotency_key: 'k' });
		expect(x.emulator.posts).toHaveLength(1);
		await run({ platform: 'x', text: 'keyed, edited', idempotency_key: 'k' });
		expect(x.emulator.posts).toHaveLength(2);
	});

	it.each([
		[{ access_token: '' }, 'needs_reauth', /secrets\.access_token is missing/],
		[{ access_token: 't' }, 'invalid_request', /secrets\.base_url must be/],
		[{ access_token: 't', base_url: 'mastodon.social' }, 'invalid_request', /secrets\.base_url must be/],
		[{ access_token: 't', base_url: 'file:///etc/passwd' }, 'invalid_request', /secrets\.base_url must be/],
	])('says which secret is wrong: %j', async (secrets, code, message) => {
		await expect(run({ platform: 'mastodon', text: 't' }, { secrets })).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
	});

	it.each([
		[{ platform: 'myspace', text: 't' }, 'platform'],
		[{ platform: 'x', text: 5 }, 'text'],
		[{ platform: 'x', text: 't', media: [{ path: '/etc/passwd' }] }, 'media.0'],
		[{ platform: 'x', text: 't', scheduled_at: 'tomorrow' }, 'scheduled_at'],
		[{ platform: 'x', text: 't', language: 'German' }, 'language'],
		[{ platform: 'x', text: 't', hashtag: 'a' }, ''],
	])('refuses the parameters %j', (given, path) => {
		const parsed = operation().params.safeParse(given);
		expect(parsed.success).toBe(false);
		expect(parsed.error?.issues[0]?.path.join('.')).toBe(path);
	});

	it('has an example that it takes, and says roughly how long it will take', () => {
		const publish = operation();
		const example = publish.params.parse(publish.example);
		expect(publish.estimateSeconds(null, example)).toBeGreaterThan(0);
		expect(publish.estimateSeconds({ ...video.facts, bytes: 100_000_000 }, example)).toBeGreaterThan(publish.estimateSeconds(video.facts, example));
	});
});
