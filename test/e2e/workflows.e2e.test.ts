import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NodeTypeDescription, WorkflowFile, WorkflowNode } from '../../scripts/lib/n8n-api.ts';
import { PACKAGE_NAME, ROOT } from '../../scripts/lib/paths.mjs';
import { World } from './harness/world.ts';

const FOLDER = join(ROOT, 'workflows');
const FILES = readdirSync(FOLDER).filter((name) => name.endsWith('.json'));

/** The templates against the node types that this n8n really has. */
describe('the workflow templates in a real n8n', () => {
	let world: World;
	beforeAll(async () => {
		world = await World.start();
	});
	afterAll(async () => {
		await world?.close();
	});

	it('are there', () => {
		expect(FILES).toEqual(expect.arrayContaining(['ab-test-captions.json', 'distribute-media.json', 'drive-folder-batch.json', 'drive-to-social.json', 'process-media.json', 'renditions-for-every-platform.json', 'rss-to-library.json', 'schedule-best-time.json', 'search-your-library.json', 'subtitle-and-translate.json', 'upload-form-to-pipeline.json']));
	});

	it('are imported; those that need no further account are published', async () => {
		const imported = await world.importTemplates();
		expect(imported.map(({ file }) => file)).toEqual(FILES.sort());
		for (const { file, active, note, id } of imported) {
			// Their own accounts, folders and feeds are for the user to choose.
			const needsAccount = read(file).nodes.some(({ type, parameters }) => /[.]googleDrive|[.]lmChatOpenAi$/.test(type) || ['googleDriveFolder', 'rss'].includes(String(parameters.source)));
			expect({ file, active, note: needsAccount ? 'any' : note }).toEqual({ file, active: !needsAccount, note: needsAccount ? 'any' : undefined });
			expect(await world.n8n.getWorkflow(id)).toMatchObject({ name: read(file).name });
		}
		// A second start finds them, and imports nothing twice.
		const ids = imported.map(({ id }) => id);
		expect((await world.importTemplates()).map(({ id }) => id)).toEqual(ids);
	});

	it.each(FILES)('%s uses only node types, versions and parameters that n8n knows', (file) => {
		const problems = read(file).nodes.flatMap((node) => problemsOf(node, world.nodeTypes));
		expect(problems).toEqual([]);
	});

	it.each(FILES)('%s carries no ids or names of accounts', (file) => {
		const { id, nodes } = read(file);
		expect(id).toBeUndefined();
		expect(nodes.filter(({ credentials }) => Object.values(credentials ?? {}).some((credential) => credential.id)).map(({ name }) => name)).toEqual([]);
	});

	it('tells an unknown parameter from a known one', () => {
		const node = read('process-media.json').nodes.find(({ type }) => type === `${PACKAGE_NAME}.mediaIngest`);
		if (!node) throw new Error('process-media.json has no Media Ingest');
		const wrong = { ...node, parameters: { ...node.parameters, fileUrll: 'x', operation: 'nothing' } };
		expect(problemsOf(wrong, world.nodeTypes)).toHaveLength(2);
	});
});

function read(file: string): WorkflowFile {
	return JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as WorkflowFile;
}

interface Property {
	name: string;
	type?: string;
	options?: Array<{ name: string; value?: unknown; values?: Property[] }>;
}

function problemsOf(node: WorkflowNode, types: NodeTypeDescription[]): string[] {
	const description = types.find(({ name, version }) => name === node.type && [version].flat().includes(node.typeVersion));
	if (!description) return [`${node.name}: n8n has no ${node.type} in version ${node.typeVersion}`];
	return unknownIn(node.parameters, description.properties as Property[], node.name);
}

/** Names that no property has, and values that no option has; collections are looked into. */
function unknownIn(parameters: Record<string, unknown>, properties: Property[], path: string): string[] {
	return Object.entries(parameters).flatMap(([name, value]) => {
		// The same name may be there several times, each time for another operation.
		const candidates = properties.filter((property) => property.name === name);
		if (candidates.length === 0) return [`${path}: no parameter "${name}"`];
		const problems = candidates.map((property) => problemsOfValue(value, property, `${path}.${name}`));
		return problems.find((list) => list.length === 0) ?? problems[0] ?? [];
	});
}

function problemsOfValue(value: unknown, { type, options = [] }: Property, path: string): string[] {
	if (typeof value === 'string' && value.startsWith('=')) return [];
	if (type === 'options' || type === 'multiOptions') {
		const known = options.map((option) => option.value);
		// Options that are loaded while editing are not listed.
		if (known.length === 0) return [];
		return [value].flat().filter((one) => !known.includes(one)).map((one) => `${path}: no option ${JSON.stringify(one)}`);
	}
	if (typeof value !== 'object' || value === null) return [];
	if (type === 'collection') return unknownIn(value as Record<string, unknown>, options as Property[], path);
	if (type === 'fixedCollection') {
		return Object.entries(value).flatMap(([name, entries]) => {
			const group = options.find((option) => option.name === name);
			if (!group?.values) return [`${path}: no group "${name}"`];
			return [entries].flat().flatMap((entry) => unknownIn(entry as Record<string, unknown>, group.values ?? [], `${path}.${name}`));
		});
	}
	return [];
}
