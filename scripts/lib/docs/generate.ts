import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { allOperations } from './all-operations.ts';
import { configurationPage, envExample } from './configuration.ts';
import { errorsPage } from './errors.ts';
import { operationsPage } from './operations.ts';

/** Root folder of the clone. */
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** Documents that are made from the code: path → content. */
export function generateDocs(): Map<string, string> {
	return new Map([
		['docs/operations.md', operationsPage(allOperations())],
		['docs/configuration.md', configurationPage()],
		['docs/errors.md', errorsPage()],
		['.env.example', envExample()],
	]);
}

/** Paths of documents that are not what the code says. */
export async function staleDocs(root = ROOT): Promise<string[]> {
	const stale: string[] = [];
	for (const [path, content] of generateDocs()) {
		if ((await readFile(join(root, path), 'utf8').catch(() => null)) !== content) stale.push(path);
	}
	return stale;
}

/** Writes those that are stale, and answers their paths. */
export async function writeDocs(root = ROOT): Promise<string[]> {
	const stale = await staleDocs(root);
	const docs = generateDocs();
	for (const path of stale) {
		await mkdir(dirname(join(root, path)), { recursive: true });
		await writeFile(join(root, path), docs.get(path) ?? '');
	}
	return stale;
}
