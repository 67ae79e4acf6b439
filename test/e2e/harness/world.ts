import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { N8nApi, type ExecutionSummary, type NodeTypeDescription, type StoredWorkflow, type WorkflowFile } from '../../../scripts/lib/n8n-api.ts';
import { installN8n } from '../../../scripts/lib/n8n-install.mjs';
import { placePackage, startN8n, type N8nProcess } from '../../../scripts/lib/n8n-process.ts';
import { ROOT } from '../../../scripts/lib/paths.mjs';
import { freePort } from '../../../scripts/lib/ports.ts';
import { ensureCredential, importTemplates, withCredentials, type CredentialIds, type CredentialSpec, type ImportedTemplate } from '../../../scripts/lib/seed-n8n.ts';
import { SOCIAL_STAND_INS, startSocialStandIns, type RunningSocial, type SocialEmulator } from '../../../scripts/lib/social-stand-ins.ts';
import { SidecarApi } from '../../../scripts/lib/sidecar-api.ts';
import { startSidecar, type SidecarProcess } from '../../../scripts/lib/sidecar-process.ts';
import { startGoogleDrive, type DriveEmulator } from '../../platforms/google-drive.ts';
import { startMastodonEmulator, type MastodonEmulator } from '../../platforms/mastodon.ts';
import { startOpenAi, type OpenAiEmulator } from '../../platforms/openai.ts';
import { startReplicate, type ReplicateEmulator } from '../../platforms/replicate.ts';
import { startXEmulator, type XEmulator } from '../../platforms/x.ts';
import { startFileServer, type FileServer } from './file-server.ts';
import { parseFlatted } from './flatted.ts';
import { startProxy, type Proxy } from './proxy.ts';
import { waitFor } from './wait.ts';
import { WorkflowBuilder } from './workflow.ts';

const API_KEY = 'mp_end-to-end-tests-0123456789';
const WEBHOOK_SECRET = 'whsec_ZW5kLXRvLWVuZC13ZWJob29rLXNlY3JldCE=';
const CALLBACK_SECRET = 'whsec_ZW5kLXRvLWVuZC10ZXN0cy1zZWNyZXQ=';
const OWNER = { email: 'owner@example.com', password: 'End-to-end-1' };

export interface Item {
	json: Record<string, unknown>;
	pairedItem?: unknown;
}

/** One run of one node. */
export interface NodeRun {
	executionStatus: string;
	error?: { message: string };
	/** Items by output; an output that got nothing may be null. */
	data?: { main: Array<Item[] | null> };
}

export interface Execution extends ExecutionSummary {
	runs: Record<string, NodeRun[]>;
	error: { message: string } | null;
}

/** A real n8n, a real sidecar, and strict emulators of the platforms, all on loopback and in one temporary folder. */
export class World {
	readonly folder: string;
	readonly x: XEmulator;
	readonly mastodon: MastodonEmulator;
	/** The other platforms, when the test wants them: see `start`. */
	readonly #others: RunningSocial | null;
	readonly openai: OpenAiEmulator;
	readonly replicate: ReplicateEmulator;
	/** As the sidecar sees it. n8n itself asks the real one, which is not to be reached. */
	readonly drive: DriveEmulator;
	/** Between the sidecar and n8n: everything that is called back passes here. */
	readonly callbacks: Proxy;
	/** Between the nodes and the sidecar. */
	readonly requests: Proxy;
	/** Where the videos come from. */
	readonly files: FileServer;
	readonly sidecarPort: number;
	readonly n8nPort: number;
	#n8n: N8nProcess | null = null;
	#sidecar: SidecarProcess | null = null;
	#api: N8nApi | null = null;
	#credentials: CredentialIds = {};
	#types: NodeTypeDescription[] = [];
	#installation = '';
	readonly #closers: Array<() => Promise<void>> = [];

	private constructor(others: RunningSocial | null, parts: Pick<World, 'folder' | 'x' | 'mastodon' | 'openai' | 'replicate' | 'drive' | 'callbacks' | 'requests' | 'files' | 'sidecarPort' | 'n8nPort'>) {
		this.#others = others;
		this.folder = parts.folder;
		this.x = parts.x;
		this.mastodon = parts.mastodon;
		this.openai = parts.openai;
		this.replicate = parts.replicate;
		this.drive = parts.drive;
		this.callbacks = parts.callbacks;
		this.requests = parts.requests;
		this.files = parts.files;
		this.sidecarPort = parts.sidecarPort;
		this.n8nPort = parts.n8nPort;
	}

	/**
	 * Starts everything. Call `close` in any case.
	 * @param files what the file server offers, path by name
	 * @param allPlatforms all ten, not only X and Mastodon
	 */
	static async start(files: Record<string, string> = {}, { allPlatforms = false } = {}): Promise<World> {
		const [sidecarPort, n8nPort] = [await freePort(), await freePort()];
		const others = allPlatforms ? await startSocialStandIns(SOCIAL_STAND_INS.filter(({ platform }) => platform !== 'x' && platform !== 'mastodon'), await freePort()) : null;
		const world = new World(others, {
			folder: await mkdtemp(join(tmpdir(), 'media-pipeline-e2e-')),
			x: await startXEmulator({ checkAfterSeconds: 1 }),
			mastodon: await startMastodonEmulator(),
			openai: await startOpenAi(),
			replicate: await startReplicate(),
			drive: await startGoogleDrive(),
			callbacks: await startProxy(() => `http://127.0.0.1:${n8nPort}`),
			requests: await startProxy(() => `http://127.0.0.1:${sidecarPort}`),
			files: await startFileServer(files),
			sidecarPort,
			n8nPort,
		});
		if (others) world.#closers.push(() => others.close());
		world.#closers.push(...[world.x, world.mastodon, world.openai, world.replicate, world.drive, world.callbacks, world.requests, world.files].map((part) => () => Promise.resolve(part.close())));
		try {
			world.#installation = await installN8n((line) => console.log(line));
			await placePackage(world.#userFolder);
			await Promise.all([world.startN8n(), world.startSidecar()]);
			await world.#seed();
		} catch (error) {
			await world.close();
			throw error;
		}
		return world;
	}

	get #userFolder(): string {
		return join(this.folder, 'n8n');
	}

	/** What became of a platform, by its name on the wire. */
	social(platform: string): SocialEmulator {
		const emulator = platform === 'x' ? this.x : platform === 'mastodon' ? this.mastodon : this.#others?.running.find(({ standIn }) => standIn.platform === platform)?.server.emulator;
		if (!emulator) throw new Error(`no stand-in of ${platform} was started`);
		return emulator;
	}

	get n8n(): N8nApi {
		if (!this.#api) throw new Error('n8n does not run');
		return this.#api;
	}

	get sidecar(): SidecarApi {
		return new SidecarApi(`http://127.0.0.1:${this.sidecarPort}`, API_KEY);
	}

	/** Type descriptions as n8n's editor gets them. */
	get nodeTypes(): NodeTypeDescription[] {
		return this.#types;
	}

	async startN8n(): Promise<void> {
		this.#n8n = await startN8n({
			installation: this.#installation,
			userFolder: this.#userFolder,
			port: this.n8nPort,
			logFile: join(this.folder, 'n8n.log'),
			env: { WEBHOOK_URL: `${this.callbacks.url}/` },
		});
		this.#api = new N8nApi(this.#n8n.url);
		await this.#api.login(OWNER);
	}

	/** In order, as a deployment would do it. */
	async stopN8n(): Promise<void> {
		await this.#n8n?.stop();
		this.#n8n = null;
		this.#api = null;
	}

	/** @param env beside and before the usual */
	async startSidecar(env: Record<string, string> = {}): Promise<void> {
		const hosts = [this.callbacks, this.x, this.mastodon, this.openai, this.replicate, this.drive, this.files].map(({ url }) => new URL(url).host);
		// Where triggers listen while they are tested in the editor: WEBHOOK_URL is not for them.
		hosts.push(`127.0.0.1:${this.n8nPort}`, ...(this.#others?.hosts ?? []));
		this.#sidecar = await startSidecar({
			port: this.sidecarPort,
			dataDir: join(this.folder, 'data'),
			logFile: join(this.folder, 'sidecar.log'),
			env: {
				API_KEY,
				API_REQUESTS_PER_MINUTE: '100000',
				CALLBACK_SECRET,
				N8N_WEBHOOK_SECRET: WEBHOOK_SECRET,
				N8N_WEBHOOK_URL: `${this.callbacks.url}/webhook/process-media`,
				N8N_DISTRIBUTE_WEBHOOK_URL: `${this.callbacks.url}/webhook/distribute-media`,
				ALLOWED_PRIVATE_HOSTS: hosts.join(','),
				...this.#others?.variables,
				X_API_BASE_URL: this.x.url,
				OPENAI_BASE_URL: this.openai.url,
				OPENAI_API_KEY: 'test-key',
				GOOGLE_API_BASE_URL: this.drive.url,
				REPLICATE_BASE_URL: this.replicate.url,
				REPLICATE_API_TOKEN: this.replicate.token,
				REPLICATE_STYLE_MODEL: 'acme/model',
				REPLICATE_BACKGROUND_MODEL: 'acme/model',
				// Whatever the developer's own environment says: the embedded database.
				DATABASE_URL: '',
				LOG_LEVEL: 'debug',
				...env,
			},
		});
	}

	/** As a power cut would end it. */
	async killSidecar(): Promise<void> {
		await this.#sidecar?.kill();
		this.#sidecar = null;
	}

	/** Further accounts in n8n. */
	async addCredential(spec: CredentialSpec): Promise<void> {
		this.#credentials[spec.type] = await ensureCredential(this.n8n, [], spec);
	}

	async #seed(): Promise<void> {
		const specs = [
			{ name: 'Sidecar', type: 'mediaSidecarApi', data: { url: this.requests.url, apiKey: API_KEY, callbackSecret: CALLBACK_SECRET } },
			{ name: 'Trigger', type: 'httpHeaderAuth', data: { name: 'X-Media-Pipeline-Secret', value: WEBHOOK_SECRET } },
			{ name: 'Mastodon', type: 'mediaPipelineMastodonApi', data: { baseUrl: this.mastodon.url, accessToken: 'mastodon-token' } },
			{
				name: 'X',
				type: 'mediaPipelineXOAuth2Api',
				data: { clientId: 'e2e', clientSecret: 'e2e', oauthTokenData: { access_token: 'x-token', token_type: 'bearer' } },
			},
			...(this.#others?.credentials ?? []),
		];
		for (const spec of specs) await this.addCredential(spec);
		this.#types = await this.n8n.nodeTypes();
	}

	/** Imports and publishes the templates of workflows/, as `npm start` does. */
	importTemplates(): Promise<ImportedTemplate[]> {
		return importTemplates(this.n8n, {
			folder: join(ROOT, 'workflows'),
			stateFile: join(this.folder, 'templates.json'),
			credentials: this.#credentials,
		});
	}

	/** Calls the webhook of a template as its users do. */
	async callTemplate(path: string, body: unknown, headers: Record<string, string> = {}): Promise<void> {
		const response = await fetch(`http://127.0.0.1:${this.n8nPort}/webhook/${path}`, {
			method: 'POST',
			headers: { 'content-type': 'application/json', 'x-media-pipeline-secret': WEBHOOK_SECRET, ...headers },
			body: JSON.stringify(body),
		});
		if (!response.ok) throw new Error(`the webhook answered ${response.status}: ${await response.text()}`);
	}

	/** Waits until a template has so many executions and all have ended; oldest first. */
	async ended(workflowId: string, count: number): Promise<Execution[]> {
		const summaries = await waitFor(
			async () => {
				const all = await this.n8n.listExecutions(workflowId);
				return all.length >= count && all.every(({ status }) => ['success', 'error', 'crashed', 'canceled'].includes(status)) && all;
			},
			{ what: `${count} executions of ${workflowId} to end`, timeoutMs: 200_000, explain: () => this.logs() },
		);
		return await Promise.all(summaries.reverse().map(({ id }) => this.execution(id)));
	}

	/** Creates and publishes a workflow. */
	async deploy(workflow: WorkflowBuilder | WorkflowFile): Promise<StoredWorkflow> {
		const file = workflow instanceof WorkflowBuilder ? workflow.build() : workflow;
		const stored = await this.n8n.createWorkflow(withCredentials(file, this.#credentials, this.#types));
		await this.n8n.activateWorkflow(stored.id);
		return stored;
	}

	/** Calls the webhook of a workflow, and answers the id of the execution that it started. */
	async fire(workflow: WorkflowBuilder, stored: StoredWorkflow, body: unknown): Promise<string> {
		const before = new Set((await this.n8n.listExecutions(stored.id)).map(({ id }) => id));
		const response = await fetch(`http://127.0.0.1:${this.n8nPort}/webhook/${workflow.path}`, {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify(body),
		});
		if (!response.ok) throw new Error(`the webhook answered ${response.status}: ${await response.text()}`);
		const started = await waitFor(async () => (await this.n8n.listExecutions(stored.id)).find(({ id }) => !before.has(id)), {
			what: 'the execution to start',
			explain: () => this.logs(),
		});
		return started.id;
	}

	/** Waits until the execution has this status. */
	async waitForStatus(id: string, ...statuses: Array<ExecutionSummary['status']>): Promise<void> {
		let last = '';
		await waitFor(
			async () => {
				last = (await this.n8n.getExecution(id)).status;
				return statuses.includes(last as ExecutionSummary['status']);
			},
			{ what: `execution ${id} to become ${statuses.join(' or ')}`, explain: async () => `It is ${last}.\n${await this.logs()}` },
		);
	}

	/** Waits until the execution has ended, and answers what every node gave. */
	async result(id: string): Promise<Execution> {
		await this.waitForStatus(id, 'success', 'error', 'crashed', 'canceled');
		return await this.execution(id);
	}

	/** The execution as it is now. */
	async execution(id: string): Promise<Execution> {
		const { data, ...summary } = await this.n8n.getExecution(id);
		const { resultData } = parseFlatted(data) as { resultData: { runData?: Record<string, NodeRun[]>; error?: { message: string } } };
		return { ...summary, runs: resultData.runData ?? {}, error: resultData.error ?? null };
	}

	/** The ends of both logs, for error messages. */
	async logs(): Promise<string> {
		const n8n = this.#n8n?.output().slice(-3000) ?? '(n8n does not run)';
		const sidecar = this.#sidecar?.output().slice(-5000) ?? '(the sidecar does not run)';
		return `--- n8n\n${n8n}\n--- sidecar\n${sidecar}`;
	}

	/** Ends everything that was started. KEEP_E2E=1 keeps the folder with the logs. */
	async close(): Promise<void> {
		await this.#n8n?.stop();
		await this.#sidecar?.stop();
		await Promise.all(this.#closers.map((close) => close()));
		if (process.env.KEEP_E2E) console.log(`kept: ${this.folder}`);
		else await rm(this.folder, { recursive: true, force: true });
	}
}
