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
				{ name: 'Bluesky', value: 'bluesky' },
				{ name: 'Facebook', value: 'facebook' },
				{ name: 'Instagram', value: 'instagram' },
				{ name: 'LinkedIn', value: 'linkedin' },
				{ name: 'Mastodon', value: 'mastodon' },
				{ name: 'Pinterest', value: 'pinterest' },
				{ name: 'Threads', value: 'threads' },
				{ name: 'TikTok', value: 'tiktok' },
				{ name: 'X', value: 'x' },
				{ name: 'YouTube', value: 'youtube' },
			],
		},
		{
			displayName: 'Tone',
			name: 'tone',
			type: 'string',
			default: 'friendly and clear',
			description: 'How the text shall sound, in your own words',
		},
		{
			displayName: 'Language',
			name: 'language',
			type: 'string',
			default: '',
			placeholder: 'en',
			description: 'Two-letter code of the language to write in. Empty means the language that is spoken, else English.',
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
			displayName: 'Banned Words',
			name: 'bannedWords',
			type: 'string',
			default: '',
			placeholder: 'cheap, revolutionary',
			description: 'Words that must not occur, separated by commas',
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
				tone: optionalText(read, 'tone'),
				language: optionalText(read, 'language'),
				brief: optionalText(read, 'brief'),
				call_to_action: optionalText(read, 'callToAction'),
				banned_words: readWords(optionalText(read, 'bannedWords')),
				variants: read('variants'),
			}),
		},
	],
};

function readWords(text: string | undefined): string[] | undefined {
	const words = text?.split(',').map((word) => word.trim()).filter((word) => word !== '');
	return words && words.length > 0 ? words : undefined;
}
