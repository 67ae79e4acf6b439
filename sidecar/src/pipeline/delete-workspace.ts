import { eq } from 'drizzle-orm';
import { workspaces } from '../db/schema.ts';
import { transact } from '../db/transact.ts';
import { deleteRowsOf, revokeKeysOf, tablesInUse } from '../db/workspaces.ts';
import { PipelineError } from '../errors.ts';
import { foldersOf } from '../storage/keys.ts';
import type { Storage } from '../storage/storage.ts';
import type { PipelineDeps } from './deps.ts';

/**
 * Deletes a workspace: without `force` an empty one only. Keys first, so that nobody puts anything in meanwhile; its own row last, so that
 * what was cut off in the middle goes on when it is asked for again. What a job at work still stores afterwards is an orphan, as after a
 * crash. The audit log stays as long as it stays anyway.
 */
export async function deleteWorkspace({ db, storage }: Pick<PipelineDeps, 'db'> & { storage: Storage }, id: string, { force }: { force: boolean }): Promise<void> {
	await transact(db, async (tx) => {
		const [row] = await tx.select({ id: workspaces.id }).from(workspaces).where(eq(workspaces.id, id)).for('update');
		if (!row) throw new PipelineError('not_found', `There is no workspace ${id.slice(0, 80)}.`);
		const used = force ? [] : await tablesInUse(tx, id);
		if (used.length > 0) {
			throw new PipelineError('conflict', `The workspace ${id} is not empty: it has ${used.join(', ')}. With force=true it is deleted with everything in it, for good.`, { details: { has: used } });
		}
		await revokeKeysOf(tx, id);
	});
	await transact(db, (tx) => deleteRowsOf(tx, id, { except: ['api_keys'] }));
	await deleteFiles(storage, id);
	await transact(db, async (tx) => {
		// Again: a request that had begun may have put something in.
		await deleteRowsOf(tx, id, { except: [] });
		await tx.delete(workspaces).where(eq(workspaces.id, id));
	});
	// What a job at work has stored since: nobody looks into this folder any more.
	await deleteFiles(storage, id);
}

async function deleteFiles(storage: Storage, id: string): Promise<void> {
	for (const folder of foldersOf(id)) {
		for await (const { key } of storage.list(folder)) await storage.delete(key);
		await storage.deleteUnfinished(folder);
	}
}
