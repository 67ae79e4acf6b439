import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { allOperations } from '../../scripts/lib/docs/all-operations.ts';
import { generateDocs, staleDocs, writeDocs } from '../../scripts/lib/docs/generate.ts';
import { NODE_EXAMPLES } from '../../scripts/lib/docs/node-examples.ts';

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

	it('name a node example for operations that exist, and for no others', () => {
		const names = allOperations().map(({ name }) => name);
		expect(Object.keys(NODE_EXAMPLES).filter((name) => !names.includes(name))).toEqual([]);
	});
});
