import { extensionOf } from './file-name.ts';

/** MIME types that usually go with an extension, the registered one first. What browsers and systems really send is listed as well. */
const USUAL: Record<string, string[]> = {
	mp4: ['video/mp4', 'audio/mp4', 'application/mp4'],
	m4v: ['video/mp4', 'video/x-m4v'],
	mov: ['video/quicktime'],
	webm: ['video/webm', 'audio/webm'],
	mkv: ['video/matroska', 'video/x-matroska'],
	avi: ['video/vnd.avi', 'video/x-msvideo', 'video/avi'],
	mpg: ['video/mpeg'],
	mpeg: ['video/mpeg'],
	ts: ['video/mp2t'],
	'3gp': ['video/3gpp', 'audio/3gpp'],
	ogv: ['video/ogg', 'application/ogg'],
	mp3: ['audio/mpeg', 'audio/mp3'],
	m4a: ['audio/mp4', 'audio/x-m4a', 'audio/m4a'],
	aac: ['audio/aac', 'audio/x-aac'],
	wav: ['audio/wav', 'audio/x-wav', 'audio/wave', 'audio/vnd.wave'],
	flac: ['audio/flac', 'audio/x-flac'],
	ogg: ['audio/ogg', 'video/ogg', 'application/ogg'],
	opus: ['audio/ogg', 'audio/opus'],
	jpg: ['image/jpeg', 'image/jpg'],
	jpeg: ['image/jpeg', 'image/jpg'],
	png: ['image/png', 'image/apng'],
	gif: ['image/gif'],
	webp: ['image/webp'],
	avif: ['image/avif'],
	heic: ['image/heic', 'image/heif'],
	tif: ['image/tiff'],
	tiff: ['image/tiff'],
	bmp: ['image/bmp', 'image/x-ms-bmp'],
	svg: ['image/svg+xml'],
};

/** Null: the name says nothing of it. */
export const usualTypes = (name: string): string[] | null => USUAL[extensionOf(name)] ?? null;
