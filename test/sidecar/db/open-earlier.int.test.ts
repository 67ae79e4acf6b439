import { randomUUID } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PGlite } from '@electric-sql/pglite';
import { drizzle } from 'drizzle-orm/pglite';
import { migrate } from 'drizzle-orm/pglite/migrator';
import { assetById } from '../../../sidecar/src/db/assets.ts';
import { openPglite } from '../../../sidecar/src/db/open.ts';
import { matching, nearest } from '../../../sidecar/src/db/search.ts';
import { parseQuery } from '../../../sidecar/src/db/search-query.ts';
import { ensureIndex, hasVectors } from '../../../sidecar/src/db/search-vectors.ts';

const MIGRATIONS = fileURLToPath(new URL('../../../sidecar/migrations', import.meta.url));

describe('the embedded database of an earlier version', () => {
	let folder: string;
	beforeEach(async () => {
		folder = await mkdtemp(join(tmpdir(), 'database-'));
	});
	afterEach(() => rm(folder, { recursive: true, force: true }));

	/** A folder as an earlier version left it: its migrations, and no pgvector. */
	const earlier = async (last: string, fill = ''): Promise<string> => {
		const [database, migrations] = [join(folder, 'database'), join(folder, 'migrations')];
		await mkdir(join(migrations, 'meta'), { recursive: true });
		const journal = JSON.parse(await readFile(join(MIGRATIONS, 'meta', '_journal.json'), 'utf8')) as { entries: Array<{ tag: string }> };
		const entries = journal.entries.filter(({ tag }) => tag <= last);
		await writeFile(join(migrations, 'meta', '_journal.json'), JSON.stringify({ ...journal, entries }));
		for (const { tag } of entries) await copyFile(join(MIGRATIONS, `${tag}.sql`), join(migrations, `${tag}.sql`));
		const client = await PGlite.create(database);
		await migrate(drizzle(client), { migrationsFolder: migrations });
		await client.exec(fill);
		await client.close();
		return database;
	};

	it('opens without pgvector in it, gets it, finds what was indexed before words were kept, and takes what had ended for told', async () => {
		const [asset, entry] = [randomUUID(), randomUUID()];
		const fill = `insert into workspaces (id, name) values ('acme', 'Acme');
			insert into assets (id, workspace_id, source, status) values ('${asset}', 'acme', 'upload', 'ready');
			insert into search_entries (id, workspace_id, asset_id, kind, text) values ('${entry}', 'acme', '${asset}', 'transcript', '新しいiPhoneを買う');
			insert into search_vectors (entry_id, workspace_id, space, "values") values ('${entry}', 'acme', 'a space', array[1, 0, 0, 0])`;
		const database = await openPglite(await earlier('0009_fingerprints', fill));
		expect(await hasVectors(database.db)).toBe(true);
		await ensureIndex(database.db, 'a space', 4);
		expect(await matching(database.db, { workspaceId: 'acme' }, parseQuery('iphone '), 5)).toMatchObject([{ entryId: entry }]);
		expect(await nearest(database.db, { workspaceId: 'acme' }, { space: 'a space', values: [1, 0, 0, 0] }, 1)).toMatchObject([{ entryId: entry, score: 1 }]);
		// Else a verdict that is lifted later would publish it again.
		expect(await assetById(database.db, asset)).toMatchObject({ toldAt: expect.any(Date) });
		await database.close();
	});

	it('lets go of a folder that it cannot open', async () => {
		const database = await earlier('0006_renditions', 'create table asset_tags (tag text)');
		for (let attempt = 1; attempt <= 2; attempt += 1) await expect(openPglite(database)).rejects.not.toThrow(/Another sidecar/);
	});
});
