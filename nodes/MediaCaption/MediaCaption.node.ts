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

/** Turns media into words: transcripts, subtitles and texts of posts. */
export class MediaCaption implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Media Caption',
		name: 'mediaCaption',
		icon: { light: 'file:mediaCaption.svg', dark: 'file:mediaCaption.dark.svg' },
		group: ['transform'],
		version: 1,
		subtitle:
			'={{ ({ transcribe: "transcribe", subtitle_edit: "edit subtitles", subtitle_convert: "convert subtitles", burn_subtitles: "burn subtitles", add_subtitles: "add subtitle track", translate: "translate", dub: "dub", caption: "write caption", analyze: "analyse", safety_scan: "safety scan", find_duplicates: "find duplicates", index_asset: "index for search", search: "search", feedback: "give feedback", several: "several operations" })[$parameter["operation"]] }}',
		description: 'Transcribe speech, make subtitles and write the text of posts',
		defaults: { name: 'Media Caption' },
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
