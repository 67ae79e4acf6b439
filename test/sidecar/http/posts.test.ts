import { randomUUID } from 'node:crypto';
import { storeEngagement } from '../../../sidecar/src/db/engagement.ts';
import { assets, posts } from '../../../sidecar/src/db/schema.ts';
import { createWorkspace } from '../../../sidecar/src/db/workspaces.ts';
import { startTestApp, type TestApp } from '../../support/app.ts';
import { createTestPipeline, type TestPipeline } from '../../support/pipeline.ts';

const MINE = 'key-mine-0123456789';
interface Answer {
	posts: Array<Record<string, unknown> & { text: string }>;
	error: { code: string; message: string };
}

describe('GET /api/media/posts', () => {
	let pipeline: TestPipeline;
	let app: TestApp;
	const asset = randomUUID();
	const ids: Record<string, string> = {};
	beforeAll(async () => {
		pipeline = await createTestPipeline();
		app = await startTestApp(pipeline);
		const { db } = pipeline.deps;
		await createWorkspace(db, 'mine', MINE);
		await createWorkspace(db, 'theirs', 'key-theirs-0123456789');
		await db.insert(assets).values([{ id: asset, workspaceId: 'mine', source: 'upload', status: 'ready' }]);
		const add = async (text: string, more: Partial<typeof posts.$inferInsert> = {}) => {
			ids[text] = randomUUID();
			await db.insert(posts).values({ id: ids[text], workspaceId: 'mine', platform: 'x', operationKey: text, status: 'published', text, createdAt: new Date('2026-03-01T00:00:00Z'), ...more });
		};
		await add('old', { createdAt: new Date('2026-01-01T00:00:00Z'), state: 'sealed handles of uploads', claim: randomUUID() });
		await add('on mastodon', { platform: 'mastodon', account: 'me', createdAt: new Date('2026-03-02T00:00:00Z') });
		await add('of the asset', { assetId: asset, experiment: 'tea', variant: 'a', createdAt: new Date('2026-03-03T00:00:00Z') });
		await add('not known', { status: 'unknown', createdAt: new Date('2026-03-04T00:00:00Z'), error: { code: 'post_unknown', message: 'Look at the account.' } });
		await add('theirs', { workspaceId: 'theirs' });
		const numbers = { views: 10, likes: null, comments: null, shares: null, saves: null, clicks: null };
		await storeEngagement(db, ids['old']!, new Date('2026-01-02T00:00:00Z'), { ...numbers, views: 10 }, null);
		await storeEngagement(db, ids['old']!, new Date('2026-01-03T00:00:00Z'), { ...numbers, views: 90_071_992_547_409 }, null);
	});
	afterAll(async () => {
		await app.close();
		await pipeline.close();
	});

	const get = async (query: string) => {
		const response = await fetch(`${app.url}/api/media/posts${query}`, { headers: { authorization: `Bearer ${MINE}` } });
		return { status: response.status, body: (await response.json()) as Answer };
	};
	const texts = async (query: string) => (await get(query)).body.posts.map(({ text }) => text);

	it.each([
		['', ['not known', 'of the asset', 'on mastodon', 'old']],
		['?limit=2', ['not known', 'of the asset']],
		['?platform=mastodon', ['on mastodon']],
		['?account=me', ['on mastodon']],
		['?status=unknown', ['not known']],
		['?experiment=tea', ['of the asset']],
		['?since=2026-03-02T00:00:00Z', ['not known', 'of the asset', 'on mastodon']],
		['?platform=x&status=published&since=2026-02-01T00:00:00%2B02:00', ['of the asset']],
		['?status=deleted', []],
	])('lists those of the workspace that %j asks for, the newest first', async (query, expected) => {
		expect(await texts(query)).toEqual(expected);
	});

	it('finds those of an asset', async () => {
		expect(await texts(`?asset_id=${asset}`)).toEqual(['of the asset']);
	});

	it('shows the numbers over time, errors, and nothing that is a secret', async () => {
		const { posts: all } = (await get('')).body;
		expect(all.find(({ text }) => text === 'old')).toMatchObject({
			id: ids['old'],
			engagement: { views: 90_071_992_547_409, likes: null },
			series: [{ at: '2026-01-02T00:00:00.000Z', views: 10 }, { at: '2026-01-03T00:00:00.000Z' }],
		});
		expect(all.find(({ text }) => text === 'not known')).toMatchObject({ status: 'unknown', error: { code: 'post_unknown' }, engagement: null, series: [] });
		expect(JSON.stringify(all)).not.toMatch(/sealed|claim|operation_key|operationKey/);
	});

	it.each(['?limit=0', '?limit=501', '?limit=many', '?status=lost', '?since=yesterday', '?asset_id=1', `?platform=${'x'.repeat(51)}`])('refuses %j', async (query) => {
		const { status, body } = await get(query);
		expect([status, body.error.code]).toEqual([400, 'invalid_request']);
	});
});
