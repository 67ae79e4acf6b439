import { findAsset } from '../db/assets.ts';
import type { Executor } from '../db/database.ts';
import { latestCompleted, type FileRow, type JobRow } from '../db/jobs.ts';
import { allFilesOf, becomeMaker, forgetResult, madeBefore, rememberResult } from '../db/reuse.ts';
import { buildsOn, type Operation } from '../operations/operation.ts';
import { sha256 } from '../secrets.ts';
import type { Storage } from '../storage/storage.ts';
import type { Outcome } from './finish.ts';
import { NotYet } from './not-yet.ts';
import type { WorkerDeps } from './worker-deps.ts';

type Completed = Extract<Outcome, { status: 'completed' }>;

/** Raised when the key itself is made in another way. */
const KEY_VERSION = 1;

/**
 * The result of an earlier job that did the same: same bytes of the source and of further inputs, same operation and version,
 * same parameters, same results of what it builds on, same fonts where it draws, in the same workspace, with all its files still stored. Null: there is none, and this job makes it.
 * Throws NotYet while another job is making it. Nobody waits for ever: once that job has failed, ended or gone silent, one
 * of those that wait becomes the maker.
 */
export async function reuse(deps: WorkerDeps, job: JobRow, operation: Operation): Promise<Completed | null> {
	if (!deps.reuseResults || !job.reuse) return null;
	const key = await reuseKey(deps.db, job, operation);
	if (key === null) return null;
	for (;;) {
		const candidates = await madeBefore(deps.db, job.workspaceId, key);
		for (const candidate of candidates) {
			const files = await allFilesOf(deps.db, candidate.id);
			if (await allStored(deps.storage, files)) {
				await rememberResult(deps.db, job, key);
				return reused(candidate, files);
			}
			await forgetResult(deps.db, candidate.id);
		}
		const state = await becomeMaker(deps.db, job, key, candidates.map(({ id }) => id));
		if (state === 'maker') return null;
		if (state === 'under way') throw new NotYet('another job is making the same');
	}
}

/** Rows of its own for the same stored files, so that either job can be forgotten without the other. Costs nothing. */
function reused(from: JobRow, files: FileRow[]): Completed {
	return {
		status: 'completed',
		output: { ...from.output, reused_from: from.output?.['reused_from'] ?? from.id },
		files: files.map(({ name, storageKey, mime, bytes, width, height, durationSeconds, part }) => ({ name, storageKey, mime, bytes, width, height, durationSeconds, part })),
		cost: {},
	};
}

/** What the result of a job depends on, as a hash. Null: on something that cannot be told, so it is made each time. */
export async function reuseKey(db: Executor, job: Pick<JobRow, 'workspaceId' | 'assetId' | 'params' | 'needsSecret'>, operation: Operation): Promise<string | null> {
	if (!(operation.reusable ?? operation.kind === 'media') || job.needsSecret) return null;
	const params: unknown = operation.params.parse(job.params);
	// What lies behind an address may be something else tomorrow.
	if (mentions(params, isAddress)) return null;
	const bytesOf = async (assetId: string): Promise<string | null> => (await findAsset(db, job.workspaceId, assetId))?.sha256 ?? null;
	const source = job.assetId ? await bytesOf(job.assetId) : null;
	if (job.assetId && source === null) return null;
	const inputs = new Map<string, string>();
	for (const id of assetsIn(params)) {
		const bytes = await bytesOf(id);
		// Still on its way, or gone: the job itself finds out.
		if (bytes === null) return null;
		inputs.set(id, bytes);
	}
	const built = await Promise.all(buildsOn(operation, params).map(async (name) => (job.assetId && (await latestCompleted(db, job.assetId, name))?.id) ?? null));
	const machine = await operation.dependsOnMachine?.();
	return sha256(canonical([KEY_VERSION, operation.name, operation.version, source, params, ...(built.length > 0 ? [built] : []), ...(machine === undefined ? [] : [{ machine }])], inputs));
}

/** JSON with sorted names; an input that is an asset stands for its bytes, under whatever id they were stored. */
export function canonical(value: unknown, inputs: ReadonlyMap<string, string> = new Map()): string {
	return JSON.stringify(value, (_name, part: unknown) => {
		if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
		const id = assetOf(part);
		const bytes = id === null ? undefined : inputs.get(id);
		if (bytes !== undefined) return { sha256: bytes };
		return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
	});
}

const isAddress = (text: string): boolean => /^https?:\/\//i.test(text);

function mentions(value: unknown, test: (text: string) => boolean): boolean {
	if (typeof value === 'string') return test(value);
	return typeof value === 'object' && value !== null && Object.values(value).some((part) => mentions(part, test));
}

/** The id in `{ asset_id: … }`, the shape of `mediaInput`. */
const assetOf = (value: object): string | null => ('asset_id' in value && typeof value.asset_id === 'string' && Object.keys(value).length === 1 ? value.asset_id : null);

/** Ids of all media beside the source that parameters name. */
export function assetsIn(value: unknown): string[] {
	if (typeof value !== 'object' || value === null) return [];
	const id = assetOf(value);
	return id === null ? Object.values(value).flatMap(assetsIn) : [id];
}

/** Looked up at once: a package has hundreds of files, and storage may be far away. */
const AT_ONCE = 16;

/** Whether every file is there, as large as it was. */
export async function allStored(storage: Storage, files: FileRow[]): Promise<boolean> {
	for (let from = 0; from < files.length; from += AT_ONCE) {
		const found = await Promise.all(files.slice(from, from + AT_ONCE).map(async ({ storageKey, bytes }) => (await storage.head(storageKey))?.bytes === bytes));
		if (found.includes(false)) return false;
	}
	return true;
}
