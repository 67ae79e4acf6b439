import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Config } from '../config.ts';
import { processRequestSchema } from '../contract/requests.ts';
import type { Database } from '../db/database.ts';
import { createWatchFolder, type FolderAccess } from '../ops/watch-folder.ts';
import { wakeAll, type PipelineDeps } from '../pipeline/deps.ts';
import { startLoop, type Loop } from '../pipeline/loop.ts';
import { submitProcess } from '../pipeline/process.ts';
import { insideFolder, versionOf, walkFolder } from '../sources/folder.ts';
import { whyNoMedia } from '../sources/media-kind.ts';

/** The folder as sources see it. */
export const watchedFiles: FolderAccess = { walk: walkFolder, versionOf, inside: insideFolder, isMedia: (name) => whyNoMedia(name, null) === null };

/** Twice in the time that a file must not change, so that it is taken soon after it. */
const ROUNDS_PER_SETTLE = 2;

/** What is wrong with WATCH_DIR; empty: nothing, or there is none. */
export async function watchProblems({ WATCH_DIR }: Config): Promise<string[]> {
	if (WATCH_DIR === undefined) return [];
	const found = await stat(resolve(WATCH_DIR)).catch(() => null);
	return found?.isDirectory() ? [] : [`WATCH_DIR: ${resolve(WATCH_DIR)} is no folder that can be read. Make it, or mount it, before the sidecar starts.`];
}

/** The loop that takes files of WATCH_DIR; null: there is none. */
export function startWatching(config: Config, deps: PipelineDeps & { db: Database }): Loop | null {
	if (config.WATCH_DIR === undefined) return null;
	const workspaceId = config.WATCH_WORKSPACE;
	const settleMs = config.WATCH_SETTLE_SECONDS * 1000;
	const round = createWatchFolder({
		files: watchedFiles,
		db: deps.db,
		root: resolve(config.WATCH_DIR),
		workspaceId,
		move: config.WATCH_MOVE,
		settleMs,
		async submit(tx, path) {
			const request = processRequestSchema.parse({ source: { type: 'folder', path }, ...(config.WATCH_PIPELINE === undefined ? {} : { pipeline: config.WATCH_PIPELINE }) });
			return (await submitProcess(deps, tx, workspaceId, request)).asset.id;
		},
		wake: () => wakeAll(deps),
		log: deps.log,
	});
	const everyMs = Math.max(500, settleMs / ROUNDS_PER_SETTLE);
	return startLoop(everyMs, () => round().then(() => everyMs), (error) => deps.log.error({ err: error }, 'the watched folder could not be read'));
}
