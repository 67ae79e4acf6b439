import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MediaCaption } from '../../nodes/MediaCaption/MediaCaption.node';
import { MediaTranscode } from '../../nodes/MediaTranscode/MediaTranscode.node';
import { SocialDistribute } from '../../nodes/SocialDistribute/SocialDistribute.node';
import { choicesOf, shownFields } from './support/shown';

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

/** The nodes that docs/operations/ offers for pasting. */
const folder = join(__dirname, '..', '..', 'docs', 'operations');
const pasted = readdirSync(folder).flatMap((name) =>
	[...readFileSync(join(folder, name), 'utf8').matchAll(/```json\n(.*?)\n```/gs)].flatMap(([, text]) => (JSON.parse(text ?? '') as { nodes: PastedNode[] }).nodes),
);

describe('the nodes in docs/operations', () => {
	it('are there, one per page', () => {
		expect(pasted.length).toBe(readdirSync(folder).length - 1);
	});

	it.each(pasted)('has only fields and choices that the node has: $parameters.operation', ({ type, parameters }) => {
		const properties = nodeTypes.get(type)?.properties ?? [];
		for (const [name, value] of Object.entries(parameters)) {
			const field = shownFields(properties, parameters).find((candidate) => candidate.name === name);
			expect([name, field?.name]).toEqual([name, name]);
			if (field?.type !== 'options' && field?.type !== 'multiOptions') continue;
			for (const chosen of [value].flat()) expect(choicesOf(field)).toContain(chosen);
		}
	});
});
