import { execFileSync } from 'node:child_process';

/** Independent looks at pictures, straight through ffmpeg. */

const run = (tool: string, ...args: string[]): Buffer => execFileSync(tool, args, { maxBuffer: 1 << 30, stdio: ['ignore', 'pipe', 'pipe'] });

/** Decoded pictures, counted. */
export const countFrames = (path: string): number =>
	Number(run('ffprobe', '-v', 'error', '-select_streams', 'v:0', '-count_frames', '-show_entries', 'stream=nb_read_frames', '-of', 'csv=p=0', path).toString().replace(',', ''));

/** Mean brightness of each picture, 0 to 255 as stored. */
export function brightness(path: string): number[] {
	const bytes = run('ffmpeg', '-nostdin', '-v', 'error', '-i', path, '-an', '-vf', 'scale=1:1:flags=area,format=yuv420p,extractplanes=y', '-vsync', '0', '-f', 'rawvideo', '-');
	return [...bytes];
}

export type Rgb = [number, number, number];

/** All pictures as RGB in this size. */
export function rgbFrames(path: string, width: number, height: number): Buffer[] {
	const bytes = run('ffmpeg', '-nostdin', '-v', 'error', '-i', path, '-an', '-vf', `scale=${width}:${height}:flags=area,format=rgb24`, '-vsync', '0', '-f', 'rawvideo', '-');
	const size = width * height * 3;
	return Array.from({ length: Math.floor(bytes.length / size) }, (_, index) => bytes.subarray(index * size, (index + 1) * size));
}

/** Colour at a place of the picture at a time; `x` and `y` as shares of its sides, averaged over a hundredth or so. */
export function colourAt(path: string, seconds: number, x: number, y: number): Rgb {
	const grid = 60;
	const at = ['-ss', String(seconds)];
	const bytes = run('ffmpeg', '-nostdin', '-v', 'error', ...at, '-i', path, '-an', '-frames:v', '1', '-vf', `scale=${grid}:${grid}:flags=area,format=rgb24`, '-f', 'rawvideo', '-');
	const start = (Math.min(grid - 1, Math.floor(y * grid)) * grid + Math.min(grid - 1, Math.floor(x * grid))) * 3;
	return [bytes[start] ?? -1, bytes[start + 1] ?? -1, bytes[start + 2] ?? -1];
}

/** Whether two colours look alike. */
export const isNear = (a: Rgb, b: Rgb, tolerance = 40): boolean => a.every((value, index) => Math.abs(value - (b[index] ?? 0)) <= tolerance);
