import { z } from 'zod';
import { PipelineError } from '../errors.ts';
import { safeFileName } from '../net/file-name.ts';
import { tokenGone } from './api.ts';
import { readCursor, writeCursor } from './cursor.ts';
import { askDropbox } from './dropbox-api.ts';
import { whyNoMedia } from './media-kind.ts';
import type { ListFrom, ListPlace, Place, SourceEntry, SourceListing } from './source.ts';

type FolderPlace = Extract<ListPlace, { type: 'dropbox_folder' }>;

/** The endpoint takes 1 to 2000 and calls it approximate (Dropbox, /files/list_folder). */
const MOST_ENTRIES = 2000;

const entrySchema = z.looseObject({
	'.tag': z.string(),
	name: z.string(),
	id: z.string().optional(),
	path_lower: z.string().nullish(),
	path_display: z.string().nullish(),
	rev: z.string().optional(),
	size: z.number().optional(),
	content_hash: z.string().optional(),
	server_modified: z.string().optional(),
	client_modified: z.string().optional(),
	is_downloadable: z.boolean().optional(),
});
const pageSchema = z.looseObject({ entries: z.array(entrySchema), cursor: z.string(), has_more: z.boolean() });

/** Files of a folder of Dropbox, or behind a shared link to one. The cursor tells afterwards what is new. */
export const listDropboxFolder: ListFrom<FolderPlace> = async ({ place, secrets, cursor, limit, signal }, settings) => {
	const token = secrets['access_token'];
	if (!token) throw tokenGone('Dropbox access token');
	if (place.url !== undefined && place.recursive) {
		throw new PipelineError('invalid_request', 'recursive: Dropbox does not list what lies deeper behind a shared link. List its folders one by one, with path.', { details: { field: 'source.recursive' } });
	}
	const state = readCursor('dropbox_folder', z.object({ cursor: z.string().max(20_000) }), cursor);
	const call = { token, schema: pageSchema, what: place.url === undefined ? `folder ${place.path || '/'}` : 'folder behind this shared link', signal };
	const page = state
		? await askDropbox(settings, { ...call, path: '/2/files/list_folder/continue', body: { cursor: state.cursor } })
		: await askDropbox(settings, {
				...call,
				path: '/2/files/list_folder',
				body: {
					path: place.path === '/' ? '' : place.path,
					recursive: place.recursive,
					limit: Math.min(MOST_ENTRIES, limit),
					include_non_downloadable_files: true,
					...(place.url === undefined ? {} : { shared_link: { url: place.url } }),
				},
			});
	const entries: SourceEntry[] = [];
	const skipped: SourceListing['skipped'] = [];
	for (const entry of page.entries) {
		// Folders come beside their content, and what was deleted is not there to be ingested.
		if (entry['.tag'] !== 'file') continue;
		const name = safeFileName(entry.name);
		const from = placeOf(place, entry);
		const reason = entry.is_downloadable === false ? 'It is a document of Dropbox itself, which is no media file.' : from === null ? 'Dropbox names no path for it.' : whyNoMedia(name, null);
		if (reason || from === null) skipped.push({ name, reason: reason ?? '' });
		else {
			entries.push({
				place: from,
				name,
				bytes: entry.size ?? null,
				mime: null,
				modifiedAt: entry.server_modified ? new Date(entry.server_modified) : null,
				version: entry.content_hash ?? entry.rev ?? `${entry.size}-${entry.server_modified}`,
				metadata: entry.path_display ? { path: entry.path_display } : {},
			});
		}
	}
	return { entries, skipped, cursor: writeCursor('dropbox_folder', { cursor: page.cursor }), hasMore: page.has_more };
};

/** Behind a link, files are named by the link and their path in it; else by their id, which stays when they are moved. */
function placeOf(place: FolderPlace, entry: z.infer<typeof entrySchema>): Extract<Place, { type: 'dropbox' }> | null {
	if (place.url !== undefined) return { type: 'dropbox', url: place.url, path: `${place.path.replace(/\/+$/, '')}/${entry.name}` };
	const path = entry.id ?? entry.path_lower;
	return path ? { type: 'dropbox', path } : null;
}
