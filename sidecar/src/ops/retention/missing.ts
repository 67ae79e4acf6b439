import { and, eq, gt, isNotNull, lt } from 'drizzle-orm';
import { lockAsset, updateAsset } from '../../db/assets.ts';
import type { Transaction } from '../../db/database.ts';
import { recordEvents } from '../../db/events.ts';
import { assets, files, jobs } from '../../db/schema.ts';
import { transact } from '../../db/transact.ts';
import { isUnsafe } from '../../pipeline/safety.ts';
import { isPlausible } from './plausible.ts';
import type { Finding, Place, Rule } from './rule.ts';

const PAGE = 200;
/** Requests to the store at once. */
const AT_ONCE = 8;
/** What is being written at this moment is looked at the next time. */
const GRACE_MS = 3_600_000;

interface Named {
	key: string;
	bytes: number;
	/** False: the row names another file by now. */
	forget(tx: Transaction): Promise<boolean>;
}

/**
 * Rows whose file is gone from the storage. All are looked at before anything is changed: a store that does not answer breaks it off, and
 * one in which hardly anything is found is another one.
 */
export const missingFiles: Rule = {
	name: 'missing_files',
	about: 'Rows whose stored file is gone: results are forgotten, so that they are made again; assets without their original fail.',
	async *find(place: Place) {
		const before = new Date(place.now.getTime() - GRACE_MS);
		let looked = 0;
		const missing: Finding[] = [];
		for (const pages of [resultPages(place, before), originalPages(place, before)]) {
			for await (const page of pages) {
				looked += page.length;
				missing.push(...(await missingOf(place, page)));
			}
		}
		if (!place.force && !isPlausible(missing.length, looked)) {
			throw new Error(
				`${missing.length} of ${looked} stored files of workspace ${place.workspaceId} are not in its storage. That looks like the wrong storage: nothing was changed. Where they are really gone: POST /api/media/retention with "rules": ["missing_files"], "dry_run": false and "force": true.`,
			);
		}
		yield* missing;
	},
};

async function missingOf({ deps }: Place, page: Named[]): Promise<Finding[]> {
	const found: Finding[] = [];
	for (let from = 0; from < page.length; from += AT_ONCE) {
		const some = page.slice(from, from + AT_ONCE);
		const heads = await Promise.all(some.map(({ key }) => deps.storage.head(key)));
		for (const [index, { key, bytes, forget }] of some.entries()) {
			if (heads[index] !== null) continue;
			const apply = async (): Promise<boolean> => (await deps.storage.head(key)) === null && transact(deps.db, forget);
			found.push({ what: key, bytes, reason: 'its file is gone from the storage', apply });
		}
	}
	return found;
}

async function* resultPages({ deps: { db }, workspaceId }: Place, before: Date): AsyncGenerator<Named[]> {
	for (let after = '00000000-0000-0000-0000-000000000000'; ; ) {
		const rows = await db.select().from(files).where(and(eq(files.workspaceId, workspaceId), lt(files.createdAt, before), gt(files.id, after))).orderBy(files.id).limit(PAGE);
		yield rows.map(({ id, jobId, storageKey, bytes }) => ({
			key: storageKey,
			bytes,
			forget: async (tx) => {
				// A job that has lost a file looks like one that never made it: it must not be found any more by those who want the same.
				if (jobId !== null) await tx.update(jobs).set({ reuseKey: null, renditionKey: null }).where(eq(jobs.id, jobId));
				return (await tx.delete(files).where(and(eq(files.id, id), eq(files.storageKey, storageKey))).returning({ id: files.id })).length > 0;
			},
		}));
		const last = rows.at(-1);
		if (!last || rows.length < PAGE) return;
		after = last.id;
	}
}

async function* originalPages({ deps: { db }, workspaceId }: Place, before: Date): AsyncGenerator<Named[]> {
	const error = { code: 'input_not_found' as const, message: 'The stored original of this asset is gone from the storage. Ingest it again.' };
	for (let after = '00000000-0000-0000-0000-000000000000'; ; ) {
		const rows = await db
			.select()
			.from(assets)
			.where(and(eq(assets.workspaceId, workspaceId), isNotNull(assets.storageKey), isNotNull(assets.facts), lt(assets.updatedAt, before), gt(assets.id, after)))
			.orderBy(assets.id)
			.limit(PAGE);
		yield rows.map(({ id, storageKey, bytes }) => ({
			key: storageKey ?? '',
			bytes: bytes ?? 0,
			forget: async (tx) => {
				const asset = await lockAsset(tx, id);
				// It has got another original since.
				if (!asset || asset.storageKey !== storageKey) return false;
				// What a scan has found in it holds all the same. Not `deleted`: that is what the policy lets go, which lacks nothing.
				await updateAsset(tx, id, { storageKey: null, status: 'failed', ...(isUnsafe(asset) ? {} : { error }) });
				await recordEvents(tx, [{ workspaceId, type: 'asset.failed', assetId: id, data: { error } }]);
				return true;
			},
		}));
		const last = rows.at(-1);
		if (!last || rows.length < PAGE) return;
		after = last.id;
	}
}
