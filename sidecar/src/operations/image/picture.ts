import { z } from 'zod';
import type { Sharp } from 'sharp';
import type { MediaFacts } from '../../media/facts.ts';
import { openPicture, writePicture, type Picture, type WrittenPicture } from '../../media/images.ts';
import { chooseFormat, PICTURE_FORMATS, type Encoding, type PictureFormat } from '../../media/picture-formats.ts';
import type { TaskContext, TaskResult } from '../operation.ts';
import { gravityOf, SUBJECTS, type Fitting, type Position, type Subject } from './fit.ts';

/** What the operations on pictures have in common. */

export const colour = z
	.string()
	.regex(/^(#([0-9a-f]{3}|[0-9a-f]{6}|[0-9a-f]{8})|transparent)$/i, 'Use a colour such as #ffffff, #ffffff80 (half transparent) or transparent.');

/** sharp wants `transparent` spelled out. */
export const background = (value: string): string => (value.toLowerCase() === 'transparent' ? '#00000000' : value);

/** Seconds for work on so many pixels: some 20 megapixels a second, and 0.2 s to begin. */
export const secondsFor = (facts: MediaFacts | null, passes = 1): number => {
	const { video, animation } = facts ?? {};
	const megapixels = video ? (video.width * video.height * (animation?.frames ?? 1)) / 1e6 : 4;
	return Math.round((0.2 + (passes * megapixels) / 20) * 100) / 100;
};

export const openSource = async (context: TaskContext): Promise<Picture> => openPicture(await context.source(), context);

/** The picture as steps begin with it: with all its frames where the format can hold them, else with the first one. */
export function openFor(picture: Picture, wanted: PictureFormat | 'same'): { chain: Sharp; format: PictureFormat; animated: boolean; notes: string[] } {
	const format = chooseFormat(picture, wanted);
	const animated = picture.frames > 1 && PICTURE_FORMATS[format].animates;
	const notes = picture.frames > 1 && !animated ? [`${format} holds no animations: the first of ${picture.frames} frames was taken.`] : [];
	return { chain: picture.open({ still: !animated }), format, animated, notes };
}

/** Scales, cuts and pads. Parts can be looked for only in stills. */
export function applyFitting(chain: Sharp, { scaled, fit, pad }: Fitting, position: Position | Subject, animated: boolean, padding: string): Sharp {
	const subject = SUBJECTS.find((one) => one === position);
	const where = subject ? (animated ? 'centre' : subject) : gravityOf(position as Position);
	const resized = chain.resize({ ...scaled, fit, position: where });
	return Object.values(pad).some((border) => border > 0) ? resized.extend({ ...pad, background: background(padding) }) : resized;
}

/** The result of an operation that made one picture. */
export async function oneFile(context: TaskContext, chain: Sharp, encoding: Encoding, base: string, notes: string[] = []): Promise<TaskResult> {
	const file = await writePicture(chain, encoding, base, context);
	return describeFile(file, encoding.format, notes);
}

export function describeFile({ bytes, frames, ...file }: WrittenPicture, format: PictureFormat, notes: string[], more: Record<string, unknown> = {}): TaskResult {
	return {
		output: { width: file.width, height: file.height, format, bytes, ...(frames > 1 ? { frames } : {}), ...more, ...(notes.length > 0 ? { reason: notes.join(' ') } : {}) },
		files: [file],
	};
}
