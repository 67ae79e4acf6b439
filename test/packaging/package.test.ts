import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ICredentialType, INodeType } from 'n8n-workflow';

const ROOT = join(__dirname, '..', '..');

interface Manifest {
	n8n: { nodes: string[]; credentials: string[] };
	dependencies?: object;
	scripts?: Record<string, string>;
}

/** What a user gets: the tarball of `npm pack`, installed into an empty folder beside the n8n-workflow of n8n. */
describe('the published package', () => {
	let folder: string;
	let files: string[];
	let installed: string;
	let manifest: Manifest;

	const npm = (cwd: string, ...parameters: string[]): string =>
		execFileSync('npm', parameters, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });

	beforeAll(() => {
		folder = mkdtempSync(join(tmpdir(), 'media-pipeline-package-'));
		npm(ROOT, 'run', 'build');
		const [packed] = JSON.parse(npm(ROOT, 'pack', '--json', '--pack-destination', folder)) as Array<{
			filename: string;
			files: Array<{ path: string }>;
		}>;
		if (!packed) throw new Error('npm pack made nothing');
		files = packed.files.map(({ path }) => path);
		writeFileSync(join(folder, 'package.json'), '{"private":true}');
		// As n8n installs community packages: no scripts, no peers (n8n brings n8n-workflow), no look at the registry.
		npm(folder, 'install', join(folder, packed.filename), '--ignore-scripts', '--omit=peer', '--legacy-peer-deps', '--no-audit', '--no-fund', '--offline');
		installed = join(folder, 'node_modules', 'n8n-nodes-media-pipeline');
		manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as Manifest;
	}, 120_000);

	afterAll(() => rmSync(folder, { recursive: true, force: true }));

	it('holds nothing but the built nodes and credentials and the usual papers', () => {
		const unexpected = files.filter((path) => !/^(dist\/(nodes|credentials)\/|package\.json$|README\.md$|LICENSE$|CHANGELOG\.md$)/.test(path));
		expect(unexpected).toEqual([]);
		expect(files.filter((path) => /\.test\.|\.ts$|sidecar\//.test(path))).toEqual([]);
	});

	it('brings no dependency and runs nothing on installation', () => {
		expect(manifest.dependencies).toBeUndefined();
		for (const script of ['prepare', 'preinstall', 'install', 'postinstall']) expect(manifest.scripts).not.toHaveProperty(script);
		expect(existsSync(join(folder, 'node_modules', 'n8n-workflow'))).toBe(false);
	});

	it('loads every path that its n8n section names, with the class of the file name', () => {
		const paths = [...manifest.n8n.nodes, ...manifest.n8n.credentials];
		const sources = (folder: string, end: string) => readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith(end));
		expect([manifest.n8n.nodes.length, manifest.n8n.credentials.length]).toEqual([sources('nodes', '.node.ts').length, sources('credentials', '.credentials.ts').length]);
		for (const path of paths) {
			const name = path.split('/').pop()?.split('.')[0] ?? '';
			const made = load(join(installed, path), name);
			expect([path, 'description' in made ? made.description.version : typeof made.name]).toEqual([path, 'description' in made ? 1 : 'string']);
		}
	});

	it('has the icon of every node and credential where n8n looks for it', () => {
		for (const path of [...manifest.n8n.nodes, ...manifest.n8n.credentials]) {
			const made = load(join(installed, path), path.split('/').pop()?.split('.')[0] ?? '');
			const icon = ('description' in made ? made.description.icon : made.icon) as { light: string; dark: string };
			for (const file of [icon.light, icon.dark]) {
				expect(existsSync(join(installed, path, '..', file.replace('file:', '')))).toBe(true);
			}
		}
	});

	/** n8n sets NODE_PATH to its own node_modules: that is where a community package finds n8n-workflow. */
	function load(path: string, name: string): INodeType | ICredentialType {
		const script = `console.log(JSON.stringify(new (require(${JSON.stringify(path)})[${JSON.stringify(name)}])()));`;
		const output = execFileSync(process.execPath, ['-e', script], {
			cwd: folder,
			encoding: 'utf8',
			env: { ...process.env, NODE_OPTIONS: '', NODE_PATH: join(ROOT, 'node_modules') },
		});
		return JSON.parse(output) as INodeType | ICredentialType;
	}
});
