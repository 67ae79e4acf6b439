import { languageOptions } from '../../shared/languages';
import type { NodeOperation } from '../../shared/operation';
import { optionalText, readSource, withoutEmpty } from '../../shared/parameters';
import { sourceProperties } from '../../shared/properties';
import { platformOptions } from './platforms';
import { readWords } from './readWords';

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
			options: platformOptions,
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
			type: 'options',
			default: '',
			description: 'Language to write in',
			options: [{ name: 'As Spoken (Else English)', value: '' }, ...languageOptions],
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
			description: 'How many texts per platform, to choose from, each told from an angle of its own. From 1 to 5.',
		},
		{
			displayName: 'Angles',
			name: 'angles',
			type: 'multiOptions',
			default: [],
			description: 'From which angles the variants are told. None means: a different one each.',
			options: [
				{ name: 'Before and After', value: 'contrast' },
				{ name: 'Behind the Scenes', value: 'behind_the_scenes' },
				{ name: 'Benefit', value: 'benefit' },
				{ name: 'How To', value: 'how_to' },
				{ name: 'Number or Fact', value: 'number' },
				{ name: 'Question', value: 'question' },
				{ name: 'Quote', value: 'quote' },
				{ name: 'Story', value: 'story' },
			],
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
				angles: anglesOf(read('angles', [])),
			}),
		},
	],
};

const anglesOf = (angles: unknown): unknown => (Array.isArray(angles) && angles.length > 0 ? angles : undefined);
