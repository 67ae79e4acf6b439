import { severalOperations } from '../../../shared/severalOperations';

export const several = severalOperations(
	'[\n  { "operation": "thumbnail" },\n  { "operation": "compress", "params": { "height": 720 } }\n]',
);
