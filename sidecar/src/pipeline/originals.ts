import { and, eq, inArray, ne, or } from 'drizzle-orm';
import type { WorkspaceSettings } from '../contract/workspace.ts';
import { lockAsset, updateAsset, type AssetRow } from '../db/assets.ts';
import type { Executor } from '../db/database.ts';
import { OPEN } from '../db/jobs.ts';
import { assets, assetVersions, jobs } from '../db/schema.ts';
import { transact } from '../db/transact.ts';
import type { MediaFacts } from '../media/facts.ts';
import { openPicture, writePicture } from '../media/images.ts';
import { mezzanineOf } from '../media/mezzanine.ts';
import { hasIndexFirst } from '../media/mp4-boxes.ts';
import { masterKey } from '../storage/keys.ts';
import type { Execution } from './execute.ts';
import type { WorkerDeps } from './worker-deps.ts';

/** What shall take the place of an original, in the scratch folder. */
export interface Master {
	path: string;
	storageKey: string;
	facts: MediaFacts;
}

/** Makes the mezzanine of a file that has passed all checks. Null: it is as good as one. `progress`: 0 to 100 of this. */
export async function makeMaster(deps: WorkerDeps, execution: Execution, asset: Pick<AssetRow, 'id' | 'workspaceId'>, source: { path: string; facts: MediaFacts }, progress: (percent: number) => void): Promise<Master | null> {
	const { workDir, signal, step, log } = execution;
	const { path, facts } = source;
	const picture = facts.mime.startsWith('image/') && facts.fileType === 'image' ? await openPicture(source, { workDir, signal }) : null;
	const wanted = mezzanineOf(facts, picture);
	if (wanted.kind === 'none') {
		log.debug({ reason: wanted.reason }, 'the original is kept as it is');
		return null;
	}
	if (wanted.kind === 'media' && wanted.unlessIndexFirst && (await hasIndexFirst(path))) return null;
	const made = await step('mezzanine', async () => {
		if (wanted.kind === 'picture') {
			if (!picture) throw new TypeError('a picture was planned of what is none');
			const { width, height } = picture;
			return writePicture(picture.open().toColourspace('srgb'), { format: wanted.format, quality: wanted.quality, size: { width, height } }, 'master', { workDir, signal });
		}
		const { files } = await deps.runPlan({ inputPath: path, facts, plan: wanted.plan, workDir, signal, onProgress: progress, log });
		const [file] = files;
		if (!file) throw new TypeError('the plan of a mezzanine made nothing');
		return file;
	});
	const masterFacts = await deps.probe(made.path, { signal });
	return { path: made.path, storageKey: masterKey(asset.workspaceId, asset.id, made.name.split('.').at(-1) ?? 'bin'), facts: masterFacts };
}

/** What the policy of a workspace does with one original, and why; null: nothing, now. */
export type OriginalAction = { action: 'archive' | 'delete'; key: string; bytes: number | null; reason: string };

const DAY_MS = 86_400_000;

/** Pure. Age counts from when the asset was made, of a later version from the last change of the asset: never too early; `raw_days: null` keeps originals for ever. */
export function originalAction(asset: Pick<AssetRow, 'createdAt' | 'updatedAt' | 'version' | 'status' | 'storageKey' | 'originalKey' | 'originalState' | 'originalBytes' | 'bytes' | 'facts'>, { originals, retention }: Pick<WorkspaceSettings, 'originals' | 'retention'>, now: Date): OriginalAction | null {
	const days = retention.raw_days;
	if (days === null || now.getTime() - (asset.version > 1 ? asset.updatedAt : asset.createdAt).getTime() < days * DAY_MS) return null;
	// It was replaced while that was the policy: what lies aside goes, whatever the policy is now. Unless it says that all is kept.
	if (asset.originalKey && originals !== 'keep') {
		return originals === 'archive' && asset.originalState === 'replaced'
			? null
			: { action: 'delete', key: asset.originalKey, bytes: asset.originalBytes, reason: `A mezzanine has taken its place (originals: ${originals}), and it is older than ${days} days.` };
	}
	if (!asset.storageKey || !asset.facts || asset.originalState !== 'stored') return null;
	if (originals === 'archive') return { action: 'archive', key: asset.storageKey, bytes: asset.bytes, reason: `originals: archive, and it is older than ${days} days.` };
	if (originals === 'delete') return { action: 'delete', key: asset.storageKey, bytes: asset.bytes, reason: `originals: delete, and it is older than ${days} days.` };
	return null;
}

/**
 * Does what the policy says with one original. With `dryRun` only says it. Null: nothing is to be done, or not now: jobs still read it, another
 * asset or an earlier version shares the file, or the store has no archive. Who wants to share the file waits for the row of the asset, so
 * nobody begins to between the look and the deed. What is written to the database comes first: a crash in between leaves a file that nobody
 * refers to, which the clean-up of orphans finds; never a row without its file.
 */
export async function applyOriginalsPolicy(deps: Pick<WorkerDeps, 'db' | 'storage' | 'log'>, asset: AssetRow, settings: WorkspaceSettings, { dryRun = false, now = new Date() }: { dryRun?: boolean; now?: Date } = {}): Promise<OriginalAction | null> {
	const todo = originalAction(asset, settings, now);
	if (!todo || (await isInUse(deps.db, asset, todo.key))) return null;
	if (dryRun) return todo;
	if (todo.action === 'archive') {
		if (!(await deps.storage.setClass(todo.key, 'archive'))) {
			deps.log.info({ asset_id: asset.id, storage: deps.storage.name }, 'this store has no archive: the original stays where it is');
			return null;
		}
		// That takes the time of a copy: whoever has begun to share the file meanwhile has it in the archive, too.
		await deps.db.update(assets).set({ originalState: 'archived' }).where(and(eq(assets.workspaceId, asset.workspaceId), eq(assets.storageKey, todo.key)));
		return todo;
	}
	const gone = await transact(deps.db, async (tx) => {
		const fresh = await lockAsset(tx, asset.id);
		const still = fresh && originalAction(fresh, settings, now);
		if (!fresh || still?.key !== todo.key || still.action !== 'delete' || (await isInUse(tx, fresh, todo.key))) return false;
		await updateAsset(tx, asset.id, todo.key === fresh.originalKey ? { originalKey: null, originalBytes: null } : { storageKey: null, originalState: 'deleted' });
		return true;
	});
	if (!gone) return null;
	await deps.storage.delete(todo.key);
	return todo;
}

/** Jobs that are under way read it, and an asset with the same bytes, or an earlier version of one, may refer to the same file. */
async function isInUse(db: Executor, asset: AssetRow, key: string): Promise<boolean> {
	const [job] = await db.select({ id: jobs.id }).from(jobs).where(and(eq(jobs.assetId, asset.id), inArray(jobs.status, OPEN))).limit(1);
	if (job) return true;
	const [other] = await db.select({ id: assets.id }).from(assets).where(and(ne(assets.id, asset.id), or(eq(assets.storageKey, key), eq(assets.originalKey, key)))).limit(1);
	if (other) return true;
	const [version] = await db.select({ id: assetVersions.id }).from(assetVersions).where(eq(assetVersions.storageKey, key)).limit(1);
	return version !== undefined;
}
