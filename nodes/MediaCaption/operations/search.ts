import { toMoment } from '../../shared/moment';
import type { NodeOperation } from '../../shared/operation';
import { optionalText, readChoices, withoutEmpty } from '../../shared/parameters';
import { optionsField } from '../../shared/properties';

export const search: NodeOperation = {
	name: 'Search',
	value: 'search',
	description:
		'Find videos, images and recordings in the media library by a question or words, and get the moment (start and end in seconds) and the text that match best',
	action: 'Search the media library',
	properties: [
		{
			displayName: 'Query',
			name: 'query',
			type: 'string',
			default: '',
			placeholder: 'e.g. where do we talk about prices?',
			description:
				'What to look for: words or a question in plain language. Words in "double quotes" must occur, words after a minus must not. Empty lists the newest media that pass the filters.',
		},
		{
			displayName: 'Similar To',
			name: 'similarTo',
			type: 'string',
			default: '',
			placeholder: 'e.g. 3f0c9a1e-…',
			description: 'Asset ID of media to find others like. Can stand alone or with a query.',
		},
		{
			displayName: 'Kind of Media',
			name: 'kind',
			type: 'options',
			default: '',
			description: 'Only media of this kind',
			options: [
				{ name: 'Any', value: '' },
				{ name: 'Audio', value: 'audio' },
				{ name: 'Image', value: 'image' },
				{ name: 'Video', value: 'video' },
			],
		},
		{
			displayName: 'Limit',
			name: 'limit',
			type: 'number',
			default: 50,
			typeOptions: { minValue: 1, maxValue: 50 },
			description: 'Max number of results to return',
		},
		optionsField([
			{
				displayName: 'Added After',
				name: 'from',
				type: 'dateTime',
				default: '',
				description: 'Only media that came into the library at this time or later. A date alone means from its beginning, in UTC.',
			},
			{
				displayName: 'Added Before',
				name: 'to',
				type: 'dateTime',
				default: '',
				description: 'Only media that came into the library before this time. A date alone means until its end, in UTC.',
			},
			{
				displayName: 'Skip',
				name: 'offset',
				type: 'number',
				default: 0,
				typeOptions: { minValue: 0, maxValue: 200 },
				description: 'How many of the best results are left out, to get the next page',
			},
			{
				displayName: 'Tags',
				name: 'tags',
				type: 'string',
				default: '',
				placeholder: 'e.g. product, interview',
				description: 'Only media that have all of these tags, separated by commas',
			},
		]),
	],
	build: ({ read, context }) => [
		{
			operation: 'search',
			params: withoutEmpty({
				q: optionalText(read, 'query'),
				similar_to: optionalText(read, 'similarTo'),
				type: optionalText(read, 'kind'),
				limit: read('limit'),
				offset: read('options.offset', undefined),
				tags: readChoices(read, 'options.tags'),
				from: toMoment(optionalText(read, 'options.from'), () => context.getTimezone()),
				to: toMoment(optionalText(read, 'options.to'), () => context.getTimezone()),
			}),
		},
	],
};
