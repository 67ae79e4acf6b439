import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { FileStore } from '@tus/file-store';
import { ERRORS, Server, type Upload } from '@tus/server';
import { Router, type Request, type RequestHandler, type Response } from 'express';
import { transact } from '../db/transact.ts';
import { findUpload, lockUpload, updateUpload, type UploadRow } from '../db/uploads.ts';
import { PipelineError, toPipelineError } from '../errors.ts';
import { finishTus, tusPath } from '../pipeline/uploads.ts';
import { verifyUploadPath } from '../storage/upload-link.ts';
import type { HttpDeps } from './deps.ts';

/** What the protocol calls expiration is counted from a moment of creation; ours is that of the link, so this only has to be the same everywhere. */
const PERIOD_MS = 30 * 86_400_000;
/** No `creation-defer-length`: the size is part of what was signed. */
const EXTENSIONS = ['creation', 'creation-with-upload', 'termination', 'expiration'];
/** How long the last request of an upload waits until its bytes are in the store. Afterwards the asset is queued without it: proxies give up after a minute. */
const WAIT_FOR_STORE_MS = 20_000;

/**
 * Resumable uploads, tus 1.0 with creation, creation-with-upload, termination and expiration, below /tus/<permission>/<asset>. Every request carries
 * the permission in its path; no API key is asked for, so a browser can do it. The bytes grow in a file on this machine and are moved into the store.
 */
export function tusRoutes(deps: HttpDeps): Router {
	const server = createServer(deps);
	const router = Router();
	router.use('/tus', fromAnyPage(deps));
	router.all(['/tus/:permission/:asset', '/tus/:permission/:asset/:upload'], async (request, response) => {
		response.set('Tus-Resumable', '1.0.0');
		const { permission = '', asset = '', upload } = request.params as Record<string, string>;
		try {
			const row = await findUpload(deps.db, verifyUploadPath(deps.signingKey, 'tus', permission, asset));
			if (!row || (upload !== undefined && row.tusId !== upload)) throw gone();
			if (row.stagedKey !== null || row.arrivedAt) return complete(deps, row, request, response);
			request.method = overridden(request);
			if (request.method === 'HEAD' || request.method === 'PATCH' || request.method === 'DELETE' || request.method === 'POST') await server.handle(request, response);
			else throw new PipelineError('invalid_request', `${request.method} is no method of the tus protocol.`);
		} catch (error) {
			if (!isUploadAskedFor(request) || toPipelineError(error).status < 500) throw error;
			deps.log.warn({ err: error }, 'how far an upload is could not be told');
			response.status(LOCKED).set({ 'Cache-Control': 'no-store', 'Retry-After': '1' }).end();
		}
	});
	return router;
}

/** Networks that know no PATCH: it comes as POST (tus 1.0, "X-HTTP-Method-Override"). */
const overridden = (request: Request): string => (request.method === 'POST' && request.get('x-http-method-override')?.toUpperCase()) || request.method;

/**
 * To a client that asks how far its upload is (HEAD), trouble of ours must not read as "there is none": tus-js-client takes everything but
 * 2xx and 423 for that, and sends the whole file from the beginning.
 */
export const isUploadAskedFor = ({ method, url }: Pick<IncomingMessage, 'method' | 'url'>): boolean => method === 'HEAD' && url?.startsWith('/tus/') === true;
const LOCKED = 423;

/** The client whose last answer was lost asks how far it is: at the end. */
function complete(deps: HttpDeps, row: UploadRow, request: Request, response: Response): void {
	if (!row.arrivedAt) void finishTus(deps, row.assetId).catch((error: unknown) => deps.log.warn({ err: error, asset_id: row.assetId }, 'an upload could not be stored yet'));
	if (request.method !== 'HEAD') throw new PipelineError('conflict', 'This upload is complete. Ask for a new one (POST /api/media/sign).');
	response.status(200).set({ 'Cache-Control': 'no-store', 'Upload-Offset': String(row.bytes), 'Upload-Length': String(row.bytes) }).end();
}

/** Files, and who writes to them now. */
class Parts extends FileStore {
	readonly #writing = new Map<string, Readable>();

	override async write(body: Readable, id: string, offset: number): Promise<number> {
		this.#writing.set(id, body);
		try {
			return await super.write(body, id, offset);
		} finally {
			this.#writing.delete(id);
		}
	}

	/** Deleted alone, a file goes on taking space on the disk as long as somebody writes to it. */
	stop(id: string): void {
		this.#writing.get(id)?.destroy(new Error('The upload was begun anew.'));
	}
}

function createServer(deps: HttpDeps): Server {
	const store: Parts = new Parts({ directory: deps.uploadFolder, expirationPeriodInMilliseconds: PERIOD_MS, configstore: configStore(deps, (id) => store.stop(id)) });
	store.extensions = EXTENSIONS;
	return new Server({
		path: '/tus',
		datastore: store,
		exposedHeaders: ['Upload-Expires'],
		getFileIdFromRequest: (request) => new URL(request.url).pathname.split('/')[4],
		namingFunction: (request) => `${assetOf(request.url)}-${randomBytes(16).toString('hex')}`,
		generateUrl: (request, { id }) => `${deps.publicUrl}${new URL(request.url).pathname.replace(/\/+$/, '')}/${id}`,
		maxSize: async (_request, id) => (id === null ? deps.maxUploadBytes : await sizeOf(deps, id)),
		onUploadCreate: async (request, upload) => {
			const row = await findUpload(deps.db, assetOf(request.url));
			if (!row || upload.size !== row.bytes) throw new PipelineError('invalid_request', `Upload-Length: this link is for exactly ${row?.bytes ?? 0} bytes (given: ${upload.size ?? 'none'}).`);
			upload.creation_date = creationOf(row);
			return {};
		},
		onUploadFinish: async (_request, upload) => {
			const stored = finishTus(deps, assetOfId(upload.id));
			stored.catch((error: unknown) => deps.log.warn({ err: error, asset_id: assetOfId(upload.id) }, 'an upload could not be stored yet'));
			const asset = await Promise.race([stored, new Promise<undefined>((resolve) => setTimeout(resolve, WAIT_FOR_STORE_MS, undefined).unref())]);
			// What was given up or deleted while its last bytes came must not look as if it were here.
			if (asset === null && !(await findUpload(deps.db, assetOfId(upload.id)))?.stagedKey) throw gone();
			return {};
		},
		onResponseError: (request, error) => {
			const isTheirs = 'status_code' in error;
			const { status, message } = isTheirs ? { status: error.status_code, message: error.body.trim() } : toPipelineError(error);
			if (status >= 500) deps.log.error({ err: error }, 'an upload met an error');
			if (request.method === 'HEAD' && (status >= 500 || error === ERRORS.ABORTED)) return { status_code: LOCKED, body: '' };
			return isTheirs ? undefined : { status_code: status, body: `${message}\n` };
		},
	});
}

const gone = () => new PipelineError('not_found', 'This upload is gone, or was begun anew. Begin again at the endpoint.');

const assetOf = (url: string): string => new URL(url).pathname.split('/')[3] ?? '';
/** `<asset>-<32 hex digits>` */
const assetOfId = (id: string): string => id.slice(0, 36);
const creationOf = (row: UploadRow): string => new Date(row.expiresAt.getTime() - PERIOD_MS).toISOString();
const sizeOf = async (deps: HttpDeps, id: string): Promise<number> => (await findUpload(deps.db, assetOfId(id)))?.bytes ?? 1;

/** What the protocol must remember of an upload is its row: nothing beside it can be half-written. */
function configStore(deps: HttpDeps, stop: (id: string) => void): NonNullable<ConstructorParameters<typeof FileStore>[0]['configstore']> {
	return {
		async get(id) {
			const row = await findUpload(deps.db, assetOfId(id));
			if (row?.tusId !== id) return undefined;
			return { id, size: row.bytes, offset: 0, creation_date: creationOf(row) } as Upload;
		},
		/** An upload that is begun anew takes the place of the one before it. */
		async set(id) {
			const before = await transact(deps.db, async (tx) => {
				const row = await lockUpload(tx, assetOfId(id));
				if (!row || row.stagedKey !== null || row.arrivedAt) throw new PipelineError('conflict', 'This upload is complete. Ask for a new one (POST /api/media/sign).');
				await updateUpload(tx, row.assetId, { tusId: id });
				return row.tusId;
			});
			if (before === null || before === id) return;
			stop(before);
			await removePart(tusPath(deps, before));
		},
		async delete(id) {
			await transact(deps.db, async (tx) => {
				const row = await lockUpload(tx, assetOfId(id));
				if (row?.tusId === id && row.stagedKey === null) await updateUpload(tx, row.assetId, { tusId: null });
			});
		},
	};
}

const removePart = (path: string): Promise<void> => rm(path, { force: true });

/** Headers that the protocol uses, and a page of another origin may send and read. */
const SENT = 'Content-Type, Tus-Resumable, Upload-Length, Upload-Metadata, Upload-Offset, X-HTTP-Method-Override, X-Requested-With';
const READ = 'Location, Tus-Extension, Tus-Max-Size, Tus-Resumable, Tus-Version, Upload-Expires, Upload-Length, Upload-Offset';
const PREFLIGHT_SECONDS = 86_400;

/** The link is the permission; cookies play no part. Set here, so that refusals can be read as well. */
const fromAnyPage =
	(deps: HttpDeps): RequestHandler =>
	(request, response, next) => {
		response.set({ 'Access-Control-Allow-Origin': '*', 'Access-Control-Expose-Headers': READ });
		if (request.method !== 'OPTIONS') return next();
		response
			.set({
				'Access-Control-Allow-Methods': 'POST, HEAD, PATCH, DELETE',
				'Access-Control-Allow-Headers': SENT,
				'Access-Control-Max-Age': String(PREFLIGHT_SECONDS),
				'Tus-Resumable': '1.0.0',
				'Tus-Version': '1.0.0',
				'Tus-Extension': EXTENSIONS.join(','),
				'Tus-Max-Size': String(deps.maxUploadBytes),
			})
			.status(204)
			.end();
	};
