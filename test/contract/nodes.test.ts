import type { IExecuteFunctions, INodeProperties, INodePropertyOptions } from 'n8n-workflow';
import { operations as captionOperations } from '../../nodes/MediaCaption/operations/index.ts';
import { operations as transcodeOperations } from '../../nodes/MediaTranscode/operations/index.ts';
import { operations as socialOperations } from '../../nodes/SocialDistribute/operations/index.ts';
import { platforms as nodePlatforms } from '../../nodes/SocialDistribute/platforms/index.ts';
import type { NodeOperation } from '../../nodes/shared/operation.ts';
import { batchRequestSchema } from '../../sidecar/src/contract/requests.ts';
import { allOperations } from '../../scripts/lib/docs/all-operations.ts';
import { readConfig } from '../../sidecar/src/config.ts';
import { createGuard } from '../../sidecar/src/net/guard.ts';
import { createPlatforms } from '../../sidecar/src/social/platforms.ts';

/** What the nodes send is what the sidecar takes: every operation with its preselected values, and with each value of each list. */

const ASSET = '7b0c7c1e-4c7f-4d0a-9a53-0f5b6c1d2e3f';
const schemas = new Map(allOperations().map(({ name, params }) => [name, params]));

type Values = Record<string, unknown>;

/** An execution with an account on every platform, whose token needs no renewal. */
function signedIn(): IExecuteFunctions {
	const secret = { accessToken: 't', oauthTokenData: { access_token: 't' }, baseUrl: 'https://social.test', serviceUrl: 'https://bsky.test', handle: 'demo.test', appPassword: 'abcd-efgh-ijkl-mnop' };
	const chosen = Object.fromEntries(nodePlatforms.flatMap(({ credentials }) => credentials.map((type) => [type, { id: '1', name: type }])));
	const context: Partial<IExecuteFunctions> = {
		getNode: () => ({ id: 'n', name: 'n', type: 't', typeVersion: 1, position: [0, 0], parameters: {}, credentials: chosen }),
		getCredentials: <T extends object = object>() => Promise.resolve(secret as T),
		evaluateExpression: () => '2030-01-01T10:00:00.000+02:00',
	};
	return context as IExecuteFunctions;
}

const isShown = ({ displayOptions }: INodeProperties, values: Values): boolean =>
	Object.entries(displayOptions?.show ?? {}).every(([name, allowed]) => [values[name]].flat().some((value) => (allowed as unknown[]).includes(value)));

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
	return (await operation.build({ read, itemIndex: 0, context: signedIn() })) as object[] as Values[];
}

/** What comes from the previous node, or is needed with one choice only. */
const FROM_BEFORE = { assetId: ASSET, jobId: ASSET, postId: ASSET, fileName: 'compressed.mp4', publishAt: '2030-01-01T10:00', timeZone: 'Europe/Berlin' };

/** What a user must fill in has an example as its placeholder. */
const defaults = (operation: NodeOperation): Values => ({
	...Object.fromEntries(operation.properties.map(({ name, default: value, required, placeholder }) => [name, required && value === '' ? placeholder : value])),
	source: 'asset',
	...FROM_BEFORE,
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
			// All at once asks the sidecar first: test/nodes/SocialDistribute.
			for (const value of [entry.default, ...choices(entry)].filter((one) => one !== 'fail_all')) yield { ...preselected, [property.name]: { [entry.name]: value } };
		}
	}
}

const operations = [...transcodeOperations, ...captionOperations, ...socialOperations].filter(({ value }) => value !== 'several');

describe('the requests of the nodes', () => {
	it('reach every operation of the sidecar', async () => {
		const offered = new Set<unknown>();
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

	const platforms = createPlatforms({ settings: readConfig({}), guard: createGuard({ allowedPrivateHosts: [] }) });

	it('reach the platforms that the sidecar publishes on', () => {
		expect(nodePlatforms.map(({ value }) => value)).toEqual(platforms.map(({ name }) => name).toSorted());
	});

	it.each(nodePlatforms.map((platform) => [platform.name, platform] as const))('name the options of %s as its adapter does', (_name, { value, fields = [], settings }) => {
		const adapter = platforms.find(({ name }) => name === value)!;
		for (const field of fields) {
			for (const choice of [field.default, ...choices(field)]) {
				const given = settings?.((name) => (name === field.name && choice !== '' ? choice : undefined)) ?? {};
				const named = Object.fromEntries(Object.entries(given).filter(([, one]) => one !== undefined));
				expect([field.name, choice, adapter.settings.safeParse(named).error]).toEqual([field.name, choice, undefined]);
			}
		}
	});
});
