import { updateDisplayOptions, type INodeProperties } from 'n8n-workflow';
import { languageOptions } from '../../shared/languages';
import type { NodeOperation, ReadParameter } from '../../shared/operation';
import { optionalText, requiredText, withoutEmpty } from '../../shared/parameters';
import { platformOptions } from './platforms';

const shownFor = (kind: string, properties: INodeProperties[]): INodeProperties[] =>
	updateDisplayOptions({ show: { feedbackKind: [kind] } }, properties);

const properties: INodeProperties[] = [
	{
		displayName: 'Feedback On',
		name: 'feedbackKind',
		type: 'options',
		noDataExpression: true,
		default: 'word',
		description: 'What is put right',
		options: [
			{ name: 'Caption', value: 'caption', description: 'A post text that was chosen or edited: later captions follow its style' },
			{ name: 'Tag', value: 'label', description: 'A tag that fits the media, or does not' },
			{ name: 'Translation', value: 'translation', description: 'How a word is to be translated from now on' },
			{ name: 'Word', value: 'word', description: 'A word or name that was heard wrong' },
		],
	},
	{
		displayName: 'Asset ID',
		name: 'assetId',
		type: 'string',
		default: '',
		placeholder: 'e.g. 3f0c9a1e-…',
		description: 'The media that it is about. Needed for a tag; otherwise it may stay empty.',
	},
	...shownFor('word', [
		{ displayName: 'Wrong', name: 'wrong', type: 'string', required: true, default: '', placeholder: 'e.g. Cooper Netties', description: 'The word as it was heard or written' },
		{ displayName: 'Right', name: 'right', type: 'string', required: true, default: '', placeholder: 'e.g. Kubernetes', description: 'The word as it is right' },
		{
			displayName: 'In Language',
			name: 'wordLanguage',
			type: 'options',
			default: '',
			description: 'Where the correction holds',
			options: [{ name: 'Every Language', value: '' }, ...languageOptions],
		},
	]),
	...shownFor('translation', [
		{ displayName: 'From', name: 'from', type: 'string', required: true, default: '', placeholder: 'e.g. pull request', description: 'Word or phrase as it is said' },
		{ displayName: 'To', name: 'to', type: 'string', required: true, default: '', placeholder: 'e.g. Pull-Request', description: 'How it is to be translated' },
		{ displayName: 'Into Language', name: 'translationLanguage', type: 'options', default: 'en', description: 'Language that it is translated into', options: languageOptions },
	]),
	...shownFor('label', [
		{ displayName: 'Tag', name: 'label', type: 'string', required: true, default: '', placeholder: 'e.g. interview', description: 'The tag in question' },
		{
			displayName: 'Action',
			name: 'labelAction',
			type: 'options',
			default: 'add',
			description: 'Whether the tag fits',
			options: [
				{ name: 'Add', value: 'add' },
				{ name: 'Remove', value: 'remove' },
			],
		},
	]),
	...shownFor('caption', [
		{ displayName: 'Platform', name: 'platform', type: 'options', default: 'x', description: 'Where the text is posted', options: platformOptions },
		{ displayName: 'Text', name: 'text', type: 'string', required: true, default: '', placeholder: 'e.g. Fresh bread, every morning.', typeOptions: { rows: 4 }, description: 'The text that was taken' },
		{
			displayName: 'How It Came About',
			name: 'captionAction',
			type: 'options',
			default: 'chosen',
			description: 'Whether somebody changed the text that was proposed',
			options: [
				{ name: 'Chosen as Proposed', value: 'chosen' },
				{ name: 'Edited', value: 'edited' },
			],
		},
		{ displayName: 'Caption Job ID', name: 'jobId', type: 'string', default: '', placeholder: 'e.g. 3f0c9a1e-…', description: 'The job that proposed it, if known' },
	]),
];

export const giveFeedback: NodeOperation = {
	name: 'Give Feedback',
	value: 'feedback',
	description: 'Put a word, translation, tag or caption right, so that later results of the workspace follow it',
	action: 'Give feedback on a result',
	properties,
	build: ({ read }) => [
		{
			operation: 'feedback',
			...withoutEmpty({ asset_id: read('feedbackKind') === 'label' ? requiredText(read, 'assetId', 'Asset ID') : optionalText(read, 'assetId') }),
			params: withoutEmpty(correction(read)),
		},
	],
};

function correction(read: ReadParameter): Record<string, unknown> {
	const kind = String(read('feedbackKind'));
	switch (kind) {
		case 'word':
			return { kind, wrong: requiredText(read, 'wrong', 'Wrong'), right: requiredText(read, 'right', 'Right'), language: optionalText(read, 'wordLanguage') };
		case 'translation':
			return { kind, from: requiredText(read, 'from', 'From'), to: requiredText(read, 'to', 'To'), language: optionalText(read, 'translationLanguage') };
		case 'label':
			return { kind, label: requiredText(read, 'label', 'Tag'), action: read('labelAction') };
		default:
			return { kind, platform: read('platform'), text: requiredText(read, 'text', 'Text'), action: read('captionAction'), job_id: optionalText(read, 'jobId') };
	}
}
