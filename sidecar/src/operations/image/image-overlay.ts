import type { Sharp } from 'sharp';
import { z } from 'zod';
import type { Size } from '../../media/geometry.ts';
import { canvas, fromPixels, openPicture, readPixels, type Pixels } from '../../media/images.ts';
import { qualityField, sameOrFormat } from '../../media/picture-formats.ts';
import { mediaInput } from '../media-input.ts';
import type { TaskContext, TaskOperation } from '../operation.ts';
import { place, POSITIONS, type Position } from './fit.ts';
import { oneFile, openFor, openSource, secondsFor } from './picture.ts';

const params = z.strictObject({
	logo: mediaInput.describe('The picture to put on top: `{ "asset_id": … }` or `{ "file_url": … }`. PNG, WebP or AVIF with transparency look best.'),
	position: z.enum(POSITIONS).default('bottom_right').describe('Where it stands. Default bottom_right.'),
	scale: z.number().min(0.01).max(1).default(0.2).describe('Width of the logo as a part of the width of the picture, 0.01 to 1. Default 0.2.'),
	opacity: z.number().min(0.01).max(1).default(1).describe('0.01 (hardly there) to 1 (opaque). Default 1.'),
	margin: z.number().min(0).max(0.5).default(0.03).describe('Distance to the edges as a part of the shorter side of the picture, 0 to 0.5; between the copies of tile, too. Default 0.03.'),
	tile: z.boolean().default(false).describe('Whether copies of the logo cover the whole picture, so that it cannot be cut off. Default false.'),
	format: sameOrFormat,
	quality: qualityField,
});
type Params = z.infer<typeof params>;

export const imageOverlay: TaskOperation<Params> = {
	kind: 'task',
	name: 'image_overlay',
	version: 1,
	reusable: true,
	summary: 'Puts a logo or watermark on a picture, once or all over it. Animations stay animated.',
	accepts: ['image'],
	params,
	example: { logo: { file_url: 'https://example.com/logo.png' }, position: 'bottom_right', scale: 0.2, opacity: 0.8 },
	produces: '`width`, `height`, `format`, `bytes`, `logo` (`x`, `y`, `width`, `height` of the first copy), `frames` (of animations), sometimes `reason`. Files: `overlaid.<format>`, without metadata.',
	estimateSeconds: (facts) => secondsFor(facts, 2),
	async run(context, wanted) {
		const picture = await openSource(context);
		const source = await openPicture(await context.open(wanted.logo), context);
		const layout = layOut(picture, source, wanted);
		const logo = await readPixels(faded(source.open({ still: true }).ensureAlpha().resize({ ...layout.logo, fit: 'fill' }), wanted.opacity), context);
		const { chain, format, animated, notes } = openFor(picture, wanted.format);
		const covered = wanted.tile || animated ? chain.composite([await sheet(layout, logo, context)]) : chain.composite([{ ...asOverlay(logo), left: layout.x, top: layout.y }]);
		const { output, ...result } = await oneFile(context, covered, { format, quality: wanted.quality, size: picture }, 'overlaid', notes);
		return { output: { ...output, logo: { x: layout.x, y: layout.y, ...layout.logo } }, ...result };
	},
};

interface Layout {
	/** Of the logo on the picture. */
	logo: Size;
	x: number;
	y: number;
	/** What is repeated: the whole frame with one logo, or a logo with space around it. */
	cell: Size & { x: number; y: number };
}

/** Pure: how large the logo becomes, and where it stands. It never sticks out, and never becomes smaller than a pixel. */
export function layOut(picture: Size, logo: Size, { scale, margin, position, tile }: { scale: number; margin: number; position: Position; tile: boolean }): Layout {
	const shorter = Math.min(picture.width, picture.height);
	// So that it begins inside, however small the picture is.
	const gap = Math.min(Math.round(margin * shorter), Math.floor(shorter / 2));
	const room = { width: Math.max(1, picture.width - 2 * gap), height: Math.max(1, picture.height - 2 * gap) };
	const factor = Math.min((picture.width * scale) / logo.width, room.width / logo.width, room.height / logo.height);
	const size = { width: Math.max(1, Math.round(logo.width * factor)), height: Math.max(1, Math.round(logo.height * factor)) };
	if (tile) return { logo: size, x: gap, y: gap, cell: { width: Math.min(picture.width, size.width + 2 * gap), height: Math.min(picture.height, size.height + 2 * gap), x: gap, y: gap } };
	const at = place(picture, size, position, gap);
	const inside = { x: Math.max(0, at.x), y: Math.max(0, at.y) };
	return { logo: size, ...inside, cell: { width: picture.width, height: picture.height, ...inside } };
}

const faded = (logo: Sharp, opacity: number): Sharp => (opacity < 1 ? logo.linear([1, 1, 1, opacity], [0, 0, 0, 0]) : logo);

const asOverlay = ({ data, width, height, channels }: Pixels) => ({ input: data, raw: { width, height, channels } });

/** An overlay that is repeated from the upper left: over the picture, or over the frames of an animation, which lie below each other. */
async function sheet({ cell }: Layout, logo: Pixels, context: TaskContext) {
	const cut = { width: Math.min(logo.width, cell.width - cell.x), height: Math.min(logo.height, cell.height - cell.y) };
	const fitting = await readPixels(fromPixels(logo).extract({ left: 0, top: 0, ...cut }), context);
	const drawn = canvas(cell.width, cell.height, '#00000000').composite([{ ...asOverlay(fitting), left: cell.x, top: cell.y }]);
	return { ...asOverlay(await readPixels(drawn, context)), tile: true, gravity: 'northwest' };
}
