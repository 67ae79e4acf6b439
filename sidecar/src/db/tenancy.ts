import type { PGlite } from '@electric-sql/pglite';
import type pg from 'pg';
import { sql } from 'drizzle-orm';
import type { Database, Transaction } from './database.ts';

/**
 * Row-level security. What a request with an API key does runs as the role TENANT_ROLE, for which each table has only the rows of the
 * workspace that `media_pipeline.workspace` names (schema/columns.ts, `ofWorkspace`): a query that forgets its `where` finds nothing of
 * others. Workers, loops and signed links go on as the owner of the tables, for whom policies do not count.
 *
 * Both are set for a transaction only: behind a pooler (PgBouncer, Supabase) the next transaction of a connection is somebody else's.
 * It protects from mistakes in our queries, not from SQL of others: who can send any statement can take off the role.
 */
export const TENANT_ROLE = 'media_pipeline_tenant';

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** One statement, hence one round trip. */
const settings = (workspaceId: string): string => `select set_config('role', '${TENANT_ROLE}', true), set_config('media_pipeline.workspace', ${literal(workspaceId)}, true)`;

/** Transactions that run as a workspace. */
const tenants = new WeakSet<object>();

/**
 * For the few statements of a workspace's transaction that must see others: turns among the jobs of all, the tables of the queue. What
 * they answer must hold nothing of others. Elsewhere it just does the work.
 */
export async function asSystem<T>(tx: Transaction, work: () => Promise<T>): Promise<T> {
	if (!tenants.has(tx)) return work();
	await tx.execute(sql`select set_config('role', 'none', true)`);
	tenants.delete(tx);
	const back = async (): Promise<void> => {
		tenants.add(tx);
		await tx.execute(sql.raw(`select set_config('role', '${TENANT_ROLE}', true)`));
	};
	let result: T;
	try {
		result = await work();
	} catch (error) {
		// After an error of the database nothing more can be done in this transaction, and its end takes off the settings by itself.
		await back().catch(() => {});
		throw error;
	}
	await back();
	return result;
}

/** Savepoints get transaction objects of their own. */
function marked(tx: Transaction): Transaction {
	tenants.add(tx);
	const nested = tx.transaction.bind(tx);
	tx.transaction = <T>(work: (inner: Transaction) => Promise<T>): Promise<T> => nested((inner) => work(tenants.has(tx) ? marked(inner) : inner));
	return tx;
}

/** `db`: over a client whose single statements run as the workspace (below). `system`: the whole database. */
export function asWorkspace(db: Database, system: Database, workspaceId: string): Database {
	db.transaction = (work, config) =>
		system.transaction(async (tx) => {
			await tx.execute(sql.raw(settings(workspaceId)));
			return work(marked(tx));
		}, config);
	return db;
}

/** The client, whose every statement is a transaction as the workspace. Begin and settings go in one message. */
export function tenantPool(pool: pg.Pool, workspaceId: string): pg.Pool {
	const query = async (...statement: [pg.QueryConfig, unknown[]?]): Promise<pg.QueryResult> => {
		const client = await pool.connect();
		let broken = true;
		try {
			await client.query(`begin; ${settings(workspaceId)}`);
			const result = await client.query(...statement);
			await client.query('commit');
			broken = false;
			return result;
		} catch (error) {
			broken = !(await client.query('rollback').then(
				() => true,
				() => false,
			));
			throw error;
		} finally {
			// One that may still have the role must not be used again.
			client.release(broken);
		}
	};
	return new Proxy(pool, { get: (target, name) => (name === 'query' ? query : bound(target, name)) });
}

export function tenantPglite(client: PGlite, workspaceId: string): PGlite {
	const query: PGlite['query'] = (text, params, options) =>
		client.transaction(async (tx) => {
			await tx.exec(settings(workspaceId));
			return tx.query(text, params, options);
		});
	return new Proxy(client, { get: (target, name) => (name === 'query' ? query : bound(target, name)) });
}

/** So many handles are kept: making one takes as long as a small query. */
const MOST_HANDLES = 1000;

export function rememberHandles(make: (workspaceId: string) => Database): (workspaceId: string) => Database {
	const made = new Map<string, Database>();
	return (workspaceId) => {
		let db = made.get(workspaceId);
		if (!db) {
			if (made.size >= MOST_HANDLES) made.clear();
			made.set(workspaceId, (db = make(workspaceId)));
		}
		return db;
	};
}

/** As of the object itself: private fields are not there through a proxy. */
function bound(target: object, name: string | symbol): unknown {
	const value: unknown = Reflect.get(target, name, target);
	return typeof value === 'function' ? value.bind(target) : value;
}

/** Runs one statement (or several without parameters) on the connection that migrates. */
export type Run = (text: string) => Promise<Array<Record<string, unknown>>>;

/**
 * The role, and what it may do: everything with the tables that have policies, which leave it the rows of its workspace; nothing with any
 * other. Of the audit log it may add and read. Called after each migration, under its lock: new tables get their grants here.
 * Throws with the statements for an administrator where the user of DATABASE_URL may not create roles.
 */
export async function prepareTenancy(run: Run): Promise<void> {
	await ensureRole(run);
	const [{ schema = 'public' } = {}] = (await run('select quote_ident(current_schema()) as schema')) as Array<{ schema?: string }>;
	const tables = await run(`
		select quote_ident(c.relname) as name from pg_class c
		where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p') and c.relrowsecurity and exists (select 1 from pg_policy p where p.polrelid = c.oid)`);
	const all = tables.map(({ name }) => `${schema}.${String(name)}`);
	const log = `${schema}.audit_log`;
	await run(`
		grant usage on schema ${schema} to ${TENANT_ROLE};
		grant select, insert, update, delete on ${all.filter((name) => name !== log).join(', ')} to ${TENANT_ROLE};
		grant select, insert on ${log} to ${TENANT_ROLE};
		grant usage on all sequences in schema ${schema} to ${TENANT_ROLE};`);
}

async function ensureRole(run: Run): Promise<void> {
	try {
		const roles = await run(`select rolsuper or rolbypassrls as bypasses from pg_roles where rolname = '${TENANT_ROLE}'`);
		// Two databases of one server may begin at the same time; roles belong to the server.
		if (roles.length === 0) await run(`do $$ begin create role ${TENANT_ROLE} nologin; exception when duplicate_object or unique_violation then null; end $$`);
		if (roles[0]?.['bypasses'] === true) throw new Error('it bypasses row-level security');
		if (!(await mayBecome(run))) await run(`grant ${TENANT_ROLE} to current_user`);
		if (!(await mayBecome(run))) throw new Error('this user may not take it on');
	} catch (error) {
		const [{ name = 'the_user_of_DATABASE_URL' } = {}] = (await run('select quote_ident(current_user) as name').catch(() => [])) as Array<{ name?: string }>;
		throw new Error(
			`DATABASE_URL: the role ${TENANT_ROLE}, which keeps the workspaces apart (row-level security), is not usable: ${(error as Error).message}. Have an administrator of this Postgres run: create role ${TENANT_ROLE} nologin; alter role ${TENANT_ROLE} nosuperuser nobypassrls; grant ${TENANT_ROLE} to ${name};`,
			{ cause: error },
		);
	}
}

/** Whether this session can take on the role: asked by doing it, because what it takes differs between versions of Postgres. */
const mayBecome = (run: Run): Promise<boolean> =>
	run(`begin; set local role ${TENANT_ROLE}; commit`).then(
		() => true,
		async () => {
			await run('rollback');
			return false;
		},
	);
