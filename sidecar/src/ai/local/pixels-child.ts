import sharp, { type ResizeOptions } from 'sharp';

/** For child processes: how pictures get into models. */

// Pictures are seen once. They come from the sidecar, as JPEG, PNG or WebP; nothing else is read.
sharp.cache(false);
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({ operation: ['Jpeg', 'Png', 'Webp'].map((loader) => `VipsForeignLoad${loader}`) });
/** Pictures have sides of at most 2048 (provider.ts). */
const MAX_PIXELS = 2048 * 2048;

export interface Pixels {
	/** RGB, row by row. */
	data: Uint8Array;
	width: number;
	height: number;
}

/** Transparent parts become white. Without `size`, as large as it is. */
export async function readPixels(path: string, size?: ResizeOptions & { width: number; height: number }): Promise<Pixels> {
	const picture = sharp(path, { limitInputPixels: MAX_PIXELS }).flatten({ background: '#ffffff' }).toColourspace('srgb');
	const { data, info } = await (size ? picture.resize(size) : picture).raw().toBuffer({ resolveWithObject: true });
	if (info.channels !== 3) throw new Error(`${info.channels} channels instead of 3`);
	return { data, width: info.width, height: info.height };
}
