import type { INodeProperties } from 'n8n-workflow';
import type { NodeOperation } from '../../../shared/operation';
import { isRecord, ParameterError, readSource, withoutEmpty } from '../../../shared/parameters';
import { qualityOption, sourceProperties } from '../../../shared/properties';

const only = (...names: string[]): Pick<INodeProperties, 'displayOptions'> => ({ displayOptions: { show: { name: names } } });

/** Fields of one filter; each is shown with the filters that have it. */
const FIELDS: INodeProperties[] = [
	{
		displayName: 'Amount',
		name: 'brightness',
		type: 'number',
		default: 0.1,
		typeOptions: { minValue: -1, maxValue: 1, numberPrecision: 2 },
		...only('brightness'),
		description: 'From -1 (darkest) to 1 (lightest)',
	},
	{
		displayName: 'Amount',
		name: 'amount',
		type: 'number',
		default: 1.2,
		typeOptions: { minValue: 0, maxValue: 3, numberPrecision: 2 },
		...only('contrast', 'saturation'),
		description: 'From 0 to 3. 1 changes nothing.',
	},
	{
		displayName: 'Colour',
		name: 'colour',
		type: 'options',
		default: 'black',
		...only('fade'),
		options: [
			{ name: 'Black', value: 'black' },
			{ name: 'White', value: 'white' },
		],
	},
	{
		displayName: 'Cube File',
		name: 'cube',
		type: 'string',
		default: '',
		typeOptions: { rows: 4 },
		...only('lut'),
		description: 'The text of a .cube file with a three-dimensional table, at most 1 MB; an expression can take it from an earlier node',
	},
	{
		displayName: 'Degrees',
		name: 'degrees',
		type: 'options',
		default: 90,
		...only('rotate'),
		options: [
			{ name: '180', value: 180 },
			{ name: '270 (a Quarter to the Left)', value: 270 },
			{ name: '90 (a Quarter to the Right)', value: 90 },
		],
	},
	{
		displayName: 'Direction',
		name: 'fadeDirection',
		type: 'options',
		default: 'in',
		...only('fade'),
		options: [
			{ name: 'In', value: 'in', description: 'At the beginning' },
			{ name: 'Out', value: 'out', description: 'At the end' },
		],
	},
	{
		displayName: 'Direction',
		name: 'flipDirection',
		type: 'options',
		default: 'horizontal',
		...only('flip'),
		options: [
			{ name: 'Horizontal', value: 'horizontal', description: 'Left becomes right' },
			{ name: 'Vertical', value: 'vertical', description: 'Up becomes down' },
		],
	},
	{
		displayName: 'Factor',
		name: 'factor',
		type: 'number',
		default: 2,
		typeOptions: { minValue: 0.25, maxValue: 4, numberPrecision: 2 },
		...only('speed'),
		description: 'From 0.25 to 4. 2 is twice as fast.',
	},
	{
		displayName: 'Filter',
		name: 'name',
		type: 'options',
		default: 'grayscale',
		options: [
			{ name: 'Blur', value: 'blur' },
			{ name: 'Brightness', value: 'brightness' },
			{ name: 'Colour Table (LUT)', value: 'lut' },
			{ name: 'Contrast', value: 'contrast' },
			{ name: 'Denoise', value: 'denoise' },
			{ name: 'Fade', value: 'fade' },
			{ name: 'Flip', value: 'flip' },
			{ name: 'Grayscale', value: 'grayscale' },
			{ name: 'Rotate', value: 'rotate' },
			{ name: 'Saturation', value: 'saturation' },
			{ name: 'Sepia', value: 'sepia' },
			{ name: 'Sharpen', value: 'sharpen' },
			{ name: 'Speed', value: 'speed' },
		],
	},
	{
		displayName: 'Seconds',
		name: 'seconds',
		type: 'number',
		default: 1,
		typeOptions: { minValue: 0.1, maxValue: 60, numberPrecision: 2 },
		...only('fade'),
	},
	{
		displayName: 'Strength',
		name: 'strength',
		type: 'number',
		default: 0.5,
		typeOptions: { minValue: 0, maxValue: 1, numberPrecision: 2 },
		...only('blur', 'denoise', 'sepia', 'sharpen'),
		description: 'From 0 to 1',
	},
];

export const filter: NodeOperation = {
	name: 'Filter',
	value: 'filter',
	description: 'Change look, speed or position: grayscale, blur, contrast, fades, rotation, colour tables and more',
	action: 'Filter a video',
	properties: [
		...sourceProperties,
		{
			displayName: 'Filters',
			name: 'filters',
			type: 'fixedCollection',
			typeOptions: { multipleValues: true, sortable: true },
			default: { filter: [{ name: 'grayscale' }] },
			placeholder: 'Add Filter',
			description: 'Applied in this order',
			options: [{ displayName: 'Filter', name: 'filter', values: FIELDS }],
		},
		{
			displayName: 'Options',
			name: 'options',
			type: 'collection',
			default: {},
			placeholder: 'Add Option',
			options: [qualityOption],
		},
	],
	build: ({ read }) => {
		const chosen = read('filters', {});
		const list = isRecord(chosen) && Array.isArray(chosen['filter']) ? chosen['filter'].filter(isRecord) : [];
		if (list.length === 0) throw new ParameterError('"Filters" is empty. Add at least one filter.');
		return [{ operation: 'filter', ...readSource(read), params: withoutEmpty({ filters: list.map(toFilter), crf: read('options.crf', undefined) }) }];
	},
};

/** Fields of the wire, by filter: each with the field of the node that holds it. */
const WIRE: Readonly<Record<string, Readonly<Record<string, string>>>> = {
	grayscale: {},
	sepia: { strength: 'strength' },
	blur: { strength: 'strength' },
	sharpen: { strength: 'strength' },
	denoise: { strength: 'strength' },
	brightness: { amount: 'brightness' },
	contrast: { amount: 'amount' },
	saturation: { amount: 'amount' },
	speed: { factor: 'factor' },
	rotate: { degrees: 'degrees' },
	flip: { direction: 'flipDirection' },
	fade: { direction: 'fadeDirection', seconds: 'seconds', colour: 'colour' },
	lut: { cube: 'cube' },
};

function toFilter(entry: Record<string, unknown>): Record<string, unknown> {
	const name = String(entry['name'] ?? 'grayscale');
	const fields = WIRE[name];
	if (!fields) throw new ParameterError(`"Filter" must be one of ${Object.keys(WIRE).join(', ')}, but is "${name}".`);
	return withoutEmpty({ name, ...Object.fromEntries(Object.entries(fields).map(([wire, field]) => [wire, entry[field]])) });
}
