import { readFileSync } from 'node:fs';
import { and, eq } from 'drizzle-orm';
import type { Asset, Job } from '../../../nodes/shared/wire.js';
import { createOutbox } from '../../../sidecar/src/callbacks/outbox.ts';
import { jobs } from '../../../sidecar/src/db/schema.ts';
import { failure } from '../../../sidecar/src/http/renditions.ts';
import { runPlan } from '../../../sidecar/src/media/engine.ts';
import { probe } from '../../../sidecar/src/media/probe.ts';
import { createAnalyze } from '../../../sidecar/src/operations/ai/analyze.ts';
import { createFindDuplicates } from '../../../sidecar/src/operations/ai/find-duplicates.ts';
import { foundBefore } from '../../../sidecar/src/operations/ai/safety-findings.ts';
import { createSafetyScan } from '../../../sidecar/src/operations/ai/safety-scan.ts';
import type { Operation } from '../../../sidecar/src/operations/operation.ts';
import { thumbnail } from '../../../sidecar/src/operations/video/thumbnail.ts';
import { startWorker, type Worker } from '../../../sidecar/src/pipeline/worker.ts';
import { createWorkspace } from '../../../sidecar/src/db/workspaces.ts';
import { editFixture } from '../../fixtures/edit.ts';
import { startTestApp, type TestApp } from '../../support/app.ts';
import { createTestPipeline, until, WORKSPACE, type TestPipeline } from '../../support/pipeline.ts';
import { colourVision } from '../../support/vision.ts';

const KEY = 'safety-test-key-0123456789';

/** The whole way over HTTP, with a moderator that takes red for unsafe. */
describe('a red film', () => {
	let pipeline: TestPipeline;
	let app: TestApp;
	let worker: Worker;
	const told: Array<{ url: string; json: { type?: string; asset?: Asset; jobs?: Job[] } }> = [];
	const vision = colourVision();

	beforeAll(async () => {
		const operations: Operation[] = [thumbnail, createSafetyScan({ moderator: vision.ai.moderate, engine: { runPlan }, foundBefore: (asset) => foundBefore(pipeline.deps.db, asset) })];
		pipeline = await createTestPipeline({
			operations,
			triggers: { process: null, distribute: 'http://n8n.test/distribute' },
			send: async ({ url, body }) => {
				told.push({ url, json: JSON.parse(body) as (typeof told)[number]['json'] });
				return { status: 200, contentType: 'application/json', body: '{}' };
			},
		});
		const { deps } = pipeline;
		const { db } = deps;
		const known = deps.operations as Map<string, Operation>;
		for (const operation of [createAnalyze({ ai: vision.ai, engine: { runPlan }, db, facesAllowed: false }), createFindDuplicates({ db })]) known.set(operation.name, operation);
		Object.assign(deps, { probe, runPlan, wake: { jobs: () => worker?.wake(), callbacks: () => {}, events: () => {} } });
		await createWorkspace(db, WORKSPACE, KEY);
		app = await startTestApp(pipeline);
		worker = startWorker(deps);
	});
	afterAll(async () => {
		await worker.stop();
		await app.close();
		await pipeline.close();
	});

	interface Answered {
		status: number;
		body: { asset: Asset; jobs: Job[]; progress: { total: number; completed: number; failed: number }; message: string; error: { code: string; message: string }; asset_id: string; upload_url: string; url: string; id: string };
	}
	const call = async (method: string, path: string, body?: unknown): Promise<Answered> => {
		const response = await fetch(path.startsWith('http') ? path : `${app.url}${path}`, {
			method,
			headers: { authorization: `Bearer ${KEY}`, ...(body instanceof Buffer ? { 'content-type': 'video/mp4' } : { 'content-type': 'application/json' }) },
			...(body === undefined ? {} : { body: body instanceof Buffer ? new Uint8Array(body) : JSON.stringify(body) }),
		});
		return { status: response.status, body: (await response.json()) as Answered['body'] };
	};
	const upload = async (name: 'red' | 'green'): Promise<string> => {
		const bytes = readFileSync(editFixture(name));
		const { body } = await call('POST', '/api/media/sign', { file_name: `${name}.mp4`, file_size: bytes.length, mime_type: 'video/mp4' });
		expect((await call('PUT', body.upload_url, bytes)).status).toBe(201);
		await until(async () => (await view(body.asset_id)).asset.status === 'ready', 'it is stored');
		return body.asset_id;
	};
	const view = async (id: string) => (await call('GET', `/api/media/process?asset_id=${id}`)).body;
	const status = (id: string, wanted: string) => until(async () => (await view(id)).asset.status === wanted, `the asset is ${wanted}`);
	const deliver = async () => {
		told.length = 0;
		const outbox = createOutbox(pipeline.deps);
		await outbox.round();
		await outbox.settled();
	};

	it('is stopped before anything is made of it, told of, and used again once the thresholds allow it', async () => {
		const id = await upload('red');
		await deliver();
		const made = await call('POST', '/api/media/process', { asset_id: id, operations: ['thumbnail', 'safety_scan', 'analyze'], callback_url: 'https://user.test/done' });
		expect(made.status).toBe(202);
		await status(id, 'failed');
		const stopped = await view(id);
		expect(stopped.asset).toMatchObject({ error: { code: 'content_unsafe', details: { category: 'sexual', threshold: 0.8 } }, thumbnail_url: null, processed_url: null, tags: [] });
		expect(stopped.jobs.map((job) => [job.job_type, job.status, job.error?.code])).toEqual([
			['thumbnail', 'failed', 'dependency_failed'],
			['safety_scan', 'failed', 'content_unsafe'],
			['analyze', 'failed', 'dependency_failed'],
		]);
		await deliver();
		expect(told.map(({ url, json }) => [url, json.type, json.asset?.error?.code])).toEqual([['https://user.test/done', 'asset.failed', 'content_unsafe']]);

		for (const [path, body] of [
			['/api/media/distribute', { asset_id: id, platforms: ['x'] }],
			['/api/media/distribute', { asset_id: id, posts: [{ platform: 'x', text: 'hi', secrets: { access_token: 't' } }] }],
			['/api/media/process', { asset_id: id, operations: ['thumbnail'] }],
			[`/api/media/assets/${id}/renditions`, { operation: 'thumbnail' }],
		] as const) {
			expect(await call('POST', path, body)).toMatchObject({ status: 422, body: { error: { code: 'content_unsafe' } } });
		}

		const scan = await call('POST', '/safety_scan', { asset_id: id, params: { thresholds: { sexual: 1 } } });
		expect(scan.status).toBe(202);
		await status(id, 'ready');
		expect((await call('POST', '/api/media/process', { asset_id: id, retry_failed_only: true })).body.message).toBe('2 failed jobs queued again');
		await status(id, 'processed');
		const done = await view(id);
		expect(done).toMatchObject({ asset: { error: null, thumbnail_url: expect.stringContaining('/files/') }, progress: { total: 3, completed: 3, failed: 0 } });
		expect(done.asset.tags).toEqual(expect.arrayContaining([{ tag: 'red', source: 'analysis', score: 0.8 }]));
		await deliver();
		expect(told.map(({ url }) => url).sort()).toEqual(['http://n8n.test/distribute', 'https://user.test/done']);
	});

	it('has links that end when it is found out', async () => {
		const id = await upload('red');
		const link = (await call('POST', `/api/media/assets/${id}/renditions`, { operation: 'thumbnail' })).body.url;
		expect((await fetch(link, { redirect: 'manual' })).status).toBe(302);
		await call('POST', '/safety_scan', { asset_id: id, params: {} });
		await status(id, 'failed');
		const after = await fetch(link, { redirect: 'manual' });
		expect([after.status, await after.text()]).toEqual([410, expect.not.stringContaining('sexual')]);
	});

	it('tells nobody who has a link what was found, also not while it waits for the file, and is made anew once it is lifted', async () => {
		const id = await upload('red');
		const link = (await call('POST', `/api/media/assets/${id}/renditions`, { operation: 'thumbnail' })).body.url;
		expect((await fetch(link, { redirect: 'manual' })).status).toBe(302);
		// As if the scan had come in between.
		const [job] = await pipeline.deps.db.select().from(jobs).where(and(eq(jobs.assetId, id), eq(jobs.jobType, 'thumbnail')));
		const error = { code: 'dependency_failed' as const, message: 'Stopped, as the safety scan found sexual content.', details: { reason: 'content_unsafe' } };
		const stopped = failure({ ...job!, status: 'cancelled', error, completedAt: new Date() });
		expect([stopped.code, stopped.message, stopped.details]).toEqual(['expired', expect.not.stringContaining('sexual'), undefined]);
		await pipeline.deps.db.update(jobs).set({ status: 'cancelled', error, completedAt: new Date() }).where(eq(jobs.id, job!.id));
		expect((await fetch(link, { redirect: 'manual' })).status).toBe(302);
	});

	it('is no trouble when it is green, and its copy is told of', async () => {
		const operations = ['safety_scan', 'find_duplicates', 'analyze', 'thumbnail'];
		const [first, second] = [await upload('green'), await upload('green')];
		for (const id of [first, second]) {
			await call('POST', '/api/media/process', { asset_id: id, operations });
			await status(id, 'processed');
		}
		const { jobs } = await view(second);
		expect(jobs[0]?.output_data).toMatchObject({ safe: true });
		expect(jobs[1]?.output_data).toMatchObject({ is_duplicate: true, duplicates: [{ asset_id: first, kind: 'identical' }] });
		expect((await call('GET', `/api/media/assets/${second}`)).body).toMatchObject({ tags: [{ tag: 'tree', source: 'analysis', score: 0.9 }, { tag: 'green' }, { tag: 'colour' }] });
	});
});
