import { NodeOperationError, sleep, type IExecuteFunctions } from 'n8n-workflow';
import { readBatch } from './sidecar';
import type { BatchView } from './wire';

/** Half a second at first, for thumbnails; then slower by half each time, up to 10 s, for jobs that take hours. */
const FIRST_PAUSE_MS = 500;
const PAUSE_FACTOR = 1.5;
const LONGEST_PAUSE_MS = 10_000;
/** A sidecar that is being restarted loses nothing: only a silence of about two minutes at the longest pause is an error. */
const UNANSWERED_LIMIT = 15;

/** Asks until the batch has ended. @throws when `limitMs` has passed, or the execution was cancelled */
export async function pollBatch(context: IExecuteFunctions, batchId: string, limitMs: number): Promise<BatchView> {
	const end = Date.now() + limitMs;
	let pause = FIRST_PAUSE_MS;
	let unanswered = 0;
	while (Date.now() < end) {
		await sleep(Math.min(pause, Math.max(0, end - Date.now())));
		pause = Math.min(pause * PAUSE_FACTOR, LONGEST_PAUSE_MS);
		if (context.getExecutionCancelSignal()?.aborted) {
			throw new NodeOperationError(context.getNode(), 'The execution was cancelled while it waited for the sidecar.');
		}
		try {
			const view = await readBatch(context, batchId);
			unanswered = 0;
			if (view.status !== 'pending') return view;
		} catch (error) {
			unanswered += 1;
			if (unanswered >= UNANSWERED_LIMIT) throw new NodeOperationError(context.getNode(), error as Error);
		}
	}
	throw new NodeOperationError(context.getNode(), `The batch ${batchId} had not ended when the deadline passed.`, {
		description: 'The sidecar keeps the jobs: ask it with GET /api/media/batches/<batch_id>.',
	});
}
