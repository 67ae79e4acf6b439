import type { AssetRow } from '../../db/assets.ts';
import type { Chapter } from '../../pipeline/public-page.ts';

/** What the operator sets: PLAYER_NAME, PLAYER_COLOR, EMBED_ORIGINS (config.ts). */
export interface PlayerSettings {
	name: string;
	/** #rrggbb */
	color: string;
	/** Who may show /embed in a frame, as sources of Content-Security-Policy. */
	embedOrigins: string[];
}

/** All that the page shows. Addresses are paths of this sidecar, or where the store itself shows public files. */
export interface PageData {
	id: string;
	kind: 'video' | 'audio' | 'image';
	title: string;
	description: string;
	language: string | null;
	width: number;
	height: number;
	seconds: number;
	/** Null: nothing that browsers show is there yet. */
	file: { path: string; mime: string } | null;
	hls: string | null;
	poster: { path: string; mime: string; width: number | null; height: number | null } | null;
	captions: Array<{ path: string; language: string; label: string }>;
	chapters: Chapter[];
}

/** Text in HTML, between tags and in quotes. */
export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

/** Of what has no size, sound: room for the controls. */
const BAR_HEIGHT = 160;

export function embedSize({ fileType, width, height }: Pick<AssetRow, 'fileType' | 'width' | 'height'>, most: { width: number; height: number } = { width: 960, height: 960 }): { width: number; height: number } {
	if (fileType === 'audio' || !width || !height) return { width: Math.min(most.width, 640), height: Math.min(most.height, BAR_HEIGHT) };
	const scale = Math.min(1, most.width / width, most.height / height);
	return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

export const titleOf = ({ title, fileType }: Pick<AssetRow, 'title' | 'fileType'>): string => (title ?? '').replace(/\s+/gu, ' ').trim() || { video: 'Video', audio: 'Audio', image: 'Picture' }[fileType ?? 'video'];

/** For other pages. */
export function embedCode(publicUrl: string, asset: AssetRow, most?: { width: number; height: number }): string {
	const { width, height } = embedSize(asset, most);
	return `<iframe src="${escapeHtml(`${publicUrl}/embed/${asset.id}`)}" width="${width}" height="${height}" title="${escapeHtml(titleOf(asset))}" style="border:0;max-width:100%" allow="fullscreen; picture-in-picture" allowfullscreen loading="lazy"></iframe>`;
}

const head = (title: string, settings: PlayerSettings, more = ''): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(settings.name ? `${title} · ${settings.name}` : title)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/player/player.css">
<link rel="stylesheet" href="/player/theme.css">
${more}</head>
`;

/** The page at /watch, and without its frame at /embed. Every text of users is escaped. */
export function playerPage(data: PageData, settings: PlayerSettings, publicUrl: string, embedded: boolean): string {
	const text = escapeHtml;
	const page = `${publicUrl}/watch/${data.id}`;
	const absolute = (path: string): string => (path.startsWith('/') ? publicUrl + path : path);
	const secure = (url: string): string | null => (url.startsWith('https:') ? url : null);
	const picture = data.poster ?? (data.kind === 'image' && data.file ? { ...data.file, width: data.width, height: data.height } : null);
	const lang = data.language ? ` lang="${text(data.language)}"` : '';
	const meta: Array<[attribute: 'property' | 'name', name: string, content: string | number | null]> = [
		['name', 'description', data.description.slice(0, 300)],
		['property', 'og:title', data.title],
		['property', 'og:description', data.description.slice(0, 300)],
		['property', 'og:site_name', settings.name],
		['property', 'og:url', page],
		['property', 'og:type', data.kind === 'video' ? 'video.other' : data.kind === 'audio' ? 'music.song' : 'website'],
		['property', 'og:locale', localeOf(data.language)],
		...(picture
			? ([
					['property', 'og:image', absolute(picture.path)],
					['property', 'og:image:type', picture.mime],
					['property', 'og:image:width', picture.width],
					['property', 'og:image:height', picture.height],
					['property', 'og:image:alt', data.title],
				] as Array<['property', string, string | number | null]>)
			: []),
		...(data.kind !== 'image' && data.file
			? ([
					['property', `og:${data.kind}`, absolute(data.file.path)],
					['property', `og:${data.kind}:secure_url`, secure(absolute(data.file.path))],
					['property', `og:${data.kind}:type`, data.file.mime],
				] as Array<['property', string, string | null]>)
			: []),
		...(data.kind === 'video' && data.file
			? ([
					['property', 'og:video:width', data.width],
					['property', 'og:video:height', data.height],
					['property', 'video:duration', data.seconds >= 1 ? Math.round(data.seconds) : null],
				] as Array<['property', string, number | null]>)
			: []),
		['name', 'twitter:card', data.kind === 'video' ? 'player' : 'summary_large_image'],
		['name', 'twitter:title', data.title],
		['name', 'twitter:description', data.description.slice(0, 200)],
		['name', 'twitter:image', picture ? absolute(picture.path) : null],
		['name', 'twitter:image:alt', picture ? data.title : null],
		...(data.kind === 'video'
			? ([
					['name', 'twitter:player', `${publicUrl}/embed/${data.id}`],
					['name', 'twitter:player:width', data.width],
					['name', 'twitter:player:height', data.height],
				] as Array<['name', string, string | number]>)
			: []),
	];
	const tags = meta.flatMap(([attribute, name, content]) => (content === null || content === '' ? [] : [`<meta ${attribute}="${name}" content="${text(String(content))}">\n`])).join('');
	const oembed = (format: 'json' | 'xml'): string =>
		`<link rel="alternate" type="${format === 'json' ? 'application/json+oembed' : 'text/xml+oembed'}" title="${text(data.title)}" href="${text(`${publicUrl}/oembed?url=${encodeURIComponent(page)}&format=${format}`)}">\n`;
	const links = `<link rel="canonical" href="${text(page)}">\n${oembed('json')}${oembed('xml')}`;
	// In a script, `<` must not begin a tag.
	const json = JSON.stringify(data).replace(/</g, '\\u003c');
	const player = `<div id="player" class="player ${data.kind}"${data.kind === 'image' ? '' : ` role="region" aria-label="${data.kind === 'video' ? 'Video' : 'Audio'} player"`}>${media(data)}</div>
<script type="application/json" id="data">${json}</script>
<script type="module" src="/player/player.js"></script>`;
	if (embedded) return `${head(data.title, settings, tags + links)}<body class="embedded">\n${player}\n</body>\n</html>\n`;
	return `${head(data.title, settings, tags + links)}<body>
<main>
${player}
<h1 dir="auto"${lang}>${text(data.title)}</h1>
${data.description ? `<p class="description" dir="auto"${lang}>${text(data.description)}</p>` : ''}
${data.chapters.length > 0 ? '<section class="chapters" aria-labelledby="chapters-title"><h2 id="chapters-title">Chapters</h2><ol id="chapters"></ol></section>' : ''}
</main>
${settings.name ? `<footer>${text(settings.name)}</footer>` : ''}
</body>
</html>
`;
}

/** As Open Graph writes them, with a territory: where that is not known, nothing is said. */
const localeOf = (language: string | null): string | null => (/^[a-z]{2}-[A-Z]{2}$/.test(language ?? '') ? (language ?? '').replace('-', '_') : null);

/** Plays without scripts too; the script puts its own controls in place of the browser's. */
function media({ kind, title, file, poster, captions, chapters, id, language, width, height }: PageData): string {
	const text = escapeHtml;
	if (!file) return '<p class="waiting" role="status">This is still being prepared. Come back in a moment.</p>';
	if (kind === 'image') return `<img src="${text(file.path)}" alt="${text(title)}">`;
	const tracks = [
		...captions.map(({ path, language: of, label }) => `<track kind="captions" src="${text(path)}" srclang="${text(of)}" label="${text(label)}">`),
		...(chapters.length > 0 ? [`<track kind="chapters" src="/watch/${id}/chapters.vtt"${language ? ` srclang="${text(language)}"` : ''}>`] : []),
	].join('');
	return kind === 'audio'
		? `${poster ? `<img class="cover" src="${text(poster.path)}" alt="">` : ''}<audio controls preload="metadata" src="${text(file.path)}" aria-label="${text(title)}">${tracks}</audio>`
		: `<video controls playsinline preload="metadata" src="${text(file.path)}" width="${width}" height="${height}" aria-label="${text(title)}"${poster ? ` poster="${text(poster.path)}"` : ''}>${tracks}</video>`;
}

/** Unknown, private, not any more: all the same. */
export const notFoundPage = (settings: PlayerSettings): string => `${head('Not found', settings, '<meta name="robots" content="noindex">\n')}<body>
<main class="missing"><h1>There is nothing to see here</h1><p>The address is wrong, or what was here is not public any more.</p></main>
</body>
</html>
`;
