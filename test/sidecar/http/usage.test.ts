import { randomUUID } from 'node:crypto';
import { assets, jobs, type JobStatus } from '../../../sidecar/src/db/schema.ts';
import { total, type Usage } from '../../../sidecar/src/db/usage.ts';
import { createWorkspace } from '../../../sidecar/src/db/workspaces.ts';
import { startTestApp, type TestApp } from '../../support/app.ts';
import { createTestPipeline, type TestPipeline } from '../../support/pipeline.ts';

interface Answer {
	from: string;
	to: string;
	total: Usage;
	operations: Record<string, Usage>;
	cost: Record<string, number>;
	error: { message: string };
}

describe('what was used', () => {
	let pipeline: TestPipeline;
	let app: TestApp;
	const asset = randomUUID();

	beforeAll(async () => {
		pipeline = await createTestPipeline();
		app = await startTestApp(pipeline);
		const { db } = pipeline.deps;
		await createWorkspace(db, 'mine', 'key-mine-0123456789');
		await createWorkspace(db, 'theirs', 'key-theirs-0123456789');
		const other = randomUUID();
		await db.insert(assets).values([
			{ id: asset, workspaceId: 'mine', source: 'upload', status: 'ready', bytes: 1000 },
			{ id: other, workspaceId: 'theirs', source: 'upload', status: 'ready', bytes: 7 },
		]);
		const job = (jobType: string, completedAt: string | null, cost: Record<string, number>, change: Partial<typeof jobs.$inferInsert> = {}) => ({
			id: randomUUID(), workspaceId: 'mine', assetId: asset, jobType, status: 'completed' as JobStatus, params: {}, cost, completedAt: completedAt === null ? null : new Date(completedAt), output: { ok: true }, ...change,
		});
		await db.insert(jobs).values([
			job('ingest', '2026-03-01T00:00:00Z', { storage_bytes: 1000 }),
			job('compress', '2026-03-10T00:00:00Z', { cpu_seconds: 0.1, storage_bytes: 10 }),
			job('compress', '2026-03-31T23:59:59Z', { cpu_seconds: 0.2, storage_bytes: 20 }),
			job('compress', '2026-03-15T00:00:00Z', {}, { output: { reused_from: 'x' } }),
			job('compress', '2026-03-16T00:00:00Z', { cpu_seconds: 4 }, { status: 'failed', output: null }),
			job('caption', '2026-03-15T00:00:00Z', { ai_tokens: 900, cpu_seconds: 1, ai_usd: 0.00045 }, { assetId: null }),
			job('caption', '2026-03-15T00:00:00Z', {}, { status: 'cancelled', output: null, assetId: null }),
			job('compress', '2026-04-01T00:00:00Z', { cpu_seconds: 1000 }),
			job('compress', null, {}, { status: 'pending', output: null }),
			// A piece of one of them: its cost is part of that job's.
			job('chunk', '2026-03-10T00:00:00Z', { cpu_seconds: 0.1 }, { assetId: null }),
			job('compress', '2026-03-10T00:00:00Z', { cpu_seconds: 5 }, { workspaceId: 'theirs', assetId: other }),
		]);
	});
	afterAll(async () => {
		await app.close();
		await pipeline.close();
	});

	const get = async (path: string, key = 'key-mine-0123456789') => {
		const response = await fetch(`${app.url}${path}`, { headers: { authorization: `Bearer ${key}` } });
		return { status: response.status, body: (await response.json()) as Answer };
	};

	it('is summed by operation and together, for the workspace and the time asked for', async () => {
		const { status, body } = await get('/api/media/usage?from=2026-03-01&to=2026-04-01');
		expect(status).toBe(200);
		expect(body).toEqual({
			from: '2026-03-01T00:00:00.000Z',
			to: '2026-04-01T00:00:00.000Z',
			total: { jobs: 7, completed: 5, failed: 1, cancelled: 1, reused: 1, source_bytes: 3000, cost: { storage_bytes: 1030, cpu_seconds: 5.3, ai_tokens: 900, ai_usd: 0.00045 } },
			operations: {
				caption: { jobs: 2, completed: 1, failed: 0, cancelled: 1, reused: 0, source_bytes: 0, cost: { ai_tokens: 900, cpu_seconds: 1, ai_usd: 0.00045 } },
				compress: { jobs: 4, completed: 3, failed: 1, cancelled: 0, reused: 1, source_bytes: 2000, cost: { cpu_seconds: 4.3, storage_bytes: 30 } },
				ingest: { jobs: 1, completed: 1, failed: 0, cancelled: 0, reused: 0, source_bytes: 1000, cost: { storage_bytes: 1000 } },
			},
		});
		expect((await get('/api/media/usage?from=2026-03-01&to=2026-04-01', 'key-theirs-0123456789')).body.total).toMatchObject({ jobs: 1, cost: { cpu_seconds: 5 }, source_bytes: 7 });
	});

	it('is that of the last 30 days unless asked otherwise, and nothing where nothing was done', async () => {
		const { body } = await get('/api/media/usage?to=2026-01-31T12:00:00Z');
		expect(body).toEqual({ from: '2026-01-01T12:00:00.000Z', to: '2026-01-31T12:00:00.000Z', total: total([]), operations: {} });
		const now = (await get('/api/media/usage')).body;
		expect(Date.parse(now.to) - Date.parse(now.from)).toBe(30 * 86_400_000);
	});

	it.each([
		['from=yesterday', /from: must be a date/],
		['to=2026-13-01', /to: must be a date/],
		['from=2026-04-01&to=2026-03-01', /from: must be before to/],
	])('names what is wrong with %s', async (query, message) => {
		const { status, body } = await get(`/api/media/usage?${query}`);
		expect([status, body.error.message]).toEqual([400, expect.stringMatching(message)]);
	});

	it('is shown of an asset: all its jobs together', async () => {
		expect((await get(`/api/media/assets/${asset}`)).body.cost).toEqual({ cpu_seconds: 1004.3, storage_bytes: 1030 });
	});
});
