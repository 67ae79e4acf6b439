import { randomUUID } from 'node:crypto';
import { eq } from 'drizzle-orm';
import type { OpenDatabase } from '../../../sidecar/src/db/database.ts';
import { createPostLedger, mayBeOut, type PostLedger, type PostRow } from '../../../sidecar/src/db/posts.ts';
import { jobs, posts } from '../../../sidecar/src/db/schema.ts';
import { expireClaims, openTestDatabase, WORKSPACE } from '../social/support.ts';

let database: OpenDatabase;
let ledger: PostLedger;
let row: PostRow;
const A = randomUUID();
const B = randomUUID();

beforeAll(async () => {
	database = await openTestDatabase();
	ledger = createPostLedger(database.db);
});
afterAll(() => database.close());
beforeEach(async () => (row = await create(randomUUID())));

const create = (operationKey: string) =>
	ledger.findOrCreate({ id: randomUUID(), workspaceId: WORKSPACE, assetId: null, jobId: null, platform: 'x', operationKey, text: 't', scheduledFor: null, parentId: null, position: 0, experiment: null, variant: null });
const remote = (externalPostId: string) => ({ status: 'published' as const, externalPostId, permalink: `https://x.com/${externalPostId}`, warnings: [] });

describe('the ledger of posts', () => {
	it('has one row per logical post', async () => {
		const again = await create(row.operationKey);
		expect(again.id).toBe(row.id);
		expect(again.status).toBe('pending');
	});

	it('gives a claim to one of many who ask at once', async () => {
		const claims = await Promise.all(Array.from({ length: 10 }, () => ledger.claim(row.id, randomUUID(), 60)));
		expect(claims.filter(Boolean)).toHaveLength(1);
		expect(claims.find(Boolean)).toMatchObject({ status: 'processing' });
	});

	it('gives the claim to another one when it has run out, or when it was given back', async () => {
		expect(await ledger.claim(row.id, A, 60)).not.toBeNull();
		expect(await ledger.claim(row.id, B, 60)).toBeNull();
		await expireClaims(database);
		expect(await ledger.claim(row.id, B, 60)).not.toBeNull();
		await ledger.settle(row.id, B, { status: 'failed', error: { code: 'post_rejected', message: 'no' } });
		expect(await ledger.claim(row.id, A, 60)).toMatchObject({ error: null });
	});

	it('changes nothing for those who have lost the claim', async () => {
		await ledger.claim(row.id, A, 60);
		await expireClaims(database);
		await ledger.claim(row.id, B, 60);
		const before = await ledger.find(row.id);
		expect(await ledger.renew(row.id, A, 60)).toBe(false);
		expect(await ledger.save(row.id, A, { state: 's' }, 60)).toBe(false);
		expect(await ledger.arm(row.id, A, 60)).toBeNull();
		expect(await ledger.disarm(row.id, A, 'absent')).toBeNull();
		expect(await ledger.settle(row.id, A, { status: 'failed', error: { code: 'internal', message: '' } })).toBe(false);
		expect(await ledger.find(row.id)).toEqual(before);
	});

	it('arms no one whose claim has run out, even when nobody else has taken it', async () => {
		await ledger.claim(row.id, A, 60);
		await expireClaims(database);
		expect(await ledger.arm(row.id, A, 60)).toBeNull();
	});

	it('remembers the first call, since when its outcome is open, and which calls count', async () => {
		await ledger.claim(row.id, A, 60);
		const first = await ledger.arm(row.id, A, 60);
		expect(first).toMatchObject({ finishAttempts: 1, armedAt: expect.any(Date), openSince: expect.any(Date) });
		expect(await ledger.arm(row.id, A, 60)).toMatchObject({ finishAttempts: 2, armedAt: first!.armedAt, openSince: first!.openSince });
		expect(await ledger.disarm(row.id, A, 'refused')).toMatchObject({ finishAttempts: 1, openSince: null, armedAt: first!.armedAt });
		expect(await ledger.disarm(row.id, A, 'absent')).toMatchObject({ finishAttempts: 1, openSince: null });
	});

	it('stores the first id for ever, whoever brings it, and lets nobody arm again', async () => {
		await ledger.claim(row.id, A, 60);
		await ledger.save(row.id, A, { state: 'sealed', account: 'me' }, 60);
		await ledger.arm(row.id, A, 60);
		await expireClaims(database);
		await ledger.claim(row.id, B, 60);
		expect(await ledger.storeRemote(row.id, remote('1'), false)).toMatchObject({ status: 'published', externalPostId: '1', state: null, openSince: null, claim: null, account: 'me' });
		expect(await ledger.storeRemote(row.id, remote('2'), false)).toBeNull();
		expect(await ledger.claim(row.id, A, 60)).toBeNull();
		expect(await ledger.arm(row.id, B, 60)).toBeNull();
		expect(await ledger.settle(row.id, B, { status: 'failed', error: { code: 'internal', message: '' } })).toBe(false);
		expect(await ledger.find(row.id)).toMatchObject({ status: 'published', externalPostId: '1', publishedAt: expect.any(Date) });
	});

	it('finds the post of a job, and tells whether it may be out', async () => {
		const outOf = async () => mayBeOut((await ledger.ofJob(jobId))!);
		const jobId = randomUUID();
		await database.db.insert(jobs).values({ id: jobId, workspaceId: WORKSPACE, jobType: 'publish', status: 'processing', params: {} });
		const { id } = await ledger.findOrCreate({ id: randomUUID(), workspaceId: WORKSPACE, assetId: null, jobId, platform: 'x', operationKey: randomUUID(), text: 't', scheduledFor: null, parentId: null, position: 0, experiment: null, variant: null });
		await ledger.claim(id, A, 60);
		expect(await outOf()).toBe(false);
		await ledger.arm(id, A, 60);
		expect(await outOf()).toBe(true);
		await ledger.disarm(id, A, 'refused');
		expect(await outOf()).toBe(false);
		await ledger.storeRemote(id, remote('9'), false);
		expect(await outOf()).toBe(true);
		expect(await ledger.ofJob(randomUUID())).toBeNull();
	});

	it('keeps workspaces apart', async () => {
		const [found] = await database.db.select().from(posts).where(eq(posts.id, row.id));
		expect(found?.workspaceId).toBe(WORKSPACE);
		expect(await ledger.find(randomUUID())).toBeNull();
	});
});
