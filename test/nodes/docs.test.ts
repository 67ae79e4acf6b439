import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { INodeProperties } from 'n8n-workflow';
import { MediaCaption } from '../../nodes/MediaCaption/MediaCaption.node';
import { MediaTranscode } from '../../nodes/MediaTranscode/MediaTranscode.node';
import { SocialDistribute } from '../../nodes/SocialDistribute/SocialDistribute.node';

interface PastedNode {
	type: string;
	parameters: Record<string, unknown>;
}

const nodeTypes = new Map(
	[new MediaTranscode(), new MediaCaption(), new SocialDistribute()].map(({ description }) => [
		`n8n-nodes-media-pipeline.${description.name}`,
		description,
	]),
);

/** The nodes that docs/operations.md offers for pasting. */
const page = readFileSync(join(__dirname, '..', '..', 'docs', 'operations.md'), 'utf8');
const pasted = [...page.matchAll(/```json\n(.*?)\n```/gs)].flatMap(([, text]) => (JSON.parse(text ?? '') as { nodes: PastedNode[] }).nodes);

/** The field as it is shown with this operation. */
function fieldOf(properties: INodeProperties[], name: string, operation: unknown): INodeProperties | undefined {
	return properties.find((field) => field.name === name && (name === 'operation' || field.displayOptions?.show?.operation?.includes(operation as string)));
}

describe('the nodes in docs/operations.md', () => {
	it('are there', () => {
		expect(pasted.length).toBeGreaterThanOrEqual(7);
	});

	it.each(pasted)('has only fields and choices that the node has: $parameters.operation', ({ type, parameters }) => {
		const properties = nodeTypes.get(type)?.properties ?? [];
		for (const [name, value] of Object.entries(parameters)) {
			const field = fieldOf(properties, name, parameters.operation);
			expect([name, field?.name]).toEqual([name, name]);
			if (field?.type !== 'options' && field?.type !== 'multiOptions') continue;
			const choices = (field.options ?? []).map((option) => ('value' in option ? option.value : undefined));
			for (const chosen of [value].flat()) expect(choices).toContain(chosen);
		}
	});
});
