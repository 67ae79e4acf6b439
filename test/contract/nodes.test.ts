import { readdirSync, readFileSync } from 'node:fs';
import type { IExecuteFunctions, INodeProperties, INodePropertyOptions } from 'n8n-workflow';
import { operations as captionOperations } from '../../nodes/MediaCaption/operations/index.ts';
import { operations as transcodeOperations } from '../../nodes/MediaTranscode/operations/index.ts';
import { publishItem } from '../../nodes/SocialDistribute/operations/post.ts';
import { platforms as nodePlatforms } from '../../nodes/SocialDistribute/platforms/index.ts';
import type { NodeOperation } from '../../nodes/shared/operation.ts';
import { batchRequestSchema } from '../../sidecar/src/contract/requests.ts';
import { allOperations } from '../../scripts/lib/docs/all-operations.ts';

/** What the nodes send is what the sidecar takes: every operation with its preselected values, and with each value of each list. */

const ASSET = '7b0c7c1e-4c7f-4d0a-9a53-0f5b6c1d2e3f';
const schemas = new Map(allOperations().map(({ name, params }) => [name, params]));

type Values = Record<string, unknown>;

const isShown = ({ displayOptions }: INodeProperties, values: Values): boolean =>
	Object.entries(displayOptions?.show ?? {}).every(([name, allowed]) => (allowed as unknown[]).includes(values[name]));

/** As n8n: fields that are not shown have no value. */
async function build(operation: NodeOperation, values: Values): Promise<Values[]> {
	const shown = operation.properties.filter((property) => isShown(property, values));
	const read = (name: string, fallback?: unknown): unknown => {
		const [field, option] = name.split('.');
		const property = shown.find((candidate) => candidate.name === field);
		const value = property ? values[field ?? ''] : undefined;
		const found = option === undefined ? value : (value as Values | undefined)?.[option];
		return found === undefined ? fallback : found;
	};
	const context: Partial<IExecuteFunctions> = {};
	return (await operation.build({ read, itemIndex: 0, context: context as IExecuteFunctions })) as object[] as Values[];
}

/** What a user must fill in has an example as its placeholder. */
const defaults = (operation: NodeOperation): Values => ({
	...Object.fromEntries(operation.properties.map(({ name, default: value, required, placeholder }) => [name, required && value === '' ? placeholder : value])),
	source: 'asset',
	assetId: ASSET,
});

const choices = ({ options = [], type }: INodeProperties): unknown[] =>
	type === 'options' ? options.map((option) => (option as INodePropertyOptions).value) : type === 'multiOptions' ? [options.map((option) => (option as INodePropertyOptions).value)] : [];

/** The preselected values, then one list value after the other, and every entry of an Options collection. */
function* cases(operation: NodeOperation): Generator<Values> {
	const preselected = defaults(operation);
	yield preselected;
	for (const property of operation.properties) {
		if (property.name === 'source') continue;
		for (const value of choices(property)) yield { ...preselected, [property.name]: value };
		if (property.type !== 'collection') continue;
		for (const entry of property.options as INodeProperties[]) {
			for (const value of [entry.default, ...choices(entry)]) yield { ...preselected, [property.name]: { [entry.name]: value } };
		}
	}
}

const operations = [...transcodeOperations, ...captionOperations].filter(({ value }) => value !== 'several');

describe('the requests of the nodes', () => {
	it('reach every operation of the sidecar', async () => {
		const offered = new Set<unknown>(['publish']);
		for (const operation of operations) for (const { operation: name } of await build(operation, defaults(operation))) offered.add(name);
		expect([...schemas.keys()].filter((name) => !offered.has(name))).toEqual([]);
	});

	it.each(operations.map((operation) => [operation.name, operation] as const))('%s is accepted with every choice of its lists', async (_name, operation) => {
		for (const values of cases(operation)) {
			const items = await build(operation, values);
			expect(batchRequestSchema.safeParse({ items, callback_url: 'http://n8n/webhook-waiting/1/a?signature=b' }).error).toBeUndefined();
			for (const item of items) {
				const result = schemas.get(String(item['operation']))?.safeParse(item['params'] ?? {});
				expect([values, result?.error]).toEqual([values, undefined]);
			}
		}
	});

	it('name a post and its media as the wire does', () => {
		const values: Values = { text: 'Hi', attachMedia: true, assetId: ASSET, mediaFile: 'original' };
		const item = publishItem((name, fallback) => values[name] ?? fallback, 'x');
		expect(batchRequestSchema.safeParse({ items: [item] }).error).toBeUndefined();
	});

	it('reach the platforms that the sidecar publishes on', () => {
		const folder = new URL('../../sidecar/src/social/', import.meta.url);
		const files = readdirSync(folder).filter((file) => /readonly name = '|name: '/.test(readFileSync(new URL(file, folder), 'utf8')));
		for (const { value } of nodePlatforms) expect(files).toContain(`${value}.ts`);
	});
});
