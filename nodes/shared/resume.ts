import type { IWebhookFunctions, IWebhookResponseData } from 'n8n-workflow';
import { isRecord } from './parameters';
import { DONE_OUTPUT, FAILED_OUTPUT, inInputOrder, refusedItems, toOutputs } from './results';
import { SIDECAR_CREDENTIAL } from './sidecar';
import { checkSignature, refuse } from './signedCall';
import { loadPassThrough, loadWaitState, packResult } from './waitState';
import type { BatchCallback } from './wire';

/** Where to look when its signature does not match. */
const SECRET_HINT = 'is the "Callback Secret" of the n8n credential that of the sidecar?';

/**
 * `webhook()` of every node that works: turns the sidecar's one callback into the node's two outputs.
 *
 * Never throws: a thrown error would fail the execution *and* run the nodes after this one with an empty item. Whatever is
 * not the callback that this run waits for is answered with an error, and the execution stays parked.
 */
export async function resumeFromCallback(context: IWebhookFunctions): Promise<IWebhookResponseData> {
	try {
		return await accept(context);
	} catch (error) {
		context.logger.error('Media pipeline: a callback could not be read', { error });
		return refuse(context, { status: 500, code: 'callback_unreadable', message: 'n8n could not read this callback.' });
	}
}

async function accept(context: IWebhookFunctions): Promise<IWebhookResponseData> {
	const { callbackSecret } = await context.getCredentials<{ callbackSecret?: string }>(SIDECAR_CREDENTIAL);
	const refusal = checkSignature(context, callbackSecret ?? '', SECRET_HINT);
	if (refusal) return refuse(context, refusal);

	const callback: unknown = context.getBodyData();
	if (!isBatchCallback(callback)) {
		return refuse(context, { status: 400, code: 'callback_malformed', message: 'This is no batch.finished callback.' });
	}
	const state = loadWaitState(context);
	if (state?.batchId !== callback.batch_id) {
		return refuse(context, {
			status: 409,
			code: 'callback_unexpected',
			// "has finished" is what n8n itself says of an execution that cannot be resumed any more: the sender gives up.
			message: `Batch ${callback.batch_id} is not the one this run waits for: the run that did so has finished.`,
		});
	}
	const outputs = toOutputs(callback.jobs, state.sources);
	const ordered = inInputOrder([
		[...loadPassThrough(context, state), ...(outputs[DONE_OUTPUT] ?? [])],
		[...(outputs[FAILED_OUTPUT] ?? []), ...refusedItems(state.refused)],
	]);
	return { workflowData: packResult(context, ordered) };
}

function isBatchCallback(body: unknown): body is BatchCallback {
	return (
		isRecord(body) &&
		body.type === 'batch.finished' &&
		typeof body.batch_id === 'string' &&
		Array.isArray(body.jobs) &&
		body.jobs.every((job) => isRecord(job) && typeof job.job_id === 'string' && typeof job.item_index === 'number')
	);
}
