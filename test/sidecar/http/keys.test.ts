import { randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { eq } from 'drizzle-orm';
import { SCOPES } from '../../../sidecar/src/contract/scopes.ts';
import { apiKeys, assets, jobs, workspaces } from '../../../sidecar/src/db/schema.ts';
import { createWorkspace, ensureDefaultWorkspace } from '../../../sidecar/src/db/workspaces.ts';
import { createApp } from '../../../sidecar/src/http/app.ts';
import { EventFeed } from '../../../sidecar/src/http/events.ts';
import { routesOf } from '../../../sidecar/src/http/openapi.ts';
import { createFindRoute } from '../../../sidecar/src/http/route.ts';
import { Readable } from 'node:stream';
import { fileLink } from '../../../sidecar/src/storage/signed-url.ts';
import { SIGNING_KEY, startTestApp, type TestApp } from '../../support/app.ts';
import { createTestPipeline, noop, task, until, type TestPipeline } from '../../support/pipeline.ts';

interface Answer {
	id: string;
	key: string;
	name: string;
	hint: string;
	scopes: string[];
	expires_at: string | null;
	last_used_at: string | null;
	keys: Answer[];
	workspace_id: string;
	error: { code: string; message: string; details?: Record<string, unknown> };
}
/** Of POST /workspaces, whose `key` is an object. */
interface Made {
	id: string;
	key: Answer;
}

const OPERATOR = 'operator-key-0123456789';
const MINE = 'key-of-mine-0123456789';

describe('API keys', () => {
	let pipeline: TestPipeline;
	let app: TestApp;
	beforeAll(async () => {
		pipeline = await createTestPipeline({ operations: [noop(), task('publish', async () => ({}))] });
		app = await startTestApp(pipeline);
		await ensureDefaultWorkspace(pipeline.deps.db, OPERATOR);
		await createWorkspace(pipeline.deps.db, 'mine', MINE);
	});
	afterAll(async () => {
		await app.close();
		await pipeline.close();
	});

	const ask = async <T = Answer>(key: string, method: string, path: string, body?: unknown): Promise<{ status: number; body: T; headers: Headers }> => {
		const response = await fetch(`${app.url}${path}`, {
			method,
			headers: { authorization: `Bearer ${key}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
			...(body === undefined ? {} : { body: JSON.stringify(body) }),
		});
		return { status: response.status, headers: response.headers, body: (await response.json()) as T };
	};
	/** The path as it is: fetch would tidy it up. */
	const raw = (key: string, method: string, path: string, body: unknown): Promise<number> =>
		new Promise((resolve, reject) => {
			const { hostname, port } = new URL(app.url);
			request({ hostname, port, method, path, headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' } }, (answer) => answer.resume().on('end', () => resolve(answer.statusCode ?? 0))).on('error', reject).end(JSON.stringify(body));
		});
	const make = async (scopes: string[], more: Record<string, unknown> = {}, by = MINE): Promise<Answer> => {
		const { status, body } = await ask(by, 'POST', '/api/media/keys', { name: 'a program', scopes, ...more });
		expect([status, body.error]).toEqual([201, undefined]);
		return body;
	};

	it('are shown once, and stored as their hash', async () => {
		const { status, body, headers } = await ask(MINE, 'POST', '/api/media/keys', { name: 'n8n', scopes: ['read', 'write'], expires_in: 3600 });
		expect([status, headers.get('cache-control')]).toEqual([201, 'no-store']);
		expect(body.key).toMatch(/^mp_[\w-]{43}$/);
		expect(body).toMatchObject({ name: 'n8n', hint: body.key.slice(-4), scopes: ['read', 'write'], last_used_at: null });
		const list = await ask(MINE, 'GET', '/api/media/keys');
		expect(list.body.keys.map(({ name }) => name)).toEqual(['n8n', 'first']);
		expect(JSON.stringify(list.body)).not.toContain(body.key);
		const rows = await pipeline.deps.db.select().from(apiKeys);
		expect(JSON.stringify(rows)).not.toContain(body.key);
		expect((await ask(body.key, 'GET', '/api/media/whoami')).body).toMatchObject({ workspace_id: 'mine' });
	});

	it('do what their scopes say, and are told which one is missing', async () => {
		const { key } = await make(['read']);
		expect((await ask(key, 'GET', '/api/media/jobs')).status).toBe(200);
		const { status, body } = await ask(key, 'POST', '/noop', { params: {} });
		expect([status, body.error.code, body.error.details]).toEqual([403, 'forbidden', { scope: 'write', has: ['read'] }]);
		expect(body.error.message).toContain('"write"');
		expect(await pipeline.deps.db.select().from(jobs).where(eq(jobs.workspaceId, 'mine'))).toEqual([]);
		// However the address is written: Express takes it, too.
		for (const path of ['/NOOP', '/noop/', '/Api/Media/Keys', '/api/media/keys/']) expect([path, (await ask(key, 'POST', path, { params: {}, name: 'x', scopes: ['*'] })).status]).toEqual([path, 403]);
		// What is written in a way that Express or the table does not take is nothing, or for keys that may do everything.
		for (const path of ['/%6eoop', '//noop', '/api/media//keys', '//api/media/keys', '/api//media/keys', '/api/media/keys//', '/api/media/%6beys', '/api/media/x/../keys', '/api/media/keys;x', '/api/media/keys/%2e']) {
			const given = await raw(key, 'POST', path, { params: {}, name: 'x', scopes: ['read'] });
			expect([path, given >= 400 && given < 500]).toEqual([path, true]);
		}
		// Nothing in the request but the key says which workspace.
		const aside = await fetch(`${app.url}/api/media/whoami?workspace_id=default`, { headers: { authorization: `Bearer ${key}`, 'x-workspace': 'default', 'x-workspace-id': 'default', 'x-http-method-override': 'DELETE', 'x-original-url': '/api/media/keys', 'x-forwarded-host': 'default' } });
		expect(await aside.json()).toMatchObject({ workspace_id: 'mine' });
		expect((await ask(key, 'GET', '/api/media/nothing')).status).toBe(403);
	});

	it('do not publish without the scope, in whatever way the job comes', async () => {
		const { key } = await make(['read', 'write']);
		const job = randomUUID();
		await pipeline.deps.db.insert(jobs).values({ id: job, workspaceId: 'mine', jobType: 'publish', status: 'failed', params: {}, completedAt: new Date() });
		for (const [path, body] of [
			['/publish', { params: {} }],
			['/api/media/batch', { items: [{ operation: 'noop', params: {} }, { operation: 'publish', params: {} }] }],
			['/api/media/batch', { items: [{ operation: 'publish', job_id: job, params: {} }] }],
			[`/api/media/jobs/${job}/retry`, {}],
		] as const) {
			const answer = await ask(key, 'POST', path, body);
			expect([path, answer.status, answer.body.error?.details]).toMatchObject([path, 403, { scope: 'publish' }]);
		}
		expect((await pipeline.deps.db.select().from(jobs).where(eq(jobs.workspaceId, 'mine'))).map(({ status }) => status)).toEqual(['failed']);
		const { key: may } = await make(['write', 'publish']);
		expect((await ask(may, 'POST', '/publish', { params: {} })).status).toBe(202);
		await pipeline.deps.db.delete(jobs);
	});

	it('are not shown what a key that may do something else was answered', async () => {
		const { id, key } = await make(['read', 'write']);
		const { key: less } = await make(['write']);
		const send = async (by: string) => {
			const response = await fetch(`${app.url}/noop`, { method: 'POST', headers: { authorization: `Bearer ${by}`, 'content-type': 'application/json', 'idempotency-key': 'the same' }, body: '{"params":{}}' });
			return { status: response.status, body: (await response.json()) as Answer & { job_id?: string } };
		};
		const first = await send(key);
		expect([first.status, (await send(key)).body.job_id]).toEqual([202, first.body.job_id]);
		const other = await send(less);
		expect([other.status, other.body.error.code, JSON.stringify(other.body).includes(first.body.job_id ?? '?')]).toEqual([409, 'idempotency_conflict', false]);
		// The key that has taken its place finds it.
		const { body: rotated } = await ask(MINE, 'POST', `/api/media/keys/${id}/rotate`, { grace_seconds: 0 });
		expect((await send(rotated.key)).body.job_id).toBe(first.body.job_id);
		await pipeline.deps.db.delete(jobs);
	});

	it('give away only what they have themselves', async () => {
		const { key } = await make(['admin', 'read']);
		expect((await ask(key, 'POST', '/api/media/keys', { name: 'x', scopes: ['read'] })).status).toBe(201);
		for (const scopes of [['*'], ['read', 'publish']]) expect((await ask(key, 'POST', '/api/media/keys', { name: 'x', scopes })).status).toBe(403);
		const all = await make(['*']);
		expect((await ask(key, 'POST', `/api/media/keys/${all.id}/rotate`, {})).status).toBe(403);
		expect((await ask(key, 'DELETE', `/api/media/keys/${all.id}`)).status).toBe(403);
		expect((await ask(all.key, 'GET', '/api/media/whoami')).status).toBe(200);
	});

	it('are changed for new ones: the old one works until the grace time is over, and not a moment longer', async () => {
		const old = await make(['read']);
		const { status, body } = await ask(MINE, 'POST', `/api/media/keys/${old.id}/rotate`, { grace_seconds: 3600 });
		expect([status, body.scopes, body.name, body.expires_at]).toEqual([201, ['read'], 'a program', null]);
		for (const key of [old.key, body.key]) expect((await ask(key, 'GET', '/api/media/whoami')).status).toBe(200);
		// An hour has passed.
		await pipeline.deps.db.update(apiKeys).set({ expiresAt: new Date(Date.now() - 1) }).where(eq(apiKeys.id, old.id));
		expect((await ask(old.key, 'GET', '/api/media/whoami')).status).toBe(401);
		expect((await ask(MINE, 'POST', `/api/media/keys/${old.id}/rotate`, {})).status).toBe(404);
		const now = await ask(MINE, 'POST', `/api/media/keys/${body.id}/rotate`, { grace_seconds: 0 });
		expect((await ask(body.key, 'GET', '/api/media/whoami')).status).toBe(401);
		expect((await ask(now.body.key, 'GET', '/api/media/whoami')).status).toBe(200);
	});

	it('of two rotations at once, one is made', async () => {
		const old = await make(['read']);
		const answers = await Promise.all([0, 0].map((grace) => ask(MINE, 'POST', `/api/media/keys/${old.id}/rotate`, { grace_seconds: grace })));
		expect(answers.map(({ status }) => status).sort()).toEqual([201, 404]);
	});

	it('are rotated once: another key of it would end with the grace of the old one', async () => {
		const old = await make(['read']);
		expect((await ask(MINE, 'POST', `/api/media/keys/${old.id}/rotate`, {})).status).toBe(201);
		const again = await ask(MINE, 'POST', `/api/media/keys/${old.id}/rotate`, {});
		expect([again.status, again.body.error.code]).toEqual([409, 'conflict']);
	});

	it('stop working when they are deleted or expire', async () => {
		const one = await make(['read']);
		expect((await ask(MINE, 'DELETE', `/api/media/keys/${one.id}`)).status).toBe(200);
		expect((await ask(one.key, 'GET', '/api/media/whoami')).status).toBe(401);
		expect((await ask(MINE, 'DELETE', `/api/media/keys/${one.id}`)).status).toBe(404);
	});

	it('say when they were used, to the minute, and write it down once', async () => {
		const { id, key } = await make(['read']);
		await ask(key, 'GET', '/api/media/whoami');
		const read = async () => (await pipeline.deps.db.select().from(apiKeys).where(eq(apiKeys.id, id)))[0]?.lastUsedAt ?? null;
		await until(async () => (await read()) !== null, 'the use is written down');
		expect((await read())?.getSeconds()).toBe(0);
		// Of this minute: another use changes nothing, so the row is left alone.
		const marked = new Date(Date.now() + 86_400_000);
		await pipeline.deps.db.update(apiKeys).set({ lastUsedAt: marked }).where(eq(apiKeys.id, id));
		await ask(key, 'GET', '/api/media/whoami');
		expect(await read()).toEqual(marked);
	});

	it.each([
		[{ name: '', scopes: ['read'] }, 'name'],
		[{ name: 'x', scopes: [] }, 'scopes'],
		[{ name: 'x', scopes: ['root'] }, 'scopes'],
		[{ name: 'x', scopes: ['read'], expires_in: -1 }, 'expires_in'],
		[{ name: 'x', scopes: ['read'], more: 1 }, 'more'],
		[{ name: 'bootstrap', scopes: ['read'] }, 'name'],
	])('are refused with the field that is wrong: %j', async (body, field) => {
		const { status, body: answer } = await ask(MINE, 'POST', '/api/media/keys', body);
		expect([status, answer.error.message]).toEqual([400, expect.stringContaining(field)]);
	});

	it('of the operator are changed by configuration alone', async () => {
		const [row] = await pipeline.deps.db.select().from(apiKeys).where(eq(apiKeys.name, 'bootstrap'));
		for (const [method, path] of [['DELETE', `/api/media/keys/${row?.id}`], ['POST', `/api/media/keys/${row?.id}/rotate`]] as const) {
			const { status, body } = await ask(OPERATOR, method, path, method === 'POST' ? {} : undefined);
			expect([status, body.error.message]).toEqual([409, expect.stringContaining('API_KEY')]);
		}
	});

	describe('and workspaces', () => {
		it('are made by keys of the operator only, even those that may do everything elsewhere', async () => {
			for (const [method, path, body] of [['POST', '/api/media/workspaces', { id: 'x' }], ['GET', '/api/media/workspaces', undefined], ['DELETE', '/api/media/workspaces/mine', undefined]] as const) {
				expect((await ask(MINE, method, path, body)).status).toBe(403);
			}
			const { key } = await make(['read', 'write', 'publish', 'delete', 'admin'], {}, OPERATOR);
			expect((await ask(key, 'POST', '/api/media/workspaces', { id: 'x' })).status).toBe(403);
			const { key: platform } = await make(['platform'], {}, OPERATOR);
			expect((await ask(platform, 'GET', '/api/media/workspaces')).status).toBe(200);
			expect((await ask(platform, 'GET', '/api/media/jobs')).status).toBe(403);
		});

		it('come with a first key that opens them', async () => {
			const made = await ask<Made>(OPERATOR, 'POST', '/api/media/workspaces', { id: 'shop', name: 'The shop' });
			expect([made.status, made.body]).toMatchObject([201, { id: 'shop', name: 'The shop', key: { scopes: ['*'], name: 'first' } }]);
			expect((await ask(made.body.key.key, 'GET', '/api/media/whoami')).body.workspace_id).toBe('shop');
			expect((await ask(OPERATOR, 'POST', '/api/media/workspaces', { id: 'shop' })).status).toBe(409);
			for (const id of ['Shop', '../x', '', 'a'.repeat(64), 'ä']) expect((await ask(OPERATOR, 'POST', '/api/media/workspaces', { id })).status).toBe(400);
		});

		it('change their settings, but for their quotas, which the operator sets', async () => {
			type Settings = Answer & { quotas: Record<string, number | null>; originals: string };
			const patch = (key: string, path: string, body: unknown) => ask<Settings>(key, 'PATCH', `/api/media/${path}/settings`, body);
			const set = await patch(OPERATOR, 'workspaces/mine', { quotas: { max_assets: 5 } });
			expect([set.status, set.body.quotas['max_assets']]).toEqual([200, 5]);
			for (const quotas of [null, {}, { max_assets: null }, { max_assets: 5, requests_per_minute: 1_000_000 }]) {
				const { status, body } = await patch(MINE, 'workspace', { quotas, originals: 'delete' });
				expect([status, body.error.code, body.error.details]).toEqual([403, 'forbidden', { field: 'quotas', scope: 'platform' }]);
				expect(body.error.message).toContain('/api/media/workspaces/{id}/settings');
			}
			expect((await patch(MINE, 'workspaces/mine', { quotas: null })).status).toBe(403);
			const own = await patch(MINE, 'workspace', { originals: 'archive' });
			expect([own.status, own.body.originals, own.body.quotas['max_assets']]).toEqual([200, 'archive', 5]);
			const seen = await ask<Settings>(OPERATOR, 'GET', '/api/media/workspaces/mine/settings');
			expect([seen.status, seen.body.originals, seen.body.quotas['max_assets']]).toEqual([200, 'archive', 5]);
			expect((await patch(OPERATOR, 'workspaces/mine', { quotas: null, originals: null })).body).toMatchObject({ originals: 'keep', quotas: { max_assets: null } });
			for (const body of [{ quotas: { max_assets: -1 } }, { quotas: { nothing: 1 } }, { workspace_id: 'default' }]) expect((await patch(OPERATOR, 'workspaces/mine', body)).status).toBe(400);
			for (const path of ['workspaces/nowhere', 'workspaces/%2e%2e']) expect((await patch(OPERATOR, path, { originals: 'keep' })).status).toBe(404);
			expect((await ask(OPERATOR, 'GET', '/api/media/workspaces/nowhere/settings')).status).toBe(404);
		});

		it('of the operator has quotas that its own keys may set, and no others', async () => {
			const patch = async (key: string, path: string) => (await ask(key, 'PATCH', `/api/media/${path}/settings`, { quotas: { max_assets: 9 } })).status;
			const { key: admin } = await make(['admin'], {}, OPERATOR);
			const { key: platform } = await make(['platform'], {}, OPERATOR);
			expect([await patch(admin, 'workspace'), await patch(platform, 'workspace'), await patch(platform, 'workspaces/default')]).toEqual([403, 403, 403]);
			expect([await patch(OPERATOR, 'workspace'), await patch(OPERATOR, 'workspaces/default'), await patch(platform, 'workspaces/mine')]).toEqual([200, 200, 200]);
			for (const path of ['workspaces/default', 'workspaces/mine']) expect((await ask(OPERATOR, 'PATCH', `/api/media/${path}/settings`, { quotas: null })).status).toBe(200);
		});

		it('that have lost their keys get one from the operator, whose own are not made in this way', async () => {
			await createWorkspace(pipeline.deps.db, 'lost', 'key-of-lost-0123456789');
			const { key: platform } = await make(['platform'], {}, OPERATOR);
			const body = { name: 'again', scopes: ['admin', 'read'] };
			const made = await ask(platform, 'POST', '/api/media/workspaces/lost/keys', body);
			expect([made.status, made.body.scopes, made.headers.get('cache-control')]).toEqual([201, ['admin', 'read'], 'no-store']);
			expect((await ask(made.body.key, 'GET', '/api/media/whoami')).body.workspace_id).toBe('lost');
			expect((await ask(MINE, 'POST', '/api/media/workspaces/lost/keys', body)).status).toBe(403);
			expect((await ask(platform, 'POST', '/api/media/workspaces/nowhere/keys', body)).status).toBe(404);
			expect((await ask(platform, 'POST', '/api/media/workspaces/default/keys', { name: 'x', scopes: ['*'] })).status).toBe(409);
			expect((await ask(platform, 'POST', '/api/media/workspaces/lost/keys', { ...body, name: 'bootstrap' })).status).toBe(400);
		});

		it('are deleted when they are empty, or with everything and nothing of others', async () => {
			const { db, storage } = pipeline.deps;
			const made = await ask<Made>(OPERATOR, 'POST', '/api/media/workspaces', { id: 'gone' });
			// A name that begins with the other one.
			await createWorkspace(db, 'gone-2', 'key-of-gone-2-0123456789');
			for (const id of ['gone', 'gone-2']) {
				await db.insert(assets).values({ id: randomUUID(), workspaceId: id, source: 'upload', status: 'ready' });
				for (const folder of ['raw', 'jobs', 'incoming', 'public']) await storage.putStream(`${folder}/${id}/x/a.bin`, Readable.from(['x']));
			}
			expect((await ask(made.body.key.key, 'POST', '/noop', { params: {} })).status).toBe(202);
			const links = ['raw/gone/x/a.bin', 'public/gone/x/a.bin'].map((stored) => fileLink(SIGNING_KEY, app.url, stored, new Date(Date.now() + 60_000)));
			const byLink = () => Promise.all(links.map(async (link) => (await fetch(link)).status));
			expect(await byLink()).toEqual([200, 200]);
			const refused = await ask(OPERATOR, 'DELETE', '/api/media/workspaces/gone');
			expect([refused.status, refused.body.error.details]).toEqual([409, { has: expect.arrayContaining(['assets', 'jobs']) }]);
			expect((await ask(made.body.key.key, 'GET', '/api/media/whoami')).status).toBe(200);
			expect((await ask(OPERATOR, 'DELETE', '/api/media/workspaces/gone?force=true')).status).toBe(200);
			expect((await ask(made.body.key.key, 'GET', '/api/media/whoami')).status).toBe(401);
			expect(await db.select().from(workspaces).where(eq(workspaces.id, 'gone'))).toEqual([]);
			expect(await byLink()).toEqual([404, 404]);
			const left: string[] = [];
			for await (const { key } of storage.list('')) left.push(key);
			expect(left.sort()).toEqual(['incoming/gone-2/x/a.bin', 'jobs/gone-2/x/a.bin', 'public/gone-2/x/a.bin', 'raw/gone-2/x/a.bin']);
			expect(await db.select().from(assets)).toHaveLength(1);
			expect((await ask(OPERATOR, 'DELETE', '/api/media/workspaces/gone')).status).toBe(404);
			await createWorkspace(db, 'empty', 'key-of-empty-0123456789');
			expect((await ask(OPERATOR, 'DELETE', '/api/media/workspaces/empty')).status).toBe(200);
			expect((await ask(OPERATOR, 'DELETE', '/api/media/workspaces/default?force=true')).status).toBe(409);
		});
	});
});

/** Of express (router 2): what a router tries in turn. */
interface Layer {
	route?: { path: unknown; methods: Record<string, boolean> };
	handle: { stack?: Layer[] };
}
/** All before the API key: documentation, what pages of the player load, and paths of several segments that the document has in parts. */
const UNLISTED: readonly string[] = [
	...['/docs/', '/docs/setup.js', '/openapi.json', '/packages/*key', '/player/hls.js', '/player/player.css', '/player/player.js', '/player/theme.css', '/public/*key', '/renditions/*path'].map((path) => `get ${path}`),
	...['/tus/:permission/:asset', '/tus/:permission/:asset/:upload'].map((path) => `_all ${path}`),
];

describe('routes', () => {
	const all = routesOf([noop()]);

	it('each declare what a key must be allowed to do, or are open', () => {
		const wrong = all.filter(({ open, scope }) => (open === true) === (scope !== undefined) || (scope !== undefined && scope !== 'any' && !SCOPES.includes(scope)));
		expect(wrong.map(({ method, path }) => `${method} ${path}`)).toEqual([]);
	});

	it('are found by the request that Express gives to them', () => {
		const find = createFindRoute([noop()]);
		expect(find('GET', '/api/media/assets/search')?.route.path).toBe('/api/media/assets/search');
		expect(find('HEAD', '/API/media/assets/x/')).toMatchObject({ route: { path: '/api/media/assets/{id}' }, params: { id: 'x' } });
		expect(find('GET', '/files/raw/mine/x.mp4')?.params).toEqual({ key: 'raw/mine/x.mp4' });
		expect(find('GET', '/api/media/assets/x/y/z')).toBeNull();
		expect(find('POST', '/noop')?.route.scope).toBe('write');
	});

	it('of Express are all in the document: it is what scopes, tests with hostile requests and the audit log go by', async () => {
		const pipeline = await createTestPipeline({ operations: [noop()] });
		const app = await startTestApp(pipeline);
		const feed = new EventFeed(app.deps);
		const find = createFindRoute(app.deps.operations.values());
		const found: string[] = [];
		const walk = (stack: Layer[]): void => {
			for (const { route, handle } of stack) {
				if (handle.stack) walk(handle.stack);
				for (const path of route ? [route.path].flat() : []) {
					const plain = typeof path === 'string' ? path.replace(/[:*]\w+/g, 'x').replace(/\{[^}]*\}/g, '') : String(path);
					for (const method of Object.keys(route?.methods ?? {})) if (!['', '/api/media'].some((mount) => find(method, `${mount}${plain}`))) found.push(`${method} ${String(path)}`);
				}
			}
		};
		walk(createApp(app.deps, feed).router.stack as Layer[]);
		await feed.stop();
		await app.close();
		await pipeline.close();
		expect(found.sort()).toEqual([...UNLISTED].sort());
	});

	it('use the database of the caller, not the whole, wherever there is a caller', async () => {
		const folder = fileURLToPath(new URL('../../../sidecar/src/http/', import.meta.url));
		/** Files that may, and why. */
		const may: Record<string, string> = {
			'request.ts': 'finds out who asks',
			'audit-calls.ts': 'writes for links, too',
			'rate-limits.ts': 'counts before anybody is let in',
			'workspaces.ts': 'the operator sees all workspaces',
			'files.ts': 'signed links',
			'deliver.ts': 'signed links',
			'renditions.ts': 'signed links',
			'uploads.ts': 'signed links',
			'tus.ts': 'signed links',
			'direct-uploads.ts': 'signed links',
			'events.ts': 'one reader for all who listen',
			'retention.ts': 'asks the clock of the database; the clean-up takes the workspace of the key',
			'service.ts': 'health',
			'deps.ts': 'types',
			'app.ts': 'composition',
		};
		const wrong: string[] = [];
		for (const name of await readdir(folder)) {
			if (name in may || !name.endsWith('.ts')) continue;
			const text = await readFile(`${folder}${name}`, 'utf8');
			if (/deps\.db\b|deps\.database\b|\{[^}]*\bdb\b[^}]*\} = deps/.test(text)) wrong.push(name);
		}
		expect(wrong).toEqual([]);
	});
});
