import { randomUUID } from 'node:crypto';
import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findAsset, insertAssets, type NewAsset } from '../../../sidecar/src/db/assets.ts';
import { findJob, insertJobs } from '../../../sidecar/src/db/jobs.ts';
import { storeSettings } from '../../../sidecar/src/db/settings.ts';
import { transact } from '../../../sidecar/src/db/transact.ts';
import { PipelineError } from '../../../sidecar/src/errors.ts';
import { probe } from '../../../sidecar/src/media/probe.ts';
import { ingestJob } from '../../../sidecar/src/pipeline/media-reference.ts';
import { runJob } from '../../../sidecar/src/pipeline/run.ts';
import type { WorkerDeps } from '../../../sidecar/src/pipeline/worker-deps.ts';
import type { Scanner } from '../../../sidecar/src/scan/scanner.ts';
import { fixture } from '../../fixtures/media.ts';
import { createTestPipeline, task, WORKSPACE, type TestPipeline } from '../../support/pipeline.ts';

describe('what becomes of a file when its ingest is cut off in the middle', () => {
	let pipeline: TestPipeline;
	let deps: WorkerDeps;
	beforeAll(async () => {
		pipeline = await createTestPipeline({ operations: [task('overlay', async (context) => ({ path: (await context.open({ file_url: 'https://example.com/logo.png' })).path }))] });
		deps = { ...pipeline.deps, probe };
	});
	afterAll(() => pipeline.close());
	const signal = new AbortController().signal;

	async function put(key: string, from = fixture('short')): Promise<void> {
		const path = join(pipeline.folder, randomUUID());
		await copyFile(from, path);
		await deps.storage.putFile(key, path);
	}
	const all = async (): Promise<string[]> => (await readdir(join(pipeline.folder, 'files'), { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map(({ name }) => name);

	/** One try of the ingest of an upload, and what is left after it. */
	async function ingest(change: Partial<NewAsset> & { id: string }, with_: Partial<WorkerDeps> = {}) {
		const asset: NewAsset = { workspaceId: WORKSPACE, source: 'upload', status: 'queued', mime: 'video/mp4', metadata: { file_name: 'a.mp4' }, ingestJobId: randomUUID(), ...change };
		await insertAssets(pipeline.database.db, [asset]);
		const [job] = await insertJobs(pipeline.database.db, [ingestJob(deps.vault, asset, { type: 'upload' }, 0)]);
		await runJob({ ...deps, ...with_ }, job?.id ?? '', signal);
		return { asset: await findAsset(pipeline.database.db, WORKSPACE, change.id), job: await findJob(pipeline.database.db, WORKSPACE, job?.id ?? '') };
	}
	const finding = (answer: () => Promise<string | null>): Scanner => ({ scan: answer, ping: async () => undefined });

	it('goes on where the upload was moved to its final place, but nobody wrote that down', async () => {
		const id = randomUUID();
		await put(`raw/${WORKSPACE}/${id}.mp4`);
		const { asset } = await ingest({ id, storageKey: `incoming/${WORKSPACE}/${id}-1` });
		expect(asset).toMatchObject({ status: 'ready', storageKey: `raw/${WORKSPACE}/${id}.mp4`, width: 320 });
	});

	it('says again why a file was refused, and deletes what the first try had left', async () => {
		const id = randomUUID();
		await put(`incoming/${WORKSPACE}/${id}-1`);
		const { asset } = await ingest({ id, storageKey: null, error: { code: 'input_infected', message: 'Found Test.', details: { signature: 'Test' } } });
		expect(asset).toMatchObject({ status: 'failed', error: { code: 'input_infected', message: 'Found Test.', details: { signature: 'Test' } } });
		expect(await all()).not.toContain(`${id}-1`);
	});

	it('lets nobody read a file before the scanner has', async () => {
		const id = randomUUID();
		await put(`incoming/${WORKSPACE}/${id}-1`);
		const order: string[] = [];
		const { asset } = await ingest(
			{ id, storageKey: `incoming/${WORKSPACE}/${id}-1` },
			{ scanner: finding(async () => (order.push('scan'), 'Test.Found')), probe: async (path) => (order.push('probe'), probe(path)) },
		);
		expect(order).toEqual(['scan']);
		expect(asset).toMatchObject({ status: 'failed', storageKey: null, facts: null, error: { code: 'input_infected' } });
		expect(await all()).not.toContain(`${id}-1`);
	});

	it('keeps an upload that the scanner could not look at, for the next try', async () => {
		const id = randomUUID();
		await put(`incoming/${WORKSPACE}/${id}-1`);
		const away = finding(() => Promise.reject(new PipelineError('scanner_unavailable', 'away')));
		const { job, asset } = await ingest({ id, storageKey: `incoming/${WORKSPACE}/${id}-1` }, { scanner: away });
		expect(job).toMatchObject({ status: 'pending', error: { code: 'scanner_unavailable' } });
		expect(asset).toMatchObject({ facts: null });
		expect(await all()).toContain(`${id}-1`);
	});

	it('refuses where the settings ask for a scan that nobody can do', async () => {
		await transact(pipeline.database.db, (tx) => storeSettings(tx, WORKSPACE, { checks: { scan: true } }));
		const id = randomUUID();
		await put(`incoming/${WORKSPACE}/${id}-1`);
		const { job } = await ingest({ id, storageKey: `incoming/${WORKSPACE}/${id}-1` });
		expect(job?.error).toMatchObject({ code: 'scanner_unavailable', message: expect.stringContaining('CLAMD') });
		await transact(pipeline.database.db, (tx) => storeSettings(tx, WORKSPACE, {}));
	});

	it('keeps a download nowhere but in its scratch folder until it has passed', async () => {
		const before = (await all()).length;
		const asset: NewAsset = { id: randomUUID(), workspaceId: WORKSPACE, source: 'url', status: 'queued', metadata: {}, ingestJobId: randomUUID() };
		await insertAssets(pipeline.database.db, [asset]);
		const [job] = await insertJobs(pipeline.database.db, [ingestJob(deps.vault, asset, { type: 'url', url: 'https://example.com/a.mp4' }, 0)]);
		const fetchSource: WorkerDeps['fetchSource'] = async ({ destPath }) => {
			await writeFile(destPath, await readFile(fixture('jpeg')));
			return { bytes: 1, sha256: 'x', fileName: 'a.mp4', contentType: 'video/mp4' };
		};
		await runJob({ ...deps, fetchSource }, job?.id ?? '', signal);
		expect(await findAsset(pipeline.database.db, WORKSPACE, asset.id)).toMatchObject({ status: 'failed', storageKey: null, error: { details: { rule: 'type' } } });
		expect((await all()).length).toBe(before);
		expect(await readdir(deps.workRoot)).toEqual([]);
	});

	it('scans what a job fetches beside its source as well', async () => {
		const fetchSource: WorkerDeps['fetchSource'] = async ({ destPath }) => {
			await copyFile(fixture('png'), destPath);
			return { bytes: 1, sha256: 'x', fileName: 'logo.png' };
		};
		const run = async (scanner: Scanner) => {
			const [job] = await insertJobs(pipeline.database.db, [{ id: randomUUID(), workspaceId: WORKSPACE, jobType: 'overlay', status: 'pending', params: {} }]);
			await runJob({ ...deps, fetchSource, scanner }, job?.id ?? '', signal);
			return findJob(pipeline.database.db, WORKSPACE, job?.id ?? '');
		};
		expect(await run(finding(async () => null))).toMatchObject({ status: 'completed' });
		expect(await run(finding(async () => 'Test.Found'))).toMatchObject({ status: 'failed', error: { code: 'input_infected' } });
	});
});
