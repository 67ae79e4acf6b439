import type { IDataObject, IWebhookFunctions, IWebhookResponseData } from 'n8n-workflow';
import { isRecord } from '../shared/parameters';
import { checkSignature, refuse } from '../shared/signedCall';
import { registrationOf } from './registration';

/** What the sidecar sends: docs/webhooks.md. */
interface EventMessage {
	event_id: string;
	type: string;
	timestamp: string;
	workspace_id: string;
	data: Record<string, unknown>;
}

/** Where to look when a signature does not match. */
const SECRET_HINT = 'it is not that of this trigger. Deactivate and activate the workflow: it is registered anew then.';

/** What is no event of the sidecar starts nothing, and is told why. Never throws: n8n would start the workflow with an empty item. */
export function receiveEvent(context: IWebhookFunctions): IWebhookResponseData {
	try {
		return accept(context);
	} catch (error) {
		context.logger.error('Media pipeline: an event could not be read', { error });
		return refuse(context, { status: 500, code: 'event_unreadable', message: 'n8n could not read this event.' });
	}
}

function accept(context: IWebhookFunctions): IWebhookResponseData {
	const { secret } = registrationOf(context.getWorkflowStaticData('node'));
	const refusal = checkSignature(context, secret ?? '', SECRET_HINT);
	if (refusal) return refuse(context, refusal);
	const body: unknown = context.getBodyData();
	if (!isEvent(body)) return refuse(context, { status: 400, code: 'event_malformed', message: 'This is no event of the sidecar.' });
	return { workflowData: [[{ json: toItem(body) }]] };
}

function isEvent(body: unknown): body is EventMessage {
	return isRecord(body) && typeof body.event_id === 'string' && typeof body.type === 'string' && typeof body.timestamp === 'string' && isRecord(body.data);
}

/** The event and its facts side by side. What workflows ask for most is there in every item, null where there is none. */
function toItem({ event_id, type, timestamp, workspace_id, data }: EventMessage): IDataObject {
	const post = isRecord(data.post) ? data.post : {};
	return {
		event_id,
		type,
		timestamp,
		workspace_id,
		...(data as IDataObject),
		platform: value(data.platform ?? post.platform),
		permalink: value(data.permalink ?? post.permalink),
		error: value(data.error ?? post.error),
	};
}

const value = (found: unknown): IDataObject[string] => (found ?? null) as IDataObject[string];
