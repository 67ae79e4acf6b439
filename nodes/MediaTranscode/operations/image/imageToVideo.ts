import type { NodeOperation } from '../../../shared/operation';
import { optionalMediaInput, readSource, withoutEmpty } from '../../../shared/parameters';
import { mediaInputField, optionsField, sourceProperties } from '../../../shared/properties';

const side = (displayName: string, name: string, fallback: number) => ({
	displayName,
	name,
	type: 'number' as const,
	default: fallback,
	typeOptions: { minValue: 64, maxValue: 3840 },
	description: 'Of the video, in pixels. Without both, Full HD in the shape nearest to the picture.',
});

export const imageToVideo: NodeOperation = {
	name: 'To Video',
	value: 'image_to_video',
	description: 'Make a video of a picture, with a slow movement over it (Ken Burns)',
	action: 'Make a video of an image',
	properties: [
		...sourceProperties,
		{ displayName: 'Seconds', name: 'seconds', type: 'number', default: 5, typeOptions: { minValue: 0.5, maxValue: 60, numberPrecision: 2 }, description: 'Length of the video' },
		{
			displayName: 'Movement',
			name: 'movement',
			type: 'options',
			default: 'zoom_in',
			options: [
				{ name: 'None', value: 'none' },
				{ name: 'Pan Down', value: 'pan_down' },
				{ name: 'Pan Left', value: 'pan_left' },
				{ name: 'Pan Right', value: 'pan_right' },
				{ name: 'Pan Up', value: 'pan_up' },
				{ name: 'Zoom In', value: 'zoom_in' },
				{ name: 'Zoom Out', value: 'zoom_out' },
			],
		},
		mediaInputField('Music', 'music', 'https://example.com/music.mp3', 'Sound for the video, if any; it fades out at the end'),
		optionsField([
			{ displayName: 'Frame Rate', name: 'fps', type: 'number', default: 30, typeOptions: { minValue: 10, maxValue: 60 }, description: 'Pictures per second' },
			side('Height', 'height', 1080),
			{ displayName: 'Quality (CRF)', name: 'crf', type: 'number', default: 20, typeOptions: { minValue: 0, maxValue: 51 }, description: 'From 0 to 51. Lower is better and larger.' },
			{
				displayName: 'Strength',
				name: 'strength',
				type: 'number',
				default: 1.2,
				typeOptions: { minValue: 1.02, maxValue: 2, numberPrecision: 2 },
				description: 'At the nearest, the picture is this many times as large as at the farthest',
			},
			side('Width', 'width', 1920),
		]),
	],
	build: ({ read }) => [
		{
			operation: 'image_to_video',
			...readSource(read),
			params: withoutEmpty({
				seconds: read('seconds'),
				movement: read('movement'),
				music: optionalMediaInput(read, 'music', 'Music'),
				width: read('options.width', undefined),
				height: read('options.height', undefined),
				strength: read('options.strength', undefined),
				fps: read('options.fps', undefined),
				crf: read('options.crf', undefined),
			}),
		},
	],
};
