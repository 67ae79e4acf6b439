import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { FittedFiles } from '../operations/social/fit-media.ts';
import type { Storage } from '../storage/storage.ts';
import { keptKey } from './early-files.ts';

/** Keeps them with the files of the job that makes them, where its next tries find them. */
export function createFittedFiles({ storage, fileUrl }: { storage: Storage; fileUrl(key: string): string }): FittedFiles {
	const local = async (key: string, name: string, { workDir, signal }: Parameters<FittedFiles['find']>[0]): Promise<string> => {
		const inPlace = storage.localPath(key);
		if (inPlace) return inPlace;
		const path = join(workDir, `kept-${name}`);
		await pipeline(await storage.read(key), createWriteStream(path), { signal });
		return path;
	};
	return {
		async find(context, name) {
			const key = keptKey(context, name);
			return (await storage.head(key)) ? { path: await local(key, name, context), url: fileUrl(key) } : null;
		},
		async keep(context, name, path) {
			const key = keptKey(context, name);
			await storage.putFile(key, path);
			return { path: await local(key, name, context), url: fileUrl(key) };
		},
		async release(context, name) {
			const key = keptKey(context, name);
			// On a disk it is the file itself that is stored with the result, by moving it.
			if (storage.localPath(key) === null) await storage.delete(key);
		},
	};
}
