import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createWorkspace } from '../../../sidecar/src/db/workspaces.ts';
import { listAnswerSchema } from '../../../sidecar/src/contract/sources.ts';
import { createListSource } from '../../../sidecar/src/sources/list-source.ts';
import { startTestApp, type TestApp } from '../../support/app.ts';
import { createTestPipeline, type TestPipeline } from '../../support/pipeline.ts';
import { sourceSettings } from '../../support/sources.ts';

const KEY = 'key-that-may-do-everything';

describe('POST /api/media/sources/list', () => {
	let root: string;
	let pipeline: TestPipeline;
	let app: TestApp;
	beforeAll(async () => {
		root = await mkdtemp(join(tmpdir(), 'listed-'));
		await writeFile(join(root, 'a.mp4'), 'film');
		await writeFile(join(root, 'b.txt'), 'text');
		pipeline = await createTestPipeline();
		await createWorkspace(pipeline.database.db, 'watching', KEY);
		app = await startTestApp(pipeline, { listSource: createListSource(sourceSettings({ folder: { root, workspaceId: 'watching' } })) });
	});
	afterAll(async () => {
		await app.close();
		await pipeline.close();
		await rm(root, { recursive: true, force: true });
	});
	const ask = async (body: unknown) => {
		const response = await fetch(`${app.url}/api/media/sources/list`, { method: 'POST', headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' }, body: JSON.stringify(body) });
		return { status: response.status, body: (await response.json()) as Record<string, unknown> };
	};

	it('answers entries that are ready for a batch', async () => {
		const { status, body } = await ask({ source: { type: 'folder' } });
		expect([status, listAnswerSchema.strict().safeParse(body).error?.issues]).toEqual([200, undefined]);
		expect(body).toMatchObject({ entries: [{ source: { type: 'folder', path: 'a.mp4' }, name: 'a.mp4', bytes: 4 }], cursor: null, has_more: false, skipped: [{ name: 'b.txt' }] });
	});

	it.each([
		[{ source: { type: 'nothing' } }, 'source.type'],
		[{ source: { type: 'folder', path: '../..' } }, 'source.path'],
		[{ source: { type: 'rss', url: 'file:///etc/passwd' } }, 'source.url'],
		[{ source: { type: 'google_drive_folder' } }, 'source.access_token'],
		[{ source: { type: 'folder' }, limit: 0 }, 'limit'],
		[{ source: { type: 'folder' }, cursor: 'bm9uc2Vuc2U' }, 'cursor'],
	])('refuses %j, and names the field', async (body, field) => {
		const answer = await ask(body);
		expect([answer.status, JSON.stringify(answer.body)]).toEqual([400, expect.stringContaining(field)]);
	});

	it('refuses addresses of the inner network', async () => {
		expect(await ask({ source: { type: 'rss', url: 'http://169.254.169.254/latest/meta-data' } })).toMatchObject({ status: 422, body: { error: { code: 'input_forbidden' } } });
	});
});
