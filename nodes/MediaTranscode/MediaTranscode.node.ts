import {
	NodeConnectionTypes,
	type IExecuteFunctions,
	type INodeExecutionData,
	type INodeType,
	type INodeTypeDescription,
	type IWebhookFunctions,
	type IWebhookResponseData,
} from 'n8n-workflow';
import { resourceProperties } from '../shared/operation';
import { reuseProperty, waitProperties } from '../shared/properties';
import { resumeFromCallback } from '../shared/resume';
import { runOperations } from '../shared/run';
import { operations, resources } from './operations';

/** Changes media: the work is done by the sidecar, n8n only waits. */
export class MediaTranscode implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Media Transcode',
		name: 'mediaTranscode',
		icon: { light: 'file:mediaTranscode.svg', dark: 'file:mediaTranscode.dark.svg' },
		group: ['transform'],
		version: 1,
		subtitle: '={{ $parameter["operation"].replaceAll("_", " ") }}',
		description: 'Change video, audio and images: compress, convert, cut, crop, brand, package for streaming, prepare for each platform',
		defaults: { name: 'Media Transcode' },
		usableAsTool: true,
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main, NodeConnectionTypes.Main],
		outputNames: ['Done', 'Failed'],
		credentials: [{ name: 'mediaSidecarApi', required: true }],
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
		properties: [...resourceProperties(resources), ...waitProperties, reuseProperty],
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
