import { createHash } from 'node:crypto';
import { NodeApiError, NodeOperationError, type IExecuteFunctions, type INodeExecutionData } from 'n8n-workflow';
import { collectBatch, type CollectedBatch } from './collect';
import type { DirectOperation, NodeOperation } from './operation';
import { pollBatch } from './poll';
import { DEFAULT_DEADLINE_MINUTES, type WaitMode } from './properties';
import {
	DONE_OUTPUT,
	FAILED_OUTPUT,
	inInputOrder,
	refusedItems,
	submittedItems,
	timedOutItems,
	toOutputs,
} from './results';
import { resumeUrlOfNode } from './resumeUrl';
import { readBatch, SIDECAR_CREDENTIAL, submitBatch } from './sidecar';
import { saveWaitState, setTimeoutOutputs, unpackCarrier } from './waitState';
import type { BatchAccepted, BatchRequest, PublicError } from './wire';

/**
 * The wait limit of n8n lies behind the deadline of the sidecar, which therefore speaks first: it fails what is unfinished
 * and calls back. Ten minutes cover several attempts of its callback.
 */
const WAIT_MARGIN_MS = 10 * 60_000;

interface WaitOptions {
	mode: WaitMode;
	deadlineMinutes: number;
	priority: number;
	reuse: boolean;
}

/** Called once the sidecar has taken the work, with the n8n items that were refused. */
type OnTaken = (refused: readonly number[]) => void;

/** `execute()` of every node: all input items become one batch, then the node waits in the way the user chose. */
export async function runOperations(
	context: IExecuteFunctions,
	operations: ReadonlyArray<NodeOperation | DirectOperation>,
	onTaken: OnTaken = () => undefined,
): Promise<INodeExecutionData[][]> {
	const resumed = unpackCarrier(context);
	if (resumed) return resumed;

	const options = readWaitOptions(context);
	const collected = await collectBatch(context, operations);
	if (collected.items.length === 0) {
		onTaken(collected.refused.map(({ itemIndex }) => itemIndex));
		return finish(context, collected, [[], []]);
	}

	return await submitOrRefuse(context, collected, options, onTaken);
}

/** With On Error = Continue, items that the sidecar refuses leave through Failed, and the others are sent without them. */
async function submitOrRefuse(
	context: IExecuteFunctions,
	collected: CollectedBatch,
	options: WaitOptions,
	onTaken: OnTaken,
): Promise<INodeExecutionData[][]> {
	try {
		return await submitAndWait(context, collected, options, onTaken);
	} catch (error) {
		const named = refusedSources(error, collected);
		if (!context.continueOnFail()) {
			throw new NodeOperationError(context.getNode(), error as Error, { itemIndex: named[0] });
		}
		const message = error instanceof Error ? error.message : String(error);
		const reason = { code: named.length > 0 ? 'invalid_request' : 'sidecar_request_failed', message };
		const rest = withoutSources(collected, named.length > 0 ? named : collected.sources, reason);
		if (rest.items.length > 0) return await submitOrRefuse(context, rest, options, onTaken);
		return finish(context, rest, [[], []]);
	}
}

/** The n8n items that a refusal of the sidecar names. */
function refusedSources(error: unknown, { sources }: CollectedBatch): number[] {
	const named: unknown = error instanceof NodeApiError ? error.context.refusedItems : undefined;
	const items = Array.isArray(named) ? (named as number[]) : [];
	return [...new Set(items.flatMap((item) => sources[item] ?? []))];
}

function withoutSources(collected: CollectedBatch, refused: readonly number[], error: PublicError): CollectedBatch {
	const kept = collected.sources.map((source) => !refused.includes(source));
	return {
		...collected,
		items: collected.items.filter((_, index) => kept[index]),
		sources: collected.sources.filter((_, index) => kept[index]),
		refused: [...collected.refused, ...[...new Set(refused)].map((itemIndex) => ({ itemIndex, error }))],
	};
}

async function submitAndWait(
	context: IExecuteFunctions,
	collected: CollectedBatch,
	options: WaitOptions,
	onTaken: OnTaken,
): Promise<INodeExecutionData[][]> {
	const request: BatchRequest = {
		items: options.reuse ? collected.items : collected.items.map((item) => ({ ...item, reuse: false })),
		deadline_seconds: options.deadlineMinutes * 60,
		priority: options.priority,
	};
	if (options.mode === 'suspend') request.callback_url = await callbackUrl(context);

	const batch = await submitBatch(context, request, idempotencyKey(context, request));
	onTaken(collected.refused.map(({ itemIndex }) => itemIndex));

	if (options.mode === 'none') return finish(context, collected, [submittedItems(batch, collected.sources), []]);
	if (options.mode === 'poll') {
		const view = await pollBatch(context, batch.batch_id, options.deadlineMinutes * 60_000 + WAIT_MARGIN_MS);
		return finish(context, collected, toOutputs(endedJobs(view.jobs), collected.sources));
	}
	// Everything was known already (cache, or the same request again). The callback that is sent all the same finds an
	// execution that waits for another batch or for nothing, and is refused.
	if (batch.status === 'completed') {
		const view = await readBatch(context, batch.batch_id);
		if (view.status !== 'pending') return finish(context, collected, toOutputs(endedJobs(view.jobs), collected.sources));
	}
	return await suspend(context, collected, options, batch);
}

async function suspend(
	context: IExecuteFunctions,
	collected: CollectedBatch,
	options: WaitOptions,
	batch: BatchAccepted,
): Promise<INodeExecutionData[][]> {
	const jobs = batch.jobs.map((job) => ({ item_index: job.item_index, job_id: job.id, asset_id: job.asset_id, operation: job.job_type }));
	const timedOut = timedOutItems(jobs, collected.sources, options.deadlineMinutes);
	const outputs = finish(context, collected, [[], timedOut]);
	saveWaitState(context, {
		batchId: batch.batch_id,
		sources: collected.sources,
		refused: collected.refused,
		passThrough: collected.passThrough,
	});
	setTimeoutOutputs(context, outputs);
	await context.putExecutionToWait(new Date(Date.now() + options.deadlineMinutes * 60_000 + WAIT_MARGIN_MS));
	return outputs;
}

/** Adds what needed no work and what was refused, and puts everything into the order of the input. */
function finish(
	context: IExecuteFunctions,
	collected: CollectedBatch,
	outputs: INodeExecutionData[][],
): INodeExecutionData[][] {
	const input = context.getInputData();
	const passedOn = collected.passThrough.map((item) => ({ ...input[item], json: input[item]?.json ?? {}, pairedItem: { item } }));
	const answered = collected.answers.map(({ itemIndex, json }) => ({ json, pairedItem: { item: itemIndex } }));
	const done = [...passedOn, ...answered, ...(outputs[DONE_OUTPUT] ?? [])];
	const failed = [...(outputs[FAILED_OUTPUT] ?? []), ...refusedItems(collected.refused)];
	// A model sees the first output of its tool only: a job that failed would look like a search that found nothing.
	return inInputOrder(isToolCall(context) ? [[...done, ...failed], []] : [done, failed]);
}

type ViewedJobs = Awaited<ReturnType<typeof readBatch>>['jobs'];

/** A batch that is not pending has only ended jobs. */
function endedJobs(jobs: ViewedJobs): Parameters<typeof toOutputs>[0] {
	return jobs.map((job) => ({
		...job,
		status: job.status === 'completed' || job.status === 'cancelled' ? job.status : 'failed',
	}));
}

function readWaitOptions(context: IExecuteFunctions): WaitOptions {
	const mode = context.getNodeParameter('waitMode', 0, 'suspend') as WaitMode;
	return {
		// The answer of an agent's tool call is due at once: an execution cannot be parked in the middle of it.
		mode: mode === 'suspend' && isToolCall(context) ? 'poll' : mode,
		deadlineMinutes: Number(context.getNodeParameter('deadlineMinutes', 0, DEFAULT_DEADLINE_MINUTES)),
		priority: Number(context.getNodeParameter('priority', 0, 0)),
		reuse: context.getNodeParameter('reuseResults', 0, true) !== false,
	};
}

/** n8n runs the tool variant of a node (its type ends in "Tool") either inside the agent or as a step of its own. */
function isToolCall(context: IExecuteFunctions): boolean {
	return context.isToolExecution() || context.getNode().type.endsWith('Tool');
}

async function callbackUrl(context: IExecuteFunctions): Promise<string> {
	const { callbackSecret } = await context.getCredentials<{ callbackSecret?: string }>(SIDECAR_CREDENTIAL);
	if (!callbackSecret) {
		throw new NodeOperationError(context.getNode(), 'The credential has no callback secret', {
			description:
				'The wait mode "Suspend Until Called Back" needs it to tell the sidecar\'s callbacks from forged ones. Copy the secret ' +
				'that the sidecar printed (whsec_…) into "Callback Secret", or choose the wait mode "Hold and Poll".',
		});
	}
	const resumeUrl = context.evaluateExpression('{{ $execution.resumeUrl }}', 0) as string;
	return resumeUrlOfNode(resumeUrl, context.getNode().id);
}

/**
 * The same for the same work of the same run, so that n8n's own "Retry On Fail" does not do it twice. The content is part
 * of it because a sub-node may be called several times within one run.
 */
function idempotencyKey(context: IExecuteFunctions, request: BatchRequest): string {
	const run = context.evaluateExpression('{{ $runIndex }}', 0) as number;
	const content = createHash('sha256').update(JSON.stringify(request)).digest('hex').slice(0, 32);
	return `n8n-${context.getExecutionId()}-${context.getNode().id}-${run}-${content}`;
}
