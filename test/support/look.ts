import { execFileSync, spawnSync } from 'node:child_process';

/** Looks at and listens to results of the clip of `test/fixtures/corpus-parts.ts`. */

export type Side = 'left' | 'right' | 'top' | 'bottom';

const QUIET = ['-nostdin', '-v', 'error'];

/** Mean red, green and blue of a sixteenth of the picture at the middle of a side. */
export function colourAt(path: string, seconds: number, side: Side): [number, number, number] {
	const crop = { left: '0:ih*3/8', right: 'iw*7/8:ih*3/8', top: 'iw*3/8:0', bottom: 'iw*3/8:ih*7/8' }[side];
	const size = side === 'left' || side === 'right' ? 'iw/8:ih/4' : 'iw/4:ih/8';
	const bytes = execFileSync(
		'ffmpeg',
		[...QUIET, '-ss', String(seconds), '-i', path, '-frames:v', '1', '-vf', `crop=${size}:${crop},scale=1:1:flags=area,format=rgb24`, '-f', 'rawvideo', '-'],
		{ maxBuffer: 1e6 },
	);
	const [r = 0, g = 0, b = 0] = bytes;
	return [r, g, b];
}

/** When the picture becomes light, seconds. */
export function flashAt(path: string): number {
	const out = execFileSync('ffmpeg', [...QUIET, '-i', path, '-vf', 'scale=64:64,format=yuv420p,signalstats,metadata=print:file=-', '-f', 'null', '-'], { maxBuffer: 64e6 }).toString();
	let time = Number.NaN;
	for (const line of out.split('\n')) {
		const at = /pts_time:([\d.]+)/.exec(line);
		if (at) time = Number(at[1]);
		const bright = /YAVG=([\d.]+)/.exec(line);
		if (bright && Number(bright[1]) > 110) return time;
	}
	return Number.NaN;
}

/** When the beep begins, seconds. */
export function beepAt(path: string): number {
	const { stderr } = spawnSync('ffmpeg', ['-nostdin', '-i', path, '-vn', '-af', 'silencedetect=n=-30dB:d=0.1', '-f', 'null', '-'], { encoding: 'utf8' });
	return Number(/silence_end: ([\d.]+)/.exec(stderr)?.[1] ?? Number.NaN);
}

/** Decoded pictures. */
export function frameCount(path: string): number {
	const out = execFileSync('ffprobe', ['-v', 'error', '-select_streams', 'v:0', '-count_frames', '-show_entries', 'stream=nb_read_frames', '-of', 'csv=p=0', path]);
	return Number(out.toString().trim());
}

/** Pictures made of two fields, as ffmpeg's own detector sees them. */
export function combedPictures(path: string): number {
	const { stderr } = spawnSync('ffmpeg', ['-nostdin', '-i', path, '-vf', 'idet', '-an', '-f', 'null', '-'], { encoding: 'utf8' });
	const [, top = Number.NaN, bottom = Number.NaN] = /Multi frame detection: TFF:\s*(\d+) BFF:\s*(\d+)/.exec(stderr) ?? [];
	return Number(top) + Number(bottom);
}
