import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ManagedProcess } from './managed-process.ts';
import { N8nApi, type Owner } from './n8n-api.ts';
import { installN8n } from './n8n-install.mjs';
import { placePackage, startN8n } from './n8n-process.ts';
import type { StartOptions } from './options.ts';
import { ROOT } from './paths.mjs';
import { isFree, nextFreePort } from './ports.ts';
import { ensureCredential, importTemplates, webhookPath, type CredentialIds, type ImportedTemplate } from './seed-n8n.ts';
import { startSidecar } from './sidecar-process.ts';
import { planStandIns, type StandIns } from './stand-ins.ts';

/** Names under which `npm start` keeps its credentials in n8n. */
const SIDECAR_CREDENTIAL = { name: 'Media Sidecar (local)', type: 'mediaSidecarApi' };
/** Lets only the sidecar start the workflows. */
const TRIGGER_CREDENTIAL = { name: 'Media Sidecar trigger (local)', type: 'httpHeaderAuth' };

/** The sidecar and, unless it was started alone, n8n. */
export interface Stack {
	/** Process id of the script that watches over them. */
	pid: number;
	sidecarUrl: string;
	apiKey: string;
	/** Null when the sidecar was started alone. */
	n8nUrl: string | null;
	owner: Owner | null;
	templates: ImportedTemplate[];
	standIns: StandIns['running'];
	/** Variables to set for what a stand-in replaces now. */
	advice: string[];
	dataDir: string;
}

export interface RunningStack extends Stack {
	/** In the order in which they must be stopped. */
	processes: ManagedProcess[];
	stop(): Promise<void>;
}

type Say = (line: string) => void;

/** Starts everything. What was started is stopped again when something after it fails. */
export async function startStack(options: StartOptions, say: Say): Promise<RunningStack> {
	await mkdir(options.dataDir, { recursive: true });
	await refuseSecond(options.dataDir);
	const processes: ManagedProcess[] = [];
	const closers: Array<() => Promise<void>> = [];
	const stop = async () => {
		await rm(stackFile(options.dataDir), { force: true });
		for (const process of processes) await process.stop();
		for (const close of closers) await close();
	};
	try {
		const stack = await start(options, say, processes, closers);
		await writeFile(stackFile(options.dataDir), JSON.stringify(stack, null, 2), { mode: 0o600 });
		return { ...stack, processes, stop };
	} catch (error) {
		await stop();
		throw error;
	}
}

async function start(options: StartOptions, say: Say, processes: ManagedProcess[], closers: Array<() => Promise<void>>): Promise<Stack> {
	const { dataDir } = options;
	const logs = join(dataDir, 'logs');
	const sidecarPort = await choosePort('sidecar', options.sidecarPort, options.sidecarPortGiven, '--port', [], say);
	const keys = await loadKeys(dataDir);
	const common = { pid: process.pid, sidecarUrl: `http://127.0.0.1:${sidecarPort}`, apiKey: keys.apiKey, dataDir };

	if (options.sidecarOnly) {
		say('starting the sidecar …');
		processes.push(await startSidecar({ port: sidecarPort, dataDir, logFile: join(logs, 'sidecar.log'), env: commonVariables(keys) }));
		return { ...common, n8nUrl: null, owner: null, templates: [], standIns: [], advice: [] };
	}

	const n8nPort = await choosePort('n8n', options.n8nPort, options.n8nPortGiven, '--n8n-port', [sidecarPort], say);
	const userFolder = join(dataDir, 'n8n');
	await placePackage(userFolder);
	say('starting n8n …');
	const installation = await installN8n(say);
	const n8n = await startN8n({ installation, userFolder, port: n8nPort, logFile: join(logs, 'n8n.log') });
	processes.push(n8n);
	const api = new N8nApi(n8n.url);
	const owner = await ownerAccount(userFolder);
	await api.login(owner);

	const existing = await api.listCredentials();
	const standIns = await planStandIns({ wanted: options.standIns, environment: process.env, credentials: existing, folder: dataDir });
	closers.push(() => standIns.close());

	say('starting the sidecar …');
	const sidecar = await startSidecar({
		port: sidecarPort,
		dataDir,
		logFile: join(logs, 'sidecar.log'),
		env: { ...commonVariables(keys), ...standIns.variables, ...(await n8nVariables(n8n.url, standIns.variables.ALLOWED_PRIVATE_HOSTS)) },
	});
	processes.push(sidecar);

	const credentials: CredentialIds = {};
	const specs = [
		{ ...SIDECAR_CREDENTIAL, data: { url: sidecar.url, apiKey: keys.apiKey, callbackSecret: keys.callbackSecret } },
		{ ...TRIGGER_CREDENTIAL, data: { name: 'X-Media-Pipeline-Secret', value: keys.webhookSecret } },
		...standIns.credentials,
	];
	for (const spec of specs) credentials[spec.type] = await ensureCredential(api, existing, spec);
	say('importing the workflow templates …');
	const templates = await importTemplates(api, {
		folder: join(ROOT, 'workflows'),
		stateFile: join(userFolder, 'templates.json'),
		credentials: { ...standIns.ownAccounts, ...credentials },
	});
	return { ...common, n8nUrl: n8n.url, owner, templates, standIns: standIns.running, advice: standIns.advice };
}

interface Keys {
	apiKey: string;
	callbackSecret: string;
	webhookSecret: string;
}

/** The sidecar's own rule (environment, else DATA_DIR/keys.json, else generated), so that both agree. */
async function loadKeys(dataDir: string): Promise<Keys> {
	const secrets = (await import(built('secrets.js'))) as {
		loadKeys(dataDir: string, given: NodeJS.ProcessEnv): Promise<Keys>;
	};
	const given = Object.fromEntries(Object.entries(process.env).filter(([, value]) => value !== ''));
	const { printableSecret } = (await import(built('callbacks/sign.js'))) as { printableSecret(secret: string): string };
	const keys = await secrets.loadKeys(dataDir, given);
	return { apiKey: keys.apiKey, callbackSecret: printableSecret(keys.callbackSecret), webhookSecret: keys.webhookSecret };
}

/** A module of the built sidecar, as a URL: on Windows a path cannot be imported. */
const built = (path: string): string => pathToFileURL(join(ROOT, 'sidecar', 'dist', path)).href;

/** What both ways of starting the sidecar set. Where it listens and how it is reached is the user's choice, when there is one. */
function commonVariables(keys: Keys): Record<string, string> {
	const { HOST, PUBLIC_URL } = process.env;
	return { API_KEY: keys.apiKey, CALLBACK_SECRET: keys.callbackSecret, N8N_WEBHOOK_SECRET: keys.webhookSecret, ...(HOST ? { HOST } : {}), ...(PUBLIC_URL ? { PUBLIC_URL } : {}) };
}

/** Where the sidecar finds the two workflows. What the user has set wins. */
async function n8nVariables(n8nUrl: string, standInHosts: string | undefined): Promise<Record<string, string>> {
	const webhook = async (file: string) => `${n8nUrl}/webhook/${await webhookPath(join(ROOT, 'workflows', file))}`;
	const allowedHosts = [process.env.ALLOWED_PRIVATE_HOSTS, new URL(n8nUrl).host, standInHosts].filter(Boolean);
	return {
		N8N_WEBHOOK_URL: process.env.N8N_WEBHOOK_URL || (await webhook('process-media.json')),
		N8N_DISTRIBUTE_WEBHOOK_URL: process.env.N8N_DISTRIBUTE_WEBHOOK_URL || (await webhook('distribute-media.json')),
		ALLOWED_PRIVATE_HOSTS: allowedHosts.join(','),
	};
}

/** The login of this n8n: made once, kept beside its database. */
async function ownerAccount(userFolder: string): Promise<Owner> {
	const file = join(userFolder, 'login.json');
	const stored = await readFile(file, 'utf8').catch(() => undefined);
	if (stored) return JSON.parse(stored) as Owner;
	// n8n wants 8 to 64 characters with a digit and a capital letter.
	const owner = { email: 'owner@example.com', password: `Media-${randomBytes(9).toString('hex')}` };
	await writeFile(file, `${JSON.stringify(owner, null, 2)}\n`, { mode: 0o600 });
	return owner;
}

async function choosePort(what: string, wanted: number, given: boolean, flag: string, taken: number[], say: Say): Promise<number> {
	if (!taken.includes(wanted) && (await isFree(wanted))) return wanted;
	if (given) throw new Error(`Port ${wanted} for ${what} is in use by another program. Stop that program, or choose another port with ${flag}.`);
	const port = await nextFreePort(wanted + 1, taken);
	say(`port ${wanted} is in use by another program: ${what} takes ${port} (${flag} chooses another one)`);
	return port;
}

/** Tells `npm run demo` and a second start what runs, and where. */
const stackFile = (dataDir: string) => join(dataDir, 'running.json');

/** What runs with this data folder, if anything does. */
export async function findRunning(dataDir: string): Promise<Stack | undefined> {
	const text = await readFile(stackFile(dataDir), 'utf8').catch(() => undefined);
	if (!text) return undefined;
	const stack = JSON.parse(text) as Stack;
	try {
		const response = await fetch(`${stack.sidecarUrl}/api/media/whoami`, {
			headers: { authorization: `Bearer ${stack.apiKey}` },
			signal: AbortSignal.timeout(5_000),
		});
		return response.ok ? stack : undefined;
	} catch {
		return undefined;
	}
}

/** The embedded database belongs to one process only. */
async function refuseSecond(dataDir: string): Promise<void> {
	const running = await findRunning(dataDir);
	if (running) {
		throw new Error(
			`It runs already with ${dataDir} (process ${running.pid}): sidecar ${running.sidecarUrl}${running.n8nUrl ? `, n8n ${running.n8nUrl}` : ''}.\n` +
				'Stop it first (Ctrl+C there), or choose another folder and ports with --data, --port and --n8n-port.',
		);
	}
}
