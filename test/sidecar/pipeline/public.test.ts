import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { eq } from 'drizzle-orm';
import { z } from 'zod';
import { assetById, type AssetRow } from '../../../sidecar/src/db/assets.ts';
import { createWorkspace } from '../../../sidecar/src/db/workspaces.ts';
import { assets, jobs, workspaces } from '../../../sidecar/src/db/schema.ts';
import type { Storage } from '../../../sidecar/src/storage/storage.ts';
import { chaptersOf, chaptersVtt } from '../../../sidecar/src/pipeline/public-page.ts';
import { choosePublic, isShown, publicFiles, publicName, publishAsset, renewPublic, unpublishAsset, withdrawUnsafe, type Candidate } from '../../../sidecar/src/pipeline/public.ts';
import { startWorker } from '../../../sidecar/src/pipeline/worker.ts';
import { startTestApp } from '../../support/app.ts';
import { createTestPipeline, failing, noop, until, WORKSPACE } from '../../support/pipeline.ts';

const facts = (video: string | null, audio: string | null) => ({ video: video ? { codec: video } : null, audio: audio ? { codec: audio } : null }) as AssetRow['facts'];
const asset = (change: Partial<AssetRow> = {}) => ({ fileType: 'video' as const, facts: facts('h264', 'aac'), storageKey: 'raw/a/1.mp4', mime: 'video/mp4', bytes: 10, width: 640, height: 360, durationSeconds: 3, ...change });
const made = (jobType: string, mime: string, key = `jobs/${jobType}`): Candidate => ({ key, mime, jobType, name: 'x', bytes: 1, width: null, height: null, durationSeconds: null });
const keys = (chosen: ReturnType<typeof choosePublic>) => Object.fromEntries(Object.entries(chosen).map(([kind, file]) => [kind, file?.key]));

describe('what becomes public of an asset', () => {
	it('is the newest result of each kind; the original where there is no better one and browsers play it', () => {
		expect(keys(choosePublic(asset(), []))).toEqual({ master: 'raw/a/1.mp4' });
		const results = [made('stream', 'video/mp4', 'jobs/new'), made('compress', 'video/mp4'), made('preview', 'video/mp4'), made('thumbnail', 'image/webp')];
		expect(keys(choosePublic(asset(), results))).toEqual({ master: 'jobs/new', preview: 'jobs/preview', thumb: 'jobs/thumbnail' });
		expect(keys(choosePublic(asset({ facts: facts('hevc', 'aac') }), []))).toEqual({});
		expect(keys(choosePublic(asset({ facts: facts('h264', 'ac3') }), []))).toEqual({});
		expect(keys(choosePublic(asset({ facts: facts('h264', null) }), []))).toEqual({ master: 'raw/a/1.mp4' });
		expect(keys(choosePublic(asset({ mime: 'video/quicktime' }), []))).toEqual({});
		expect(keys(choosePublic(asset({ fileType: null }), results))).toEqual({});
	});

	it('is never a part, a clip, or something else made of it', () => {
		const others = ['trim', 'preview_clip', 'watermark', 'adaptive', 'scenes', 'transcribe'].map((type) => made(type, 'video/mp4'));
		expect(keys(choosePublic(asset({ storageKey: null }), others))).toEqual({});
		expect(keys(choosePublic(asset({ storageKey: null, fileType: 'image', mime: 'image/svg+xml' }), [made('convert', 'text/html'), made('thumbnail', 'image/svg+xml')]))).toEqual({});
	});

	it('has a name that changes with the content', () => {
		expect(publicName('0b1c', 'thumb', { key: 'a', mime: 'image/webp' })).toMatch(/^0b1c_thumb-[0-9a-f]{8}\.webp$/);
		expect(publicName('0b1c', 'thumb', { key: 'a', mime: 'image/webp' })).not.toBe(publicName('0b1c', 'thumb', { key: 'b', mime: 'image/webp' }));
	});
});

describe('chapters', () => {
	it('are those that somebody wrote, in order, without what is malformed', () => {
		const written = [{ start_seconds: 5, title: ' Two\nlines ' }, { start_seconds: 0, title: 'One' }, { start_seconds: 99, title: 'Late' }, { start_seconds: -1 }, { start_seconds: 'x' }, null, 3, { start_seconds: 5, title: 'Again' }];
		expect(chaptersOf({ chapters: written }, [], 10)).toEqual([{ start: 0, end: 5, title: 'One' }, { start: 5, end: 10, title: 'Two lines' }]);
		for (const chapters of [undefined, 'x', {}, 7]) expect(chaptersOf({ chapters }, undefined, 10)).toEqual([]);
	});

	it('else come from scenes, those that are apart; a single scene is no chapter', () => {
		const scenes = [0, 1, 2, 50, 51, 90].map((start_seconds) => ({ start_seconds }));
		expect(chaptersOf({}, scenes, 100).map(({ start, end, title }) => [start, end, title])).toEqual([[0, 50, 'Scene 1'], [50, 90, 'Scene 2'], [90, 100, 'Scene 3']]);
		expect(chaptersOf({}, [{ start_seconds: 0 }], 100)).toEqual([]);
	});

	it('as WebVTT hold no markup of others', () => {
		expect(chaptersVtt([{ start: 0, end: 3661.5, title: '<b>a --> b & c</b>' }])).toBe('WEBVTT\n\n00:00:00.000 --> 01:01:01.500\n&lt;b&gt;a --&gt; b &amp; c&lt;/b&gt;\n');
	});
});

describe('a public asset', () => {
	const addTo = async (pipeline: Awaited<ReturnType<typeof createTestPipeline>>) => {
		const id = randomUUID();
		const storageKey = `raw/${WORKSPACE}/${id}.mp4`;
		await pipeline.deps.storage.putStream(storageKey, Readable.from(['bytes']));
		await pipeline.deps.db.insert(assets).values({ ...asset(), id, workspaceId: WORKSPACE, source: 'upload', storageKey, status: 'ready' });
		return id;
	};

	it('gets jobs for what it lacks, where that is wanted', async () => {
		const named = (name: string) => ({ ...noop(), name, accepts: ['video' as const] });
		const pipeline = await createTestPipeline({ operations: [named('thumbnail'), named('preview'), named('stream')].map((one) => ({ ...one, params: z.looseObject({}) })) });
		const app = await startTestApp(pipeline);
		try {
			await createWorkspace(pipeline.deps.db, WORKSPACE, 'key-of-acme-0123456789');
			const id = await addTo(pipeline);
			const post = async (body: unknown) => (await fetch(`${app.url}/api/media/assets/${id}/public`, { method: 'POST', headers: { authorization: 'Bearer key-of-acme-0123456789', 'content-type': 'application/json' }, body: JSON.stringify(body) })).json() as Promise<{ job_ids: string[] }>;
			expect((await post({ make: false })).job_ids).toEqual([]);
			expect((await post({})).job_ids).toHaveLength(2);
			// They are under way now.
			expect((await post({})).job_ids).toEqual([]);
			const rows = await pipeline.deps.db.select({ jobType: jobs.jobType }).from(jobs).where(eq(jobs.assetId, id));
			// The original is a master already.
			expect(rows.map(({ jobType }) => jobType).sort()).toEqual(['preview', 'thumbnail']);
		} finally {
			await app.close();
			await pipeline.close();
		}
	});

	it('that a scan stops is private again, and its files are gone', async () => {
		const scan = { ...failing('safety_scan', 'content_unsafe'), guards: () => true };
		const pipeline = await createTestPipeline({ operations: [scan] });
		const { db, storage } = pipeline.deps;
		const worker = startWorker(pipeline.deps);
		try {
			const id = await addTo(pipeline);
			const { shown } = await publishAsset(pipeline.deps, db, (await assetById(db, id)) as AssetRow);
			const key = shown.get('master')?.storageKey ?? '';
			expect(await storage.head(key)).not.toBeNull();
			await pipeline.submit({ items: [{ operation: 'safety_scan', params: {}, asset_id: id }] });
			worker.wake();
			await until(async () => (await assetById(db, id))?.publicAt === null, 'it is private');
			expect(await storage.head(key)).toBeNull();
		} finally {
			await worker.stop();
			await pipeline.close();
		}
	});

	describe('whatever comes in between', () => {
		let pipeline: Awaited<ReturnType<typeof createTestPipeline>>;
		beforeAll(async () => {
			pipeline = await createTestPipeline();
		});
		afterAll(() => pipeline.close());
		const row = async (id: string) => (await assetById(pipeline.deps.db, id)) as AssetRow;
		const stored = async () => {
			const keys: string[] = [];
			for await (const { key } of pipeline.deps.storage.list(`public/${WORKSPACE}/`)) keys.push(key);
			return keys;
		};

		it('is private where it was made so while newer results were on their way', async () => {
			const { db, storage } = pipeline.deps;
			const id = await addTo(pipeline);
			await publishAsset(pipeline.deps, db, await row(id));
			const [first] = (await publicFiles(db, id)).values();
			await storage.delete(first?.storageKey ?? '');
			const slow: Storage = {
				...storage,
				copy: async (from, to) => {
					const copied = await storage.copy(from, to);
					await unpublishAsset(pipeline.deps, db, await row(id));
					return copied;
				},
			};
			expect(await renewPublic({ storage: slow }, db, await row(id))).toBeNull();
			expect([(await row(id)).publicAt, (await publicFiles(db, id)).size, await stored()]).toEqual([null, 0, []]);
		});

		it('shows nothing that was copied before a crash', async () => {
			const { db, storage } = pipeline.deps;
			const app = await startTestApp(pipeline);
			try {
				const id = await addTo(pipeline);
				const { shown } = await publishAsset(pipeline.deps, db, await row(id));
				const key = shown.get('master')?.storageKey ?? '';
				await unpublishAsset(pipeline.deps, db, await row(id));
				await storage.copy((await row(id)).storageKey ?? '', key);
				expect((await fetch(`${app.url}/${key}`)).status).toBe(404);
				await publishAsset(pipeline.deps, db, await row(id));
				expect((await fetch(`${app.url}/${key}`)).status).toBe(200);
				// What a scan has stopped is seen by nobody, whether or not its files are gone already.
				await db.update(assets).set({ error: { code: 'content_unsafe', message: 'Stopped.' } }).where(eq(assets.id, id));
				expect(await isShown(db, key)).toBe(false);
				await withdrawUnsafe(pipeline.deps, id);
			} finally {
				await app.close();
			}
		});

		it('gets a file back that was lost', async () => {
			const { db, storage } = pipeline.deps;
			const id = await addTo(pipeline);
			const key = (await publishAsset(pipeline.deps, db, await row(id))).shown.get('master')?.storageKey ?? '';
			await storage.delete(key);
			await publishAsset(pipeline.deps, db, await row(id));
			expect(await storage.head(key)).not.toBeNull();
			await unpublishAsset(pipeline.deps, db, await row(id));
		});

		it('is taken back whole at the second try where the first one failed', async () => {
			const { db, storage } = pipeline.deps;
			const id = await addTo(pipeline);
			await publishAsset(pipeline.deps, db, await row(id));
			const down: Storage = { ...storage, delete: () => Promise.reject(new Error('down')) };
			await expect(unpublishAsset({ storage: down }, db, await row(id))).rejects.toThrow('down');
			expect((await row(id)).publicAt).not.toBeNull();
			await unpublishAsset(pipeline.deps, db, await row(id));
			expect([(await row(id)).publicAt, await stored()]).toEqual([null, []]);
		});

		it('stays within what the workspace may hold', async () => {
			const { db } = pipeline.deps;
			const id = await addTo(pipeline);
			await db.update(assets).set({ bytes: 600 }).where(eq(assets.id, id));
			await db.update(workspaces).set({ settings: { quotas: { max_bytes: 1000 } } }).where(eq(workspaces.id, WORKSPACE));
			await expect(publishAsset(pipeline.deps, db, await row(id))).rejects.toMatchObject({ code: 'quota_exceeded' });
			expect([(await row(id)).publicAt, await stored()]).toEqual([null, []]);
		});
	});
});
