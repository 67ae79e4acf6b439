import { randomUUID } from 'node:crypto';
import { eq, sql } from 'drizzle-orm';
import pg from 'pg';
import { auditAfter, forgetAudit, insertAudit } from '../../../sidecar/src/db/audit.ts';
import type { Database, OpenDatabase } from '../../../sidecar/src/db/database.ts';
import { openPostgres } from '../../../sidecar/src/db/open.ts';
import { assets, auditLog } from '../../../sidecar/src/db/schema.ts';
import { asSystem, TENANT_ROLE } from '../../../sidecar/src/db/tenancy.ts';
import { createWorkspace } from '../../../sidecar/src/db/workspaces.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { openTestDatabase } from '../../support/pglite.ts';

/** Tables whose rows belong to no workspace, and why. */
const NOBODYS: Record<string, string> = {
	platform_pace: 'limits of accounts on platforms, which several workspaces may use; read and written by workers only',
	rate_limits: 'counters by hashes of keys and addresses; read and written before anybody is let in',
	media_pipeline_migrations: 'which migrations have run',
};

let server: TestPostgres;
beforeAll(async () => {
	server = await startPostgres();
});
afterAll(() => server.stop());

/** What Postgres says: drizzle wraps it. */
const refusal = (error: unknown): string => {
	const parts: string[] = [];
	for (let at = error; at instanceof Error; at = at.cause) parts.push(at.message);
	return parts.join(' ');
};
const refused = (work: Promise<unknown>): Promise<string> => work.then(() => 'it was not refused', refusal);

describe.each([
	['the embedded database', () => openTestDatabase()],
	// One connection: whatever is left on it is what the next one finds.
	['Postgres', () => openPostgres({ url: server.url, schemaName: `tenancy_${randomUUID().slice(0, 8)}`, poolSize: 1 })],
])('workspaces in %s', (_name, open) => {
	let database: OpenDatabase;
	let mine: Database;
	const theirs = randomUUID();
	beforeAll(async () => {
		database = await open();
		for (const id of ['mine', 'theirs']) await createWorkspace(database.db, id, `key-of-${id}-0123456789`);
		await database.db.insert(assets).values({ id: theirs, workspaceId: 'theirs', source: 'upload', status: 'ready' });
		mine = database.forWorkspace('mine');
	});
	afterAll(() => database.close());

	const idsSeen = async (db: Pick<Database, 'select'>): Promise<string[]> => (await db.select({ workspaceId: assets.workspaceId }).from(assets)).map(({ workspaceId }) => workspaceId);
	const roleOf = async (db: Pick<Database, 'execute'>): Promise<unknown> => (await db.execute(sql`select current_user as name, coalesce(current_setting('media_pipeline.workspace', true), '') as workspace`)).rows[0];

	it('have a policy on every table, or there is a reason why not', async () => {
		const { rows } = await database.db.execute<{ name: string; own: boolean; protected: boolean; granted: boolean; condition: string | null }>(sql`
			select c.relname as name, c.relrowsecurity as protected,
				exists (select 1 from pg_attribute a where a.attrelid = c.oid and a.attname = 'workspace_id') as own,
				has_table_privilege(${TENANT_ROLE}, c.oid, 'select, insert, update, delete') as granted,
				(select string_agg(pg_get_expr(p.polqual, p.polrelid) || ' ' || pg_get_expr(p.polwithcheck, p.polrelid), ' ') from pg_policy p where p.polrelid = c.oid) as condition
			from pg_class c where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p', 'v', 'm') order by 1`);
		expect(rows.length).toBeGreaterThan(20);
		for (const { name, own, protected: isProtected, granted, condition } of rows) {
			if (name in NOBODYS) {
				expect([name, own, granted]).toEqual([name, false, false]);
				continue;
			}
			expect([name, isProtected, granted]).toEqual([name, true, true]);
			expect(condition).toContain(own ? 'workspace_id' : name === 'workspaces' ? 'id' : 'post_id');
			expect(condition).toMatch(/media_pipeline\.workspace|posts/);
		}
	});

	it('see their own rows in single statements and in transactions, and the whole only outside', async () => {
		expect(await idsSeen(mine)).toEqual([]);
		expect(await mine.transaction(idsSeen)).toEqual([]);
		expect(await mine.transaction((tx) => tx.transaction(idsSeen))).toEqual([]);
		expect(await idsSeen(database.forWorkspace('theirs'))).toEqual(['theirs']);
		// And nothing of it is left on the connection.
		expect(await idsSeen(database.db)).toEqual(['theirs']);
		expect(await roleOf(database.db)).toMatchObject({ workspace: '' });
		expect(await roleOf(database.db)).not.toMatchObject({ name: TENANT_ROLE });
	});

	it('cannot put anything into another one, nor change what is there', async () => {
		const row = { id: randomUUID(), workspaceId: 'theirs', source: 'upload', status: 'ready' as const };
		expect(await refused(mine.insert(assets).values(row))).toMatch(/row-level security/);
		expect(await refused(mine.transaction((tx) => tx.insert(assets).values(row)))).toMatch(/row-level security/);
		expect(await mine.update(assets).set({ title: 'taken' }).where(eq(assets.id, theirs)).returning()).toEqual([]);
		expect(await mine.delete(assets).where(eq(assets.id, theirs)).returning()).toEqual([]);
		const own = { ...row, id: randomUUID(), workspaceId: 'mine' };
		await mine.insert(assets).values(own);
		expect(await refused(mine.update(assets).set({ workspaceId: 'theirs' }).where(eq(assets.id, own.id)))).toMatch(/row-level security/);
		await mine.delete(assets).where(eq(assets.id, own.id));
	});

	it('see nothing at all with the name of none, and a name is only a name', async () => {
		expect(await idsSeen(database.forWorkspace(''))).toEqual([]);
		expect(await idsSeen(database.forWorkspace(`theirs', true), set_config('role', 'none`))).toEqual([]);
		expect(await idsSeen(database.forWorkspace("x' or 'a' = 'a"))).toEqual([]);
	});

	it('go back to what they are after the part of a transaction that sees all, also when it fails', async () => {
		await mine.transaction(async (tx) => {
			expect(await asSystem(tx, () => asSystem(tx, () => idsSeen(tx)))).toEqual(['theirs']);
			expect(await idsSeen(tx)).toEqual([]);
			await expect(asSystem(tx, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
			expect(await roleOf(tx)).toEqual({ name: TENANT_ROLE, workspace: 'mine' });
			// An error of the database inside a savepoint undoes the settings with all else.
			await refused(tx.transaction((inner) => asSystem(inner, () => inner.execute(sql`select 1 / 0`))));
			expect(await roleOf(tx)).toEqual({ name: TENANT_ROLE, workspace: 'mine' });
		});
		await refused(mine.transaction((tx) => asSystem(tx, () => tx.execute(sql`select 1 / 0`))));
		expect(await idsSeen(mine)).toEqual([]);
	});

	it('leave nothing behind when a statement fails', async () => {
		expect(await refused(mine.execute(sql`select 1 / 0`))).toMatch(/division by zero/);
		expect(await idsSeen(database.db)).toEqual(['theirs']);
		expect(await idsSeen(mine)).toEqual([]);
	});

	it('have an audit log that nobody changes, and that forgets only what is old', async () => {
		const entry = { workspaceId: 'mine', actor: 'first', action: 'GET /x', status: 200, requestId: 'r' };
		const days = (n: number) => new Date(Date.now() - n * 86_400_000);
		await insertAudit(database.db, [{ ...entry, createdAt: days(30) }, { ...entry, createdAt: days(8) }, entry]);
		await insertAudit(mine, [entry]);
		for (const db of [database.db, mine]) {
			expect(await refused(db.update(auditLog).set({ actor: 'nobody' }))).toMatch(/only added to|permission denied/);
			expect(await refused(db.delete(auditLog))).toMatch(/only added to|permission denied/);
			expect(await refused(db.execute(sql`truncate audit_log`))).toMatch(/only added to|permission denied/);
			expect(await auditAfter(db, 'mine', { after: 0, limit: 10 })).toHaveLength(4);
		}
		expect(await refused(forgetAudit(mine, 10))).toMatch(/permission denied/);
		expect(await refused(forgetAudit(database.db, 1))).toMatch(/at least 7 days/);
		await forgetAudit(database.db, 10);
		expect(await auditAfter(database.db, 'mine', { after: 0, limit: 10 })).toHaveLength(3);
		expect(await refused(database.db.delete(auditLog))).toMatch(/only added to/);
	});
});

describe('a user of Postgres who may not make roles', () => {
	it('is told what an administrator must run, and works once that has been done', async () => {
		const admin = new pg.Client({ connectionString: server.url });
		await admin.connect();
		// Of the server, not of the database: others of this test have made it.
		const { rows } = await admin.query('select 1 from pg_roles where rolname = $1', [TENANT_ROLE]);
		if (rows.length > 0) await admin.query(`drop owned by ${TENANT_ROLE}; drop role ${TENANT_ROLE}`);
		await admin.query("create role plain login password 'plain'");
		await admin.query('create database plain owner plain');
		const url = server.url.replace('postgres:postgres@', 'plain:plain@').replace(/[^/]*$/, 'plain');
		const message = await openPostgres({ url }).then(() => 'it opened', refusal);
		expect(message).toContain('DATABASE_URL');
		const statements = /run: (.*;)/.exec(message)?.[1] ?? '';
		expect(statements).toContain('grant media_pipeline_tenant to plain');
		await admin.query(statements);
		await admin.end();
		const database = await openPostgres({ url });
		await createWorkspace(database.db, 'mine', 'key-of-mine-0123456789');
		await database.db.insert(assets).values({ id: randomUUID(), workspaceId: 'mine', source: 'upload', status: 'ready' });
		expect(await database.forWorkspace('mine').select().from(assets)).toHaveLength(1);
		expect(await database.forWorkspace('theirs').select().from(assets)).toEqual([]);
		expect(await database.db.select().from(assets)).toHaveLength(1);
		await database.close();
	});
});
