import { download } from '../net/download.ts';
import { asPercent, type FetchFrom } from './source.ts';

/** Any URL that a user names. */
export const fetchUrl: FetchFrom<{ type: 'url'; url: string }> = ({ place, destPath, signal, onProgress }, settings) =>
	download({ ...settings, url: place.url, destPath, signal, onProgress: asPercent(onProgress) });
