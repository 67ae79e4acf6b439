import type { NodeOperation } from '../../shared/operation';
import { optionalText, requiredText, withoutEmpty } from '../../shared/parameters';
import { platformOptions } from './postFields';

export const metricOptions = [
	{ name: 'Clicks', value: 'clicks' },
	{ name: 'Comments', value: 'comments' },
	{ name: 'Engagement', value: 'engagement', description: 'Everything people did beside seeing it' },
	{ name: 'Likes', value: 'likes' },
	{ name: 'Saves', value: 'saves' },
	{ name: 'Shares', value: 'shares' },
	{ name: 'Views', value: 'views' },
];

export const bestTime: NodeOperation = {
	name: 'Best Time',
	value: 'bestTime',
	description: "Find the next good times to post from what the account's earlier posts got",
	action: 'Find the best time to post',
	properties: [
		{
			displayName: 'Platform',
			name: 'platform',
			type: 'options',
			default: 'mastodon',
			required: true,
			options: platformOptions,
			description: 'Where the post is to appear',
		},
		{
			displayName: 'Time Zone',
			name: 'timeZone',
			type: 'string',
			default: '={{ $now.zoneName }}',
			required: true,
			placeholder: 'Europe/Berlin',
			description: 'Where the audience is. The default is the time zone of the workflow.',
		},
		{
			displayName: 'Options',
			name: 'options',
			type: 'collection',
			default: {},
			placeholder: 'Add Option',
			options: [
				{ displayName: 'Account', name: 'account', type: 'string', default: '', description: 'Only posts of this account, as the platform names it' },
				{ displayName: 'Days', name: 'days', type: 'number', typeOptions: { minValue: 1, maxValue: 30 }, default: 7, description: 'Times within so many days' },
				{ displayName: 'Hours Between', name: 'spacingHours', type: 'number', typeOptions: { minValue: 1, maxValue: 168 }, default: 12, description: 'Hours between two times' },
				{ displayName: 'Metric', name: 'metric', type: 'options', default: 'engagement', options: metricOptions, description: 'What good means' },
				{ displayName: 'Number of Times', name: 'count', type: 'number', typeOptions: { minValue: 1, maxValue: 50 }, default: 3, description: 'So many times, best first' },
			],
		},
	],
	build({ read }) {
		const params = withoutEmpty({
			platform: requiredText(read, 'platform', 'Platform'),
			time_zone: optionalText(read, 'timeZone'),
			account: optionalText(read, 'options.account'),
			days: read('options.days', undefined),
			spacing_hours: read('options.spacingHours', undefined),
			metric: optionalText(read, 'options.metric'),
			count: read('options.count', undefined),
		});
		return [{ operation: 'best_time', params }];
	},
};
