import { randomUUID } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PGlite } from '@electric-sql/pglite';
import { drizzle } from 'drizzle-orm/pglite';
import { migrate } from 'drizzle-orm/pglite/migrator';
import { callerOf } from '../../../sidecar/src/db/api-keys.ts';
import { assetById } from '../../../sidecar/src/db/assets.ts';
import { insertAudit } from '../../../sidecar/src/db/audit.ts';
import { openPglite } from '../../../sidecar/src/db/open.ts';
import { assets } from '../../../sidecar/src/db/schema.ts';
import { sha256 } from '../../../sidecar/src/secrets.ts';
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

	it('takes the policies, and leaves each workspace what it had and nothing of others', async () => {
		const fill = `insert into workspaces (id, name) values ('acme', 'Acme'), ('other', 'Other');
			insert into assets (id, workspace_id, source, status) values ('${randomUUID()}', 'acme', 'upload', 'ready'), ('${randomUUID()}', 'other', 'upload', 'ready'), ('${randomUUID()}', 'other', 'upload', 'ready');
			insert into api_keys (id, workspace_id, name, hash) values ('${randomUUID()}', 'acme', 'bootstrap', '${sha256('key-of-acme-0123456789')}')`;
		// The last one before there was row-level security.
		const database = await openPglite(await earlier('0016_pace_waiting', fill));
		const count = async (workspaceId: string) => (await database.forWorkspace(workspaceId).select().from(assets)).length;
		expect([await count('acme'), await count('other'), await count('nobody'), (await database.db.select().from(assets)).length]).toEqual([1, 2, 0, 3]);
		// Keys had no scopes: they go on doing everything.
		expect(await callerOf(database.db, 'key-of-acme-0123456789')).toMatchObject({ workspaceId: 'acme', scopes: ['*'] });
		await expect(database.forWorkspace('acme').insert(assets).values({ id: randomUUID(), workspaceId: 'other', source: 'upload', status: 'ready' })).rejects.toMatchObject({ cause: { message: expect.stringContaining('row-level security') } });
		await insertAudit(database.db, [{ workspaceId: 'acme', actor: 'x', action: 'GET /x', status: 200, requestId: 'r' }]);
		await expect(database.db.execute('delete from audit_log')).rejects.toMatchObject({ cause: { message: expect.stringContaining('only added to') } });
		await database.close();
	});

	it('has its migrations in the order of their times: drizzle passes over what is older than the last one', async () => {
		const { entries } = JSON.parse(await readFile(join(MIGRATIONS, 'meta', '_journal.json'), 'utf8')) as { entries: Array<{ idx: number; when: number; tag: string }> };
		expect(entries.map(({ when }) => when)).toEqual([...new Set(entries.map(({ when }) => when))].sort((a, b) => a - b));
		expect(entries.map(({ tag }) => Number(tag.slice(0, 4)))).toEqual(entries.map(({ idx }) => idx));
		expect((await readdir(MIGRATIONS)).filter((name) => name.endsWith('.sql')).sort()).toEqual(entries.map(({ tag }) => `${tag}.sql`));
	});

	it('lets go of a folder that it cannot open', async () => {
		const database = await earlier('0006_renditions', 'create table asset_tags (tag text)');
		for (let attempt = 1; attempt <= 2; attempt += 1) await expect(openPglite(database)).rejects.not.toThrow(/Another sidecar/);
	});
});
