import type { MediaFacts } from './facts.ts';
import { asFileUrl, inputArguments } from './ffmpeg-input.ts';
import { INPUT_FORMATS } from './formats.ts';
import { runTool } from './process.ts';

/** Reading 100 GB from a slow disk, as packets.ts. */
const TIMEOUT_MS = 600_000;
/** A day of 25 pictures a second. */
const MOST_BYTES = 64 * 1024 * 1024;

/** When each picture begins to be shown, seconds from the beginning of the file, in order: read through without decoding. Empty where that fails. */
export async function pictureTimes({ path, facts }: { path: string; facts: MediaFacts }, signal: AbortSignal): Promise<Float64Array> {
	const format = INPUT_FORMATS[facts.mime];
	if (!format) return new Float64Array();
	const { code, stdout } = await runTool(
		'ffprobe',
		['-v', 'error', ...inputArguments(format.demuxer), '-select_streams', 'V:0', '-show_entries', 'format=start_time:packet=pts_time', '-of', 'csv', '-i', asFileUrl(path)],
		{ timeoutMs: TIMEOUT_MS, maxOutputBytes: MOST_BYTES, signal },
	);
	return code === 0 ? readTimes(stdout) : new Float64Array();
}

/** Lines `packet,1.234000` and `format,0.000000`, as ffprobe writes them. Pure. */
export function readTimes(csv: string): Float64Array {
	const start = Number(/^format,(-?[\d.]+)/m.exec(csv)?.[1] ?? 0);
	const times = Array.from(csv.matchAll(/^packet,(-?[\d.]+)/gm), ([, time]) => Number(time) - start);
	// What an edit list hides lies before the beginning.
	return Float64Array.from(times.filter((time) => time > -1e-6)).sort();
}

/**
 * Where ffmpeg finds what is seen at a moment: the beginning of the picture that is shown then, which may have been held for
 * minutes; from the moment on it would find the next one, or none. Whole thousandths, rounded down, as ffmpeg is asked for; asked
 * of its own answer, it gives that again. Pure.
 */
export function beginOfShown(times: Float64Array, at: number): number {
	const moment = thousandths(at);
	let [low, high] = [0, times.length];
	while (low < high) {
		const middle = (low + high) >>> 1;
		if (thousandths(times[middle] ?? 0) <= moment) low = middle + 1;
		else high = middle;
	}
	const begin = times[low - 1];
	return begin === undefined ? at : Math.max(0, thousandths(begin) / 1000);
}

/** Down: a hair behind the beginning of a picture, ffmpeg takes the next one. */
const thousandths = (seconds: number): number => Math.floor(seconds * 1000 + 1e-6);
