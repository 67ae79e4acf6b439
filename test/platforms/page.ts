/** A published post as the page shows it. */
export interface ShownPost {
	id: string;
	author: string;
	text: string;
	permalink: string;
	at: Date;
	media: Array<{ url: string; mime: string; alt: string | null }>;
	/** What else belongs to it, one line each: the link of its card, comments. */
	notes?: readonly string[];
}

export const escape = (text: string): string =>
	text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

function mediaHtml({ url, mime, alt }: ShownPost['media'][number]): string {
	const label = escape(alt ?? '');
	if (mime.startsWith('video/')) return `<video controls preload="metadata" src="${escape(url)}" aria-label="${label}"></video>`;
	if (mime.startsWith('audio/')) return `<audio controls src="${escape(url)}" aria-label="${label}"></audio>`;
	return `<img src="${escape(url)}" alt="${label}">`;
}

/** One post, as a person would see it. */
export const articleHtml = (post: ShownPost): string => `<article id="${escape(post.id)}">
	<header><strong>@${escape(post.author)}</strong> <a href="${escape(post.permalink)}"><time datetime="${post.at.toISOString()}">${post.at.toISOString().slice(0, 16).replace('T', ' ')}</time></a></header>
	<p>${escape(post.text).replaceAll('\n', '<br>')}</p>
	${post.media.map(mediaHtml).join('\n\t')}
	${(post.notes ?? []).map((note) => `<p class="note">${escape(note)}</p>`).join('\n\t')}
</article>`;

export const STYLE = `
	body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 2rem auto; padding: 0 1rem; color: #222; background: #f6f6f4; }
	article { background: #fff; border: 1px solid #ddd; border-radius: 8px; padding: 1rem; margin: 1rem 0; overflow-wrap: anywhere; }
	video, img { width: 100%; max-height: 32rem; object-fit: contain; border-radius: 6px; background: #111; }
	.note { color: #666; }
`;

/** What was published on a local stand-in, newest first, for a person to look at. */
export function page(title: string, posts: readonly ShownPost[]): string {
	const articles = posts.toReversed().map(articleHtml);
	return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escape(title)} (local stand-in)</title>
<style>${STYLE}</style>
<h1>${escape(title)}</h1>
<p class="note">A local stand-in: nothing here was published on the internet. ${posts.length} ${posts.length === 1 ? 'post' : 'posts'}.</p>
${articles.join('\n') || '<p>Nothing has been published yet.</p>'}
</html>
`;
}
