import { spawn } from 'node:child_process';

/**
 * Small helpers to run other programs. Plain JavaScript without dependencies: they run before anything is installed, on
 * whatever Node ≥ 20 the machine has.
 */

export const isWindows = process.platform === 'win32';

/** Lines of output shown when a command fails: enough for npm's summary, which comes last. */
const TAIL_LINES = 40;

/**
 * The environment for child processes, without what an enclosing `npm run` leaves behind. Its `npm_config_ignore_scripts`
 * (from our .npmrc) and its prefix would otherwise rule over an npm that works in another folder.
 * @param {Record<string, string | undefined>} [extra]
 * @returns {NodeJS.ProcessEnv}
 */
export function cleanEnvironment(extra = {}) {
	const kept = Object.entries(process.env).filter(
		([name]) =>
			!/^npm_(package|lifecycle|command|execpath|node_execpath)/i.test(name) &&
			!/^npm_config_(ignore_scripts|local_prefix|prefix|global_prefix|dry_run|json|workspace|workspaces|include_workspace_root)$/i.test(name) &&
			!/^(init_cwd|node_options|jest_worker_id|node_env)$/i.test(name),
	);
	return { ...Object.fromEntries(kept), ...extra };
}

export class CommandError extends Error {
	/**
	 * @param {string} command
	 * @param {number | null} code
	 * @param {string} output
	 */
	constructor(command, code, output) {
		const tail = output.trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
		super(`"${command}" failed${code === null ? '' : ` (exit code ${code})`}:\n${tail}`);
		this.name = 'CommandError';
		this.code = code;
	}
}

/**
 * Runs a command to its end and answers what it wrote (both streams).
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, timeoutMs?: number }} [options]
 * @returns {Promise<string>}
 */
export function run(command, args, options = {}) {
	const shown = [command, ...args].join(' ');
	return new Promise((resolve, reject) => {
		const child = spawn(command, args, {
			cwd: options.cwd,
			env: options.env ?? cleanEnvironment(),
			stdio: ['ignore', 'pipe', 'pipe'],
			// npm is a .cmd file on Windows, which only a shell can start.
			shell: isWindows,
			timeout: options.timeoutMs,
		});
		let output = '';
		child.stdout.on('data', (chunk) => (output += chunk));
		child.stderr.on('data', (chunk) => (output += chunk));
		child.on('error', (error) => reject(new CommandError(shown, null, error.message)));
		child.on('close', (code) => (code === 0 ? resolve(output) : reject(new CommandError(shown, code, output))));
	});
}

/**
 * Whether a command can be run at all.
 * @param {string} command
 * @param {string[]} [args]
 */
export async function works(command, args = ['-version']) {
	try {
		await run(command, args);
		return true;
	} catch {
		return false;
	}
}
