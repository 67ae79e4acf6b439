import { Router } from 'express';
import { eq } from 'drizzle-orm';
import { assertKey } from '../storage/keys.ts';
import { verifyFolderLink, verifySignedUrl } from '../storage/signed-url.ts';
import { assets, files } from '../db/schema.ts';
import { mimeOfName } from '../media/package.ts';
import { PipelineError } from '../errors.ts';
import { isShown, mimeOfPublicName } from '../pipeline/public.ts';
import { createDeliver, crossOrigin } from './deliver.ts';
import type { HttpDeps } from './deps.ts';

/**
 * GET and HEAD /files/<key>, signed, with ranges (I10); /packages/<permission>/<key> for everything in the folder of a manifest; and
 * /public/<workspace>/<name> for what was made public, without a permission. Nobody keeps what needs a permission; public names
 * change with their content, so that they are kept for a year.
 */
export function fileRoutes(deps: HttpDeps): Router {
	const router = Router();
	const deliver = createDeliver(deps);
	const describe = createDescribe(deps);
	const shown = createShown(deps);
	router.use(['/files', '/packages', '/public'], crossOrigin(deps.delivery));
	router.get('/files/*key', async (request, response) => {
		const { download, expiresAt } = verifySignedUrl(deps.signingKey, { method: request.method, path: request.path, query: request.query });
		const key = assertKey(request.path.slice('/files/'.length));
		const about = await describe(key);
		await deliver({ key, ...about, caching: 'private', expiresAt, ...(download === null ? {} : { name: download, attachment: true }) }, request, response);
	});
	router.get('/packages/*key', async (request, response) => {
		const { key, expiresAt } = verifyFolderLink(deps.signingKey, request.path.slice('/packages/'.length));
		await deliver({ key, ...(await describe(key)), caching: 'private', expiresAt, stays: /\.(m3u8|mpd)$/.test(key) }, request, response);
	});
	router.get('/public/*key', async (request, response) => {
		const key = assertKey(request.path.slice(1));
		if (!(await shown(key))) throw new PipelineError('not_found', 'This file is gone.');
		const name = key.split('/').at(-1) ?? key;
		await deliver({ key, name, mime: mimeOfPublicName(name), caching: 'immutable' }, request, response);
	});
	return router;
}

interface About {
	mime: string;
	name: string;
}

/** So many are remembered; a player asks for the same few again and again, and the answer never changes. */
const MOST_REMEMBERED = 10_000;

/** A player asks for the same file many times within seconds; for so long may it read one that is no more public, where that is still there. */
const SHOWN_MS = 2000;

/** Whether a file is public. Only a yes is remembered. */
function createShown({ db }: Pick<HttpDeps, 'db'>): (key: string) => Promise<boolean> {
	const remembered = new Map<string, number>();
	return async (key) => {
		if ((remembered.get(key) ?? -Infinity) > Date.now()) return true;
		const shown = await isShown(db, key);
		if (remembered.size >= MOST_REMEMBERED) remembered.clear();
		if (shown) remembered.set(key, Date.now() + SHOWN_MS);
		else remembered.delete(key);
		return shown;
	};
}

/** Type and name of a stored file; rows that share one (a reused result) say the same. */
function createDescribe({ db }: Pick<HttpDeps, 'db'>): (key: string) => Promise<About> {
	const remembered = new Map<string, About>();
	const ask = async (key: string): Promise<About | null> => {
		const [file] = await db.select({ mime: files.mime, name: files.name }).from(files).where(eq(files.storageKey, key)).limit(1);
		if (file) return { ...file, name: file.name.split('/').at(-1) ?? file.name };
		const [asset] = await db.select({ mime: assets.mime }).from(assets).where(eq(assets.storageKey, key)).limit(1);
		return asset?.mime ? { mime: asset.mime, name: key.split('/').at(-1) ?? 'file' } : null;
	};
	return async (key) => {
		const known = remembered.get(key);
		if (known) return known;
		const about = await ask(key);
		const name = key.split('/').at(-1) ?? 'file';
		// Of a job that still runs: it has no row yet.
		if (!about) return { mime: mimeOfName(name), name };
		if (remembered.size >= MOST_REMEMBERED) remembered.clear();
		remembered.set(key, about);
		return about;
	};
}
