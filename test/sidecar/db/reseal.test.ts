import { randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { getTableName, sql } from 'drizzle-orm';
import type { OpenDatabase } from '../../../sidecar/src/db/database.ts';
import { reseal } from '../../../sidecar/src/db/reseal.ts';
import { assets, batches, callbacks, jobs, posts, webhooks, workspaces } from '../../../sidecar/src/db/schema.ts';
import { SEALED_COLUMNS } from '../../../sidecar/src/db/sealed-columns.ts';
import { createVault } from '../../../sidecar/src/secrets.ts';
import { openTestDatabase } from '../../support/pglite.ts';

const SCHEMA = fileURLToPath(new URL('../../../sidecar/src/db/schema/', import.meta.url));
const [OLD, NEW] = ['the old key, long enough', 'the new key, long enough'];
const [before, during, after] = [createVault(OLD), createVault(NEW, [OLD]), createVault(NEW)];

let database: OpenDatabase;
beforeAll(async () => {
	database = await openTestDatabase();
	await database.db.insert(workspaces).values({ id: 'acme', name: 'acme' });
});
afterAll(() => database.close());
beforeEach(() => database.executeSql('delete from callbacks; delete from webhooks; delete from posts; delete from jobs; delete from batches; delete from assets'));

/** A row of each table that has sealed columns, `count` times, with a text in each of them. */
async function fill(count: number, seal: (text: string) => string): Promise<void> {
	const of = <T>(row: (n: number) => T): T[] => Array.from({ length: count }, (_, n) => row(n));
	const w = { workspaceId: 'acme' };
	await database.db.insert(assets).values(of((n) => ({ id: randomUUID(), ...w, source: 'url', status: 'ready' as const, callbackUrl: seal(`asset ${n}`) })));
	await database.db.insert(batches).values(of((n) => ({ id: randomUUID(), ...w, kind: 'batch' as const, callbackUrl: seal(`batch ${n}`), progressUrl: seal(`progress ${n}`) })));
	await database.db.insert(jobs).values(of((n) => ({ id: randomUUID(), ...w, jobType: 'x', status: 'pending' as const, params: {}, source: seal(`source ${n}`), secret: seal(`secret ${n}`) })));
	await database.db.insert(posts).values(of((n) => ({ id: randomUUID(), ...w, platform: 'x', operationKey: `${n}`, status: 'published' as const, state: seal(`state ${n}`) })));
	await database.db.insert(webhooks).values(of((n) => ({ id: randomUUID(), ...w, url: seal(`hook ${n}`), secret: seal(`whsec ${n}`), eventTypes: ['*'] })));
	await database.db.insert(callbacks).values(of((n) => ({ id: randomUUID(), ...w, kind: 'batch' as const, url: n === 0 ? '' : seal(`callback ${n}`), urlHash: '' })));
}

/** Every text of every column of every table that looks sealed, with where it stands. */
async function sealedTexts(): Promise<Array<{ at: string; text: string }>> {
	const { rows } = await database.executeSql("select table_name as t, column_name as c from information_schema.columns where table_schema = 'public' and data_type in ('text', 'character varying', 'jsonb')");
	const found: Array<{ at: string; text: string }> = [];
	for (const { t, c } of rows) {
		const values = await database.executeSql(`select "${String(c)}"::text as text from "${String(t)}" where "${String(c)}"::text ~ '(^|")v[12]\\.[A-Za-z0-9_-]+\\.'`);
		for (const { text } of values.rows) found.push({ at: `${String(t)}.${String(c)}`, text: String(text) });
	}
	return found;
}

const names = SEALED_COLUMNS.map(({ table, column }) => `${getTableName(table)}.${column.name}`).sort();

describe('the list of sealed columns', () => {
	it('holds every column that the schema calls encrypted', async () => {
		const described: string[] = [];
		for (const file of await readdir(SCHEMA)) {
			let table = '';
			let encrypted = false;
			for (const line of (await readFile(`${SCHEMA}${file}`, 'utf8')).split('\n')) {
				table = /pgTable\(\s*'(\w+)'/.exec(line)?.[1] ?? /^\t'(\w+)',$/.exec(line)?.[1] ?? table;
				const column = /^\t\t?\w+: \w+\('(\w+)'/.exec(line)?.[1];
				if (column && encrypted) described.push(`${table}.${column}`);
				encrypted = /\/\*\*.*\bEncrypted\b/.test(line);
			}
		}
		expect(described.sort()).toEqual(names);
	});

	it('holds every column that has a sealed text', async () => {
		await fill(2, before.seal);
		expect([...new Set((await sealedTexts()).map(({ at }) => at))].sort()).toEqual(names);
	});
});

describe('sealing anew', () => {
	it('leaves nothing that needs the old key, and every text as it was', async () => {
		await fill(7, before.seal);
		const plain = (await sealedTexts()).map(({ at, text }) => `${at} ${before.open(text)}`).sort();
		const report = await reseal(database.db, during, { rows: 3 });
		expect(report.map(({ column }) => column).sort()).toEqual(names);
		expect(report.map(({ resealed, unreadable, remaining }) => [resealed, unreadable, remaining])).toEqual(report.map(({ column }) => [column === 'callbacks.url' ? 6 : 7, 0, 0]));
		expect((await sealedTexts()).map(({ at, text }) => `${at} ${after.open(text)}`).sort()).toEqual(plain);
	});

	it('does nothing the second time', async () => {
		await fill(2, before.seal);
		await reseal(database.db, during);
		const texts = await sealedTexts();
		expect((await reseal(database.db, during)).reduce((sum, { resealed }) => sum + resealed, 0)).toBe(0);
		expect(await sealedTexts()).toEqual(texts);
	});

	it('goes on where it was stopped', async () => {
		await fill(5, before.seal);
		const stop = new AbortController();
		stop.abort();
		const stopped = await reseal(database.db, during, { signal: stop.signal });
		expect(stopped.every(({ remaining, resealed }) => remaining > 0 && resealed === 0)).toBe(true);
		await reseal(database.db, during, { columns: SEALED_COLUMNS.slice(0, 4) });
		expect((await reseal(database.db, during)).every(({ remaining }) => remaining === 0)).toBe(true);
		for (const { text } of await sealedTexts()) expect(() => after.open(text)).not.toThrow();
	});

	it('passes over what no key opens, says so, and changes nothing of it', async () => {
		await fill(3, before.seal);
		const lost = createVault('a key that nobody has any more').seal('lost');
		await database.db.update(posts).set({ state: lost }).where(sql`operation_key = '1'`);
		const report = await reseal(database.db, during, { rows: 1 });
		expect(report.find(({ column }) => column === 'posts.state')).toEqual({ column: 'posts.state', resealed: 2, unreadable: 1, remaining: 0 });
		expect((await sealedTexts()).some(({ text }) => text === lost)).toBe(true);
	});

	it('leaves alone what somebody changed meanwhile', async () => {
		await fill(1, before.seal);
		const written = during.seal('written meanwhile');
		// The text changes between being read and being replaced.
		const slow = { ...during, open: (sealed: string) => during.open(sealed), seal: during.seal };
		const db = new Proxy(database.db, {
			get(target, name) {
				if (name !== 'execute') return Reflect.get(target, name) as unknown;
				return async (query: Parameters<typeof target.execute>[0]) => {
					const result = await target.execute(query);
					const rows = result.rows as Array<{ sealed?: string }>;
					if (rows[0]?.sealed !== undefined) await target.update(posts).set({ state: written });
					return result;
				};
			},
		});
		const report = await reseal(db, slow, { columns: SEALED_COLUMNS.filter(({ table }) => getTableName(table) === 'posts') });
		expect(report).toEqual([{ column: 'posts.state', resealed: 0, unreadable: 0, remaining: 0 }]);
		expect((await sealedTexts()).find(({ at }) => at === 'posts.state')?.text).toBe(written);
	});

	it('says what a process that still has the old key only has sealed meanwhile', async () => {
		await fill(1, before.seal);
		const columns = SEALED_COLUMNS.filter(({ table }) => getTableName(table) === 'webhooks').slice(0, 1);
		await reseal(database.db, during, { columns });
		await database.db.update(webhooks).set({ url: before.seal('late') });
		const [report] = await reseal(database.db, during, { columns });
		expect(report?.resealed).toBe(1);
	});
});
