import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { copyFile, readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { eq, inArray } from 'drizzle-orm';
import { z } from 'zod';
import { assets, events, files, jobs } from '../../../sidecar/src/db/schema.ts';
import { transact } from '../../../sidecar/src/db/transact.ts';
import { runPlan, type RunPlan } from '../../../sidecar/src/media/engine.ts';
import type { MediaPlan, PlannedOutput } from '../../../sidecar/src/media/plan.ts';
import { probe } from '../../../sidecar/src/media/probe.ts';
import type { MediaOperation, Operation } from '../../../sidecar/src/operations/operation.ts';
import { createMediaOperations } from '../../../sidecar/src/operations/registry.ts';
import { reconcile } from '../../../sidecar/src/pipeline/reconcile.ts';
import { runJob, shuttingDown } from '../../../sidecar/src/pipeline/run.ts';
import { cancelJob } from '../../../sidecar/src/pipeline/steer.ts';
import { startWorker } from '../../../sidecar/src/pipeline/worker.ts';
import { rawKey } from '../../../sidecar/src/storage/keys.ts';
import { fixture, type FixtureName } from '../../fixtures/media.ts';
import { createTestPipeline, until, WORKSPACE, type TestPipeline } from '../../support/pipeline.ts';

const never = new AbortController().signal;
const COMPRESS = (height: number) => ({ operation: 'compress', params: { height, preset: 'ultrafast' } });

/** Decodes the whole film. `options` may be wrong on purpose. */
const planned = (name: string, output: Partial<PlannedOutput>, plan: Partial<MediaPlan> = {}): MediaOperation<Record<string, never>> => ({
	kind: 'media',
	name,
	version: 1,
	summary: 'An operation of a test.',
	accepts: ['video'],
	params: z.strictObject({}),
	example: {},
	plan: (facts) => ({
		outputs: [{ name: `${name}.mp4`, kind: 'video', mime: 'video/mp4', options: ['-an', '-c:v', 'libx264', '-preset', 'ultrafast'], expectedSeconds: facts.durationSeconds, ...output }],
		estimatedCpuSeconds: 2,
		...plan,
	}),
	conclude: ({ texts }) => ({ output: { texts } }),
});

describe('jobs on one source', () => {
	let pipeline: TestPipeline;
	/** The ffmpeg processes, by the outputs that each makes. */
	let processes: string[][];
	/** What is done before a process starts. */
	let before: (request: RunPlan) => Promise<void>;

	const OPERATIONS: Operation[] = [
		...createMediaOperations(),
		planned('scenes', { kind: 'text', name: 'scenes', videoFilters: ['scale=320:-2', 'scdet', 'metadata=print:file={text}'], options: [] }),
		planned('impossible', { videoFilters: ['crop=99999:99999'] }),
		planned('unplannable', {}, { outputs: [] }),
		// One picture out of all of them, while films are made for much longer.
		planned('first', { kind: 'image', name: 'first.jpg', mime: 'image/jpeg', videoFilters: ['scale=160:-2'], options: ['-c:v', 'mjpeg'], expectedSeconds: 0 }),
		// As long as it plays, without work.
		planned('slow', { videoFilters: ['scale=160:-2', 'realtime'] }),
		planned('slower', { videoFilters: ['scale=240:-2', 'realtime'] }),
		planned('package', {
			kind: 'package',
			name: 'hls/manifest.mpd',
			mime: 'application/dash+xml',
			videoFilters: ['scale=160:-2', 'realtime=speed=2'],
			options: ['-an', '-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-g', '30', '-sc_threshold', '0', '-f', 'dash', '-seg_duration', '0.98', '-hls_playlist', '1', '-init_seg_name', 'init-$RepresentationID$.m4s', '-media_seg_name', 'segment-$RepresentationID$-$Number%05d$.m4s'],
		}),
	];
	beforeAll(async () => {
		pipeline = await createTestPipeline({ operations: OPERATIONS });
		pipeline.deps.probe = probe;
		pipeline.deps.runPlan = async (request) => {
			processes.push(request.plan.outputs.map(({ name }) => name));
			await before(request);
			return runPlan(request);
		};
	});
	afterAll(() => pipeline.close());
	beforeEach(() => {
		processes = [];
		before = async () => {};
	});

	const db = () => pipeline.deps.db;
	const row = async (id: string) => (await db().select().from(jobs).where(eq(jobs.id, id)))[0]!;
	const filesOf = async (id: string) => db().select().from(files).where(eq(files.jobId, id)).orderBy(files.position);
	const fileOf = async (id: string) => pipeline.deps.storage.localPath((await filesOf(id))[0]!.storageKey)!;
	const previewsOf = async (id: string) => (await db().select().from(events).where(eq(events.jobId, id))).filter(({ type }) => type === 'job.preview');
	const statuses = async (all: string[]) => (await Promise.all(all.map(row))).map(({ status }) => status);
	const newAsset = async (name: FixtureName): Promise<string> => {
		const id = randomUUID();
		const storageKey = rawKey(WORKSPACE, id, 'mp4');
		const copy = join(pipeline.folder, id);
		await copyFile(fixture(name), copy);
		await pipeline.deps.storage.putFile(storageKey, copy);
		await db().insert(assets).values({ id, workspaceId: WORKSPACE, source: 'upload', status: 'ready', storageKey, facts: await probe(fixture(name)) });
		return id;
	};
	const submit = async (name: FixtureName, items: Array<{ operation: string; params?: Record<string, unknown> }>): Promise<string[]> => {
		const asset_id = await newAsset(name);
		const { jobs: made } = await pipeline.submit({ items: items.map(({ operation, params = {} }) => ({ operation, params, asset_id })) });
		return made.map(({ id }) => id);
	};
	const nothingLeft = async () => expect(await readdir(pipeline.deps.workRoot)).toEqual([]);

	it('run in one process, and make what each makes alone', async () => {
		const items = [
			{ operation: 'preview' },
			COMPRESS(720),
			COMPRESS(480),
			{ operation: 'thumbnail', params: { at: 1 } },
			{ operation: 'extract_audio', params: {} },
			{ operation: 'scenes' },
		];
		const together = await submit('hd', items);
		await runJob(pipeline.deps, together[0]!, never);
		expect(await statuses(together)).toEqual(items.map(() => 'completed'));
		// Those that are done in a moment do not wait for the films.
		expect(processes.slice(0, 2).flat().sort()).toEqual(['audio.m4a', 'thumbnail.jpg']);
		expect(processes.slice(2)).toEqual([['0/preview.mp4', '1/compressed.mp4', '2/compressed.mp4', '3/scenes']]);

		processes = [];
		const alone = await submit('hd', items);
		for (const id of alone) await runJob({ ...pipeline.deps, mergeJobs: false }, id, never);
		expect(processes).toHaveLength(items.length);

		for (const [index, id] of together.entries()) {
			const [one, other] = [await row(id), await row(alone[index]!)];
			expect([one.output, one.attempts, Object.keys(one.cost).sort(), one.progress]).toEqual([other.output, 1, Object.keys(other.cost).sort(), 100]);
			expect(one.cost['cpu_seconds']).toBeGreaterThan(0);
			const named = async (job: string) => (await filesOf(job)).map(({ storageKey: _key, id: _id, jobId: _job, assetId: _asset, createdAt: _at, bytes: _bytes, ...file }) => file);
			expect(await named(id)).toEqual(await named(alone[index]!));
			if (index > 3) continue;
			const [mine, its] = [await fileOf(id), await fileOf(alone[index]!)];
			expect(framesOf(mine)).toBe(framesOf(its));
			expect(similarity(mine, its)).toBeGreaterThanOrEqual(0.99);
		}
		expect((await row(together[5]!)).output!['texts']).toEqual({ scenes: expect.stringContaining('lavfi.scd.score') });
		await nothingLeft();
	}, 120_000);

	it('take one slot, and their messages find nothing later', async () => {
		const ids = await submit('landscape', [COMPRESS(360), COMPRESS(240), COMPRESS(144), { operation: 'scenes' }]);
		const worker = startWorker({ ...pipeline.deps, concurrency: 2 });
		await until(async () => (await statuses(ids)).every((status) => status === 'completed'), 'all are done');
		await worker.stop();
		expect(processes).toHaveLength(1);
		expect((await Promise.all(ids.map(row))).map(({ attempts }) => attempts)).toEqual([1, 1, 1, 1]);
	}, 60_000);

	it('leave what waits for a person, is not due, or belongs to other media', async () => {
		const ids = await submit('landscape', [COMPRESS(360), COMPRESS(240), COMPRESS(144), { operation: 'scenes' }]);
		const [other] = await submit('landscape', [COMPRESS(240)]);
		await db().update(jobs).set({ held: true }).where(eq(jobs.id, ids[1]!));
		await db().update(jobs).set({ runAt: new Date(Date.now() + 60_000) }).where(eq(jobs.id, ids[2]!));
		await runJob(pipeline.deps, ids[0]!, never);
		expect(await statuses([...ids, other!])).toEqual(['completed', 'pending', 'pending', 'completed', 'pending']);
		await db().delete(jobs).where(inArray(jobs.id, [ids[1]!, ids[2]!, other!]));
	}, 60_000);

	it('one whose output cannot be made spoils no other: each is run alone, and gets its own error', async () => {
		const ids = await submit('landscape', [COMPRESS(360), { operation: 'impossible' }, { operation: 'unplannable' }, { operation: 'scenes' }]);
		await runJob(pipeline.deps, ids[0]!, never);
		expect(await statuses(ids)).toEqual(['completed', 'failed', 'completed', 'completed']);
		expect((await row(ids[1]!)).error?.code).toBe('processing_failed');
		expect((await row(ids[0]!)).error).toBeNull();
		expect(processes.map(({ length }) => length)).toEqual([3, 1, 1, 1]);
		await nothingLeft();
	}, 60_000);

	it('cancelling one disturbs no other; cancelling all ends the process', async () => {
		const ids = await submit('hd', [{ operation: 'slow' }, { operation: 'slower' }, COMPRESS(480)]);
		const running = runJob(pipeline.deps, ids[0]!, never);
		await until(async () => (await row(ids[2]!)).progress > 0, 'the encode has begun');
		const cancel = (id: string) => transact(db(), (tx) => cancelJob(pipeline.deps, tx, WORKSPACE, id));
		await cancel(ids[2]!);
		await until(async () => !(await readdir(pipeline.deps.workRoot)).some((name) => name.startsWith(ids[2]!)), 'the cancelled one is gone');
		const at = (await row(ids[0]!)).progress;
		await until(async () => (await row(ids[0]!)).progress > at, 'the others go on');
		expect(await statuses(ids)).toEqual(['processing', 'processing', 'cancelled']);
		await cancel(ids[0]!);
		await cancel(ids[1]!);
		await running;
		expect(processes).toHaveLength(1);
		expect((await row(ids[0]!)).output).toBeNull();
		await nothingLeft();
	}, 60_000);

	it('one that loses its lease changes nothing, and the others are done', async () => {
		const ids = await submit('hd', [COMPRESS(720), COMPRESS(480)]);
		const running = runJob(pipeline.deps, ids[0]!, never);
		await until(async () => processes.length === 1, 'the process has started');
		// The reconciler gave it to another worker.
		await db().update(jobs).set({ leaseUntil: new Date(0) }).where(eq(jobs.id, ids[1]!));
		await reconcile(pipeline.deps);
		await running;
		expect(await row(ids[0]!)).toMatchObject({ status: 'completed' });
		expect(await row(ids[1]!)).toMatchObject({ status: 'pending', attempts: 1, output: null });
		expect(await filesOf(ids[1]!)).toEqual([]);
		await db().delete(jobs).where(eq(jobs.id, ids[1]!));
	}, 60_000);

	it('go back to the queue when the sidecar ends, without counting as tries', async () => {
		const ids = await submit('hd', [{ operation: 'slow' }, { operation: 'slower' }]);
		const shutdown = new AbortController();
		const running = runJob(pipeline.deps, ids[0]!, shutdown.signal);
		await until(async () => processes.length === 1, 'the process has started');
		shutdown.abort(shuttingDown());
		await running;
		for (const id of ids) expect(await row(id)).toMatchObject({ status: 'pending', attempts: 1, uncounted: 1 });
		await nothingLeft();
		await db().delete(jobs).where(inArray(jobs.id, ids));
	}, 60_000);

	it('pictures that are done first end their job first', async () => {
		const ids = await submit('hd', [{ operation: 'slow' }, { operation: 'first' }]);
		const running = runJob(pipeline.deps, ids[0]!, never);
		await until(async () => (await row(ids[1]!)).status === 'completed', 'the picture is there');
		expect(await statuses(ids)).toEqual(['processing', 'completed']);
		expect(await probe(await fileOf(ids[1]!))).toMatchObject({ mime: 'image/jpeg', video: { width: 160 } });
		await transact(db(), (tx) => cancelJob(pipeline.deps, tx, WORKSPACE, ids[0]!));
		await running;
		expect(await probe(await fileOf(ids[1]!))).toMatchObject({ video: { width: 160 } });
		await nothingLeft();
	}, 60_000);

	it('a package can be played while it is made, and is whole in the end', async () => {
		const [id] = await submit('hd', [{ operation: 'package' }]);
		const running = runJob(pipeline.deps, id!, never);
		const keys = async () => (await previewsOf(id!)).map(({ data }) => String(data['storage_key']));
		await until(async () => (await keys()).some((key) => key.endsWith('master.m3u8')), 'the manifest is announced');
		expect((await row(id!)).status).toBe('processing');
		const master = pipeline.deps.storage.localPath((await keys()).find((key) => key.endsWith('master.m3u8'))!)!;
		// Whatever a manifest names can be read already. (No player here: it would wait for the end of a growing playlist.)
		const playlist = /^media.*$/m.exec(await readFile(master, 'utf8'))![0];
		const names = (await readFile(join(dirname(master), playlist), 'utf8')).match(/[\w-]+\.m4s/g)!;
		expect(names.length).toBeGreaterThan(1);
		for (const name of names) expect((await stat(join(dirname(master), name))).size).toBeGreaterThan(0);
		await running;
		expect((await row(id!)).status).toBe('completed');
		expect(framesOf(master)).toBe(300);
		const stored = await filesOf(id!);
		expect(stored.filter(({ part }) => !part).map(({ name }) => name)).toEqual(['hls/manifest.mpd', 'hls/master.m3u8']);
		// Each is told once, although it grows.
		expect((await keys()).map((key) => key.split('/').at(-1)).sort()).toEqual(['manifest.mpd', 'master.m3u8']);
		for (const file of stored) expect((await pipeline.deps.storage.head(file.storageKey))?.bytes).toBe(file.bytes);
		await nothingLeft();
	}, 90_000);

	it('a cancelled package leaves nothing in the storage', async () => {
		const [id] = await submit('hd', [{ operation: 'package' }]);
		const running = runJob(pipeline.deps, id!, never);
		await until(async () => (await previewsOf(id!)).length > 0, 'a manifest is announced');
		await transact(db(), (tx) => cancelJob(pipeline.deps, tx, WORKSPACE, id!));
		await running;
		const left: string[] = [];
		for await (const { key } of pipeline.deps.storage.list(`jobs/${WORKSPACE}/${id!}/`)) left.push(key);
		expect(left).toEqual([]);
	}, 60_000);
});

const framesOf = (path: string): number =>
	Number(execFileSync('ffprobe', ['-v', 'error', '-allowed_extensions', 'ALL', '-count_packets', '-select_streams', 'v:0', '-show_entries', 'stream=nb_read_packets', '-of', 'csv=p=0', path].filter((option, index, all) => path.endsWith('.m3u8') || (option !== '-allowed_extensions' && all[index - 1] !== '-allowed_extensions')), { encoding: 'utf8' }).split(/[\n,]/)[0]);

/** 1: the same pictures. */
const similarity = (one: string, other: string): number => {
	const said = execFileSync('sh', ['-c', 'ffmpeg -nostdin -i "$0" -i "$1" -lavfi ssim -f null - 2>&1', one, other], { encoding: 'utf8' });
	return Number(/All:([\d.]+)/.exec(said)?.[1] ?? 0);
};
