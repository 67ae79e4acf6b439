import type { INodeProperties } from 'n8n-workflow';
import { requiredText, requiredUrl } from '../../shared/parameters';
import { dropboxToken } from './dropboxCredential';
import type { IngestSource } from './source';

/** For a file as for a folder. */
export const dropboxWay = (thing: string): INodeProperties => ({
	displayName: 'Find By',
	name: 'dropboxBy',
	type: 'options',
	default: 'path',
	options: [
		{ name: 'Path', value: 'path', description: `The ${thing} in the Dropbox of the account` },
		{ name: 'Shared Link', value: 'link', description: `A link that the ${thing} was shared with` },
	],
});

export const dropbox: IngestSource = {
	name: 'Dropbox File',
	value: 'dropbox',
	description: 'A file in Dropbox',
	properties: [
		dropboxWay('file'),
		{ displayName: 'Path', name: 'dropboxPath', type: 'string', default: '', required: true, placeholder: '/Videos/interview.mp4', displayOptions: { show: { dropboxBy: ['path'] } }, description: 'Path of the file, from the top of the Dropbox, or the ID that Dropbox gives it' },
		{ displayName: 'Shared Link', name: 'sharedLink', type: 'string', default: '', required: true, placeholder: 'https://www.dropbox.com/scl/fi/abc/interview.mp4?rlkey=…', displayOptions: { show: { dropboxBy: ['link'] } }, description: 'Link to the file' },
	],
	async find({ context, itemIndex, read }) {
		const token = await dropboxToken(context, itemIndex);
		const where = read('dropboxBy', 'path') === 'link' ? { url: requiredUrl(read, 'sharedLink', 'Shared Link') } : { path: requiredText(read, 'dropboxPath', 'Path') };
		return [{ operation: 'ingest', source: { type: 'dropbox', ...where, access_token: token } }];
	},
};
