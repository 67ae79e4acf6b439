import {
	NodeConnectionTypes,
	type IHookFunctions,
	type INodeType,
	type INodeTypeDescription,
	type IWebhookFunctions,
	type IWebhookResponseData,
} from 'n8n-workflow';
import { events } from './events';
import { receiveEvent } from './receive';
import { isRegistered, register, unregister } from './registration';

/** Starts a workflow when something happens in the sidecar: one execution and one item per event. */
export class MediaPipelineTrigger implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Media Pipeline Trigger',
		name: 'mediaPipelineTrigger',
		icon: { light: 'file:mediaPipelineTrigger.svg', dark: 'file:mediaPipelineTrigger.dark.svg' },
		group: ['trigger'],
		version: 1,
		subtitle: '={{ [].concat($parameter["events"]).join(", ") }}',
		description: 'Starts the workflow when a post is published or fails, a job ends, or an asset changes',
		defaults: { name: 'Media Pipeline Trigger' },
		inputs: [],
		outputs: [NodeConnectionTypes.Main],
		credentials: [{ name: 'mediaSidecarApi', required: true }],
		webhooks: [
			{
				name: 'default',
				httpMethod: 'POST',
				responseMode: 'onReceived',
				path: 'media-pipeline',
				// An object: n8n would send a text as text/html, which looks like the answer of a proxy.
				responseData: '={{ { "status": "received" } }}',
			},
		],
		properties: [
			{
				displayName:
					'The sidecar must reach n8n at the webhook address above: set WEBHOOK_URL of n8n, and ALLOWED_PRIVATE_HOSTS of the sidecar when that is no public https:// address',
				name: 'notice',
				type: 'notice',
				default: '',
			},
			{
				displayName: 'Events',
				name: 'events',
				type: 'multiOptions',
				options: events,
				default: ['post.failed', 'post.published', 'post.unknown'],
				required: true,
				description: 'What starts the workflow',
			},
			{
				displayName: 'Options',
				name: 'options',
				type: 'collection',
				placeholder: 'Add Option',
				default: {},
				options: [
					{
						displayName: 'Asset ID',
						name: 'assetId',
						type: 'string',
						default: '',
						placeholder: '7b0c7c1e-4c7f-4d0a-9a53-0f5b6c1d2e3f',
						description: 'Only events of this asset. Empty: of all.',
					},
				],
			},
		],
	};

	webhookMethods = {
		default: {
			async checkExists(this: IHookFunctions): Promise<boolean> {
				return await isRegistered(this);
			},
			async create(this: IHookFunctions): Promise<boolean> {
				return await register(this);
			},
			async delete(this: IHookFunctions): Promise<boolean> {
				return await unregister(this);
			},
		},
	};

	async webhook(this: IWebhookFunctions): Promise<IWebhookResponseData> {
		return receiveEvent(this);
	}
}
