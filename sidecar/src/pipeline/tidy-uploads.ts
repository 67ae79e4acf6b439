import { readdir, rm, stat } from 'node:fs/promises';
import { abandonedUploads, deleteUpload, endedUploads, findUpload, type UploadRow } from '../db/uploads.ts';
import { DEFAULT_WORKSPACE } from '../db/workspaces.ts';
import { giveUp, removeBytes, tusPath, type UploadDeps } from './uploads.ts';

/** One thing that is to go; nothing is changed before `apply` is called. Doing it again is no error. */
export interface TidyUpload {
	what: string;
	bytes: number;
	reason: string;
	/** False: it is not to go any more. */
	apply(): Promise<boolean>;
}

export interface TidyUploads {
	workspaceId: string;
	/** `retention.upload_days`; null: uploads that were never finished are kept. */
	days: number | null;
	now: Date;
}

/**
 * What uploads have left in a workspace: assets whose bytes never came (they fail with `expired`, and their part of the quota is free again),
 * bytes that came so far (files of the tus protocol, parts at the store, files that were never reported complete), and what was written down of uploads
 * that are at an end. An upload is left alone as long as one of its links works.
 */
export async function* tidyUploads(deps: UploadDeps, { workspaceId, days, now }: TidyUploads): AsyncGenerator<TidyUpload> {
	if (days !== null) {
		const before = new Date(now.getTime() - days * 86_400_000);
		for (const { assetId, bytes, upload } of await abandonedUploads(deps.db, workspaceId, before, now)) {
			if (upload && (await isComing(deps, upload, now))) continue;
			yield {
				what: `upload of asset ${assetId}`,
				bytes,
				reason: `its bytes have not come within ${days} days (retention.upload_days)`,
				apply: async () => {
					// First the asset: from then on nothing can arrive. Its link may have been renewed since it was found.
					const expired = { code: 'expired' as const, message: 'The file was never uploaded completely. Ask for a new link (POST /api/media/sign).' };
					if (!(await giveUp(deps, assetId, expired, ({ expiresAt }) => expiresAt > now))) return false;
					if (upload) await removeBytes(deps, (await findUpload(deps.db, assetId)) ?? upload);
					await deleteUpload(deps.db, assetId);
					return true;
				},
			};
		}
	}
	for (const upload of await endedUploads(deps.db, workspaceId, now)) {
		yield {
			what: `links to upload asset ${upload.assetId}`,
			bytes: 0,
			reason: 'they have expired',
			apply: async () => {
				// The link to a single PUT could be used until now: what came after the end belongs to nobody. What was joined from parts, or moved here, is the asset's own.
				if (upload.direct && (upload.protocol === 'put' || upload.arrivedAt === null)) await removeBytes(deps, upload);
				await deleteUpload(deps.db, upload.assetId);
				return true;
			},
		};
	}
	if (workspaceId === DEFAULT_WORKSPACE) yield* strayParts(deps, now);
}

/** A request that began while its link worked may go on afterwards. What is silent for so long is cut (http/silence.ts). */
const COMING_MS = 3_600_000;

async function isComing(deps: UploadDeps, { tusId, bytes }: UploadRow, now: Date): Promise<boolean> {
	const found = tusId === null ? null : await stat(tusPath(deps, tusId)).catch(() => null);
	// What is whole waits for the store only, however long that takes (`reconcileUploads`).
	return found !== null && (found.size === bytes || now.getTime() - found.mtimeMs < COMING_MS);
}

/** A file is made a moment before its upload is written down. */
const GRACE_MS = 86_400_000;

/** Files of the tus protocol that no upload knows: it was begun anew, or deleted with its asset. */
async function* strayParts(deps: UploadDeps, now: Date): AsyncGenerator<TidyUpload> {
	for (const name of await readdir(deps.uploadFolder).catch(() => [])) {
		const path = tusPath(deps, name);
		const found = await stat(path).catch(() => null);
		if (!found?.isFile() || now.getTime() - found.mtimeMs < GRACE_MS) continue;
		const isStray = async (): Promise<boolean> => (await findUpload(deps.db, name.slice(0, 36)))?.tusId !== name;
		if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-[0-9a-f]{32}$/.test(name) || !(await isStray())) continue;
		yield {
			what: `part of upload ${name}`,
			bytes: found.size,
			reason: 'no upload knows it',
			apply: async () => {
				if (!(await isStray())) return false;
				await rm(path, { force: true });
				return true;
			},
		};
	}
}
