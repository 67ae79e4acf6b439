import {
	NodeConnectionTypes,
	type IExecuteFunctions,
	type INodeExecutionData,
	type INodeType,
	type INodeTypeDescription,
	type IWebhookFunctions,
	type IWebhookResponseData,
} from 'n8n-workflow';
import { operationProperties } from '../shared/operation';
import { waitProperties } from '../shared/properties';
import { resumeFromCallback } from '../shared/resume';
import { runOperations } from '../shared/run';
import { operations } from './operations';
import { credentials } from './platforms';

/** Publishes: one item of output per input item and platform. */
export class SocialDistribute implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Social Distribute',
		name: 'socialDistribute',
		icon: { light: 'file:socialDistribute.svg', dark: 'file:socialDistribute.dark.svg' },
		group: ['output'],
		version: 1,
		subtitle:
			'={{ $parameter["operation"] + ($parameter["platforms"] ? ": " + [].concat($parameter["platforms"]).join(", ") : "") }}',
		description: 'Publish a post with its media on social platforms, never twice',
		defaults: { name: 'Social Distribute' },
		usableAsTool: true,
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main, NodeConnectionTypes.Main],
		outputNames: ['Done', 'Failed'],
		credentials,
		webhooks: [
			{
				name: 'default',
				httpMethod: 'POST',
				responseMode: 'onReceived',
				path: '={{ $nodeId }}',
				restartWebhook: true,
				// An object: n8n would send a text as text/html, which looks like the answer of a proxy.
				responseData: '={{ { "status": "resumed" } }}',
			},
		],
		properties: [...operationProperties(operations), ...waitProperties],
	};

	/** Nothing to register: the resume URL goes along with every request. */
	webhookMethods = {
		default: {
			checkExists: async () => true,
			create: async () => true,
			delete: async () => true,
		},
	};

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		return await runOperations(this, operations);
	}

	async webhook(this: IWebhookFunctions): Promise<IWebhookResponseData> {
		return await resumeFromCallback(this);
	}
}
