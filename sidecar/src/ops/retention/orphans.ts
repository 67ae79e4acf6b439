import { and, inArray, or } from 'drizzle-orm';
import type { Database } from '../../db/database.ts';
import { OPEN } from '../../db/jobs.ts';
import { unreferencedKeys } from '../../db/reuse.ts';
import { jobs } from '../../db/schema.ts';
import { foldersOf } from '../../storage/keys.ts';
import type { StoredFile } from '../../storage/storage.ts';
import { isPlausible } from './plausible.ts';
import type { Place, Rule } from './rule.ts';

/** A job may take its whole time before the files it has stored get their rows (JOB_TIMEOUT_SECONDS is 6 h), an upload a day. */
const GRACE_MS = 2 * 86_400_000;
const PAGE = 500;

/**
 * Files in storage that no row names: what a crash between the storage and the database has left. All are looked at before the first one goes:
 * where most are unnamed it is the database that is not the right one.
 */
export const orphans: Rule = {
	name: 'orphans',
	about: 'Stored files that no row of the database names, after two days.',
	async *find({ deps: { db, storage }, workspaceId, now, force }: Place) {
		const looked = new Set<string>();
		const unnamed: StoredFile[] = [];
		for (const folder of foldersOf(workspaceId)) {
			let page: StoredFile[] = [];
			const look = async (): Promise<void> => {
				unnamed.push(...(await unnamedOf(db, page)));
				page = [];
			};
			for await (const file of storage.list(folder)) {
				looked.add(ownerOf(file.key) ?? file.key);
				if (now.getTime() - file.modifiedAt.getTime() < GRACE_MS) continue;
				if (page.push(file) >= PAGE) await look();
			}
			await look();
		}
		// By whose they are: a package of one job has hundreds of files.
		const owners = new Set(unnamed.map(({ key }) => ownerOf(key) ?? key)).size;
		if (!force && !isPlausible(owners, looked.size)) {
			throw new Error(
				`No row of the database names the files of ${owners} of ${looked.size} jobs and assets in the storage of workspace ${workspaceId}. That looks like the wrong database, or an old copy of it: nothing was deleted. Where they may go: POST /api/media/retention with "rules": ["orphans"], "dry_run": false and "force": true.`,
			);
		}
		for (const file of unnamed) {
			yield {
				what: file.key,
				bytes: file.bytes,
				reason: 'no row names it',
				apply: async () => {
					if ((await unnamedOf(db, [file])).length === 0) return false;
					await storage.delete(file.key);
					return true;
				},
			};
		}
	},
};

/** Those that no row names, and that no job under way may still name. */
async function unnamedOf(db: Database, page: StoredFile[]): Promise<StoredFile[]> {
	const keys = new Set(await unreferencedKeys(db, page.map(({ key }) => key)));
	const left = page.filter(({ key }) => keys.has(key));
	const ids = [...new Set(left.flatMap(({ key }) => ownerOf(key) ?? []))];
	if (ids.length === 0) return left;
	// Of an upload that was moved to its place when the process died, the open ingest knows; its row still names the old place.
	const open = await db.select({ id: jobs.id, assetId: jobs.assetId }).from(jobs).where(and(inArray(jobs.status, OPEN), or(inArray(jobs.id, ids), inArray(jobs.assetId, ids))));
	const busy = new Set(open.flatMap(({ id, assetId }) => [id, assetId]));
	return left.filter(({ key }) => !busy.has(ownerOf(key)));
}

const ID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const OWNER = new RegExp(`^[a-z]+/[^/]+/(${ID})`);

/** The job of `jobs/{workspace}/{job}/…`, the asset of all else (storage/keys.ts). */
const ownerOf = (key: string): string | null => OWNER.exec(key)?.[1] ?? null;
