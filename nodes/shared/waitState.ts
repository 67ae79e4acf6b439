import type { IExecuteFunctions, INodeExecutionData, IWebhookFunctions } from 'n8n-workflow';
import { isRecord } from './parameters';
import type { RefusedItem } from './results';

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
	/** How many items wait in `executeData.data.main[0]` to be passed on unchanged. */
	passThroughCount: number;
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
	context.getExecuteData().data = { main: outputs };
	context.setMetadata({ forwardAllOutputs: true });
}

/** The items that `setTimeoutOutputs` put on the first output. */
export function loadPassThrough(context: IWebhookFunctions, state: WaitState): INodeExecutionData[] {
	if (state.passThroughCount === 0) return [];
	const text = context.evaluateExpression('{{ JSON.stringify($input.all()) }}');
	return typeof text === 'string' ? (JSON.parse(text) as INodeExecutionData[]) : [];
}
