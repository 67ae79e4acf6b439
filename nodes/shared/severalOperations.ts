import type { NodeOperation } from './operation';
import { isRecord, optionalJson, ParameterError, readSource, withoutEmpty } from './parameters';
import { sourceProperties } from './properties';
import type { BatchItem } from './wire';

/**
 * "Run Several Operations" of a node: a JSON list per item, all of it in the one batch of the node run. The workflow
 * templates use it, because there the operations come with the request.
 * @param example shown as the field's default
 */
export function severalOperations(example: string): NodeOperation {
	return {
		name: 'Run Several Operations',
		value: 'several',
		description: 'Run a list of operations on the same file in one go',
		action: 'Run several operations',
		properties: [
			...sourceProperties,
			{
				displayName: 'Operations',
				name: 'operations',
				type: 'json',
				default: example,
				required: true,
				description:
					'JSON list of {"operation", "params", "job_id"}; params and job_id may be left out. An empty list passes the item on unchanged.',
			},
		],
		build({ read }) {
			const list = readList(optionalJson(read, 'operations', 'Operations'));
			if (list.length === 0) return [];
			const source = readSource(read);
			return list.map((entry, index) => ({ ...readEntry(entry, index), ...source }));
		},
	};
}

function readList(value: unknown): unknown[] {
	if (value === undefined) return [];
	if (Array.isArray(value)) return value;
	throw new ParameterError('"Operations" must be a JSON list such as [{"operation": "thumbnail"}].');
}

function readEntry(entry: unknown, index: number): BatchItem {
	if (!isRecord(entry) || typeof entry.operation !== 'string' || entry.operation === '') {
		throw new ParameterError(`Entry ${index + 1} of "Operations" has no "operation", e.g. {"operation": "thumbnail"}.`);
	}
	if (entry.params !== undefined && entry.params !== null && !isRecord(entry.params)) {
		throw new ParameterError(`"params" of entry ${index + 1} of "Operations" must be a JSON object.`);
	}
	return withoutEmpty<BatchItem>({
		operation: entry.operation,
		params: isRecord(entry.params) ? entry.params : undefined,
		job_id: typeof entry.job_id === 'string' ? entry.job_id : undefined,
	});
}
