import { and, eq, gt, isNotNull, lt } from 'drizzle-orm';
import { updateAsset } from '../../db/assets.ts';
import { assets, files } from '../../db/schema.ts';
import type { Finding, Place, Rule } from './rule.ts';

const PAGE = 200;
/** Requests to the store at once. */
const AT_ONCE = 8;
/** What is being written at this moment is looked at the next time. */
const GRACE_MS = 3_600_000;
/** More than this, and more than a few, are not lost files but a store that is not there: a wrong bucket, a disk that is not mounted. */
const MOST_MISSING = 0.2;
const FEW = 20;

interface Named {
	key: string;
	bytes: number;
	forget(): Promise<unknown>;
}

/** Rows whose file is gone from the storage. */
export const missingFiles: Rule = {
	name: 'missing_files',
	about: 'Rows whose stored file is gone: results are forgotten, so that they are made again; assets without their original fail.',
	async *find(place: Place) {
		const before = new Date(place.now.getTime() - GRACE_MS);
		for (const pages of [resultPages(place, before), originalPages(place, before)]) {
			let looked = 0;
			const missing: Finding[] = [];
			for await (const page of pages) {
				looked += page.length;
				missing.push(...(await missingOf(place, page)));
			}
			if (missing.length > FEW && missing.length > looked * MOST_MISSING) {
				throw new Error(`${missing.length} of ${looked} stored files of workspace ${place.workspaceId} are not in the storage ${place.deps.storage.name}. That looks like the wrong storage: nothing was changed.`);
			}
			yield* missing;
		}
	},
};

async function missingOf({ deps }: Place, page: Named[]): Promise<Finding[]> {
	const found: Finding[] = [];
	for (let from = 0; from < page.length; from += AT_ONCE) {
		const some = page.slice(from, from + AT_ONCE);
		const heads = await Promise.all(some.map(({ key }) => deps.storage.head(key)));
		for (const [index, { key, bytes, forget }] of some.entries()) {
			if (heads[index] !== null) continue;
			const apply = async (): Promise<boolean> => {
				if ((await deps.storage.head(key)) !== null) return false;
				await forget();
				return true;
			};
			found.push({ what: key, bytes, reason: 'its file is gone from the storage', apply });
		}
	}
	return found;
}

async function* resultPages({ deps: { db }, workspaceId }: Place, before: Date): AsyncGenerator<Named[]> {
	for (let after = '00000000-0000-0000-0000-000000000000'; ; ) {
		const rows = await db.select().from(files).where(and(eq(files.workspaceId, workspaceId), lt(files.createdAt, before), gt(files.id, after))).orderBy(files.id).limit(PAGE);
		yield rows.map(({ id, storageKey, bytes }) => ({ key: storageKey, bytes, forget: async () => db.delete(files).where(eq(files.id, id)) }));
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
		yield rows.map(({ id, storageKey, bytes }) => ({ key: storageKey ?? '', bytes: bytes ?? 0, forget: async () => updateAsset(db, id, { storageKey: null, originalState: 'deleted', status: 'failed', error }) }));
		const last = rows.at(-1);
		if (!last || rows.length < PAGE) return;
		after = last.id;
	}
}
