import type { NodeOperation } from '../../shared/operation';
import { optionalText, withoutEmpty } from '../../shared/parameters';
import { platformOptions } from './postFields';
import { findPlatform, readSettings } from './readPost';

export const getPosts: NodeOperation = {
	name: 'Get Posts',
	value: 'getPosts',
	description: 'List posts with how often they were seen, liked, commented and shared',
	action: 'Get posts and their numbers',
	properties: [
		{
			displayName: 'Platform',
			name: 'platforms',
			type: 'options',
			default: 'mastodon',
			required: true,
			options: platformOptions,
			description: 'Whose posts to list',
		},
		{
			displayName: 'Read Numbers First',
			name: 'refresh',
			type: 'options',
			default: 'due',
			description: 'Whether to ask the platform for new numbers before the posts are listed',
			options: [
				{ name: 'All That Are Listed', value: 'all' },
				{ name: 'No', value: 'none', description: 'Needs no account' },
				{ name: 'Those That Are Due', value: 'due', description: 'New posts often, old ones seldom. For a workflow that runs every hour.' },
			],
		},
		{
			displayName: 'Options',
			name: 'options',
			type: 'collection',
			default: {},
			placeholder: 'Add Option',
			options: [
				{ displayName: 'Account', name: 'account', type: 'string', default: '', description: 'Only posts of this account, as the platform names it' },
				{ displayName: 'Days', name: 'sinceDays', type: 'number', typeOptions: { minValue: 1, maxValue: 3650 }, default: 90, description: 'Only posts of so many days' },
				{ displayName: 'Experiment', name: 'experiment', type: 'string', default: '', description: 'Only posts of this experiment' },
				{ displayName: 'Limit', name: 'limit', type: 'number', typeOptions: { minValue: 1, maxValue: 500 }, default: 50, description: 'Max number of results to return' },
				{
					displayName: 'Status',
					name: 'status',
					type: 'options',
					default: 'published',
					description: 'Only posts with this status',
					options: [
						{ name: 'Deleted', value: 'deleted' },
						{ name: 'Failed', value: 'failed' },
						{ name: 'Needs Reconnection', value: 'needs_reauth' },
						{ name: 'Published', value: 'published' },
						{ name: 'Scheduled', value: 'scheduled' },
						{ name: 'Unknown', value: 'unknown' },
					],
				},
			],
		},
	],
	async build({ context, itemIndex, read }) {
		const platform = findPlatform(String(read('platforms', '')).trim().toLowerCase());
		const refresh = optionalText(read, 'refresh') ?? 'due';
		const params = withoutEmpty({
			platform: platform.value,
			refresh,
			account: optionalText(read, 'options.account'),
			experiment: optionalText(read, 'options.experiment'),
			since_days: read('options.sinceDays', undefined),
			limit: read('options.limit', undefined),
			status: optionalText(read, 'options.status'),
			settings: readSettings(read, platform),
		});
		return [{ operation: 'get_posts', params, ...(refresh === 'none' ? {} : { secrets: await platform.secrets(context, itemIndex) }) }];
	},
};
