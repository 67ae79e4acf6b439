import { NodeOperationError, type IDataObject, type IExecuteFunctions } from 'n8n-workflow';
import type { DirectOperation, NodeOperation, ReadParameter } from './operation';
import type { RefusedItem } from './results';
import type { BatchItem } from './wire';

/** All input items of one node run as one request. */
export interface CollectedBatch {
	items: BatchItem[];
	/** Index of the n8n input item for every entry of `items`. */
	sources: number[];
	/** What the sidecar has answered at once. */
	answers: Array<{ itemIndex: number; json: IDataObject }>;
	/** Input items for which there is nothing to do. */
	passThrough: number[];
	/** Input items with unusable parameters (only with On Error = Continue; otherwise the node fails). */
	refused: RefusedItem[];
}

/**
 * Builds the requests for all input items before anything is sent, so that a bad field in the last item does not leave
 * the first ones half done.
 */
export async function collectBatch(
	context: IExecuteFunctions,
	operations: ReadonlyArray<NodeOperation | DirectOperation>,
): Promise<CollectedBatch> {
	const collected: CollectedBatch = { items: [], sources: [], answers: [], passThrough: [], refused: [] };
	for (let itemIndex = 0; itemIndex < context.getInputData().length; itemIndex++) {
		try {
			const value = String(context.getNodeParameter('operation', itemIndex));
			const operation = operations.find((candidate) => candidate.value === value);
			if (!operation) {
				throw new NodeOperationError(context.getNode(), `This node has no operation "${value}".`);
			}
			const input = { context, itemIndex, read: readParameter(context, itemIndex) };
			if ('answer' in operation) {
				for (const json of await operation.answer(input)) collected.answers.push({ itemIndex, json: json as IDataObject });
				continue;
			}
			const built = await operation.build(input);
			if (built.length === 0 && operation.whenEmpty !== 'drop') collected.passThrough.push(itemIndex);
			for (const item of built) {
				collected.items.push(item);
				collected.sources.push(itemIndex);
			}
		} catch (error) {
			if (!context.continueOnFail()) {
				throw new NodeOperationError(context.getNode(), error as Error, { itemIndex });
			}
			const message = error instanceof Error ? error.message : String(error);
			collected.refused.push({ itemIndex, error: { code: 'invalid_request', message } });
		}
	}
	return collected;
}

/** n8n throws for a field that is not set when the fallback is undefined, as an option that nobody added is. */
export function readParameter(context: IExecuteFunctions, itemIndex: number): ReadParameter {
	return (name, ...given) =>
		given.length > 0
			? (context.getNodeParameter(name, itemIndex, given[0] ?? null) ?? given[0])
			: context.getNodeParameter(name, itemIndex);
}
