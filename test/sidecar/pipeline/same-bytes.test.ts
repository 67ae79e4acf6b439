import { createHash, randomUUID } from 'node:crypto';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eq, inArray, sql } from 'drizzle-orm';
import { findAsset, updateAsset, type AssetRow } from '../../../sidecar/src/db/assets.ts';
import { insertFiles, insertJobs } from '../../../sidecar/src/db/jobs.ts';
import { assetVersions, jobs } from '../../../sidecar/src/db/schema.ts';
import { transact } from '../../../sidecar/src/db/transact.ts';
import { PipelineError } from '../../../sidecar/src/errors.ts';
import { unreferencedKeys } from '../../../sidecar/src/db/reuse.ts';
import { removeAsset } from '../../../sidecar/src/pipeline/delete-asset.ts';
import { candidates } from '../../../sidecar/src/pipeline/public.ts';
import { readExtras } from '../../../sidecar/src/pipeline/public-page.ts';
import { refusePublishing } from '../../../sidecar/src/pipeline/publishable.ts';
import { runJob } from '../../../sidecar/src/pipeline/run.ts';
import { cancelJob } from '../../../sidecar/src/pipeline/steer.ts';
import { storedSource } from '../../../sidecar/src/pipeline/stored-source.ts';
import type { BatchItem } from '../../../sidecar/src/contract/requests.ts';
import type { MediaFacts } from '../../../sidecar/src/media/facts.ts';
import { createTestPipeline, WORKSPACE, type TestPipeline } from '../../support/pipeline.ts';
import { videoFacts } from '../../support/facts.ts';

const never = new AbortController().signal;

describe('the same bytes again', () => {
	let pipeline: TestPipeline;
	beforeEach(async () => {
		pipeline = await createTestPipeline();
		// The address is the content.
		pipeline.deps.fetchSource = async ({ place, destPath }) => {
			const content = place.type === 'url' ? new URL(place.url).hash : '';
			await writeFile(destPath, content);
			return { bytes: content.length, sha256: createHash('sha256').update(content).digest('hex'), fileName: 'clip.mp4' };
		};
		pipeline.deps.probe = async (path): Promise<MediaFacts> => videoFacts({ bytes: (await stat(path)).size });
	});
	afterEach(() => pipeline.close());

	const submit = async (content: string, change: Partial<BatchItem> = {}, path = 'a') => {
		const { jobs: [job] } = await pipeline.submit({ items: [{ operation: 'ingest', params: {}, source: { type: 'url', url: `https://media.test/${path}#${content}` }, ...change }] });
		if (!job?.assetId) throw new Error('no job');
		return { jobId: job.id, assetId: job.assetId };
	};
	const ingest = async (content: string, change: Partial<BatchItem> = {}, path = 'a') => {
		const { jobId, assetId } = await submit(content, change, path);
		await runJob(pipeline.deps, jobId, never);
		const [job] = await pipeline.database.db.select().from(jobs).where(eq(jobs.id, jobId));
		return { asset: (await findAsset(pipeline.database.db, WORKSPACE, assetId)) as AssetRow, job };
	};
	const stored = async (): Promise<string[]> => {
		const keys: string[] = [];
		for await (const { key } of pipeline.deps.storage.list('raw/')) keys.push(key);
		return keys.sort();
	};

	it('are stored once: the second asset is ready, and says whose they are', async () => {
		const first = await ingest('one');
		const second = await ingest('one', {}, 'b');
		const third = await ingest('one', {}, 'c');
		expect(second.job).toMatchObject({ status: 'completed', output: { same_as: first.asset.id }, cost: {} });
		expect(second.asset).toMatchObject({ status: 'ready', sameAs: first.asset.id, storageKey: first.asset.storageKey, facts: first.asset.facts, bytes: 4 });
		expect(third.asset.sameAs).toBe(first.asset.id);
		expect(await stored()).toEqual([first.asset.storageKey]);
		expect((await ingest('other', {}, 'd')).asset.sameAs).toBeNull();
	});

	it('are stored once when they arrive at the same moment', async () => {
		const [a, b] = [await submit('two', {}, 'a'), await submit('two', {}, 'b')];
		const { fetchSource } = pipeline.deps;
		let waiting = 0;
		let go = (): void => {};
		const both = new Promise<void>((resolve) => (go = resolve));
		const put = pipeline.deps.storage.putFile;
		// Neither has ended when the other one looks for twins.
		pipeline.deps.storage = {
			...pipeline.deps.storage,
			putFile: async (...given) => {
				if (++waiting === 2) go();
				await both;
				return put(...given);
			},
		};
		pipeline.deps.fetchSource = fetchSource;
		await Promise.all([runJob(pipeline.deps, a.jobId, never), runJob(pipeline.deps, b.jobId, never)]);
		const rows = await Promise.all([a, b].map(async ({ assetId }) => (await findAsset(pipeline.database.db, WORKSPACE, assetId)) as AssetRow));
		expect(rows.map(({ status }) => status)).toEqual(['ready', 'ready']);
		expect(rows.filter(({ sameAs }) => sameAs !== null)).toHaveLength(1);
		expect(new Set(rows.map(({ storageKey }) => storageKey)).size).toBe(1);
		expect(await stored()).toHaveLength(1);
		const outputs = await pipeline.database.db.select({ output: jobs.output }).from(jobs);
		expect(outputs.filter(({ output }) => output?.['same_as'] !== undefined)).toHaveLength(1);
	});

	it('stay when the first asset is deleted, and go with the last one', async () => {
		const first = await ingest('three');
		const second = await ingest('three', {}, 'b');
		await removeAsset({ ...pipeline.deps, uploadFolder: join(pipeline.folder, 'uploads') }, pipeline.database.db, WORKSPACE, first.asset.id);
		expect(await stored()).toEqual([second.asset.storageKey]);
		expect((await ingest('three', {}, 'c')).asset.sameAs).toBe(second.asset.id);
		for (const { id } of await pipeline.database.db.query.assets.findMany()) await removeAsset({ ...pipeline.deps, uploadFolder: join(pipeline.folder, 'uploads') }, pipeline.database.db, WORKSPACE, id);
		expect(await stored()).toEqual([]);
	});

	it('are stored again when that is asked for, or when the stored file is gone', async () => {
		const first = await ingest('four');
		expect((await ingest('four', { dedupe: 'copy' }, 'b')).asset.sameAs).toBeNull();
		expect(await stored()).toHaveLength(2);
		for (const key of await stored()) await pipeline.deps.storage.delete(key);
		const again = await ingest('four', {}, 'c');
		expect(await stored()).toEqual([again.asset.storageKey]);
		expect(again.asset.storageKey).not.toBe(first.asset.storageKey);
	});

	it('are no safer under another name', async () => {
		const first = await ingest('five');
		await updateAsset(pipeline.database.db, first.asset.id, { status: 'failed', error: { code: 'content_unsafe', message: 'Found.' } });
		const second = await ingest('five', {}, 'b');
		expect(second.asset).toMatchObject({ status: 'failed', error: { code: 'content_unsafe' }, sameAs: first.asset.id });
		await expect(refusePublishing(pipeline.database.db, second.asset)).rejects.toMatchObject({ code: 'content_unsafe' });
	});

	it('become the next version of an asset, and the earlier one is kept', async () => {
		const first = await ingest('six');
		const of = { asset_id: first.asset.id, dedupe: 'version' as const };
		const second = await ingest('seven', of);
		expect(second.asset).toMatchObject({ id: first.asset.id, version: 2, storageKey: `raw/${WORKSPACE}/${first.asset.id}_v2.mp4`, status: 'ready', sameAs: null });
		expect(second.job?.output).toMatchObject({ version: 2 });
		const [a, b] = [await submit('eight', of, 'x'), await submit('nine', of, 'y')];
		// The later one waits, whoever is asked first.
		await runJob(pipeline.deps, b.jobId, never);
		await runJob(pipeline.deps, a.jobId, never);
		await pipeline.database.db.update(jobs).set({ runAt: new Date(0) }).where(eq(jobs.id, b.jobId));
		await runJob(pipeline.deps, b.jobId, never);
		const versions = await pipeline.database.db.select().from(assetVersions).orderBy(assetVersions.version);
		expect(versions.map(({ version, storageKey }) => [version, storageKey])).toEqual([
			[1, first.asset.storageKey],
			[2, second.asset.storageKey],
			[3, `raw/${WORKSPACE}/${first.asset.id}_v3.mp4`],
		]);
		expect(await stored()).toHaveLength(4);
		const same = await ingest('nine', of);
		expect(same.job?.output).toMatchObject({ unchanged: true, version: 4 });
		expect(same.asset.version).toBe(4);
		await removeAsset({ ...pipeline.deps, uploadFolder: join(pipeline.folder, 'uploads') }, pipeline.database.db, WORKSPACE, first.asset.id);
		expect(await stored()).toEqual([]);
	});

	it('leave the asset as it is when the next version cannot be had', async () => {
		const { asset } = await ingest('six-a');
		await updateAsset(pipeline.database.db, asset.id, { status: 'processed' });
		const { fetchSource } = pipeline.deps;
		pipeline.deps.fetchSource = () => Promise.reject(new PipelineError('input_not_found', 'There is no file.'));
		const failed = await ingest('six-b', { asset_id: asset.id, dedupe: 'version' });
		expect(failed.job).toMatchObject({ status: 'failed', error: { code: 'input_not_found' } });
		// The clean-up deletes assets that have failed.
		expect(failed.asset).toMatchObject({ status: 'processed', error: null, version: 1, storageKey: asset.storageKey });
		pipeline.deps.fetchSource = fetchSource;
	});

	const read = async (key: string | null): Promise<string> => {
		let text = '';
		for await (const chunk of await pipeline.deps.storage.read(key ?? '')) text += String(chunk);
		return text;
	};
	const again = async (id: string) => (await findAsset(pipeline.database.db, WORKSPACE, id)) as AssetRow;

	it('become two versions, in the order of the items, when one request brings both', async () => {
		const { asset } = await ingest('v1');
		const item = (content: string): BatchItem => ({ operation: 'ingest', params: {}, asset_id: asset.id, dedupe: 'version', source: { type: 'url', url: `https://media.test/v#${content}` } });
		const { jobs: made } = await pipeline.submit({ items: [item('v2'), item('v3')] });
		const [a, b] = made.map(({ id }) => id);
		// The clock of a server counts finer than that of the embedded database.
		await pipeline.database.db.update(jobs).set({ createdAt: sql`date_trunc('milliseconds', ${jobs.createdAt}) + interval '500 microseconds'` }).where(inArray(jobs.id, [a ?? '', b ?? '']));
		await Promise.all([runJob(pipeline.deps, b ?? '', never), runJob(pipeline.deps, a ?? '', never)]);
		await pipeline.database.db.update(jobs).set({ runAt: new Date(0) }).where(eq(jobs.id, b ?? ''));
		await runJob(pipeline.deps, b ?? '', never);
		const [, second] = await pipeline.database.db.select().from(assetVersions).where(eq(assetVersions.assetId, asset.id)).orderBy(assetVersions.version);
		const now = await again(asset.id);
		expect([second?.version, await read(second?.storageKey ?? null)]).toEqual([2, '#v2']);
		expect([now.version, await read(now.storageKey)]).toEqual([3, '#v3']);
		expect(now.storageKey).not.toBe(second?.storageKey);
	});

	it('leave a version its own number and file when the one before it ends while it begins', async () => {
		const { asset } = await ingest('w1');
		const of = { asset_id: asset.id, dedupe: 'version' as const };
		const [a, b] = [await submit('w2', of), await submit('w3', of)];
		const { db } = pipeline.database;
		let looks = 0;
		// The earlier one ends right before the second look at the asset or its jobs.
		const late = new Proxy(db, {
			get: (target, name) => {
				const value: unknown = Reflect.get(target, name);
				if (name !== 'select') return typeof value === 'function' ? (value.bind(target) as unknown) : value;
				return (...fields: []) => ({
					from: (table: typeof jobs) => {
						const query = target.select(...fields).from(table);
						const { where } = query;
						return Object.assign(query, {
							where: (condition: Parameters<typeof where>[0]) => {
								const limited = where.call(query, condition);
								const { limit } = limited;
								limited.limit = ((most: number) => {
									const asked = limit.call(limited, most);
									if ((table as unknown) !== jobs || looks++ > 0) return asked;
									return { then: (...given: Parameters<typeof asked.then>) => runJob(pipeline.deps, a.jobId, never).then(() => asked).then(...given) };
								}) as typeof limit;
								return limited;
							},
						});
					},
				});
			},
		});
		await runJob({ ...pipeline.deps, db: late }, b.jobId, never);
		const now = await again(asset.id);
		expect([now.version, now.storageKey, await read(now.storageKey)]).toEqual([3, `raw/${WORKSPACE}/${asset.id}_v3.mp4`, '#w3']);
	});

	it('are no safer as the next version of another asset', async () => {
		const { asset: unsafe } = await ingest('unsafe');
		await updateAsset(pipeline.database.db, unsafe.id, { status: 'failed', error: { code: 'content_unsafe', message: 'Found.' } });
		const { asset } = await ingest('harmless', {}, 'b');
		const next = await ingest('unsafe', { asset_id: asset.id, dedupe: 'version' }, 'c');
		expect(next.asset).toMatchObject({ version: 2, status: 'failed', error: { code: 'content_unsafe' } });
	});

	it('bring the name and the warnings of their own', async () => {
		const { asset } = await ingest('n1');
		await updateAsset(pipeline.database.db, asset.id, { metadata: { ...asset.metadata, warnings: ['of the first'], note: 'mine' } });
		const { fetchSource } = pipeline.deps;
		pipeline.deps.fetchSource = async (...given) => ({ ...(await fetchSource(...given)), fileName: 'second.mp4' });
		const next = await ingest('n2', { asset_id: asset.id, dedupe: 'version' });
		expect(next.asset.metadata).toMatchObject({ file_name: 'second.mp4', note: 'mine' });
		expect(next.asset.metadata['warnings']).not.toEqual(['of the first']);
	});

	/** As if the job had run at this moment. */
	const done = async (assetId: string, jobType: string, change: Partial<typeof jobs.$inferInsert> = {}, file?: string) => {
		const id = randomUUID();
		await insertJobs(pipeline.database.db, [{ id, workspaceId: WORKSPACE, assetId, jobType, status: 'completed', params: {}, startedAt: new Date(), completedAt: new Date(), ...change }]);
		if (file) await insertFiles(pipeline.database.db, [{ id: randomUUID(), workspaceId: WORKSPACE, assetId, jobId: id, name: file, storageKey: `jobs/${WORKSPACE}/${id}/${file}`, mime: file.endsWith('.vtt') ? 'text/vtt' : 'video/mp4', bytes: 5, width: 1920, height: 1080, durationSeconds: videoFacts().durationSeconds }]);
		return id;
	};

	it('a scan of the first version says nothing of the second', async () => {
		const { asset } = await ingest('s1');
		const { db } = pipeline.database;
		await done(asset.id, 'safety_scan', { status: 'failed', error: { code: 'provider_unavailable', message: 'Down.' } });
		await expect(refusePublishing(db, asset)).rejects.toMatchObject({ code: 'dependency_failed' });
		const of = { asset_id: asset.id, dedupe: 'version' as const };
		// The same bytes once more are no new version.
		await ingest('s1', of);
		await expect(refusePublishing(db, await again(asset.id))).rejects.toMatchObject({ code: 'dependency_failed' });
		await ingest('s2', of);
		await expect(refusePublishing(db, await again(asset.id))).resolves.toBeUndefined();
		// Of those that were to look at this version, one never began.
		await done(asset.id, 'safety_scan', { status: 'cancelled', createdAt: new Date(0), startedAt: null });
		await expect(refusePublishing(db, await again(asset.id))).rejects.toMatchObject({ code: 'dependency_failed' });
	});

	it('a new version does not show what was made of the former one', async () => {
		const { asset } = await ingest('m1');
		const { db } = pipeline.database;
		const make = async () => {
			await done(asset.id, 'compress', {}, 'small.mp4');
			await done(asset.id, 'transcribe', { output: { language: 'en' } }, 'words.vtt');
			await done(asset.id, 'scenes', { output: { scenes: [{ start_seconds: 0 }, { start_seconds: 1 }] } });
		};
		const shown = async () => {
			const row = { ...(await again(asset.id)), durationSeconds: 2 };
			const { captions, chapters } = await readExtras(db, row);
			const source = await storedSource(db, { ...(await again(asset.id)), storageKey: null, originalState: 'deleted' }).then(({ key }) => key.split('/').at(-1), ({ code }: PipelineError) => code);
			return [(await candidates(db, asset.id)).length, captions.length, chapters.length, source];
		};
		await make();
		const all = await shown();
		expect(all).toEqual([2, 1, 2, 'small.mp4']);
		await ingest('m2', { asset_id: asset.id, dedupe: 'version' });
		expect(await shown()).toEqual([0, 0, 0, 'input_not_found']);
		await make();
		expect(await shown()).toEqual(all);
	});

	it.each([
		['stored', {}],
		['let go by the policy', { storageKey: null, originalState: 'deleted' as const }],
	])('an ingest of an asset that is %s changes nothing when it is cancelled, and completes when it runs', async (_, change) => {
		const { asset } = await ingest('stays');
		const { db } = pipeline.database;
		await updateAsset(db, asset.id, change);
		const submitted = async () => (await pipeline.submit({ items: [{ operation: 'ingest', params: {}, asset_id: asset.id }] })).jobs[0]?.id ?? '';
		const cancelled = await submitted();
		await transact(db, (tx) => cancelJob(pipeline.deps, tx, WORKSPACE, cancelled));
		expect(await again(asset.id)).toMatchObject({ status: 'ready', error: null, ...change });
		const ran = await submitted();
		await runJob(pipeline.deps, ran, never);
		const [job] = await db.select().from(jobs).where(eq(jobs.id, ran));
		expect(job).toMatchObject({ status: 'completed', output: { file_size_bytes: asset.bytes } });
		expect(await again(asset.id)).toMatchObject({ status: 'ready', error: null, ...change });
	});

	it('an ingest of an asset whose original was lost leaves it failed when it is cancelled: it lacks its file', async () => {
		const { asset } = await ingest('lost');
		const { db } = pipeline.database;
		await updateAsset(db, asset.id, { storageKey: null, status: 'queued' });
		const [job] = (await pipeline.submit({ items: [{ operation: 'ingest', params: {}, asset_id: asset.id }] })).jobs;
		await transact(db, (tx) => cancelJob(pipeline.deps, tx, WORKSPACE, job?.id ?? ''));
		expect(await again(asset.id)).toMatchObject({ status: 'failed', error: { code: 'cancelled' } });
	});

	it('are looked into when one item of a request wants that, the first one or a later one', async () => {
		const item: BatchItem = { operation: 'ingest', params: {}, source: { type: 'url', url: 'https://media.test/a#scan' } };
		const { jobs: made } = await pipeline.submit({ items: [item, { ...item, scan: true }] });
		const rows = await pipeline.database.db.select().from(jobs).where(eq(jobs.assetId, made[0]?.assetId ?? ''));
		expect(rows.filter(({ params }) => params['scan'] === true)).toHaveLength(1);
	});

	it('bring back an original that is not stored any more', async () => {
		const { asset } = await ingest('six-c');
		const of = { asset_id: asset.id, dedupe: 'version' as const };
		await updateAsset(pipeline.database.db, asset.id, { storageKey: null, originalState: 'deleted' });
		await pipeline.deps.storage.delete(asset.storageKey ?? '');
		const back = await ingest('six-c', of);
		expect(back.asset).toMatchObject({ version: 2, originalState: 'stored', storageKey: `raw/${WORKSPACE}/${asset.id}_v2.mp4` });
		for (const key of await stored()) await pipeline.deps.storage.delete(key);
		const again = await ingest('six-c', of);
		expect(await stored()).toEqual([again.asset.storageKey]);
	});

	it('keep, of a version that had a mezzanine, the original and not the mezzanine', async () => {
		const { asset } = await ingest('six-d');
		const original = asset.storageKey ?? '';
		const master = `raw/${WORKSPACE}/${asset.id}_master.mp4`;
		const path = join(pipeline.folder, 'master');
		await writeFile(path, 'master');
		await pipeline.deps.storage.putFile(master, path);
		await updateAsset(pipeline.database.db, asset.id, { storageKey: master, bytes: 6, originalKey: original, originalBytes: 5, originalState: 'replaced', mime: 'video/mp4' });
		const next = await ingest('six-e', { asset_id: asset.id, dedupe: 'version' });
		expect(next.asset).toMatchObject({ version: 2, originalKey: null, originalBytes: null, originalState: 'stored' });
		const [version] = await pipeline.database.db.select().from(assetVersions).where(eq(assetVersions.assetId, asset.id));
		expect(version).toMatchObject({ storageKey: original, bytes: 5, sha256: asset.sha256, mime: null });
		// What no row names is for the clean-up; the original is not among it.
		expect(await unreferencedKeys(pipeline.database.db, [original, master])).toEqual([master]);
	});

	it('need an asset to be a version of, and a source', async () => {
		await expect(submit('x', { dedupe: 'version' })).rejects.toMatchObject({ code: 'invalid_request', message: expect.stringContaining('asset_id') });
		const { asset } = await ingest('ten');
		await expect(pipeline.submit({ items: [{ operation: 'ingest', params: {}, asset_id: asset.id, dedupe: 'version' }] })).rejects.toMatchObject({ code: 'invalid_request' });
	});
});
