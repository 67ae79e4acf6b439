import { NodeApiError, NodeOperationError, type IDataObject, type IHookFunctions } from 'n8n-workflow';
import { optionalText, readChoices } from '../shared/parameters';
import { call } from '../shared/sidecar';
import type { Webhook, WebhookCreated, WebhookRequest } from '../shared/wire';

/**
 * What n8n keeps between the activation of a workflow and its webhook being called. While a test listens in the editor n8n hands out a
 * copy of its own, so that this one always is the production webhook's.
 */
export interface Registration {
	webhookId?: string;
	/** Shown by the sidecar once. */
	secret?: string;
}

const PATH = '/api/media/webhooks';
/** The sidecar takes no longer ones. */
const MAX_DESCRIPTION = 200;

export const registrationOf = (staticData: IDataObject): Registration => staticData as Registration;

/** Whether the sidecar still has the webhook, and has it as the node wants it now. One that was disabled is enabled. */
export async function isRegistered(context: IHookFunctions): Promise<boolean> {
	const { webhookId, secret } = registrationOf(context.getWorkflowStaticData('node'));
	if (!webhookId || !secret) return false;
	const found = (await unlessMissing(() => call(context, { method: 'GET', path: `${PATH}/${webhookId}` }))) as Webhook | undefined;
	if (!found || !isAsWanted(found, wanted(context))) return false;
	// n8n was away for too long, and is back. Registered anew it would lose the list of what was missed.
	if (found.status === 'disabled') await call(context, { method: 'POST', path: `${PATH}/${webhookId}/enable` });
	return true;
}

/** Registers it, and removes what an earlier activation left at the same address. */
export async function register(context: IHookFunctions): Promise<boolean> {
	const request = wanted(context);
	const { webhooks } = (await call(context, { method: 'GET', path: PATH })) as { webhooks: Webhook[] };
	const { webhookId: kept } = registrationOf(context.getWorkflowStaticData('node'));
	const earlier = webhooks.filter(({ id, url }) => url === asShown(request.url) || (id === kept && isOutdated(url, request.url)));
	const removeEarlier = async () => {
		for (const { id } of earlier.splice(0)) await remove(context, id);
	};
	const create = async () => (await call(context, { method: 'POST', path: PATH, body: request })) as WebhookCreated;
	// The new one first: what happens between the two is told at least once, and a registration that fails leaves what there was. But for
	// one that needs the place of the earlier one.
	const { id, secret } = await create().catch(async (error: unknown) => {
		if (!hasStatus(error, '409') || earlier.length === 0) throw error as Error;
		await removeEarlier();
		return await create();
	});
	Object.assign(registrationOf(context.getWorkflowStaticData('node')), { webhookId: id, secret });
	await removeEarlier();
	return true;
}

/** A sidecar that cannot be reached must not keep a workflow active: it gives up the webhook by itself when nobody answers there. */
export async function unregister(context: IHookFunctions): Promise<boolean> {
	const kept = registrationOf(context.getWorkflowStaticData('node'));
	const { webhookId } = kept;
	delete kept.webhookId;
	delete kept.secret;
	if (!webhookId) return true;
	try {
		await remove(context, webhookId);
		return true;
	} catch (error) {
		context.logger.warn('Media pipeline: a webhook could not be removed from the sidecar', { webhookId, error });
		return false;
	}
}

async function remove(context: IHookFunctions, id: string): Promise<void> {
	await unlessMissing(() => call(context, { method: 'DELETE', path: `${PATH}/${id}` }));
}

const unlessMissing = (ask: () => Promise<unknown>): Promise<unknown> =>
	ask().catch((error: unknown) => (hasStatus(error, '404') ? undefined : Promise.reject(error as Error)));

const hasStatus = (error: unknown, status: string): boolean => error instanceof NodeApiError && error.httpCode === status;

/**
 * Whether a webhook of this trigger is of no use any more: n8n has another WEBHOOK_URL now, or the sidecar cannot read its address. The path
 * tells it from that of the production webhook while a test listens.
 */
const isOutdated = (url: string, wantedUrl: string): boolean =>
	url === '' || (URL.canParse(url) && URL.canParse(wantedUrl) && new URL(url).pathname === new URL(wantedUrl).pathname);

/** An address as the sidecar shows it: WEBHOOK_URL may be written with capitals, or with the port that https has anyway. Without its query. */
function asShown(address: string): string {
	if (!URL.canParse(address)) return address;
	const { protocol, host, pathname, search } = new URL(address);
	return `${protocol}//${host}${pathname}${search === '' ? '' : '?…'}`;
}

function wanted(context: IHookFunctions): WebhookRequest {
	const url = context.getNodeWebhookUrl('default');
	if (!url) throw new NodeOperationError(context.getNode(), 'n8n gives this trigger no address');
	const read = (name: string, fallback?: unknown): unknown => context.getNodeParameter(name, fallback as object);
	const chosen = readChoices(read, 'events');
	if (!chosen) {
		throw new NodeOperationError(context.getNode(), '"Events" is empty', {
			description: 'Choose what starts the workflow, "All Events" for everything.',
		});
	}
	const assetId = optionalText(read, 'options.assetId');
	const { name: workflow = '' } = context.getWorkflow();
	return {
		url,
		events: [...new Set(chosen)],
		...(assetId ? { asset_id: assetId } : {}),
		description: `n8n: ${workflow} / ${context.getNode().name}`.slice(0, MAX_DESCRIPTION),
	};
}

const isAsWanted = (found: Webhook, request: WebhookRequest): boolean =>
	found.url === asShown(request.url) &&
	found.asset_id === (request.asset_id ?? null) &&
	found.events.length === request.events.length &&
	request.events.every((event) => found.events.includes(event));
