import { randomUUID } from 'node:crypto';
import { eq } from 'drizzle-orm';
import { insertAssets } from '../../../sidecar/src/db/assets.ts';
import type { OpenDatabase } from '../../../sidecar/src/db/database.ts';
import { openPostgres } from '../../../sidecar/src/db/open.ts';
import { holdingsOf } from '../../../sidecar/src/db/quota.ts';
import { workspaces } from '../../../sidecar/src/db/schema.ts';
import { transact } from '../../../sidecar/src/db/transact.ts';
import { createWorkspace } from '../../../sidecar/src/db/workspaces.ts';
import { reserve } from '../../../sidecar/src/pipeline/quota.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';

describe('quotas on Postgres', () => {
	let server: TestPostgres;
	let database: OpenDatabase;
	beforeAll(async () => {
		server = await startPostgres();
		database = await openPostgres({ url: server.url });
		await createWorkspace(database.db, 'mine', 'a key of a test');
		await database.db.update(workspaces).set({ settings: { quotas: { max_bytes: 1000 } } }).where(eq(workspaces.id, 'mine'));
	}, 120_000);
	afterAll(async () => {
		await database.close();
		await server.stop();
	});

	it('of twenty requests on as many connections, as many pass as fit', async () => {
		const ask = () =>
			transact(database.db, async (tx) => {
				await reserve(tx, 'mine', { bytes: 300 });
				await insertAssets(tx, [{ id: randomUUID(), workspaceId: 'mine', source: 'upload', status: 'uploading', expectedBytes: 300 }]);
			});
		const answers = await Promise.allSettled(Array.from({ length: 20 }, ask));
		expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
		expect(await holdingsOf(database.db, 'mine')).toEqual({ bytes: 900, assets: 3 });
	});
});
