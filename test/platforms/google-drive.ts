import { createHash } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import express, { type Request, type Response } from 'express';

export interface DriveFileFixture {
	name: string;
	mimeType: string;
	/** Absent for Google documents and folders. */
	content?: Buffer;
	/** In a shared drive: only seen with supportsAllDrives=true. */
	shared?: boolean;
	trashed?: boolean;
	canDownload?: boolean;
	shortcutTo?: string;
	/** Of the shortcut's target; default video/mp4. */
	targetMimeType?: string;
	/** Ids of folders; default: My Drive. */
	parents?: string[];
	/** Id of the shared drive it is in. */
	driveId?: string;
	/** What the metadata claims, when it shall differ from the content. */
	claimedSize?: number;
	noChecksum?: boolean;
	/** A file from before Drive had SHA-256: its MD5 only, true or as claimed. */
	onlyMd5?: true | string;
	/** What the metadata claims, as when the file changed since. */
	claimedSha256?: string;
}

export interface DriveEmulator {
	/** GOOGLE_API_BASE_URL */
	url: string;
	files: Map<string, DriveFileFixture>;
	/** Tokens that are accepted now. */
	tokens: Set<string>;
	/** Answered in order before anything else is looked at; `when` limits an entry to metadata or media calls. */
	failures: Array<{ status: number; reason?: string; retryAfter?: string; when?: 'metadata' | 'media' | 'list' | 'changes' }>;
	/** Media answers break after so many bytes each. */
	cutAfter: number;
	counts: { metadata: number; media: number; list: number; changes: number };
	/** Ids of files that were made or changed, in order. */
	changes: string[];
	/** Range headers of the media calls, in order. */
	ranges: Array<string | undefined>;
	close(): Promise<void>;
}

/** Google Drive v3, files.get, as far as its documentation says: https://developers.google.com/drive/api/reference/rest/v3/files/get */
export async function startGoogleDrive(): Promise<DriveEmulator> {
	const app = express();
	const emulator: Omit<DriveEmulator, 'url' | 'close'> = {
		files: new Map(),
		tokens: new Set(['valid-token']),
		failures: [],
		cutAfter: Infinity,
		counts: { metadata: 0, media: 0, list: 0, changes: 0 },
		changes: [],
		ranges: [],
	};

	type Kind = keyof DriveEmulator['counts'];
	/** What every call asks for first; false: it has answered. */
	function mayGoOn(request: Request, response: Response, kind: Kind): boolean {
		emulator.counts[kind]++;
		const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
		if (!token || !emulator.tokens.has(token)) {
			refuse(response, 401, 'authError', 'Invalid Credentials');
			return false;
		}
		const index = emulator.failures.findIndex((failure) => (failure.when ?? kind) === kind);
		const failure = index >= 0 ? emulator.failures.splice(index, 1)[0] : undefined;
		if (!failure) return true;
		if (failure.retryAfter) response.set('Retry-After', failure.retryAfter);
		refuse(response, failure.status, failure.reason ?? 'backendError', `Scripted ${failure.status}`);
		return false;
	}

	/** `files(a,b)` → a, b */
	const inner = (fields: unknown, name: string): string[] => new RegExp(`\\b${name}\\(([^()]*)\\)`).exec(String(fields ?? ''))?.[1]?.split(',') ?? ['kind', 'id', 'name', 'mimeType'];
	const tokenOf = (offset: number): string => Buffer.from(`page ${offset}`).toString('base64url');
	const offsetOf = (token: unknown): number => (token === undefined ? 0 : Number(/^page (\d+)$/.exec(Buffer.from(String(token), 'base64url').toString())?.[1] ?? NaN));
	const sees = (request: Request, file: DriveFileFixture): boolean => {
		if (!file.driveId && !file.shared) return true;
		return request.query.supportsAllDrives === 'true' && request.query.includeItemsFromAllDrives === 'true' && (request.query.corpora === 'drive' ? request.query.driveId === file.driveId : request.query.driveId === undefined || request.query.driveId === file.driveId);
	};

	app.get('/drive/v3/files', (request, response) => {
		if (!mayGoOn(request, response, 'list')) return;
		const query = /^'([\w-]+)' in parents and trashed = false$/.exec(String(request.query.q ?? ''));
		const size = Number(request.query.pageSize ?? 100);
		const offset = offsetOf(request.query.pageToken);
		if (!query || !(size >= 1 && size <= 1000) || Number.isNaN(offset)) return refuse(response, 400, 'invalid', 'Invalid Value');
		if (request.query.corpora === 'drive' && (request.query.driveId === undefined || request.query.includeItemsFromAllDrives !== 'true')) return refuse(response, 403, 'teamDriveFileSearchInvalid', 'driveId and includeItemsFromAllDrives must be given for corpora=drive.');
		const all = [...emulator.files].filter(([, file]) => !file.trashed && (file.parents ?? ['root']).includes(query[1] ?? '') && sees(request, file));
		const page = all.slice(offset, offset + size);
		response.json({ ...(offset + size < all.length ? { nextPageToken: tokenOf(offset + size) } : {}), files: page.map(([id, file]) => describe(id, file, inner(request.query.fields, 'files'))) });
	});
	app.get('/drive/v3/changes/startPageToken', (request, response) => {
		if (mayGoOn(request, response, 'changes')) response.json({ kind: 'drive#startPageToken', startPageToken: tokenOf(emulator.changes.length) });
	});
	app.get('/drive/v3/changes', (request, response) => {
		if (!mayGoOn(request, response, 'changes')) return;
		const offset = offsetOf(request.query.pageToken);
		const size = Number(request.query.pageSize ?? 100);
		if (request.query.pageToken === undefined || Number.isNaN(offset) || offset > emulator.changes.length) return refuse(response, 400, 'invalid', 'Invalid Value');
		const fields = /\bfile\(((?:[^()]|\([^()]*\))*)\)/.exec(String(request.query.fields))?.[1]?.split(',') ?? [];
		const changes = emulator.changes.slice(offset, offset + size).flatMap((id) => {
			const file = emulator.files.get(id);
			if (file && !sees(request, file)) return [];
			return [file ? { changeType: 'file', removed: false, file: describe(id, file, fields) } : { changeType: 'file', removed: true, fileId: id }];
		});
		const end = offset + size >= emulator.changes.length;
		response.json({ ...(end ? { newStartPageToken: tokenOf(emulator.changes.length) } : { nextPageToken: tokenOf(offset + size) }), changes });
	});
	app.get('/drive/v3/files/:id', (request, response) => {
		const kind = request.query.alt === 'media' ? 'media' : 'metadata';
		if (!mayGoOn(request, response, kind)) return;
		const id = request.params.id;
		const file = id === 'root' ? { name: 'My Drive', mimeType: 'application/vnd.google-apps.folder' } : emulator.files.get(id);
		if (!file || ((file.shared || file.driveId) && request.query.supportsAllDrives !== 'true'))
			return refuse(response, 404, 'notFound', `File not found: ${id}.`);
		return kind === 'media' ? sendMedia(request, response, file) : sendMetadata(request, response, id, file);
	});
	app.use((request, response) =>
		refuse(response, 404, 'notFound', `No such method: ${request.method} ${request.path}`),
	);

	function sendMetadata(request: Request, response: Response, id: string, file: DriveFileFixture): void {
		// Without `fields` Drive answers kind, id, name and mimeType only.
		response.json(describe(id, file, typeof request.query.fields === 'string' ? request.query.fields.split(',') : ['kind', 'id', 'name', 'mimeType']));
	}

	function describe(id: string, file: DriveFileFixture, wanted: string[]): Record<string, unknown> {
		const all: Record<string, unknown> = {
			kind: 'drive#file',
			id,
			name: file.name,
			mimeType: file.mimeType,
			trashed: file.trashed ?? false,
			modifiedTime: '2026-01-02T03:04:05.000Z',
			parents: file.parents ?? ['root'],
			...(file.driveId ? { driveId: file.driveId } : {}),
			'capabilities/canDownload': { canDownload: file.canDownload ?? true },
			...(file.shortcutTo ? { shortcutDetails: { targetId: file.shortcutTo, targetMimeType: file.targetMimeType ?? 'video/mp4' } } : {}),
			...(file.content ? { size: String(file.claimedSize ?? file.content.length) } : {}),
			...(file.content && !file.noChecksum ? { md5Checksum: typeof file.onlyMd5 === 'string' ? file.onlyMd5 : hash('md5', file.content), ...(file.onlyMd5 ? {} : { sha256Checksum: file.claimedSha256 ?? hash('sha256', file.content) }) } : {}),
		};
		return Object.fromEntries(wanted.filter((field) => field in all).map((field) => [field.split('/')[0], all[field]]));
	}

	function sendMedia(request: Request, response: Response, file: DriveFileFixture): void {
		emulator.ranges.push(request.headers.range);
		if (!file.content)
			return refuse(
				response,
				403,
				'fileNotDownloadable',
				'Only files with binary content can be downloaded. Use Export with Docs Editors files.',
			);
		if (file.canDownload === false)
			return refuse(response, 403, 'cannotDownloadFile', 'This file cannot be downloaded by the user.');
		if (!/^identity(, identity)?$/.test(request.headers['accept-encoding'] ?? ''))
			return refuse(response, 400, 'invalid', 'This stand-in wants Accept-Encoding: identity for media.');
		const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
		const start = range ? Number(range[1]) : 0;
		if (start >= file.content.length) {
			response.set('Content-Range', `bytes */${file.content.length}`);
			return refuse(response, 416, 'requestedRangeNotSatisfiable', 'Request range not satisfiable');
		}
		const body = file.content.subarray(start, range?.[2] ? Number(range[2]) + 1 : undefined);
		response.status(range ? 206 : 200).set({ 'Content-Type': file.mimeType, 'Content-Length': String(body.length) });
		if (range) response.set('Content-Range', `bytes ${start}-${start + body.length - 1}/${file.content.length}`);
		if (body.length <= emulator.cutAfter) return void response.end(body);
		response.write(body.subarray(0, emulator.cutAfter), () => response.destroy());
	}

	const server = app.listen(0, '127.0.0.1');
	await new Promise<void>((resolve) => server.once('listening', resolve));
	return Object.assign(emulator, {
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
		close: () =>
			new Promise<void>((resolve) => {
				server.close(() => resolve());
				server.closeAllConnections();
			}),
	});
}

const hash = (algorithm: string, content: Buffer) => createHash(algorithm).update(content).digest('hex');

/** The shape of errors of Google's APIs, old and new form in one. */
function refuse(response: Response, status: number, reason: string, message: string): void {
	const domain = reason.includes('RateLimit') || reason.includes('rateLimit') ? 'usageLimits' : 'global';
	response.status(status).json({ error: { code: status, message, errors: [{ message, domain, reason }] } });
}
