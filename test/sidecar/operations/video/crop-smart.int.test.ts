import { crop } from '../../../../sidecar/src/operations/video/crop.ts';
import { editFixture, type EditFixtureName } from '../../../fixtures/edit.ts';
import { fixture, type FixtureName } from '../../../fixtures/media.ts';
import { runOperationOn } from '../../../support/engine.ts';
import { rgbFrames } from '../../../support/frames.ts';

interface Cropped {
	/** Middle of the yellow square in each picture, as a part of the width; null where it is not whole. */
	middles: Array<number | null>;
	output: Record<string, unknown>;
}

const smart = (path: string, ratio: string): Promise<Cropped> =>
	runOperationOn(crop, path, { mode: 'ratio', ratio, gravity: 'smart' }, async ({ files: [file], output }) => {
		const { width, height } = output as { width: number; height: number };
		const frames = rgbFrames(file?.path ?? '', width, height);
		return { output, middles: frames.map((frame) => middleOf(frame, width, height)) };
	});

function middleOf(frame: Buffer, width: number, height: number): number | null {
	const yellow = (column: number, row: number): boolean => {
		const at = (row * width + column) * 3;
		return (frame[at] ?? 0) > 180 && (frame[at + 1] ?? 0) > 180 && (frame[at + 2] ?? 0) < 100;
	};
	const row = Math.floor(height / 2);
	const columns = Array.from({ length: width }, (_, column) => column).filter((column) => yellow(column, row));
	const [first, last] = [columns[0], columns.at(-1)];
	return first === undefined || last === undefined || last - first < 50 ? null : (first + last) / 2 / width;
}

const shareInside = ({ middles }: Cropped): number => middles.filter((middle) => middle !== null).length / middles.length;
const pathOf = ({ output }: Cropped): Array<{ seconds: number; x: number; y: number }> => output['path'] as Array<{ seconds: number; x: number; y: number }>;

describe('a smart crop, for real', () => {
	it('follows what moves through the picture, without jitter', async () => {
		const cropped = await smart(editFixture('wanderer'), '9:16');
		expect(cropped.output).toMatchObject({ width: 202, height: 360 });
		expect(shareInside(cropped)).toBeGreaterThanOrEqual(0.95);
		const path = pathOf(cropped);
		expect(path.length).toBeLessThanOrEqual(8);
		for (const [index, { x }] of path.entries()) expect(x).toBeGreaterThanOrEqual(path[index - 1]?.x ?? 0);
	});

	it('stands still where the subject does', async () => {
		const cropped = await smart(editFixture('sitter'), '9:16');
		expect(shareInside(cropped)).toBe(1);
		expect(pathOf(cropped)).toHaveLength(1);
	});

	it('jumps with the cut', async () => {
		const cropped = await smart(editFixture('jumper'), '9:16');
		expect(shareInside(cropped)).toBe(1);
		expect(pathOf(cropped).map(({ seconds }) => seconds)).toEqual([0, 2]);
	});

	it.each<[EditFixtureName | FixtureName, string, number, number]>([
		['rotated', '1:1', 720, 720],
		['landscape', '16:9', 1280, 720],
		['tenBit', '1:1', 180, 180],
		['odd', '9:16', 100, 180],
		['onePixel', '9:16', 2, 2],
		['short', '4:5', 144, 180],
	])('takes %s to %s', async (name, ratio, width, height) => {
		const { output } = await smart(fixture(name as FixtureName), ratio).catch((error: unknown) => ({ output: { error: (error as { code?: string }).code } }));
		if (name === 'onePixel') expect(output).toMatchObject({ error: 'input_unsupported' });
		else expect(output).toMatchObject({ width, height });
	});
});
