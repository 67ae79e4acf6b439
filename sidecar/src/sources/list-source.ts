import { listDropboxFolder } from './dropbox-list.ts';
import { listFolder } from './folder.ts';
import { listDriveChanges, listDriveFolder } from './google-drive-list.ts';
import { listFeed } from './rss.ts';
import { listS3 } from './s3.ts';
import type { ListFrom, ListPlace, ListSourceFiles, SourceSettings } from './source.ts';

/** One row per kind of place that holds many; the compiler asks for the row of a new kind. */
const LISTERS: { [T in ListPlace['type']]: ListFrom<Extract<ListPlace, { type: T }>> } = {
	google_drive_folder: listDriveFolder,
	google_drive_changes: listDriveChanges,
	dropbox_folder: listDropboxFolder,
	rss: listFeed,
	folder: listFolder,
	s3_prefix: listS3,
};

/** What a place holds, whatever kind it is. Tokens stay in memory, for the time of the call. */
export function createListSource(settings: SourceSettings): ListSourceFiles {
	return async (request) => {
		const listFrom = LISTERS[request.place.type] as ListFrom<ListPlace>;
		return listFrom(request, settings);
	};
}
