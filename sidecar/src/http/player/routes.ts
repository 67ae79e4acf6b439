import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Router, type Request, type Response } from 'express';
import { assetById, type AssetRow } from '../../db/assets.ts';
import type { FileRow } from '../../db/jobs.ts';
import { PipelineError } from '../../errors.ts';
import { mimeOfName } from '../../media/package.ts';
import { chaptersVtt, readExtras } from '../../pipeline/public-page.ts';
import { candidates, choosePublic, publicFiles, publicName, renewPublic, withdrawUnsafe, type PublicKind } from '../../pipeline/public.ts';
import { isUnsafe } from '../../pipeline/safety.ts';
import { assertKey } from '../../storage/keys.ts';
import { createDeliver, crossOrigin } from '../deliver.ts';
import type { HttpDeps } from '../deps.ts';
import { oembed } from './oembed.ts';
import { notFoundPage, playerPage, titleOf, type PageData } from './page.ts';

/** What is shown of an asset. */
interface Shown {
	asset: AssetRow;
	files: Map<PublicKind, FileRow>;
	extras: Awaited<ReturnType<typeof readExtras>>;
}

/** A player asks for many files within seconds; so long may it see what is no more public. */
const REMEMBERED_MS = 5000;
const MOST_REMEMBERED = 1000;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Captions and segments of a page; they may change with a new result. */
const FEW_MINUTES = { control: 'public, max-age=300' };

/** Both from src and from dist: sidecar/player/. */
const STATIC = new URL('../../../player/', import.meta.url);

/** The public player (D7): GET /watch/:asset for people, /embed/:asset for frames, /oembed, and what they load. No key, no cookies. */
export function playerRoutes(deps: HttpDeps): Router {
	const router = Router();
	const deliver = createDeliver(deps);
	const find = createFind(deps);
	const hls = dirname(createRequire(import.meta.url).resolve('hls.js/package.json'));

	for (const file of ['player.js', 'player.css'])
		router.get(`/player/${file}`, (_request, response) => void response.type(file.endsWith('.js') ? 'js' : 'css').set('Cache-Control', 'public, max-age=300').send(readFileSync(new URL(file, STATIC))));
	router.get('/player/hls.js', (_request, response) => response.type('js').sendFile(join(hls, 'dist/hls.min.mjs'), { maxAge: '1d' }));
	router.get('/player/theme.css', (_request, response) => void response.type('css').set('Cache-Control', 'public, max-age=300').send(`:root { --accent: ${deps.player.color}; }\n`));

	const show = (embedded: boolean) => async (request: Request, response: Response) => {
		const shown = await find(String(request.params['asset']));
		const data = shown && pageData(deps, shown);
		response.set(headers(deps, embedded, data)).type('html');
		if (!data) return void response.status(404).send(notFoundPage(deps.player));
		response.send(playerPage(data, deps.player, deps.publicUrl, embedded));
	};
	router.get('/watch/:asset', show(false));
	router.get('/embed/:asset', show(true));
	router.get('/oembed', oembed(deps, async (id) => (await find(id))?.asset ?? null, async (id) => (await find(id))?.files.get('thumb') ?? null));

	router.use('/watch', crossOrigin(deps.delivery));
	router.get('/watch/:asset/chapters.vtt', async (request, response) => {
		const { extras } = await found(find, request);
		response.type('text/vtt').set('Cache-Control', FEW_MINUTES.control).send(chaptersVtt(extras.chapters));
	});
	router.get('/watch/:asset/captions/:file', async (request, response) => {
		const { extras } = await found(find, request);
		const captions = extras.captions.find(({ fileId }) => `${fileId}.vtt` === request.params.file);
		if (!captions) throw gone();
		await deliver({ key: captions.storageKey, mime: 'text/vtt; charset=utf-8', name: `${captions.language}.vtt`, caching: FEW_MINUTES, stays: true }, request, response);
	});
	router.get('/watch/:asset/stream/:name', async (request, response) => {
		const { extras } = await found(find, request);
		if (!extras.manifestKey) throw gone();
		const name = String(request.params.name);
		const key = assertKey(`${dirname(extras.manifestKey)}/${name}`);
		await deliver({ key, mime: mimeOfName(name), name, caching: FEW_MINUTES, stays: /\.(m3u8|mpd)$/.test(name) }, request, response);
	});
	return router;
}

const gone = () => new PipelineError('not_found', 'This file is gone.');

async function found(find: (id: string) => Promise<Shown | null>, request: Request): Promise<Shown> {
	const shown = await find(String(request.params['asset']));
	if (!shown) throw gone();
	return shown;
}

/** Null for what is not public, unsafe, or not there. Newer results than those that are public are made public meanwhile. */
function createFind(deps: HttpDeps): (id: string) => Promise<Shown | null> {
	const remembered = new Map<string, { at: number; shown: Promise<Shown | null> }>();
	const renewing = new Set<string>();
	const renew = async ({ asset, files }: Shown): Promise<void> => {
		const chosen = choosePublic(asset, await candidates(deps.db, asset.id));
		const stale = Object.entries(chosen).some(([kind, file]) => file && !files.get(kind as PublicKind)?.storageKey.endsWith(publicName(asset.id, kind as PublicKind, file)));
		if (!stale || renewing.has(asset.id)) return;
		renewing.add(asset.id);
		try {
			await renewPublic(deps, deps.db, asset);
			remembered.delete(asset.id);
		} finally {
			renewing.delete(asset.id);
		}
	};
	const look = async (id: string): Promise<Shown | null> => {
		const asset = await assetById(deps.db, id);
		if (!asset?.publicAt) return null;
		if (isUnsafe(asset)) {
			// A crash came between the verdict and this.
			await withdrawUnsafe(deps, id);
			return null;
		}
		const shown = { asset, files: await publicFiles(deps.db, id), extras: await readExtras(deps.db, asset) };
		void renew(shown).catch((error: unknown) => deps.log.warn({ err: error, asset_id: id }, 'newer results could not be made public'));
		return shown;
	};
	return (id) => {
		if (!UUID.test(id)) return Promise.resolve(null);
		const known = remembered.get(id);
		if (known && Date.now() - known.at < REMEMBERED_MS) return known.shown;
		if (remembered.size >= MOST_REMEMBERED) remembered.clear();
		const shown = look(id);
		remembered.set(id, { at: Date.now(), shown });
		shown.catch(() => remembered.delete(id));
		return shown;
	};
}

function pageData({ storage }: HttpDeps, { asset, files, extras }: Shown): PageData {
	const file = files.get('master') ?? files.get('preview');
	const thumb = files.get('thumb');
	const path = ({ storageKey }: FileRow): string => storage.publicUrl?.(storageKey) ?? `/${storageKey}`;
	const names = new Intl.DisplayNames(['en'], { type: 'language' });
	return {
		id: asset.id,
		kind: asset.fileType ?? 'video',
		title: titleOf(asset),
		description: asset.description ?? '',
		language: asset.language,
		width: asset.width ?? 16,
		height: asset.height ?? 9,
		seconds: asset.durationSeconds ?? 0,
		file: file ? { path: path(file), mime: file.mime } : null,
		hls: extras.manifestKey ? `/watch/${asset.id}/stream/master.m3u8` : null,
		poster: thumb ? { path: path(thumb), mime: thumb.mime, width: thumb.width, height: thumb.height } : null,
		captions: extras.captions.map(({ fileId, language }) => ({ path: `/watch/${asset.id}/captions/${fileId}.vtt`, language, label: language === 'und' ? 'Captions' : (names.of(language) ?? language) })),
		chapters: extras.chapters,
	};
}

/** Nothing from elsewhere, no frames around it but those of EMBED_ORIGINS around /embed. Bytes may come from the store itself. */
function headers({ delivery, player, publicUrl }: HttpDeps, embedded: boolean, data: PageData | null): Record<string, string> {
	const elsewhere = [data?.file?.path, data?.poster?.path].flatMap((path) => (path && !path.startsWith('/') ? [new URL(path).origin] : []));
	// Where the store's own links lead is not known before. A page without TLS may lead to a store without it.
	const anywhere = delivery.mode === 'redirect' ? (publicUrl.startsWith('https:') ? ['https:'] : ['https:', 'http:']) : [];
	const bytes = ["", "'self'", ...new Set([...elsewhere, ...anywhere])].join(' ');
	const policy = [
		"default-src 'none'",
		"script-src 'self'",
		"style-src 'self'",
		`img-src${bytes} data:`,
		`media-src${bytes} blob:`,
		`connect-src${bytes}`,
		"base-uri 'none'",
		"form-action 'none'",
		`frame-ancestors ${embedded ? player.embedOrigins.join(' ') : "'none'"}`,
	].join('; ');
	return { 'Content-Security-Policy': policy, 'X-Content-Type-Options': 'nosniff', 'Referrer-Policy': 'strict-origin-when-cross-origin', 'Cache-Control': 'public, max-age=5', 'Cross-Origin-Resource-Policy': 'cross-origin' };
}
