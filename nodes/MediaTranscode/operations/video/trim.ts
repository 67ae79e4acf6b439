import type { NodeOperation } from '../../../shared/operation';
import { optionalText, readSource, withoutEmpty } from '../../../shared/parameters';
import { optionsField, qualityOption, sourceProperties } from '../../../shared/properties';

export const trim: NodeOperation = {
	name: 'Trim',
	value: 'trim',
	description: 'Keep the part of a video or sound between two places',
	action: 'Trim a video or sound',
	properties: [
		...sourceProperties,
		{
			displayName: 'Start',
			name: 'start',
			type: 'string',
			default: '0',
			placeholder: '1:30',
			description: 'Where the result begins: seconds such as 90.5, or a time such as 1:30.5',
		},
		{
			displayName: 'Until',
			name: 'until',
			type: 'options',
			default: 'source',
			options: [
				{ name: 'A Place', value: 'end' },
				{ name: 'A Length', value: 'duration' },
				{ name: 'The End', value: 'source' },
			],
		},
		{
			displayName: 'End',
			name: 'end',
			type: 'string',
			default: '',
			required: true,
			placeholder: '2:00',
			displayOptions: { show: { until: ['end'] } },
			description: 'Where the result ends, counted from the start of the source: seconds, or a time such as 2:00',
		},
		{
			displayName: 'Length',
			name: 'duration',
			type: 'string',
			default: '10',
			displayOptions: { show: { until: ['duration'] } },
			description: 'Of the result: seconds, or a time such as 0:30',
		},
		{
			displayName: 'Cut',
			name: 'mode',
			type: 'options',
			default: 'accurate',
			options: [
				{ name: 'Accurate', value: 'accurate', description: 'Exact to the picture; encodes again' },
				{ name: 'Fast', value: 'fast', description: 'Copies without encoding, from the key frame before the start: often some seconds early' },
			],
		},
		optionsField([qualityOption]),
	],
	build: ({ read }) => [
		{
			operation: 'trim',
			...readSource(read),
			params: withoutEmpty({
				start: optionalText(read, 'start'),
				end: read('until') === 'end' ? optionalText(read, 'end') : undefined,
				duration: read('until') === 'duration' ? optionalText(read, 'duration') : undefined,
				mode: read('mode'),
				crf: read('options.crf', undefined),
			}),
		},
	],
};
