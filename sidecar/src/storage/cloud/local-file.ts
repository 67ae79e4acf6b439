import { createReadStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type { PutOptions, StoredFile } from '../storage.ts';

/** `putFile` of a store that only takes streams: the local file goes when it is stored. */
export async function putLocalFile(
	put: (key: string, stream: Readable, options: PutOptions) => Promise<StoredFile>,
	key: string,
	localPath: string,
	options: PutOptions = {},
): Promise<StoredFile> {
	const { size } = await stat(localPath);
	const stored = await put(key, createReadStream(localPath, { highWaterMark: 256 * 1024 }), { ...options, bytes: size });
	await rm(localPath, { force: true });
	return stored;
}
