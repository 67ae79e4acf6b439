import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MediaCaption } from '../../nodes/MediaCaption/MediaCaption.node';
import { MediaIngest } from '../../nodes/MediaIngest/MediaIngest.node';
import { operations as ingestOperations } from '../../nodes/MediaIngest/operations';
import { sources } from '../../nodes/MediaIngest/sources';
import { MediaTranscode } from '../../nodes/MediaTranscode/MediaTranscode.node';
import { SocialDistribute } from '../../nodes/SocialDistribute/SocialDistribute.node';
import { choicesOf, shownFields } from './support/shown';

interface PastedNode {
	type: string;
	parameters: Record<string, unknown>;
}

const nodeTypes = new Map(
	[new MediaIngest(), new MediaTranscode(), new MediaCaption(), new SocialDistribute()].map(({ description }) => [
		`n8n-nodes-media-pipeline.${description.name}`,
		description,
	]),
);

const nodesIn = (path: string): PastedNode[] => [...readFileSync(path, 'utf8').matchAll(/```json\n(.*?)\n```/gs)].flatMap(([, text]) => (JSON.parse(text ?? '') as { nodes: PastedNode[] }).nodes);

function expectKnownFields({ type, parameters }: PastedNode): void {
	const properties = nodeTypes.get(type)?.properties ?? [];
	for (const [name, value] of Object.entries(parameters)) {
		const field = shownFields(properties, parameters).find((candidate) => candidate.name === name);
		expect([name, field?.name]).toEqual([name, name]);
		if (field?.type === 'collection') for (const entry of Object.keys(value as object)) expect(field.options?.map((option) => option.name)).toContain(entry);
		if (field?.type !== 'options' && field?.type !== 'multiOptions') continue;
		for (const chosen of [value].flat()) expect(choicesOf(field)).toContain(chosen);
	}
}

/** The nodes that docs/operations/ offers for pasting. */
const docs = join(__dirname, '..', '..', 'docs');
const folder = join(docs, 'operations');
const pasted = readdirSync(folder).flatMap((name) => nodesIn(join(folder, name)));

describe('the nodes in docs/operations', () => {
	it('are there, one per page', () => {
		expect(pasted.length).toBe(readdirSync(folder).length - 1);
	});

	it.each(pasted)('has only fields and choices that the node has: $parameters.operation', expectKnownFields);
});

describe('the nodes in docs/ingest.md', () => {
	const shown = nodesIn(join(docs, 'ingest.md'));

	it('show every source and every operation', () => {
		expect(new Set(shown.map(({ parameters }) => parameters.source).filter(Boolean))).toEqual(new Set(sources.map(({ value }) => value)));
		expect(new Set(shown.map(({ parameters }) => parameters.operation))).toEqual(new Set(ingestOperations.map(({ value }) => value)));
	});

	it.each(shown)('has only fields and choices that the node has: $parameters.operation $parameters.source', expectKnownFields);
});
