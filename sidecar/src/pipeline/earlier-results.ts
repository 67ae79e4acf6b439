import { filesOfJobs, newestCompleted, type JobRow } from '../db/jobs.ts';
import type { EarlierResults } from '../operations/operation.ts';
import type { WorkerDeps } from './worker-deps.ts';

/** More than there are languages to translate one asset into. */
const MOST_LOOKED_AT = 100;

/** What other jobs have made of the asset of this one. */
export const earlierResults = ({ db, storage }: Pick<WorkerDeps, 'db' | 'storage'>, { assetId }: Pick<JobRow, 'assetId'>): EarlierResults => ({
	async earlierOutput(jobType, matching) {
		const newest = assetId ? await newestCompleted(db, assetId, jobType, matching ? MOST_LOOKED_AT : 1) : [];
		const found = matching ? newest.find(({ output }) => output !== null && matching(output)) : newest[0];
		if (!found?.output) return null;
		// Never what an output says of itself: an external processor could name files of somebody else.
		const { files: _claimed, ...output } = found.output;
		const files = (await filesOfJobs(db, [found.id])).map(({ name, mime, storageKey }) => ({ name, mime, storage_key: storageKey }));
		return files.length > 0 ? { ...output, files } : output;
	},
	readStored: (key) => storage.read(key),
});
