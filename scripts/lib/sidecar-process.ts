import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { startProcess, waitUntilReady, type ManagedProcess } from './managed-process.ts';
import { enginesFolder } from './engines-install.mjs';
import { nodeBinary, ROOT } from './paths.mjs';
import { cleanEnvironment } from './shell.mjs';

/** Opening the embedded database takes up to 7 s, several times that beside a starting n8n. */
const START_TIMEOUT_MS = 90_000;

export interface SidecarOptions {
	port: number;
	dataDir: string;
	logFile: string;
	/** Further environment variables of the sidecar, see sidecar/src/config.ts. */
	env?: Record<string, string>;
	onLine?: (line: string) => void;
}

/** A running sidecar. */
export interface SidecarProcess extends ManagedProcess {
	/** Without a slash at the end. */
	readonly url: string;
}

/** Starts the built sidecar and waits until it is ready. Stops it again when it does not get that far. */
export async function startSidecar(options: SidecarOptions): Promise<SidecarProcess> {
	const url = `http://127.0.0.1:${options.port}`;
	const engines = await enginesFolder();
	const process = await startProcess({
		name: 'the sidecar',
		command: nodeBinary(),
		args: [join(ROOT, 'sidecar', 'dist', 'main.js')],
		cwd: ROOT,
		logFile: options.logFile,
		env: cleanEnvironment({ PORT: String(options.port), DATA_DIR: options.dataDir, PUBLIC_URL: url, HOST: '127.0.0.1', ...(existsSync(engines) ? { ENGINES_DIR: engines } : {}), ...options.env }),
		...(options.onLine ? { onLine: options.onLine } : {}),
	});
	try {
		await waitUntilReady(process, `${url}/readyz`, START_TIMEOUT_MS);
	} catch (error) {
		await process.kill();
		throw error;
	}
	return { ...process, url };
}
