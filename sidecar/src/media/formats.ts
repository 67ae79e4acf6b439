/**
 * What the sidecar reads. The magic number decides the demuxer, and ffmpeg is told to use that one and no other: a
 * playlist, a concat script or a subtitle file can therefore never be opened as one, whatever it is called. Demuxers that
 * open further files by name (hls, dash, concat, image2, sdp …) must never enter this table.
 */
export interface InputFormat {
	/** ffmpeg's demuxer, for `-f`. */
	demuxer: string;
	/** For messages. */
	label: string;
	/** Holds one picture. */
	still?: true;
	/** ffmpeg 5.1 does not read it: its facts come from sharp, and ffmpeg is given a PNG of it (picture-readers.ts). */
	bySharp?: true;
}

const MOV = (label: string): InputFormat => ({ demuxer: 'mov', label });
const ASF: InputFormat = { demuxer: 'asf', label: 'Windows Media' };
const OGG: InputFormat = { demuxer: 'ogg', label: 'Ogg' };
const still = (demuxer: string, label: string): InputFormat => ({ demuxer, label, still: true });

/** By the MIME type that the file-type library gives for the magic number. */
export const INPUT_FORMATS: Readonly<Record<string, InputFormat>> = {
	'video/mp4': MOV('MP4'),
	'video/x-m4v': MOV('M4V'),
	'video/quicktime': MOV('QuickTime'),
	'video/3gpp': MOV('3GP'),
	'video/3gpp2': MOV('3G2'),
	'audio/mp4': MOV('M4A'),
	'audio/x-m4a': MOV('M4A'),
	'video/webm': { demuxer: 'matroska', label: 'WebM' },
	'video/matroska': { demuxer: 'matroska', label: 'Matroska' },
	'video/vnd.avi': { demuxer: 'avi', label: 'AVI' },
	'video/x-flv': { demuxer: 'flv', label: 'Flash video' },
	'video/mp2t': { demuxer: 'mpegts', label: 'MPEG transport stream' },
	'video/MP1S': { demuxer: 'mpeg', label: 'MPEG-1' },
	'video/MP2P': { demuxer: 'mpeg', label: 'MPEG-2' },
	'video/mpeg': { demuxer: 'mpegvideo', label: 'MPEG video' },
	'video/x-ms-asf': ASF,
	'audio/x-ms-asf': ASF,
	'application/vnd.ms-asf': ASF,
	'video/ogg': OGG,
	'audio/ogg': OGG,
	'audio/ogg; codecs=opus': OGG,
	'application/ogg': OGG,
	'audio/mpeg': { demuxer: 'mp3', label: 'MP3' },
	'audio/aac': { demuxer: 'aac', label: 'AAC' },
	'audio/wav': { demuxer: 'wav', label: 'WAV' },
	'audio/flac': { demuxer: 'flac', label: 'FLAC' },
	'audio/aiff': { demuxer: 'aiff', label: 'AIFF' },
	'audio/amr': { demuxer: 'amr', label: 'AMR' },
	'audio/x-caf': { demuxer: 'caf', label: 'Core Audio' },
	'image/jpeg': still('jpeg_pipe', 'JPEG'),
	'image/png': still('png_pipe', 'PNG'),
	// The first picture of an animated PNG is a normal PNG to every reader.
	'image/apng': still('png_pipe', 'PNG'),
	'image/webp': still('webp_pipe', 'WebP'),
	'image/bmp': still('bmp_pipe', 'BMP'),
	'image/tiff': still('tiff_pipe', 'TIFF'),
	'image/avif': { demuxer: 'mov', label: 'AVIF', still: true, bySharp: true },
	'image/gif': { demuxer: 'gif', label: 'GIF' },
};

/** Apple's pictures: H.265 inside, which neither ffmpeg 5.1 (tiles) nor the libvips of sharp (patents) reads. */
export const HEIC_TYPES: ReadonlySet<string> = new Set(['image/heic', 'image/heif', 'image/heic-sequence', 'image/heif-sequence']);
export const HEIC_HELP =
	'HEIC pictures cannot be read. Export the picture as JPEG: on an iPhone share it with Options > Most Compatible, or set Settings > ' +
	'Camera > Formats > Most Compatible; on a Mac open it in Preview and choose File > Export > JPEG.';

/** For messages that refuse a file. */
export const ACCEPTED_INPUTS =
	'video as MP4, MOV, WebM, MKV, AVI, MPEG, WMV, FLV or Ogg; audio as MP3, M4A, AAC, WAV, FLAC, Ogg or AIFF; ' +
	'pictures as JPEG, PNG, WebP, AVIF, GIF, TIFF or BMP';

/** What a file without a known magic number looks like, from its first bytes, as the end of "it looks like …". */
export function describeUnknown(head: Uint8Array): string {
	const text = Buffer.from(head)
		.toString('latin1')
		.replace(/^\xef\xbb\xbf/, '')
		.trimStart();
	if (text.startsWith('#EXTM3U')) return 'an HLS playlist (m3u8)';
	if (text.startsWith('ffconcat')) return 'an ffmpeg concat script';
	if (/^<MPD|^<\?xml[^]*<MPD/.test(text)) return 'a DASH manifest';
	if (/^<svg|^<\?xml[^]*<svg/i.test(text)) return 'an SVG drawing';
	if (/^<!doctype html|^<html/i.test(text))
		return 'a web page (HTML), perhaps a login or error page instead of the file';
	if (text.startsWith('WEBVTT') || /^\d+\r?\n\d\d:\d\d:\d\d[,.]\d+ -->/.test(text)) return 'a subtitle file';
	if (/^[{[]/.test(text)) return 'JSON';
	const readable = head.every((byte) => byte >= 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d);
	return readable ? 'plain text' : 'data of an unknown kind';
}
