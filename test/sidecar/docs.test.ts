import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { allOperations } from '../../scripts/lib/docs/all-operations.ts';
import { generateDocs, staleDocs, writeDocs } from '../../scripts/lib/docs/generate.ts';
import { NODE_EXAMPLES } from '../../scripts/lib/docs/node-examples.ts';

interface Manifest {
	dependencies?: Record<string, string>;
	devDependencies?: Record<string, string>;
}

describe('documents made from the code', () => {
	it('are up to date in the repository (npm run docs writes them)', async () => {
		expect(await staleDocs()).toEqual([]);
	});

	it('are found stale when one character differs, and put right by writing', async () => {
		const root = await mkdtemp(join(tmpdir(), 'docs-'));
		try {
			expect((await writeDocs(root)).sort()).toEqual([...generateDocs().keys()].sort());
			await writeFile(join(root, 'docs', 'errors.md'), `${await readFile(join(root, 'docs', 'errors.md'), 'utf8')} `);
			expect(await staleDocs(root)).toEqual(['docs/errors.md']);
			expect(await writeDocs(root)).toEqual(['docs/errors.md']);
			expect(await staleDocs(root)).toEqual([]);
		} finally {
			await rm(root, { recursive: true, force: true });
		}
	});

	it('show parameters that the operation itself accepts', () => {
		for (const { name, params, example } of allOperations()) {
			expect([name, params.safeParse(example).error?.message]).toEqual([name, undefined]);
		}
	});

	it('name every library with its version in docs/dependencies.md', async () => {
		const read = async (path: string) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8');
		const page = await read('docs/dependencies.md');
		const manifests = await Promise.all(['package.json', 'sidecar/package.json'].map(async (path) => JSON.parse(await read(path)) as Manifest));
		const libraries = manifests.flatMap(({ dependencies = {}, devDependencies = {} }) => Object.entries({ ...dependencies, ...devDependencies }));
		const missing = libraries.filter(([name, version]) => !name.startsWith('@types/') && !page.includes(`\`${name}\` ${version}`));
		expect(missing).toEqual([]);
	});

	it('name a node example for operations that exist, and for no others', () => {
		const names = allOperations().map(({ name }) => name);
		expect(Object.keys(NODE_EXAMPLES).filter((name) => !names.includes(name))).toEqual([]);
	});
});
