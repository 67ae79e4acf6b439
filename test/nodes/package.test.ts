import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { INodeProperties, INodeType } from 'n8n-workflow';
import { MediaPipelineMastodonApi } from '../../credentials/MediaPipelineMastodonApi.credentials';
import { MediaPipelineXOAuth2Api } from '../../credentials/MediaPipelineXOAuth2Api.credentials';
import { MediaSidecarApi } from '../../credentials/MediaSidecarApi.credentials';
import { MediaCaption } from '../../nodes/MediaCaption/MediaCaption.node';
import { MediaIngest } from '../../nodes/MediaIngest/MediaIngest.node';
import { MediaPipelineTrigger } from '../../nodes/MediaPipelineTrigger/MediaPipelineTrigger.node';
import { MediaTranscode } from '../../nodes/MediaTranscode/MediaTranscode.node';
import { SocialDistribute } from '../../nodes/SocialDistribute/SocialDistribute.node';
import { choicesOf, shownFields } from './support/shown';

const ROOT = join(__dirname, '..', '..');
const nodes: Array<[string, INodeType]> = [
	['MediaIngest', new MediaIngest()],
	['MediaTranscode', new MediaTranscode()],
	['MediaCaption', new MediaCaption()],
	['SocialDistribute', new SocialDistribute()],
];
const triggers: Array<[string, INodeType]> = [['MediaPipelineTrigger', new MediaPipelineTrigger()]];
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { n8n: { nodes: string[]; credentials: string[] } };

describe.each([...nodes, ...triggers])('%s', (folder, node) => {
	const { description } = node;

	it('is listed in package.json', () => {
		expect(manifest.n8n.nodes).toContain(`dist/nodes/${folder}/${folder}.node.js`);
	});

	it('has a plain description: n8n clones it', () => {
		expect(JSON.parse(JSON.stringify(description))).toEqual(structuredClone(description));
	});

	it('has an icon for light and dark, and a codex file for itself', () => {
		const { light, dark } = description.icon as { light: string; dark: string };
		for (const icon of [light, dark]) expect(existsSync(join(ROOT, 'nodes', folder, icon.replace('file:', '')))).toBe(true);
		const codex = JSON.parse(readFileSync(join(ROOT, 'nodes', folder, `${folder}.node.json`), 'utf8')) as { node: string };
		expect(codex.node).toBe(`n8n-nodes-media-pipeline.${description.name}`);
	});
});

describe.each(triggers)('%s', (_folder, { description, webhookMethods }) => {
	it('has no input, one output, and a webhook that it registers by itself', () => {
		expect([description.inputs, description.outputs, description.group]).toEqual([[], ['main'], ['trigger']]);
		expect(description.webhooks).toMatchObject([{ name: 'default', httpMethod: 'POST', responseMode: 'onReceived' }]);
		expect(description.webhooks?.[0]).not.toHaveProperty('restartWebhook');
		expect(Object.keys(webhookMethods?.default ?? {}).sort()).toEqual(['checkExists', 'create', 'delete']);
	});
});

describe.each(nodes)('%s', (_folder, { description }) => {
	it('has the outputs Done and Failed, can be a tool, and has a resume webhook of its own', () => {
		expect(description.outputNames).toEqual(['Done', 'Failed']);
		expect(description.usableAsTool).toBe(true);
		expect(description.webhooks).toMatchObject([{ path: '={{ $nodeId }}', restartWebhook: true, httpMethod: 'POST' }]);
	});

	it('preselects an operation that exists in every list, and shows every field only with an operation', () => {
		const lists = description.properties.filter(({ name }) => name === 'operation' || name === 'resource');
		for (const list of lists) expect(choicesOf(list)).toContain(list.default);
		const operations = lists.filter(({ name }) => name === 'operation').flatMap(choicesOf);
		expect(new Set(operations).size).toBe(operations.length);
		const shared = ['waitMode', 'deadlineMinutes', 'priority', 'reuseResults', 'operation', 'resource'];
		for (const field of description.properties.filter(({ name }) => !shared.includes(name))) {
			const [shown] = field.displayOptions?.show?.operation ?? [];
			expect([field.name, operations.includes(shown)]).toEqual([field.name, true]);
		}
	});
});

describe('the credentials', () => {
	it('of the sidecar are tested against an address that wants the key', () => {
		const credential = new MediaSidecarApi();
		expect(credential.test.request).toEqual({ baseURL: '={{$credentials.url.replace(/\\/+$/, "")}}', url: '/api/media/whoami' });
		expect(credential.authenticate.properties).toEqual({ headers: { Authorization: '=Bearer {{$credentials.apiKey}}' } });
	});

	it('of Mastodon are tested on the instance', () => {
		expect(new MediaPipelineMastodonApi().test.request.url).toBe('/api/v1/accounts/verify_credentials');
	});

	it('of X ask for media.write and a refresh token', () => {
		const { properties } = new MediaPipelineXOAuth2Api();
		const value = (name: string) => properties.find((property: INodeProperties) => property.name === name)?.default;
		expect(value('scope')).toBe('tweet.read tweet.write users.read media.write offline.access');
		expect([value('grantType'), value('authUrl'), value('accessTokenUrl')]).toEqual([
			'pkce',
			'https://x.com/i/oauth2/authorize',
			'https://api.x.com/2/oauth2/token',
		]);
	});

	it.each([new MediaSidecarApi(), new MediaPipelineMastodonApi()])('hide their secrets: $name', ({ properties }) => {
		for (const { name, typeOptions } of properties) {
			if (/key|secret|token/i.test(name)) expect([name, typeOptions?.password]).toEqual([name, true]);
		}
	});
});

describe('the workflow templates', () => {
	const descriptions = new Map(nodes.map(([, { description }]) => [`n8n-nodes-media-pipeline.${description.name}`, description]));
	const files = readdirSync(join(ROOT, 'workflows')).filter((file) => file.endsWith('.json'));

	interface Template {
		settings: { saveDataSuccessExecution: string };
		nodes: Array<{ name: string; type: string; typeVersion: number; parameters: Record<string, unknown>; credentials?: object }>;
		connections: Record<string, { main: Array<Array<{ node: string }>> }>;
	}
	const read = (file: string) => JSON.parse(readFileSync(join(ROOT, 'workflows', file), 'utf8')) as Template;

	/** These nodes and all behind them: what fails may be collected first, so that it holds up nothing else. */
	function reachable(connections: Template['connections'], from: string[]): string[] {
		const found = new Set(from);
		for (const name of found) for (const { node } of (connections[name]?.main ?? []).flat()) found.add(node);
		return [...found];
	}

	it.each(files)('%s uses only operations and parameters that exist', (file) => {
		for (const node of read(file).nodes) {
			const description = descriptions.get(node.type);
			if (!description) continue;
			const known = shownFields(description.properties, node.parameters);
			const list = known.find(({ name }) => name === 'operation');
			expect(list && choicesOf(list)).toContain(node.parameters.operation);
			for (const parameter of Object.keys(node.parameters)) expect(known.map(({ name }) => name)).toContain(parameter);
		}
	});

	it.each(files)('%s carries no credentials, keeps its executions, and leaves no failure unseen', (file) => {
		const { nodes: templateNodes, connections, settings } = read(file);
		expect(settings.saveDataSuccessExecution).toBe('all');
		for (const node of templateNodes) {
			expect(node).not.toHaveProperty('credentials');
			if (!descriptions.has(node.type)) continue;
			const [, failed] = connections[node.name]?.main ?? [];
			const types = reachable(connections, (failed ?? []).map((target) => target.node)).map((name) => templateNodes.find((other) => other.name === name)?.type);
			expect([node.name, types]).toEqual([node.name, expect.arrayContaining(['n8n-nodes-base.stopAndError'])]);
		}
	});
});

describe('the package', () => {
	it('shares types only with the sidecar', () => {
		const sources = readdirSync(join(ROOT, 'nodes'), { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
		expect(sources.length).toBeGreaterThan(20);
		for (const file of sources) {
			const imports = [...readFileSync(join(ROOT, 'nodes', file), 'utf8').matchAll(/from '([^']+)'/g)].map(([, path]) => path ?? '');
			expect([file, imports.filter((path) => path.includes('sidecar/') || /^(\.\.\/){4}/.test(path))]).toEqual([file, []]);
		}
	});
});
