import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eq } from 'drizzle-orm';
import { openPostgres } from '../../../sidecar/src/db/open.ts';
import { jobs } from '../../../sidecar/src/db/schema.ts';
import { becomeMaker } from '../../../sidecar/src/db/reuse.ts';
import { createWorkspace } from '../../../sidecar/src/db/workspaces.ts';
import { probe } from '../../../sidecar/src/media/probe.ts';
import { startWorker } from '../../../sidecar/src/pipeline/worker.ts';
import { fixture } from '../../fixtures/media.ts';
import { startTestApp } from '../../support/app.ts';
import { createTestPipeline, until } from '../../support/pipeline.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { encoder, rung, storedVideo } from '../../support/renditions.ts';
import { startTestSidecar } from '../../support/sidecar.ts';

const get = (url: string) => fetch(url, { redirect: 'manual' });

describe('renditions of several processes on one Postgres', () => {
	let server: TestPostgres;
	beforeAll(async () => {
		server = await startPostgres();
	});
	afterAll(() => server.stop());

	it('are made once, whichever process is asked', async () => {
		const ffmpeg = encoder();
		const databases = await Promise.all([openPostgres({ url: server.url }), openPostgres({ url: server.url })]);
		const first = await createTestPipeline({ database: databases[0], operations: [rung] });
		// The same files: as behind a shared folder or a bucket.
		const second = await createTestPipeline({ database: databases[1], operations: [rung] });
		second.deps.storage = first.deps.storage;
		const pipelines = [first, second];
		for (const { deps } of pipelines) deps.runPlan = ffmpeg.runPlan;
		await createWorkspace(first.deps.db, 'mine', 'key-mine-0123456789');
		const apps = await Promise.all(pipelines.map((pipeline) => startTestApp(pipeline)));
		const workers = pipelines.map(({ deps }) => startWorker(deps));
		const asset = await storedVideo(first.deps.db, 'mine');

		const answer = await fetch(`${apps[0]!.url}/api/media/assets/${asset}/renditions`, {
			method: 'POST',
			headers: { authorization: 'Bearer key-mine-0123456789', 'content-type': 'application/json' },
			body: JSON.stringify({ operation: 'rung' }),
		});
		const { url } = (await answer.json()) as { url: string };
		const asked = Array.from({ length: 60 }, (_, index) => get(index % 2 === 0 ? url : url.replace(apps[0]!.url, apps[1]!.url)));
		expect(new Set((await Promise.all(asked)).map(({ status }) => status))).toEqual(new Set([302]));
		expect(ffmpeg.runs).toBe(1);
		expect(await first.deps.db.$count(jobs, eq(jobs.assetId, asset))).toBe(1);

		await Promise.all(workers.map((worker) => worker.stop()));
		await Promise.all(apps.map((app) => app.close()));
		await Promise.all(pipelines.map((pipeline) => pipeline.close()));
		await Promise.all(databases.map((database) => database.close()));
	});

	it('and results of equal jobs have one maker, however many claim it at the same moment', async () => {
		const database = await openPostgres({ url: server.url });
		const pipeline = await createTestPipeline({ database, operations: [rung], queueSchema: 'makers' });
		const asset = await storedVideo(database.db, 'acme');
		const { jobs: made } = await pipeline.submit({ items: Array.from({ length: 20 }, () => ({ operation: 'rung', params: {}, asset_id: asset })) });
		await database.db.update(jobs).set({ status: 'processing', attempts: 1, leaseUntil: new Date(Date.now() + 60_000) }).where(eq(jobs.assetId, asset));
		const states = await Promise.all(made.map(({ id, workspaceId }) => becomeMaker(database.db, { id, workspaceId, attempts: 1 }, 'same', [])));
		expect(states.filter((state) => state === 'maker')).toHaveLength(1);
		expect(states.filter((state) => state === 'under way')).toHaveLength(19);
		await pipeline.close();
		await database.close();
	});
});

describe('a rendition of real media', () => {
	it('is made by one run of ffmpeg at the first of many requests', async () => {
		const sidecar = await startTestSidecar();
		const bytes = await readFile(fixture('landscape'));
		const { body: signed } = await sidecar.call('POST', '/api/media/sign', { file_name: 'a.mp4', file_size: bytes.length, mime_type: 'video/mp4' });
		await fetch(signed.upload_url, { method: 'PUT', body: new Uint8Array(bytes) });
		const asset = String(signed.asset_id);
		await until(async () => (await sidecar.call('GET', `/api/media/assets/${asset}`)).body.status === 'ready', 'the upload is there');
		const { url } = (await sidecar.call('POST', `/api/media/assets/${asset}/renditions`, { operation: 'compress', params: { height: 240 } })).body;
		const answers = await Promise.all(Array.from({ length: 30 }, () => get(url)));
		expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([302]));
		const { body } = await sidecar.call('GET', `/api/media/jobs?asset_id=${asset}`);
		expect(body.jobs.filter((job) => job.job_type === 'compress')).toMatchObject([{ status: 'completed', attempts: 1 }]);
		const path = join(sidecar.folder, 'rendition.mp4');
		await writeFile(path, new Uint8Array(await (await fetch(url)).arrayBuffer()));
		expect((await probe(path)).video?.height).toBe(240);
		await sidecar.close();
	});
});
