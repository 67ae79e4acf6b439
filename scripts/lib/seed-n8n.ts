import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { N8nApiError, type N8nApi, type NodeTypeDescription, type StoredCredential, type WorkflowFile, type WorkflowNode } from './n8n-api.ts';

/** Puts credentials and workflow templates into a running n8n, so that doing it again changes nothing that a user changed. */

export interface CredentialSpec {
	name: string;
	type: string;
	data: Record<string, unknown>;
}

/** Credential type → what a node's `credentials` field holds. */
export type CredentialIds = Record<string, { id: string; name: string }>;

/** Creates the credential, or gives it the current data (the port of the sidecar may have changed). */
export async function ensureCredential(api: N8nApi, existing: StoredCredential[], spec: CredentialSpec): Promise<{ id: string; name: string }> {
	const found = existing.find((credential) => credential.name === spec.name && credential.type === spec.type);
	const stored = found
		? await api.updateCredential(found.id, spec.name, spec.type, spec.data)
		: await api.createCredential(spec.name, spec.type, spec.data);
	return { id: stored.id, name: stored.name };
}

/** n8n's ids have 16 letters and digits; the same file always gets the same one, so that no start imports it twice. */
export function workflowId(fileName: string): string {
	return createHash('sha256').update(`media-pipeline/${fileName}`).digest('hex').slice(0, 16);
}

/** The workflow with the credentials that exist filled in where a node asks for them. */
export function withCredentials(workflow: WorkflowFile, ids: CredentialIds, types: NodeTypeDescription[]): WorkflowFile {
	const nodes = workflow.nodes.map((node) => {
		const wanted = credentialTypesOf(node, types).filter((type) => ids[type]);
		if (wanted.length === 0) return node;
		return { ...node, credentials: { ...node.credentials, ...Object.fromEntries(wanted.map((type) => [type, ids[type]])) } };
	});
	return { ...workflow, nodes: nodes as WorkflowNode[] };
}

function credentialTypesOf(node: WorkflowNode, types: NodeTypeDescription[]): string[] {
	const description = types.find((type) => type.name === node.type);
	const declared = (description?.credentials ?? []) as Array<{ name: string; displayOptions?: { show?: Record<string, unknown[]> } }>;
	return declared
		.filter(({ displayOptions }) =>
			Object.entries(displayOptions?.show ?? {}).every(([path, allowed]) => {
				const parameter = path.replace(/^\//, '');
				const value = node.parameters[parameter] ?? description?.properties.find(({ name }) => name === parameter)?.default;
				// What an expression will give is known only when the workflow runs.
				if (typeof value === 'string' && value.startsWith('=')) return true;
				return [value].flat().some((one) => allowed.includes(one));
			}),
		)
		.map(({ name }) => name);
}

export interface ImportedTemplate {
	file: string;
	id: string;
	name: string;
	active: boolean;
	/** What the user should know: why it is not published, or why it was left alone. */
	note?: string;
}

/** What was imported last time, by file name. */
type Imported = Record<string, { template: string; checksum: string }>;

export interface TemplateOptions {
	/** Folder of the `*.json` templates. */
	folder: string;
	/** Remembers what was imported, so that a user's changes are recognised. */
	stateFile: string;
	credentials: CredentialIds;
}

/** Imports and publishes every template. One that the user changed in n8n is left as it is. */
export async function importTemplates(api: N8nApi, options: TemplateOptions): Promise<ImportedTemplate[]> {
	const types = await api.nodeTypes();
	const state = JSON.parse(await readFile(options.stateFile, 'utf8').catch(() => '{}')) as Imported;
	const results: ImportedTemplate[] = [];
	for (const file of (await readdir(options.folder)).filter((name) => name.endsWith('.json')).sort()) {
		const text = await readFile(join(options.folder, file), 'utf8');
		results.push(await importTemplate(api, file, text, state, withCredentials(JSON.parse(text) as WorkflowFile, options.credentials, types)));
	}
	await writeFile(options.stateFile, `${JSON.stringify(state, null, 2)}\n`);
	return results;
}

async function importTemplate(api: N8nApi, file: string, text: string, state: Imported, workflow: WorkflowFile): Promise<ImportedTemplate> {
	const id = workflowId(file);
	// The filled-in credentials are part of it: a template must be imported again when one of them is new.
	const template = createHash('sha256').update(JSON.stringify(workflow)).digest('hex');
	const current = await api.getWorkflow(id);
	const before = state[file];
	const result = { file, id, name: workflow.name };

	if (current?.isArchived) return { ...result, active: false, note: 'you archived it in n8n; it was left there' };
	if (current && before?.template === template) return { ...result, active: current.active, ...(current.active ? {} : await publish(api, id)) };
	if (current && before && current.checksum !== before.checksum) {
		return { ...result, active: current.active, note: 'the template is newer, but you changed your copy in n8n; it was left as it is' };
	}
	if (current) await api.updateWorkflow(id, workflow);
	else await api.createWorkflow({ ...workflow, id });
	const published = await publish(api, id);
	state[file] = { template, checksum: (await api.getWorkflow(id))?.checksum ?? '' };
	return { ...result, ...published };
}

/** Not published is no failure: a workflow that starts with somebody's Google Drive needs their account first. */
async function publish(api: N8nApi, id: string): Promise<{ active: boolean; note?: string }> {
	try {
		await api.activateWorkflow(id);
		return { active: true };
	} catch (error) {
		return { active: false, note: `not published yet: ${whatIsMissing(error)}` };
	}
}

/** n8n lists the problems of each node below its name, as "  - …". */
function whatIsMissing(error: unknown): string {
	const reason = error instanceof N8nApiError ? error.reason : error instanceof Error ? error.message : String(error);
	const problems = reason.split('\n').filter((line) => line.startsWith('  - ')).map((line) => line.slice('  - '.length));
	return [...new Set(problems)].join('; ') || reason;
}

/** Path of the first Webhook node of a template, e.g. `media-process`. */
export async function webhookPath(file: string): Promise<string> {
	const workflow = JSON.parse(await readFile(file, 'utf8')) as WorkflowFile;
	const webhook = workflow.nodes.find((node) => node.type === 'n8n-nodes-base.webhook');
	if (typeof webhook?.parameters.path !== 'string') throw new Error(`${file} has no Webhook node with a path.`);
	return webhook.parameters.path;
}
