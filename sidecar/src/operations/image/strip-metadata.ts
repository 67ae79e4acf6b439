import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readMetadata, type Picture } from '../../media/images.ts';
import { formatOf, PICTURE_FORMATS, type PictureFormat } from '../../media/picture-formats.ts';
import { stripMetadata as strip } from '../../media/strip.ts';
import type { TaskContext, TaskOperation, TaskResult } from '../operation.ts';
import { describeFile, oneFile, openFor, openSource, secondsFor } from './picture.ts';

const params = z.strictObject({});

/** Pictures are read as a whole for this; of 67 megapixels in PNG with 8 bits that is the most there can be. */
const MAX_BYTES = 256 * 1024 * 1024;
/** Nothing of this shows: visually lossless. */
const QUALITY: Readonly<Record<PictureFormat, number>> = { jpeg: 95, webp: 95, avif: 85, png: 100, gif: 100 };

export const stripMetadata: TaskOperation<z.infer<typeof params>> = {
	kind: 'task',
	name: 'strip_metadata',
	version: 2,
	reusable: true,
	summary: 'Removes what a picture tells beside what it shows: place, camera, times, captions, thumbnails, hidden attachments.',
	accepts: ['image'],
	params,
	example: {},
	produces: '`width`, `height`, `format`, `bytes`, `frames` (of animations), `re_encoded`, `reason`. Files: `stripped.<format>`; upright, with its colour profile or in sRGB.',
	estimateSeconds: (facts) => secondsFor(facts),
	async run(context) {
		const picture = await openSource(context);
		return (await withoutEncoding(context, picture)) ?? encoded(context, picture);
	},
};

/** An upright picture of a format that can be taken apart: not a pixel changes. Null where that cannot be done. */
async function withoutEncoding({ workDir }: TaskContext, { path, mime, bytes, orientation, width, height, frames }: Picture): Promise<TaskResult | null> {
	const format = formatOf(mime);
	if (!format || orientation !== 1 || bytes > MAX_BYTES) return null;
	const stripped = strip(mime, await readFile(path));
	if (!stripped) return null;
	const { extension } = PICTURE_FORMATS[format];
	const name = `stripped.${extension}`;
	const made = join(workDir, name);
	await writeFile(made, stripped);
	await readMetadata(made);
	return describeFile({ name, path: made, mime: PICTURE_FORMATS[format].mime, width, height, bytes: stripped.length, frames }, format, ['The metadata was cut out of the file; the picture itself is unchanged.'], { re_encoded: false });
}

async function encoded(context: TaskContext, picture: Picture): Promise<TaskResult> {
	const { chain, format, notes } = openFor(picture, 'same');
	const why = picture.orientation === 1 ? 'The picture was encoded anew without its metadata.' : 'The picture was turned upright, which needs encoding it anew.';
	const { output, ...result } = await oneFile(context, chain, { format, quality: QUALITY[format], size: picture }, 'stripped', [...notes, why]);
	return { output: { ...output, re_encoded: true }, ...result };
}
