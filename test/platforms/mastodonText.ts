const URL_PATTERN = /https?:\/\/[^\s<>"]+/g;
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** As the server counts: graphemes, a link 23, `@user@host` without the host. */
export function countStatus(text: string): number {
	const short = text.replace(URL_PATTERN, 'x'.repeat(23)).replace(/(^|\W)@(\w+)@[\w.-]+\w/g, '$1@$2');
	return [...graphemes.segment(short)].length;
}

const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** The HTML that a server makes of a text: paragraphs, line breaks, links cut in three, tags, mentions without host. */
export function renderStatus(text: string, base: string): string {
	const linked = escape(text)
		.replace(URL_PATTERN, (url) => {
			const [, scheme, rest] = /^(https?:\/\/)(.*)$/.exec(url)!;
			const shown = rest!.slice(0, 30);
			return `<a href="${url}" rel="nofollow"><span class="invisible">${scheme}</span><span class="ellipsis">${shown}</span><span class="invisible">${rest!.slice(30)}</span></a>`;
		})
		.replace(/(^|\s)@(\w+)@([\w.-]+\w)/g, `$1<span class="h-card"><a href="https://$3/@$2">@<span>$2</span></a></span>`)
		.replace(/(^|\s)#(\w+)/g, `$1<a href="${base}/tags/$2" class="mention hashtag">#<span>$2</span></a>`);
	return linked
		.split('\n\n')
		.map((paragraph) => `<p>${paragraph.replaceAll('\n', '<br />')}</p>`)
		.join('');
}
