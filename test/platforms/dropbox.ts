import { createHash } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import express, { type Request, type Response } from 'express';

export interface DropboxFile {
	content: Buffer;
	/** Documents of Dropbox itself cannot be downloaded. */
	isDownloadable?: boolean;
	/** What the metadata claims instead of the true checksum. */
	claimedHash?: string;
}

export interface DropboxEmulator {
	/** DROPBOX_API_BASE_URL and DROPBOX_CONTENT_BASE_URL; links begin with it, too. */
	url: string;
	/** By path, as displayed. */
	files: Map<string, DropboxFile>;
	/** Shared links by path of the URL: what they lead to, and whether they want a password. */
	links: Map<string, { path: string; restricted?: boolean }>;
	/** Tokens that are accepted now, and what they may do. */
	tokens: Map<string, string[]>;
	/** Answered in order, before anything else is looked at. */
	failures: Array<{ status: number; body: unknown; retryAfter?: string }>;
	/** Media answers break after so many bytes each. */
	cutAfter: number;
	/** Requests by endpoint. */
	counts: Record<string, number>;
	ranges: Array<string | undefined>;
	/** Forgets the cursors that were given out, as Dropbox does at times. */
	resetCursors(): void;
	close(): Promise<void>;
}

/** As Dropbox computes it: SHA-256 over the SHA-256 of each block of 4 MiB. */
export function contentHash(content: Buffer): string {
	const sums: Buffer[] = [];
	for (let at = 0; at < content.length; at += 4_194_304) sums.push(createHash('sha256').update(content.subarray(at, at + 4_194_304)).digest());
	return createHash('sha256').update(Buffer.concat(sums)).digest('hex');
}

/** The Dropbox API v2 as far as its documentation says: https://www.dropbox.com/developers/documentation/http/documentation */
export async function startDropbox(): Promise<DropboxEmulator> {
	const app = express();
	let epoch = 0;
	const emulator: Omit<DropboxEmulator, 'url' | 'close'> = {
		files: new Map(),
		links: new Map(),
		tokens: new Map([['valid-token', ['files.content.read', 'files.metadata.read', 'sharing.read']]]),
		failures: [],
		cutAfter: Infinity,
		counts: {},
		ranges: [],
		resetCursors: () => void (epoch += 1),
	};
	/** What every endpoint asks for first; false: it has answered. */
	function mayGoOn(request: Request, response: Response, scope: string): boolean {
		emulator.counts[request.path] = (emulator.counts[request.path] ?? 0) + 1;
		const failure = emulator.failures.shift();
		if (failure) {
			if (failure.retryAfter) response.set('Retry-After', failure.retryAfter);
			response.status(failure.status).json(failure.body);
			return false;
		}
		const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
		const scopes = token ? emulator.tokens.get(token) : undefined;
		if (!scopes) return answer(response, 401, 'expired_access_token/', { '.tag': 'expired_access_token' });
		if (!scopes.includes(scope)) return answer(response, 401, 'missing_scope/', { '.tag': 'missing_scope', required_scope: scope });
		return true;
	}
	const answer = (response: Response, status: number, summary: string, error: unknown): false => {
		response.status(status).json({ error_summary: `${summary}..`, error });
		return false;
	};
	const bad = (response: Response, text: string): void => void response.status(400).type('text').send(`Error in call to API function: ${text}`);
	const idOf = (path: string): string => `id:${createHash('sha256').update(path.toLowerCase()).digest('base64url').slice(0, 22)}`;
	const find = (path: string): [string, DropboxFile] | undefined => [...emulator.files].find(([name]) => name.toLowerCase() === path.toLowerCase() || idOf(name) === path);
	const isFolder = (path: string): boolean => path === '' || [...emulator.files.keys()].some((name) => name.toLowerCase().startsWith(`${path.toLowerCase()}/`));
	const metadata = (path: string, { content, isDownloadable = true, claimedHash }: DropboxFile, byLink: boolean) => ({
		'.tag': 'file',
		name: path.split('/').pop(),
		id: idOf(path),
		...(byLink ? {} : { path_lower: path.toLowerCase(), path_display: path }),
		client_modified: '2026-01-02T03:04:05Z',
		server_modified: '2026-01-02T03:04:06Z',
		rev: `0${content.length.toString(16).padStart(11, '0')}`,
		size: content.length,
		is_downloadable: isDownloadable,
		content_hash: claimedHash ?? contentHash(content),
	});

	/** The argument of a content endpoint: JSON in a header, ASCII only, and no body that looks like something else. */
	function argument(request: Request, response: Response): Record<string, unknown> | null {
		const type = request.headers['content-type'];
		if (type !== undefined && !/^(application\/octet-stream|text\/plain; charset=dropbox-cors-hack)/.test(type)) {
			bad(response, `Bad HTTP "Content-Type" header: "${type}".`);
			return null;
		}
		const header = request.headers['dropbox-api-arg'];
		// eslint-disable-next-line no-control-regex
		if (typeof header !== 'string' || /[^\x00-\x7e]/.test(header)) {
			bad(response, 'HTTP header "Dropbox-API-Arg": could not decode input as JSON');
			return null;
		}
		try {
			return JSON.parse(header) as Record<string, unknown>;
		} catch {
			bad(response, 'HTTP header "Dropbox-API-Arg": could not decode input as JSON');
			return null;
		}
	}
	function sendFile(request: Request, response: Response, [path, file]: [string, DropboxFile], byLink: boolean): void {
		if (file.isDownloadable === false) return void answer(response, 409, 'unsupported_file/', { '.tag': 'unsupported_file' });
		emulator.ranges.push(request.headers.range);
		response.set({ 'Dropbox-API-Result': JSON.stringify(metadata(path, file, byLink)).replace(/[\u007f-\uffff]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`), 'Content-Type': 'application/octet-stream' });
		const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
		const start = range ? Number(range[1]) : 0;
		if (range && start >= file.content.length) return void response.status(416).set('Content-Range', `bytes */${file.content.length}`).end();
		const body = file.content.subarray(start);
		response.status(range ? 206 : 200).set('Content-Length', String(body.length));
		if (range) response.set('Content-Range', `bytes ${start}-${file.content.length - 1}/${file.content.length}`);
		if (body.length <= emulator.cutAfter) return void response.end(body);
		response.write(body.subarray(0, emulator.cutAfter), () => response.destroy());
	}

	app.post('/2/files/download', (request, response) => {
		if (!mayGoOn(request, response, 'files.content.read')) return;
		const given = argument(request, response);
		if (!given) return;
		const path = String(given['path'] ?? '');
		const found = find(path);
		if (found) return sendFile(request, response, found, false);
		const tag = isFolder(path) ? 'not_file' : 'not_found';
		answer(response, 409, `path/${tag}/`, { '.tag': 'path', path: { '.tag': tag } });
	});
	/** The file or folder that a shared link leads to. */
	const behind = (url: unknown) => (typeof url === 'string' && URL.canParse(url) ? emulator.links.get(new URL(url).pathname) : undefined);
	app.post('/2/sharing/get_shared_link_file', (request, response) => {
		if (!mayGoOn(request, response, 'sharing.read')) return;
		const given = argument(request, response);
		if (!given) return;
		const link = behind(given['url']);
		if (!link) return answer(response, 409, 'shared_link_not_found/', { '.tag': 'shared_link_not_found' });
		if (link.restricted) return answer(response, 409, 'shared_link_access_denied/', { '.tag': 'shared_link_access_denied' });
		const found = find(`${link.path}${String(given['path'] ?? '')}`);
		if (found) return sendFile(request, response, found, true);
		const tag = given['path'] === undefined && isFolder(link.path) ? 'shared_link_is_directory' : 'shared_link_not_found';
		return answer(response, 409, `${tag}/`, { '.tag': tag });
	});

	const entriesOf = (folder: string, recursive: boolean, byLink: boolean): Array<Record<string, unknown>> => {
		const below = [...emulator.files].filter(([path]) => path.toLowerCase().startsWith(`${folder.toLowerCase()}/`));
		const folders = new Set(below.flatMap(([path]) => path.slice(folder.length + 1).split('/').slice(0, -1).map((_, index, parts) => parts.slice(0, index + 1).join('/'))).filter((name) => recursive || !name.includes('/')));
		const direct = below.filter(([path]) => recursive || !path.slice(folder.length + 1).includes('/'));
		return [
			...[...folders].map((name) => ({ '.tag': 'folder', name: name.split('/').pop(), id: idOf(`${folder}/${name}`), ...(byLink ? {} : { path_lower: `${folder}/${name}`.toLowerCase(), path_display: `${folder}/${name}` }) })),
			...direct.map(([path, file]) => metadata(path, file, byLink)),
		];
	};
	interface Cursor {
		epoch: number;
		folder: string;
		recursive: boolean;
		byLink: boolean;
		limit: number;
		/** What was given out: name and checksum. */
		given: string[];
	}
	const mark = (entry: Record<string, unknown>): string => `${String(entry['id'])}${String(entry['content_hash'] ?? '')}`;
	function page(response: Response, cursor: Cursor): void {
		const left = entriesOf(cursor.folder, cursor.recursive, cursor.byLink).filter((entry) => !cursor.given.includes(mark(entry)));
		const entries = left.slice(0, cursor.limit);
		const next: Cursor = { ...cursor, given: [...cursor.given, ...entries.map(mark)] };
		response.json({ entries, cursor: Buffer.from(JSON.stringify(next)).toString('base64url'), has_more: left.length > entries.length });
	}
	app.post('/2/files/list_folder', express.json(), (request, response) => {
		if (!mayGoOn(request, response, 'files.metadata.read')) return;
		const { path, recursive = false, limit = 2000, shared_link: link, ...unknown } = request.body as { path?: unknown; recursive?: boolean; limit?: number; shared_link?: { url: string }; include_non_downloadable_files?: boolean };
		const extra = Object.keys(unknown).filter((name) => name !== 'include_non_downloadable_files');
		if (extra.length > 0) return bad(response, `request body: unknown field '${extra[0]}'`);
		if (typeof path !== 'string' || !/^(\/(.|[\r\n])*|id:.*|rev:[0-9a-f]{9,}|ns:[0-9]+(\/.*)?)?$/.test(path) || path === '/') return bad(response, 'request body: path: Specify the root folder as an empty string rather than as "/".');
		if (!(limit >= 1 && limit <= 2000)) return bad(response, 'request body: limit: out of range');
		if (link && recursive) return bad(response, 'request body: recursive is not supported with shared_link');
		const target = link ? behind(link.url) : { path: '' };
		const folder = `${target?.path ?? ''}${path}`;
		if (!target || (!isFolder(folder) && !find(folder))) return void answer(response, 409, 'path/not_found/', { '.tag': 'path', path: { '.tag': 'not_found' } });
		if (find(folder)) return void answer(response, 409, 'path/not_folder/', { '.tag': 'path', path: { '.tag': 'not_folder' } });
		page(response, { epoch, folder, recursive, byLink: link !== undefined, limit, given: [] });
	});
	app.post('/2/files/list_folder/continue', express.json(), (request, response) => {
		if (!mayGoOn(request, response, 'files.metadata.read')) return;
		let cursor: Cursor;
		try {
			cursor = JSON.parse(Buffer.from(String((request.body as { cursor?: unknown }).cursor), 'base64url').toString()) as Cursor;
		} catch {
			return void bad(response, 'request body: cursor: Invalid "cursor" parameter');
		}
		if (cursor.epoch !== epoch) return void answer(response, 409, 'reset/', { '.tag': 'reset' });
		page(response, cursor);
	});

	// The links themselves, for people: a page, or with dl=1 the file.
	app.get(/^\/(s|scl)\//, (request, response) => {
		const link = emulator.links.get(request.path);
		const found = link && find(link.path);
		if (!found) return void response.status(404).type('html').send('<html>This item was deleted</html>');
		if (request.query['dl'] !== '1' || link?.restricted) return void response.type('html').send('<html>Preview</html>');
		response.redirect(302, `/cd/0/get/${encodeURIComponent(found[0])}`);
	});
	app.get('/cd/0/get/:path', (request, response) => {
		const [path, { content }] = find(request.params.path) ?? ['', { content: Buffer.alloc(0) }];
		response.set({ 'Content-Type': 'application/binary', 'Content-Disposition': `attachment; filename*=UTF-8''${encodeURIComponent(path.split('/').pop() ?? '')}`, etag: `"${contentHash(content)}d"` }).send(content);
	});
	app.use((request, response) => bad(response, `unknown endpoint ${request.path}`));

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
