import type { INodeProperties } from 'n8n-workflow';
import type { ReadParameter } from '../../shared/operation';
import { isRecord, optionalText, ParameterError, readChoices } from '../../shared/parameters';
import type { AssetDetails } from '../../shared/wire';

/** An asset of the sidecar. @param description what it is for */
export const assetField = (description: string): INodeProperties => ({
	displayName: 'Asset',
	name: 'asset',
	type: 'resourceLocator',
	default: { mode: 'id', value: '={{ $json.asset_id }}' },
	required: true,
	description,
	modes: [
		{ displayName: 'From List', name: 'list', type: 'list', placeholder: 'Select an asset…', typeOptions: { searchListMethod: 'searchAssets', searchable: true } },
		{
			displayName: 'By ID',
			name: 'id',
			type: 'string',
			placeholder: '7b0c7c1e-4c7f-4d0a-9a53-0f5b6c1d2e3f',
			validation: [{ type: 'regex', properties: { regex: '[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}', errorMessage: 'This is no asset ID' } }],
		},
	],
});

/** The ID, whichever way it was chosen. */
export function readAsset(read: ReadParameter): string {
	const value = read('asset', '');
	const id = typeof value === 'object' && value !== null && 'value' in value ? String(value.value ?? '').trim() : String(value ?? '').trim();
	if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id)) return id;
	throw new ParameterError(id === '' ? '"Asset" is empty. Choose an asset, or check that its expression finds an ID for this item.' : `"Asset" must be the ID of an asset, but is "${id.slice(0, 80)}".`);
}

/** What people say of an asset; entries of a collection. */
export const detailFields: readonly INodeProperties[] = [
	{ displayName: 'Description', name: 'description', type: 'string', typeOptions: { rows: 3 }, default: '', description: 'A few sentences' },
	{ displayName: 'Language', name: 'language', type: 'string', default: '', placeholder: 'de', description: 'Language of what is said in it, such as de or pt-BR' },
	{ displayName: 'Metadata', name: 'metadata', type: 'json', default: '{}', description: 'Own data kept with the asset, as a JSON object' },
	{ displayName: 'Owner', name: 'owner', type: 'string', default: '', description: 'Who it belongs to, in your own words' },
	{ displayName: 'Tags', name: 'tags', type: 'string', default: '', placeholder: 'interview, berlin', description: 'Words to find it by, separated by commas' },
	{ displayName: 'Title', name: 'title', type: 'string', default: '', description: 'Shown on its page and used for posts' },
];

/** Entry of a collection. */
export const scanField: INodeProperties = { displayName: 'Scan for Viruses', name: 'scan', type: 'boolean', default: true, description: 'Whether the file must be scanned, also where the workspace does not ask for it. Needs CLAMD at the sidecar.' };

const TEXTS = ['title', 'description', 'language', 'owner'] as const;

/** @param field the collection; undefined: nobody has set any */
export function readDetails(read: ReadParameter, field: string): AssetDetails | undefined {
	const texts = TEXTS.map((name) => [name, optionalText(read, `${field}.${name}`)] as const);
	const details = Object.fromEntries([...texts, ['tags', readTags(read, field)] as const].filter(([, value]) => value !== undefined));
	return Object.keys(details).length > 0 ? details : undefined;
}

/** The same for what is there already: a field that was added and is empty takes back what was said. */
export function readDetailsToChange(read: ReadParameter, field: string): AssetDetails {
	const added = read(field, {});
	const isAdded = (name: string): boolean => isRecord(added) && name in added;
	const texts = TEXTS.filter(isAdded).map((name) => [name, optionalText(read, `${field}.${name}`) ?? null] as const);
	return { ...Object.fromEntries(texts), ...(isAdded('tags') ? { tags: readTags(read, field) ?? [] } : {}) };
}

const readTags = (read: ReadParameter, field: string): string[] | undefined => readChoices(read, `${field}.tags`);
