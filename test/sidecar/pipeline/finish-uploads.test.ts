import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eq } from 'drizzle-orm';
import { insertAssets } from '../../../sidecar/src/db/assets.ts';
import { assets, jobs, uploads } from '../../../sidecar/src/db/schema.ts';
import { insertUpload } from '../../../sidecar/src/db/uploads.ts';
import { PipelineError } from '../../../sidecar/src/errors.ts';
import { finishTus, giveUp, reconcileUploads, tusPath, type UploadDeps } from '../../../sidecar/src/pipeline/uploads.ts';
import { createTestPipeline, WORKSPACE, type TestPipeline } from '../../support/pipeline.ts';

const BYTES = Buffer.from('all of it');

describe('an upload whose bytes have all come, when the process dies', () => {
	let pipeline: TestPipeline;
	let deps: UploadDeps;
	beforeAll(async () => {
		pipeline = await createTestPipeline();
		deps = { ...pipeline.deps, uploadFolder: join(pipeline.folder, 'uploads') };
		await mkdir(deps.uploadFolder);
	});
	afterAll(() => pipeline.close());

	const db = () => pipeline.database.db;
	async function begun(part: Buffer | null, isStaged = false): Promise<{ id: string; tusId: string; stagedKey: string }> {
		const id = randomUUID();
		const stagedKey = `incoming/${WORKSPACE}/${id}-staged`;
		const tusId = `${id}-${randomBytes(16).toString('hex')}`;
		await insertAssets(db(), [{ id, workspaceId: WORKSPACE, source: 'upload', status: 'uploading', expectedBytes: BYTES.length, ingestJobId: randomUUID() }]);
		await insertUpload(db(), { assetId: id, workspaceId: WORKSPACE, protocol: 'tus', bytes: BYTES.length, mime: 'video/mp4', tusId, expiresAt: new Date(Date.now() + 60_000), stagedKey: isStaged ? stagedKey : null });
		if (part) await writeFile(tusPath(deps, tusId), part);
		return { id, tusId, stagedKey };
	}
	const assetOf = async (id: string) => (await db().select().from(assets).where(eq(assets.id, id)))[0]!;
	const stored = async (id: string) => (await readdir(join(pipeline.folder, 'files', 'incoming', WORKSPACE)).catch(() => [])).filter((name) => name.startsWith(id));
	/** Queued once, with its bytes, which lie where its row says and nowhere else. */
	async function expectArrived(id: string): Promise<void> {
		const asset = await assetOf(id);
		expect(asset).toMatchObject({ status: 'queued', bytes: BYTES.length, expectedBytes: null });
		expect(await readFile(join(pipeline.folder, 'files', asset.storageKey!))).toEqual(BYTES);
		expect(await stored(id)).toHaveLength(1);
		expect((await readdir(deps.uploadFolder)).filter((name) => name.startsWith(id))).toEqual([]);
		expect(await db().select({ type: jobs.jobType }).from(jobs).where(eq(jobs.assetId, id))).toEqual([{ type: 'ingest' }]);
	}

	it('is queued by the next one, if nothing was done yet', async () => {
		const { id } = await begun(BYTES);
		expect(await reconcileUploads(deps)).toBe(1);
		await expectArrived(id);
		expect(await reconcileUploads(deps)).toBe(0);
	});

	it('is queued by the next one, if only its place was written down', async () => {
		const { id } = await begun(BYTES, true);
		expect(await reconcileUploads(deps)).toBe(1);
		await expectArrived(id);
	});

	it('is queued by the next one, if it was moved, and that was not written down', async () => {
		const { id, tusId, stagedKey } = await begun(BYTES, true);
		await deps.storage.putFile(stagedKey, tusPath(deps, tusId));
		expect(await reconcileUploads(deps)).toBe(1);
		await expectArrived(id);
		expect((await assetOf(id)).storageKey).toBe(stagedKey);
	});

	it('writes its place down before anything lies there, and is tried again while the store does not answer', async () => {
		const { id, tusId } = await begun(BYTES);
		const failing = { ...deps, storage: { ...deps.storage, putFile: () => Promise.reject(new PipelineError('storage_failed', 'the store does not answer')) } };
		await expect(finishTus(failing, id)).rejects.toMatchObject({ code: 'storage_failed' });
		const [row] = await db().select().from(uploads).where(eq(uploads.assetId, id));
		expect(row?.stagedKey).toMatch(new RegExp(`^incoming/${WORKSPACE}/${id}-`));
		expect(await readFile(tusPath(deps, tusId))).toEqual(BYTES);
		expect(await reconcileUploads(failing)).toBe(0);
		expect((await assetOf(id)).status).toBe('uploading');
		expect(await reconcileUploads(deps)).toBe(1);
		await expectArrived(id);
		expect((await assetOf(id)).storageKey).toBe(row?.stagedKey);
	});

	it('is not touched while bytes are missing', async () => {
		const { id, tusId } = await begun(BYTES.subarray(1));
		expect(await reconcileUploads(deps)).toBe(0);
		expect(await finishTus(deps, id)).toBeNull();
		expect((await assetOf(id)).status).toBe('uploading');
		expect(await readFile(tusPath(deps, tusId))).toEqual(BYTES.subarray(1));
	});

	it('leaves nothing if it was given up while it was moved', async () => {
		const { id } = await begun(BYTES);
		const storage = {
			...deps.storage,
			putFile: async (...args: Parameters<typeof deps.storage.putFile>) => {
				const file = await deps.storage.putFile(...args);
				await giveUp(deps, id, { code: 'cancelled', message: 'Given up.' });
				return file;
			},
		};
		expect(await finishTus({ ...deps, storage }, id)).toMatchObject({ status: 'failed' });
		expect(await stored(id)).toEqual([]);
	});

	it('is queued once, however many say that it is complete', async () => {
		const { id } = await begun(BYTES);
		const answers = await Promise.all([finishTus(deps, id), finishTus(deps, id), reconcileUploads(deps)]);
		expect(answers[0]).toMatchObject({ id, status: 'queued' });
		await expectArrived(id);
	});
});
