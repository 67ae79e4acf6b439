import type { RequestHandler } from 'express';
import { z } from 'zod';
import { parse } from '../../contract/parse.ts';
import type { AssetRow } from '../../db/assets.ts';
import type { FileRow } from '../../db/jobs.ts';
import { PipelineError } from '../../errors.ts';
import type { HttpDeps } from '../deps.ts';
import { embedCode, embedSize, escapeHtml, titleOf } from './page.ts';

/** Larger than any screen; smaller than nothing useful. */
const side = z.coerce.number().int().min(1).max(10_000).default(960);
const query = z.object({ url: z.string().min(1).max(2000), format: z.string().default('json'), maxwidth: side, maxheight: side });

/** GET /oembed (oembed.com, 1.0): how to show the page at `url` within another. */
export function oembed(deps: HttpDeps, find: (id: string) => Promise<AssetRow | null>, thumb: (id: string) => Promise<FileRow | null>): RequestHandler {
	return async (request, response) => {
		const { url, format, maxwidth: width, maxheight: height } = parse(query, request.query);
		// oembed.com 2.3.3: a form that is not known is answered 501. There is no such code of ours.
		if (format !== 'json' && format !== 'xml') return void response.status(501).json({ error: { code: 'invalid_request', message: 'format: must be json or xml.' } });
		const id = assetOf(url, deps.publicUrl);
		const asset = id === null ? null : await find(id);
		if (!asset) throw new PipelineError('not_found', 'There is no public asset at this address.');
		const picture = await thumb(asset.id);
		const answer: Record<string, string | number> = {
			version: '1.0',
			type: asset.fileType === 'video' ? 'video' : 'rich',
			title: titleOf(asset),
			...(deps.player.name ? { provider_name: deps.player.name } : {}),
			provider_url: deps.publicUrl,
			cache_age: 300,
			html: embedCode(deps.publicUrl, asset, { width, height }),
			...embedSize(asset, { width, height }),
			...(picture?.width && picture.height && picture.width <= width && picture.height <= height
				? { thumbnail_url: deps.storage.publicUrl?.(picture.storageKey) ?? `${deps.publicUrl}/${picture.storageKey}`, thumbnail_width: picture.width, thumbnail_height: picture.height }
				: {}),
		};
		response.set({ 'Access-Control-Allow-Origin': '*', 'Cache-Control': 'public, max-age=300' });
		if (format === 'json') return void response.json(answer);
		const fields = Object.entries(answer).map(([name, value]) => `<${name}>${escapeHtml(printable(String(value)))}</${name}>`);
		response.type('text/xml').send(`<?xml version="1.0" encoding="utf-8" standalone="yes"?>\n<oembed>${fields.join('')}</oembed>\n`);
	};
}

/** XML 1.0 has no way to write the other control characters. */
const printable = (text: string): string => text.replace(/[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '');

/** Of `{publicUrl}/watch/{id}` or `/embed/{id}`; null: that is no page of ours. */
function assetOf(url: string, publicUrl: string): string | null {
	if (!URL.canParse(url)) return null;
	const { origin, pathname } = new URL(url);
	const base = new URL(publicUrl);
	const path = base.pathname.replace(/\/+$/, '');
	if (origin !== base.origin || !pathname.startsWith(path)) return null;
	return /^\/(?:watch|embed)\/([0-9a-f-]{36})\/?$/.exec(pathname.slice(path.length))?.[1] ?? null;
}
