import { randomUUID } from 'node:crypto';
import { Router } from 'express';
import { renewRequestSchema, signRequestSchema, type SignRequest } from '../contract/requests.ts';
import { insertAssets, lockAsset } from '../db/assets.ts';
import { mergeTags } from '../db/tags.ts';
import { findUpload, insertUpload, updateUpload } from '../db/uploads.ts';
import { PipelineError } from '../errors.ts';
import { usualTypes } from '../net/mime-of-name.ts';
import { safeFileName } from '../net/file-name.ts';
import { columnsOfDetails } from '../pipeline/media-reference.ts';
import { reserve } from '../pipeline/quota.ts';
import { incomingKey } from '../storage/keys.ts';
import { signedUrl } from '../storage/signed-url.ts';
import type { DirectRequest } from '../storage/storage.ts';
import { uploadPath } from '../storage/upload-link.ts';
import type { HttpDeps } from './deps.ts';
import { uuidOf } from './batches.ts';
import { bodyOf, create, dbOf, workspaceOf } from './request.ts';

/** What may be uploaded; the content is checked again by its magic number once it is here. */
const MEDIA = /^(video|audio|image)\/[\w.+-]+$|^application\/(mp4|ogg|octet-stream)$/;
/** Requirement I2: 15 minutes to 1 hour for one request. What can be resumed may take a day: ten gigabytes take 22 hours at 1 Mbit/s. */
const LONGEST_PUT_SECONDS = 3600;
export const LONGEST_RESUMABLE_SECONDS = 86_400;

interface Where {
	id: string;
	workspaceId: string;
	/** Where the store takes the bytes itself. */
	stagedKey: string;
	expiresAt: Date;
	resumableUntil: Date;
}

type File = Pick<SignRequest, 'file_size' | 'mime_type'>;
type Links = Pick<Answer, 'upload_url' | 'method' | 'headers' | 'complete_url' | 'multipart'> & { direct: boolean };
interface Answer {
	upload_url: string;
	method: 'PUT' | 'POST';
	headers: Record<string, string>;
	complete_url: string | null;
	multipart: { part_bytes: number; parts: number; parts_url: string; abort_url: string } | null;
}

/** POST /api/media/sign (I2, I3): an asset, and links to send its bytes to; POST /api/media/sign/{id}: further links to the same asset. */
export function signRoutes(deps: HttpDeps): Router {
	const router = Router();
	router.post('/sign', async (request, response) => {
		const body = bodyOf(signRequestSchema, request, response);
		refuse(deps, body);
		const workspaceId = workspaceOf(response);
		const id = randomUUID();
		const fileName = safeFileName(body.file_name);
		const where: Where = { id, workspaceId, stagedKey: incomingKey(workspaceId, `${id}-${randomUUID()}`), ...times(deps, body) };
		// Before the transaction: a store may have to be asked for its link.
		const { direct, ...links } = await LINKS[body.protocol](deps, body, where);
		await create(deps, request, response, async (tx) => {
			await reserve(tx, workspaceId, { bytes: body.file_size, assets: 1 });
			const { tags = [], ...details } = body.details ?? {};
			await insertAssets(tx, [
				{ ...columnsOfDetails(details), id, workspaceId, source: 'upload', status: 'uploading', mime: body.mime_type, expectedBytes: body.file_size, metadata: { ...body.metadata, file_name: fileName }, ingestJobId: randomUUID() },
			]);
			await mergeTags(tx, { id, workspaceId }, tags.map((tag) => ({ tag, source: 'person' as const })));
			const tus = direct ? null : { endpoint: tusEndpoint(deps, where), expires_at: where.resumableUntil.toISOString(), upload_url: null };
			await insertUpload(tx, {
				assetId: id,
				workspaceId,
				protocol: body.protocol,
				direct,
				bytes: body.file_size,
				mime: body.mime_type,
				dedupe: body.dedupe ?? null,
				scan: body.scan ?? false,
				sha256: body.sha256?.toLowerCase() ?? null,
				stagedKey: direct ? where.stagedKey : null,
				expiresAt: tus ? where.resumableUntil : where.expiresAt,
			});
			return { status: 201, body: { asset_id: id, ...links, expires_at: where.expiresAt.toISOString(), tus, warnings: warningsOf(fileName, body.mime_type) } };
		});
	});
	router.post('/sign/:id', async (request, response) => {
		const { expires_in_seconds } = bodyOf(renewRequestSchema, request, response);
		const workspaceId = workspaceOf(response);
		const id = uuidOf(request.params.id);
		const before = await findUpload(dbOf(response), id);
		if (before?.workspaceId !== workspaceId) throw noUpload(id);
		const asked = { protocol: before.protocol, file_size: before.bytes, mime_type: before.mime, expires_in_seconds };
		refuse(deps, asked);
		const where: Where = { id, workspaceId, stagedKey: before.stagedKey ?? incomingKey(workspaceId, `${id}-${randomUUID()}`), ...times(deps, asked) };
		const links = before.direct ? await LINKS[before.protocol](deps, asked, where) : before.protocol === 'tus' ? await LINKS.tus(deps, asked, where) : sidecarPut(deps, asked, where);
		await create(deps, request, response, async (tx) => {
			const asset = await lockAsset(tx, id);
			const upload = await findUpload(tx, id);
			if (!asset || !upload) throw noUpload(id);
			if (asset.status !== 'uploading') throw new PipelineError('conflict', `The upload of asset ${id} is at an end: the asset is ${asset.status}. Ask for a new link (POST /api/media/sign).`);
			const endpoint = tusEndpoint(deps, where);
			const tus = upload.direct ? null : { endpoint, expires_at: where.resumableUntil.toISOString(), upload_url: upload.tusId === null ? null : `${endpoint}/${upload.tusId}` };
			const until = tus ? where.resumableUntil : where.expiresAt;
			// The earlier links go on working.
			await updateUpload(tx, id, { expiresAt: until > upload.expiresAt ? until : upload.expiresAt });
			const { direct: _, ...rest } = links;
			return { status: 201, body: { asset_id: id, ...rest, expires_at: where.expiresAt.toISOString(), tus, warnings: [] } };
		});
	});
	return router;
}

const noUpload = (id: string) => new PipelineError('not_found', `There is no upload under way for an asset ${id} in this workspace. Ask for a new link (POST /api/media/sign).`);

function times(deps: HttpDeps, { protocol, expires_in_seconds: asked }: Pick<SignRequest, 'protocol' | 'expires_in_seconds'>): Pick<Where, 'expiresAt' | 'resumableUntil'> {
	const seconds = asked ?? (protocol === 'put' ? deps.uploadUrlTtlSeconds : LONGEST_RESUMABLE_SECONDS);
	const until = (length: number): Date => new Date(Date.now() + length * 1000);
	return { expiresAt: until(seconds), resumableUntil: until(protocol === 'put' ? LONGEST_RESUMABLE_SECONDS : seconds) };
}

/** Throws where this must not be uploaded, or not so. */
function refuse(deps: HttpDeps, { file_size: size, mime_type: mime, protocol, expires_in_seconds: seconds }: File & Pick<SignRequest, 'protocol' | 'expires_in_seconds'>): void {
	const field = (name: string) => ({ details: { field: name } });
	const limit = protocol === 'put' ? deps.maxFileBytes : deps.maxUploadBytes;
	if (size > limit) {
		const advice = protocol === 'put' ? `MAX_FILE_BYTES sets the limit; with protocol "tus" or "multipart" up to ${deps.maxUploadBytes} bytes are taken.` : 'MAX_UPLOAD_BYTES sets the limit.';
		throw new PipelineError('input_too_large', `file_size: the file is too large: at most ${limit} bytes are allowed here (given: ${size}). ${advice}`, { details: { field: 'file_size', limit_bytes: limit, given_bytes: size } });
	}
	if (!MEDIA.test(mime)) {
		throw new PipelineError('input_unsupported', `mime_type: ${mime.slice(0, 60)} is not accepted. Expected video/…, audio/… or image/….`, field('mime_type'));
	}
	if (protocol === 'put' && seconds !== undefined && seconds > LONGEST_PUT_SECONDS) {
		throw new PipelineError('invalid_request', `expires_in_seconds: a link for one request lasts ${LONGEST_PUT_SECONDS} seconds at most (given: ${seconds}). Use protocol "tus" for slow lines.`, field('expires_in_seconds'));
	}
}

const tusEndpoint = (deps: HttpDeps, { id, resumableUntil }: Where): string => `${deps.publicUrl}/tus/${uploadPath(deps.signingKey, 'tus', id, resumableUntil)}`;

function sidecarPut(deps: HttpDeps, { mime_type: mime, file_size: bytes }: File, where: Where): Links {
	const path = `/uploads/${where.workspaceId}/${where.id}`;
	const upload_url = signedUrl(deps.signingKey, deps.publicUrl, { method: 'PUT', path, expiresAt: where.expiresAt, maxBytes: bytes });
	return { direct: false, upload_url, method: 'PUT', headers: { 'content-type': mime }, complete_url: null, multipart: null };
}

const LINKS: Record<SignRequest['protocol'], (deps: HttpDeps, file: File, where: Where) => Promise<Links>> = {
	async put(deps, file, where) {
		const { mime_type: mime, file_size: bytes } = file;
		const links = deps.storage.direct(where.stagedKey);
		if (!links?.put) return sidecarPut(deps, file, where);
		const { url, method, headers }: DirectRequest = await links.put(where.stagedKey, { expiresAt: where.expiresAt, mime, bytes });
		return { direct: true, upload_url: url, method, headers, complete_url: `${uploadBase(deps, where)}/complete`, multipart: null };
	},
	tus: (deps, _file, where) => Promise.resolve({ direct: false, upload_url: tusEndpoint(deps, where), method: 'POST', headers: {}, complete_url: null, multipart: null }),
	multipart(deps, { file_size: bytes }, where) {
		const store = deps.storage.multipart(where.stagedKey);
		if (!store) throw new PipelineError('invalid_request', 'protocol: the store of this workspace takes no uploads in parts. Use protocol "tus".', { details: { field: 'protocol' } });
		const base = uploadBase(deps, where);
		return Promise.resolve({
			direct: true,
			upload_url: `${base}/parts`,
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			complete_url: `${base}/complete`,
			multipart: { part_bytes: store.partBytes, parts: Math.ceil(bytes / store.partBytes), parts_url: `${base}/parts`, abort_url: `${base}/abort` },
		});
	},
};

/** Completion may come a little after the last byte. */
const uploadBase = (deps: HttpDeps, { id, resumableUntil }: Where): string => `${deps.publicUrl}/direct-uploads/${uploadPath(deps.signingKey, 'direct', id, resumableUntil)}`;

function warningsOf(fileName: string, mime: string): string[] {
	const usual = usualTypes(fileName);
	if (usual === null || mime === 'application/octet-stream' || usual.includes(mime)) return [];
	return [`The name ${fileName} suggests ${usual.join(' or ')}, but mime_type says ${mime}. What the file is is found out from its content.`];
}
