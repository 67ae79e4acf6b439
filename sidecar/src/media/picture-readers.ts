import { join } from 'node:path';
import type { MediaFacts } from './facts.ts';
import { openPicture, writePicture, type PictureWork } from './images.ts';
import { probe } from './probe.ts';

/**
 * Pictures that ffmpeg cannot read, or would show in wrong colours, as a PNG of the (first) picture, upright and in sRGB:
 * AVIF, animated WebP, CMYK. Everything else is handed back as it is.
 */
export async function asReadByFfmpeg<T extends { path: string; facts: MediaFacts }>(media: T, work: PictureWork): Promise<T | { path: string; facts: MediaFacts }> {
	if (!needsCopy(media.facts)) return media;
	const picture = await openPicture(media, work);
	const { name } = await writePicture(picture.open({ still: true }), { format: 'png' }, `readable-${crypto.randomUUID()}`, work);
	const path = join(work.workDir, name);
	return { path, facts: await probe(path, { signal: work.signal }) };
}

/** Pure. ffmpeg reads the four inks of a JPEG as three colours and transparency. */
export const needsCopy = ({ mime, animation, video }: Pick<MediaFacts, 'mime' | 'animation' | 'video'>): boolean =>
	mime === 'image/avif' || (mime === 'image/webp' && Boolean(animation)) || (mime === 'image/jpeg' && /^gbrap|^yuva/.test(video?.pixelFormat ?? ''));
