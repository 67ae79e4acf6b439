import { execFileSync } from 'node:child_process';

/** Looks at what was drawn on a video of one colour. */

export interface Look {
	width: number;
	height: number;
	/** Red, green, blue of each pixel. */
	pixels: Buffer;
}

export function frameAt(path: string, seconds: number, width: number, height: number): Look {
	const args = ['-nostdin', '-v', 'error', '-ss', String(seconds), '-i', path, '-frames:v', '1', '-vf', 'format=rgb24', '-f', 'rawvideo', '-'];
	return { width, height, pixels: execFileSync('ffmpeg', args, { maxBuffer: 1 << 28 }) };
}

export type Test = (red: number, green: number, blue: number) => boolean;
/** The test videos are of this green: neither text nor outline, box or highlight have it. */
export const isDrawn: Test = (red, green, blue) => Math.abs(red - 0) > 45 || Math.abs(green - 100) > 45 || Math.abs(blue - 0) > 45;
export const isWhite: Test = (red, green, blue) => Math.min(red, green, blue) > 200;
export const isYellow: Test = (red, green, blue) => red > 190 && green > 150 && blue < 90;

export interface Bounds {
	left: number;
	right: number;
	top: number;
	bottom: number;
	count: number;
}

/** The rectangle of all pixels of that kind; null: there are none. */
export function boundsOf({ width, height, pixels }: Look, test: Test): Bounds | null {
	const found: Bounds = { left: width, right: -1, top: height, bottom: -1, count: 0 };
	for (let y = 0; y < height; y++) {
		for (let x = 0; x < width; x++) {
			const at = 3 * (y * width + x);
			if (!test(pixels[at] ?? 0, pixels[at + 1] ?? 0, pixels[at + 2] ?? 0)) continue;
			found.left = Math.min(found.left, x);
			found.right = Math.max(found.right, x);
			found.top = Math.min(found.top, y);
			found.bottom = Math.max(found.bottom, y);
			found.count += 1;
		}
	}
	return found.count > 0 ? found : null;
}

/** Part of a picture. */
export function cropped({ width, pixels }: Look, { left, right, top, bottom }: Pick<Bounds, 'left' | 'right' | 'top' | 'bottom'>): Look {
	const rows = Array.from({ length: bottom - top + 1 }, (_, row) => pixels.subarray(3 * ((top + row) * width + left), 3 * ((top + row) * width + right + 1)));
	return { width: right - left + 1, height: bottom - top + 1, pixels: Buffer.concat(rows) };
}
