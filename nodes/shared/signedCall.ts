import type { IWebhookFunctions, IWebhookResponseData } from 'n8n-workflow';
import { verifySignature, type SignatureVerdict } from './standardWebhook';

/** Why a call was not accepted. */
export interface Refusal {
	status: 400 | 401 | 409 | 500;
	code: string;
	message: string;
}

const REFUSALS: Record<Exclude<SignatureVerdict, 'valid'>, Refusal> = {
	missing_headers: {
		status: 401,
		code: 'callback_unsigned',
		message: 'The callback carries no webhook-id, webhook-timestamp and webhook-signature.',
	},
	stale: {
		status: 401,
		code: 'callback_stale',
		message: 'The callback is more than 5 minutes old, or the clocks of sidecar and n8n differ by more than that.',
	},
	invalid_signature: { status: 401, code: 'callback_forged', message: 'The signature does not match' },
};

/**
 * Checks who called a webhook of a node, over the bytes as they arrived.
 * @param hint what to look at when the signature does not match
 */
export function checkSignature(context: IWebhookFunctions, secret: string, hint: string): Refusal | undefined {
	const headers = context.getHeaderData();
	// n8n keeps no bytes of a multipart/… body. An error here would make it run the nodes behind this one, for anybody.
	const { rawBody = Buffer.alloc(0) } = context.getRequestObject() as { rawBody?: Buffer };
	const verdict = verifySignature(
		secret,
		{
			id: single(headers['webhook-id']),
			timestamp: single(headers['webhook-timestamp']),
			signature: single(headers['webhook-signature']),
			body: rawBody,
		},
		Math.floor(Date.now() / 1000),
	);
	if (verdict === 'valid') return undefined;
	const refusal = REFUSALS[verdict];
	return verdict === 'invalid_signature' ? { ...refusal, message: `${refusal.message}: ${hint}` } : refusal;
}

function single(header: string | string[] | undefined): string | undefined {
	return typeof header === 'string' ? header : undefined;
}

/** No `workflowData`: nothing is started, and an execution that waits stays where it is. */
export function refuse(context: IWebhookFunctions, { status, code, message }: Refusal): IWebhookResponseData {
	context.getResponseObject().status(status).json({ error: { code, message } });
	return { noWebhookResponse: true };
}
