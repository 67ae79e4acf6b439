import type { NodeOperation } from '../../../shared/operation';
import { readSource } from '../../../shared/parameters';
import { sourceProperties } from '../../../shared/properties';

export const stripMetadata: NodeOperation = {
	name: 'Strip Metadata',
	value: 'strip_metadata',
	description: 'Remove place, camera, times, captions and everything else that a picture tells beside what it shows',
	action: 'Strip metadata from an image',
	properties: sourceProperties,
	build: ({ read }) => [{ operation: 'strip_metadata', ...readSource(read), params: {} }],
};
