import { languageOptions } from '../../shared/languages';
import type { NodeOperation, ReadParameter } from '../../shared/operation';
import { optionalText, readChoices, readSource, requiredChoices, requiredText, withoutEmpty } from '../../shared/parameters';
import { sourceProperties } from '../../shared/properties';
import { platformOptions } from './platforms';

const OWN_WORDS = 'own';

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
			type: 'options',
			default: 'friendly and clear',
			options: [
				{ name: 'Confident', value: 'confident' },
				{ name: 'Friendly and Clear', value: 'friendly and clear' },
				{ name: 'Funny', value: 'funny' },
				{ name: 'In My Own Words', value: OWN_WORDS, description: 'A field for it appears below' },
				{ name: 'Inspiring', value: 'inspiring' },
				{ name: 'Matter-of-Fact', value: 'matter-of-fact' },
				{ name: 'Playful', value: 'playful' },
				{ name: 'Professional', value: 'professional' },
				{ name: 'Warm and Personal', value: 'warm and personal' },
			],
			description: 'How the text shall sound',
		},
		{
			displayName: 'Tone in Your Own Words',
			name: 'toneWords',
			type: 'string',
			default: '',
			required: true,
			placeholder: 'e.g. dry, like a letter to an old friend',
			displayOptions: { show: { tone: [OWN_WORDS] } },
			description: 'How the text shall sound, in a few words',
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
			placeholder: 'e.g. For people who cook. Mention @ourshop and https://example.com/tea.',
			description: 'What the post is for and what it must mention. Links and names that are not in it do not get into the texts.',
		},
		{
			displayName: 'Call to Action',
			name: 'callToAction',
			type: 'string',
			default: '',
			placeholder: 'e.g. Try it free at example.com',
			description: 'What readers are asked to do. It stands in each text, and is never cut off.',
		},
		{
			displayName: 'Banned Words',
			name: 'bannedWords',
			type: 'string',
			default: '',
			placeholder: 'e.g. cheap*, revolutionary',
			description: 'Words that must not occur, separated by commas. A star stands for further letters: cheap* also bans cheaper.',
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
				platforms: requiredChoices(read, 'platforms', 'Platforms'),
				tone: readTone(read),
				language: optionalText(read, 'language'),
				brief: optionalText(read, 'brief'),
				call_to_action: optionalText(read, 'callToAction'),
				banned_words: readChoices(read, 'bannedWords'),
				variants: read('variants'),
				angles: readChoices(read, 'angles'),
			}),
		},
	],
};

/** An expression may give any words instead of one of the list. */
function readTone(read: ReadParameter): string | undefined {
	const tone = optionalText(read, 'tone');
	return tone === OWN_WORDS ? requiredText(read, 'toneWords', 'Tone in Your Own Words') : tone;
}
