import type { Downloaded } from '../net/download.ts';
import { fetchDiscord } from './discord.ts';
import { fetchDropbox } from './dropbox.ts';
import { fetchFolder } from './folder.ts';
import { fetchGoogleDrive } from './google-drive.ts';
import { fetchS3 } from './s3.ts';
import type { FetchFrom, Place, SourceRequest, SourceSettings } from './source.ts';
import { fetchUrl } from './url.ts';

/** One row per kind of source; the compiler asks for the row of a new kind. */
const FETCHERS: { [T in Place['type']]: FetchFrom<Extract<Place, { type: T }>> } = {
	url: fetchUrl,
	google_drive: fetchGoogleDrive,
	dropbox: fetchDropbox,
	discord: fetchDiscord,
	s3: fetchS3,
	folder: fetchFolder,
};

/** The one way to the bytes of a source, whatever kind it is. */
export function createFetchSource(settings: SourceSettings): (request: SourceRequest) => Promise<Downloaded> {
	return async (request) => {
		const fetchFrom = FETCHERS[request.place.type] as FetchFrom<Place>;
		return fetchFrom(request, { ...settings, maxBytes: Math.min(settings.maxBytes, request.maxBytes ?? settings.maxBytes) });
	};
}
