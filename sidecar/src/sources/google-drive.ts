import type { Readable } from 'node:stream';
import { drive, type drive_v3 } from 'googleapis/build/src/apis/drive/index.js';
import { PipelineError } from '../errors.ts';
import { retryAfterSeconds, type Downloaded } from '../net/download.ts';
import { safeFileName } from '../net/file-name.ts';
import type { Headers } from '../net/http.ts';
import { receive, tooLarge } from '../net/receive.ts';
import { asPercent, type FetchFrom, type SourceSettings } from './source.ts';

const WHERE = 'Google Drive';
const FIELDS = 'id,name,mimeType,size,md5Checksum,sha256Checksum,trashed,capabilities/canDownload,shortcutDetails';
/** Reasons of a 403 that mean "later": Drive API, "Resolve errors". */
const RATE_REASONS = ['rateLimitExceeded', 'userRateLimitExceeded', 'sharingRateLimitExceeded', 'backendError'];

/**
 * A file of Google Drive, read with the user's own access token. The size is known and checked before the first byte, the
 * checksum after the last. Throws `needs_reauth` when the token is refused.
 */
export const fetchGoogleDrive: FetchFrom<{ type: 'google_drive'; file_id: string }> = async (request, settings) => {
	const token = request.secrets.access_token;
	if (!token) {
		throw new PipelineError(
			'needs_reauth',
			'The Google Drive access token of this job is gone. Send the request again: tokens are erased once they were used.',
		);
	}
	const api = connect(token, settings);
	const file = await describeFile(api, request.place.file_id, request.signal);
	const bytes = Number(file.size);
	if (bytes > settings.maxBytes) throw tooLarge(bytes, settings.maxBytes, WHERE);
	const pinned = file.sha256Checksum ?? file.md5Checksum;

	const received = await receive({
		...settings,
		where: WHERE,
		destPath: request.destPath,
		signal: request.signal,
		onProgress: (done) => asPercent(request.onProgress)(done, bytes),
		async open({ offset, validator }, signal) {
			const answer = await api.content(file.id, offset > 0 && validator ? { Range: `bytes=${offset}-` } : {}, signal);
			// Drive gives no ETag for contents. The checksum of the metadata does its work: what was put together of two
			// versions does not have it.
			return pinned ? { ...answer, headers: { ...answer.headers, etag: `"${pinned}"` } } : answer;
		},
	});
	if (file.sha256Checksum && file.sha256Checksum !== received.sha256) {
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

interface DriveApi {
	metadata(id: string, signal: AbortSignal): Promise<drive_v3.Schema$File>;
	content(
		id: string,
		headers: Headers,
		signal: AbortSignal,
	): Promise<{ status: number; headers: Headers; stream: Readable }>;
}

/** The two calls, with every failure in our own words. */
function connect(token: string, { googleApiBaseUrl }: SourceSettings): DriveApi {
	const { files } = drive({ version: 'v3', rootUrl: googleApiBaseUrl });
	const common = (signal: AbortSignal, headers: Headers = {}) => ({
		// Our own retries and pauses are enough; a second layer below them would multiply both.
		retry: false,
		// Errors of googleapis carry the request with its token, and lose the body of a stream: answers are judged here.
		validateStatus: () => true,
		signal,
		headers: { ...headers, Authorization: `Bearer ${token}` },
	});
	return {
		async metadata(id, signal) {
			const answer = await files
				.get({ fileId: id, fields: FIELDS, supportsAllDrives: true }, common(signal))
				.catch((error: unknown) => unreached(error, signal));
			if (answer.status === 200) return answer.data;
			throw refusal(answer.status, plainHeaders(answer.headers), answer.data, id);
		},
		async content(id, headers, signal) {
			const { status, ...answer } = await files
				.get(
					{ fileId: id, alt: 'media', supportsAllDrives: true },
					{
						...common(signal, headers),
						responseType: 'stream',
						// googleapis asks for gzip; a compressed part of a file cannot be put together with the rest.
						adapter: (options, send) => {
							options.headers.set('Accept-Encoding', 'identity');
							return send(options);
						},
					},
				)
				.catch((error: unknown) => unreached(error, signal));
			const plain = plainHeaders(answer.headers);
			if ([200, 206, 416].includes(status)) return { status, headers: plain, stream: answer.data };
			throw refusal(status, plain, await readText(answer.data), id);
		},
	};
}

/** googleapis gives the headers of node-fetch as they are, and those of the global fetch as a plain object. */
function plainHeaders(headers: unknown): Headers {
	const iterable = typeof headers === 'object' && headers !== null && Symbol.iterator in headers;
	return Object.fromEntries(iterable ? (headers as Iterable<[string, string]>) : Object.entries(headers as Headers));
}

/** Errors of Google are small; more than 64 KiB is not one. */
async function readText(stream: Readable): Promise<string> {
	let text = '';
	for await (const chunk of stream) {
		text += String(chunk);
		if (text.length > 65_536) break;
	}
	return text;
}

/** Metadata of a file that can be downloaded; a shortcut is followed once. */
async function describeFile(api: DriveApi, id: string, signal: AbortSignal, followed = false): Promise<DriveFile> {
	const file = await api.metadata(id, signal);
	const { name = 'the file', mimeType = '', shortcutDetails } = file;
	if (shortcutDetails?.targetId && !followed) return describeFile(api, shortcutDetails.targetId, signal, true);
	if (file.trashed)
		throw new PipelineError(
			'input_not_found',
			`${name} is in the bin of Google Drive. Restore it, or choose another file.`,
		);
	if (mimeType === 'application/vnd.google-apps.folder') {
		throw new PipelineError('input_unsupported', `${name} is a folder of Google Drive. Choose a file in it.`);
	}
	if (mimeType?.startsWith('application/vnd.google-apps.') || !file.size || !file.id) {
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

function unreached(error: unknown, signal: AbortSignal): never {
	signal.throwIfAborted();
	const { code, message } = error as { code?: string | number; message?: string };
	throw new PipelineError('input_unreachable', `Google Drive was not reached (${String(code ?? 'no answer')}).`, {
		cause: new Error(String(message ?? code)),
	});
}

/** What an answer other than the file means. */
function refusal(status: number, headers: Headers, body: unknown, id: string): PipelineError {
	const { reasons, text } = reasonsOf(body);
	const details = { status, ...(reasons[0] ? { reason: reasons[0] } : {}) };
	const later = () =>
		new PipelineError(
			'input_unreachable',
			`Google Drive cannot send the file at the moment (${status}${reasons[0] ? `, ${reasons[0]}` : ''}).`,
			{
				details,
				retryAfterSeconds: retryAfterSeconds(headers),
			},
		);
	if (status === 401) {
		return new PipelineError(
			'needs_reauth',
			'Google refused the access token: it has expired or was revoked. Reconnect the Google Drive credential and run again.',
			{ details },
		);
	}
	if (status === 429 || status === 408 || status >= 500) return later();
	if (status === 403) {
		if (reasons.some((reason) => RATE_REASONS.includes(reason))) return later();
		return new PipelineError(
			'input_forbidden',
			`Google Drive refuses the file ${id}${text ? `: ${text}` : ''}. Share it with the connected account, and check that the credential may read Drive.`,
			{ details },
		);
	}
	if (status === 404) {
		return new PipelineError(
			'input_not_found',
			`There is no file ${id} in Google Drive that the connected account can see. Check the id, and share the file with that account.`,
			{ details },
		);
	}
	return new PipelineError(
		'input_not_found',
		`Google Drive answered ${status} for the file ${id}${text ? `: ${text}` : ''}.`,
		{ details },
	);
}

function reasonsOf(data: unknown): { reasons: string[]; text: string } {
	let body = data;
	if (typeof data === 'string') {
		try {
			body = JSON.parse(data);
		} catch {
			body = {};
		}
	}
	const { error } = (body ?? {}) as { error?: { message?: string; errors?: Array<{ reason?: string }> } };
	return {
		reasons: (error?.errors ?? []).map(({ reason }) => String(reason)),
		text: String(error?.message ?? '')
			.slice(0, 300)
			.replace(/[\s.]+$/, ''),
	};
}
