import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { allOperations } from './all-operations.ts';
import { configurationPage, envExample } from './configuration.ts';
import { errorsPage } from './errors.ts';
import { operationsPages } from './operations.ts';

/** Root folder of the clone. */
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** Documents that are made from the code: path → content. */
export function generateDocs(): Map<string, string> {
	return new Map([
		...operationsPages(allOperations()),
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
	return [...stale, ...(await leftOver(root))];
}

/** Pages of operations that are gone. */
async function leftOver(root: string): Promise<string[]> {
	const pages = await readdir(join(root, 'docs/operations')).catch(() => []);
	const wanted = generateDocs();
	return pages.map((name) => `docs/operations/${name}`).filter((path) => !wanted.has(path));
}

/** Writes those that are stale, removes those that are left over, and answers their paths. */
export async function writeDocs(root = ROOT): Promise<string[]> {
	const stale = await staleDocs(root);
	const docs = generateDocs();
	for (const path of stale) {
		await mkdir(dirname(join(root, path)), { recursive: true });
		const content = docs.get(path);
		if (content === undefined) await rm(join(root, path));
		else await writeFile(join(root, path), content);
	}
	return stale;
}
