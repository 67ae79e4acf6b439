import type { Box, Picture } from '../provider.ts';
import type { Detection, ObjectDetector } from '../vision.ts';
import { CENTERNET, type CenternetAnswer, type CenternetRequest } from './centernet.ts';
import { COCO_LABELS } from './coco.ts';
import type { LocalEngine } from './local-engine.ts';
import { eachPicture } from './pictures.ts';

/** Below this, wrong ones become as frequent as right ones (looked at on a dozen photos). */
export const MIN_SCORE = 0.35;
/** Two boxes of one kind that share more than this are the same thing, as in the evaluation of COCO's detectors. */
const SAME_THING = 0.5;
/** What lies so exactly where something better lies, is that, whatever it is called. */
const SAME_PLACE = 0.8;

/** 80 kinds of everyday things (coco.ts). 0.2 s per picture. */
export function createLocalObjects(centernet: LocalEngine): ObjectDetector {
	return {
		name: 'local',
		model: CENTERNET,
		obstacle: () => centernet.obstacle(),
		async detectObjects(pictures, options) {
			const { found, usage } = await eachPicture(pictures, options, ({ path }, signal) =>
				centernet.ask<CenternetRequest, CenternetAnswer>({ path, want: 'objects' }, { signal }),
			);
			const objects = found.map((answer, index) => detections(answer, pictures[index]!));
			return { provider: 'local', model: CENTERNET, usage, objects };
		},
	};
}

/** The model's rows as things in the picture, best first; of boxes that lie on each other only the best. */
export function detections({ values, side }: CenternetAnswer, { width, height }: Pick<Picture, 'width' | 'height'>): Detection[] {
	const all: Detection[] = [];
	for (let row = 0; row + 6 <= values.length; row += 6) {
		const [left = 0, top = 0, right = 0, bottom = 0, score = 0, kind = -1] = values.subarray(row, row + 6);
		const label = COCO_LABELS[Math.round(kind)];
		const box = boxWithin({ left: (left / side) * width, top: (top / side) * height, right: (right / side) * width, bottom: (bottom / side) * height }, { width, height });
		if (label && score >= MIN_SCORE && box) all.push({ label, score: Math.min(1, Math.round(score * 1e3) / 1e3), box });
	}
	const kept: Detection[] = [];
	for (const one of all.sort((a, b) => b.score - a.score)) {
		if (!kept.some((other) => overlap(other.box, one.box) > (other.label === one.label ? SAME_THING : SAME_PLACE))) kept.push(one);
	}
	return kept;
}

/** Whole pixels, cut off at the picture's edges; null where nothing is left. */
export function boxWithin(edges: { left: number; top: number; right: number; bottom: number }, { width, height }: { width: number; height: number }): Box | null {
	const within = (value: number, limit: number): number => Math.max(0, Math.min(limit, Math.round(value)));
	const [x, y] = [within(edges.left, width), within(edges.top, height)];
	const box = { x, y, width: within(edges.right, width) - x, height: within(edges.bottom, height) - y };
	return box.width > 0 && box.height > 0 ? box : null;
}

/** Shared part of two boxes: area of the intersection by that of the union. */
function overlap(a: Box, b: Box): number {
	const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
	const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
	if (width <= 0 || height <= 0) return 0;
	return (width * height) / (a.width * a.height + b.width * b.height - width * height);
}
