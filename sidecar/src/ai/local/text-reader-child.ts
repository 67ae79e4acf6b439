import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import sharp from 'sharp';
import { serve } from './infer-child.ts';
import { readPixels, type Pixels } from './pixels-child.ts';
import { boundsOf, decodeText, findLines, type TextLine } from './text-lines.ts';

/** Text in a picture: one model finds lines, another one reads them. Arguments: the runtime's package.json, the model that finds, the model that reads, and its letters. */

interface Session {
	inputNames: readonly string[];
	outputNames: readonly string[];
	run(inputs: Record<string, unknown>): Promise<Record<string, { data: Float32Array; dims: readonly number[] }>>;
}
interface Onnx {
	InferenceSession: { create(path: string, options: object): Promise<Session> };
	Tensor: new (type: 'float32', data: Float32Array, dims: number[]) => unknown;
}
export interface ReadRequest {
	path: string;
	/** After so long no further line is begun. */
	seconds: number;
}
export interface ReadAnswer {
	/** From top to bottom; boxes in pixels of the picture. */
	lines: Array<{ text: string; score: number; left: number; top: number; right: number; bottom: number }>;
	/** There is text that was not read. */
	more: boolean;
}

/** Text of 1/80 of the longer side is still found; larger pictures take more time and memory in proportion to their area. */
const SIDE = 1280;
/** The model that finds text takes sides that can be divided by this. */
const BASE = 32;
/** The height of lines that the model that reads was trained on. */
const LINE_HEIGHT = 48;
/** Some 200 letters. Longer lines are squeezed. */
const MAX_LINE_WIDTH = 48 * 80;
/** One: a worker has other jobs for the other cores, and threads that wait for each other cost up to three times the computing on a busy machine. */
const THREADS = 1;
/** Mean and deviation of blue, green, red that the models were trained with (PaddleOCR's configurations; it confuses the order of the first). */
const FINDING = { mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] };
const READING = { mean: [0.5, 0.5, 0.5], deviation: [0.5, 0.5, 0.5] };

const [runtime = '', finding = '', reading = '', alphabet = ''] = process.argv.slice(2);

serve<ReadRequest, ReadAnswer>(async () => {
	const { InferenceSession, Tensor } = createRequire(runtime)('onnxruntime-node') as Onnx;
	const options = { intraOpNumThreads: THREADS };
	const finder = await InferenceSession.create(finding, options);
	const reader = await InferenceSession.create(reading, options);
	const letters = ['', ...(await readFile(alphabet, 'utf8')).trimEnd().split(/\r?\n/), ' '];

	async function infer(session: Session, pixels: Pixels, by: typeof FINDING): Promise<{ data: Float32Array; dims: readonly number[] }> {
		const input = new Tensor('float32', planes(pixels, by), [1, 3, pixels.height, pixels.width]);
		const made = (await session.run({ [session.inputNames[0]!]: input }))[session.outputNames[0]!];
		if (!made) throw new Error('the model gave nothing');
		return made;
	}

	return async ({ path, seconds }) => {
		const end = performance.now() + 1000 * seconds;
		const picture = await readPixels(path);
		const size = sizeFor(picture);
		const { data } = await infer(finder, await scaled(picture, size), FINDING);
		const [across, down] = [picture.width / size.width, picture.height / size.height];
		const lines = findLines({ values: data, ...size }).map((found) => ({ ...found, x: found.x * across, y: found.y * down, length: found.length * across, thickness: found.thickness * down }));
		const read = new Map<TextLine, ReadAnswer['lines'][number]>();
		let more = false;
		// Titles first: of a page of small print, it is they that matter.
		for (const line of [...lines].sort((a, b) => b.thickness - a.thickness)) {
			more = read.size > 0 && performance.now() > end;
			if (more) break;
			read.set(line, { ...decodeText((await infer(reader, await straightened(picture, line), READING)).data, letters), ...boundsOf(line) });
		}
		return { lines: lines.flatMap((line) => read.get(line) ?? []).filter(({ text }) => text !== ''), more };
	};
});

/** Not enlarged, and of sides that the model takes. */
function sizeFor({ width, height }: Pixels): { width: number; height: number } {
	const factor = Math.min(1, SIDE / Math.max(width, height));
	const side = (value: number): number => Math.max(BASE, Math.round((value * factor) / BASE) * BASE);
	return { width: side(width), height: side(height) };
}

async function scaled({ data, width, height }: Pixels, size: { width: number; height: number }): Promise<Pixels> {
	const result = await sharp(data, { raw: { width, height, channels: 3 } }).resize({ ...size, fit: 'fill' }).raw().toBuffer();
	return { data: result, ...size };
}

/** Cuts a line out of the picture in its full resolution, so that it is read from left to right. */
async function straightened(picture: Pixels, { x, y, length, thickness, angle }: TextLine): Promise<Pixels> {
	const [width, height] = [Math.max(1, Math.round(length)), Math.max(1, Math.round(thickness))];
	const data = new Uint8Array(width * height * 3);
	const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
	for (let j = 0, to = 0; j < height; j++) {
		for (let i = 0; i < width; i++, to += 3) {
			const [along, across] = [i + 0.5 - width / 2, j + 0.5 - height / 2];
			copyPixel(picture, x + along * cos - across * sin - 0.5, y + along * sin + across * cos - 0.5, data, to);
		}
	}
	const wanted = Math.min(MAX_LINE_WIDTH, Math.max(LINE_HEIGHT, Math.round((LINE_HEIGHT * width) / height)));
	return scaled({ data, width, height }, { width: wanted, height: LINE_HEIGHT });
}

/** Between pixels: the mean of the four round it, weighted by distance. Beyond the edge: the edge. */
function copyPixel({ data, width, height }: Pixels, x: number, y: number, into: Uint8Array, to: number): void {
	const within = (value: number, limit: number): number => Math.max(0, Math.min(limit - 1, value));
	const [left, top] = [Math.floor(x), Math.floor(y)];
	const [right, down] = [x - left, y - top];
	const columns = [within(left, width), within(left + 1, width)] as const;
	const rows = [within(top, height) * width, within(top + 1, height) * width] as const;
	for (let colour = 0; colour < 3; colour++) {
		const at = (row: number, column: number): number => data[(row + column) * 3 + colour]!;
		const upper = at(rows[0], columns[0]) * (1 - right) + at(rows[0], columns[1]) * right;
		const lower = at(rows[1], columns[0]) * (1 - right) + at(rows[1], columns[1]) * right;
		into[to + colour] = Math.round(upper * (1 - down) + lower * down);
	}
}

/** All blue, then all green, then all red. */
function planes({ data, width, height }: Pixels, { mean, deviation }: typeof FINDING): Float32Array {
	const area = width * height;
	const values = new Float32Array(3 * area);
	for (let plane = 0; plane < 3; plane++) {
		for (let pixel = 0; pixel < area; pixel++) values[plane * area + pixel] = (data[pixel * 3 + 2 - plane]! / 255 - mean[plane]!) / deviation[plane]!;
	}
	return values;
}
