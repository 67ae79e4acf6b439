import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { eq } from 'drizzle-orm';
import { filesOfAsset, filesOfJobs, findJob, insertFiles } from '../../../sidecar/src/db/jobs.ts';
import { assets, files, jobs } from '../../../sidecar/src/db/schema.ts';
import { PipelineError } from '../../../sidecar/src/errors.ts';
import type { Operation } from '../../../sidecar/src/operations/operation.ts';
import { choose } from '../../../sidecar/src/pipeline/resolve-media.ts';
import { reconcile } from '../../../sidecar/src/pipeline/reconcile.ts';
import { runJob } from '../../../sidecar/src/pipeline/run.ts';
import { jobView } from '../../../sidecar/src/pipeline/views.ts';
import { videoFacts } from '../../support/facts.ts';
import { createTestPipeline, deliverDue, task, WORKSPACE, type TestPipeline } from '../../support/pipeline.ts';

const never = new AbortController().signal;

/** Two manifests, then segments, as an operation that makes HLS answers them. */
const packaging: Operation = {
	...task('packaging', async () => ({})),
	accepts: ['video'],
	run: async ({ workDir }) => {
		const make = async (name: string, mime: string, part?: true) => {
			const path = join(workDir, name);
			await mkdir(dirname(path), { recursive: true });
			await writeFile(path, name);
			return { name, path, mime, ...(part ? { part } : {}) };
		};
		return {
			output: { rungs: 1 },
			files: [
				await make('hls/manifest.mpd', 'application/dash+xml'),
				await make('hls/master.m3u8', 'application/vnd.apple.mpegurl'),
				await make('hls/init.mp4', 'video/mp4', true),
				await make('hls/seg-1.m4s', 'video/iso.segment', true),
			],
		};
	},
};

describe('the files of a package', () => {
	let pipeline: TestPipeline;
	const sent: string[] = [];

	beforeAll(async () => {
		pipeline = await createTestPipeline({
			operations: [packaging],
			send: async ({ body }) => {
				sent.push(body);
				return { status: 200, contentType: 'application/json', body: '{}' };
			},
		});
	});
	afterAll(() => pipeline.close());

	const newAsset = async () => {
		const id = randomUUID();
		await pipeline.deps.db.insert(assets).values({ id, workspaceId: WORKSPACE, source: 'upload', status: 'ready', storageKey: `raw/acme/${id}.mp4`, facts: videoFacts() });
		return id;
	};

	it('are all stored, but only the manifests are listed: in views, callbacks and what a post may name', async () => {
		const assetId = await newAsset();
		const { jobs: [job] } = await pipeline.submit({ items: [{ operation: 'packaging', params: {}, asset_id: assetId }], callbackUrl: 'http://n8n.test/done' });
		await runJob(pipeline.deps, job!.id, never);
		await deliverDue(pipeline.deps);

		const rows = await pipeline.deps.db.select().from(files).where(eq(files.jobId, job!.id));
		expect(rows.map(({ name, part }) => [name, part]).sort()).toEqual([['hls/init.mp4', true], ['hls/manifest.mpd', false], ['hls/master.m3u8', false], ['hls/seg-1.m4s', true]]);
		for (const { storageKey } of rows) expect(await pipeline.deps.storage.head(storageKey)).not.toBeNull();

		const listed = await filesOfJobs(pipeline.deps.db, [job!.id]);
		const view = jobView((await findJob(pipeline.deps.db, WORKSPACE, job!.id))!, listed, (key) => `http://files.test/${key}`);
		expect(view.output_data?.files?.map(({ name }) => name)).toEqual(['hls/manifest.mpd', 'hls/master.m3u8']);
		expect(view.output_data).not.toHaveProperty('processed_url');
		expect(sent.join()).toContain('hls/master.m3u8');
		expect(sent.join()).not.toMatch(/seg-1|init\.mp4/);

		const ofAsset = await filesOfAsset(pipeline.deps.db, assetId);
		const asset = { id: assetId, facts: null };
		expect(choose({ kind: 'named', file: null, jobId: job!.id }, asset, ofAsset)?.name).toBe('hls/manifest.mpd');
		expect(choose({ kind: 'useful' }, { ...asset, facts: videoFacts() }, ofAsset)).toBeNull();
		expect(() => choose({ kind: 'named', file: 'hls/seg-1.m4s', jobId: null }, asset, ofAsset)).toThrow(/no file "hls\/seg-1\.m4s"/);
	});

	it('are stored several at once, but manifests after all that they name', async () => {
		const assetId = await newAsset();
		const { jobs: [job] } = await pipeline.submit({ items: [{ operation: 'packaging', params: {}, asset_id: assetId }] });
		const { storage } = pipeline.deps;
		const order: string[] = [];
		let both = (): void => {};
		const together = new Promise<void>((resolve) => (both = resolve));
		await runJob(
			{
				...pipeline.deps,
				storage: {
					...storage,
					putFile: async (key, path) => {
						const name = key.split('/').at(-1)!;
						order.push(name);
						if (order.length === 2) both();
						// The first waits for the second: one after the other, this would never end.
						if (order.length <= 2) await together;
						return storage.putFile(key, path);
					},
				},
			},
			job!.id,
			never,
		);
		expect(order).toEqual(['init.mp4', 'seg-1.m4s', 'master.m3u8', 'manifest.mpd']);
		expect((await filesOfJobs(pipeline.deps.db, [job!.id])).map(({ name }) => name)).toEqual(['hls/manifest.mpd', 'hls/master.m3u8']);
	});

	const storedOf = async (id: string): Promise<string[]> => {
		const keys: string[] = [];
		for await (const { key } of pipeline.deps.storage.list(`jobs/${WORKSPACE}/${id}/`)) keys.push(key.split('/').slice(3).join('/'));
		return keys.sort();
	};
	const ALL = ['init.mp4', 'manifest.mpd', 'master.m3u8', 'seg-1.m4s'];

	it('leave nothing behind when not all of them can be stored', async () => {
		const assetId = await newAsset();
		const { jobs: [job] } = await pipeline.submit({ items: [{ operation: 'packaging', params: {}, asset_id: assetId }] });
		const { storage } = pipeline.deps;
		const putFile: typeof storage.putFile = async (key, path) => {
			if (key.endsWith('manifest.mpd')) throw new PipelineError('storage_full', 'The disk is full.');
			return storage.putFile(key, path);
		};
		await runJob({ ...pipeline.deps, storage: { ...storage, putFile } }, job!.id, never);
		expect(await findJob(pipeline.deps.db, WORKSPACE, job!.id)).toMatchObject({ status: 'failed', error: { code: 'storage_full' } });
		expect(await storedOf(job!.id)).toEqual([]);
	});

	it('of a try that was killed are swept by the next one, and when there is none', async () => {
		const assetId = await newAsset();
		const killed = async () => {
			const { jobs: [job] } = await pipeline.submit({ items: [{ operation: 'packaging', params: {}, asset_id: assetId }] });
			const path = join(pipeline.folder, 'early');
			await writeFile(path, 'early');
			await pipeline.deps.storage.putFile(`jobs/${WORKSPACE}/${job!.id}/1/hls/early.m4s`, path);
			return job!.id;
		};
		const lost = (id: string, attempts: number) => pipeline.deps.db.update(jobs).set({ status: 'processing', attempts, leaseUntil: new Date(0) }).where(eq(jobs.id, id));
		const again = await killed();
		await lost(again, 1);
		await reconcile(pipeline.deps);
		await runJob(pipeline.deps, again, never);
		expect(await storedOf(again)).toEqual(ALL.map((name) => `2/hls/${name}`));

		const last = await killed();
		await lost(last, 3);
		await reconcile(pipeline.deps);
		expect(await findJob(pipeline.deps.db, WORKSPACE, last)).toMatchObject({ status: 'failed', error: { code: 'worker_lost' } });
		expect(await storedOf(last)).toEqual([]);
	});

	it('stay when the job is done, although nobody heard the database say so', async () => {
		const assetId = await newAsset();
		const { jobs: [job] } = await pipeline.submit({ items: [{ operation: 'packaging', params: {}, asset_id: assetId }] });
		const { db } = pipeline.deps;
		const deaf = new Proxy(db, {
			get: (target, name) => {
				if (name !== 'transaction') return Reflect.get(target, name) as unknown;
				return async (work: Parameters<typeof db.transaction>[0]) => {
					const result = await db.transaction(work);
					if ((await findJob(db, WORKSPACE, job!.id))?.status === 'completed') throw new Error('the connection was lost');
					return result;
				};
			},
		});
		await runJob({ ...pipeline.deps, db: deaf }, job!.id, never).catch(() => {});
		expect(await findJob(db, WORKSPACE, job!.id)).toMatchObject({ status: 'completed' });
		expect(await storedOf(job!.id)).toEqual(ALL.map((name) => `1/hls/${name}`));
	});

	it('may be thousands', async () => {
		const assetId = await newAsset();
		const { jobs: [job] } = await pipeline.submit({ items: [{ operation: 'packaging', params: {}, asset_id: assetId }] });
		// More than one statement's parameters: 65 535 / 14 columns.
		const names = Array.from({ length: 5000 }, (_, index) => `hls/seg-${index}.m4s`);
		await insertFiles(
			pipeline.deps.db,
			names.map((name, position) => ({ id: randomUUID(), workspaceId: WORKSPACE, assetId, jobId: job!.id, name, storageKey: `jobs/acme/x/1/${name}`, mime: 'video/iso.segment', bytes: 1, part: position > 1, position })),
		);
		expect(await pipeline.deps.db.$count(files, eq(files.jobId, job!.id))).toBe(5000);
		expect((await filesOfJobs(pipeline.deps.db, [job!.id])).map(({ name }) => name)).toEqual(['hls/seg-0.m4s', 'hls/seg-1.m4s']);
	});
});
