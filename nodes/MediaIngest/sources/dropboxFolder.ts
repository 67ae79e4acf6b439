import { optionalText, requiredUrl, withoutEmpty } from '../../shared/parameters';
import type { ListSource } from '../../shared/wire';
import { dropboxWay } from './dropbox';
import { dropboxToken } from './dropboxCredential';
import { findListed, listProperties } from './list';
import type { IngestSource } from './source';

export const dropboxFolder: IngestSource = {
	name: 'Dropbox Folder',
	value: 'dropboxFolder',
	description: 'Every media file of a folder in Dropbox',
	isList: true,
	properties: [
		dropboxWay('folder'),
		{ displayName: 'Folder', name: 'dropboxFolder', type: 'string', default: '', placeholder: '/Videos', displayOptions: { show: { dropboxBy: ['path'] } }, description: 'Path of the folder. Empty: the whole Dropbox.' },
		{ displayName: 'Include Subfolders', name: 'recursive', type: 'boolean', default: false, displayOptions: { show: { dropboxBy: ['path'] } }, description: 'Whether to take the files of folders in it, too' },
		{ displayName: 'Shared Link', name: 'sharedLink', type: 'string', default: '', required: true, placeholder: 'https://www.dropbox.com/scl/fo/abc?rlkey=…', displayOptions: { show: { dropboxBy: ['link'] } }, description: 'Link to the folder' },
		...listProperties,
	],
	async find(input) {
		const { context, itemIndex, read } = input;
		const token = await dropboxToken(context, itemIndex);
		const byLink = read('dropboxBy', 'path') === 'link';
		const where = byLink ? { url: requiredUrl(read, 'sharedLink', 'Shared Link') } : { path: optionalText(read, 'dropboxFolder'), recursive: read('recursive', false) === true };
		const source = withoutEmpty<ListSource>({ type: 'dropbox_folder', ...where, access_token: token });
		return await findListed(input, { key: `dropbox ${'url' in where ? where.url : (where.path ?? '')}`, source, secrets: { access_token: token } });
	},
};
