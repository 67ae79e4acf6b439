import { createHash, type Hash } from 'node:crypto';
import { PipelineError } from '../errors.ts';
import type { Downloaded } from '../net/download.ts';
import { safeFileName } from '../net/file-name.ts';
import { receive, tooLarge } from '../net/receive.ts';
import { tokenGone } from './api.ts';
import { connectDrive, FOLDER, GOOGLE_DOCUMENT, GOOGLE_DRIVE, type DriveApi } from './google-drive-api.ts';
import { asPercent, type FetchFrom } from './source.ts';

const FIELDS = 'id,name,mimeType,size,md5Checksum,sha256Checksum,trashed,capabilities/canDownload,shortcutDetails';

/**
 * A file of Google Drive, read with the user's own access token. The size is known and checked before the first byte, the
 * checksum after the last. Throws `needs_reauth` when the token is refused.
 */
export const fetchGoogleDrive: FetchFrom<{ type: 'google_drive'; file_id: string }> = async (request, settings) => {
	const token = request.secrets['access_token'];
	if (!token) throw tokenGone('Google Drive access token');
	const api = connectDrive(token, settings);
	const file = await describeFile(api, request.place.file_id, request.signal);
	const bytes = Number(file.size);
	if (bytes > settings.maxBytes) throw tooLarge(bytes, settings.maxBytes, GOOGLE_DRIVE);
	const pinned = file.sha256Checksum ?? file.md5Checksum;

	let md5: Hash | null = null;
	const received = await receive({
		...settings,
		where: GOOGLE_DRIVE,
		destPath: request.destPath,
		signal: request.signal,
		onProgress: (done) => asPercent(request.onProgress)(done, bytes),
		// Files from long ago have no other.
		...(file.md5Checksum && !file.sha256Checksum ? { alsoHash: () => (md5 = createHash('md5')) } : {}),
		async open({ offset, validator }, signal) {
			const answer = await api.content(file.id, offset > 0 && validator ? { Range: `bytes=${offset}-` } : {}, signal);
			// Drive gives no ETag for contents. The checksum of the metadata does its work: what was put together of two
			// versions does not have it.
			return pinned ? { ...answer, headers: { ...answer.headers, etag: `"${pinned}"` } } : answer;
		},
	});
	const found = file.sha256Checksum ? received.sha256 : (md5 as Hash | null)?.digest('hex');
	if (pinned && pinned !== found) {
		throw new PipelineError(
			'input_unreachable',
			`The file ${file.name} changed in Google Drive while it was downloaded.`,
		);
	}
	return {
		bytes: received.bytes,
		sha256: received.sha256,
		contentType: file.mimeType,
		fileName: safeFileName(file.name),
	} satisfies Downloaded;
};

interface DriveFile {
	id: string;
	name: string;
	mimeType: string;
	size: string;
	md5Checksum?: string | null;
	sha256Checksum?: string | null;
}

/** Metadata of a file that can be downloaded; a shortcut is followed once. */
async function describeFile(api: DriveApi, id: string, signal: AbortSignal, followed = false): Promise<DriveFile> {
	const file = await api.metadata(id, FIELDS, signal);
	const { name = 'the file', mimeType = '', shortcutDetails } = file;
	if (shortcutDetails?.targetId && !followed) return describeFile(api, shortcutDetails.targetId, signal, true);
	if (file.trashed)
		throw new PipelineError(
			'input_not_found',
			`${name} is in the bin of Google Drive. Restore it, or choose another file.`,
		);
	if (mimeType === FOLDER) {
		throw new PipelineError('input_unsupported', `${name} is a folder of Google Drive. Choose a file in it.`);
	}
	if (mimeType?.startsWith(GOOGLE_DOCUMENT) || !file.size || !file.id) {
		throw new PipelineError(
			'input_unsupported',
			`${name} is a Google document (${mimeType}), not a media file. Choose a video, image or audio file.`,
		);
	}
	if (file.capabilities?.canDownload === false) {
		throw new PipelineError(
			'input_forbidden',
			`The owner of ${name} does not allow downloads from Google Drive. Ask for the permission to download.`,
		);
	}
	return { ...file, id: file.id, name: name ?? 'file', mimeType: mimeType ?? '', size: file.size };
}

