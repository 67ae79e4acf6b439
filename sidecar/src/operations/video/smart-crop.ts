import { estimate } from '../../media/codecs.ts';
import { evenDown, type Size } from '../../media/geometry.ts';
import { openPicture, readPixels } from '../../media/images.ts';
import { readPrinted } from '../../media/printed.ts';
import { readScenes } from '../../media/scenes.ts';
import { followSubject, type Knot, type Look } from '../../media/subject.ts';
import type { MeasureTools } from '../operation.ts';

/** Finds out how a crop of these proportions follows the subject of a video. */

/** Enough to see where something is, and little enough for a thousand of them in one picture. */
const LOOK_SIDE = 64;
/** A subject crosses the picture in a second or more. */
const LOOKS_PER_SECOND = 5;
const MOST_LOOKS = 1200;
const COLUMNS = 16;
/** Half of ffmpeg's own advice for scdet: a cut that is missed makes the crop fly across, one too many is hardly seen. */
const CUT_THRESHOLD = 5;
const LEAST_SCENE_SECONDS = 0.4;
const SHEET = 'looks.png';
const CUTS = 'cuts.txt';

/** One pass over the video: small pictures on one sheet, and the times of the cuts. Null: nothing could be seen. */
export async function measureSubject(tools: MeasureTools, size: Size): Promise<Knot[] | null> {
	const { facts } = tools;
	const { video, durationSeconds } = facts;
	if (!video || (size.width >= video.width && size.height >= video.height)) return null;
	const axis = size.width < video.width ? 'x' : 'y';
	const scale = LOOK_SIDE / Math.max(video.width, video.height);
	const small = { width: evenDown(video.width * scale), height: evenDown(video.height * scale) };
	const rate = Math.min(LOOKS_PER_SECOND, MOST_LOOKS / Math.max(1, durationSeconds));
	const rows = Math.ceil((durationSeconds * rate + 2) / COLUMNS);
	const made = await tools.run({
		outputs: [
			{
				name: SHEET,
				kind: 'image',
				mime: 'image/png',
				videoFilters: [
					`fps=${rate.toFixed(4)}:round=near`,
					`scale=${small.width}:${small.height}:flags=area`,
					...['setsar=1', 'format=rgb24', 'metadata=add:key=lavfi.look:value=1', 'metadata=print:key=lavfi.look:file={text}'],
					`tile=${COLUMNS}x${rows}`,
				],
				options: ['-c:v', 'png'],
				expectedSeconds: 0,
			},
			{
				name: CUTS,
				kind: 'text',
				mime: 'text/plain',
				videoFilters: ['scale=320:-2:flags=fast_bilinear', `scdet=threshold=${CUT_THRESHOLD}`, 'metadata=print:key=lavfi.scd.time:file={text}'],
				options: ['-an'],
				expectedSeconds: durationSeconds,
			},
		],
		estimatedCpuSeconds: estimate(facts, { seconds: durationSeconds, decode: true }) * 1.5,
	});
	const sheet = made.files.find(({ name }) => name === SHEET);
	if (!sheet) return null;
	const picture = await openPicture({ path: sheet.path, facts: await tools.probe(sheet.path) }, tools);
	const { data, width } = await readPixels(picture.open(), tools);
	const times = readPrinted(made.texts[SHEET] ?? '').slice(0, COLUMNS * rows);
	const looks = times.map(({ seconds }, index): Look => ({ seconds, pixels: cell(data, width, small, index) }));
	const scenes = readScenes(made.texts[CUTS] ?? '', durationSeconds, LEAST_SCENE_SECONDS).map(({ start }) => start);
	const share = axis === 'x' ? size.width / video.width : size.height / video.height;
	return looks.length > 0 ? followSubject(looks, { size: small, axis, share, scenes }) : null;
}

/** @param sheet RGBA */
function cell(sheet: Buffer, sheetWidth: number, { width, height }: Size, index: number): Uint8Array {
	const [left, top] = [(index % COLUMNS) * width, Math.floor(index / COLUMNS) * height];
	const pixels = new Uint8Array(width * height * 3);
	for (let row = 0; row < height; row++) {
		for (let column = 0; column < width; column++) {
			const from = ((top + row) * sheetWidth + left + column) * 4;
			pixels.set(sheet.subarray(from, from + 3), (row * width + column) * 3);
		}
	}
	return pixels;
}
