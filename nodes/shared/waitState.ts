import type {
	IDataObject,
	IExecuteData,
	IExecuteFunctions,
	INodeExecutionData,
	IWebhookFunctions,
} from 'n8n-workflow';
import { isRecord } from './parameters';
import { sourceOf, type RefusedItem } from './results';

/**
 * What a suspended run must still know when it is called back.
 *
 * It is kept in the *node context*, a part of the execution's own data: n8n saves it when the execution is parked and
 * loads it, also after a restart, before it calls `webhook()`. A loop that runs the same node again overwrites it, which is
 * what makes a late or repeated callback of an earlier run recognisable.
 */
export interface WaitState {
	/** The only batch whose callback may resume this run. */
	batchId: string;
	/** Index of the n8n input item for every item of the batch. */
	sources: number[];
	refused: RefusedItem[];
	/** Input items that need no work; they wait on the first output of the stack entry. */
	passThrough: number[];
}

const CONTEXT_KEY = 'mediaPipeline';

/** As JSON text: expressions hand out objects of the node context only as proxies. */
export function saveWaitState(context: IExecuteFunctions, state: WaitState): void {
	context.getContext('node')[CONTEXT_KEY] = JSON.stringify(state);
}

/** `webhook()` has no `getContext`, but its expressions reach the same data. Undefined when this node waits for nothing. */
export function loadWaitState(context: IWebhookFunctions): WaitState | undefined {
	const name = JSON.stringify(context.getNode().name);
	const text = context.evaluateExpression(`{{ $node[${name}].context[${JSON.stringify(CONTEXT_KEY)}] }}`);
	if (typeof text !== 'string') return undefined;
	const state: unknown = JSON.parse(text);
	return isWaitState(state) ? state : undefined;
}

function isWaitState(value: unknown): value is WaitState {
	return isRecord(value) && typeof value.batchId === 'string' && Array.isArray(value.sources);
}

/**
 * Decides what flows on when the wait limit passes without a callback. n8n then takes the parked stack entry as the node's
 * output: unchanged that would be the node's *input*, leaving through the first output as if the work were done. So the
 * entry gets the two outputs that are true in that case, and the mark that makes n8n forward both of them.
 */
export function setTimeoutOutputs(context: IExecuteFunctions, outputs: INodeExecutionData[][]): void {
	const entry = context.getExecuteData();
	entry.data = { main: outputs };
	context.setMetadata({ forwardAllOutputs: true });
	// n8n links an item of the stack entry by its position, and items of output 1 to the second input. Where that is right,
	// give the second output the source of the only input; where it is not, no link is better than a wrong one.
	const source = entry.source?.main?.[0];
	const byPosition = (outputs[1] ?? []).every((item, position) => sourceOf(item) === position);
	if (entry.source && source && byPosition) entry.source = { ...entry.source, main: [source, source] };
}

const CARRIER_KEY = 'mediaPipelineOutputs';

/**
 * Hands the outputs to n8n in a way that keeps the item links.
 *
 * n8n runs a resumed node as if it were disabled: the result of `webhook()` is passed through, and every item is linked to
 * the input item *at the same position*. As soon as one item of three has failed, that is the wrong one. So the parked
 * entry is enabled again and gets all outputs in a single carrier item: n8n then calls `execute()`, which only unpacks them
 * (`unpackCarrier`), with the links that are right. Should a version of n8n not show its stack entry here, the outputs are
 * returned as they are, linked by position.
 */
export function packResult(context: IWebhookFunctions, outputs: INodeExecutionData[][]): INodeExecutionData[][] {
	const entry = stackEntry(context);
	if (!entry) return outputs;
	entry.node.disabled = false;
	const source = entry.source?.main?.[0];
	if (entry.source && source) entry.source = { ...entry.source, main: [source] };
	const packed = outputs as unknown;
	return [[{ json: { [CARRIER_KEY]: packed } as IDataObject, pairedItem: { item: 0 } }]];
}

/** The outputs, when this call of `execute()` is the second half of a resumption; undefined for a normal run. */
export function unpackCarrier(context: IExecuteFunctions): INodeExecutionData[][] | undefined {
	// Only n8n sets this mark, and only on resuming: an item of another node that looks like a carrier is no carrier.
	if (context.getExecuteData().metadata?.forwardAllOutputs !== true) return undefined;
	const carried: unknown = context.getInputData()[0]?.json[CARRIER_KEY];
	return Array.isArray(carried) ? (carried as INodeExecutionData[][]) : undefined;
}

/** The items that `setTimeoutOutputs` put on the first output, linked to their input items again. */
export function loadPassThrough(context: IWebhookFunctions, state: WaitState): INodeExecutionData[] {
	const waiting = stackEntry(context)?.data.main?.[0] ?? [];
	return state.passThrough.map((item, index) => ({ json: {}, ...waiting[index], pairedItem: { item } }));
}

/** The parked entry of n8n's execution stack. Not part of its types, but of every webhook context that resumes a node. */
function stackEntry(context: IWebhookFunctions): IExecuteData | undefined {
	const entry: unknown = Reflect.get(context, 'executeData');
	return isExecuteData(entry) ? entry : undefined;
}

function isExecuteData(value: unknown): value is IExecuteData {
	return isRecord(value) && isRecord(value.node) && isRecord(value.data);
}
