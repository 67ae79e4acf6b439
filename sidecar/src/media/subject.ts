/** Where the subject of a video is, along the side that a crop shortens, and how a crop follows it. Pure. */

/** A small picture of the video. */
export interface Look {
	seconds: number;
	/** RGB, row by row. */
	pixels: Uint8Array;
}

export interface LookSize {
	width: number;
	height: number;
}

/** The middle of the crop, as a part of the side, at a time; straight lines between, jumps where `cut` is set. */
export interface Knot {
	seconds: number;
	centre: number;
	/** Another scene begins: the crop jumps. */
	cut?: true;
}

export interface SubjectOptions {
	size: LookSize;
	axis: 'x' | 'y';
	/** Length of the crop along the axis, as a part of the side, 0 to 1. */
	share: number;
	/** Where scenes begin, seconds; the first at 0. */
	scenes: number[];
}

/** A crop that stands still looks better than one that moves: it may miss this much of what a moving one would have seen. */
const STILL_LOSS = 0.08;
/** Lines may be off by this part of the side. */
const TOLERANCE = 0.012;
/** Longer expressions than this ffmpeg would read, but nobody could see what they gain. */
const MOST_KNOTS = 240;
/** Halves of the crop over which a subject may wander before it counts less. */
const CALM_SHARE = 0.5;

/** How the crop goes through the video. Never empty. */
export function followSubject(looks: Look[], options: SubjectOptions): Knot[] {
	const { scenes } = options;
	const sceneOfLook = looks.map(({ seconds }) => sceneOf(seconds, scenes));
	const inScene = new Map<number, Seen[]>();
	for (const [index, look] of looks.entries()) {
		const scene = sceneOfLook[index] ?? 0;
		const [before, after] = [index - 1, index + 1].map((other) => (sceneOfLook[other] === scene ? looks[other] : undefined));
		const inside = inScene.get(scene) ?? [];
		inScene.set(scene, inside);
		inside.push({ seconds: look.seconds, profile: interest(look, before, after, options) });
	}
	const paths = [...inScene].map(([scene, inside]) => ({ start: scenes[scene] ?? 0, points: sceneTrack(inside, options) }));
	if (paths.length === 0) return [{ seconds: 0, centre: 0.5 }];
	for (let tolerance = TOLERANCE; ; tolerance *= 1.5) {
		const knots = paths.flatMap(({ start, points }, index) => {
			const kept = simplified(points, tolerance);
			return kept.map((knot, place): Knot => (place === 0 && index > 0 ? { seconds: start, centre: knot.centre, cut: true } : knot));
		});
		// Scenes alone may be too many: then the later ones stay where the crop was.
		if (knots.length <= MOST_KNOTS || tolerance > 1) return knots.slice(0, MOST_KNOTS);
	}
}

/** Cuts are known to the picture, looks to a fraction of a second. */
const sceneOf = (seconds: number, scenes: number[]): number => Math.max(0, scenes.findLastIndex((start) => start <= seconds + 1e-3));

/**
 * How much draws the eye in each column (or row): what differs from its surroundings, what moves against them, and skin.
 * Sums to 1, or is all zero.
 */
function interest({ pixels }: Look, before: Look | undefined, after: Look | undefined, { size, axis }: SubjectOptions): number[] {
	const { width, height } = size;
	const around = typicalColour(pixels);
	const moving = motion(pixels, before?.pixels, after?.pixels);
	const length = axis === 'x' ? width : height;
	const profile = new Array<number>(length).fill(0);
	for (let row = 0; row < height; row++) {
		for (let column = 0; column < width; column++) {
			const at = row * width + column;
			const r = pixels[at * 3]!;
			const g = pixels[at * 3 + 1]!;
			const b = pixels[at * 3 + 2]!;
			const distinct = (Math.abs(r - around[0]) + Math.abs(g - around[1]) + Math.abs(b - around[2])) / 765;
			const drawn = distinct + 2 * (moving[at] ?? 0) + (isSkin(r, g, b) ? 0.3 : 0);
			// Squared: a little everywhere must not outweigh much in one place.
			profile[axis === 'x' ? column : row]! += drawn * drawn;
		}
	}
	// What is everywhere along the side draws the eye nowhere.
	const common = Math.min(...profile);
	const above = profile.map((value) => value - common);
	const sum = above.reduce((total, value) => total + value, 0);
	return sum > 1e-6 ? above.map((value) => value / sum) : above.fill(0);
}

/** The median of each channel: the colour of the background, mostly. */
function typicalColour(pixels: Uint8Array): [number, number, number] {
	const median = (channel: number): number => {
		const counts = new Uint32Array(256);
		for (let at = channel; at < pixels.length; at += 3) counts[pixels[at] ?? 0]! += 1;
		let left = pixels.length / 6;
		return counts.findIndex((count) => (left -= count) <= 0);
	};
	return [median(0), median(1), median(2)];
}

/** Differs from the picture before and from the one after: where something is now, and not where it was or will be. 0 to 1. */
function motion(pixels: Uint8Array, before: Uint8Array | undefined, after: Uint8Array | undefined): Float32Array {
	const found = new Float32Array(pixels.length / 3);
	if (!before && !after) return found;
	let mean = 0;
	for (let at = 0; at < found.length; at++) {
		found[at] = Math.min(difference(pixels, before, at * 3), difference(pixels, after, at * 3));
		mean += found[at]! / found.length;
	}
	// When the camera moves, everything does.
	return found.map((value) => Math.max(0, value - 2 * mean));
}

/** 0 to 1; without another picture to compare with, the other one decides. */
const difference = (one: Uint8Array, other: Uint8Array | undefined, at: number): number =>
	other ? (Math.abs(one[at]! - other[at]!) + Math.abs(one[at + 1]! - other[at + 1]!) + Math.abs(one[at + 2]! - other[at + 2]!)) / 765 : 1;

/** Kovac, Peer, Solina: Human skin colour clustering for face detection (2003), daylight rule. */
const isSkin = (r: number, g: number, b: number): boolean =>
	r > 95 && g > 40 && b > 20 && Math.max(r, g, b) - Math.min(r, g, b) > 15 && r - g > 15 && r > b;

interface Seen {
	seconds: number;
	/** How much draws the eye, along the side. */
	profile: number[];
}

interface Point {
	seconds: number;
	centre: number;
}

function sceneTrack(looks: Seen[], { share }: SubjectOptions): Point[] {
	const length = looks[0]?.profile.length ?? 1;
	const window = Math.max(1, share * length);
	const places = Math.max(1, Math.round(length - window) + 1);
	const scores = looks.map(({ profile }) => Array.from({ length: places }, (_, place) => seen(profile, place, window)));
	const total = Array.from({ length: places }, (_, place) => scores.reduce((sum, one) => sum + (one[place] ?? 0), 0));
	const centreOf = (place: number): number => Math.min(1 - share / 2, Math.max(share / 2, (place + window / 2) / length));
	const first = looks[0]?.seconds ?? 0;
	if (total.every((value) => value <= 0)) return [{ seconds: first, centre: 0.5 }];
	const bestStill = argMax(total, (places - 1) / 2);
	const moving = track(scores, places);
	const gained = moving.reduce((sum, place, index) => sum + (scores[index]?.[place] ?? 0), 0);
	if ((total[bestStill] ?? 0) >= gained * (1 - STILL_LOSS)) return [{ seconds: first, centre: centreOf(bestStill) }];
	return smoothed(looks.map(({ seconds }, index) => ({ seconds, centre: centreOf(moving[index] ?? bestStill) })));
}

/** What a crop at this place shows of the interest: all in its middle, less towards its edges. */
function seen(profile: number[], place: number, window: number): number {
	let sum = 0;
	for (let column = place; column < Math.min(profile.length, place + window); column++) {
		const off = Math.abs(column + 0.5 - (place + window / 2)) / (window / 2);
		sum += (profile[column] ?? 0) * (1 - 0.6 * Math.max(0, off - CALM_SHARE) / (1 - CALM_SHARE));
	}
	return sum;
}

/** Of equals, the one nearest to `middle`. */
const argMax = (values: number[], middle: number): number =>
	values.reduce((best, value, index) => {
		const ahead = value - (values[best] ?? 0);
		return ahead > 1e-9 || (ahead > -1e-9 && Math.abs(index - middle) < Math.abs(best - middle)) ? index : best;
	}, 0);

/** Moving over the whole side costs as much as losing this many pictures of the subject. */
const MOVE_COST = 1.2;

/** The places that show the most while moving the least (Viterbi). */
function track(scores: number[][], places: number): number[] {
	const cost = MOVE_COST / Math.max(1, places - 1);
	const back: Int16Array[] = [];
	let best = Float64Array.from(scores[0] ?? []);
	for (const score of scores.slice(1)) {
		const from = Int16Array.from({ length: places }, (_, place) => place);
		const next = best.slice();
		// Costs that grow with the distance need only two sweeps, one in each direction.
		for (let place = 1; place < places; place++) if (next[place - 1]! - cost > next[place]!) [next[place], from[place]] = [next[place - 1]! - cost, from[place - 1]!];
		for (let place = places - 2; place >= 0; place--) if (next[place + 1]! - cost > next[place]!) [next[place], from[place]] = [next[place + 1]! - cost, from[place + 1]!];
		best = next.map((value, place) => value + (score[place] ?? 0));
		back.push(from);
	}
	const path = [argMax([...best], (places - 1) / 2)];
	for (const from of back.reverse()) path.unshift(from[path[0] ?? 0] ?? 0);
	return path;
}

const SMOOTH_SECONDS = 0.6;

/** Mean over the points around each, the same number on both sides: a steady movement is not delayed. */
function smoothed(points: Point[]): Point[] {
	const step = points.length > 1 ? (points.at(-1)!.seconds - points[0]!.seconds) / (points.length - 1) : 1;
	const reach = Math.floor(SMOOTH_SECONDS / 2 / Math.max(step, 1e-3));
	return points.map(({ seconds }, index) => {
		const side = Math.min(reach, index, points.length - 1 - index);
		const around = points.slice(index - side, index + side + 1);
		return { seconds, centre: around.reduce((sum, { centre }) => sum + centre, 0) / around.length };
	});
}

/** Ramer, Douglas, Peucker: as few straight lines as stay within the tolerance. */
function simplified(points: Point[], tolerance: number): Point[] {
	const [first, last] = [points[0], points.at(-1)];
	if (!first || !last || points.length < 3) return points;
	const off = ({ seconds, centre }: Point): number => Math.abs(centre - (first.centre + ((last.centre - first.centre) * (seconds - first.seconds)) / (last.seconds - first.seconds)));
	const farthest = points.reduce((most, point, index) => (off(point) > off(points[most] ?? first) ? index : most), 0);
	if (off(points[farthest] ?? first) <= tolerance) return [first, last];
	return [...simplified(points.slice(0, farthest + 1), tolerance), ...simplified(points.slice(farthest), tolerance).slice(1)];
}

/** The edge of the crop as an expression of ffmpeg over `t`: a sum, because nested conditions have a limit. */
export function edgeExpression(knots: Knot[], side: number, length: number): string {
	const free = side - length;
	const edge = ({ centre }: Knot): number => Math.round(Math.min(free, Math.max(0, centre * side - length / 2)) * 10) / 10;
	const terms = knots.slice(1).flatMap((knot, index) => {
		const before = knots[index] ?? knot;
		const step = Math.round((edge(knot) - edge(before)) * 10) / 10;
		if (step === 0) return [];
		if (knot.cut || knot.seconds - before.seconds < 1e-3) return [`${step}*gte(t,${(knot.seconds - 0.001).toFixed(3)})`];
		return [`${step}*clip((t-${before.seconds.toFixed(3)})/${(knot.seconds - before.seconds).toFixed(3)},0,1)`];
	});
	const [first] = knots;
	return [String(first ? edge(first) : free / 2), ...terms].join('+').replaceAll('+-', '-');
}
