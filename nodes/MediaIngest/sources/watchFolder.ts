import { optionalText, withoutEmpty } from '../../shared/parameters';
import type { ListSource } from '../../shared/wire';
import { findListed, listProperties } from './list';
import type { IngestSource } from './source';

export const watchFolder: IngestSource = {
	name: 'Folder of the Sidecar',
	value: 'watchFolder',
	description: 'Every file of a folder on the disk of the sidecar (WATCH_DIR)',
	isList: true,
	properties: [
		{
			displayName: 'Folder',
			name: 'folder',
			type: 'string',
			default: '',
			placeholder: 'interviews/2026',
			description: 'Path below WATCH_DIR of the sidecar. Empty: all of it.',
		},
		{ displayName: 'Include Subfolders', name: 'recursive', type: 'boolean', default: false, description: 'Whether to take the files of folders in it, too' },
		...listProperties,
	],
	find(input) {
		const { read } = input;
		const path = optionalText(read, 'folder');
		const source = withoutEmpty<ListSource>({ type: 'folder', path, recursive: read('recursive', false) === true });
		return findListed(input, { key: `folder ${path ?? ''}`, source });
	},
};
