import type { NodeOperation } from '../../../shared/operation';
import { readSource } from '../../../shared/parameters';
import { sourceProperties } from '../../../shared/properties';

export const loudness: NodeOperation = {
	name: 'Measure Loudness',
	value: 'loudness',
	description: 'Report how loud the sound is: integrated loudness, loudness range, true peak and its course',
	action: 'Measure the loudness',
	properties: [...sourceProperties],
	build: ({ read }) => [{ operation: 'loudness', ...readSource(read) }],
};
