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
import { credentials } from './credentials';
import { operations } from './operations';
import { searchDriveFiles } from './operations/fromGoogleDrive';

/** Brings media into the pipeline: one asset per file. */
export class MediaIngest implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Media Ingest',
		name: 'mediaIngest',
		icon: { light: 'file:mediaIngest.svg', dark: 'file:mediaIngest.dark.svg' },
		group: ['input'],
		version: 1,
		subtitle:
			'={{ ({ fromUrl: "from URL", fromBinary: "from binary data", fromGoogleDrive: "from Google Drive", existingAsset: "existing asset" })[$parameter["operation"]] }}',
		description: 'Bring a video, audio or image file into the media pipeline',
		defaults: { name: 'Media Ingest' },
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

	methods = { listSearch: { searchDriveFiles } };

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
