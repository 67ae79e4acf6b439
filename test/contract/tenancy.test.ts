import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { sql } from 'drizzle-orm';
import type { OpenDatabase } from '../../sidecar/src/db/database.ts';
import { recordEvents } from '../../sidecar/src/db/events.ts';
import { openPostgres } from '../../sidecar/src/db/open.ts';
import * as schema from '../../sidecar/src/db/schema.ts';
import { createWorkspace } from '../../sidecar/src/db/workspaces.ts';
import { routesOf, type Route } from '../../sidecar/src/http/openapi.ts';
import { createMediaOperations } from '../../sidecar/src/operations/registry.ts';
import { fileLink } from '../../sidecar/src/storage/signed-url.ts';
import { SIGNING_KEY, startTestApp, type TestApp } from '../support/app.ts';
import { createTestPipeline, noop, until, type TestPipeline } from '../support/pipeline.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { openTestDatabase } from '../support/pglite.ts';

/** Stands in every text of workspace A: where it turns up, something of A has leaked. */
const MARK = 'marked-secret-of-a';
const A = 'tenant-a';
const B = 'tenant-b';
const KEY_A = 'key-of-a-0123456789';
const KEY_B = 'key-of-b-0123456789';

const ids = { asset: randomUUID(), job: randomUUID(), batch: randomUUID(), callback: randomUUID(), webhook: randomUUID(), post: randomUUID(), entry: randomUUID(), key: '' };
const RAW = `raw/${A}/${ids.asset}.mp4`;
const FILE = `jobs/${A}/${ids.job}/${MARK}.jpg`;

/** One of everything. */
async function fill({ db }: OpenDatabase, seal: (text: string) => string): Promise<void> {
	const w = { workspaceId: A };
	await db.update(schema.workspaces).set({ name: MARK, settings: { quotas: { max_assets: 7777 } } }).where(sql`id = ${A}`);
	await db.insert(schema.assets).values({ id: ids.asset, ...w, source: 'upload', status: 'ready', title: MARK, fileType: 'video', sha256: 'a'.repeat(64), storageKey: RAW, mime: 'video/mp4', bytes: 9, metadata: { title: MARK } });
	await db.insert(schema.assetVersions).values({ id: randomUUID(), ...w, assetId: ids.asset, version: 1, storageKey: RAW });
	await db.insert(schema.pipelines).values({ id: randomUUID(), ...w, name: 'of-a', version: 1, definition: { summary: MARK, operations: [] } });
	await db.insert(schema.batches).values({ id: ids.batch, ...w, kind: 'batch', callbackUrl: seal(`https://${MARK}.test`) });
	await db.insert(schema.jobs).values({ id: ids.job, ...w, batchId: ids.batch, assetId: ids.asset, jobType: 'noop', status: 'failed', params: { note: MARK }, output: { note: MARK }, completedAt: new Date() });
	await db.insert(schema.queueFlows).values({ ...w, priority: 0, lastTag: 1 });
	await db.insert(schema.files).values({ id: randomUUID(), ...w, assetId: ids.asset, jobId: ids.job, name: `${MARK}.jpg`, storageKey: FILE, mime: 'image/jpeg', bytes: 9 });
	await db.insert(schema.idempotencyKeys).values({ ...w, key: 'same-key', route: 'POST /noop', requestHash: 'x', status: 202, answer: { note: MARK } });
	await db.insert(schema.webhooks).values({ id: ids.webhook, ...w, url: seal(`https://${MARK}.test`), secret: seal(MARK), eventTypes: ['post.*'], description: MARK });
	await db.insert(schema.callbacks).values({ id: ids.callback, ...w, kind: 'batch', batchId: ids.batch, url: seal(`https://${MARK}.test`), urlHash: 'x', status: 'dead', reason: MARK });
	await db.insert(schema.events).values({ ...w, type: 'job.failed', assetId: ids.asset, jobId: ids.job, data: { note: MARK, batch_id: ids.batch } });
	await db.insert(schema.posts).values({ id: ids.post, ...w, assetId: ids.asset, jobId: ids.job, platform: 'x', account: MARK, operationKey: 'x', status: 'published', text: MARK, experiment: 'e' });
	await db.insert(schema.engagement).values({ postId: ids.post, at: new Date(), views: 777_777 });
	await db.insert(schema.searchEntries).values({ id: ids.entry, ...w, assetId: ids.asset, kind: 'transcript', text: `green tea ${MARK}` } as typeof schema.searchEntries.$inferInsert);
	await db.insert(schema.searchVectors).values({ ...w, entryId: ids.entry, space: 's', values: [1, 0] });
	await db.insert(schema.assetTags).values({ ...w, assetId: ids.asset, tag: MARK, source: 'person' });
	await db.insert(schema.fingerprints).values({ id: randomUUID(), ...w, assetId: ids.asset, kind: 'picture', hash: 1n });
	await db.insert(schema.feedback).values({ id: randomUUID(), ...w, assetId: ids.asset, kind: 'caption', data: { note: MARK } });
	await db.insert(schema.auditLog).values({ ...w, actor: MARK, action: 'GET /x', status: 200, requestId: 'r' });
	await db.insert(schema.watchedFiles).values({ ...w, path: `${MARK}.mp4`, version: '1', assetId: ids.asset });
	await db.insert(schema.uploads).values({ ...w, assetId: ids.asset, protocol: 'put', bytes: 9, mime: 'video/mp4', expiresAt: new Date(Date.now() + 60_000), stagedKey: MARK });
}

/** Path parameters of A, by the beginning of the path. */
function address(route: Route): string {
	const owners: Array<[string, string]> = [
		['/api/media/assets', ids.asset],
		['/api/media/sign', ids.asset],
		['/api/media/jobs', ids.job],
		['/api/media/batches', ids.batch],
		['/api/media/callbacks', ids.callback],
		['/api/media/webhooks', ids.webhook],
		['/api/media/keys', ids.key],
		['/api/media/workspaces', A],
		['/api/media/pipelines', 'of-a'],
	];
	return route.path.replace(/\{\w+\}/g, () => {
		const [, id] = owners.find(([prefix]) => route.path.startsWith(prefix)) ?? [];
		if (!id) throw new Error(`${route.method} ${route.path}: say here what of workspace A it would name.`);
		return id;
	});
}

/** Bodies that name what is A's. Others get one that names the asset. */
const BODIES: Record<string, unknown> = {
	'/api/media/process': { asset_id: ids.asset, operations: [{ type: 'noop' }] },
	'/api/media/batch': { items: [{ operation: 'noop', asset_id: ids.asset, params: {} }, { operation: 'noop', job_id: ids.job, params: {} }] },
	'/api/media/callback': { job_id: ids.job, status: 'completed', output_data: { note: 'taken' } },
	'/api/media/feedback': { asset_id: ids.asset, kind: 'label', action: 'add', label: 'taken' },
	'/api/media/distribute': { asset_id: ids.asset, posts: [{ platform: 'x', text: 'hello' }] },
	'/api/media/distribute-callback': { asset_id: ids.asset, posts: [{ platform: 'x', status: 'published', external_post_id: '1' }] },
	'/api/media/webhooks': { url: 'https://hooks.test/x', events: ['post.*'], asset_id: ids.asset },
	'/api/media/assets/{id}/renditions': { operation: 'thumbnail', params: {} },
	'/api/media/assets/{id}': { title: 'taken' },
	'/api/media/keys': { name: 'x', scopes: ['read'], workspace_id: A },
	'/api/media/keys/{id}/rotate': {},
	'/api/media/workspaces': { id: 'taken' },
	'/api/media/jobs/{id}/cancel': {},
	'/api/media/jobs/{id}/retry': {},
	'/api/media/callbacks/{id}/redeliver': {},
	'/api/media/webhooks/{id}/enable': {},
};

/** What may be answered with success although the request names something of A: nothing of A is in it, which is checked all the same. */
const FINE = new Set(['get /api/media/jobs', 'get /api/media/posts', 'get /api/media/assets', 'get /api/media/assets/search', 'get /api/media/callbacks', 'get /api/media/webhooks', 'get /api/media/pipelines', 'get /api/media/keys', 'get /api/media/usage', 'get /api/media/quota', 'get /api/media/ai', 'get /api/media/audit', 'get /api/media/operations', 'get /api/media/whoami', 'get /api/media/workspace/settings', 'patch /api/media/workspace/settings', 'put /api/media/pipelines/{name}', 'post /api/media/retention', 'post /noop']);

let server: TestPostgres;
beforeAll(async () => {
	server = await startPostgres();
});
afterAll(() => server.stop());

describe.each([
	['the embedded database', () => openTestDatabase()],
	['Postgres', () => openPostgres({ url: server.url })],
])('with the key of another workspace, on %s,', (_name, open) => {
	let database: OpenDatabase;
	let pipeline: TestPipeline;
	let app: TestApp;
	beforeAll(async () => {
		database = await open();
		pipeline = await createTestPipeline({ database, operations: [noop(), ...createMediaOperations()] });
		app = await startTestApp(pipeline);
		await createWorkspace(database.db, A, KEY_A);
		await createWorkspace(database.db, B, KEY_B);
		await fill(database, (text) => pipeline.deps.vault.seal(text));
		const [key] = await database.db.select().from(schema.apiKeys).where(sql`workspace_id = ${A}`);
		ids.key = key?.id ?? '';
		await pipeline.deps.storage.putStream(RAW, Readable.from(['the film']));
		await pipeline.deps.storage.putStream(FILE, Readable.from(['the frame']));
	});
	afterAll(async () => {
		await app.close();
		await pipeline.close();
		await database.close();
	});

	const call = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
		const response = await fetch(`${app.url}${path}`, {
			method: method.toUpperCase(),
			redirect: 'manual',
			headers: { authorization: `Bearer ${KEY_B}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
			...(body === undefined ? {} : { body: JSON.stringify(body) }),
		});
		return { status: response.status, text: await response.text() };
	};

	/** Tables that rows of a workspace are in, with their columns. */
	const tables = async (): Promise<Array<{ name: string; own: string; columns: string[] }>> => {
		const { rows } = await database.db.execute<{ name: string; columns: string[] }>(sql`
			select t.table_name as name, array_agg(t.column_name::text order by t.ordinal_position) as columns
			from information_schema.columns t join pg_class c on c.relname = t.table_name and c.relnamespace = current_schema()::regnamespace
			where t.table_schema = current_schema() and t.is_generated = 'NEVER' and exists (select 1 from pg_policy p where p.polrelid = c.oid) group by 1 order by 1`);
		return rows.map(({ name, columns }) => ({
			name,
			columns,
			own: name === 'workspaces' ? `id = '${A}'` : columns.includes('workspace_id') ? `workspace_id = '${A}'` : `post_id = '${ids.post}'`,
		}));
	};
	/** All that A has; of its key, when it was used last does not count, and neither do lines that were added to its log. */
	const everything = async (): Promise<Map<string, string>> => {
		const all = new Map<string, string>();
		for (const { name, own } of await tables()) {
			const { rows } = await database.db.execute<{ content: string }>(sql.raw(`select jsonb_agg(to_jsonb(t) - 'last_used_at' order by to_jsonb(t)::text)::text as content from ${name} t where ${own}${name === 'audit_log' ? ` and actor = '${MARK}'` : ''}`));
			all.set(name, rows[0]?.content ?? '');
		}
		return all;
	};

	it('there is a row of workspace A in every table, so that what follows proves something', async () => {
		expect([...(await everything())].filter(([, content]) => content === '').map(([name]) => name)).toEqual([]);
	});

	it('every endpoint answers as if there were nothing of it', async () => {
		const before = await everything();
		const wrong: string[] = [];
		for (const route of routesOf(pipeline.deps.operations.values())) {
			if (route.open || route.contentType === 'text/event-stream') continue;
			const path = address(route);
			const operation = pipeline.deps.operations.get(route.path.slice(1));
			const query = route.method === 'get' ? `?${Object.keys(route.query ?? {}).flatMap((name) => ({ asset_id: `asset_id=${ids.asset}`, similar_to: '', q: 'q=tea', experiment: 'experiment=e' })[name] ?? []).filter(Boolean).join('&')}` : '';
			const body = route.body || route.method === 'post' ? (BODIES[route.path] ?? (route.path.includes('{id}') ? {} : { asset_id: ids.asset, ...(operation ? { params: operation.example } : { workspace_id: A }) })) : undefined;
			const { status, text } = await call(route.method, `${path}${query}`, body);
			const name = `${route.method} ${route.path}`;
			if (text.includes(MARK) || text.includes('777777') || text.includes('"max_assets":7777') || text.includes(RAW)) wrong.push(`${name}: leaks ${text.slice(0, 200)}`);
			if (status >= 500) wrong.push(`${name}: ${status} ${text}`);
			if (status < 400 && !FINE.has(name)) wrong.push(`${name}: answered ${status} ${text.slice(0, 200)}`);
			// Named in its path, it must not even be said that it is there.
			if (/\{id\}/.test(route.path) && ![404, 403].includes(status)) wrong.push(`${name}: ${status} instead of 404: ${text.slice(0, 200)}`);
			if (operation && operation.accepts !== 'none' && status !== 404) wrong.push(`${name}: ${status} instead of 404: ${text.slice(0, 200)}`);
			if (status === 403 && !['admin', 'platform'].includes(route.scope ?? '') && !text.includes('workspace_id')) wrong.push(`${name}: 403 ${text}`);
		}
		expect(wrong).toEqual([]);
		expect(await everything()).toEqual(before);
	});

	it('nothing of it is found by search, in whatever way', async () => {
		for (const query of ['q=tea', `q=${MARK}`, 'type=video', `tag=${MARK}`, 'q=%22green%20tea%22']) {
			const { status, text } = await call('get', `/api/media/assets/search?${query}`);
			expect([query, status, JSON.parse(text)]).toMatchObject([query, 200, { results: [] }]);
		}
		const similar = await call('get', `/api/media/assets/search?similar_to=${ids.asset}`);
		expect([similar.status, similar.text.includes(MARK)]).toEqual([404, false]);
	});

	it('an idempotency key of it is not known, and its answer is not given', async () => {
		const { status, text } = await call('post', '/noop', { params: {} }, { 'idempotency-key': 'same-key' });
		expect([status, text.includes(MARK)]).toEqual([202, false]);
	});

	it('its events are not sent, neither old nor new ones', async () => {
		const leaving = new AbortController();
		const response = await fetch(`${app.url}/api/media/events`, { headers: { authorization: `Bearer ${KEY_B}`, 'last-event-id': '1' }, signal: leaving.signal });
		let text = '';
		const reading = (async () => {
			for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) text += chunk;
		})().catch(() => {});
		await recordEvents(database.db, [
			{ workspaceId: A, type: 'job.failed', assetId: ids.asset, data: { note: MARK } },
			{ workspaceId: B, type: 'job.failed', data: { note: 'mine' } },
		]);
		await until(() => text.includes('mine'), 'the own event came');
		expect(text).not.toContain(MARK);
		leaving.abort();
		await reading;
	});

	it('its files are reached by their own signed links only', async () => {
		const signed = new URL(fileLink(SIGNING_KEY, app.url, `raw/${B}/x.mp4`, new Date(Date.now() + 60_000)));
		for (const path of [`/files/${RAW}`, `/files/${RAW}${signed.search}`, `/files/raw/${B}/../${A}/${ids.asset}.mp4${signed.search}`, `/files/raw/${B}/..%2f${A}%2f${ids.asset}.mp4${signed.search}`, `/packages/x/${FILE}`]) {
			const { status, text } = await call('get', path);
			expect([path, status >= 400, text.includes('the film')]).toEqual([path, true, false]);
		}
		const own = new URL(fileLink(SIGNING_KEY, app.url, RAW, new Date(Date.now() + 60_000)));
		expect(await call('get', `${own.pathname}${own.search}`)).toEqual({ status: 200, text: 'the film' });
	});

	it('no table has a row of it, and none takes one', async () => {
		const before = await everything();
		const theirs = database.forWorkspace(B);
		const wrong: string[] = [];
		const attempt = async (what: string, statement: string): Promise<void> => {
			const result = await theirs.execute<{ n: number }>(sql.raw(statement)).catch((error: unknown) => {
				const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
				return cause;
			});
			if (typeof result === 'string' ? !/row-level security|permission denied/.test(result) : what.startsWith('insert') || result.rows[0]?.n !== 0) wrong.push(`${what}: ${JSON.stringify(result)}`);
		};
		for (const { name, own, columns } of await tables()) {
			const [first = ''] = columns;
			await attempt(`select ${name}`, `select count(*)::int as n from ${name} where ${own}`);
			await attempt(`update ${name}`, `with changed as (update ${name} set ${first} = ${first} where ${own} returning 1) select count(*)::int as n from changed`);
			await attempt(`delete ${name}`, `with gone as (delete from ${name} where ${own} returning 1) select count(*)::int as n from gone`);
			const { rows } = await database.db.execute<{ row: string }>(sql.raw(`select to_jsonb(t)::text as row from ${name} t where ${own} limit 1`));
			const list = columns.map((column) => `"${column}"`).join(', ');
			await attempt(`insert ${name}`, `insert into ${name} (${list}) select ${list} from jsonb_populate_record(null::${name}, '${(rows[0]?.row ?? '').replaceAll("'", "''")}')`);
		}
		expect(wrong).toEqual([]);
		expect(await everything()).toEqual(before);
	});

	it('its files are in folders of its own', async () => {
		const { rows } = await database.db.execute<{ key: string }>(sql`select storage_key as key from assets where workspace_id = ${A} union all select storage_key from files where workspace_id = ${A}`);
		for (const { key } of rows) expect(key.split('/')[1]).toBe(A);
	});
});
