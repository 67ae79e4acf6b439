import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { settingsOf } from '../../../sidecar/src/contract/workspace.ts';
import { findAsset, insertAssets, updateAsset, type AssetRow, type NewAsset } from '../../../sidecar/src/db/assets.ts';
import { insertFiles, insertJobs } from '../../../sidecar/src/db/jobs.ts';
import { assetVersions } from '../../../sidecar/src/db/schema.ts';
import { mezzanineOf, withinUhd } from '../../../sidecar/src/media/mezzanine.ts';
import { applyOriginalsPolicy, originalAction } from '../../../sidecar/src/pipeline/originals.ts';
import { standIn, storedSource } from '../../../sidecar/src/pipeline/stored-source.ts';
import * as make from '../../support/facts.ts';
import { createTestPipeline, WORKSPACE, type TestPipeline } from '../../support/pipeline.ts';

const DAY = 86_400_000;
const now = new Date('2026-06-30T12:00:00Z');
const ago = (days: number): Date => new Date(now.getTime() - days * DAY);

describe('which original goes, and when', () => {
	const original = { createdAt: ago(8), updatedAt: ago(8), version: 1, status: 'ready' as const, storageKey: 'raw/acme/a.mp4', originalKey: null, originalBytes: null, originalState: 'stored' as const, bytes: 10, facts: make.videoFacts() };
	const settings = (originals: string, raw_days: number | null = 7) => settingsOf({ originals, retention: { raw_days } });

	const replaced = { ...original, originalState: 'replaced' as const, storageKey: 'raw/acme/a_master.mp4' };
	it.each([
		['keep: none', 'keep', original, null],
		['archive', 'archive', original, { action: 'archive', key: 'raw/acme/a.mp4' }],
		['delete', 'delete', original, { action: 'delete', key: 'raw/acme/a.mp4' }],
		['replace: not what was as good as a mezzanine', 'replace', original, null],
		['replace: what lies beside its mezzanine', 'replace', { ...replaced, originalKey: 'raw/acme/a.mp4', originalBytes: 99 }, { action: 'delete', key: 'raw/acme/a.mp4', bytes: 99 }],
		['delete: not a mezzanine', 'delete', replaced, null],
		['archive: not once more', 'archive', { ...original, originalState: 'archived' as const }, null],
		['delete: not what is not known yet', 'delete', { ...original, facts: null }, null],
		['delete: not before its time', 'delete', { ...original, createdAt: ago(6.9) }, null],
		['delete: a first version in its time, whatever has changed since', 'delete', { ...original, updatedAt: ago(1) }, { action: 'delete' }],
		['delete: not a later version before its own time', 'delete', { ...original, version: 2, updatedAt: ago(6.9) }, null],
		['delete: a later version in its own time', 'delete', { ...original, version: 2 }, { action: 'delete' }],
	])('%s', (_, policy, asset, expected) => {
		const found = originalAction(asset, settings(policy), now);
		expect(found).toEqual(expected === null ? null : expect.objectContaining(expected));
	});

	it('never, where originals are kept for ever', () => {
		expect(originalAction({ ...original, createdAt: ago(5000) }, settings('delete', null), now)).toBeNull();
	});
});

describe('what stands for an original that is gone', () => {
	const asset = { fileType: 'video' as const, durationSeconds: 60, width: 1920, height: 1080 };
	const file = { storageKey: 'jobs/x', mime: 'video/mp4', width: 1280, height: 720, durationSeconds: 60, part: false, createdAt: now };

	it('is the largest, of those the newest', () => {
		const small = { ...file, storageKey: 'small', width: 640, height: 360 };
		expect(standIn(asset, [small, file, { ...file, storageKey: 'older' }])?.storageKey).toBe('jobs/x');
	});

	it.each([
		['of another kind', { mime: 'image/jpeg' }],
		['shorter', { durationSeconds: 30 }],
		['of another shape', { width: 720, height: 1280 }],
		['a part of a package', { part: true }],
		['of unknown size', { width: null, height: null }],
	])('is nothing that is %s', (_, change) => {
		expect(standIn(asset, [{ ...file, ...change }])).toBeNull();
	});
});

describe('the mezzanine', () => {
	it.each([
		[{ width: 1920, height: 1080 }, { width: 1920, height: 1080 }],
		[{ width: 7680, height: 4320 }, { width: 3840, height: 2160 }],
		[{ width: 2160, height: 3840 }, { width: 2160, height: 3840 }],
		[{ width: 4000, height: 4000 }, { width: 2160, height: 2160 }],
		[{ width: 1281, height: 721 }, { width: 1280, height: 720 }],
	])('of %j is %j', (size, expected) => {
		expect(withinUhd(size)).toEqual(expected);
	});

	const optionsOf = (facts: Parameters<typeof mezzanineOf>[0]): string => {
		const made = mezzanineOf(facts, null);
		return made.kind === 'media' ? (made.plan.outputs[0]?.options ?? []).join(' ') : made.kind;
	};
	it('copies what complies and encodes the rest', () => {
		expect(optionsOf(make.videoFacts())).toMatch(/-c:v copy .*-c:a copy/);
		expect(optionsOf(make.videoFacts({ video: make.picture({ codec: 'hevc' }) }))).toMatch(/-c:v libx264 .*-crf 18 .*-c:a copy/);
		expect(optionsOf(make.videoFacts({ audio: make.sound({ codec: 'ac3' }) }))).toMatch(/-c:v copy .*-c:a aac/);
		expect(optionsOf(make.videoFacts({ video: make.picture({ hdr: 'pq', pixelFormat: 'yuv420p10le', codec: 'hevc' }) }))).toContain('yuv420p');
		expect(optionsOf(make.videoFacts({ video: make.picture({ width: 7680, height: 4320 }) }))).toContain('libx264');
	});

	it('is not made where something would be lost, or nothing won', () => {
		expect(optionsOf(make.videoFacts({ video: make.picture({ codec: 'prores', pixelFormat: 'yuva444p10le' }) }))).toBe('none');
		expect(optionsOf(make.videoFacts({ mime: 'image/gif' }))).toBe('none');
		expect(optionsOf(make.videoFacts({ fileType: 'audio', mime: 'audio/mpeg', video: null, audio: make.sound({ codec: 'mp3' }) }))).toBe('none');
	});

	const upright = { orientation: 1, foreignColours: false, frames: 1, alpha: false };
	it.each([
		['image/jpeg', upright, 'none'],
		['image/jpeg', { ...upright, orientation: 6 }, 'jpeg'],
		['image/png', { ...upright, foreignColours: true, alpha: true }, 'png'],
		['image/tiff', upright, 'jpeg'],
		['image/tiff', { ...upright, alpha: true }, 'webp'],
		['image/avif', upright, 'none'],
		['image/avif', { ...upright, orientation: 3 }, 'jpeg'],
		['image/webp', { ...upright, frames: 9 }, 'none'],
	])('of %s (%j) is: %s', (mime, picture, expected) => {
		const made = mezzanineOf(make.imageFacts({}, mime), picture);
		expect(made.kind === 'picture' ? made.format : made.kind).toBe(expected);
	});
});

describe('the policy, done', () => {
	let pipeline: TestPipeline;
	beforeAll(async () => {
		pipeline = await createTestPipeline();
	});
	afterAll(() => pipeline.close());

	async function stored(key: string): Promise<string> {
		const path = join(pipeline.folder, 'some');
		await writeFile(path, 'bytes');
		await pipeline.deps.storage.putFile(key, path);
		return key;
	}
	async function anAsset(change: Partial<NewAsset> = {}): Promise<AssetRow> {
		const id = randomUUID();
		const [row] = await insertAssets(pipeline.database.db, [{ id, workspaceId: WORKSPACE, source: 'upload', status: 'ready', storageKey: await stored(`raw/acme/${id}.mp4`), facts: make.videoFacts(), fileType: 'video', durationSeconds: 60, width: 1920, height: 1080, createdAt: ago(8), ...change }]);
		return row as AssetRow;
	}
	const settings = (originals: string) => settingsOf({ originals });
	const again = async ({ id }: AssetRow) => findAsset(pipeline.database.db, WORKSPACE, id);

	it('says what it would do in a dry run, and does nothing', async () => {
		const asset = await anAsset();
		await expect(applyOriginalsPolicy(pipeline.deps, asset, settings('delete'), { dryRun: true, now })).resolves.toMatchObject({ action: 'delete', key: asset.storageKey });
		expect(await pipeline.deps.storage.head(asset.storageKey ?? '')).not.toBeNull();
		expect(await again(asset)).toMatchObject({ storageKey: asset.storageKey, originalState: 'stored' });
	});

	it('deletes an original; jobs then go on from a faithful version, and without one are told why', async () => {
		const asset = await anAsset();
		await applyOriginalsPolicy(pipeline.deps, asset, settings('delete'), { now });
		expect(await pipeline.deps.storage.head(asset.storageKey ?? '')).toBeNull();
		const gone = (await again(asset)) as AssetRow;
		expect(gone).toMatchObject({ storageKey: null, originalState: 'deleted' });
		await expect(storedSource(pipeline.database.db, gone)).rejects.toMatchObject({ code: 'input_not_found', message: expect.stringContaining('policy') });

		for (const [jobType, name] of [['watermark', 'marked'], ['compress', 'compressed']] as const) {
			const [job] = await insertJobs(pipeline.database.db, [{ id: randomUUID(), workspaceId: WORKSPACE, assetId: asset.id, jobType, status: 'completed', params: {} }]);
			await insertFiles(pipeline.database.db, [{ id: randomUUID(), workspaceId: WORKSPACE, assetId: asset.id, jobId: job?.id ?? null, name: `${name}.mp4`, storageKey: `jobs/acme/${name}.mp4`, mime: 'video/mp4', bytes: 5, width: 1280, height: 720, durationSeconds: 60 }]);
		}
		await expect(storedSource(pipeline.database.db, gone)).resolves.toEqual({ key: 'jobs/acme/compressed.mp4', probeAgain: true });
	});

	it('waits for jobs that still read it', async () => {
		const asset = await anAsset();
		await insertJobs(pipeline.database.db, [{ id: randomUUID(), workspaceId: WORKSPACE, assetId: asset.id, jobType: 'compress', status: 'pending', params: {} }]);
		await expect(applyOriginalsPolicy(pipeline.deps, asset, settings('delete'), { now })).resolves.toBeNull();
	});

	it('keeps a file that another asset refers to', async () => {
		const asset = await anAsset();
		await anAsset({ storageKey: asset.storageKey });
		await expect(applyOriginalsPolicy(pipeline.deps, asset, settings('delete'), { now })).resolves.toBeNull();
		expect(await pipeline.deps.storage.head(asset.storageKey ?? '')).not.toBeNull();
	});

	it('keeps a file that an earlier version of an asset is', async () => {
		const asset = await anAsset();
		const other = await anAsset();
		await pipeline.database.db.insert(assetVersions).values({ id: randomUUID(), workspaceId: WORKSPACE, assetId: other.id, version: 1, storageKey: asset.storageKey ?? '' });
		await expect(applyOriginalsPolicy(pipeline.deps, asset, settings('delete'), { now })).resolves.toBeNull();
		expect(await pipeline.deps.storage.head(asset.storageKey ?? '')).not.toBeNull();
	});

	it.each([
		['another asset shares its bytes', async ({ storageKey }: AssetRow) => anAsset({ storageKey })],
		['a job reads it', async ({ id }: AssetRow) => insertJobs(pipeline.database.db, [{ id: randomUUID(), workspaceId: WORKSPACE, assetId: id, jobType: 'compress', status: 'pending', params: {} }])],
		['its next version has come', async ({ id }: AssetRow) => updateAsset(pipeline.database.db, id, { storageKey: `raw/acme/${id}_v2.mp4` })],
	])('keeps a file when, after it was looked at, %s', async (_, happens) => {
		const asset = await anAsset();
		const { db } = pipeline.database;
		const late = new Proxy(db, {
			get: (target, name) => {
				const value: unknown = Reflect.get(target, name);
				if (name === 'transaction') return async (work: Parameters<typeof db.transaction>[0]) => happens(asset).then(() => target.transaction(work));
				return typeof value === 'function' ? (value.bind(target) as unknown) : value;
			},
		});
		await expect(applyOriginalsPolicy({ ...pipeline.deps, db: late }, asset, settings('delete'), { now })).resolves.toBeNull();
		expect(await pipeline.deps.storage.head(asset.storageKey ?? '')).not.toBeNull();
		expect((await again(asset))?.originalState).toBe('stored');
	});

	it('deletes what a mezzanine has replaced, and keeps the mezzanine', async () => {
		const original = await stored('raw/acme/original.mov');
		const asset = await anAsset({ originalState: 'replaced', originalKey: original, originalBytes: 5 });
		await applyOriginalsPolicy(pipeline.deps, asset, settings('replace'), { now });
		expect(await pipeline.deps.storage.head(original)).toBeNull();
		expect(await pipeline.deps.storage.head(asset.storageKey ?? '')).not.toBeNull();
		expect(await again(asset)).toMatchObject({ storageKey: asset.storageKey, originalKey: null, originalBytes: null, originalState: 'replaced' });
	});

	it('archives where the store can, and otherwise leaves all as it is', async () => {
		const asset = await anAsset();
		await expect(applyOriginalsPolicy(pipeline.deps, asset, settings('archive'), { now })).resolves.toBeNull();
		expect(await again(asset)).toMatchObject({ originalState: 'stored' });
		const moved: string[] = [];
		const deps = { ...pipeline.deps, storage: { ...pipeline.deps.storage, setClass: async (key: string, to: string) => moved.push(`${key} ${to}`) > 0 } };
		await applyOriginalsPolicy(deps, asset, settings('archive'), { now });
		expect(moved).toEqual([`${asset.storageKey} archive`]);
		expect(await again(asset)).toMatchObject({ originalState: 'archived', storageKey: asset.storageKey });
	});
});
