import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startProcess, waitUntilReady, type ManagedProcess } from './managed-process.ts';
import { n8nScript } from './n8n-install.mjs';
import { nodeBinary, PACKAGE_NAME, ROOT } from './paths.mjs';
import { freePort } from './ports.ts';
import { cleanEnvironment } from './shell.mjs';

/** The first start runs all migrations: up to a minute on two busy cores. */
const START_TIMEOUT_MS = 180_000;

export interface N8nOptions {
	/** Folder of the installation, see n8n-install.mjs. */
	installation: string;
	/** n8n keeps its database, settings and packages in `.n8n` below it. */
	userFolder: string;
	port: number;
	logFile: string;
	env?: Record<string, string>;
}

/** A running n8n with this package loaded. */
export interface N8nProcess extends ManagedProcess {
	/** Without a slash at the end. */
	readonly url: string;
}

/** Puts the built package where n8n looks for community nodes, as an installation from npm would. Call it before n8n starts. */
export async function placePackage(userFolder: string): Promise<void> {
	const nodes = join(userFolder, '.n8n', 'nodes');
	const target = join(nodes, 'node_modules', PACKAGE_NAME);
	await rm(target, { recursive: true, force: true });
	await mkdir(target, { recursive: true });
	// A copy, not a link: through a link the nodes would use the n8n-workflow of this clone instead of that of n8n.
	for (const name of ['package.json', 'dist']) await cp(join(ROOT, name), join(target, name), { recursive: true });
	const manifest = { name: 'installed-nodes', private: true, dependencies: { [PACKAGE_NAME]: '*' } };
	await writeFile(join(nodes, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

/** Starts n8n and waits until it accepts requests. Stops it again when it does not get that far. */
export async function startN8n(options: N8nOptions): Promise<N8nProcess> {
	const url = `http://127.0.0.1:${options.port}`;
	const process = await startProcess({
		name: 'n8n',
		command: nodeBinary(options.installation),
		args: [n8nScript(options.installation), 'start'],
		cwd: options.userFolder,
		logFile: options.logFile,
		env: cleanEnvironment({ ...(await n8nEnvironment(options, url)), ...options.env }),
	});
	try {
		await waitUntilReady(process, `${url}/healthz/readiness`, START_TIMEOUT_MS);
		await waitUntilReady(process, `${url}/rest/settings`, START_TIMEOUT_MS);
	} catch (error) {
		await process.kill();
		throw error;
	}
	return { ...process, url };
}

async function n8nEnvironment(options: N8nOptions, url: string): Promise<Record<string, string>> {
	return {
		N8N_USER_FOLDER: options.userFolder,
		N8N_LISTEN_ADDRESS: '127.0.0.1',
		N8N_PORT: String(options.port),
		// Base of the resume URLs that the sidecar calls back.
		WEBHOOK_URL: `${url}/`,
		// n8n ≥ 2.35 prefers this one to WEBHOOK_URL; the sidecar's variable of the same name means its process workflow.
		N8N_WEBHOOK_URL: '',
		N8N_EDITOR_BASE_URL: url,
		// The default 5679 is taken when another n8n runs on this machine.
		N8N_RUNNERS_BROKER_PORT: String(await freePort()),
		// Plain http on loopback: a "secure" cookie would not be sent back.
		N8N_SECURE_COOKIE: 'false',
		// Nothing here needs the internet, and without it each of these costs time or fills the log.
		N8N_DIAGNOSTICS_ENABLED: 'false',
		N8N_VERSION_NOTIFICATIONS_ENABLED: 'false',
		N8N_TEMPLATES_ENABLED: 'false',
		N8N_VERIFIED_PACKAGES_ENABLED: 'false',
		N8N_DYNAMIC_BANNERS_ENABLED: 'false',
		N8N_PERSONALIZATION_ENABLED: 'false',
		N8N_HIRING_BANNER_ENABLED: 'false',
		N8N_DISABLED_MODULES: 'mcp-registry',
		EXTERNAL_FRONTEND_HOOKS_URLS: '',
	};
}
