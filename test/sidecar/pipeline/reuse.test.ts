import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eq } from 'drizzle-orm';
import fc from 'fast-check';
import { z } from 'zod';
import { assets, files, jobs } from '../../../sidecar/src/db/schema.ts';
import { transact } from '../../../sidecar/src/db/transact.ts';
import { createWorkspace } from '../../../sidecar/src/db/workspaces.ts';
import { PipelineError } from '../../../sidecar/src/errors.ts';
import { mediaInput } from '../../../sidecar/src/operations/media-input.ts';
import type { TaskOperation } from '../../../sidecar/src/operations/operation.ts';
import { canonical } from '../../../sidecar/src/pipeline/reuse.ts';
import { runJob } from '../../../sidecar/src/pipeline/run.ts';
import { acceptExternalResult } from '../../../sidecar/src/pipeline/steer.ts';
import { imageFacts } from '../../support/facts.ts';
import { createTestPipeline, task, until, WORKSPACE, type TestPipeline } from '../../support/pipeline.ts';

const never = new AbortController().signal;

describe('results that exist already', () => {
	let pipeline: TestPipeline;
	let runs: number;
	let fail: boolean;
	let gate: Promise<void> | null;

	const params = z.strictObject({ width: z.number().default(300), fit: z.string().default('cover'), logo: mediaInput.optional(), secretly: z.string().optional() });
	const operation = (name: string, version = 1, change: Partial<TaskOperation<z.infer<typeof params>>> = {}): TaskOperation<z.infer<typeof params>> => ({
		kind: 'task',
		name,
		version,
		summary: '',
		accepts: ['image'],
		reusable: true,
		params,
		example: {},
		estimateSeconds: () => 0,
		run: async ({ workDir }) => {
			runs += 1;
			await gate;
			if (fail) throw new PipelineError('input_corrupt', 'broken');
			const path = join(workDir, 'a.webp');
			await writeFile(path, `picture ${runs}`);
			return { output: { run: runs }, files: [{ name: 'a.webp', path, mime: 'image/webp', width: 300 }], cost: { cpu_seconds: 2 } };
		},
		...change,
	});

	beforeAll(async () => {
		pipeline = await createTestPipeline({ operations: [operation('shrink'), operation('random', 1, { reusable: false }), operation('reader', 1, { buildsOn: ['shrink'] }), operation('sometimes', 1, { buildsOn: ['shrink'], standsAlone: ({ width }) => width === 1 }), task('noop', async () => ({}))] });
		await createWorkspace(pipeline.deps.db, 'other', 'key-other-0123456789');
	});
	afterAll(() => pipeline.close());
	beforeEach(() => {
		runs = 0;
		fail = false;
		gate = null;
	});

	const newAsset = async (sha256: string | null, workspaceId = WORKSPACE) => {
		const id = randomUUID();
		await pipeline.deps.db.insert(assets).values({ id, workspaceId, source: 'upload', status: 'ready', storageKey: `raw/acme/${id}.jpg`, sha256, facts: imageFacts(), bytes: 5 });
		return id;
	};
	const row = async (id: string) => (await pipeline.deps.db.select().from(jobs).where(eq(jobs.id, id)))[0]!;
	const filesOf = async (id: string) => pipeline.deps.db.select().from(files).where(eq(files.jobId, id));
	interface Asked {
		operation?: string;
		params?: Record<string, unknown>;
		reuse?: boolean;
		workspaceId?: string;
	}
	const submit = async (assetId: string, { operation: name = 'shrink', params: given = {}, reuse, workspaceId = WORKSPACE }: Asked = {}) => {
		const { jobs: [job] } = await pipeline.submit({ workspaceId, items: [{ operation: name, params: given, asset_id: assetId, reuse }] });
		return job!.id;
	};
	const run = async (id: string, deps = pipeline.deps) => {
		await pipeline.deps.db.update(jobs).set({ runAt: new Date(0) }).where(eq(jobs.id, id));
		await runJob(deps, id, never);
		return row(id);
	};
	const made = async (assetId: string, asked: Asked = {}, deps = pipeline.deps) => run(await submit(assetId, asked), deps);

	it('are returned for the same bytes under another id, with rows of their own for the same stored files, at no cost', async () => {
		const bytes = randomUUID();
		const first = await made(await newAsset(bytes));
		const twin = await newAsset(bytes);
		const second = await made(twin, { params: { fit: 'cover', width: 300 } });
		expect(second).toMatchObject({ status: 'completed', output: { run: 1, reused_from: first.id }, cost: {}, assetId: twin });
		expect(first.cost).toEqual({ cpu_seconds: 2, storage_bytes: 9 });
		const [[original], [shared]] = [await filesOf(first.id), await filesOf(second.id)];
		expect(shared).toMatchObject({ storageKey: original!.storageKey, name: 'a.webp', width: 300, bytes: 9, assetId: twin });
		expect(shared!.id).not.toBe(original!.id);
		expect((await made(twin)).output).toMatchObject({ reused_from: first.id });
		expect(runs).toBe(1);
	});

	it.each<[string, (bytes: string) => Promise<unknown>]>([
		['other parameters', async (bytes) => made(await newAsset(bytes), { params: { width: 301 } })],
		['other bytes', async () => made(await newAsset(randomUUID()))],
		['bytes that are not known', async () => made(await newAsset(null))],
		['another workspace', async (bytes) => made(await newAsset(bytes, 'other'), { workspaceId: 'other' })],
		['another version of the operation', async (bytes) => made(await newAsset(bytes), {}, { ...pipeline.deps, operations: new Map([['shrink', operation('shrink', 2)]]) })],
		['another operation', async (bytes) => made(await newAsset(bytes), { operation: 'random' })],
		['a request that switches it off', async (bytes) => made(await newAsset(bytes), { reuse: false })],
		['a sidecar that switches it off', async (bytes) => made(await newAsset(bytes), {}, { ...pipeline.deps, reuseResults: false })],
	])('are not returned for %s', async (_what, again) => {
		const bytes = randomUUID();
		await made(await newAsset(bytes));
		expect(await again(bytes)).toMatchObject({ status: 'completed', output: { run: 2 } });
		expect(runs).toBe(2);
	});

	it.each([
		['draws by lot', 'random', {}],
		['depends on an address', 'shrink', { logo: { file_url: 'https://example.com/logo.png' } }],
		['depends on an address somewhere', 'shrink', { secretly: 'HTTPS://example.com/lut.cube' }],
	])('are made anew by what %s', async (_what, name, given) => {
		const id = await newAsset(randomUUID());
		await made(id, { operation: name, params: given });
		await made(id, { operation: name, params: given });
		expect(runs).toBe(2);
	});

	it('are made anew for jobs that come with tokens: those decide what can be read', async () => {
		const asset_id = await newAsset(randomUUID());
		await made(asset_id);
		const { jobs: [job] } = await pipeline.submit({ items: [{ operation: 'shrink', params: {}, asset_id, secrets: { token: 'a' } }] });
		expect((await run(job!.id)).output).toEqual({ run: 2 });
	});

	it('depend on the bytes of further inputs, not on their ids', async () => {
		const [source, logo] = [await newAsset(randomUUID()), randomUUID()];
		const first = await made(source, { params: { logo: { asset_id: await newAsset(logo) } } });
		expect((await made(source, { params: { logo: { asset_id: await newAsset(logo) } } })).output).toMatchObject({ reused_from: first.id });
		expect((await made(source, { params: { logo: { asset_id: await newAsset(randomUUID()) } } })).output).toEqual({ run: 2 });
	});

	it('depend on what else the operation says, such as the fonts of the machine', async () => {
		const bytes = randomUUID();
		const withFonts = (fonts: string) => ({ ...pipeline.deps, operations: new Map([['shrink', operation('shrink', 1, { dependsOnMachine: () => Promise.resolve(fonts) })]]) });
		const first = await made(await newAsset(bytes), {}, withFonts('a'));
		expect((await made(await newAsset(bytes), {}, withFonts('a'))).output).toMatchObject({ reused_from: first.id });
		expect((await made(await newAsset(bytes), {}, withFonts('b'))).output).toEqual({ run: 2 });
	});

	it('depend on the results that the operation builds on', async () => {
		const id = await newAsset(randomUUID());
		const first = await made(id, { operation: 'reader' });
		expect((await made(id, { operation: 'reader' })).output).toMatchObject({ reused_from: first.id });
		await made(id, { params: { width: 720 } });
		const second = await made(id, { operation: 'reader' });
		expect(second.output).toEqual({ run: 3 });
		await made(id, { params: { width: 480 } });
		expect((await made(id, { operation: 'reader' })).output).toEqual({ run: 5 });
	});

	it('do not wait for what an operation does not build on with these parameters', async () => {
		const id = await newAsset(randomUUID());
		const first = await made(id, { operation: 'sometimes', params: { width: 1 } });
		await made(id, { params: { width: 720 } });
		expect((await made(id, { operation: 'sometimes', params: { width: 1 } })).output).toMatchObject({ reused_from: first.id });
	});

	it('are made anew once a file is gone, and the new result is the one returned from then on', async () => {
		const id = await newAsset(randomUUID());
		const first = await made(id);
		await pipeline.deps.storage.delete((await filesOf(first.id))[0]!.storageKey);
		const second = await made(id);
		expect(second.output).toEqual({ run: 2 });
		expect((await made(id)).output).toMatchObject({ reused_from: second.id });
		expect(runs).toBe(2);
	});

	it('are waited for: of jobs that come together one makes it, whatever their batches', async () => {
		let open = (): void => {};
		gate = new Promise((resolve) => (open = resolve));
		const id = await newAsset(randomUUID());
		const ids = await Promise.all([submit(id), submit(id), submit(id)]);
		const working = ids.map((job, index) => runJob({ ...pipeline.deps, workerId: `w${index}` }, job, never));
		// Two have gone back to the queue, without it counting as a try, and one works.
		await Promise.any(working);
		await until(async () => (await Promise.all(ids.map(row))).filter(({ status }) => status === 'pending').length === 2, 'two wait');
		expect(runs).toBe(1);
		const waiting = (await Promise.all(ids.map(row))).filter(({ status }) => status === 'pending');
		for (const { attempts, uncounted, error } of waiting) expect([attempts - uncounted, error]).toEqual([0, null]);
		open();
		await Promise.all(working);
		for (const { id: job } of waiting) expect((await run(job)).output).toMatchObject({ run: 1, reused_from: expect.any(String) });
		expect(runs).toBe(1);
	});

	it('are not waited for longer than somebody makes them', async () => {
		const id = await newAsset(randomUUID());
		fail = true;
		const [first, second] = [await submit(id), await submit(id)];
		expect((await run(first)).status).toBe('failed');
		fail = false;
		// A maker whose process died: its lease has run out.
		const silent = await made(id, { params: { width: 7 } });
		await pipeline.deps.db.update(jobs).set({ status: 'processing', leaseUntil: new Date(Date.now() - 1000) }).where(eq(jobs.id, silent.id));
		expect((await run(second)).output).toEqual({ run: 3 });
		expect((await made(id, { params: { width: 7 } })).output).toEqual({ run: 4 });
	});

	it('keep their files when a job that shares them loses its claim', async () => {
		const id = await newAsset(randomUUID());
		const first = await made(id);
		const again = await submit(id);
		const { db } = pipeline.deps;
		// The claim is lost while the result is looked up: the worker throws its own result away.
		const storage = {
			...pipeline.deps.storage,
			head: async (key: string) => {
				await db.update(jobs).set({ attempts: 99 }).where(eq(jobs.id, again));
				return pipeline.deps.storage.head(key);
			},
		};
		await runJob({ ...pipeline.deps, storage }, again, never);
		expect(await row(again)).toMatchObject({ status: 'processing', attempts: 99 });
		expect(await pipeline.deps.storage.head((await filesOf(first.id))[0]!.storageKey)).not.toBeNull();
	});

	it('are never those that somebody reported from outside', async () => {
		const id = await newAsset(randomUUID());
		const job = await made(id);
		await pipeline.deps.db.update(jobs).set({ status: 'pending' }).where(eq(jobs.id, job.id));
		await transact(pipeline.deps.db, (tx) => acceptExternalResult(pipeline.deps, tx, WORKSPACE, job.id, { status: 'completed', output: { run: 'elsewhere' }, error: null }));
		expect((await made(id)).output).toEqual({ run: 2 });
	});
});

describe('the text that stands for parameters', () => {
	it('does not depend on the order of names, and on everything else', () => {
		const shuffled = (value: unknown): unknown =>
			Array.isArray(value)
				? value.map(shuffled)
				: typeof value === 'object' && value !== null
					? Object.fromEntries(Object.entries(value).reverse().map(([name, part]) => [name, shuffled(part)]))
					: value;
		const plain = fc.jsonValue({ maxDepth: 4 }).filter((value) => !JSON.stringify(value).includes('__proto__'));
		fc.assert(fc.property(plain, (value) => expect(canonical(shuffled(value))).toBe(canonical(value))));
		expect(canonical([1, 2])).not.toBe(canonical([2, 1]));
		expect(canonical({ logo: { asset_id: 'a' } }, new Map([['a', 'bytes']]))).toBe('{"logo":{"sha256":"bytes"}}');
	});
});
