import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import { cacheDir, nodeBinary, ROOT } from './paths.mjs';
import { cleanEnvironment, isWindows, run } from './shell.mjs';

/**
 * Installs a real n8n once per machine, in a cache folder outside the clone: it is 2 GB, takes minutes, and needs
 * `overrides` that n8n's own lint forbids in the package it checks. The folder's name holds the lockfile's hash, so a new
 * n8n gets a new folder.
 */

const MANIFEST = join(ROOT, 'test', 'e2e', 'n8n');

/** A cold start on two busy cores takes up to a minute: all migrations run on an empty database. */
const BOOT_TIMEOUT_MS = 180_000;

/** Where the installation is, or will be. N8N_INSTALL_DIR names another one, which must exist. */
export async function n8nFolder() {
	if (process.env.N8N_INSTALL_DIR) return process.env.N8N_INSTALL_DIR;
	const lockfile = await readFile(join(MANIFEST, 'package-lock.json'));
	return join(cacheDir(), `n8n-${createHash('sha256').update(lockfile).digest('hex').slice(0, 12)}`);
}

/** @param {string} folder */
export const n8nScript = (folder) => join(folder, 'node_modules', 'n8n', 'bin', 'n8n');

/**
 * Makes sure that n8n is installed, and answers its folder.
 * @param {(line: string) => void} say
 */
export async function installN8n(say) {
	const folder = await n8nFolder();
	if (existsSync(n8nScript(folder)) && existsSync(nodeBinary(folder))) return folder;
	if (process.env.N8N_INSTALL_DIR) {
		throw new Error(`N8N_INSTALL_DIR is ${folder}, but there is no node_modules/n8n with node_modules/node in it.`);
	}
	say('n8n is installed once on this machine (about 4 minutes, 2.4 GB)');
	say(`  into ${folder}`);
	await mkdir(dirname(folder), { recursive: true });
	await removeAbandoned(folder);
	const staging = `${folder}.installing-${process.pid}`;
	try {
		await install(staging, say);
		say('  starting it once, to see that it works');
		await verifyBoot(staging);
		await publish(staging, folder);
	} finally {
		await rm(staging, { recursive: true, force: true });
	}
	say('  n8n is installed');
	return folder;
}

/**
 * @param {string} staging
 * @param {(line: string) => void} say
 */
async function install(staging, say) {
	await rm(staging, { recursive: true, force: true });
	await mkdir(staging);
	for (const file of ['package.json', 'package-lock.json']) await copyFile(join(MANIFEST, file), join(staging, file));

	say('  downloading the packages');
	// `install`, not `ci`: ci refuses a lockfile that lacks optional packages of other platforms. legacy-peer-deps: n8n's own
	// tree does not satisfy all of its peers. ignore-scripts: of sixteen install scripts only the two below are needed to
	// start it; kafka's downloads a file, others compile for minutes.
	await npm(staging, ['install', '--legacy-peer-deps', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']);
	say('  unpacking Node 24');
	await npm(staging, ['rebuild', '--ignore-scripts=false', '--loglevel=error', 'node']);
	say('  building the SQLite driver');
	try {
		await npm(staging, ['rebuild', '--ignore-scripts=false', '--loglevel=error', 'sqlite3'], {
			PATH: `${join(staging, 'node_modules', '.bin')}${delimiter}${process.env.PATH}`,
			// The C headers that belong to the Node that will load the driver; node-gyp would download them.
			npm_config_nodedir: nodeHeaders(staging),
		});
	} catch (error) {
		const advice = 'It is downloaded ready-made from GitHub or, where that is not possible, compiled: then g++, make and python3 are needed.';
		throw new Error(`n8n's SQLite driver could not be built. ${advice}\n\n${error instanceof Error ? error.message : error}`, { cause: error });
	}
}

/** @param {string} folder */
function nodeHeaders(folder) {
	const inner = join(folder, 'node_modules', 'node', 'node_modules');
	const os = isWindows ? 'win' : process.platform;
	const prefix = process.platform === 'darwin' && process.arch === 'arm64' ? 'node-bin' : 'node';
	return join(inner, `${prefix}-${os}-${process.arch}`);
}

/**
 * @param {string} cwd
 * @param {string[]} args
 * @param {Record<string, string>} [environment]
 */
const npm = (cwd, args, environment = {}) => run('npm', args, { cwd, env: cleanEnvironment(environment) });

/** A rename is one step: nobody ever sees half an installation. Losing the race against another installer is fine.
 * @param {string} staging
 * @param {string} folder
 */
async function publish(staging, folder) {
	try {
		await rename(staging, folder);
	} catch (error) {
		if (!existsSync(n8nScript(folder))) throw error;
	}
}

/** What a killed installation left behind, when its process is gone.
 * @param {string} folder
 */
async function removeAbandoned(folder) {
	const prefix = `${basename(folder)}.installing-`;
	for (const name of await readdir(dirname(folder))) {
		if (name.startsWith(prefix) && !isAlive(Number(name.slice(prefix.length)))) {
			await rm(join(dirname(folder), name), { recursive: true, force: true });
		}
	}
}

/** @param {number} pid */
function isAlive(pid) {
	try {
		process.kill(pid, 0);
		return true;
	} catch (error) {
		return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
	}
}

/** Starts it on an empty user folder until it says that it is ready.
 * @param {string} folder
 */
async function verifyBoot(folder) {
	const userFolder = await mkdtemp(join(tmpdir(), 'n8n-first-start-'));
	const port = await freePort();
	const child = spawn(nodeBinary(folder), [n8nScript(folder), 'start'], {
		env: cleanEnvironment({
			N8N_USER_FOLDER: userFolder,
			N8N_PORT: String(port),
			N8N_RUNNERS_BROKER_PORT: String(await freePort()),
			N8N_DIAGNOSTICS_ENABLED: 'false',
			N8N_VERSION_NOTIFICATIONS_ENABLED: 'false',
		}),
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	let output = '';
	child.stdout.on('data', (chunk) => (output += chunk));
	child.stderr.on('data', (chunk) => (output += chunk));
	let ended = false;
	const exit = new Promise((resolve) => child.on('close', () => resolve((ended = true))));
	try {
		const deadline = Date.now() + BOOT_TIMEOUT_MS;
		while (!(await isReady(port))) {
			if (ended || Date.now() > deadline) throw new Error(`The installed n8n does not start:\n${output.slice(-4000)}`);
			await new Promise((resolve) => setTimeout(resolve, 250));
		}
		await writeFile(join(folder, 'BOOTED'), 'This installation was started once and worked.\n');
	} finally {
		child.kill('SIGKILL');
		await exit;
		await rm(userFolder, { recursive: true, force: true });
	}
}

/** @param {number} port */
async function isReady(port) {
	try {
		return (await fetch(`http://127.0.0.1:${port}/healthz/readiness`)).ok;
	} catch {
		return false;
	}
}

/** @returns {Promise<number>} */
function freePort() {
	return new Promise((resolve, reject) => {
		const server = createServer();
		server.on('error', reject);
		server.listen(0, '127.0.0.1', () => {
			const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
			server.close(() => resolve(port));
		});
	});
}
