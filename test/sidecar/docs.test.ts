import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { allOperations } from '../../scripts/lib/docs/all-operations.ts';
import { generateDocs, staleDocs, writeDocs } from '../../scripts/lib/docs/generate.ts';
import { NODE_EXAMPLES } from '../../scripts/lib/docs/node-examples.ts';

interface Manifest {
	dependencies?: Record<string, string>;
	devDependencies?: Record<string, string>;
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** As GitHub makes them from headings. */
const anchorOf = (heading: string): string =>
	heading
		.toLowerCase()
		.replace(/[^\p{L}\p{N} _-]/gu, '')
		.replaceAll(' ', '-');

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
			await writeFile(join(root, 'docs', 'operations', 'gone.md'), 'An operation that was removed.');
			expect(await staleDocs(root)).toEqual(['docs/errors.md', 'docs/operations/gone.md']);
			expect(await writeDocs(root)).toEqual(['docs/errors.md', 'docs/operations/gone.md']);
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
		const read = async (path: string) => readFile(join(ROOT, path), 'utf8');
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

	it('show each operation on a node of its own', () => {
		expect(allOperations().flatMap(({ name }) => (NODE_EXAMPLES[name] ? [] : [name]))).toEqual([]);
	});
});

describe('links between documents', () => {
	it('lead to files and headings that exist', async () => {
		const folders = await readdir(join(ROOT, 'docs'), { recursive: true });
		const pages = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', ...folders.filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)];
		const broken: string[] = [];
		for (const page of pages) {
			const text = await readFile(join(ROOT, page), 'utf8');
			for (const [, target = ''] of text.matchAll(/\]\((?!https?:|mailto:|urn:)([^)\s]+)\)/g)) {
				const [path = '', anchor] = target.split('#');
				const file = path === '' ? join(ROOT, page) : join(ROOT, dirname(page), path);
				const found = await stat(file).catch(() => null);
				const headings = found?.isFile() && anchor ? [...(await readFile(file, 'utf8')).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading)) : [];
				if (!found || (anchor && !headings.includes(anchor))) broken.push(`${page}: ${target}`);
			}
		}
		expect(broken).toEqual([]);
	});
});
