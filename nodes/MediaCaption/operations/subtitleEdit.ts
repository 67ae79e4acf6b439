import type { INodeProperties } from 'n8n-workflow';
import type { NodeOperation } from '../../shared/operation';
import { isRecord, ParameterError, requiredChoices, withoutEmpty } from '../../shared/parameters';
import { formatsProperty, readRules, readSubtitles, ruleOptions, subtitleProperties } from '../../shared/subtitles';

const only = (...kinds: string[]): Pick<INodeProperties, 'displayOptions'> => ({ displayOptions: { show: { kind: kinds } } });

/** Fields of one edit; each is shown with the kinds that have it. */
const FIELDS: INodeProperties[] = [
	{
		displayName: 'Edit',
		name: 'kind',
		type: 'options',
		default: 'shift',
		options: [
			{ name: 'Change Frame Rate', value: 'scale', description: 'Times that run away from the sound more and more' },
			{ name: 'Cut Anew', value: 'rewrap', description: 'All of the text, by the rules of reading: lengths, times, gaps' },
			{ name: 'Delete', value: 'delete' },
			{ name: 'Merge', value: 'merge', description: 'Several that follow each other become one' },
			{ name: 'Replace Text', value: 'replace' },
			{ name: 'Set Text', value: 'set_text' },
			{ name: 'Shift', value: 'shift', description: 'Show earlier or later' },
			{ name: 'Split', value: 'split', description: 'One becomes two' },
		],
	},
	{
		displayName: 'At',
		name: 'splitAt',
		type: 'options',
		default: 'text',
		...only('split'),
		options: [
			{ name: 'Text', value: 'text' },
			{ name: 'Time', value: 'time' },
		],
	},
	{
		displayName: 'At Text',
		name: 'atText',
		type: 'string',
		default: '',
		displayOptions: { show: { kind: ['split'], splitAt: ['text'] } },
		description: 'Text with which the second part begins',
	},
	{
		displayName: 'At Time (Seconds)',
		name: 'atSeconds',
		type: 'number',
		default: 0,
		typeOptions: { minValue: 0, numberPrecision: 3 },
		displayOptions: { show: { kind: ['split'], splitAt: ['time'] } },
		description: 'Time at which the second part begins',
	},
	{
		displayName: 'Find',
		name: 'find',
		type: 'string',
		default: '',
		...only('replace'),
	},
	{
		displayName: 'First Subtitle',
		name: 'fromCue',
		type: 'number',
		default: 1,
		typeOptions: { minValue: 1 },
		...only('delete', 'merge', 'shift'),
		description: 'Its number, from 1',
	},
	{
		displayName: 'Last Subtitle',
		name: 'toCue',
		type: 'number',
		default: 0,
		typeOptions: { minValue: 0 },
		...only('shift'),
		description: 'Its number. 0 is the last one of all.',
	},
	{
		displayName: 'Last Subtitle',
		name: 'lastCue',
		type: 'number',
		default: 2,
		typeOptions: { minValue: 1 },
		...only('delete', 'merge'),
		description: 'Its number',
	},
	{
		displayName: 'Longest Line',
		name: 'maxLineChars',
		type: 'number',
		default: 42,
		typeOptions: { minValue: 16, maxValue: 80 },
		...only('rewrap'),
		description: 'In characters',
	},
	{
		displayName: 'Match Case',
		name: 'matchCase',
		type: 'boolean',
		default: false,
		...only('replace'),
		description: 'Whether capitals must be the same',
	},
	{
		displayName: 'Milliseconds',
		name: 'ms',
		type: 'number',
		default: 500,
		...only('shift'),
		description: 'Negative numbers show them earlier',
	},
	{
		displayName: 'Replace With',
		name: 'with',
		type: 'string',
		default: '',
		...only('replace'),
		description: 'Leave it empty to take the text away',
	},
	{
		displayName: 'Rules',
		name: 'rules',
		type: 'collection',
		default: {},
		placeholder: 'Add Rule',
		...only('rewrap'),
		options: ruleOptions,
	},
	{
		displayName: 'Subtitle',
		name: 'cue',
		type: 'number',
		default: 1,
		typeOptions: { minValue: 1 },
		...only('set_text', 'split'),
		description: 'Its number, from 1',
	},
	{
		displayName: 'Text',
		name: 'text',
		type: 'string',
		default: '',
		typeOptions: { rows: 2 },
		...only('set_text'),
	},
	{
		displayName: 'Times Are Made for (Frames per Second)',
		name: 'fromFps',
		type: 'number',
		default: 23.976,
		typeOptions: { minValue: 1, maxValue: 240, numberPrecision: 3 },
		...only('scale'),
	},
	{
		displayName: 'Video Has (Frames per Second)',
		name: 'toFps',
		type: 'number',
		default: 25,
		typeOptions: { minValue: 1, maxValue: 240, numberPrecision: 3 },
		...only('scale'),
	},
	{
		displayName: 'Whole Words',
		name: 'wholeWords',
		type: 'boolean',
		default: true,
		...only('replace'),
		description: 'Whether text inside of words is left alone',
	},
];

export const subtitleEdit: NodeOperation = {
	name: 'Edit Subtitles',
	value: 'subtitle_edit',
	description: 'Shift, merge, split, correct or cut subtitles anew',
	action: 'Edit subtitles',
	properties: [
		...subtitleProperties,
		{
			displayName: 'Edits',
			name: 'edits',
			type: 'fixedCollection',
			typeOptions: { multipleValues: true, sortable: true },
			default: { edit: [{ kind: 'shift', ms: 500 }] },
			placeholder: 'Add Edit',
			description: 'Applied in this order, each to what the one before left',
			options: [{ displayName: 'Edit', name: 'edit', values: FIELDS }],
		},
		formatsProperty,
	],
	build: ({ read }) => {
		const { item, params } = readSubtitles(read);
		const chosen = read('edits', {});
		const list = isRecord(chosen) && Array.isArray(chosen['edit']) ? chosen['edit'].filter(isRecord) : [];
		if (list.length === 0) throw new ParameterError('"Edits" is empty. Add at least one edit.');
		return [{ operation: 'subtitle_edit', ...item, params: { ...params, edits: list.map(toEdit), formats: requiredChoices(read, 'formats', 'Formats') } }];
	},
};

type Values = Record<string, unknown>;

/** What each kind sends, from the fields as n8n saves them. */
const EDITS: Readonly<Record<string, (values: Values) => Values>> = {
	shift: ({ ms = 500, fromCue, toCue }) => ({ ms, from_cue: fromCue, to_cue: toCue === 0 ? undefined : toCue }),
	scale: ({ fromFps = 23.976, toFps = 25 }) => ({ from_fps: fromFps, to_fps: toFps }),
	merge: ({ fromCue = 1, lastCue = 2 }) => ({ from_cue: fromCue, to_cue: lastCue }),
	split: ({ cue = 1, splitAt, atText, atSeconds = 0 }) => ({ cue, ...(splitAt === 'time' ? { at_seconds: atSeconds } : { at_text: needed(atText, 'At Text') }) }),
	replace: ({ find, with: right = '', wholeWords, matchCase }) => ({ find: needed(find, 'Find'), with: right, whole_words: wholeWords, match_case: matchCase }),
	set_text: ({ cue = 1, text }) => ({ cue, text: needed(text, 'Text') }),
	delete: ({ fromCue = 1, lastCue = fromCue }) => ({ from_cue: fromCue, to_cue: lastCue }),
	rewrap: ({ maxLineChars, rules }) => ({ max_line_chars: maxLineChars, ...readRules((name) => (isRecord(rules) ? rules[name] : undefined)) }),
};

function toEdit(values: Values): Values {
	const kind = String(values['kind'] ?? 'shift');
	const edit = EDITS[kind];
	if (!edit) throw new ParameterError(`"Edit" must be one of ${Object.keys(EDITS).join(', ')}, but is "${kind}".`);
	const fields = edit(values);
	// Replacing with nothing is an edit, too.
	return { kind, ...withoutEmpty(fields), ...(fields['with'] === '' ? { with: '' } : {}) };
}

function needed(value: unknown, label: string): string {
	if (typeof value === 'string' && value.trim() !== '') return value;
	throw new ParameterError(`"${label}" of an edit is empty. Fill it in, or remove the edit.`);
}
