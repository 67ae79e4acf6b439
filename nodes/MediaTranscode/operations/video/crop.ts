import type { INodeProperties } from 'n8n-workflow';
import type { NodeOperation, ReadParameter } from '../../../shared/operation';
import { ParameterError, readSource } from '../../../shared/parameters';
import { sourceProperties } from '../../../shared/properties';

function pixelField(displayName: string, name: string, modes: string[], fallback: number, description: string): INodeProperties {
	return {
		displayName,
		name,
		type: 'number',
		default: fallback,
		typeOptions: { minValue: 0 },
		displayOptions: { show: { cropMode: modes } },
		description,
	};
}

export const crop: NodeOperation = {
	name: 'Crop',
	value: 'crop',
	description: 'Cut a video to a rectangle, a shape or a size',
	action: 'Crop a video',
	properties: [
		...sourceProperties,
		{
			displayName: 'Crop By',
			name: 'cropMode',
			type: 'options',
			default: 'ratio',
			options: [
				{ name: 'Aspect Ratio', value: 'ratio', description: 'The largest part that has this shape' },
				{ name: 'Rectangle', value: 'pixels', description: 'Exactly these pixels' },
				{ name: 'Size', value: 'fit', description: 'Scale to this size, cutting or padding what does not fit' },
			],
		},
		{
			displayName: 'Aspect Ratio',
			name: 'ratio',
			type: 'options',
			default: '9:16',
			displayOptions: { show: { cropMode: ['ratio'] } },
			options: [
				{ name: '1:1 (Square)', value: '1:1' },
				{ name: '16:9 (Wide)', value: '16:9' },
				{ name: '4:5 (Portrait)', value: '4:5' },
				{ name: '9:16 (Upright)', value: '9:16' },
			],
		},
		{
			displayName: 'Part to Keep',
			name: 'gravity',
			type: 'options',
			default: 'center',
			displayOptions: { show: { cropMode: ['ratio'] } },
			options: [
				{ name: 'Bottom', value: 'bottom' },
				{ name: 'Center', value: 'center' },
				{ name: 'Left', value: 'left' },
				{ name: 'Right', value: 'right' },
				{ name: 'The Subject (Smart)', value: 'smart', description: 'Follows what moves and stands out, scene by scene' },
				{ name: 'Top', value: 'top' },
			],
		},
		pixelField('Left', 'x', ['pixels'], 0, 'Pixels from the left edge'),
		pixelField('Top', 'y', ['pixels'], 0, 'Pixels from the upper edge'),
		pixelField('Width', 'width', ['pixels', 'fit'], 1080, 'In pixels'),
		pixelField('Height', 'height', ['pixels', 'fit'], 1080, 'In pixels'),
		{
			displayName: 'What Does Not Fit',
			name: 'fit',
			type: 'options',
			default: 'cover',
			displayOptions: { show: { cropMode: ['fit'] } },
			options: [
				{ name: 'Cut It Off', value: 'cover', description: 'The picture fills the whole size' },
				{ name: 'Pad with a Blurred Copy', value: 'blur', description: 'The whole picture, before itself, enlarged and blurred' },
				{ name: 'Pad with Black', value: 'contain', description: 'The whole picture, with bars' },
			],
		},
	],
	build: ({ read }) => [{ operation: 'crop', ...readSource(read), params: cropParams(read) }],
};

const FIELDS: Record<string, readonly string[]> = {
	ratio: ['ratio', 'gravity'],
	pixels: ['x', 'y', 'width', 'height'],
	fit: ['width', 'height', 'fit'],
};

function cropParams(read: ReadParameter): Record<string, unknown> {
	const mode = String(read('cropMode'));
	const fields = FIELDS[mode];
	if (!fields) throw new ParameterError(`"Crop By" must be one of ${Object.keys(FIELDS).join(', ')}, but is "${mode}".`);
	return { mode, ...Object.fromEntries(fields.map((field) => [field, read(field)])) };
}
