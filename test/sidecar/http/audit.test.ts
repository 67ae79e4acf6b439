import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { asc, eq } from 'drizzle-orm';
import { csvCell, type AuditEntry } from '../../../sidecar/src/contract/audit.ts';
import { apiKeys, assets, auditLog, jobs } from '../../../sidecar/src/db/schema.ts';
import { createWorkspace } from '../../../sidecar/src/db/workspaces.ts';
import { createAuditTrail } from '../../../sidecar/src/ops/audit-trail.ts';
import { fileLink } from '../../../sidecar/src/storage/signed-url.ts';
import { SIGNING_KEY, startTestApp, type TestApp } from '../../support/app.ts';
import { createTestPipeline, until, type TestPipeline } from '../../support/pipeline.ts';

const MINE = 'key-of-mine-0123456789';
const THEIRS = 'key-of-theirs-0123456789';

describe('the audit log', () => {
	let pipeline: TestPipeline;
	let app: TestApp;
	let keyId: string;
	const asset = randomUUID();
	beforeAll(async () => {
		pipeline = await createTestPipeline();
		app = await startTestApp(pipeline);
		const { db } = pipeline.deps;
		await createWorkspace(db, 'mine', MINE);
		await createWorkspace(db, 'theirs', THEIRS);
		keyId = (await db.select().from(apiKeys).where(eq(apiKeys.workspaceId, 'mine')))[0]?.id ?? '';
		await db.insert(assets).values({ id: asset, workspaceId: 'mine', source: 'upload', status: 'ready', mime: 'video/mp4' });
		await pipeline.deps.storage.putStream(`raw/mine/${asset}.mp4`, Readable.from(['the film']));
	});
	afterAll(async () => {
		await app.close();
		await pipeline.close();
	});

	const ask = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}, key = MINE) => {
		const response = await fetch(path.startsWith('http') ? path : `${app.url}${path}`, {
			method,
			headers: { ...(key ? { authorization: `Bearer ${key}` } : {}), ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
			...(body === undefined ? {} : { body: JSON.stringify(body) }),
		});
		return { status: response.status, headers: response.headers, text: await response.text() };
	};
	const rows = () => pipeline.deps.db.select().from(auditLog).where(eq(auditLog.workspaceId, 'mine')).orderBy(asc(auditLog.id));
	/** The last line that was written; of what only reads, once it is there. */
	const last = async (requestId: string) => {
		let found: Awaited<ReturnType<typeof rows>> = [];
		await until(async () => (found = (await rows()).filter((row) => row.requestId === requestId)).length > 0, 'the call is in the log');
		expect(found).toHaveLength(1);
		return found[0];
	};
	const requestIdOf = ({ headers }: { headers: Headers }): string => headers.get('x-request-id') ?? '';

	it('has what changes something before the answer goes out', async () => {
		const answer = await ask('POST', '/noop', { params: {} });
		const { job_id: job } = JSON.parse(answer.text) as { job_id: string };
		// Not waited for.
		const [row] = (await rows()).filter(({ requestId }) => requestId === requestIdOf(answer));
		expect(row).toMatchObject({ apiKeyId: keyId, actor: 'first', action: 'POST /noop', target: job, status: 202, code: null, address: '127.0.0.1' });
		const made = await ask('POST', '/api/media/webhooks', { url: 'https://hooks.test/x?token=hidden-token', events: ['post.*'] });
		const [second] = (await rows()).filter(({ requestId }) => requestId === requestIdOf(made));
		expect(second).toMatchObject({ action: 'POST /api/media/webhooks', target: (JSON.parse(made.text) as { id: string }).id, status: 201 });
	});

	it('has neither the job nor the line when the transaction fails in the end', async () => {
		const before = (await pipeline.deps.db.select().from(jobs)).length;
		const { queue } = pipeline.deps;
		const broken = await startTestApp(pipeline, { queue: { ...queue, send: () => Promise.reject(new Error('the queue is down')) } });
		const response = await fetch(`${broken.url}/noop`, { method: 'POST', headers: { authorization: `Bearer ${MINE}`, 'content-type': 'application/json' }, body: '{"params":{}}' });
		expect(response.status).toBe(500);
		expect(await pipeline.deps.db.select().from(jobs)).toHaveLength(before);
		expect((await rows()).filter(({ requestId }) => requestId === response.headers.get('x-request-id'))).toMatchObject([{ status: 500, code: 'internal' }]);
		await broken.close();
	});

	it('has what is only read, and what was refused, with the reason', async () => {
		expect(await last(requestIdOf(await ask('GET', `/api/media/assets/${asset}`)))).toMatchObject({ action: 'GET /api/media/assets/{id}', target: asset, status: 200, code: null });
		expect(await last(requestIdOf(await ask('GET', `/api/media/assets/${randomUUID()}`)))).toMatchObject({ status: 404, code: 'not_found' });
		expect(await last(requestIdOf(await ask('POST', '/api/media/batch', { items: [] })))).toMatchObject({ status: 400, code: 'invalid_request' });
	});

	it('has a file that is read by its link once a minute for each client, however many ranges it fetches', async () => {
		const link = fileLink(SIGNING_KEY, app.url, `raw/mine/${asset}.mp4`, new Date(Date.now() + 60_000));
		const answers = [];
		for (let at = 0; at < 5; at += 1) answers.push(await ask('GET', link, undefined, { range: `bytes=${at}-${at}` }, ''));
		expect(answers.map(({ status }) => status)).toEqual([206, 206, 206, 206, 206]);
		await until(async () => (await rows()).some(({ actor }) => actor === 'link'), 'the link is in the log');
		await ask('POST', '/noop', { params: {} });
		const byLink = (await rows()).filter(({ actor }) => actor === 'link');
		// Two where a minute ended in between.
		expect(byLink.length).toBeLessThanOrEqual(2);
		expect(byLink[0]).toMatchObject({ apiKeyId: null, action: 'GET /files/{key}', target: `raw/mine/${asset}.mp4`, status: 206 });
	});

	it('never has keys, tokens, signatures or bodies', async () => {
		await ask('POST', '/noop', { params: {}, secrets: { token: 'hidden-token' }, callback_url: 'https://hooks.test/?token=hidden-token' });
		await ask('GET', '/api/media/jobs?limit=1&token=hidden-token');
		await ask('GET', '/api/media/hidden-token');
		const { text } = await ask('POST', '/api/media/keys', { name: 'x', scopes: ['read'] });
		const { key } = JSON.parse(text) as { key: string };
		await ask('GET', '/api/media/whoami', undefined, {}, key);
		await until(async () => (await rows()).some(({ actor, action }) => actor === 'x' && action === 'GET /api/media/whoami'), 'the last call is in the log');
		const all = JSON.stringify(await rows());
		for (const secret of ['hidden-token', key, MINE, 'signature', 'expires=']) expect(all).not.toContain(secret);
	});

	it('is exported as JSON, NDJSON and CSV, oldest first, of the own workspace, for a time and up to a number of lines', async () => {
		await ask('GET', '/api/media/jobs', undefined, {}, THEIRS);
		const json = JSON.parse((await ask('GET', '/api/media/audit')).text) as { entries: AuditEntry[] };
		expect(json.entries.length).toBeGreaterThan(5);
		expect(json.entries.map(({ id }) => id)).toEqual([...json.entries.map(({ id }) => id)].sort((a, b) => a - b));
		const lines = (await ask('GET', '/api/media/audit?format=ndjson&limit=3')).text.trim().split('\n').map((line) => JSON.parse(line) as AuditEntry);
		expect(lines).toEqual(json.entries.slice(0, 3));
		const csv = await ask('GET', '/api/media/audit?format=csv&limit=2');
		expect([csv.headers.get('content-type'), csv.headers.get('content-disposition')]).toEqual(['text/csv; charset=utf-8', 'attachment; filename="audit.csv"']);
		expect(csv.text.split('\r\n')).toHaveLength(4);
		const { entries: none } = JSON.parse((await ask('GET', `/api/media/audit?to=${encodeURIComponent(json.entries[0]?.at ?? '')}`)).text) as { entries: AuditEntry[] };
		expect(none).toEqual([]);
		const theirs = JSON.parse((await ask('GET', '/api/media/audit', undefined, {}, THEIRS)).text) as { entries: AuditEntry[] };
		expect(theirs.entries.some(({ api_key_id: id }) => id === keyId)).toBe(false);
		for (const query of ['format=xml', 'from=yesterday', 'limit=0']) expect((await ask('GET', `/api/media/audit?${query}`)).status).toBe(400);
	});

	it('is exported whole, over many pages', async () => {
		const { db } = pipeline.deps;
		await createWorkspace(db, 'busy', 'key-of-busy-0123456789');
		for (let part = 0; part < 3; part += 1)
			await db.insert(auditLog).values(Array.from({ length: 700 }, (_, index) => ({ workspaceId: 'busy', actor: 'x', action: 'GET /x', status: 200, requestId: String(part * 700 + index) })));
		const { text } = await ask('GET', '/api/media/audit', undefined, {}, 'key-of-busy-0123456789');
		const { entries } = JSON.parse(text) as { entries: AuditEntry[] };
		expect(entries.map(({ request_id: id }) => Number(id))).toEqual(Array.from({ length: 2100 }, (_, index) => index));
	});

	it('can be opened in a spreadsheet without running what callers wrote', () => {
		expect(['=1+1', '+1', '-1', '@x', '\t=1', 'plain', 'with, comma', 'with "quote"', 'two\nlines', null, 5].map(csvCell)).toEqual(['"\'=1+1"', '"\'+1"', '"\'-1"', '"\'@x"', '"\'\t=1"', 'plain', '"with, comma"', '"with ""quote"""', '"two\nlines"', '', '5']);
	});
});

describe('the trail of the audit log', () => {
	it('keeps what could not be stored until it can be, in order, and stores what is left at the end', async () => {
		const pipeline = await createTestPipeline();
		const { db, log } = pipeline.deps;
		let down = true;
		const shaky = Object.create(db, { insert: { value: (...given: Parameters<typeof db.insert>) => (down ? { values: () => Promise.reject(new Error('down')) } : db.insert(...given)) } }) as typeof db;
		const trail = createAuditTrail(shaky, log);
		const entry = (requestId: string) => ({ workspaceId: 'acme', actor: 'x', action: 'GET /x', status: 200, requestId });
		await trail.write(entry('1'));
		trail.note(entry('2'));
		down = false;
		await trail.write(entry('3'));
		trail.note(entry('4'));
		await trail.close();
		const stored = await db.select().from(auditLog).orderBy(asc(auditLog.id));
		expect(stored.map(({ requestId }) => requestId)).toEqual(['1', '2', '3', '4']);
		await pipeline.close();
	});
});
