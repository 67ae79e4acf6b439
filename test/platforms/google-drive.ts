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
	/** What the metadata claims, when it shall differ from the content. */
	claimedSize?: number;
	noChecksum?: boolean;
}

export interface DriveEmulator {
	/** GOOGLE_API_BASE_URL */
	url: string;
	files: Map<string, DriveFileFixture>;
	/** Tokens that are accepted now. */
	tokens: Set<string>;
	/** Answered in order before anything else is looked at; `when` limits an entry to metadata or media calls. */
	failures: Array<{ status: number; reason?: string; retryAfter?: string; when?: 'metadata' | 'media' }>;
	/** Media answers break after so many bytes each. */
	cutAfter: number;
	counts: { metadata: number; media: number };
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
		counts: { metadata: 0, media: 0 },
		ranges: [],
	};

	app.get('/drive/v3/files/:id', (request, response) => {
		const kind = request.query.alt === 'media' ? 'media' : 'metadata';
		emulator.counts[kind]++;
		const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
		if (!token || !emulator.tokens.has(token)) return refuse(response, 401, 'authError', 'Invalid Credentials');
		const index = emulator.failures.findIndex((failure) => (failure.when ?? kind) === kind);
		const failure = index >= 0 ? emulator.failures.splice(index, 1)[0] : undefined;
		if (failure) {
			if (failure.retryAfter) response.set('Retry-After', failure.retryAfter);
			return refuse(response, failure.status, failure.reason ?? 'backendError', `Scripted ${failure.status}`);
		}
		const id = request.params.id;
		const file = emulator.files.get(id);
		if (!file || (file.shared && request.query.supportsAllDrives !== 'true'))
			return refuse(response, 404, 'notFound', `File not found: ${id}.`);
		return kind === 'media' ? sendMedia(request, response, file) : sendMetadata(request, response, id, file);
	});
	app.use((request, response) =>
		refuse(response, 404, 'notFound', `No such method: ${request.method} ${request.path}`),
	);

	function sendMetadata(request: Request, response: Response, id: string, file: DriveFileFixture): void {
		// Without `fields` Drive answers kind, id, name and mimeType only.
		const wanted =
			typeof request.query.fields === 'string' ? request.query.fields.split(',') : ['kind', 'id', 'name', 'mimeType'];
		const all: Record<string, unknown> = {
			kind: 'drive#file',
			id,
			name: file.name,
			mimeType: file.mimeType,
			trashed: file.trashed ?? false,
			'capabilities/canDownload': { canDownload: file.canDownload ?? true },
			...(file.shortcutTo ? { shortcutDetails: { targetId: file.shortcutTo, targetMimeType: 'video/mp4' } } : {}),
			...(file.content ? { size: String(file.claimedSize ?? file.content.length) } : {}),
			...(file.content && !file.noChecksum
				? { md5Checksum: hash('md5', file.content), sha256Checksum: hash('sha256', file.content) }
				: {}),
		};
		const body = wanted.filter((field) => field in all).map((field) => [field.split('/')[0], all[field]]);
		response.json(Object.fromEntries(body));
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
