/** NAME_MAX of ext4, APFS and NTFS is 255; what is left is room for prefixes of our own. */
const MAX_BYTES = 120;
/** Names that Windows keeps for devices, with any extension. */
const DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;
/** Control characters, and those that turn the reading direction ("gpj.exe" shown as "exe.jpg") or take no room. */
// eslint-disable-next-line no-control-regex
const INVISIBLE = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/**
 * A name from outside as a plain file name: no folders, no leading dots, nothing that a file system, a shell or a header
 * could take for something else. `fallback` when nothing is left.
 */
export function safeFileName(raw: string, fallback = 'file'): string {
	const last = raw.normalize('NFC').replace(INVISIBLE, '').split(/[/\\]/).pop() ?? '';
	const plain = last
		.replace(/["'`<>|:*?$&;%#{}^~\p{Cs}]/gu, '_')
		.replace(/\s+/g, ' ')
		.replace(/^[\s.]+|[\s.]+$/g, '');
	const named = DEVICE.test(plain) ? `_${plain}` : plain;
	return shorten(named, MAX_BYTES) || fallback;
}

/** Lower-case extension without the dot, `''` when there is none that looks like one. */
export function extensionOf(name: string): string {
	return /\.([a-z0-9]{1,8})$/i.exec(name)?.[1]?.toLowerCase() ?? '';
}

/** The file name that an answer gives (RFC 6266: filename* before filename), else that of its URL. Always safe. */
export function fileNameOf(contentDisposition: string | undefined, url: URL | null, fallback = 'file'): string {
	const fromUrl = url?.pathname.split('/').pop() ?? '';
	return safeFileName(dispositionName(contentDisposition ?? '') || decode(fromUrl), fallback);
}

/** How a file is to be named by who gets it (RFC 6266): a plain name for old clients, and in RFC 5987's form where it is more than that. */
export function contentDisposition(name: string, attachment: boolean): string {
	const plain = name.replace(/[^\x20-\x7e]|["\\%]/g, '_');
	const full = plain === name ? '' : `; filename*=UTF-8''${encodeURIComponent(name.replace(/\p{Surrogate}/gu, '_')).replace(/['()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)}`;
	return `${attachment ? 'attachment' : 'inline'}; filename="${plain}"${full}`;
}

function dispositionName(header: string): string {
	const extended = /;\s*filename\*\s*=\s*(utf-8|iso-8859-1)'[^']*'([^;\s]+)/i.exec(header);
	if (extended?.[2]) return extended[1]?.toLowerCase() === 'utf-8' ? decode(extended[2]) : unescapeLatin1(extended[2]);
	const quoted = /;\s*filename\s*=\s*"((?:[^"\\]|\\.)*)"/i.exec(header);
	if (quoted?.[1]) return latin1ToUtf8(quoted[1].replace(/\\(.)/g, '$1'));
	return latin1ToUtf8(/;\s*filename\s*=\s*([^;\s"]+)/i.exec(header)?.[1] ?? '');
}

function decode(text: string): string {
	try {
		return decodeURIComponent(text);
	} catch {
		return text;
	}
}

const unescapeLatin1 = (text: string) =>
	text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));

/** Servers send UTF-8 in `filename` although Node reads headers as Latin-1. */
function latin1ToUtf8(text: string): string {
	const utf8 = Buffer.from(text, 'latin1').toString('utf8');
	return utf8.includes('\ufffd') ? text : utf8;
}

/** Cuts before the extension, at whole characters. */
function shorten(name: string, maxBytes: number): string {
	if (Buffer.byteLength(name) <= maxBytes) return name;
	const extension = /\.[^.]{1,10}$/.exec(name)?.[0] ?? '';
	let stem = Array.from(name.slice(0, name.length - extension.length));
	while (stem.length > 0 && Buffer.byteLength(stem.join('') + extension) > maxBytes) stem = stem.slice(0, -1);
	return stem.join('') + extension;
}
