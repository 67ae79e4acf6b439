import type { NodeOperation } from '../../../shared/operation';
import { readSource } from '../../../shared/parameters';
import { sourceProperties } from '../../../shared/properties';

export const probe: NodeOperation = {
	name: 'Get Media Info',
	value: 'probe',
	description: 'Read codec, duration, size, frame rate and more, without changing the file',
	action: 'Get media info',
	properties: sourceProperties,
	build: ({ read }) => [{ operation: 'probe', ...readSource(read) }],
};
