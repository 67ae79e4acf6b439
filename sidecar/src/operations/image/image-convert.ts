import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { PipelineError } from '../../errors.ts';
import { writePicture, type Picture, type WrittenPicture } from '../../media/images.ts';
import { FORMAT_NAMES, formatOf, PICTURE_FORMATS, qualityField, type PictureFormat } from '../../media/picture-formats.ts';
import type { TaskContext, TaskOperation } from '../operation.ts';
import { describeFile, openFor, openSource, secondsFor } from './picture.ts';

const LOSSY: readonly PictureFormat[] = ['jpeg', 'webp', 'avif'];
const LOSSLESS: readonly PictureFormat[] = ['webp', 'avif'];

const params = z
	.strictObject({
		format: z.enum(FORMAT_NAMES).describe('File format of the result.'),
		quality: qualityField,
		lossless: z.boolean().default(false).describe('Whether no detail may be lost, where the format knows both ways (webp, avif). Default false.'),
		target_bytes: z
			.int()
			.min(1024)
			.optional()
			.describe('The best quality is searched whose file has at most this many bytes; quality is then the highest that is tried. For jpeg, webp and avif.'),
	})
	.superRefine(({ format, lossless, target_bytes: target }, context) => {
		const refuse = (path: string, message: string): void => context.addIssue({ code: 'custom', path: [path], message });
		if (target !== undefined && !LOSSY.includes(format)) refuse('target_bytes', `${format} has no quality to search. Choose jpeg, webp or avif.`);
		if (target !== undefined && lossless) refuse('target_bytes', 'A file of limited size cannot be lossless. Leave out one of the two.');
		if (lossless && LOSSY.includes(format) && !LOSSLESS.includes(format)) refuse('lossless', `${format} is never lossless. Choose png, webp or avif.`);
	});
type Params = z.infer<typeof params>;

export const imageConvert: TaskOperation<Params> = {
	kind: 'task',
	name: 'image_convert',
	version: 1,
	reusable: true,
	summary: 'Changes the format of a picture, on request into a file of limited size. Animations stay animated in webp and gif.',
	accepts: ['image'],
	params,
	example: { format: 'webp', target_bytes: 500_000 },
	produces: '`width`, `height`, `format`, `bytes`, `quality` (with `target_bytes`), `frames` (of animations), sometimes `reason`. Files: `converted.<format>`.',
	estimateSeconds: (facts, { target_bytes: target }) => secondsFor(facts, target === undefined ? 1 : 6),
	async run(context, wanted) {
		const picture = await openSource(context);
		const { format, quality, lossless, target_bytes: target } = wanted;
		if (isThereAlready(picture, wanted)) return describeFile(await copy(picture, format, context), format, [`The picture is already ${format} and is copied.`]);
		const { notes } = openFor(picture, format);
		const attempt = (at: number | undefined): Promise<WrittenPicture> => writePicture(openFor(picture, format).chain, { format, quality: at, lossless, size: picture }, 'converted', context);
		if (target === undefined) return describeFile(await attempt(quality), format, notes);
		const found = await searchQuality(async (at) => (await attempt(at)).bytes, target, quality);
		if ('tooLarge' in found) throw tooLarge(found.tooLarge, target);
		return describeFile(await attempt(found.quality), format, notes, { quality: found.quality });
	},
};

/** Nothing would be gained: the same format, upright, in ordinary colours, and small enough. */
const isThereAlready = (picture: Picture, { format, quality, target_bytes: target }: Params): boolean =>
	formatOf(picture.mime) === format && picture.mime !== 'image/apng' && picture.orientation === 1 && !picture.foreignColours && (target === undefined ? quality === undefined : picture.bytes <= target);

async function copy(picture: Picture, format: PictureFormat, { workDir }: TaskContext): Promise<WrittenPicture> {
	const { extension, mime } = PICTURE_FORMATS[format];
	const name = `converted.${extension}`;
	const path = join(workDir, name);
	await copyFile(picture.path, path);
	return { name, path, mime, width: picture.width, height: picture.height, bytes: picture.bytes, frames: picture.frames };
}

/** What looks fine on a screen is the best that is worth trying. */
const BEST_QUALITY = 92;

/**
 * The highest quality from 1 to `best` whose file is at most `target` bytes, by halving: 8 tries at most.
 * @param bytesAt makes the file
 */
export async function searchQuality(
	bytesAt: (quality: number) => Promise<number>,
	target: number,
	best = BEST_QUALITY,
): Promise<{ quality: number } | { tooLarge: number }> {
	if ((await bytesAt(best)) <= target) return { quality: best };
	let low = 1;
	let high = best - 1;
	let found = 0;
	let smallest = Infinity;
	while (low <= high) {
		const middle = Math.floor((low + high) / 2);
		const bytes = await bytesAt(middle);
		smallest = Math.min(smallest, bytes);
		if (bytes <= target) {
			found = middle;
			low = middle + 1;
		} else high = middle - 1;
	}
	return found > 0 ? { quality: found } : { tooLarge: smallest };
}

function tooLarge(bytes: number, target: number): PipelineError {
	return new PipelineError('invalid_request', `params.target_bytes is ${target}, but at the lowest quality the file still has ${bytes} bytes. Make the picture smaller first (image_resize), or choose avif.`, {
		details: { field: 'params.target_bytes', given: target, allowed: `at least ${bytes}` },
	});
}
