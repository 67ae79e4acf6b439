import type { drive_v3 } from 'googleapis/build/src/apis/drive/index.js';
import { z } from 'zod';
import { PipelineError } from '../errors.ts';
import { safeFileName } from '../net/file-name.ts';
import { tokenGone } from './api.ts';
import { readCursor, writeCursor } from './cursor.ts';
import { connectDrive, FOLDER, GOOGLE_DOCUMENT, type DriveApi } from './google-drive-api.ts';
import { whyNoMedia } from './media-kind.ts';
import type { ListFrom, ListPlace, SourceEntry, SourceListing } from './source.ts';

const FIELDS = 'id,name,mimeType,size,md5Checksum,sha256Checksum,modifiedTime,trashed,description,parents,webViewLink,capabilities/canDownload,shortcutDetails';
const SHORTCUT = 'application/vnd.google-apps.shortcut';
/** Also in shared drives; both are asked for by the Drive API ("Implement shared drive support"). */
const EVERYWHERE = { supportsAllDrives: true, includeItemsFromAllDrives: true } as const;
/** More folders do not fit into a cursor that callers would want to keep. */
const MOST_FOLDERS = 5000;

/** It becomes part of a query. */
const folderId = z.string().regex(/^[\w-]{1,200}$/);
const folderState = z.object({
	/** Folders that are still to be looked into; the first one is under way. */
	waiting: z.array(folderId).min(1).max(MOST_FOLDERS),
	/** Folders that were met: a shortcut may lead back to one. */
	met: z.array(folderId).max(MOST_FOLDERS),
	page: z.string().max(10_000).nullable(),
	drive: folderId.nullable(),
});
type FolderState = z.infer<typeof folderState>;

/** Files of a folder, of My Drive or of a shared drive. Shortcuts are followed; what is in the bin is left out. */
export const listDriveFolder: ListFrom<Extract<ListPlace, { type: 'google_drive_folder' }>> = async ({ place, secrets, cursor, limit, signal }, settings) => {
	const api = connectDrive(accessToken(secrets), settings);
	const state: FolderState = readCursor('google_drive_folder', folderState, cursor) ?? (await begin(api, place.folder_id, signal));
	const found = new Found(api, signal);
	// A folder that is empty, or holds only folders, is no page of its own: but each answer has an end.
	for (let calls = 0; calls < 20 && state.waiting.length > 0 && found.size < limit; calls += 1) {
		const folder = state.waiting[0] as string;
		const page = await api.list(
			{
				q: `'${folder}' in parents and trashed = false`,
				fields: `nextPageToken,files(${FIELDS})`,
				pageSize: Math.min(1000, limit),
				...(state.page ? { pageToken: state.page } : {}),
				...EVERYWHERE,
				...(state.drive ? { corpora: 'drive', driveId: state.drive } : {}),
			},
			`folder ${folder}`,
			signal,
		).catch((error: unknown) => {
			throw state.page && isForgotten(error) ? cursorGone('Google Drive has forgotten it.') : error;
		});
		for (const file of page.files ?? []) {
			const inner = await found.add(file);
			if (inner === null || state.met.includes(inner)) continue;
			if (!place.recursive) continue;
			if (state.met.length >= MOST_FOLDERS) throw new PipelineError('input_unsupported', `This folder holds more than ${MOST_FOLDERS} folders. List the folders in it one by one.`);
			state.met.push(inner);
			state.waiting.push(inner);
		}
		state.page = page.nextPageToken ?? null;
		if (!state.page) state.waiting.shift();
	}
	const hasMore = state.waiting.length > 0;
	return { ...found.listing(), cursor: hasMore ? writeCursor('google_drive_folder', state) : null, hasMore };
};

function accessToken(secrets: Record<string, string>): string {
	const token = secrets['access_token'];
	if (!token) throw tokenGone('Google Drive access token');
	return token;
}

/** Looks at the folder itself: a query for files in one that does not exist would find nothing, without a word. */
async function begin(api: DriveApi, id: string, signal: AbortSignal, followed = false): Promise<FolderState> {
	const folder = await api.metadata(id, 'id,name,mimeType,trashed,driveId,shortcutDetails', signal);
	const target = folder.shortcutDetails?.targetId;
	if (folder.mimeType === SHORTCUT && target && folder.shortcutDetails?.targetMimeType === FOLDER && !followed) return begin(api, target, signal, true);
	if (folder.mimeType !== FOLDER) throw new PipelineError('input_unsupported', `${safeFileName(folder.name ?? id)} is a file, not a folder of Google Drive. Ingest it with the source google_drive.`);
	if (folder.trashed) throw new PipelineError('input_not_found', `The folder ${safeFileName(folder.name ?? id)} is in the bin of Google Drive. Restore it, or choose another one.`);
	const real = folder.id ?? id;
	return { waiting: [real], met: [real], page: null, drive: folder.driveId ?? null };
}

/** Sorts files into those that can be ingested and those that cannot. */
class Found {
	readonly #entries: SourceEntry[] = [];
	readonly #skipped: SourceListing['skipped'] = [];
	/** A page may name a file twice, and a shortcut one that lies beside it. */
	readonly #ids = new Set<string>();
	readonly #api: DriveApi;
	readonly #signal: AbortSignal;

	constructor(api: DriveApi, signal: AbortSignal) {
		this.#api = api;
		this.#signal = signal;
	}

	get size(): number {
		return this.#entries.length + this.#skipped.length;
	}

	listing(): Pick<SourceListing, 'entries' | 'skipped'> {
		return { entries: this.#entries, skipped: this.#skipped };
	}

	/** The id of a folder that the entry stands for; null: it is none. */
	async add(file: drive_v3.Schema$File): Promise<string | null> {
		const name = safeFileName(file.name ?? '');
		if (file.mimeType === FOLDER) return file.id ?? null;
		if (file.mimeType !== SHORTCUT) {
			this.#addFile(file, name);
			return null;
		}
		const { targetId, targetMimeType } = file.shortcutDetails ?? {};
		if (targetId && targetMimeType === FOLDER) return targetId;
		const target = targetId ? await this.#api.metadata(targetId, FIELDS, this.#signal).catch(gone) : null;
		if (!target || target.trashed) this.#skipped.push({ name, reason: 'It is a shortcut to a file that is gone, or not shared with this account.' });
		else if (target.mimeType === SHORTCUT) this.#skipped.push({ name, reason: 'It is a shortcut to a shortcut.' });
		else this.#addFile(target, safeFileName(target.name ?? '', name), name);
		return null;
	}

	#addFile(file: drive_v3.Schema$File, name: string, shortcut?: string): void {
		const reason = whyNot(file, name);
		if (reason || !file.id) return void this.#skipped.push({ name: shortcut ?? name, reason: reason ?? 'Google Drive names no id for it.' });
		if (this.#ids.has(file.id)) return;
		this.#ids.add(file.id);
		this.#entries.push({
			place: { type: 'google_drive', file_id: file.id },
			name,
			bytes: file.size ? Number(file.size) : null,
			mime: file.mimeType ?? null,
			modifiedAt: file.modifiedTime ? new Date(file.modifiedTime) : null,
			version: file.sha256Checksum ?? file.md5Checksum ?? `${file.size}-${file.modifiedTime}`,
			metadata: { ...(file.description ? { description: file.description } : {}), ...(file.webViewLink ? { link: file.webViewLink } : {}), ...(shortcut === undefined ? {} : { shortcut }) },
		});
	}
}

function whyNot(file: drive_v3.Schema$File, name: string): string | null {
	if (file.mimeType?.startsWith(GOOGLE_DOCUMENT)) return `It is a Google document (${file.mimeType}), which is no media file. Export it first if its pictures are wanted.`;
	if (file.capabilities?.canDownload === false) return 'Its owner does not allow downloads.';
	return whyNoMedia(name, file.mimeType ?? null);
}

/** A target that is not there is no reason to fail the whole list. */
function gone(error: unknown): null {
	if (error instanceof PipelineError && (error.code === 'input_not_found' || error.code === 'input_forbidden')) return null;
	throw error;
}

const isForgotten = (error: unknown): boolean => error instanceof PipelineError && [400, 404, 410].includes(Number(error.details?.['status']));
const cursorGone = (why: string): PipelineError => new PipelineError('invalid_request', `cursor: ${why} Begin again without a cursor.`, { details: { field: 'cursor' } });

const changesState = z.object({ page: z.string().max(10_000) });

/** What has changed since the cursor. The first answer, without a cursor, is empty: from then on changes are seen. */
export const listDriveChanges: ListFrom<Extract<ListPlace, { type: 'google_drive_changes' }>> = async ({ place, secrets, cursor, limit, signal }, settings) => {
	const api = connectDrive(accessToken(secrets), settings);
	const inDrive = place.drive_id === undefined ? {} : { driveId: place.drive_id };
	const state = readCursor('google_drive_changes', changesState, cursor);
	if (!state) {
		const page = await api.startPageToken({ supportsAllDrives: true, ...inDrive }, signal);
		return { entries: [], skipped: [], cursor: writeCursor('google_drive_changes', { page }), hasMore: false };
	}
	const page = await api
		.changes({ pageToken: state.page, pageSize: Math.min(1000, limit), includeRemoved: false, fields: `nextPageToken,newStartPageToken,changes(changeType,removed,file(${FIELDS}))`, ...EVERYWHERE, ...inDrive }, signal)
		.catch((error: unknown) => {
			// A page token of another drive, or one that Google has forgotten.
			if (isForgotten(error)) throw cursorGone('Google Drive does not know it any more, or the shared drive is another one.');
			throw error;
		});
	const found = new Found(api, signal);
	for (const { changeType, removed, file } of page.changes ?? []) {
		if (changeType !== 'file' || removed || !file || file.trashed) continue;
		if (place.folder_id !== undefined && !file.parents?.includes(place.folder_id)) continue;
		await found.add(file);
	}
	const next = page.nextPageToken ?? page.newStartPageToken;
	return { ...found.listing(), cursor: next ? writeCursor('google_drive_changes', { page: next }) : cursor, hasMore: Boolean(page.nextPageToken) };
};
