import { toMoment } from '../../shared/moment';
import type { DirectOperation } from '../../shared/operation';
import { optionalText, withoutEmpty } from '../../shared/parameters';
import { optionsField } from '../../shared/properties';
import { listAssets as list } from '../../shared/sidecar';
import type { Asset } from '../../shared/wire';

/** The sidecar's own limit of a page. */
const PAGE = 200;

const DATE_ALONE = /^\d{4}-\d{2}-\d{2}$/;

export const listAssets: DirectOperation = {
	name: 'List Assets',
	value: 'listAssets',
	description: 'List the assets of the library, newest first',
	action: 'List assets',
	properties: [
		{ displayName: 'Return All', name: 'returnAll', type: 'boolean', default: false, description: 'Whether to return all results or only up to a given limit' },
		{ displayName: 'Limit', name: 'limit', type: 'number', typeOptions: { minValue: 1 }, default: 50, displayOptions: { show: { returnAll: [false] } }, description: 'Max number of results to return' },
		optionsField(
			[
				{ displayName: 'Created After', name: 'createdAfter', type: 'dateTime', default: '', description: 'Only assets that came later' },
				{ displayName: 'Created Before', name: 'createdBefore', type: 'dateTime', default: '', description: 'Only assets that came earlier' },
				{
					displayName: 'File Type',
					name: 'fileType',
					type: 'options',
					default: 'video',
					options: [
						{ name: 'Audio', value: 'audio' },
						{ name: 'Image', value: 'image' },
						{ name: 'Video', value: 'video' },
					],
				},
				{ displayName: 'Name Contains', name: 'name', type: 'string', default: '', description: 'Part of the title or of the file name' },
				{
					displayName: 'Status',
					name: 'status',
					type: 'options',
					default: 'ready',
					options: [
						{ name: 'Analyzing', value: 'analyzing' },
						{ name: 'Failed', value: 'failed' },
						{ name: 'Processed', value: 'processed' },
						{ name: 'Processing', value: 'processing' },
						{ name: 'Queued', value: 'queued' },
						{ name: 'Ready', value: 'ready' },
						{ name: 'Uploading', value: 'uploading' },
					],
				},
				{ displayName: 'Tag', name: 'tag', type: 'string', default: '', description: 'Only assets that have this tag' },
			],
			{ displayName: 'Filters', name: 'filters', placeholder: 'Add Filter' },
		),
	],
	async answer({ context, read }) {
		const most = read('returnAll', false) === true ? Number.POSITIVE_INFINITY : Number(read('limit', 50));
		const filter = (name: string): string => optionalText(read, `filters.${name}`) ?? '';
		// A date alone is the beginning of that day, in the workflow's time zone.
		const time = (name: string): string => toMoment(filter(name).replace(DATE_ALONE, '$&T00:00:00'), () => context.getTimezone()) ?? '';
		const query = withoutEmpty({
			file_type: filter('fileType'),
			status: filter('status'),
			tag: filter('tag'),
			name: filter('name'),
			created_after: time('createdAfter'),
			created_before: time('createdBefore'),
		});
		const found: Asset[] = [];
		for (let cursor: string | null = ''; cursor !== null && found.length < most; ) {
			const limit = String(Math.min(PAGE, most - found.length));
			const page = await list(context, withoutEmpty({ ...query, limit, cursor }));
			found.push(...page.assets);
			cursor = page.next_cursor;
		}
		return found;
	},
};
