import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { encode, openPicture } from '../../media/images.ts';
import { formatOf } from '../../media/picture-formats.ts';
import { stripMetadata } from '../../media/strip.ts';
import type { PostMedia } from '../platform.ts';

/** Nothing of it shows. */
const QUALITY = 92;
/** For pictures that would become too large. */
const SMALLER_QUALITY = 80;

/**
 * The bytes of a picture without what it tells beside what it shows: Bluesky's servers give files out as they are, with the
 * place where a photo was taken (platforms.md 9.2). Pictures that lie on their side are turned upright, as that is told there, too.
 * A picture that cannot be read stays as it is: the platform judges it.
 */
export async function withoutMetadata(media: PostMedia, maxBytes: number, signal: AbortSignal): Promise<Buffer> {
	const bytes = await readFile(media.path);
	const format = formatOf(media.mime);
	if (!format) return bytes;
	try {
		const picture = await openPicture(media, { workDir: tmpdir(), signal });
		const stripped = picture.orientation === 1 ? stripMetadata(media.mime, bytes) : null;
		if (stripped) return stripped;
		const upright = (quality: number) => encode(picture.open({ still: true }), { format, quality }).keepIccProfile().toBuffer();
		const made = await upright(QUALITY);
		return made.length <= maxBytes ? made : await upright(SMALLER_QUALITY);
	} catch {
		return bytes;
	}
}
