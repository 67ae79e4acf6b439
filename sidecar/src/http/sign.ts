import { randomUUID } from 'node:crypto';
import { Router } from 'express';
import { signRequestSchema, type SignRequest } from '../contract/requests.ts';
import { insertAssets } from '../db/assets.ts';
import { mergeTags } from '../db/tags.ts';
import { insertUpload } from '../db/uploads.ts';
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
import { bodyOf, create, workspaceOf } from './request.ts';

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
	fileName: string;
}

type Links = Pick<Answer, 'upload_url' | 'method' | 'headers' | 'complete_url' | 'multipart'> & { direct: boolean };
interface Answer {
	upload_url: string;
	method: 'PUT' | 'POST';
	headers: Record<string, string>;
	complete_url: string | null;
	multipart: { part_bytes: number; parts: number; parts_url: string; abort_url: string } | null;
}

/** POST /api/media/sign (I2, I3): an asset, and links to send its bytes to. */
export function signRoutes(deps: HttpDeps): Router {
	const router = Router();
	router.post('/sign', async (request, response) => {
		const body = bodyOf(signRequestSchema, request, response);
		refuse(deps, body);
		const workspaceId = workspaceOf(response);
		const id = randomUUID();
		const fileName = safeFileName(body.file_name);
		const seconds = body.expires_in_seconds ?? (body.protocol === 'put' ? deps.uploadUrlTtlSeconds : LONGEST_RESUMABLE_SECONDS);
		const until = (length: number): Date => new Date(Date.now() + length * 1000);
		const where: Where = {
			id,
			workspaceId,
			stagedKey: incomingKey(workspaceId, `${id}-${randomUUID()}`),
			expiresAt: until(seconds),
			resumableUntil: until(body.protocol === 'put' ? LONGEST_RESUMABLE_SECONDS : seconds),
			fileName,
		};
		// Before the transaction: a store may have to be asked for its link.
		const { direct, ...links } = await LINKS[body.protocol](deps, body, where);
		await create(deps, request, response, async (tx) => {
			await reserve(tx, workspaceId, { bytes: body.file_size, assets: 1 });
			const { tags = [], ...details } = body.details ?? {};
			await insertAssets(tx, [
				{ ...columnsOfDetails(details), id, workspaceId, source: 'upload', status: 'uploading', mime: body.mime_type, expectedBytes: body.file_size, metadata: { ...body.metadata, file_name: fileName }, ingestJobId: randomUUID() },
			]);
			await mergeTags(tx, { id, workspaceId }, tags.map((tag) => ({ tag, source: 'person' as const })));
			const tus = direct ? null : { endpoint: tusEndpoint(deps, where), expires_at: where.resumableUntil.toISOString() };
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
	return router;
}

/** Throws where this must not be uploaded, or not so. */
function refuse(deps: HttpDeps, { file_size: size, mime_type: mime, protocol, expires_in_seconds: seconds }: SignRequest): void {
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

const LINKS: Record<SignRequest['protocol'], (deps: HttpDeps, body: SignRequest, where: Where) => Promise<Links>> = {
	async put(deps, { mime_type: mime, file_size: bytes }, where) {
		const links = deps.storage.direct(where.stagedKey);
		if (!links?.put) {
			const path = `/uploads/${where.workspaceId}/${where.id}`;
			const upload_url = signedUrl(deps.signingKey, deps.publicUrl, { method: 'PUT', path, expiresAt: where.expiresAt, maxBytes: bytes });
			return { direct: false, upload_url, method: 'PUT', headers: { 'content-type': mime }, complete_url: null, multipart: null };
		}
		const { url, method, headers }: DirectRequest = await links.put(where.stagedKey, { expiresAt: where.expiresAt, mime, bytes });
		return { direct: true, upload_url: url, method, headers, complete_url: `${uploadBase(deps, where)}/complete`, multipart: null };
	},
	tus: (deps, _body, where) => Promise.resolve({ direct: false, upload_url: tusEndpoint(deps, where), method: 'POST', headers: {}, complete_url: null, multipart: null }),
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
