import { randomUUID } from 'node:crypto';
import type { Sharp } from 'sharp';
import type { Picture } from '../../ai/provider.ts';
import { apngFrames, apngTimes } from '../../media/apng.ts';
import { estimate, hasAlpha, ON_WHITE } from '../../media/codecs.ts';
import { coverPictures } from '../../media/covers.ts';
import type { MediaFacts, VideoFacts } from '../../media/facts.ts';
import { evenNear, scaleTo, type Size } from '../../media/geometry.ts';
import { openPicture, readMetadata, refuseTooMuch, writePicture } from '../../media/images.ts';
import { beginOfShown, pictureTimes } from '../../media/picture-times.ts';
import type { MediaPlan, PlannedOutput, PlanResult } from '../../media/plan.ts';
import { readScenes, type Scene } from '../../media/scenes.ts';
import type { OpenedMedia } from '../media-input.ts';
import type { TaskContext } from '../operation.ts';
import type { Engine } from './engine.ts';

/** A picture for a model, and the moment of the video that it shows; null for a still picture, and for one that stands apart from the frames. */
export type SampledFrame = Picture & { atSeconds: number | null };

export interface SampleOptions {
	/** Pictures at most. One more where an animation has a picture apart from its frames. */
	most: number;
	/** Longest side, pixels. Default 1024: what the models here look at is smaller. */
	maxSide?: number;
	/** Part of the job's progress that this is, percent. Default 0 to 30. */
	progress?: readonly [number, number];
	/** Moments that are shown beside those, seconds. */
	also?: readonly number[];
}

export interface Sampled {
	pictures: SampledFrame[];
	cpuSeconds: number;
	/** Moments that could not be shown: the file is damaged there. */
	missed: number;
}

type SampleContext = Pick<TaskContext, 'source' | 'workDir' | 'signal' | 'progress' | 'log'>;

const MAX_SIDE = 1024;
/** ffmpeg opens the file once per picture: more at once would only take memory. */
const AT_ONCE = 4;
/** Pictures closer together mostly show the same. */
const LEAST_STEP_SECONDS = 0.5;
/** Finding the scenes means decoding everything; beyond this many CPU seconds the pictures are taken evenly instead. */
const CHEAP_CPU_SECONDS = 20;
const LOOK_WIDTH = 320;
/** What ffmpeg advises for a cut, and the shortest scene: as of the operation `scenes`. */
const CUT_THRESHOLD = 10;
const LEAST_SCENE_SECONDS = 0.5;
const JPEG_QUALITY = 90;
const SCENES = 'sample-scenes.txt';

/**
 * What is seen, for models that look at pictures: of a video some of each scene, in order of time; of an animation frames
 * spread over it; an image itself; nothing of a sound. Upright JPEGs in the work folder, on white where they were transparent.
 */
export async function sampleFrames(
	context: SampleContext,
	engine: Engine,
	{ most, maxSide = MAX_SIDE, progress = [0, 30], also = [] }: SampleOptions,
): Promise<Sampled> {
	const source = await context.source();
	const { facts } = source;
	if (facts.mime.startsWith('image/') && facts.fileType === 'image')
		return { pictures: await ofPicture(context, source, { most, maxSide, also }), cpuSeconds: 0, missed: 0 };
	if (facts.fileType === 'audio' || !facts.video) return { pictures: [], cpuSeconds: 0, missed: 0 };
	return ofVideo(context, engine, source, facts.video, { most, maxSide, progress, also });
}

/** The cover pictures of a sound, which people see beside it; `missed`: those that are damaged. */
export async function sampleCovers(context: SampleContext): Promise<Pick<Sampled, 'pictures' | 'missed'>> {
	const { paths, unread } = await coverPictures(await context.source(), MAX_SIDE, context);
	const pictures: SampledFrame[] = [];
	for (const path of paths) {
		const { width, height } = await readMetadata(path);
		pictures.push({ path, mime: 'image/jpeg', width, height, atSeconds: null });
	}
	return { pictures, missed: unread };
}

async function ofPicture(
	context: SampleContext,
	source: OpenedMedia,
	{ most, maxSide, also }: Required<Pick<SampleOptions, 'most' | 'maxSide' | 'also'>>,
): Promise<SampledFrame[]> {
	const picture = await openPicture(source, context);
	const isPng = source.facts.mime === 'image/apng';
	const { delay = [] } = picture.frames > 1 ? await readMetadata(picture.path) : {};
	const { starts, defaultApart } = isPng ? await apngTimes(picture.path) : { starts: startsOf(delay), defaultApart: false };
	if (isPng) refuseTooMuch(picture.width, picture.height, starts.length);
	const animated = starts.length > (defaultApart ? 0 : 1);
	const shownThen = also.map((at) => Math.max(0, starts.findLastIndex((start) => start <= at + SAME_TIME_SECONDS)));
	const wanted = [...new Set([...spread(animated ? starts.length : 1, most), ...(animated ? shownThen : [])])].toSorted((a, b) => a - b);
	const files = isPng && animated ? await apngFrames(picture.path, wanted, context) : [];
	const pictures: SampledFrame[] = [];
	const take = async (shown: Sharp, atSeconds: number | null): Promise<void> => {
		const chain = shown.resize(maxSide, maxSide, { fit: 'inside', withoutEnlargement: true }).toColourspace('srgb');
		const { path, width, height } = await writePicture(chain, { format: 'jpeg', quality: JPEG_QUALITY }, `sample-${randomUUID()}`, context);
		pictures.push({ path, mime: 'image/jpeg', width, height, atSeconds });
	};
	// What readers show that do not play it, and what is left when it is made another picture.
	if (animated && defaultApart) await take(picture.open(), null);
	for (const [index, frame] of wanted.entries()) {
		const file = files[index];
		const shown = file ? (await openPicture({ path: file, facts: { ...source.facts, mime: 'image/png' } }, context)).open() : picture.open({ frame });
		await take(shown, animated ? round(starts[frame] ?? 0) : null);
	}
	return pictures;
}

/** @param delays milliseconds */
function startsOf(delays: readonly number[]): number[] {
	let end = 0;
	return delays.map((delay) => (end += delay) - delay).map((milliseconds) => milliseconds / 1000);
}

const round = (seconds: number): number => Math.round(seconds * 1000) / 1000;
/** Moments are told in thousandths. */
const SAME_TIME_SECONDS = 0.001;

async function ofVideo(
	context: SampleContext,
	engine: Engine,
	source: OpenedMedia,
	video: VideoFacts,
	{ most, maxSide, progress, also }: Required<SampleOptions>,
): Promise<Sampled> {
	const { workDir, signal, log } = context;
	const { facts } = source;
	const [from, to] = progress;
	let cpuSeconds = 0;
	const run = async (plan: MediaPlan, begin: number, end: number): Promise<PlanResult> => {
		const onProgress = (percent: number): void =>
			context.progress(from + (to - from) * (begin + ((end - begin) * percent) / 100));
		const made = await engine.runPlan({ inputPath: source.path, facts, plan, workDir, signal, log, onProgress });
		cpuSeconds += made.cpuSeconds;
		return made;
	};
	const look = planLook(facts, video);
	let scenes: Scene[] = [];
	if (most > 1 && look.estimatedCpuSeconds <= CHEAP_CPU_SECONDS) {
		const { texts } = await run(look, 0, 0.5);
		scenes = readScenes(texts[SCENES] ?? '', lengthOf(facts, video), LEAST_SCENE_SECONDS);
	}
	const size = sampleSize(video, maxSide);
	const prefix = `sample-${randomUUID()}`;
	let times: Promise<Float64Array> | null = null;
	/** Where each of the moments is found, as far as the file tells. */
	const found = async (moments: readonly number[]): Promise<number[]> => {
		const known = await (times ??= pictureTimes(source, signal));
		return [...new Set(moments.map((at) => beginOfShown(known, at)))];
	};
	// Where the sound goes on, the last picture is shown until its end.
	const atEnd = most > 1 && facts.durationSeconds - lengthOf(facts, video) > LEAST_STEP_SECONDS ? await found([facts.durationSeconds]) : [];
	const held = atEnd.filter((at) => at <= lengthOf(facts, video));
	const chosen = [...new Set([...chooseMoments(facts, video, scenes, most - held.length), ...held, ...also])].toSorted((a, b) => a - b);
	// A screen recording may show one picture for minutes.
	const moments = video.variableFrameRate ? await found(chosen) : chosen;
	const outputs = moments.map((at, index) => frameAt(video, at, size, `${prefix}-${index + 1}.jpg`));
	const pictures: SampledFrame[] = [];
	const missing: number[] = [];
	const take = async (some: PlannedOutput[], done: number): Promise<void> => {
		const { files } = await run({ outputs: some, exactPlaces: true, estimatedCpuSeconds: some.length }, done, done + 0.5 / outputs.length);
		for (const [index, { path }] of files.entries())
			pictures.push({ path, mime: 'image/jpeg', ...size, atSeconds: some[index]?.seekSeconds ?? 0 });
	};
	for (let index = 0; index < outputs.length; index += AT_ONCE) {
		const some = outputs.slice(index, index + AT_ONCE);
		const done = 0.5 + (0.5 * index) / outputs.length;
		await take(some, done).catch(async (error: unknown) => {
			signal.throwIfAborted();
			// Where the sound goes on after the last picture, or the file is damaged, some moments show nothing: the others do.
			log.warn({ err: error }, 'frames are taken one by one');
			for (const one of some) {
				await take([one], done).catch((thrown: unknown) => {
					signal.throwIfAborted();
					log.warn({ err: thrown, at_seconds: one.seekSeconds }, 'there is no picture at this moment');
					missing.push(one.seekSeconds ?? 0);
				});
			}
		});
	}
	let missed = 0;
	for (const [index, at] of (missing.length > 0 ? await found(missing) : []).entries()) {
		if (pictures.some(({ atSeconds }) => atSeconds === at)) continue;
		await take([frameAt(video, at, size, `${prefix}-held-${index + 1}.jpg`)], 1 - 0.5 / outputs.length).catch((error: unknown) => {
			signal.throwIfAborted();
			log.warn({ err: error, at_seconds: at }, 'there is no picture at this moment');
			missed += 1;
		});
	}
	// The beginning is there if anything is: its error is the one to tell.
	if (pictures.length === 0) await take([frameAt(video, 0, size, `${prefix}-0.jpg`)], 0.5);
	context.progress(to);
	return { pictures: pictures.toSorted((a, b) => (a.atSeconds ?? 0) - (b.atSeconds ?? 0)), cpuSeconds, missed };
}

/** Finds the scenes: decodes everything, in small pictures. */
function planLook(facts: MediaFacts, video: VideoFacts): MediaPlan {
	const width = evenNear(Math.min(LOOK_WIDTH, video.width));
	const seconds = lengthOf(facts, video);
	return {
		outputs: [
			{
				name: SCENES,
				kind: 'text',
				mime: 'text/plain',
				videoFilters: [`scale=${width}:-2:flags=fast_bilinear`, `scdet=threshold=${CUT_THRESHOLD}`, 'metadata=print:file={text}'],
				options: ['-an'],
				expectedSeconds: seconds,
			},
		],
		estimatedCpuSeconds: estimate(facts, { seconds, decode: true }),
	};
}

const frameAt = (video: VideoFacts, at: number, size: Size, name: string): PlannedOutput => ({
	name,
	kind: 'image',
	mime: 'image/jpeg',
	...(at > 0 ? { seekSeconds: at } : {}),
	videoFilters: [...scaleTo(size), ...(hasAlpha(video) ? [ON_WHITE] : [])],
	// 2 is the best, 31 the worst quality of ffmpeg's JPEG.
	options: ['-c:v', 'mjpeg', '-q:v', '2', '-pix_fmt', 'yuvj420p', '-map_metadata', '-1'],
	expectedSeconds: 0,
});

/** In its own proportions, never larger than the source. */
export function sampleSize({ width, height }: Size, maxSide: number): Size {
	const factor = Math.min(1, maxSide / Math.max(width, height));
	return { width: Math.min(evenNear(width * factor), evenNear(maxSide)), height: Math.min(evenNear(height * factor), evenNear(maxSide)) };
}

const lengthOf = (facts: MediaFacts, video: VideoFacts): number => video.durationSeconds || facts.durationSeconds;

/**
 * Seconds, in order, at most `most`: the middle of each scene, more of the longer ones; of too many scenes the longest. Without
 * scenes evenly. Never closer together than half a second, and never behind the last picture.
 */
export function chooseMoments(
	facts: MediaFacts,
	video: VideoFacts,
	scenes: readonly Pick<Scene, 'start' | 'end'>[],
	most: number,
): number[] {
	const length = lengthOf(facts, video);
	const last = Math.max(0, length - Math.max(0.1, 2 / (video.frameRate || 25)));
	const all = scenes.length > 0 ? [...scenes] : [{ start: 0, end: length }];
	const lengths = (one: { start: number; end: number }): number => one.end - one.start;
	const kept = all.toSorted((a, b) => lengths(b) - lengths(a)).slice(0, most);
	const counts = kept.map(() => 1);
	for (let left = most - kept.length; left > 0; left--) {
		// The scene whose pictures are furthest apart gets one more.
		const gaps = kept.map((scene, index) => lengths(scene) / (counts[index] ?? 1));
		const widest = gaps.indexOf(Math.max(...gaps));
		if (lengths(kept[widest] ?? { start: 0, end: 0 }) / ((counts[widest] ?? 1) + 1) < LEAST_STEP_SECONDS) break;
		counts[widest] = (counts[widest] ?? 1) + 1;
	}
	const moments = kept.flatMap((scene, index) => {
		const count = counts[index] ?? 1;
		return Array.from({ length: count }, (_, place) => scene.start + ((place + 0.5) / count) * lengths(scene));
	});
	// Down: a hair behind a picture, ffmpeg takes the next one.
	const seeks = moments.map((at) => Math.floor(Math.min(at, last) * 1000 + 1e-6) / 1000);
	return [...new Set(seeks)].toSorted((a, b) => a - b);
}

/** Of `count` frames the numbers of at most `most`, evenly spread, from 0. */
export function spread(count: number, most: number): number[] {
	const taken = Math.min(count, most);
	return Array.from({ length: taken }, (_, place) => Math.floor(((place + 0.5) / taken) * count));
}
