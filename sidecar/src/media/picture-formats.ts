import { z } from 'zod';
import { PipelineError } from '../errors.ts';

/** What pictures are written as, and which of them an operation chooses. Pure. */
export const PICTURE_FORMATS = {
	avif: { extension: 'avif', mime: 'image/avif', animates: false, alpha: true },
	gif: { extension: 'gif', mime: 'image/gif', animates: true, alpha: true },
	jpeg: { extension: 'jpg', mime: 'image/jpeg', animates: false, alpha: false },
	png: { extension: 'png', mime: 'image/png', animates: false, alpha: true },
	webp: { extension: 'webp', mime: 'image/webp', animates: true, alpha: true },
} as const;
export type PictureFormat = keyof typeof PICTURE_FORMATS;

export const FORMAT_NAMES = ['jpeg', 'png', 'webp', 'avif', 'gif'] as const satisfies readonly PictureFormat[];

/** Qualities that look alike: the scale of AVIF is another one. */
export const DEFAULT_QUALITY: Readonly<Record<PictureFormat, number>> = { jpeg: 82, webp: 80, avif: 55, png: 100, gif: 100 };

export const qualityField = z
	.int()
	.min(1)
	.max(100)
	.optional()
	.describe('Of jpeg, webp and avif: 1 (smallest file) to 100 (best picture). Without it: jpeg 82, webp 80, avif 55.');

export const sameOrFormat = z
	.enum(['same', ...FORMAT_NAMES])
	.default('same')
	.describe('File format. same: as the source; BMP and TIFF become jpeg, or png where they are transparent. Default same.');

export interface Encoding {
	format: PictureFormat;
	/** Default: DEFAULT_QUALITY. */
	quality?: number | undefined;
	/** Of webp and avif. */
	lossless?: boolean | undefined;
	/** Of the result, where it may be large: encoders that hold the whole picture are then spared, or refused. */
	size?: { width: number; height: number } | undefined;
}

/** Below this, JPEG may hold the whole picture (6 bytes per pixel) to make its file a twentieth smaller. */
const HELD_JPEG_PIXELS = 17e6;
export const mayHold = ({ size }: Encoding): boolean => !size || size.width * size.height <= HELD_JPEG_PIXELS;

/** libaom needs 33 bytes per pixel (3.15, 60 megapixels: 1.9 GB): this is 825 MB. */
const MAX_AVIF_PIXELS = 25e6;

/** Throws `invalid_request` where encoding would need more memory than a small server has. */
export function refuseHeavy({ format, size }: Encoding): void {
	if (format !== 'avif' || !size || size.width * size.height <= MAX_AVIF_PIXELS) return;
	throw new PipelineError('invalid_request', `An AVIF of ${size.width} x ${size.height} pixels needs too much memory; at most ${MAX_AVIF_PIXELS / 1e6} megapixels are made. Choose webp, or a smaller size (image_resize).`, {
		details: { field: 'params.format', given: format, allowed: 'webp, jpeg, png' },
	});
}

/** The format of a source that we write as well; undefined for BMP and TIFF. */
export const formatOf = (mime: string): PictureFormat | undefined =>
	FORMAT_NAMES.find((name) => PICTURE_FORMATS[name].mime === mime.replace('image/apng', 'image/png'));

/** The wanted format; for `same` that of the source, or the one that comes nearest. */
export function chooseFormat(source: { mime: string; alpha: boolean }, wanted: PictureFormat | 'same'): PictureFormat {
	if (wanted !== 'same') return wanted;
	return formatOf(source.mime) ?? (source.alpha ? 'png' : 'jpeg');
}
