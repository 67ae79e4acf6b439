import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { enginesFolder } from '../../../../scripts/lib/engines-install.mjs';
import { createEngines } from '../../../../sidecar/src/ai/local/engines.ts';
import { createLocalTextReader } from '../../../../sidecar/src/ai/local/text-reader.ts';
import { createLocalVision } from '../../../../sidecar/src/ai/local/vision.ts';
import type { Box, Picture } from '../../../../sidecar/src/ai/provider.ts';
import { drawing, type Drawing } from '../../../fixtures/drawings.ts';

/** Three people beside each other; their faces where a person sees them. Comes with face-api; its author took it. */
const PHOTO = '@vladmandic/face-api/demo/sample1.jpg';
const FACES = [
	{ x: 500, y: 470 },
	{ x: 930, y: 530 },
	{ x: 1575, y: 320 },
];
const inside = ({ x, y, width, height }: Box, point: { x: number; y: number }): boolean => point.x > x && point.x < x + width && point.y > y && point.y < y + height;
const cosine = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, value, index) => sum + value * b[index]!, 0);

describe('local vision', () => {
	const signal = new AbortController().signal;
	let workDir: string;
	let photo: string;
	let local: ReturnType<typeof createLocalVision>;
	beforeAll(async () => {
		const engines = createEngines(await enginesFolder());
		local = createLocalVision(engines);
		workDir = await mkdtemp(join(tmpdir(), 'local-vision-'));
		photo = join(workDir, 'photo.jpg');
		await copyFile(engines.find(PHOTO)!, photo);
	});
	afterAll(async () => {
		await rm(workDir, { recursive: true, force: true });
	});

	let pictures = 0;
	async function picture(from: Sharp | string): Promise<Picture> {
		const path = join(workDir, `${++pictures}.png`);
		const { width, height } = await (typeof from === 'string' ? sharp(from) : from).png().toFile(path);
		return { path, mime: 'image/png', width, height };
	}
	const drawn = (name: Drawing): Promise<Picture> => picture(drawing(name));

	it('finds people in a photo, and counts how far it is', async () => {
		const seen: number[] = [];
		const { objects, provider, usage } = await local.detect.detectObjects([await picture(photo), await drawn('board')], { signal, onProgress: (percent) => seen.push(percent) });
		const people = objects[0]!.filter(({ label }) => label === 'person');
		expect(people).toHaveLength(3);
		for (const face of FACES) expect(people.filter(({ box }) => inside(box, face))).toHaveLength(1);
		expect(objects[1]).toEqual([]);
		expect({ provider, seen, images: usage.ai_images }).toEqual({ provider: 'local', seen: [50, 100], images: 2 });
		expect(usage.ai_seconds).toBeGreaterThan(0);
	});

	it('names each kind of thing once', async () => {
		const { labels } = await local.label.label([await picture(photo)], { signal });
		expect(labels).toEqual([[{ label: 'person', score: expect.any(Number) as number }]]);
	});

	it('finds faces where they are in the picture that it was given, large or small, and tells nothing else of them', async () => {
		const small = await picture(sharp(photo).resize(640));
		const { faces } = await local.faces.detectFaces([await picture(photo), small, await drawn('hills')], { signal });
		expect(faces.map((found) => found.length)).toEqual([3, 3, 0]);
		for (const face of FACES) {
			expect(faces[0]!.filter(({ box }) => inside(box, face))).toHaveLength(1);
			expect(faces[1]!.filter(({ box }) => inside(box, { x: face.x / 3, y: face.y / 3 }))).toHaveLength(1);
		}
		for (const face of faces.flat()) expect(Object.keys(face).sort()).toEqual(['box', 'score']);
	});

	it('reads a caption that is white on a photo, and where it is', async () => {
		const captioned = await picture(sharp(photo).resize(1280, 720).composite([{ input: drawing('caption') }]));
		const { texts } = await local.read_text.read([captioned], { signal });
		expect(texts[0]!.map(({ text }) => text)).toEqual(['Summer sale starts tomorrow']);
		expect(inside(texts[0]![0]!.box, { x: 640, y: 625 })).toBe(true);
	});

	it('reads a page line by line, large and small letters, and what hangs askew; and nothing where there is none', async () => {
		const { texts } = await local.read_text.read([await drawn('page'), await drawn('sign'), await drawn('city'), await picture(photo)], { signal });
		// It sometimes misses the spaces between words.
		const read = texts.map((blocks) => blocks.map(({ text }) => text.replaceAll(' ', '')));
		expect(read).toEqual([['Invoice', 'Total:1,250.00EUR', 'Pleasepaywithin14days', 'noreturnsafterthirtydays'], ['FRESHBREAD'], [], []]);
	});

	it('reads the largest text where there is no time for all of it, and says so', async () => {
		const hasty = createLocalTextReader(createEngines(await enginesFolder()), { seconds: 0 });
		const { texts, notes } = await hasty.read([await drawn('page')], { signal });
		expect(texts.map((blocks) => blocks.map(({ text }) => text))).toEqual([['Invoice']]);
		expect(notes).toEqual([expect.stringContaining('the smallest is left out')]);
		expect((await local.read_text.read([await drawn('page')], { signal })).notes).toBeUndefined();
	});

	it('finds nothing unsafe in harmless pictures, and says that it is only a flag', async () => {
		const { scores, notes } = await local.moderate.moderate([await picture(photo), await drawn('hills'), await drawn('page')], { signal });
		for (const score of scores) {
			expect(Object.keys(score).sort()).toEqual(['sexual', 'suggestive']);
			expect(score.sexual).toBeLessThan(0.3);
			expect(score.suggestive).toBeLessThan(0.3);
		}
		expect(notes?.join()).toMatch(/flag .* not a verdict/);
	});

	it('gives a copy that is flipped, cut, darkened or blurred a vector next to that of the original', async () => {
		const sources = [photo, ...(['hills', 'city', 'board', 'page', 'sign'] as const).map(drawing)];
		const { width = 0, height = 0 } = await sharp(photo).metadata();
		const cut = { left: Math.round(width * 0.15), top: Math.round(height * 0.15), width: Math.round(width * 0.7), height: Math.round(height * 0.7) };
		const copies = [sharp(photo).flop(), sharp(photo).extract(cut), sharp(photo).modulate({ brightness: 0.5, saturation: 0.4 }), sharp(photo).blur(4), sharp(drawing('hills')).flop(), sharp(drawing('city')).flop()];
		const all = await Promise.all([...sources, ...copies].map((each) => picture(each)));
		const { vectors } = await local.embed_image.embedImages(all, { signal });
		const [originals, altered] = [vectors.slice(0, sources.length), vectors.slice(sources.length)];
		const nearest = altered.map((copy) => originals.map((original, index) => [cosine(copy, original), index] as const).sort(([a], [b]) => b - a)[0]![1]);
		expect(nearest).toEqual([0, 0, 0, 0, 1, 2]);
		for (const vector of vectors) {
			expect(vector).toHaveLength(local.embed_image.dimensions);
			expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
		}
	});

	it('gives English texts that say the same in other words vectors next to each other', async () => {
		const pairs = [
			['How do I get my money back?', 'Requesting a refund for an order'],
			['A dog runs along the beach', 'A puppy is playing by the sea'],
			['The rocket was launched into space', 'Astronauts lifted off this morning'],
			['Bake the cake for forty minutes', 'Recipe: how long it stays in the oven'],
			['Shares fell after the quarterly report', 'Investors were disappointed by the earnings'],
		] as const;
		const { vectors } = await local.embed.embed([...pairs.map(([text]) => text), ...pairs.map(([, other]) => other)], { signal });
		const [texts, others] = [vectors.slice(0, pairs.length), vectors.slice(pairs.length)];
		const nearest = others.map((other) => texts.map((text, index) => [cosine(other, text), index] as const).sort(([a], [b]) => b - a)[0]![1]);
		expect(nearest).toEqual([0, 1, 2, 3, 4]);
		for (const vector of vectors) {
			expect(vector).toHaveLength(local.embed.dimensions);
			expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
		}
	});

	it('gives the same text the same vector, alone or among many, and any text one', async () => {
		const odd = ['', '   ', '👩‍👩‍👧 שלום こんにちは', 'word '.repeat(2000)];
		const many = await local.embed.embed(['a red bicycle', ...odd, ...Array.from({ length: 40 }, (_, n) => `sentence number ${n}`)], { signal });
		const alone = await local.embed.embed(['  a red\nbicycle '], { signal });
		expect(many.vectors).toHaveLength(45);
		expect(cosine(many.vectors[0]!, alone.vectors[0]!)).toBeCloseTo(1, 4);
		for (const vector of many.vectors) expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
		expect((await local.embed.embed([], { signal })).vectors).toEqual([]);
	});

	it('composes a description of what it found', async () => {
		const captioned = await picture(sharp(photo).resize(1280, 720).composite([{ input: drawing('caption') }]));
		const { texts, notes } = await local.describe.describe([captioned, await drawn('board')], { signal });
		expect(texts).toEqual([expect.stringMatching(/^3 people.*\. Text: "Summer sale starts tomorrow"\.$/), '']);
		expect(notes?.join()).toMatch(/nothing of scene/);
	});

	it('takes grey, transparent and tiny pictures', async () => {
		const odd = await Promise.all([
			picture(sharp(photo).resize(640).greyscale()),
			picture(sharp({ create: { width: 40, height: 30, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } } })),
			picture(sharp({ create: { width: 1, height: 1, channels: 3, background: '#123456' } })),
		]);
		expect((await local.detect.detectObjects(odd, { signal })).objects.map(({ length }) => length > 0)).toEqual([true, false, false]);
		expect((await local.faces.detectFaces(odd, { signal })).faces.map(({ length }) => length)).toEqual([3, 0, 0]);
		expect((await local.read_text.read(odd, { signal })).texts).toEqual([[], [], []]);
		expect((await local.moderate.moderate(odd, { signal })).scores).toHaveLength(3);
	});

	it('knows English texts only', () => {
		expect(local.embed.obstacle('en')).toBeNull();
		expect(local.embed.obstacle('en-GB')).toBeNull();
		expect(local.embed.obstacle()).toBeNull();
		expect(local.embed.obstacle('de')).toMatch(/English only.*OPENAI_API_KEY/);
	});

	it('names the command that installs the engines where they are not', async () => {
		const without = createLocalVision(createEngines(undefined));
		for (const capability of Object.values(without)) expect(capability.obstacle()).toMatch(/npm run engines/);
		await expect(without.embed.embed(['x'], { signal })).rejects.toMatchObject({ code: 'provider_not_configured' });
		for (const capability of Object.values(local)) expect(capability.obstacle()).toBeNull();
	});
});
