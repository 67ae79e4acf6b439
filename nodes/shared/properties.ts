import type { INodeProperties } from 'n8n-workflow';

/** How a node waits for its jobs. The values are saved in workflows: never rename them. */
export type WaitMode = 'suspend' | 'poll' | 'none';

/** `deadline_seconds` of the wire defaults to one day and ends at seven. */
export const DEFAULT_DEADLINE_MINUTES = 1440;
export const MAX_DEADLINE_MINUTES = 10_080;

/** Shown below the fields of every operation. */
export const waitProperties: INodeProperties[] = [
	{
		displayName: 'Wait Mode',
		name: 'waitMode',
		type: 'options',
		noDataExpression: true,
		default: 'suspend',
		description: 'How this node waits until the work is done',
		options: [
			{
				name: 'Suspend Until Called Back',
				value: 'suspend',
				description: 'The execution sleeps without using memory, survives a restart of n8n and goes on when the sidecar calls',
			},
			{
				name: 'Hold and Poll',
				value: 'poll',
				description: 'The execution stays in memory and asks the sidecar again and again. For short jobs, and where the sidecar cannot reach n8n.',
			},
			{
				name: 'Don\'t Wait',
				value: 'none',
				description: 'Goes on at once with the job IDs',
			},
		],
	},
	{
		displayName: 'Deadline (Minutes)',
		name: 'deadlineMinutes',
		type: 'number',
		default: DEFAULT_DEADLINE_MINUTES,
		typeOptions: { minValue: 1, maxValue: MAX_DEADLINE_MINUTES },
		description: 'Work that is not done by then fails with the code deadline_exceeded. One day unless changed, at most seven.',
	},
	{
		displayName: 'Priority',
		name: 'priority',
		type: 'number',
		default: 0,
		typeOptions: { minValue: -10, maxValue: 10 },
		description: 'From -10 to 10. Higher goes first.',
	},
];

/** The collection for what is rarely changed; its entries by their names. Read one as `options.<name>`, with `undefined` where nobody added it. */
export const optionsField = (entries: readonly INodeProperties[], extra: Partial<INodeProperties> = {}): INodeProperties => ({
	displayName: 'Options',
	name: 'options',
	type: 'collection',
	default: {},
	placeholder: 'Add Option',
	options: [...entries].sort((a, b) => a.displayName.localeCompare(b.displayName)),
	...extra,
});

/** Of operations that encode a video once more. */
export const qualityOption: INodeProperties = {
	displayName: 'Quality (CRF)',
	name: 'crf',
	type: 'number',
	default: 20,
	typeOptions: { minValue: 0, maxValue: 51 },
	description: 'From 0 to 51. Lower is better and larger; 20 is nearly as good as the source.',
};

/** For nodes whose results depend on nothing but the media and the parameters. */
export const reuseProperty: INodeProperties = {
	displayName: 'Reuse Results',
	name: 'reuseResults',
	type: 'boolean',
	default: true,
	description: 'Whether a result that exists already for the same file and the same parameters is returned at once, instead of making it again',
};

/** Where an operation takes its media from; spread into the properties of operations that work on an existing file. */
export const sourceProperties: INodeProperties[] = [
	{
		displayName: 'Source',
		name: 'source',
		type: 'options',
		default: 'asset',
		options: [
			{ name: 'Asset ID', value: 'asset', description: 'A file that the sidecar has already, for example from Media Ingest' },
			{ name: 'File URL', value: 'url', description: 'A file on the internet, which the sidecar downloads first' },
		],
	},
	{
		displayName: 'Asset ID',
		name: 'assetId',
		type: 'string',
		default: '={{ $json.asset_id }}',
		required: true,
		displayOptions: { show: { source: ['asset'] } },
		description: 'ID of the asset to work on. The default takes it from the previous node.',
	},
	{
		displayName: 'File URL',
		name: 'fileUrl',
		type: 'string',
		default: '',
		required: true,
		placeholder: 'https://example.com/video.mp4',
		displayOptions: { show: { source: ['url'] } },
		description: 'Address of the media file',
	},
];

/**
 * A field that names media beside the source, by asset ID or address; read it with `readMediaInput`.
 * @param example an address, shown while the field is empty
 */
export const mediaInputField = (displayName: string, name: string, example: string, description: string, extra: Partial<INodeProperties> = {}): INodeProperties => ({
	displayName,
	name,
	type: 'string',
	default: '',
	placeholder: example,
	description: `${description}. An asset ID, or an address.`,
	...extra,
});
