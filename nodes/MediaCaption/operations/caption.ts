import type { NodeOperation } from '../../shared/operation';
import { optionalText, readSource, withoutEmpty } from '../../shared/parameters';
import { sourceProperties } from '../../shared/properties';

export const caption: NodeOperation = {
	name: 'Write Caption',
	value: 'caption',
	description: 'Write the text of a post from what is seen and said in the video',
	action: 'Write a caption',
	properties: [
		...sourceProperties,
		{
			displayName: 'Platforms',
			name: 'platforms',
			type: 'multiOptions',
			default: ['mastodon', 'x'],
			description: 'Each platform gets a text of its own length and style',
			options: [
				{ name: 'Mastodon', value: 'mastodon' },
				{ name: 'X', value: 'x' },
			],
		},
		{
			displayName: 'Tone',
			name: 'tone',
			type: 'options',
			default: 'friendly',
			options: [
				{ name: 'Friendly', value: 'friendly' },
				{ name: 'Funny', value: 'funny' },
				{ name: 'Informative', value: 'informative' },
				{ name: 'Inspiring', value: 'inspiring' },
				{ name: 'Professional', value: 'professional' },
			],
		},
		{
			displayName: 'Language',
			name: 'language',
			type: 'string',
			default: '',
			placeholder: 'en',
			description: 'Two-letter code of the language to write in. Empty means the language of the video.',
		},
		{
			displayName: 'Brief',
			name: 'brief',
			type: 'string',
			default: '',
			typeOptions: { rows: 3 },
			description: 'What the post is for and what it must mention',
		},
		{
			displayName: 'Call to Action',
			name: 'callToAction',
			type: 'string',
			default: '',
			placeholder: 'Try it free at example.com',
			description: 'What readers are asked to do',
		},
		{
			displayName: 'Variants',
			name: 'variants',
			type: 'number',
			default: 1,
			typeOptions: { minValue: 1, maxValue: 5 },
			description: 'How many texts per platform, to choose from. From 1 to 5.',
		},
	],
	build: ({ read }) => [
		{
			operation: 'caption',
			...readSource(read),
			params: withoutEmpty({
				platforms: read('platforms'),
				tone: read('tone'),
				language: optionalText(read, 'language'),
				brief: optionalText(read, 'brief'),
				call_to_action: optionalText(read, 'callToAction'),
				variants: read('variants'),
			}),
		},
	],
};
