import type { IDataObject, INodeExecutionData } from 'n8n-workflow';
import type { BatchAccepted, BatchCallbackJob, PublicError } from './wire';

/** Positions of the two outputs of every node of this package. */
export const DONE_OUTPUT = 0;
export const FAILED_OUTPUT = 1;

/** An input item that was refused before anything was sent (only with On Error = Continue). */
export interface RefusedItem {
	itemIndex: number;
	error: PublicError;
}

/** A job as it is known right after the submission. */
export interface SubmittedJob {
	/** Position of its item in the request. */
	item_index: number;
	job_id: string;
	asset_id: string | null;
	operation: string;
}

type EndedJob = Pick<BatchCallbackJob, 'job_id' | 'item_index' | 'asset_id' | 'operation' | 'status' | 'output_data' | 'error'>;

/**
 * The jobs of a batch as the node's two outputs.
 * @param sources index of the n8n input item for every item of the batch
 */
export function toOutputs(jobs: readonly EndedJob[], sources: readonly number[]): INodeExecutionData[][] {
	const done: INodeExecutionData[] = [];
	const failed: INodeExecutionData[] = [];
	const ordered = [...jobs].sort((a, b) => a.item_index - b.item_index);
	for (const job of ordered) {
		const source = sources[job.item_index] ?? 0;
		if (job.status === 'completed') done.push(doneItem(job, source));
		else failed.push(failedItem(job, source, job.error ?? fallbackError(job)));
	}
	return [done, failed];
}

function doneItem(job: EndedJob, source: number): INodeExecutionData {
	const json = {
		asset_id: job.asset_id,
		job_id: job.job_id,
		operation: job.operation,
		status: job.status,
		...job.output_data,
	};
	return { json: json as IDataObject, pairedItem: { item: source } };
}

/** The sidecar always names a reason; a cancelled job may come without one. */
function fallbackError(job: EndedJob): PublicError {
	return job.status === 'cancelled'
		? { code: 'cancelled', message: 'The job was cancelled.' }
		: { code: 'internal', message: `The job ended as "${job.status}" without a reason. The log of the sidecar has the details.` };
}

/** `error` and `message` beside other fields, so that n8n does not take the item for one of its own error items. */
function failedItem(job: SubmittedJob, source: number, error: PublicError): INodeExecutionData {
	const json = {
		error: { ...error },
		code: error.code,
		message: error.message,
		job_id: job.job_id,
		asset_id: job.asset_id,
		operation: job.operation,
		status: 'failed',
		item_index: source,
	};
	return { json: json as IDataObject, pairedItem: { item: source } };
}

export function refusedItems(refused: readonly RefusedItem[]): INodeExecutionData[] {
	return refused.map(({ itemIndex, error }) => ({
		json: {
			error: { ...error },
			code: error.code,
			message: error.message,
			job_id: null,
			asset_id: null,
			status: 'failed',
			item_index: itemIndex,
		} as IDataObject,
		pairedItem: { item: itemIndex },
	}));
}

/** What leaves the node at once when it does not wait. */
export function submittedItems(batch: BatchAccepted, sources: readonly number[]): INodeExecutionData[] {
	return batch.jobs.map((job) => ({
		json: {
			asset_id: job.asset_id,
			job_id: job.id,
			operation: job.job_type,
			status: job.status,
			batch_id: batch.batch_id,
			estimated_duration: job.estimated_duration,
		},
		pairedItem: { item: sources[job.item_index] ?? 0 },
	}));
}

/** What leaves through Failed when the wait limit passes and nobody has called back. */
export function timedOutItems(
	jobs: readonly SubmittedJob[],
	sources: readonly number[],
	deadlineMinutes: number,
): INodeExecutionData[] {
	const error: PublicError = {
		code: 'deadline_exceeded',
		message:
			`The media sidecar did not call back within ${deadlineMinutes} minutes. ` +
			'Check that it runs and that it can reach this n8n (WEBHOOK_URL); GET /api/media/jobs of the sidecar shows what became of the job.',
	};
	return jobs.map((job) => failedItem(job, sources[job.item_index] ?? 0, error));
}

/** Both outputs in the order of the input items. */
export function inInputOrder(outputs: INodeExecutionData[][]): INodeExecutionData[][] {
	return outputs.map((items) => [...items].sort((a, b) => sourceOf(a) - sourceOf(b)));
}

/** Index of the input item that an item belongs to. */
export function sourceOf(item: INodeExecutionData): number {
	const paired = Array.isArray(item.pairedItem) ? item.pairedItem[0] : item.pairedItem;
	if (typeof paired === 'number') return paired;
	return paired?.item ?? 0;
}
