import {
	NodeConnectionTypes,
	updateDisplayOptions,
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
import { loadPipelines, searchAssets } from './search/assets';
import { searchDriveFiles, searchDriveFolders } from './search/drive';
import { rememberTaken } from './sources/list';

/** Brings media into the pipeline: one asset per file. */
export class MediaIngest implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Media Ingest',
		name: 'mediaIngest',
		icon: { light: 'file:mediaIngest.svg', dark: 'file:mediaIngest.dark.svg' },
		group: ['input'],
		version: 1,
		subtitle: '={{ ($parameter["operation"] === "ingest" ? "from " + $parameter["source"] : $parameter["operation"]).replace(/[A-Z]/g, (letter) => " " + letter.toLowerCase()) }}',
		description: 'Bring video, audio and image files into the media library, and look after what is there',
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
		properties: [...operationProperties(operations), ...updateDisplayOptions({ show: { operation: ['ingest'] } }, waitProperties)],
	};

	methods = { listSearch: { searchAssets, searchDriveFiles, searchDriveFolders }, loadOptions: { loadPipelines } };

	/** Nothing to register: the resume URL goes along with every request. */
	webhookMethods = {
		default: {
			checkExists: async () => true,
			create: async () => true,
			delete: async () => true,
		},
	};

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		return await runOperations(this, operations, (refused) => rememberTaken(this, refused));
	}

	async webhook(this: IWebhookFunctions): Promise<IWebhookResponseData> {
		return await resumeFromCallback(this);
	}
}
