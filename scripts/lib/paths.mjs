import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Root folder of the clone. */
export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Name of the npm package, as n8n knows it. */
export const PACKAGE_NAME = 'n8n-nodes-media-pipeline';

/** Where things that are large and the same for every clone are kept. MEDIA_PIPELINE_CACHE_DIR moves it. */
export function cacheDir() {
	if (process.env.MEDIA_PIPELINE_CACHE_DIR) return process.env.MEDIA_PIPELINE_CACHE_DIR;
	const base = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
	return join(base, PACKAGE_NAME);
}

/** The Node 24 that the npm package `node` brings into a folder. */
export function nodeBinary(folder = ROOT) {
	return join(folder, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
}
