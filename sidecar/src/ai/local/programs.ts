import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where a program is that does not come with the sidecar; null: it is not installed. `path`: as in PATH, which is the default. */
export function findProgram(name: string, path: string | undefined = process.env['PATH']): string | null {
	const files = (path ?? '').split(delimiter).filter(Boolean).map((folder) => join(folder, name));
	return files.find((file) => existsSync(file)) ?? null;
}
