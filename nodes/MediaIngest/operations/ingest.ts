import { updateDisplayOptions, type INodeProperties } from 'n8n-workflow';
import type { NodeOperation, ReadParameter } from '../../shared/operation';
import { optionalObject, optionalText, ParameterError, withoutEmpty } from '../../shared/parameters';
import { optionsField } from '../../shared/properties';
import type { BatchItem, Dedupe } from '../../shared/wire';
import { sources } from '../sources';
import type { IngestOptions } from '../sources/source';
import { detailFields, readDetails, scanField } from './fields';

const sourceField: INodeProperties = {
	displayName: 'Source',
	name: 'source',
	type: 'options',
	default: 'url',
	noDataExpression: true,
	description: 'Where the file comes from. Folders and feeds give one asset per file.',
	options: sources.map(({ name, value, description }) => ({ name, value, description })).sort((a, b) => a.name.localeCompare(b.name)),
};

const options = optionsField([
	...detailFields,
	{
		displayName: 'Asset ID',
		name: 'assetId',
		type: 'string',
		default: '',
		placeholder: '7b0c7c1e-4c7f-4d0a-9a53-0f5b6c1d2e3f',
		displayOptions: { show: { '/source': ['url'] } },
		description: 'If an asset for this file exists already, its ID: it is waited for, and nothing is downloaded twice. Empty makes a new asset.',
	},
	{
		displayName: 'If Already There',
		name: 'dedupe',
		type: 'options',
		default: 'link',
		description: 'What to do with a file whose very same bytes the workspace has already',
		options: [
			{ name: 'New Version', value: 'version', description: 'The file becomes the next version of the asset named in Version Of. Not for folders and feeds.' },
			{ name: 'Share the Stored File', value: 'link', description: 'The new asset shares the stored file of the first one (same_as)' },
			{ name: 'Store Again', value: 'copy', description: 'The file is stored once more' },
		],
	},
	{ displayName: 'Pipeline Name or ID', name: 'pipeline', type: 'options', default: '', typeOptions: { loadOptionsMethod: 'loadPipelines' }, description: 'What to do with the file afterwards, in the same run: each step gives an item of its own. Choose from the list, or specify an ID using an <a href="https://docs.n8n.io/code/expressions/">expression</a>.' },
	scanField,
	{ displayName: 'Version Of', name: 'versionOf', type: 'string', default: '', placeholder: '7b0c7c1e-4c7f-4d0a-9a53-0f5b6c1d2e3f', displayOptions: { show: { dedupe: ['version'] } }, description: 'ID of the asset that the file is a new version of' },
]);

/** Brings media into the sidecar: one asset per file. */
export const ingest: NodeOperation = {
	name: 'Ingest',
	value: 'ingest',
	description: 'Bring a file into the media library, or all files of a folder or feed',
	action: 'Ingest media',
	// Nothing new in the folder or feed: there is nothing to go on with.
	whenEmpty: 'drop',
	properties: [sourceField, ...sources.flatMap(({ value, properties }) => updateDisplayOptions({ show: { source: [value] } }, properties)), options],
	async build(input) {
		const chosen = String(input.read('source', sources[0]?.value));
		const source = sources.find(({ value }) => value === chosen);
		if (!source) throw new ParameterError(`There is no source "${chosen}". Known: ${sources.map(({ value }) => value).join(', ')}.`);
		const { versionOf, ...given } = readOptions(input.read);
		if (given.dedupe === 'version' && source.isList) throw onlyOneVersion(`"${source.name}" may give many files`);
		const items = await source.find(input, given);
		if (given.dedupe === 'version' && items.length > 1) throw onlyOneVersion(`${items.length} files were found`);
		return items.map((item) => complete(item, given, versionOf));
	},
};

/** The order in which several files arrive is that of chance: so would be the newest version. */
const onlyOneVersion = (why: string): ParameterError =>
	new ParameterError(`${why}, and only a single one can become the next version of an asset. Choose a source of one file, or another way in "If Already There".`);

/** The metadata of a source go before those of the options; a title or tags that somebody chose before those of the source. */
function complete(item: BatchItem, { metadata, details, ...given }: IngestOptions, versionOf: string | undefined): BatchItem {
	// An asset that exists already has all of this; only what is to be done with it is new.
	if (item.asset_id !== undefined) return withoutEmpty<BatchItem>({ ...item, pipeline: given.pipeline });
	return withoutEmpty<BatchItem>({
		...given,
		...item,
		metadata: filled({ ...metadata, ...item.metadata }),
		details: filled({ ...item.details, ...details }),
		asset_id: versionOf,
	});
}

const filled = <T extends object>(fields: T): T | undefined => (Object.keys(fields).length > 0 ? fields : undefined);

function readOptions(read: ReadParameter): IngestOptions & { versionOf?: string } {
	const dedupe = optionalText(read, 'options.dedupe') as Dedupe | undefined;
	const versionOf = dedupe === 'version' ? optionalText(read, 'options.versionOf') : undefined;
	if (dedupe === 'version' && !versionOf) throw new ParameterError('"Version Of" is empty. Give the ID of the asset that the file is a new version of.');
	return withoutEmpty({
		details: readDetails(read, 'options'),
		metadata: optionalObject(read, 'options.metadata', 'Metadata'),
		dedupe,
		versionOf,
		pipeline: optionalText(read, 'options.pipeline'),
		scan: read('options.scan', false) === true ? true : undefined,
	});
}
