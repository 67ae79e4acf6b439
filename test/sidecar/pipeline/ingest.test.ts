import { createHash, randomUUID } from 'node:crypto';
import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eq } from 'drizzle-orm';
import { findAsset, insertAssets, type NewAsset } from '../../../sidecar/src/db/assets.ts';
import { findJob, insertJobs } from '../../../sidecar/src/db/jobs.ts';
import { storeSettings } from '../../../sidecar/src/db/settings.ts';
import { unreferencedKeys } from '../../../sidecar/src/db/reuse.ts';
import { jobs } from '../../../sidecar/src/db/schema.ts';
import { readSettings } from '../../../sidecar/src/db/workspaces.ts';
import { transact } from '../../../sidecar/src/db/transact.ts';
import { PipelineError } from '../../../sidecar/src/errors.ts';
import { runPlan } from '../../../sidecar/src/media/engine.ts';
import { probe } from '../../../sidecar/src/media/probe.ts';
import { ingestJob, type IngestWishes } from '../../../sidecar/src/pipeline/media-reference.ts';
import { runJob, shuttingDown } from '../../../sidecar/src/pipeline/run.ts';
import type { WorkerDeps } from '../../../sidecar/src/pipeline/worker-deps.ts';
import type { Scanner } from '../../../sidecar/src/scan/scanner.ts';
import { hostile } from '../../fixtures/hostile.ts';
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
	async function ingest(change: Partial<NewAsset> & { id: string }, with_: Partial<WorkerDeps> = {}, wishes: IngestWishes = {}) {
		const asset: NewAsset = { workspaceId: WORKSPACE, source: 'upload', status: 'queued', mime: 'video/mp4', metadata: { file_name: 'a.mp4' }, ingestJobId: randomUUID(), ...change };
		await insertAssets(pipeline.database.db, [asset]);
		const [job] = await insertJobs(pipeline.database.db, [ingestJob(deps.vault, asset, { type: 'upload' }, 0, wishes)]);
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

	it('scans one that the request asks to be scanned, also where nothing else asks for it', async () => {
		await transact(pipeline.database.db, (tx) => storeSettings(tx, WORKSPACE, { checks: { scan: false } }));
		let scans = 0;
		const scanner = finding(async () => ((scans += 1), null));
		const one = async (wishes: IngestWishes, with_: Partial<WorkerDeps>) => {
			const id = randomUUID();
			await put(`incoming/${WORKSPACE}/${id}-1`);
			return ingest({ id, storageKey: `incoming/${WORKSPACE}/${id}-1` }, with_, { dedupe: 'copy', ...wishes });
		};
		expect((await one({}, { scanner, scanOptional: true })).job).toMatchObject({ status: 'completed', output: { scanned: false } });
		expect(scans).toBe(0);
		expect((await one({ scan: true }, { scanner, scanOptional: true })).job).toMatchObject({ status: 'completed', output: { scanned: true } });
		expect(scans).toBe(1);
		// The operator did not leave it to the workspace.
		expect((await one({}, { scanner })).job).toMatchObject({ status: 'completed', output: { scanned: true } });
		const { job, asset } = await one({ scan: true }, {});
		expect(job?.error).toMatchObject({ code: 'scanner_unavailable', message: expect.stringMatching(/^The request asks.*CLAMD.*without it/) });
		expect(asset?.facts).toBeNull();
		await transact(pipeline.database.db, (tx) => storeSettings(tx, WORKSPACE, {}));
	});

	describe('a process that dies', () => {
		const bytes = () => readFile(fixture('short'));
		/** What hangs where a process died, let go when all has been looked at: timers would keep the test from ending. */
		const graves: Array<() => void> = [];
		const ended: Array<Promise<unknown>> = [];
		afterEach(async () => {
			for (const end of graves.splice(0)) end();
			await Promise.all(ended.splice(0));
		});
		/** Dies at one place: it neither goes on nor tells anybody, and its lease runs out. */
		async function dieAt(place: 'putFile' | 'delete' | 'copy', when: 'before' | 'after', run: (with_: Partial<WorkerDeps>) => Promise<unknown>): Promise<void> {
			let reached = (): void => {};
			const dead = new Promise<void>((resolve) => (reached = resolve));
			const real = deps.storage;
			const stopHere = () => (reached(), new Promise<never>((_, end) => graves.push(() => end(new Error('the process is dead')))));
			const storage = new Proxy(real, {
				get: (target, name) => {
					const value: unknown = Reflect.get(target, name);
					if (name !== place || typeof value !== 'function') return value;
					return async (...given: unknown[]) => {
						if (when === 'before') return stopHere();
						await (value as (...all: unknown[]) => Promise<unknown>).apply(target, given);
						return stopHere();
					};
				},
			});
			ended.push(run({ storage, workerId: 'dies' }).catch(() => undefined));
			await dead;
			await pipeline.database.db.update(jobs).set({ status: 'pending', leaseUntil: null, workerId: null }).where(eq(jobs.status, 'processing'));
		}
		async function anUpload(content?: Buffer) {
			const id = randomUUID();
			const path = join(pipeline.folder, randomUUID());
			await writeFile(path, content ?? (await bytes()));
			await deps.storage.putFile(`incoming/${WORKSPACE}/${id}-1`, path);
			const asset: NewAsset = { id, workspaceId: WORKSPACE, source: 'upload', status: 'queued', mime: 'video/mp4', metadata: {}, ingestJobId: randomUUID(), storageKey: `incoming/${WORKSPACE}/${id}-1` };
			await insertAssets(pipeline.database.db, [asset]);
			const [job] = await insertJobs(pipeline.database.db, [ingestJob(deps.vault, asset, { type: 'upload' }, 0)]);
			return { id, jobId: job?.id ?? '', run: (with_: Partial<WorkerDeps> = {}) => runJob({ ...deps, ...with_ }, job?.id ?? '', signal) };
		}
		const hashOf = async (key: string | null | undefined) => createHash('sha256').update(Buffer.concat(await (await deps.storage.read(key ?? '')).toArray())).digest('hex');
		/** No other test's file is the same. */
		const unlike = async (): Promise<Buffer> => Buffer.concat([await bytes(), Buffer.from([0, 0, 0, 24]), Buffer.from(`free${randomUUID().slice(0, 16)}`)]);

		it.each([
			['before it is moved', 'putFile', 'before'],
			['after it was moved, before anybody wrote that down', 'putFile', 'after'],
			['while what is left of the upload is deleted', 'delete', 'before'],
			['after that', 'delete', 'after'],
		] as const)('leaves an upload to the next one: %s', async (_, place, when) => {
			const content = await unlike();
			const upload = await anUpload(content);
			await dieAt(place, when, upload.run);
			await upload.run();
			const asset = await findAsset(pipeline.database.db, WORKSPACE, upload.id);
			expect(asset).toMatchObject({ status: 'ready', storageKey: `raw/${WORKSPACE}/${upload.id}.mp4`, bytes: content.length });
			expect(await hashOf(asset?.storageKey)).toBe(createHash('sha256').update(content).digest('hex'));
			expect((await all()).filter((name) => name.startsWith(upload.id))).toEqual([`${upload.id}.mp4`]);
		});

		it('leaves it to the next one in the middle of a mezzanine as well, and when both files are stored', async () => {
			await transact(pipeline.database.db, (tx) => storeSettings(tx, WORKSPACE, { originals: 'replace' }));
			const content = Buffer.concat([await readFile(hostile('hevc')), Buffer.from([0, 0, 0, 24]), Buffer.from(`free${randomUUID().slice(0, 16)}`)]);
			const upload = await anUpload(content);
			// It is being made when the sidecar is told to end.
			const shutdown = new AbortController();
			const runPlanUntilThen: WorkerDeps['runPlan'] = async (request) => {
				shutdown.abort(shuttingDown());
				return runPlan(request);
			};
			await runJob({ ...deps, runPlan: runPlanUntilThen }, upload.jobId, shutdown.signal);
			expect(await findJob(pipeline.database.db, WORKSPACE, upload.jobId)).toMatchObject({ status: 'pending', error: null });
			expect((await all()).filter((name) => name.startsWith(upload.id))).toEqual([`${upload.id}-1`]);
			expect(await readdir(deps.workRoot)).toEqual([]);

			await dieAt('delete', 'after', (with_) => upload.run({ ...with_, runPlan }));
			await upload.run({ runPlan });
			const asset = await findAsset(pipeline.database.db, WORKSPACE, upload.id);
			const [original, master] = [`raw/${WORKSPACE}/${upload.id}.mp4`, `raw/${WORKSPACE}/${upload.id}_master.mp4`];
			expect(asset).toMatchObject({ status: 'ready', originalState: 'replaced', storageKey: master, originalKey: original, originalBytes: content.length, sha256: createHash('sha256').update(content).digest('hex') });
			expect(await hashOf(original)).toBe(asset?.sha256);
			expect((await all()).filter((name) => name.startsWith(upload.id)).sort()).toEqual([`${upload.id}.mp4`, `${upload.id}_master.mp4`].sort());
			await transact(pipeline.database.db, (tx) => storeSettings(tx, WORKSPACE, {}));
		});

		it('never takes the bytes of the twin along: before and after the file that is not needed is removed', async () => {
			const content = await unlike();
			const first = await anUpload(content);
			await first.run();
			for (const when of ['before', 'after'] as const) {
				const second = await anUpload(content);
				await dieAt('delete', when, second.run);
				// It had ended, and only the file was left: the clean-up of orphans takes that.
				const asset = await findAsset(pipeline.database.db, WORKSPACE, second.id);
				expect(asset).toMatchObject({ status: 'ready', sameAs: first.id, storageKey: `raw/${WORKSPACE}/${first.id}.mp4` });
				expect(await unreferencedKeys(pipeline.database.db, [`incoming/${WORKSPACE}/${second.id}-1`])).toHaveLength(1);
				expect(await hashOf(asset?.storageKey)).toBe(createHash('sha256').update(content).digest('hex'));
			}
		});
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

	it('has nothing set aside any more for a download that is there', async () => {
		const asset: NewAsset = { id: randomUUID(), workspaceId: WORKSPACE, source: 'url', status: 'queued', metadata: {}, ingestJobId: randomUUID() };
		await insertAssets(pipeline.database.db, [asset]);
		const [job] = await insertJobs(pipeline.database.db, [ingestJob(deps.vault, asset, { type: 'url', url: 'https://example.com/a.jpg' }, 0)]);
		const fetchSource: WorkerDeps['fetchSource'] = async ({ destPath }) => {
			await copyFile(fixture('jpeg'), destPath);
			return { bytes: 1, sha256: 'y', fileName: 'a.jpg', contentType: 'image/jpeg' };
		};
		const { max_bytes } = (await readSettings(pipeline.database.db, WORKSPACE)).quotas;
		await transact(pipeline.database.db, (tx) => storeSettings(tx, WORKSPACE, { quotas: { max_bytes: 1e9 } }));
		await runJob({ ...deps, fetchSource }, job?.id ?? '', signal);
		await transact(pipeline.database.db, (tx) => storeSettings(tx, WORKSPACE, { quotas: { max_bytes } }));
		const { length } = await readFile(fixture('jpeg'));
		expect(await findAsset(pipeline.database.db, WORKSPACE, asset.id)).toMatchObject({ status: 'ready', bytes: length, expectedBytes: null });
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
