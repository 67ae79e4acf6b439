/** Colours of a picture, from its pixels. Pure and deterministic: no random start. */
export interface Swatch {
	/** e.g. `#c04020` */
	hex: string;
	/** Part of the picture, 0 to 1. */
	share: number;
}

type Lab = readonly [number, number, number];
type Rgb = readonly [number, number, number];

/** Pixels of less than half opacity do not count. */
const OPAQUE = 128;
/** Colours as near as this in OKLab look alike side by side. */
const ALIKE = 0.06;
const ROUNDS = 12;

/** What is less than a hundredth dominates nothing: mostly the mixed colours along edges. */
const LEAST_SHARE = 0.01;
/** Colours that are looked for beyond those that are shown, so that edges do not take the place of what matters. */
const SPARE = 4;

/**
 * The dominant colours, largest share first; fewer than `count` where the picture has fewer.
 * @param rgba four bytes per pixel
 */
export function dominantColours(rgba: Uint8Array, count: number): Swatch[] {
	const points = histogram(rgba);
	const total = points.reduce((sum, { weight }) => sum + weight, 0);
	if (total === 0) return [];
	let centres = spread(points, count + SPARE);
	for (let round = 0; round < ROUNDS; round++) centres = means(points, centres);
	const clusters = merged(assigned(points, centres));
	return clusters
		.map(({ lab, weight }) => ({ hex: toHex(fromOklab(lab)), share: weight / total }))
		.sort((a, b) => b.share - a.share || a.hex.localeCompare(b.hex))
		.filter(({ share }, index) => index === 0 || (share >= LEAST_SHARE && index < count))
		.map(({ hex, share }) => ({ hex, share: Math.round(share * 10_000) / 10_000 }));
}

/** The mean of the light, not of the numbers; null where all is transparent. */
export function averageColour(rgba: Uint8Array): string | null {
	const sum = [0, 0, 0];
	let pixels = 0;
	for (let at = 0; at < rgba.length; at += 4) {
		if ((rgba[at + 3] ?? 0) < OPAQUE) continue;
		for (let channel = 0; channel < 3; channel++) sum[channel] = (sum[channel] ?? 0) + (LINEAR[rgba[at + channel] ?? 0] ?? 0);
		pixels++;
	}
	if (pixels === 0) return null;
	const [r = 0, g = 0, b = 0] = sum.map((value) => value / pixels);
	return toHex([r, g, b]);
}

/** WCAG 2.2: 4.5 for ordinary text (1.4.3). */
export const READABLE_CONTRAST = 4.5;

/** Contrast ratio of WCAG 2.2, 1 to 21. */
export function contrast(one: string, other: string): number {
	const [light = 0, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
	return (light + 0.05) / (dark + 0.05);
}

/** The most frequent colour as background, and on it that colour of the palette which reads well; else black or white. */
export function suggest(palette: readonly Swatch[]): { background: string; text: string; contrast: number } | null {
	const [first] = palette;
	if (!first) return null;
	const background = first.hex;
	const best = (candidates: readonly string[]): string | undefined => [...candidates].sort((a, b) => contrast(b, background) - contrast(a, background))[0];
	const own = best(palette.slice(1).map(({ hex }) => hex));
	const text = own && contrast(own, background) >= READABLE_CONTRAST ? own : (best(['#000000', '#ffffff']) ?? '#000000');
	return { background, text, contrast: Math.round(contrast(text, background) * 100) / 100 };
}

interface Point {
	lab: Lab;
	weight: number;
}

/** Pixels in boxes of 8 x 8 x 8, each with its mean colour. */
function histogram(rgba: Uint8Array): Point[] {
	const boxes = new Map<number, { sum: [number, number, number]; weight: number }>();
	for (let at = 0; at < rgba.length; at += 4) {
		if ((rgba[at + 3] ?? 0) < OPAQUE) continue;
		const [r, g, b] = [rgba[at] ?? 0, rgba[at + 1] ?? 0, rgba[at + 2] ?? 0];
		const key = ((r >> 3) << 10) | ((g >> 3) << 5) | (b >> 3);
		const box = boxes.get(key) ?? { sum: [0, 0, 0], weight: 0 };
		box.sum[0] += r;
		box.sum[1] += g;
		box.sum[2] += b;
		box.weight++;
		boxes.set(key, box);
	}
	return [...boxes.entries()]
		.sort(([a], [b]) => a - b)
		.map(([, { sum, weight }]) => ({ lab: toOklab(sum.map((value) => value / weight) as [number, number, number]), weight }));
}

/** The most frequent colour first, then always the one that is frequent and far from those chosen. */
function spread(points: Point[], count: number): Lab[] {
	const chosen: Lab[] = [];
	while (chosen.length < Math.min(count, points.length)) {
		const score = ({ lab, weight }: Point): number => Math.sqrt(weight) * (chosen.length === 0 ? 1 : Math.min(...chosen.map((one) => squared(one, lab))));
		const next = points.reduce((best, point) => (score(point) > score(best) ? point : best));
		if (chosen.some((one) => squared(one, next.lab) === 0)) break;
		chosen.push(next.lab);
	}
	return chosen;
}

function assigned(points: Point[], centres: Lab[]): Point[] {
	const sums = centres.map(() => ({ lab: [0, 0, 0] as [number, number, number], weight: 0 }));
	for (const { lab, weight } of points) {
		let nearest = 0;
		centres.forEach((centre, index) => {
			if (squared(centre, lab) < squared(centres[nearest] ?? centre, lab)) nearest = index;
		});
		const sum = sums[nearest];
		if (!sum) continue;
		lab.forEach((value, index) => (sum.lab[index] = (sum.lab[index] ?? 0) + value * weight));
		sum.weight += weight;
	}
	return sums.filter(({ weight }) => weight > 0).map(({ lab: [l, a, b], weight }) => ({ lab: [l / weight, a / weight, b / weight], weight }));
}

const means = (points: Point[], centres: Lab[]): Lab[] => assigned(points, centres).map(({ lab }) => lab);

/** Clusters that look alike become one. */
function merged(clusters: Point[]): Point[] {
	const kept: Point[] = [];
	for (const cluster of [...clusters].sort((a, b) => b.weight - a.weight)) {
		const like = kept.findIndex(({ lab }) => squared(lab, cluster.lab) < ALIKE ** 2);
		const other = kept[like];
		if (!other) kept.push(cluster);
		else {
			const weight = other.weight + cluster.weight;
			const mix = (index: 0 | 1 | 2): number => (other.lab[index] * other.weight + cluster.lab[index] * cluster.weight) / weight;
			kept[like] = { lab: [mix(0), mix(1), mix(2)], weight };
		}
	}
	return kept;
}

const squared = (a: Lab, b: Lab): number => (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2;

/** The curve of sRGB (IEC 61966-2-1). */
const toLinear = (value: number): number => (value <= 10.31475 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
const fromLinear = (value: number): number => Math.round(255 * Math.min(1, Math.max(0, value <= 0.0031308 ? value * 12.92 : 1.055 * value ** (1 / 2.4) - 0.055)));
const LINEAR = Array.from({ length: 256 }, (_, value) => toLinear(value));

const toHex = (linear: Rgb): string => `#${linear.map((value) => fromLinear(value).toString(16).padStart(2, '0')).join('')}`;

function luminance(hex: string): number {
	const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => LINEAR[Number.parseInt(hex.slice(at, at + 2), 16)] ?? 0);
	return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** OKLab (Ottosson 2020): distances in it are as large as they look. From sRGB numbers of 0 to 255. */
function toOklab(rgb: Rgb): Lab {
	const [r, g, b] = [toLinear(rgb[0]), toLinear(rgb[1]), toLinear(rgb[2])];
	const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
	const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
	const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
	return [
		0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
		1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
		0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
	];
}

/** To linear sRGB. */
function fromOklab([lightness, a, b]: Lab): Rgb {
	const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
	const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
	const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
	return [
		4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
		-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
		-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
	];
}
