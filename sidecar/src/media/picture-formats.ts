import { z } from 'zod';

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
}

/** The format of a source that we write as well; undefined for BMP and TIFF. */
export const formatOf = (mime: string): PictureFormat | undefined =>
	FORMAT_NAMES.find((name) => PICTURE_FORMATS[name].mime === mime.replace('image/apng', 'image/png'));

/** The wanted format; for `same` that of the source, or the one that comes nearest. */
export function chooseFormat(source: { mime: string; alpha: boolean }, wanted: PictureFormat | 'same'): PictureFormat {
	if (wanted !== 'same') return wanted;
	return formatOf(source.mime) ?? (source.alpha ? 'png' : 'jpeg');
}
