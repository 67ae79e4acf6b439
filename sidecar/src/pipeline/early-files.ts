import { posix } from 'node:path';
import { recordEvents } from '../db/events.ts';
import { transact } from '../db/transact.ts';
import type { JobRow } from '../db/jobs.ts';
import { unreferencedKeys } from '../db/reuse.ts';
import type { EarlyFile, ProducedFile } from '../media/plan.ts';
import { jobKey } from '../storage/keys.ts';
import type { Execution } from './execute.ts';
import type { WorkerDeps } from './worker-deps.ts';

/** Each try writes under keys of its own: a worker that lost its lease cannot overwrite the winner's files. */
export const keyOf = (job: Pick<JobRow, 'workspaceId' | 'id' | 'attempts'>, name: string): string => jobKey(job.workspaceId, job.id, `${job.attempts}/${name}`);

/** For what must outlive a try: the next one sends the same bytes. */
const KEPT = 'kept';
export const keptKey = ({ workspaceId, jobId }: { workspaceId: string; jobId: string }, name: string): string => jobKey(workspaceId, jobId, `${KEPT}/${name}`);

/** Files that are stored, and announced, while the rest of their job is still being made. */
export interface EarlyFiles {
	take(file: EarlyFile): void;
	/** Waits for what is being stored. True when this file is stored, and cannot have changed since. */
	has(file: ProducedFile, bytes: number): Promise<boolean>;
	/** This file is about to be stored with the result: it goes as well when that comes to nothing. */
	expect(name: string): void;
	/** The try came to nothing: takes away what it stored, unless a row names it. */
	discard(): Promise<void>;
}

/** Stores early files one after the other, in the order in which they come: manifests follow what they name. */
export function keepEarly(deps: WorkerDeps, { job, signal, log }: Pick<Execution, 'job' | 'signal' | 'log'>): EarlyFiles {
	const stored = new Map<string, { bytes: number; final: boolean }>();
	let busy: Promise<void> = Promise.resolve();

	const store = async (file: EarlyFile): Promise<void> => {
		if (signal.aborted) return;
		const key = keyOf(job, file.name);
		// Marked first: what is half done when the process of the job ends must be taken away as well.
		const known = stored.has(file.name);
		stored.set(file.name, { bytes: -1, final: false });
		const { bytes } = await deps.storage.putFile(key, file.path);
		stored.set(file.name, { bytes, final: file.final });
		if (known || file.part) return;
		const { name, mime, width, height } = file;
		const data = { job_type: job.jobType, batch_id: job.batchId, name, mime, ...(width && height ? { width, height } : {}), storage_key: key };
		// Together with what is to be sent to webhooks.
		await transact(deps.db, (tx) => recordEvents(tx, [{ workspaceId: job.workspaceId, type: 'job.preview', assetId: job.assetId, jobId: job.id, data }]));
		deps.wake.events();
	};
	return {
		// It is made and stored all the same in the end: not having it early is no reason to fail.
		take: (file) => {
			busy = busy.then(() => store(file)).catch((error: unknown) => log.warn({ err: error, file: file.name }, 'a file could not be stored early'));
		},
		has: async (file, bytes) => {
			await busy;
			const early = stored.get(file.name);
			return early?.final === true && early.bytes === bytes;
		},
		expect: (name) => {
			if (!stored.has(name)) stored.set(name, { bytes: -1, final: false });
		},
		discard: async () => {
			await busy;
			// Asked for: the answer to the transaction that ended the job may have been lost, and the result be there.
			for (const key of await unreferencedKeys(deps.db, [...stored.keys()].map((name) => keyOf(job, name)))) await deps.storage.delete(key);
		},
	};
}

/**
 * Takes away what tries whose process was killed have stored; nobody else does. `attempts`: the present try, whose files stay, as do
 * those that were kept for it; null: there is none any more.
 */
export async function sweepTries({ db, storage }: Pick<WorkerDeps, 'db' | 'storage'>, job: Pick<JobRow, 'workspaceId' | 'id'>, attempts: number | null): Promise<void> {
	const keys: string[] = [];
	const folder = `${posix.dirname(jobKey(job.workspaceId, job.id, 'any'))}/`;
	const stays = (key: string): boolean => key.startsWith(`${folder}${attempts}/`) || key.startsWith(`${folder}${KEPT}/`);
	for await (const { key } of storage.list(folder)) if (attempts === null || !stays(key)) keys.push(key);
	for (const key of await unreferencedKeys(db, keys)) await storage.delete(key);
	if (attempts === null) return storage.deleteUnfinished(folder);
	for (let earlier = 1; earlier < attempts; earlier += 1) await storage.deleteUnfinished(`${folder}${earlier}/`);
}
