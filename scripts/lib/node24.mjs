import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { nodeBinary, ROOT } from './paths.mjs';

const PARENT_CHECK_MS = 1_000;

/**
 * Runs a script of this folder on the Node 24 of node_modules, with this terminal, and answers its exit code.
 * @param {string} script path below scripts/
 * @param {string[]} args
 * @returns {Promise<number>}
 */
export function continueOnNode24(script, args) {
	// The test emulators are TypeScript in a folder without its own package.json: Node says so for each of them.
	const flags = ['--disable-warning=MODULE_TYPELESS_PACKAGE_JSON', '--disable-warning=ExperimentalWarning'];
	const child = spawn(nodeBinary(), [...flags, join(ROOT, 'scripts', script), ...args], { stdio: 'inherit' });
	// The child decides what a signal means; this process only passes it on and waits. A Ctrl+C reaches both from the
	// terminal, so the child may see it twice.
	/** @type {NodeJS.Signals[]} */
	const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
	for (const signal of signals) process.on(signal, () => child.kill(signal));
	// A killed npm leaves this process behind, with nobody to stop it.
	const parent = process.ppid;
	const underNpm = Boolean(process.env.npm_lifecycle_event);
	setInterval(() => underNpm && process.ppid !== parent && child.kill('SIGTERM'), PARENT_CHECK_MS).unref();
	return new Promise((resolve, reject) => {
		child.on('error', reject);
		child.on('close', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 1)));
	});
}
