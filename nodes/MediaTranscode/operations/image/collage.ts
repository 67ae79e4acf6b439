import type { NodeOperation, ReadParameter } from '../../../shared/operation';
import { ParameterError, readSource, toMediaInput, withoutEmpty } from '../../../shared/parameters';
import { optionsField, sourceProperties } from '../../../shared/properties';
import { formatField, pixels, qualityField } from './fields';

export const collage: NodeOperation = {
	name: 'Collage',
	value: 'collage',
	description: 'Put 2 to 20 pictures into one',
	action: 'Make a collage of images',
	properties: [
		...sourceProperties,
		{
			displayName: 'Further Pictures',
			name: 'pictures',
			type: 'string',
			typeOptions: { rows: 4 },
			default: '',
			required: true,
			placeholder: 'https://example.com/second.jpg, https://example.com/third.jpg',
			description: 'Asset IDs or addresses, separated by commas or new lines, at most 19. An expression may give a list.',
		},
		{
			displayName: 'Layout',
			name: 'layout',
			type: 'options',
			default: 'grid',
			options: [
				{ name: 'Column', value: 'column', description: 'Below each other' },
				{ name: 'Grid', value: 'grid', description: 'Cells of one size' },
				{ name: 'Masonry', value: 'masonry', description: 'Columns with pictures of their own heights' },
				{ name: 'Row', value: 'row', description: 'Side by side' },
			],
		},
		{ displayName: 'Width', name: 'width', type: 'number', default: 1600, typeOptions: { minValue: 64, maxValue: 4096 }, description: 'Of the collage, in pixels' },
		optionsField([
			{ displayName: 'Background', name: 'background', type: 'color', default: '#ffffff', description: 'Of the gaps. Through an expression also transparent.' },
			{ displayName: 'Columns', name: 'columns', type: 'number', default: 3, typeOptions: { minValue: 1, maxValue: 10 }, description: 'Of grid and masonry. Without it, about as many as rows.' },
			formatField('jpeg'),
			pixels('Gap', 'gap', 16, 'Between the pictures and around them, in pixels', 0, 200),
			{ displayName: 'Height', name: 'height', type: 'number', default: 1600, typeOptions: { minValue: 64, maxValue: 4096 }, description: 'Of the collage, in pixels. Without it, what the pictures need.' },
			{
				displayName: 'Part to Keep',
				name: 'position',
				type: 'options',
				default: 'attention',
				options: [
					{ name: 'Center', value: 'center' },
					{ name: 'What Draws the Eye', value: 'attention', description: 'Faces, skin and bright colors' },
					{ name: 'Where Most Detail Is', value: 'entropy' },
				],
			},
			qualityField,
		]),
	],
	build: ({ read }) => [
		{
			operation: 'collage',
			...readSource(read),
			params: withoutEmpty({
				pictures: readPictures(read),
				layout: read('layout'),
				width: read('width'),
				height: read('options.height', undefined),
				columns: read('options.columns', undefined),
				gap: read('options.gap', undefined),
				background: read('options.background', undefined),
				position: read('options.position', undefined),
				format: read('options.format', undefined),
				quality: read('options.quality', undefined),
			}),
		},
	],
};

function readPictures(read: ReadParameter) {
	const value = read('pictures', '');
	const names = (Array.isArray(value) ? value.map(String) : String(value ?? '').split(/[\n,]+/)).map((name) => name.trim()).filter((name) => name !== '');
	if (names.length === 0) throw new ParameterError('"Further Pictures" is empty. A collage needs at least one picture beside the source.');
	return names.map((name) => toMediaInput(name, 'Further Pictures'));
}
