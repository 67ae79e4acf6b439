import type { NodeOperation, ReadParameter } from '../../../shared/operation';
import { ParameterError, readSource, withoutEmpty } from '../../../shared/parameters';
import { optionsField, sourceProperties } from '../../../shared/properties';
import { formatField, PARTS, pixels, qualityField } from './fields';

export const imageResize: NodeOperation = {
	name: 'Resize',
	value: 'image_resize',
	description: 'Change the size of a picture, cut it and change its format in one step; animations stay animated',
	action: 'Resize an image',
	properties: [
		...sourceProperties,
		pixels('Width', 'width', 1080, 'In pixels. 0 means that it follows from the height.', 0),
		pixels('Height', 'height', 1080, 'In pixels. 0 means that it follows from the width.', 0),
		{
			displayName: 'Fit',
			name: 'fit',
			type: 'options',
			default: 'inside',
			description: 'What happens when the picture has other proportions',
			options: [
				{ name: 'Cover', value: 'cover', description: 'Fill the size, and cut off the rest' },
				{ name: 'Inside', value: 'inside', description: 'As large as fits, in its own proportions' },
				{ name: 'Pad', value: 'contain', description: 'All of it, with borders' },
				{ name: 'Proportions', value: 'ratio', description: 'Cut to proportions such as 4:5, keeping as much as possible' },
				{ name: 'Stretch', value: 'fill', description: 'Distort the picture' },
			],
		},
		{
			displayName: 'Proportions',
			name: 'ratio',
			type: 'options',
			default: '1:1',
			displayOptions: { show: { fit: ['ratio'] } },
			description: 'The height is not used, then. Through an expression, any other such as 3:2.',
			options: [
				{ name: '1:1 (Square)', value: '1:1' },
				{ name: '16:9 (Wide)', value: '16:9' },
				{ name: '2:3 (Pin)', value: '2:3' },
				{ name: '4:5 (Portrait)', value: '4:5' },
				{ name: '9:16 (Upright)', value: '9:16' },
			],
		},
		{
			displayName: 'Part to Keep',
			name: 'position',
			type: 'options',
			default: 'center',
			displayOptions: { show: { fit: ['cover', 'ratio'] } },
			options: PARTS,
		},
		formatField('same'),
		optionsField([
			{ displayName: 'Background', name: 'background', type: 'color', default: '#ffffff', description: 'Of the borders. Through an expression also transparent.' },
			{ displayName: 'Crop First', name: 'crop', type: 'string', default: '', placeholder: '100, 50, 800, 600', description: 'Cuts out this rectangle of the source first: left, top, width, height in pixels' },
			{ displayName: 'Enlarge', name: 'enlarge', type: 'boolean', default: false, description: 'Whether the picture may become larger than it is' },
			qualityField,
		]),
	],
	build: ({ read }) => [
		{
			operation: 'image_resize',
			...readSource(read),
			params: withoutEmpty({
				width: read('width') || undefined,
				...(read('fit') === 'ratio' ? { ratio: read('ratio') } : { height: read('height') || undefined, fit: read('fit') }),
				position: read('position', undefined),
				format: read('format'),
				background: read('options.background', undefined),
				crop: readRectangle(read),
				enlarge: read('options.enlarge', undefined),
				quality: read('options.quality', undefined),
			}),
		},
	],
};

function readRectangle(read: ReadParameter): { x: number; y: number; width: number; height: number } | undefined {
	const text = String(read('options.crop', '')).trim();
	if (text === '') return undefined;
	const [x = NaN, y = NaN, width = NaN, height = NaN, ...more] = text.split(/[\s,]+/).map(Number);
	if (more.length === 0 && [x, y, width, height].every((value) => Number.isInteger(value) && value >= 0)) return { x, y, width, height };
	throw new ParameterError(`"Crop First" must be four whole numbers (left, top, width, height), e.g. 100, 50, 800, 600, but is "${text}".`);
}
