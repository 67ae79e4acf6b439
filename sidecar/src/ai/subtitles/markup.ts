/** Markup inside of subtitle text. Each expression is bounded and begins with a fixed sign, so hostile text costs no more than its length. */

const TAG = /<(\/?)([a-zA-Z][a-zA-Z0-9]{0,15})(?:[\s.:=/][^<>\n]{0,300})?>/g;
/** Times of words, in WebVTT. */
const TIME = /<\d[\d:.]{3,20}>/g;
const KEPT = new Set(['i', 'b', 'u']);
/** `{\an8}` and the like, which players of SRT take over from ASS. */
const OVERRIDE = /\{\\[^{}\n]{0,300}\}/g;
const ENTITY = /&(amp|lt|gt|nbsp|lrm|rlm|quot|apos|#\d{1,7}|#x[0-9a-fA-F]{1,6});/g;
const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', nbsp: ' ', lrm: '\u200E', rlm: '\u200F', quot: '"', apos: "'" };

/** What keeps text from being taken for markup, as this program writes it (srt.ts). */
const NO_TAG = /([<{])\u2060/g;

/** Without tags, or with `<i>`, `<b>` and `<u>` only. */
export const readTags = (text: string, markup: 'strip' | 'keep'): string => {
	const plain = text.replace(OVERRIDE, '').replace(TIME, '').replace(TAG, (_tag, slash: string, name: string) => (markup === 'keep' && KEPT.has(name.toLowerCase()) ? `<${slash}${name.toLowerCase()}>` : ''));
	return markup === 'keep' ? balanced(plain) : plain.replace(NO_TAG, '$1');
};

/** Closes what is open at the end, and drops what closes nothing. */
export function balanced(text: string): string {
	const open: string[] = [];
	const inside = text.replace(/<(\/?)([ibu])>/g, (tag, slash: string, name: string) => {
		if (!slash) {
			open.push(name);
			return tag;
		}
		if (open.at(-1) !== name) return '';
		open.pop();
		return tag;
	});
	return inside + open.reverse().map((name) => `</${name}>`).join('');
}

export const readEntities = (text: string): string =>
	text.replace(ENTITY, (whole, name: string) => {
		if (!name.startsWith('#')) return NAMED[name] ?? whole;
		const code = name[1] === 'x' ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
		const usable = code >= 32 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
		return usable ? String.fromCodePoint(code) : '';
	});

/** Lines as they are shown: no control characters, no byte order marks, no blank lines, no blanks around. */
export const toLines = (text: string): string[] =>
	text
		.replaceAll('\uFEFF', '')
		// eslint-disable-next-line no-control-regex
		.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029]/g, ' ')
		.split('\n')
		.map((line) => line.replaceAll('\t', ' ').trim())
		.filter(Boolean);
