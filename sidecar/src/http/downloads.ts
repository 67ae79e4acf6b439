import { Router } from 'express';
import { and, eq } from 'drizzle-orm';
import type { z } from 'zod';
import { downloadQuerySchema, type downloadSchema } from '../contract/downloads.ts';
import { parse } from '../contract/parse.ts';
import { findAsset, type AssetRow } from '../db/assets.ts';
import type { Executor } from '../db/database.ts';
import { files } from '../db/schema.ts';
import { PipelineError } from '../errors.ts';
import { extensionOf, safeFileName } from '../net/file-name.ts';
import { filePath, signedUrl } from '../storage/signed-url.ts';
import { uuidOf } from './batches.ts';
import type { HttpDeps } from './deps.ts';
import { dbOf, workspaceOf } from './request.ts';

interface Wanted {
	key: string;
	name: string;
	mime: string;
	bytes: number | null;
}

/** GET /api/media/assets/:id/download: a link that browsers save under a name, to be handed on. */
export function downloadRoutes(deps: HttpDeps): Router {
	const router = Router();
	router.get('/assets/:id/download', async (request, response) => {
		const { job_id: jobId, file, name, expires_in_seconds: seconds } = parse(downloadQuerySchema, request.query);
		const asset = await findAsset(dbOf(response), workspaceOf(response), uuidOf(request.params.id));
		if (!asset) throw new PipelineError('not_found', `There is no asset ${request.params.id} in this workspace.`);
		if (file !== undefined && jobId === undefined) throw new PipelineError('invalid_request', 'file: names a file of a job; give job_id as well.');
		const wanted = jobId === undefined ? originalOf(asset) : await madeOf(dbOf(response), asset, jobId, file);
		const saved = named(name, wanted);
		// Whole seconds, as the link has them.
		const expiresAt = new Date((Math.floor(Date.now() / 1000) + seconds) * 1000);
		const answer: z.infer<typeof downloadSchema> = {
			url: signedUrl(deps.signingKey, deps.publicUrl, { method: 'GET', path: filePath(wanted.key), expiresAt, download: saved }),
			name: saved,
			mime: wanted.mime,
			bytes: wanted.bytes,
			expires_at: expiresAt.toISOString(),
		};
		response.set('Cache-Control', 'no-store').json(answer);
	});
	return router;
}

/** As it is called when it is saved: what it is, its extension tells. */
function named(asked: string | undefined, { name, key }: Wanted): string {
	const extension = extensionOf(key);
	const safe = safeFileName(asked ?? name);
	return extension === '' || extensionOf(safe) === extension ? safe : safeFileName(`${safe}.${extension}`);
}

function originalOf({ id, status, storageKey, facts, mime, bytes, title }: AssetRow): Wanted {
	// Without facts nobody has looked at it yet.
	if (!storageKey || !facts) throw new PipelineError('conflict', `Asset ${id} has no file: it is ${status}. Ask again once it is there.`);
	return { key: storageKey, name: title?.trim() || id, mime: mime ?? 'application/octet-stream', bytes };
}

async function madeOf(db: Executor, { id }: AssetRow, jobId: string, name: string | undefined): Promise<Wanted> {
	const rows = await db.select().from(files).where(and(eq(files.assetId, id), eq(files.jobId, jobId))).orderBy(files.position);
	const found = name === undefined ? rows.find(({ part }) => !part) : rows.find((row) => row.name === name);
	if (found) return { key: found.storageKey, name: found.name.split('/').at(-1) ?? found.name, mime: found.mime, bytes: found.bytes };
	const names = rows.filter(({ part }) => !part).map((row) => row.name);
	throw new PipelineError('not_found', names.length === 0 ? `Job ${jobId} made no file of asset ${id}.` : `file: job ${jobId} made no such file. It made ${names.join(', ')}.`);
}
