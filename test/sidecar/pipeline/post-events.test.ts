import { randomUUID } from 'node:crypto';
import { eq, sql } from 'drizzle-orm';
import type { OpenDatabase } from '../../../sidecar/src/db/database.ts';
import { createPostLedger, type PostLedger, type PostRow } from '../../../sidecar/src/db/posts.ts';
import { events, jobs, posts } from '../../../sidecar/src/db/schema.ts';
import type { ErrorCode, PublicError } from '../../../sidecar/src/errors.ts';
import { recordFailedPosts } from '../../../sidecar/src/pipeline/post-events.ts';
import { openTestDatabase, WORKSPACE } from '../social/support.ts';

let database: OpenDatabase;
let ledger: PostLedger;
beforeAll(async () => {
	database = await openTestDatabase();
	ledger = createPostLedger(database.db);
});
afterAll(() => database.close());
afterEach(async () => {
	await database.db.delete(events);
	await database.db.delete(posts);
});

async function newJob(jobType = 'publish'): Promise<string> {
	const jobId = randomUUID();
	await database.db.insert(jobs).values({ id: jobId, workspaceId: WORKSPACE, jobType, status: 'processing', params: { platform: 'x', text: 'Words' } });
	return jobId;
}
const newPost = (jobId: string, more: Partial<PostRow> = {}): Promise<PostRow> =>
	ledger.findOrCreate({ id: randomUUID(), workspaceId: WORKSPACE, assetId: null, jobId, platform: 'x', operationKey: randomUUID(), text: 'Words', scheduledFor: null, parentId: null, position: 0, experiment: null, variant: null, ...more });

async function end(jobId: string, code: ErrorCode = 'processing_timeout', details: Record<string, unknown> = {}) {
	const error: PublicError = { code, message: 'It ended.', details };
	await database.db.transaction(async (tx) => {
		const [job] = await tx.select().from(jobs).where(eq(jobs.id, jobId));
		await recordFailedPosts(tx, job!, error);
	});
	return (await database.db.select().from(events).orderBy(events.id)).map(({ type, data }) => [type, data['post_id']]);
}

describe('a job that was to publish and failed', () => {
	it.each([
		['post_invalid', 'post.failed'],
		['needs_reauth', 'post.needs_reauth'],
	] as const)('before there was a post (%s) tells what was to be posted', async (code, type) => {
		expect(await end(await newJob(), code)).toEqual([[type, null]]);
	});

	it('leaves no post "processing": nobody works on it any more', async () => {
		const jobId = await newJob();
		const { id } = await newPost(jobId);
		await ledger.claim(id, randomUUID(), 60);
		expect(await end(jobId)).toEqual([['post.failed', id]]);
		expect(await ledger.find(id)).toMatchObject({ status: 'failed', error: { code: 'processing_timeout' } });
	});

	it('says of a post whose publishing call was begun that it is not known', async () => {
		const jobId = await newJob();
		const { id } = await newPost(jobId);
		const claim = randomUUID();
		await ledger.claim(id, claim, 60);
		await ledger.arm(id, claim, 60);
		expect(await end(jobId)).toEqual([['post.unknown', id]]);
		expect((await ledger.find(id))?.status).toBe('unknown');
	});

	it('does not call a post failed that is out, when what was to be added to it failed', async () => {
		const jobId = await newJob();
		const { id } = await newPost(jobId);
		await ledger.claim(id, randomUUID(), 60);
		await ledger.storeRemote(id, { status: 'published', externalPostId: '1', permalink: null, warnings: [] }, true);
		await database.db.delete(events);
		expect(await end(jobId, 'needs_reauth')).toEqual([]);
		expect((await ledger.find(id))?.status).toBe('published');
	});

	it('names what follows a post that is out, not the post', async () => {
		const jobId = await newJob();
		const first = await newPost(jobId);
		await ledger.storeRemote(first.id, { status: 'published', externalPostId: '1', permalink: null, warnings: [] }, false);
		const second = await newPost(jobId, { parentId: first.id, position: 1 });
		await database.db.delete(events);
		expect(await end(jobId, 'post_rejected')).toEqual([['post.failed', second.id]]);
	});

	it('names the post that another job has begun with the same key', async () => {
		const begun = await newPost(await newJob());
		await database.db.update(posts).set({ status: 'unknown', openSince: sql`now()` }).where(eq(posts.id, begun.id));
		expect(await end(await newJob(), 'post_unknown', { post_id: begun.id })).toEqual([['post.unknown', begun.id]]);
	});

	it('is not taken for one when it was to do something else', async () => {
		expect(await end(await newJob('video_compress'))).toEqual([]);
	});
});
