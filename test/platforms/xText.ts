/** Code point ranges of weight 1 (platforms.md 1.5); everything else weighs 2, an emoji 2 as a whole, a link 23. */
const LIGHT: Array<[number, number]> = [
	[0, 4351],
	[8192, 8205],
	[8208, 8223],
	[8242, 8247],
];
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
const URL_PATTERN = /\bhttps?:\/\/[^\s]+|(?<![@\w.])(?:[a-z0-9-]+\.)+(?:com|org|net|io|py|dev|co)\b(?:\/[^\s]*)?/gi;

/** X's count, written apart from the library that the sidecar uses: each checks the other. */
export function countWeighted(text: string): number {
	const composed = text.normalize('NFC');
	const links = composed.match(URL_PATTERN) ?? [];
	let weight = links.length * 23;
	for (const { segment } of graphemes.segment(composed.replace(URL_PATTERN, ''))) {
		if (/\p{Emoji_Presentation}|\p{Extended_Pictographic}\uFE0F|\u20E3|\p{RI}\p{RI}/u.test(segment)) weight += 2;
		else for (const character of segment) weight += LIGHT.some(([from, to]) => character.codePointAt(0)! >= from && character.codePointAt(0)! <= to) ? 1 : 2;
	}
	return weight;
}

/** Links as the API shows them: t.co, with what they stand for beside; entities of HTML escaped. */
export function shortenUrls(text: string): { text: string; links: Array<{ url: string; expanded_url: string }> } {
	const links: Array<{ url: string; expanded_url: string }> = [];
	const short = text.replace(URL_PATTERN, (found) => {
		const url = `https://t.co/${links.length}${Buffer.from(found).toString('hex').slice(0, 8)}`;
		links.push({ url, expanded_url: /^https?:/i.test(found) ? found : `http://${found}` });
		return url;
	});
	return { text: short.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;'), links };
}
