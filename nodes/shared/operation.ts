import {
	updateDisplayOptions,
	type IExecuteFunctions,
	type INodeProperties,
	type INodePropertyOptions,
} from 'n8n-workflow';
import type { BatchItem } from './wire';

/** Reads a parameter of the current item; `name` may be a path such as `options.width`. */
export type ReadParameter = (name: string, fallback?: unknown) => unknown;

export interface OperationInput {
	read: ReadParameter;
	/** Index of the n8n item. */
	itemIndex: number;
	/** For the few operations that must move bytes or refresh a token before the request is complete. */
	context: IExecuteFunctions;
}

/** What the Operation list shows of an entry. */
interface ListedOperation {
	name: string;
	value: string;
	description: string;
	/** Sentence shown in the node panel, e.g. `Make a thumbnail`. */
	action: string;
	properties: INodeProperties[];
}

/** Groups of a long Operation list: the user chooses the kind of file first. */
export interface Resource {
	name: string;
	value: string;
	operations: readonly NodeOperation[];
}

/** One entry of a node's Operation list: one file per operation, all of this shape. */
export interface NodeOperation extends ListedOperation {
	/** What becomes of an item without requests. Default: it is passed on unchanged. */
	whenEmpty?: 'drop';
	/** The requests for one n8n item. */
	build(input: OperationInput): BatchItem[] | Promise<BatchItem[]>;
}

/** The same for what the sidecar answers at once: nothing is waited for. */
export interface DirectOperation extends ListedOperation {
	/** The answers for one n8n item, each an item of its own. */
	answer(input: OperationInput): Promise<object[]>;
}

/** The Operation list and the fields of all operations, each shown only with its own operation. The first one is preselected. */
export function operationProperties(operations: readonly ListedOperation[]): INodeProperties[] {
	const fields = operations.flatMap(({ value, properties }) =>
		updateDisplayOptions({ show: { operation: [value] } }, properties),
	);
	return [operationList(operations), ...fields];
}

/** The same in two steps: Resource, then its Operation list. The first resource is preselected, and the first operation of each. */
export function resourceProperties(resources: readonly Resource[]): INodeProperties[] {
	const preselected = resources[0]?.value ?? '';
	const selector: INodeProperties = {
		displayName: 'Resource',
		name: 'resource',
		type: 'options',
		noDataExpression: true,
		options: resources.map(({ name, value }) => ({ name, value })).sort((a, b) => a.name.localeCompare(b.name)),
		default: preselected,
	};
	const shown = resources.flatMap(({ value, operations }) =>
		updateDisplayOptions({ show: { resource: [value] } }, operationProperties(operations)),
	);
	return [selector, ...shown];
}

function operationList(operations: readonly ListedOperation[]): INodeProperties {
	const options: INodePropertyOptions[] = operations.map(({ name, value, description, action }) => ({
		name,
		value,
		description,
		action,
	}));
	const preselected = operations[0]?.value ?? '';
	return {
		displayName: 'Operation',
		name: 'operation',
		type: 'options',
		noDataExpression: true,
		options: options.sort((a, b) => a.name.localeCompare(b.name)),
		default: preselected,
	};
}
