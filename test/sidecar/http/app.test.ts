import { randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { assets } from '../../../sidecar/src/db/schema.ts';
import { createWorkspace } from '../../../sidecar/src/db/workspaces.ts';
import { startTestApp, type TestApp } from '../../support/app.ts';
import { createTestPipeline, type TestPipeline } from '../../support/pipeline.ts';

const KEY = 'key-app-0123456789';

describe('a request about an asset that is deleted meanwhile', () => {
	let pipeline: TestPipeline;
	let app: TestApp;
	beforeAll(async () => {
		pipeline = await createTestPipeline();
		app = await startTestApp(pipeline);
		await createWorkspace(pipeline.database.db, 'mine', KEY);
		// The deletion comes at the worst moment: after all looks, before the job is there.
		await pipeline.database.db.execute(sql`create function delete_asset() returns trigger language plpgsql as $$ begin delete from assets where id = new.asset_id; return new; end $$`);
		await pipeline.database.db.execute(sql`create trigger worst_moment before insert on jobs for each row execute function delete_asset()`);
	});
	afterAll(async () => {
		await app.close();
		await pipeline.close();
	});

	it.each([
		['/api/media/process', (id: string) => ({ asset_id: id, operations: ['noop'] })],
		['/api/media/batch', (id: string) => ({ items: [{ operation: 'noop', asset_id: id }] })],
	])('to %s is told so, and leaves nothing behind', async (path, body) => {
		const id = randomUUID();
		await pipeline.database.db.insert(assets).values({ id, workspaceId: 'mine', source: 'upload', status: 'ready', storageKey: 'mine/a.mp4' });
		const response = await fetch(`${app.url}${path}`, { method: 'POST', headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' }, body: JSON.stringify(body(id)) });
		expect([response.status, ((await response.json()) as { error: { code: string; message: string } }).error]).toEqual([409, { code: 'conflict', message: expect.stringContaining('was deleted while it was under way') as string }]);
		expect((await pipeline.database.db.execute(sql`select (select count(*) from jobs)::int + (select count(*) from batches)::int as left`)).rows).toEqual([{ left: 0 }]);
	});
});
