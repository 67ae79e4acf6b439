import { inArray } from 'drizzle-orm';
import { OPEN } from '../../db/jobs.ts';
import { unreferencedKeys } from '../../db/reuse.ts';
import { jobs } from '../../db/schema.ts';
import { foldersOf } from '../../storage/keys.ts';
import type { StoredFile } from '../../storage/storage.ts';
import type { Place, Rule } from './rule.ts';

/** A job may take its whole time before the files it has stored get their rows (JOB_TIMEOUT_SECONDS is 6 h), an upload a day. */
const GRACE_MS = 2 * 86_400_000;
const PAGE = 500;

/** Files in storage that no row names: what a crash between the storage and the database has left. */
export const orphans: Rule = {
	name: 'orphans',
	about: 'Stored files that no row of the database names, after two days.',
	async *find({ deps, workspaceId, now }: Place) {
		const unnamed = async (page: StoredFile[]): Promise<StoredFile[]> => {
			const keys = new Set(await unreferencedKeys(deps.db, page.map(({ key }) => key)));
			const of = new Map(page.flatMap(({ key }) => (keys.has(key) ? [[key, jobOf(key)] as const] : [])));
			const ids = [...new Set([...of.values()].filter((id) => id !== null))];
			const working = new Set(ids.length > 0 ? (await deps.db.select({ id: jobs.id, status: jobs.status }).from(jobs).where(inArray(jobs.id, ids))).filter(({ status }) => OPEN.includes(status)).map(({ id }) => id) : []);
			return page.filter(({ key }) => of.has(key) && !working.has(of.get(key) ?? ''));
		};
		for (const folder of foldersOf(workspaceId)) {
			let page: StoredFile[] = [];
			const findings = async function* () {
				for (const { key, bytes } of await unnamed(page)) {
					yield {
						what: key,
						bytes,
						reason: 'no row names it',
						apply: async () => {
							const [still] = await unreferencedKeys(deps.db, [key]);
							if (still !== undefined) await deps.storage.delete(key);
							return still !== undefined;
						},
					};
				}
				page = [];
			};
			for await (const file of deps.storage.list(folder)) {
				if (now.getTime() - file.modifiedAt.getTime() < GRACE_MS) continue;
				if (page.push(file) >= PAGE) yield* findings();
			}
			yield* findings();
		}
	},
};

/** `jobs/{workspace}/{job}/…` */
const jobOf = (key: string): string | null => /^jobs\/[^/]+\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\//.exec(key)?.[1] ?? null;
