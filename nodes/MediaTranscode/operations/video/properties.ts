import type { INodeProperties } from 'n8n-workflow';

/** Fields that several operations on videos and sounds share. */

/** @param lowest kbit/s */
export const audioBitrateOption = (fallback: number, lowest: number, description: string): INodeProperties => ({
	displayName: 'Audio Bitrate',
	name: 'audioBitrate',
	type: 'number',
	default: fallback,
	typeOptions: { minValue: lowest, maxValue: 512 },
	description,
});

/** Presets of x264, of those that are worth choosing. */
export const encoderSpeedOption: INodeProperties = {
	displayName: 'Encoder Speed',
	name: 'preset',
	type: 'options',
	default: 'veryfast',
	description: 'Slower makes smaller files of the same quality',
	options: [
		{ name: 'Fast', value: 'fast' },
		{ name: 'Faster', value: 'faster' },
		{ name: 'Medium', value: 'medium' },
		{ name: 'Slow', value: 'slow' },
		{ name: 'Super Fast', value: 'superfast' },
		{ name: 'Very Fast', value: 'veryfast' },
	],
};
