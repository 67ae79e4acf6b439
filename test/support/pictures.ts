import { stat } from 'node:fs/promises';
import sharp from 'sharp';
import type { ProducedFile } from '../../sidecar/src/media/plan.ts';
import type { MediaInput } from '../../sidecar/src/operations/media-input.ts';
import { refuseOtherKinds, type TaskOperation } from '../../sidecar/src/operations/operation.ts';
import { testTask } from './task-context.ts';

export interface MadePicture {
	file: ProducedFile;
	path: string;
	bytes: number;
	output: Record<string, unknown>;
}

/** A task on a picture, for real; `look` sees the result before it is removed. `file_url` of further media is a path here. */
export async function runTask<P, T>(
	operation: TaskOperation<P>,
	path: string,
	params: unknown,
	look: (made: MadePicture) => Promise<T> | T,
): Promise<T> {
	const { context, end } = await testTask(path, { open: pathOf });
	try {
		refuseOtherKinds(operation, (await context.source()).facts);
		const { files = [], output } = await operation.run(context, operation.params.parse(params));
		const [file] = files;
		if (!file) return await look({ file: { name: '', path: '', mime: '' }, path: '', bytes: 0, output });
		return await look({ file, path: file.path, bytes: (await stat(file.path)).size, output });
	} finally {
		await end();
	}
}

const pathOf = (input: MediaInput): string => ('file_url' in input ? decodeURIComponent(new URL(input.file_url).pathname) : input.asset_id);
/** How tests name further pictures. */
export const further = (path: string): MediaInput => ({ file_url: `http://files.test${path.split('/').map(encodeURIComponent).join('/')}` });

/** The colour of a pixel, as `[r, g, b, a]`; `frame` of an animation. */
export async function pixelAt(path: string, x: number, y: number, frame = 0): Promise<number[]> {
	const { data, info } = await sharp(path, { page: frame }).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
	return [...data.subarray((y * info.width + x) * 4, (y * info.width + x) * 4 + 4)];
}

/** Largest difference of two colours in one channel. */
export const distance = (a: number[], b: number[]): number => Math.max(...a.slice(0, 3).map((value, index) => Math.abs(value - (b[index] ?? 0))));
