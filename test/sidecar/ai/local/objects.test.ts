import { COCO_LABELS } from '../../../../sidecar/src/ai/local/coco.ts';
import { kindsOf } from '../../../../sidecar/src/ai/local/labels.ts';
import { boxWithin, detections, MIN_SCORE } from '../../../../sidecar/src/ai/local/objects.ts';

const CAT = COCO_LABELS.indexOf('cat');
const DOG = COCO_LABELS.indexOf('dog');
/** left, top, right, bottom in a picture of 512 x 512, score, class */
type Row = [number, number, number, number, number, number];
const seen = (...rows: Row[]) => detections({ values: Float32Array.from(rows.flat()), side: 512 }, { width: 1024, height: 256 });

describe('detections', () => {
	it('knows the 80 kinds of COCO', () => {
		expect(COCO_LABELS).toHaveLength(80);
		expect(new Set(COCO_LABELS).size).toBe(80);
		expect([COCO_LABELS[0], COCO_LABELS[16], COCO_LABELS[79]]).toEqual(['person', 'dog', 'toothbrush']);
	});

	it('are in pixels of the picture, best first', () => {
		expect(seen([0, 0, 256, 512, 0.5, CAT], [256, 256, 512, 512, 0.75, DOG])).toEqual([
			{ label: 'dog', score: 0.75, box: { x: 512, y: 128, width: 512, height: 128 } },
			{ label: 'cat', score: 0.5, box: { x: 0, y: 0, width: 512, height: 256 } },
		]);
	});

	it('are left out where they are unsure, unknown or empty', () => {
		expect(seen([0, 0, 100, 100, MIN_SCORE - 0.01, CAT], [0, 0, 100, 100, 0.9, 80], [0, 0, 100, 100, 0.9, -1], [50, 50, 50, 90, 0.9, CAT], [600, 0, 700, 100, 0.9, CAT])).toEqual([]);
	});

	it('are one where boxes of a kind lie on each other, or boxes of any kind in the same place', () => {
		const labels = (...rows: Row[]): string[] => seen(...rows).map(({ label, score }) => `${label} ${score}`);
		expect(labels([0, 0, 100, 100, 0.5, CAT], [10, 0, 110, 100, 0.75, CAT])).toEqual(['cat 0.75']);
		expect(labels([0, 0, 100, 100, 0.5, CAT], [70, 0, 170, 100, 0.75, CAT])).toEqual(['cat 0.75', 'cat 0.5']);
		expect(labels([0, 0, 100, 100, 0.5, CAT], [20, 0, 120, 100, 0.75, DOG])).toEqual(['dog 0.75', 'cat 0.5']);
		expect(labels([0, 0, 100, 100, 0.5, CAT], [2, 0, 102, 100, 0.75, DOG])).toEqual(['dog 0.75']);
	});

	it('are cut off at the edges', () => {
		expect(boxWithin({ left: -5, top: 10.4, right: 700, bottom: 20.6 }, { width: 640, height: 480 })).toEqual({ x: 0, y: 10, width: 640, height: 11 });
		expect(boxWithin({ left: 700, top: 0, right: 800, bottom: 10 }, { width: 640, height: 480 })).toBeNull();
	});

	it('name each kind once', () => {
		const box = { x: 0, y: 0, width: 1, height: 1 };
		expect(kindsOf([{ label: 'cat', score: 0.4, box }, { label: 'dog', score: 0.6, box }, { label: 'cat', score: 0.7, box }])).toEqual([
			{ label: 'cat', score: 0.7 },
			{ label: 'dog', score: 0.6 },
		]);
	});
});
