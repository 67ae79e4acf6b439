import { extensionOf } from '../net/file-name.ts';

/** What the endings of names stand for; only to leave documents out of lists: what a file is tells its content, once it is here. */
const VIDEO = ['3g2', '3gp', 'asf', 'avi', 'flv', 'm2ts', 'm4v', 'mkv', 'mov', 'mp4', 'mpeg', 'mpg', 'mts', 'mxf', 'ogv', 'ts', 'webm', 'wmv'];
const AUDIO = ['aac', 'aif', 'aiff', 'amr', 'flac', 'm4a', 'm4b', 'mka', 'mp3', 'oga', 'ogg', 'opus', 'wav', 'weba', 'wma'];
const IMAGE = ['apng', 'avif', 'bmp', 'gif', 'heic', 'heif', 'jfif', 'jpeg', 'jpg', 'png', 'svg', 'tif', 'tiff', 'webp'];

const MEDIA = /^(video|audio|image)\//;
/** Types that say nothing. */
const ANY = /^(application\/(octet-stream|binary|ogg|mp4|x-matroska)|binary\/octet-stream)$/;

/** Why a file of a list is no media, as far as its name and type tell; null: it may be some. */
export function whyNoMedia(name: string, mime: string | null): string | null {
	const type = mime?.split(';')[0]?.trim().toLowerCase() || null;
	if (type && MEDIA.test(type)) return null;
	if ([...VIDEO, ...AUDIO, ...IMAGE].includes(extensionOf(name)) && (!type || ANY.test(type))) return null;
	return type && !ANY.test(type) ? `It is neither video, audio nor image, but ${type}.` : 'Its name does not end like that of a video, audio or image file.';
}
