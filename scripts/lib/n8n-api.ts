/**
 * n8n's own REST interface, as its editor uses it: with a login cookie. Pinned to the n8n of test/e2e/n8n. The command line
 * (`n8n import:…`) would do as well, but each call starts a whole n8n.
 */

export interface Owner {
	email: string;
	password: string;
}

export interface WorkflowNode {
	id: string;
	name: string;
	type: string;
	typeVersion: number;
	position: [number, number];
	parameters: Record<string, unknown>;
	credentials?: Record<string, { id?: string; name: string }>;
	webhookId?: string;
	onError?: string;
	[field: string]: unknown;
}

export interface WorkflowFile {
	id?: string;
	name: string;
	nodes: WorkflowNode[];
	connections: Record<string, unknown>;
	settings?: Record<string, unknown>;
	[field: string]: unknown;
}

export interface StoredWorkflow extends WorkflowFile {
	id: string;
	active: boolean;
	versionId: string;
	checksum: string;
	isArchived: boolean;
}

/** Publishing happens behind the request that asks for it. */
const PUBLISH_TIMEOUT_MS = 30_000;

interface PublicationStatus {
	status: 'in_progress' | 'not_published' | 'published' | 'partial' | 'failed';
	triggers: Array<{ nodeId: string; status: string; errorMessage: string | null }>;
}

export interface StoredCredential {
	id: string;
	name: string;
	type: string;
}

export interface NodeTypeDescription {
	name: string;
	displayName: string;
	version: number | number[];
	properties: Array<{ name: string; [field: string]: unknown }>;
	[field: string]: unknown;
}

export interface ExecutionSummary {
	id: string;
	workflowId: string;
	status: 'new' | 'running' | 'waiting' | 'success' | 'error' | 'crashed' | 'canceled' | 'unknown';
	mode: string;
	finished?: boolean;
	startedAt: string;
	stoppedAt?: string | null;
}

export class N8nApiError extends Error {
	readonly status: number;
	/** What n8n says, without the request around it. */
	readonly reason: string;
	constructor(request: string, status: number, body: string) {
		const reason = reasonOf(body);
		super(`n8n answered ${status} to ${request}: ${reason}`);
		this.name = 'N8nApiError';
		this.status = status;
		this.reason = reason;
	}
}

function reasonOf(body: string): string {
	try {
		const { message } = JSON.parse(body) as { message?: unknown };
		if (typeof message === 'string') return message;
	} catch {
		// Not JSON: a page of a proxy, say.
	}
	return body.slice(0, 600);
}

export class N8nApi {
	readonly url: string;
	#cookie = '';
	constructor(url: string) {
		this.url = url;
	}

	/** Sets the owner account up when nobody has, and logs in. */
	async login(owner: Owner): Promise<void> {
		const settings = await this.request<{ userManagement?: { showSetupOnFirstLoad?: boolean } }>('GET', '/rest/settings');
		if (settings.userManagement?.showSetupOnFirstLoad) {
			await this.request('POST', '/rest/owner/setup', { ...owner, firstName: 'Media', lastName: 'Pipeline' });
		}
		await this.request('POST', '/rest/login', { emailOrLdapLoginId: owner.email, password: owner.password });
	}

	listCredentials(): Promise<StoredCredential[]> {
		return this.request('GET', '/rest/credentials');
	}

	createCredential(name: string, type: string, data: Record<string, unknown>): Promise<StoredCredential> {
		return this.request('POST', '/rest/credentials', { name, type, data });
	}

	updateCredential(id: string, name: string, type: string, data: Record<string, unknown>): Promise<StoredCredential> {
		return this.request('PATCH', `/rest/credentials/${id}`, { name, type, data });
	}

	/** n8n's "Test" button: asks the credential's own test request. */
	testCredential(credential: StoredCredential, data: Record<string, unknown>): Promise<{ status: string; message: string }> {
		return this.request('POST', '/rest/credentials/test', { credentials: { ...credential, data } });
	}

	async getWorkflow(id: string): Promise<StoredWorkflow | undefined> {
		try {
			return await this.request<StoredWorkflow>('GET', `/rest/workflows/${id}`);
		} catch (error) {
			// n8n answers 404, or 403 to a workflow that nobody has.
			if (error instanceof N8nApiError && (error.status === 404 || error.status === 403)) return undefined;
			throw error;
		}
	}

	createWorkflow(workflow: WorkflowFile): Promise<StoredWorkflow> {
		return this.request('POST', '/rest/workflows', { settings: {}, ...workflow });
	}

	updateWorkflow(id: string, workflow: WorkflowFile): Promise<StoredWorkflow> {
		return this.request('PATCH', `/rest/workflows/${id}`, workflow);
	}

	/** Publishes the newest version, and waits until its webhooks answer. Throws when a trigger cannot be started. */
	async activateWorkflow(id: string): Promise<void> {
		const workflow = await this.getWorkflow(id);
		if (!workflow) throw new Error(`n8n has no workflow ${id}.`);
		await this.request('POST', `/rest/workflows/${id}/activate`, { versionId: workflow.versionId });
		const deadline = Date.now() + PUBLISH_TIMEOUT_MS;
		for (;;) {
			const { status, triggers } = await this.request<PublicationStatus>('GET', `/rest/workflows/${id}/publication-status`);
			if (status === 'published') return;
			const problems = triggers.map((trigger) => trigger.errorMessage).filter(Boolean);
			if (status === 'failed' || status === 'partial' || Date.now() > deadline) {
				throw new Error(`n8n did not publish "${workflow.name}" (${status}): ${problems.join('; ') || 'no reason given'}`);
			}
			await new Promise((resolve) => setTimeout(resolve, 50));
		}
	}

	async deactivateWorkflow(id: string): Promise<void> {
		await this.request('POST', `/rest/workflows/${id}/deactivate`, {});
	}

	async nodeTypes(): Promise<NodeTypeDescription[]> {
		return (await this.raw('GET', '/types/nodes.json')) as NodeTypeDescription[];
	}

	/** Newest first. */
	async listExecutions(workflowId?: string): Promise<ExecutionSummary[]> {
		const filter = workflowId ? `&filter=${encodeURIComponent(JSON.stringify({ workflowId }))}` : '';
		const answer = await this.request<{ results: ExecutionSummary[] }>('GET', `/rest/executions?limit=50${filter}`);
		return answer.results;
	}

	/** The execution with its data still packed, see `unpackRunData`. */
	getExecution(id: string): Promise<ExecutionSummary & { data: string }> {
		return this.request('GET', `/rest/executions/${id}`);
	}

	async deleteExecution(id: string): Promise<void> {
		await this.request('POST', '/rest/executions/delete', { ids: [id] });
	}

	async stopExecution(id: string): Promise<void> {
		await this.request('POST', `/rest/executions/${id}/stop`, {});
	}

	/** One call; n8n wraps its answers in `{ data }`. */
	async request<T>(method: string, path: string, body?: unknown): Promise<T> {
		const answer = (await this.raw(method, path, body)) as { data: T };
		return answer.data;
	}

	private async raw(method: string, path: string, body?: unknown): Promise<unknown> {
		const response = await fetch(this.url + path, {
			method,
			headers: { 'content-type': 'application/json', cookie: this.#cookie },
			body: body === undefined ? null : JSON.stringify(body),
		});
		const text = await response.text();
		if (!response.ok) throw new N8nApiError(`${method} ${path}`, response.status, text);
		const cookie = response.headers.getSetCookie().find((entry) => entry.startsWith('n8n-auth='));
		if (cookie) this.#cookie = cookie.split(';')[0] ?? '';
		return text === '' ? {} : JSON.parse(text);
	}
}
